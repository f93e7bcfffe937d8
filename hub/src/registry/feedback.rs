//! Feedback and votes of some days, summed up (plan, reference S30). Pure.

mod few;

use std::collections::{BTreeMap, BTreeSet};

use contracts::{
    feedback::{Feedback, FeedbackAnswer},
    votes::Votes,
};
use serde::Serialize;

/// Fewer than so many are said to be few: a share of them says little, and may point at somebody.
pub const FEW: u64 = 5;

/// What is told apart: agency, and procedure where that is asked.
pub type Group = (String, Option<String>);

/// Votes that systems counted themselves, of their polls together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = VotesCounted)]
pub struct Counted {
    /// Votes.
    pub total: u64,
    /// Of these very good, as their shares say, rounded.
    pub very_good: u64,
    /// Good.
    pub good: u64,
    /// Bad.
    pub bad: u64,
}

/// One group. What is told of it may lack numbers: [`Row::suppressed`] names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FeedbackRow)]
pub struct Row {
    /// The agency.
    pub agency: String,
    /// The procedure; absent where none was told, or where it is not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// Feedback received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Of these, answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<u64>,
    /// The same in tenths of a percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_permille: Option<u64>,
    /// Days until half of the answered were answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_to_answer_median: Option<i32>,
    /// The most days that an answer took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_to_answer_max: Option<i32>,
    /// How many gave 1 (worst) to 5 (best).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratings: Option<[u64; 5]>,
    /// Their mean, in hundredths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating_mean_hundredths: Option<u64>,
    /// Votes that systems counted themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub votes: Option<Counted>,
    /// Whether there are so few that shares and means say little; also where what was received is
    /// left out.
    pub few: bool,
    /// Numbers that are left out: of too few, or what would give such away. For keys of the portal
    /// alone.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub suppressed: BTreeSet<&'static str>,
}

#[derive(Debug, Default)]
struct Sum {
    received: u64,
    days: Vec<i32>,
    ratings: [u64; 5],
    votes: Counted,
}

/// A summary in the making; the order in which it is told does not matter.
#[derive(Debug, Default)]
pub struct Summary {
    by_procedure: bool,
    sums: BTreeMap<Group, Sum>,
}

impl Summary {
    /// Nothing yet.
    pub fn new(by_procedure: bool) -> Self {
        Self { by_procedure, sums: BTreeMap::new() }
    }

    fn group(&mut self, agency: &str, procedure: Option<&String>) -> &mut Sum {
        let procedure = procedure.filter(|_| self.by_procedure).cloned();
        self.sums.entry((agency.to_owned(), procedure)).or_default()
    }

    /// Takes a feedback, and its answer where there is one.
    pub fn feedback(&mut self, one: &Feedback, answer: Option<&FeedbackAnswer>) {
        let sum = self.group(&one.agency, one.procedure.as_ref());
        sum.received += 1;
        let rating = one.rating.and_then(|rating| usize::from(rating).checked_sub(1));
        if let Some(count) = rating.and_then(|at| sum.ratings.get_mut(at)) {
            *count += 1;
        }
        if let Some(answer) = answer {
            let (sent, answered) = (one.submitted_at.day(), answer.answered_at.day());
            sum.days.push(sent.until(answered).map_or(0, |span| span.get_days()).max(0));
        }
    }

    /// Takes a poll.
    pub fn votes(&mut self, one: &Votes) {
        let sum = self.group(&one.agency, one.procedure.as_ref());
        let of = |share: Option<&serde_json::Number>| {
            let share = share.and_then(serde_json::Number::as_f64).unwrap_or(0.0);
            // Within 0 and the total: a share is at most a hundred.
            (share / 100.0 * one.total as f64).round() as u64
        };
        sum.votes.total = sum.votes.total.saturating_add(one.total);
        sum.votes.very_good =
            sum.votes.very_good.saturating_add(of(one.very_good_percent.as_ref()));
        sum.votes.good = sum.votes.good.saturating_add(of(one.good_percent.as_ref()));
        sum.votes.bad = sum.votes.bad.saturating_add(of(one.bad_percent.as_ref()));
    }

    /// The groups, by agency and procedure; for everybody without what is out of fewer than so
    /// many.
    pub fn close(self, few: Option<u32>) -> Vec<Row> {
        let mut rows: Vec<Row> =
            self.sums.into_iter().map(|(group, sum)| row(group, sum)).collect();
        few.into_iter().for_each(|few| few::leave_out(&mut rows, few.into()));
        rows
    }
}

fn row((agency, procedure): Group, mut sum: Sum) -> Row {
    sum.days.sort_unstable();
    let answered = sum.days.len() as u64;
    let rated: u64 = sum.ratings.iter().sum();
    let points: u64 =
        (1..).zip(&sum.ratings).map(|(rating, count): (u64, &u64)| rating * count).sum();
    Row {
        agency,
        procedure,
        received: Some(sum.received),
        answered: Some(answered),
        answered_permille: (sum.received > 0).then(|| answered * 1_000 / sum.received),
        days_to_answer_median: sum.days.get(sum.days.len().saturating_sub(1) / 2).copied(),
        days_to_answer_max: sum.days.last().copied(),
        ratings: Some(sum.ratings),
        rating_mean_hundredths: (rated > 0).then(|| points * 100 / rated),
        few: sum.received < FEW && sum.votes.total < FEW,
        votes: Some(sum.votes),
        suppressed: BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn feedback(id: usize, rating: u8, day: u8) -> Feedback {
        let body = json!({ "id": id.to_string(), "agency": format!("so-{}", id % 2),
                           "submitted_at": format!("2024-03-{day:02}"), "rating": rating });
        serde_json::from_value(body).unwrap()
    }

    fn answer(day: u8) -> FeedbackAnswer {
        let body = json!({ "feedback": "1", "agency": "so-1",
                           "answered_at": format!("2024-04-{day:02}") });
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn shares_means_and_medians_are_of_what_was_told() {
        let mut summary = Summary::new(false);
        for (id, rating, answered) in
            [(1, 5, Some(1)), (3, 4, Some(3)), (5, 1, Some(11)), (7, 2, None)]
        {
            summary.feedback(&feedback(id, rating, 31), answered.map(answer).as_ref());
        }
        let poll: Votes = serde_json::from_value(json!({ "id": "1", "agency": "so-1",
            "at": "2024-03-31", "total": 250, "very_good_percent": 60.5, "good_percent": 30,
            "bad_percent": 9.5 }))
        .unwrap();
        summary.votes(&poll);
        let rows = summary.close(None);
        let row = &rows[0];
        assert_eq!(
            (row.received, row.answered, row.answered_permille),
            (Some(4), Some(3), Some(750))
        );
        assert_eq!((row.days_to_answer_median, row.days_to_answer_max), (Some(3), Some(11)));
        assert_eq!((row.ratings, row.rating_mean_hundredths), (Some([1, 1, 0, 1, 1]), Some(300)));
        assert_eq!(row.votes, Some(Counted { total: 250, very_good: 151, good: 75, bad: 24 }));
        assert!(!row.few && rows.len() == 1);
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(
            told in prop::collection::vec((1_u8..=5, 1_u8..=28, any::<bool>()), 0..20)
                .prop_flat_map(|all| (Just(all.clone()), Just(all.into_iter().enumerate()
                    .collect::<Vec<_>>()).prop_shuffle())),
        ) {
            let (told, shuffled) = told;
            let told: Vec<_> = told.into_iter().enumerate().collect();
            let sum = |all: &[(usize, (u8, u8, bool))]| {
                let mut summary = Summary::new(false);
                for (id, (rating, day, answered)) in all {
                    let answer = answered.then(|| answer(*day));
                    summary.feedback(&feedback(*id, *rating, *day), answer.as_ref());
                }
                summary.close(None)
            };
            prop_assert_eq!(sum(&told), sum(&shuffled));
        }
    }
}
