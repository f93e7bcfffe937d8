//! How a time limit runs: what the province declares, dated.

use contracts::{Status, procedure};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What a time limit is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    /// Days on which offices work; the day of acceptance is not one of them.
    WorkingDays,
    /// Days of the calendar; an end on a day off moves to the next working day.
    CalendarDays,
    /// Hours of working days.
    WorkingHours,
    /// The day of acceptance itself: the value is 0.
    SameDay,
    /// No time limit: the value is 0, and whatever is done is in time.
    None,
}

/// A time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TimeLimit)]
pub struct Limit {
    /// How many; 0 where the unit says all.
    pub value: u32,
    /// Of what.
    pub unit: LimitUnit,
}

impl From<procedure::Deadline> for Limit {
    fn from(told: procedure::Deadline) -> Self {
        use procedure::DeadlineUnit as U;
        let unit = match told.unit {
            U::WorkingDays => LimitUnit::WorkingDays,
            U::CalendarDays => LimitUnit::CalendarDays,
            U::WorkingHours => LimitUnit::WorkingHours,
            U::None => LimitUnit::None,
        };
        Self { value: told.value, unit }
    }
}

/// What is left of a time limit while it stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = TimeLeft)]
pub struct Left {
    /// How many.
    pub value: i64,
    /// `working_days`, `calendar_days` or `working_minutes`.
    pub unit: &'static str,
}

/// How a time limit goes on when what was waited for has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resume {
    /// By what it stood still, it ends later.
    Shift,
    /// It begins anew, whole.
    Restart,
}

/// What a time limit stands still for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// More papers, status 5.
    Supplement,
    /// A payment, status 6.
    Payment,
}

impl Waits {
    /// The status in which it is waited for.
    pub fn status(self) -> Status {
        match self {
            Self::Supplement => Status::SUPPLEMENT,
            Self::Payment => Status::PAYMENT,
        }
    }
}

/// A phase of the work, known by what a source calls the step that begins it. It lasts until the
/// source tells another step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// What explanations call it.
    pub name: String,
    /// Words of which a source's own name of the step has some; compared without tones and case.
    pub says: Vec<String>,
}

/// How time limits run, for some dossiers, between two days of acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadlineRule {
    /// What explanations call it.
    pub name: String,
    /// Of these procedures, by national code or an agency's own; none for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub procedures: Vec<String>,
    /// Of these fields, by name; none for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Accepted at these agencies, by hub id; none for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agencies: Vec<String>,
    /// Filed this way: `online`, `counter` or `post`; absent for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The time limit, in place of the one that the procedure has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// Second of the day; what is accepted later counts from the next opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_until: Option<u32>,
    /// How it goes on after a pause.
    pub resume: Resume,
    /// What it stands still for.
    pub pauses: Vec<Waits>,
    /// How long an applicant has for more papers, from the request on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplement: Option<Limit>,
    /// Phases that never count, whatever the status in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted: Vec<Phase>,
    /// How often the agency may set a new date.
    pub extensions_max: u32,
    /// Whether a new date counts only with a letter of apology.
    pub apology_required: bool,
    /// The act it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// First day of acceptance that it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Date>,
    /// Last day of acceptance that it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Date>,
}
