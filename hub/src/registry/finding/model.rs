//! The rules by which questions are asked: names that the program knows, thresholds and words that
//! the province declares, dated.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What a rule may be set by, as `findings.toml` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// A number of days.
    Days,
    /// Days that are compared with.
    BeforeDays,
    /// Days after which nothing more is expected to come.
    GraceDays,
    /// A number of dossiers.
    Dossiers,
    /// How many times as many.
    Times,
    /// The moves of the life cycle.
    Moves,
    /// Words that belong to a status.
    Words,
    /// Days on which reporting periods end.
    CutOffs,
}

impl Parameter {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Days,
        Self::BeforeDays,
        Self::GraceDays,
        Self::Dossiers,
        Self::Times,
        Self::Moves,
        Self::Words,
        Self::CutOffs,
    ];

    /// Its name in `findings.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::BeforeDays => "before_days",
            Self::GraceDays => "grace_days",
            Self::Dossiers => "dossiers",
            Self::Times => "times",
            Self::Moves => "moves",
            Self::Words => "words",
            Self::CutOffs => "cut_offs",
        }
    }
}

macro_rules! rules {
    ($(
        $(#[$doc:meta])*
        $rule:ident = $name:literal [$($parameter:ident),*] [$($value:literal),*];
    )+) => {
        /// What can be asked. A rule's name is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum RuleName {
            $($(#[$doc])* #[serde(rename = $name)] $rule,)+
        }

        impl RuleName {
            /// All rules.
            pub const ALL: &[Self] = &[$(Self::$rule),+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name),+ }
            }

            /// What it must be set by.
            pub const fn parameters(self) -> &'static [Parameter] {
                match self { $(Self::$rule => &[$(Parameter::$parameter),*]),+ }
            }

            /// The values that its words may name.
            pub const fn values(self) -> &'static [&'static str] {
                match self { $(Self::$rule => &[$($value),*]),+ }
            }
        }
    };
}

rules! {
    /// Recorded long after it happened. Depends on the receipt by nature; not asked of backfill.
    BackdatedEvent = "backdated-event" [Days] ["at", "recorded", "days", "events"];
    /// The decision is dated before the acceptance.
    FinishBeforeAcceptance = "finish-before-acceptance" [] ["accepted", "finished"];
    /// Two times of one day are the wrong way round, and right if one is an afternoon's that was
    /// written by a clock of twelve hours.
    TwelveHourClock = "twelve-hour-clock" [] ["first", "first_at", "then", "then_at"];
    /// A dossier went back to a status that lies before.
    StatusRegression = "status-regression" [] ["from", "to", "at"];
    /// A move that the declared life cycle does not lead to.
    UnusualMove = "unusual-move" [Moves] ["from", "to", "at"];
    /// A promise moved, and nothing accounts for it.
    DueDateMoved = "due-date-moved" [] ["from", "to"];
    /// The hub's own deadline is another than the agency's.
    DeadlineDiffers = "deadline-differs" [Days] ["promised", "reckoned", "days"];
    /// A source's own words contradict the status that it tells.
    StatusTextDiffers = "status-text-differs" [Words] ["status", "text", "meant", "at"];
    /// One version with two contents.
    SameVersionDiffers = "same-version-differs" [] ["version"];
    /// One national code with several procedures.
    CodeProcedureDiffers = "code-procedure-differs" [] ["code", "dossiers"];
    /// One national code at several sources, of which one names no procedure.
    CodeProcedureUnknown = "code-procedure-unknown" [] ["code", "dossiers"];
    /// Numbers of a day that no dossier bears.
    SequenceGap = "sequence-gap" [GraceDays] ["code", "last", "missing", "numbers"];
    /// Many more dossiers finished just before a reporting period ends than before that.
    FinishedBeforeCutOff = "finished-before-cut-off"
        [Days, BeforeDays, GraceDays, Dossiers, Times, CutOffs]
        ["cut_off", "days", "dossiers", "before_days", "before"];
    /// An agency's own figures of a month are other than the hub's.
    ClaimDiffers = "claim-differs" [Dossiers] ["month", "claimed", "counted"];
}

/// Words that tell another status than the one they go with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusWords {
    /// The status told.
    pub status: u8,
    /// The status that the words mean.
    pub meant: u8,
    /// The words, as people write them; compared without tones and case.
    pub says: Vec<String>,
}

/// A day of every year on which a reporting period ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CutOff {
    /// Month, from 1.
    pub month: i8,
    /// Day of the month.
    pub day: i8,
}

/// One rule as it is declared, in force between two days of what it speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingRule {
    /// Which rule.
    pub name: RuleName,
    /// See [`Parameter::Days`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub days: u32,
    /// See [`Parameter::BeforeDays`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub before_days: u32,
    /// See [`Parameter::GraceDays`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub grace_days: u32,
    /// See [`Parameter::Dossiers`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dossiers: u32,
    /// See [`Parameter::Times`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub times: u32,
    /// See [`Parameter::Moves`]: from each status, those that follow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub moves: BTreeMap<u8, Vec<u8>>,
    /// See [`Parameter::Words`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<StatusWords>,
    /// See [`Parameter::CutOffs`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_offs: Vec<CutOff>,
    /// What was seen, in Vietnamese, with `{value}`s.
    pub vi: String,
    /// The same in English.
    pub en: String,
    /// What to ask or to look at, in Vietnamese.
    pub question_vi: String,
    /// The same in English.
    pub question_en: String,
    /// First day that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Date>,
    /// Last day that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Date>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl FindingRule {
    /// Whether it may speak of a day; what has no day is asked by any.
    pub fn stands(&self, day: Option<Date>) -> bool {
        day.is_none_or(|day| {
            self.valid_from.is_none_or(|first| first <= day)
                && self.valid_to.is_none_or(|last| day <= last)
        })
    }

    /// Whether both may speak of one day.
    pub fn meets(&self, other: &Self) -> bool {
        let before = |last: Option<Date>, first: Option<Date>| {
            last.zip(first).is_some_and(|(last, first)| last < first)
        };
        self.name == other.name
            && !before(self.valid_to, other.valid_from)
            && !before(other.valid_to, self.valid_from)
    }
}

/// A text with each `{name}` replaced by its value.
pub(super) fn filled(text: &str, values: &BTreeMap<&'static str, String>) -> String {
    let mut told = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, named)) = rest.split_once('{') {
        told.push_str(before);
        let Some((name, after)) = named.split_once('}') else { break };
        match values.get(name) {
            Some(value) => told.push_str(value),
            None => told.push('…'),
        }
        rest = after;
    }
    told.push_str(rest);
    told
}
