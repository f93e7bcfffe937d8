//! Numbers by the hub's own due date, and the dossiers that they count.

use std::collections::HashMap;

use super::{
    CountedFrom, CountedPage, Number, Operations,
    counted::{LOOKED_AT_MAX, adds, state_of, told},
    statistics::Asked,
};
use crate::{
    auth::Principal,
    registry::{Measure, Timeliness},
    store::{CellQuery, CellRow, Cells, StoreError, listing::Listed, timeliness},
};

/// What the hub counts in place of what a promise would have told, where there was none. Among the
/// promises such a dossier finished on time, and was never overdue.
const INSTEAD: [(Measure, Measure, Option<Measure>); 4] = [
    (Measure::UnpromisedEarly, Measure::FinishedEarly, Some(Measure::FinishedOnTime)),
    (Measure::UnpromisedLate, Measure::FinishedLate, Some(Measure::FinishedOnTime)),
    (Measure::UnpromisedOverdue, Measure::Overdue, None),
    (Measure::UnpromisedPausedOverdue, Measure::PausedOverdue, None),
];

/// Numbers by promises, with those of the hub beside them and in their place where there was none.
fn with_own(mut rows: Vec<CellRow>, own: Vec<CellRow>) -> Vec<CellRow> {
    for row in own {
        for (unpromised, counts, no_more) in INSTEAD {
            if row.measure != unpromised.name() {
                continue;
            }
            let of = |measure: Measure, n| {
                let (place, day) = (row.place.clone(), row.day);
                CellRow { measure: measure.name(), place, day, n }
            };
            rows.push(of(counts, row.n));
            rows.extend(no_more.map(|measure| of(measure, -row.n)));
        }
        rows.push(row);
    }
    rows
}

impl Operations {
    /// Numbers with those by the hub's own due date, all true at the entry up to which it has
    /// judged.
    pub(super) async fn by_hub(&self, query: CellQuery) -> Result<Cells, StoreError> {
        let own = self.store.timely_cells(query.clone()).await?;
        let query = CellQuery { as_of: Some(own.as_of), ..query };
        let cells = self.store.statistics(query).await?;
        Ok(Cells { rows: with_own(cells.rows, own.rows), ..cells })
    }

    /// The dossiers that a number by the hub's own due date counts, as [`Operations::counted`]:
    /// each page is true at the entry up to which it has judged by then.
    pub(super) async fn timely_counted(
        &self,
        who: &Principal,
        number: &Number<'_>,
        first: u64,
        limit: usize,
    ) -> Result<CountedPage, StoreError> {
        let listed = self.store.listed(first, LOOKED_AT_MAX).await?;
        let keys = listed.iter().map(|one| one.row.key.clone()).collect();
        let (as_of, kept) = self.store.timeliness(keys).await?;
        let kept: HashMap<String, Timeliness> = kept
            .iter()
            .map(|row| Ok((row.0.clone(), timeliness::read(row)?)))
            .collect::<Result<_, StoreError>>()?;
        let edition = self.published.edition(&*self.store, Some(as_of)).await?;
        let mut asked = Asked::new(number.question, edition.as_deref());
        asked.only_of(who);
        let last = listed.len() < LOOKED_AT_MAX as usize;
        let mut page = CountedPage { as_of, dossiers: Vec::new(), next: None };
        for Listed { number: at, row } in listed {
            if page.dossiers.len() >= limit {
                page.next = Some(CountedFrom { as_of, number: at });
                return Ok(page);
            }
            let found = kept.get(&row.key).and_then(|one| adds(&one.counts, number));
            if let Some((place, n, days)) = found
                && let Some(place) = asked.place(place)
            {
                page.dossiers.push(told(state_of(&row)?, &place, n, days));
            }
            page.next = Some(CountedFrom { as_of, number: at + 1 });
        }
        if last {
            page.next = None;
        }
        Ok(page)
    }
}
