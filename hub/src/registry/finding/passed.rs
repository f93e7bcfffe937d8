//! Days that are over from an entry on: the calendar has moved on since the entry before it.
//!
//! The times of entries are the only clock there is, so a recount looks at the same days at the
//! same entries, whatever hour it is made at.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan, civil::Date};

use super::{
    cut_off,
    model::{FindingRule, RuleName},
    question::{Stamp, day_of_record},
    rulebook::Rulebook,
    tally::{Of, months},
};

/// A calendar that has moved on between two entries.
#[derive(Debug)]
pub struct Passed {
    pub(super) stamp: Stamp,
    pub(super) book: Arc<Rulebook>,
    /// The day of the entry before.
    since: Date,
}

impl Passed {
    /// At an entry after one of a time; `None` where both are of one day.
    pub fn new(stamp: Stamp, before: Timestamp, book: Arc<Rulebook>) -> Option<Self> {
        let since = day_of_record(before);
        (since < stamp.day()).then_some(Self { stamp, book, since })
    }

    /// The entry.
    pub fn position(&self) -> u64 {
        self.stamp.position
    }

    /// The days that a rule speaks of and that are over at this entry and not before it.
    fn days(&self, rule: &FindingRule) -> Option<(Date, Date)> {
        let back = i64::from(rule.grace_days);
        let first = self.since.saturating_sub(back.days());
        let last = self.stamp.day().saturating_sub((back + 1).days());
        let first = rule.valid_from.map_or(first, |from| first.max(from));
        let last = rule.valid_to.map_or(last, |to| last.min(to));
        (first <= last).then_some((first, last))
    }

    /// Whether a day is over from this entry on.
    pub(super) fn is_over_now(&self, name: RuleName, day: Date) -> bool {
        let days = self.book.rule(name, Some(day)).and_then(|rule| self.days(rule));
        days.is_some_and(|(first, last)| first <= day && day <= last)
    }

    /// The ends of periods that are over from this entry on, each with its rule.
    pub(super) fn ends(&self) -> impl Iterator<Item = (&FindingRule, Date)> {
        self.book.versions(RuleName::FinishedBeforeCutOff).flat_map(|rule| {
            let days = self.days(rule).into_iter();
            days.flat_map(|days| cut_off::between(rule, days)).map(move |end| (rule, end))
        })
    }

    /// The tallies that are needed: what they count, and their days.
    pub fn wanted(&self) -> Vec<(Of, (Date, Date))> {
        let numbers = self.book.versions(RuleName::SequenceGap).filter_map(|rule| self.days(rule));
        let mut all: Vec<_> = numbers.map(|days| (Of::Numbers, days)).collect();
        all.extend(self.ends().filter_map(|(rule, end)| {
            let first = months(rule, end).next()?;
            Some((Of::Finished, (first, end)))
        }));
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{super::tests as course, *};
    use crate::registry::{
        Settings,
        finding::{Finding, Looked, Standing, Tallies, judge},
        rules::reference,
    };

    /// Dossiers told on a day each, or a day on which something else is told; what is open after
    /// each, with the entry that opened it.
    fn open_after(told: &[(&str, Option<Value>)]) -> Vec<BTreeSet<(String, u64)>> {
        let book = Arc::new(course::book());
        let (mut tallies, mut open) = (Tallies::default(), Vec::<Finding>::new());
        let mut before = None;
        let mut all = Vec::new();
        for (position, (day, dossier)) in (0..).zip(told) {
            let at = format!("{day}T05:00:00Z").parse().unwrap();
            let stamp = Stamp { position, at };
            let mut standing = Standing::default();
            open.drain(..).for_each(|one| standing.insert(one));
            if let Some(passed) = before.and_then(|before| Passed::new(stamp, before, book.clone()))
            {
                tallies.pass(&passed, &mut standing);
            }
            before = Some(at);
            if let Some(more) = dossier {
                let heard = course::heard([course::told(more.clone())]);
                let heard: Vec<_> = heard.iter().collect();
                let by = (&reference(), &Settings::default());
                let is = judge(&heard, by, None).states;
                let looked =
                    Looked::new(stamp, std::iter::empty(), is.values(), Some(book.clone()));
                tallies.look(&looked, &mut standing);
            }
            open = standing.into_open().collect();
            let told = open.iter().map(|one| (one.subject.of.clone(), one.opened.position));
            all.push(told.collect());
        }
        all
    }

    fn opened(of: &str, position: u64) -> BTreeSet<(String, u64)> {
        [(of.to_owned(), position)].into()
    }

    #[test]
    fn a_gap_is_asked_about_at_the_first_entry_of_a_day_on_which_its_own_is_over() {
        let coded = |number: u32| {
            let code = format!("H19.14-251001-{number:04}");
            Some(json!({ "source_code": number.to_string(), "code": code }))
        };
        // Three days of grace: 1 October is over on the 5th.
        let all = open_after(&[
            ("2025-10-01", coded(1)),
            ("2025-10-01", coded(4)),
            ("2025-10-04", None),
            ("2025-10-05", None),
            ("2025-10-06", None),
            ("2025-10-07", coded(2)),
        ]);
        let gap = |position| opened("H19.14-251001", position);
        let none = BTreeSet::new;
        assert_eq!(all, [none(), none(), none(), gap(3), gap(3), gap(3)]);
        // However many days lie between two entries.
        let idle = open_after(&[("2025-10-01", coded(4)), ("2026-09-01", None)]);
        assert_eq!(idle[1], gap(1));
        // Of a day that is over, no entry but those about it has anything to say.
        let late = open_after(&[("2025-10-09", coded(4)), ("2025-10-10", None)]);
        assert_eq!(late, [gap(0), gap(0)]);
    }

    #[test]
    fn a_cut_off_is_looked_at_when_it_is_over_though_nothing_more_is_finished() {
        let done = |dossier: u32| {
            Some(json!({ "source_code": dossier.to_string(), "status": 9,
                "accepted_at": "2024-09-01", "finished_at": "2024-12-14" }))
        };
        let day = "2024-12-14";
        let all = open_after(&[
            (day, done(1)),
            (day, done(2)),
            (day, done(3)),
            (day, done(4)),
            ("2024-12-17", None),
            ("2024-12-18", None),
        ]);
        assert!(all[..5].iter().all(BTreeSet::is_empty), "{all:?}");
        assert_eq!(all[5], opened("2024-12-14", 5));
    }
}
