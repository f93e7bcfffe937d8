//! An agency's own figures of a month against those that the hub counts, both as of the entry that
//! tells the first.

use std::collections::BTreeMap;

use contracts::claimed_statistic::ClaimedStatistic;
use jiff::civil::Date;

use super::{
    model::RuleName,
    question::{Question, Stamp, Subject},
    rulebook::Rulebook,
};

/// What an agency claims of a month, and the entry that tells it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The entry.
    pub stamp: Stamp,
    told: ClaimedStatistic,
    first: Date,
}

impl Claim {
    /// Of what was told; `None` where it names no month of the calendar.
    pub fn new(stamp: Stamp, told: ClaimedStatistic) -> Option<Self> {
        let first = format!("{}-01", told.month).parse().ok()?;
        Some(Self { stamp, told, first })
    }

    /// The agency whose figures they are.
    pub fn agency(&self) -> &str {
        &self.told.agency
    }

    /// First and last day of the month.
    pub fn days(&self) -> (Date, Date) {
        (self.first, self.first.last_of_month())
    }

    /// What is asked about: the agency's month. A later claim of it takes the place of this one.
    pub fn subject(&self) -> Subject {
        let (agency, of) = (self.told.agency.clone(), self.told.month.clone());
        Subject { rule: RuleName::ClaimDiffers, agency, dossier: None, of }
    }

    /// What is asked, where a figure differs by as much as the rule says.
    pub fn ask(&self, counted: &Counted, book: &Rulebook) -> Option<Question> {
        let day = self.days().1;
        let rule = book.rule(RuleName::ClaimDiffers, Some(day))?;
        let least = rule.dossiers.max(1);
        let pairs = self.claimed().into_iter().zip(counted.figures());
        let differ: Vec<(&str, u64, i64)> = pairs
            .filter_map(|((name, claimed), counted)| {
                let claimed = claimed?;
                let by = i64::try_from(claimed).unwrap_or(i64::MAX).abs_diff(counted);
                (by >= u64::from(least)).then_some((name, claimed, counted))
            })
            .collect();
        if differ.is_empty() {
            return None;
        }
        let told = |all: Vec<String>| all.join(", ");
        let claimed = differ.iter().map(|(name, claimed, _)| format!("{name} {claimed}"));
        let counted = differ.iter().map(|(name, _, counted)| format!("{name} {counted}"));
        let subject = self.subject();
        let question = Question::new(subject.rule, &subject.agency, None, subject.of.clone());
        Some(
            question
                .on(day)
                .with("month", subject.of)
                .with("claimed", told(claimed.collect()))
                .with("counted", told(counted.collect()))
                .told_by(&self.told.source, [self.stamp.position]),
        )
    }

    /// The figures by name.
    fn claimed(&self) -> [(&'static str, Option<u64>); 9] {
        let told = &self.told;
        [
            ("received", told.received),
            ("carried", told.carried),
            ("total", told.total),
            ("solved", told.solved),
            ("solved_in_time", told.solved_in_time),
            ("solved_late", told.solved_late),
            ("pending", told.pending),
            ("pending_in_time", told.pending_in_time),
            ("pending_late", told.pending_late),
        ]
    }
}

/// The hub's numbers of a month, by measure: its flows and the gauges at its end, and how many were
/// open when it began.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// By the name of the measure.
    pub measures: BTreeMap<String, i64>,
    /// Open at the end of the day before.
    pub carried: i64,
}

impl Counted {
    /// In the order of [`Claim::claimed`]. What was withdrawn counts as in time, as in the form of
    /// the reports.
    fn figures(&self) -> [i64; 9] {
        let of = |name: &str| self.measures.get(name).copied().unwrap_or(0);
        let (received, carried) = (of("accepted"), self.carried);
        let in_time = of("finished-early") + of("finished-on-time") + of("withdrawn");
        let (late, pending, overdue) = (of("finished-late"), of("open"), of("overdue"));
        [
            received,
            carried,
            received + carried,
            in_time + late,
            in_time,
            late,
            pending,
            pending - overdue,
            overdue,
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::registry::{
        Catalogue,
        deadline::Deadlines,
        finding::{FindingRule, JudgedBy},
    };

    fn book(dossiers: u32) -> Rulebook {
        let text = r#"{"name": "claim-differs", "vi": "", "en": "", "question_vi": "",
            "question_en": ""}"#;
        let rule = serde_json::from_str::<FindingRule>(text).unwrap();
        let findings = vec![FindingRule { dossiers, ..rule }];
        let catalogue = Catalogue { findings, ..Catalogue::default() };
        let deadlines = Arc::new(Deadlines::new(&catalogue));
        Rulebook::new(&catalogue, deadlines, JudgedBy { catalogue: String::new(), position: 0 })
    }

    fn claim(received: u64, pending: Option<u64>) -> Claim {
        let told = ClaimedStatistic {
            source: "so-a".to_owned(),
            agency: "so-a".to_owned(),
            month: "2024-02".to_owned(),
            received: Some(received),
            solved_in_time: Some(4),
            pending,
            ..ClaimedStatistic::default()
        };
        Claim::new(Stamp { position: 7, at: Timestamp::UNIX_EPOCH }, told).unwrap()
    }

    fn counted() -> Counted {
        let measures = [("accepted", 8), ("finished-early", 3), ("withdrawn", 1), ("open", 6)];
        let measures = measures.map(|(name, n)| (name.to_owned(), n));
        Counted { measures: measures.into(), carried: 2 }
    }

    #[test]
    fn figures_that_differ_are_asked_about_by_name_and_those_left_out_are_not() {
        let asked = claim(9, Some(6)).ask(&counted(), &book(1)).unwrap();
        assert_eq!(
            (&*asked.values["claimed"], &*asked.values["counted"]),
            ("received 9", "received 8")
        );
        assert_eq!(asked.day.unwrap().to_string(), "2024-02-29");
        assert_eq!(asked.subject.of, "2024-02");
        assert_eq!(asked.positions, [7].into());
        let two = claim(9, Some(0)).ask(&counted(), &book(1)).unwrap();
        assert_eq!(two.values["counted"], "received 8, pending 6");
    }

    #[test]
    fn equal_figures_and_small_differences_are_not_asked_about() {
        assert_eq!(claim(8, None).ask(&counted(), &book(1)), None);
        assert_eq!(claim(10, None).ask(&counted(), &book(3)), None);
        assert!(claim(11, None).ask(&counted(), &book(3)).is_some());
    }
}
