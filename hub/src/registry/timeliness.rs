//! How dossiers stand by the hub's own due date: a measure beside the agency's promise, and in its
//! place where no agency promised a day (semantics §5).
//!
//! The due date hangs on the calendar and the rules of an edition of the catalogue, so what it
//! counts is in no delta of the accepting transaction: it is judged behind the journal, entry by
//! entry, by the edition in force there, and kept by dossier with what it adds (decision 34).

use std::sync::Arc;

use contracts::{Moment, Status};
use serde::{Deserialize, Serialize};

use super::{
    Counted, DossierState, Measure, Place, PlacedCounts,
    deadline::{Deadlines, Due},
    measure::{counted_by_hub, day_number, day_of},
    statistics::{Settings, Stay, Sum, Worked, both, placed},
};

/// What the hub reckoned of one dossier at an entry, and what that adds to the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeliness {
    /// The entry at which it was judged last.
    pub position: u64,
    /// The position of the edition of the catalogue that decided; none where there was none.
    pub edition: Option<u64>,
    /// When it is due; none without a time limit, while it waits for its applicant, and where the
    /// hub cannot say.
    pub due_at: Option<Moment>,
    /// What it adds, where.
    pub counts: Vec<PlacedCounts>,
}

/// What decides: the deadlines of an edition, and its position.
pub type Decides<'a> = Option<(&'a Deadlines, u64)>;

/// Measure, day by number, and how many.
type KeptCounts = Vec<(String, i32, i64)>;

/// As it is kept: places as the values of their dimensions, days by number.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    at: u64,
    edition: Option<u64>,
    due: Option<Moment>,
    counts: Vec<([String; 6], KeptCounts)>,
}

impl Timeliness {
    /// How a state stands as of an entry; none of a dossier that does not count, or that nothing
    /// can be said of yet.
    pub fn of(
        state: &DossierState,
        settings: &Settings,
        decides: Decides<'_>,
        position: u64,
    ) -> Option<Self> {
        if state.retracted || !state.counted {
            return None;
        }
        let worked = Worked::of(state, settings);
        let stay = worked.stay()?;
        let reckoned = decides.and_then(|(all, _)| all.reckon(state, settings).ok());
        let due = reckoned.map(|reckoning| reckoning.due);
        let mut sum = Sum::of(state);
        finish(&mut sum, &worked, due, stay);
        let due_at = due.and_then(|due| match due {
            Due::At(at) => Some(at),
            Due::Waiting { .. } | Due::Unlimited => None,
        });
        if let Some(late) = due_at.and_then(|at| after(at, stay)) {
            let pauses = worked.pauses(settings);
            sum.late(late, &pauses, [Measure::HubOverdue, Measure::HubPausedOverdue]);
            if state.promises.is_empty() {
                let names = [Measure::UnpromisedOverdue, Measure::UnpromisedPausedOverdue];
                sum.late(late, &pauses, names);
            }
        }
        let all = placed(state, settings, sum.close()).into_iter();
        let all = all.filter(|(_, counts)| !counts.is_empty());
        let counts: Vec<PlacedCounts> =
            all.map(|(place, counts)| (Arc::new(place), counts.into_iter().collect())).collect();
        let edition = decides.map(|(_, edition)| edition);
        (!counts.is_empty()).then_some(Self { position, edition, due_at, counts })
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        let counted = |(counted, n): &(Counted, i64)| {
            (counted.name().to_owned(), day_number(counted.day), *n)
        };
        let told = |(place, counts): &PlacedCounts| {
            (place.values().map(str::to_owned), counts.iter().map(counted).collect())
        };
        let counts = self.counts.iter().map(told).collect();
        let kept = Kept { at: self.position, edition: self.edition, due: self.due_at, counts };
        // Texts, numbers and lists: nothing can fail.
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// Reads what [`Self::text`] gave; `None` where it is damaged.
    pub fn from_text(text: &str) -> Option<Self> {
        let Kept { at, edition, due, counts } = serde_json::from_str(text).ok()?;
        let counted = |(name, day, n): &(String, i32, i64)| {
            let measure = counted_by_hub(name)?;
            Some((Counted { measure, day: day_of(*day), status: None }, *n))
        };
        let placed = counts.into_iter().map(|(values, counts)| {
            let counts = counts.iter().map(counted).collect::<Option<Vec<_>>>()?;
            Some((Arc::new(Place::from_values(values)), counts))
        });
        let counts = placed.collect::<Option<Vec<_>>>()?;
        Some(Self { position: at, edition, due_at: due, counts })
    }
}

/// How it finished. What was withdrawn is not judged, as among the promises; what still waited for
/// its applicant, or has no time limit, is on time.
fn finish(sum: &mut Sum<'_>, worked: &Worked, due: Option<Due>, (_, finish): Stay) {
    use Measure as M;
    let state = sum.state();
    let Some(day) = finish.filter(|_| state.status != Status::WITHDRAWN) else { return };
    let Some(due) = due else { return sum.add(M::HubUndated, day, 1) };
    let at = match due {
        Due::At(at) => Some(at),
        Due::Waiting { .. } | Due::Unlimited => None,
    };
    let own = [M::HubEarly, M::HubOnTime, M::HubLate];
    let instead = [M::UnpromisedEarly, M::UnpromisedOnTime, M::UnpromisedLate];
    for names in [Some(own), state.promises.is_empty().then_some(instead)].into_iter().flatten() {
        if let Some(found) = worked.verdict(at, names) {
            sum.add(found, day, 1);
        }
    }
}

/// When it was open after a due day.
fn after(due: Moment, stay: Stay) -> Option<Stay> {
    both((due.day().tomorrow().ok()?, None), stay)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::LazyLock};

    use jiff::civil::Date;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::registry::{
        Catalogue, Observation,
        calendar::tests::DONG_NAI,
        changes,
        deadline::{DeadlineRule, Limit, LimitUnit},
        properties::{a_history, states},
        rules::{at, state},
    };

    /// What the hub counts of a dossier of fifteen days that was accepted on 1 June 2026: it is due
    /// on the 16th.
    fn counted(told: &[Observation]) -> Vec<(&'static str, String, i64)> {
        let deadlines = Deadlines::new(&DONG_NAI);
        let found = Timeliness::of(&state(told), &Settings::default(), Some((&deadlines, 7)), 9);
        let counts = found.into_iter().flat_map(|one| one.counts);
        let told = counts.flat_map(|(_, counts)| counts);
        told.map(|(one, n)| (one.name(), one.day.to_string(), n)).collect()
    }

    fn taken(version: &str, more: Value) -> Observation {
        let mut body = json!({ "agency": "ubnd-cap-xa", "procedure": "1.012903",
            "accepted_at": "2026-06-01" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        at(version, body)
    }

    fn on(name: &'static str, day: &str, n: i64) -> (&'static str, String, i64) {
        (name, format!("2026-06-{day}"), n)
    }

    #[test]
    fn the_hub_judges_beside_the_promise_and_in_its_place_where_there_is_none() {
        let done = |day: &str| json!({ "status": 9, "finished_at": format!("2026-06-{day}") });
        let late = [on("hub-late", "17", 1), on("unpromised-late", "17", 1)];
        let overdue = [on("hub-overdue", "17", 1), on("unpromised-overdue", "17", 1)];
        let open = [on("hub-overdue", "18", -1), on("unpromised-overdue", "18", -1)];
        assert_eq!(counted(&[taken("1", done("17"))]), late);
        assert_eq!(
            counted(&[taken("1", done("18"))]),
            [
                on("hub-late", "18", 1),
                overdue[0].clone(),
                open[0].clone(),
                on("unpromised-late", "18", 1),
                overdue[1].clone(),
                open[1].clone(),
            ]
        );
        let mut promised = done("16");
        promised["due_at"] = json!("2026-06-10");
        assert_eq!(counted(&[taken("1", promised)]), [on("hub-on-time", "16", 1)]);
        let early = counted(&[taken("1", done("02"))]);
        assert_eq!(early, [on("hub-early", "02", 1), on("unpromised-early", "02", 1)]);
    }

    #[test]
    fn what_waits_is_not_overdue_and_what_has_no_date_is_undated() {
        let open = counted(&[taken("1", json!({}))]);
        assert_eq!(open, [on("hub-overdue", "17", 1), on("unpromised-overdue", "17", 1)]);
        let waits = json!({ "status": 5, "status_at": "2026-06-20", "due_at": "2026-07-30" });
        let told = counted(&[taken("1", json!({})), taken("2", waits)]);
        assert_eq!(
            told,
            [
                on("hub-overdue", "17", 1),
                on("hub-overdue", "20", -1),
                on("hub-paused-overdue", "20", 1),
            ]
        );
        let unknown = json!({ "procedure": "9.999999", "status": 9, "finished_at": "2026-06-05" });
        assert_eq!(counted(&[taken("1", unknown)]), [on("hub-undated", "05", 1)]);
    }

    /// The example's calendar, and one rule: five working days for whatever there is.
    fn five_days() -> Deadlines {
        let limit = Some(Limit { value: 5, unit: LimitUnit::WorkingDays });
        let rule = DONG_NAI.deadlines.iter().find(|rule| rule.name == "chung").unwrap();
        let deadlines = vec![DeadlineRule { limit, ..rule.clone() }];
        Deadlines::new(&Catalogue { deadlines, ..DONG_NAI.clone() })
    }

    static FIVE_DAYS: LazyLock<Deadlines> = LazyLock::new(five_days);

    /// Counts by place, day and what they are of.
    type Sums = BTreeMap<(Arc<Place>, Date, &'static str), i64>;

    const FINISHED: [Measure; 3] =
        [Measure::FinishedEarly, Measure::FinishedOnTime, Measure::FinishedLate];

    fn summed(counts: &[PlacedCounts], of: &[Measure], name: &'static str) -> Sums {
        let mut sums = Sums::new();
        for (place, counts) in counts {
            for (counted, n) in counts.iter().filter(|(one, _)| of.contains(&one.measure)) {
                *sums.entry((place.clone(), counted.day, name)).or_default() += n;
            }
        }
        sums.retain(|_, n| *n != 0);
        sums
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_the_hub_judges_is_what_was_finished_and_open(
            history in a_history(), dated in any::<bool>(),
        ) {
            use Measure as M;
            let settings = Settings::default();
            let decides = dated.then_some((&*FIVE_DAYS, 3));
            for state in states(&history, &[]).values() {
                let Some(found) = Timeliness::of(state, &settings, decides, 1) else { continue };
                prop_assert_eq!(Timeliness::from_text(&found.text()), Some(found.clone()));
                let all = changes(None, Some(state), &settings);
                let finished = summed(&all, &FINISHED, "finished");
                let own = [M::HubEarly, M::HubOnTime, M::HubLate, M::HubUndated];
                prop_assert_eq!(summed(&found.counts, &own, "finished"), finished.clone());
                let instead = [M::UnpromisedEarly, M::UnpromisedOnTime, M::UnpromisedLate];
                let instead = summed(&found.counts, &instead, "finished");
                let undated = summed(&found.counts, &[M::HubUndated], "finished");
                let unpromised = state.promises.is_empty() && undated.is_empty();
                prop_assert_eq!(instead, if unpromised { finished } else { Sums::new() });
                let late = [M::HubOverdue, M::HubPausedOverdue];
                let late = late.map(|one| gauge(&found.counts, one));
                let [open, paused] = [M::Open, M::Paused].map(|one| gauge(&all, one));
                for day in late.iter().flat_map(BTreeMap::keys) {
                    let at = |gauge: &BTreeMap<Date, i64>| -> i64 {
                        gauge.range(..=day).map(|(_, n)| n).sum()
                    };
                    let [overdue, both] = late.each_ref().map(at);
                    prop_assert!(0 <= overdue && 0 <= both && both <= at(&paused));
                    prop_assert!(overdue + at(&paused) <= at(&open));
                }
            }
        }
    }

    /// The changes of a gauge by day, over all places.
    fn gauge(counts: &[PlacedCounts], measure: Measure) -> BTreeMap<Date, i64> {
        let mut days = BTreeMap::new();
        for (counted, n) in counts.iter().flat_map(|(_, counts)| counts) {
            if counted.measure == measure {
                *days.entry(counted.day).or_default() += n;
            }
        }
        days
    }
}
