//! What has changed in what a channel sends: its profile of late against that of all before.
//!
//! Pure, and the same for the same profiles. Every period is compared, so that a change is told
//! with the day on which it came, also when it is asked for later.

use std::collections::{BTreeMap, BTreeSet};

use contracts::problem::Bilingual;
use serde::{Deserialize, Serialize};

use super::{
    Field, Fields, Profile, Use,
    words::{self, Figures},
};

/// Records that must be known of before anything can have changed.
const BEFORE_MIN: u64 = 20;
/// Records that a share is judged by: so many periods are taken together, at most [`PERIODS_MAX`].
const LATELY_MIN: u64 = 20;
/// Periods taken together where each has few records.
const PERIODS_MAX: usize = 7;
/// The least change of a blank share that is told, and how many times the error it must be that
/// chance makes in samples of that size.
const SHARE_MIN: f64 = 0.20;
const SIGMAS: f64 = 3.0;
/// A field is gone where so many records should have it and none has.
const GONE_MIN: f64 = 10.0;
/// A new form or type is told that so many values have, and such a share of them: one slip of a
/// hand is no change.
const VALUES_MIN: u64 = 3;
const VALUES_SHARE_MIN: f64 = 0.01;
/// Values that must be known of before a form or a type is new.
const VALUES_BEFORE_MIN: u64 = 20;
/// Values of late by which the size of numbers is judged.
const SIZES_MIN: u64 = 10;
/// Powers of ten by which numbers have grown or shrunk.
const STEPS_MIN: u8 = 2;

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A field that never came before.
    NewField,
    /// A field that comes no more.
    FieldGone,
    /// A field that is blank much more often, or much more seldom.
    BlankShare,
    /// Values of another type.
    NewType,
    /// Dates or numbers written in another form.
    NewForm,
    /// A code that the code table does not list.
    UnknownCode,
    /// Numbers a hundred times as large, or more, or as small.
    Size,
}

impl ChangeKind {
    /// Every kind, and its word.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::NewField, "new-field"),
        (Self::FieldGone, "field-gone"),
        (Self::BlankShare, "blank-share"),
        (Self::NewType, "new-type"),
        (Self::NewForm, "new-form"),
        (Self::UnknownCode, "unknown-code"),
        (Self::Size, "size"),
    ];
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// Which records: by contract, such as `dossier/1`.
    pub records: String,
    /// The field's native path.
    pub path: String,
    /// Whether a rule of the mapping reads it.
    pub read: bool,
    /// The first period in which it was seen.
    pub since: String,
    /// The last one in which it was one; from then on it is what is usual, or it is over.
    pub until: String,
    /// The figures before, and of late.
    pub before: String,
    /// The figures of late.
    pub after: String,
    /// The types, forms or codes that never came before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh: Vec<String>,
    /// What has changed, in words.
    pub detail: Bilingual,
    /// What to do.
    pub advice: Bilingual,
}

/// One field before and of late, in so many records.
struct Comparison<'a> {
    before: &'a Field,
    after: &'a Field,
    records: (u64, u64),
}

/// What tells two changes of one path apart.
type Found = (ChangeKind, String);

/// The changes in what a channel sent, its periods being given from the earliest on; the newest
/// changes first.
pub fn changes(periods: &[(String, Profile)]) -> Vec<Change> {
    let kinds: BTreeSet<&String> = periods.iter().flat_map(|(_, one)| one.0.keys()).collect();
    let mut all = Vec::new();
    for kind in kinds {
        let of = |(period, one): &'_ (String, Profile)| {
            one.0.get(kind).map(|fields| (period.clone(), fields.clone()))
        };
        let own: Vec<(String, Fields)> = periods.iter().filter_map(of).collect();
        of_kind(kind, &own, &mut all);
    }
    all.sort_by(|a, b| {
        (&b.since, &a.records, &a.path, a.kind).cmp(&(&a.since, &b.records, &b.path, b.kind))
    });
    all
}

fn of_kind(records: &str, periods: &[(String, Fields)], all: &mut Vec<Change>) {
    let mut before = Fields::default();
    // Records since a field came first: what was before says nothing of how often it is blank.
    let mut since: BTreeMap<String, u64> = BTreeMap::new();
    let mut counted = 0;
    // Changes under way, each with the place of the last period in which it was seen.
    let mut open: BTreeMap<(String, Found), (usize, usize)> = BTreeMap::new();
    for (at, (period, _)) in periods.iter().enumerate() {
        let (first, after) = lately(periods, at);
        for (_, fields) in periods.iter().take(first).skip(counted) {
            join(&mut before, fields);
            for path in before.fields.keys() {
                *since.entry(path.clone()).or_default() += fields.records;
            }
        }
        counted = counted.max(first);
        if before.records < BEFORE_MIN {
            continue;
        }
        for (path, found, figures) in compare((&before, &since), &after) {
            let key = (path.clone(), found.clone());
            let change = words::change(&found, (records, &path), figures, period);
            match open.get_mut(&key) {
                Some((last, place)) if *last + 1 == at => {
                    *last = at;
                    if let Some(known) = all.get_mut(*place) {
                        let since = std::mem::take(&mut known.since);
                        *known = Change { since, ..change };
                    }
                }
                _ => {
                    open.insert(key, (at, all.len()));
                    all.push(change);
                }
            }
        }
    }
}

/// The period at a place, with as many before it as are needed to judge by; and where they begin.
fn lately(periods: &[(String, Fields)], at: usize) -> (usize, Fields) {
    let mut fields = Fields::default();
    let mut first = at;
    for place in (0..=at).rev().take(PERIODS_MAX) {
        if let Some((_, own)) = periods.get(place) {
            join(&mut fields, own);
        }
        first = place;
        if fields.records >= LATELY_MIN {
            break;
        }
    }
    (first, fields)
}

fn join(into: &mut Fields, other: &Fields) {
    into.records += other.records;
    for (path, field) in &other.fields {
        if let Some(own) = into.field(path, field.used) {
            own.merge(field);
        }
    }
}

fn compare(
    (before, since): (&Fields, &BTreeMap<String, u64>),
    after: &Fields,
) -> Vec<(String, Found, Figures)> {
    let nothing = Field::default();
    let paths: BTreeSet<&String> = before.fields.keys().chain(after.fields.keys()).collect();
    let mut told = Vec::new();
    let (mut new, mut gone): (Vec<&str>, Vec<&str>) = Default::default();
    for path in paths {
        let comparison = Comparison {
            before: before.fields.get(path).unwrap_or(&nothing),
            after: after.fields.get(path).unwrap_or(&nothing),
            records: (since.get(path).copied().unwrap_or(before.records), after.records),
        };
        let within = |outer: &[&str]| outer.iter().any(|outer| is_within(path, outer));
        if comparison.is_new() {
            // What holds it is new as well: that is told.
            if !within(&new) {
                told.push((
                    path.clone(),
                    (ChangeKind::NewField, String::new()),
                    comparison.shares(),
                ));
            }
            new.push(path);
        } else if comparison.is_gone() {
            if !within(&gone) {
                let figures = comparison.shares();
                told.push((path.clone(), (ChangeKind::FieldGone, String::new()), figures));
            }
            gone.push(path);
        } else {
            told.extend(
                comparison.of_values().map(|(found, figures)| (path.clone(), found, figures)),
            );
        }
    }
    told
}

/// Whether a path lies below another.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

fn share(count: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { count as f64 / of as f64 }
}

impl Comparison<'_> {
    fn is_new(&self) -> bool {
        self.before.present == 0 && self.after.present > 0
    }

    fn is_gone(&self) -> bool {
        let usual = share(self.before.present, self.records.0);
        self.after.present == 0 && usual * self.records.1 as f64 >= GONE_MIN
    }

    /// The shares of records that have the field.
    fn shares(&self) -> Figures {
        let told = |field: &Field, of| words::percent(share(field.present, of));
        let read = self.before.used.max(self.after.used) != Use::Unread;
        Figures {
            before: told(self.before, self.records.0),
            after: told(self.after, self.records.1),
            fresh: Vec::new(),
            read,
        }
    }

    /// What has changed in a field that was there and is there.
    fn of_values(&self) -> impl Iterator<Item = (Found, Figures)> {
        let mut told = Vec::new();
        let read = self.before.used.max(self.after.used) != Use::Unread;
        let mut add = |kind, fresh: Vec<String>, before: String, after: String| {
            let detail = match kind {
                ChangeKind::UnknownCode => fresh.first().cloned().unwrap_or_default(),
                _ => String::new(),
            };
            told.push(((kind, detail), Figures { before, after, fresh, read }));
        };
        if let Some((before, after)) = self.blank() {
            let (before, after) = (words::percent(before), words::percent(after));
            add(ChangeKind::BlankShare, Vec::new(), before, after);
        }
        let types = self.newly(&self.before.types, &self.after.types);
        if !types.is_empty() {
            let (before, after) =
                (words::parts(&self.before.types), words::parts(&self.after.types));
            add(ChangeKind::NewType, types, before, after);
        }
        let forms = self.newly(&self.before.forms, &self.after.forms);
        if self.is_formed() && !forms.is_empty() {
            let (before, after) =
                (words::parts(&self.before.forms), words::parts(&self.after.forms));
            add(ChangeKind::NewForm, forms, before, after);
        }
        for (code, count) in &self.after.strange {
            if !self.before.strange.contains_key(code) {
                add(ChangeKind::UnknownCode, vec![code.clone()], "0".to_owned(), count.to_string());
            }
        }
        if self.after.hidden > 0 && self.before.hidden == 0 {
            let hidden = self.after.hidden.to_string();
            add(ChangeKind::UnknownCode, Vec::new(), "0".to_owned(), hidden);
        }
        if let Some((before, after)) = self.sizes() {
            add(ChangeKind::Size, Vec::new(), words::size(before), words::size(after));
        }
        told.into_iter()
    }

    /// The blank shares, where they differ by more than chance makes.
    fn blank(&self) -> Option<(f64, f64)> {
        let (n, m) = self.records;
        if m < LATELY_MIN {
            return None;
        }
        let blank = |field: &Field, of: u64| share(of.saturating_sub(field.filled), of);
        let (before, after) = (blank(self.before, n), blank(self.after, m));
        let filled = self.before.filled + self.after.filled;
        let whole = 1.0 - share(filled, n + m);
        let chance = (whole * (1.0 - whole) * (1.0 / n as f64 + 1.0 / m as f64)).sqrt();
        let differ = (before - after).abs();
        (differ >= SHARE_MIN && differ >= SIGMAS * chance).then_some((before, after))
    }

    /// What enough values have of late, and none had before.
    fn newly(&self, before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<String> {
        let (known, all): (u64, u64) = (before.values().sum(), after.values().sum());
        let is_new = |(name, count): &(&String, &u64)| {
            known >= VALUES_BEFORE_MIN
                && !before.contains_key(*name)
                && **count >= VALUES_MIN
                && share(**count, all) >= VALUES_SHARE_MIN
        };
        after.iter().filter(is_new).map(|(name, _)| name.clone()).collect()
    }

    /// Whether its values are written in forms that mean something: it is read as a number or a
    /// date, or nearly all its values have been dates.
    fn is_formed(&self) -> bool {
        let dates = self.before.forms.iter().filter(|(form, _)| form.contains(['y', 'D']));
        let dates: u64 = dates.map(|(_, count)| count).sum();
        matches!(self.before.used.max(self.after.used), Use::Date | Use::Number)
            || share(dates, self.before.values()) >= 0.95
    }

    /// The usual digits of its numbers, where they differ by steps.
    fn sizes(&self) -> Option<(u8, u8)> {
        let before = median(&self.before.digits, VALUES_BEFORE_MIN)?;
        let after = median(&self.after.digits, SIZES_MIN)?;
        (before.abs_diff(after) >= STEPS_MIN).then_some((before, after))
    }
}

/// The middle one of so many values at least.
fn median(counts: &BTreeMap<u8, u64>, least: u64) -> Option<u8> {
    let all: u64 = counts.values().sum();
    if all < least {
        return None;
    }
    let mut so_far = 0;
    counts
        .iter()
        .find(|(_, count)| {
            so_far += **count;
            so_far * 2 >= all
        })
        .map(|(digits, _)| *digits)
}
