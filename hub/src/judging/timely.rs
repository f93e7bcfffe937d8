//! How dossiers stand by the hub's own due date, while entries are judged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    registry::{DossierState, PlacedCounts, Settings, Timeliness, timeliness::Decides},
    store::{
        StoreError,
        batch::Rollups,
        timeliness::{Judged, Year, read, years_of},
    },
};

/// What is kept of dossiers that some entries may touch, and what the entries change in it.
#[derive(Debug, Default)]
pub(super) struct Timely {
    kept: HashMap<String, Timeliness>,
    touched: BTreeSet<String>,
    sums: Rollups,
}

impl Timely {
    /// Of what is kept.
    pub(super) fn new(rows: &[(String, String)]) -> Result<Self, StoreError> {
        let kept = rows.iter().map(|row| Ok((row.0.clone(), read(row)?)));
        Ok(Self { kept: kept.collect::<Result<_, StoreError>>()?, ..Self::default() })
    }

    /// Judges the dossiers that some names make as of an entry: what was kept of the names is taken
    /// back, whichever of them they made a dossier of before.
    pub(super) fn judge(
        &mut self,
        names: &[String],
        states: &BTreeMap<String, DossierState>,
        (settings, decides, position): (&Settings, Decides<'_>, u64),
    ) {
        for key in names {
            let state = states.get(key);
            let now = state.and_then(|one| Timeliness::of(one, settings, decides, position));
            let before = match &now {
                Some(now) => self.kept.insert(key.clone(), now.clone()),
                None => self.kept.remove(key),
            };
            if before.is_none() && now.is_none() {
                continue;
            }
            self.touched.insert(key.clone());
            let (before, now) = (counts(before.as_ref()), counts(now.as_ref()));
            if before != now {
                count(&mut self.sums, before, -1);
                count(&mut self.sums, now, 1);
            }
        }
    }

    /// What was judged of dossiers, and what that adds to the sums.
    pub(super) fn turned(self) -> (Vec<Judged>, Vec<Year>) {
        let Self { kept, touched, sums } = self;
        let told = touched.into_iter().map(|key| {
            let text = kept.get(&key).map(Timeliness::text);
            (key, text)
        });
        (told.collect(), years_of(&sums))
    }
}

fn counts(of: Option<&Timeliness>) -> &[PlacedCounts] {
    of.map_or(&[], |one| &one.counts)
}

fn count(sums: &mut Rollups, counts: &[PlacedCounts], times: i64) {
    for (place, counts) in counts {
        let counts: Vec<_> = counts.iter().map(|(counted, n)| (*counted, n * times)).collect();
        sums.count(place, &counts);
    }
}
