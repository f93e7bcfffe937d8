//! A summary as everybody may see it: what is out of too few is left out (decisions 56 and 62).

use std::collections::BTreeSet;

use super::Row;

/// Numbers of a row that are out of the same feedback, or the same votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    /// What came, and what was answered of it.
    Received,
    /// What was rated, which is some of what came.
    Rated,
    Votes,
}

impl Group {
    /// How many its numbers are out of.
    fn out_of(self, row: &Row) -> u64 {
        match self {
            Self::Received => row.received.unwrap_or_default(),
            Self::Rated => row.ratings.iter().flatten().sum(),
            Self::Votes => row.votes.as_ref().map_or(0, |votes| votes.total),
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Received => &[
                "received",
                "answered",
                "answered_permille",
                "days_to_answer_median",
                "days_to_answer_max",
            ],
            Self::Rated => &["ratings", "rating_mean_hundredths"],
            Self::Votes => &["votes"],
        }
    }

    /// Leaves its numbers out of a row.
    fn leave_out(self, row: &mut Row) {
        row.suppressed.extend(self.names());
        match self {
            Self::Received => {
                (row.received, row.answered, row.answered_permille) = (None, None, None);
                (row.days_to_answer_median, row.days_to_answer_max) = (None, None);
                row.few = true;
            }
            Self::Rated => (row.ratings, row.rating_mean_hundredths) = (None, None),
            Self::Votes => row.votes = None,
        }
    }
}

/// Which rows of an agency are left out of a group: those that `gone` has already, those of too
/// few, and where what is told of the agency as a whole would tell of these, the next smallest.
/// `out_of` has how many each row is of.
fn hidden(out_of: &[u64], gone: &BTreeSet<usize>, few: u64) -> BTreeSet<usize> {
    let cells = out_of.iter().copied().enumerate();
    let mut by_size: Vec<(usize, u64)> =
        cells.filter(|(at, n)| *n > 0 || gone.contains(at)).collect();
    // What is gone anyway comes first.
    by_size.sort_unstable_by_key(|(at, n)| (!gone.contains(at), *n, *at));
    let (mut hidden, mut together) = (BTreeSet::new(), 0);
    for (at, n) in by_size {
        // One alone is told by the sum, and so are several if all of them are too few.
        let is_safe = together == 0 || (hidden.len() > 1 && together >= few);
        if n >= few && is_safe && !gone.contains(&at) {
            break;
        }
        hidden.insert(at);
        together += n;
    }
    hidden
}

/// Leaves out of the rows of a summary, by agency and procedure, what is out of fewer than so many,
/// or would give such away.
pub(super) fn leave_out(rows: &mut [Row], few: u64) {
    // Rows by agency alone are of no sum that is told, and so are each by themselves.
    for rows in rows.chunk_by_mut(|one, next| one.agency == next.agency) {
        let of = |group: Group| rows.iter().map(|row| group.out_of(row)).collect::<Vec<_>>();
        let none = BTreeSet::new();
        let received = hidden(&of(Group::Received), &none, few);
        // Ratings would tell how much came, at least.
        let rated = hidden(&of(Group::Rated), &received, few);
        let votes = hidden(&of(Group::Votes), &none, few);
        let all = [(Group::Received, received), (Group::Rated, rated), (Group::Votes, votes)];
        for (group, hidden) in all {
            let hidden = hidden.into_iter();
            hidden.for_each(|at| rows.get_mut(at).into_iter().for_each(|row| group.leave_out(row)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::registry::feedback::{Counted, Sum, row};

    /// How many came, how many of these were rated, and how many voted.
    type Told = (u64, u64, u64);

    fn rows(told: &[(u8, u8, Told)], by_procedure: bool) -> Vec<Row> {
        let mut sums: BTreeMap<(String, Option<String>), Sum> = BTreeMap::new();
        for (agency, procedure, (received, rated, votes)) in told {
            let procedure = by_procedure.then(|| procedure.to_string());
            let sum = sums.entry((agency.to_string(), procedure)).or_default();
            sum.received += received.max(rated);
            sum.ratings[1] += rated;
            sum.votes = Counted { total: sum.votes.total + votes, ..Counted::default() };
        }
        sums.into_iter().map(|(group, sum)| row(group, sum)).collect()
    }

    #[test]
    fn an_agency_of_few_is_left_out_and_with_one_procedure_the_next_smallest() {
        let told = [(1, 1, (3, 3, 0)), (1, 2, (9, 9, 0)), (1, 3, (40, 40, 6)), (2, 1, (4, 0, 250))];
        let mut all = rows(&told, true);
        leave_out(&mut all, 5);
        let received: Vec<_> = all.iter().map(|row| row.received).collect();
        assert_eq!(received, [None, None, Some(40), None]);
        assert_eq!(all[1].suppressed.len(), 7, "{:?}", all[1]);
        assert!(all[2].suppressed.is_empty() && all[2].votes.is_some());
        assert_eq!(all[3].votes.as_ref().map(|votes| votes.total), Some(250));
        let mut all = rows(&told, false);
        leave_out(&mut all, 5);
        assert_eq!((all[0].received, all[1].received), (Some(52), None));
    }

    /// What is told about a few agencies and a few of their procedures.
    fn all_told() -> impl Strategy<Value = Vec<(u8, u8, Told)>> {
        prop::collection::vec((0_u8..3, 0_u8..6, (0_u64..9, 0_u64..9, 0_u64..9)), 0..24)
    }

    const GROUPS: [(Group, &str); 3] =
        [(Group::Received, "received"), (Group::Rated, "ratings"), (Group::Votes, "votes")];

    proptest! {
        /// With the sum of its agency known, what is left out is never of one row, nor of too few.
        #[test]
        fn no_sum_tells_what_is_left_out(all in all_told(), few in 2_u64..7) {
            let whole = rows(&all, true);
            let (mut told, mut sums) = (whole.clone(), rows(&all, false));
            leave_out(&mut told, few);
            leave_out(&mut sums, few);
            for (group, name) in GROUPS {
                let is_gone = |row: &Row| row.suppressed.contains(name);
                for (one, told) in whole.iter().zip(&told) {
                    let n = group.out_of(one);
                    prop_assert!(n == 0 || n >= few || is_gone(told), "{told:?}");
                }
                for sum in sums.iter().filter(|sum| !is_gone(sum)) {
                    let of = whole.iter().zip(&told).filter(|(one, _)| one.agency == sum.agency);
                    let gone = of.filter(|(_, told)| is_gone(told));
                    let gone = gone.map(|(one, _)| group.out_of(one));
                    let gone: Vec<u64> = gone.collect();
                    let together: u64 = gone.iter().sum();
                    let is_safe = together == 0 || (gone.len() > 1 && together >= few);
                    prop_assert!(is_safe, "{name} of {}: {gone:?}", sum.agency);
                }
            }
        }
    }
}
