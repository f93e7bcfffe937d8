//! The page's section of links to e-services: how many stand how, and those that are dead.

use contracts::problem::Bilingual;

use super::page::Time;
use crate::{
    api::today,
    catalogue::LinkQuestion,
    operations::{LinkState, LinksAsked, Operations},
    report::links::state_vi,
    store::StoreError,
};

/// Dead links shown.
const DEAD_SHOWN: usize = 20;

/// A dead link.
pub(super) struct DeadRow {
    pub(super) agency: String,
    pub(super) procedure: String,
    pub(super) url: String,
    pub(super) reason: Bilingual,
    pub(super) since: Time,
    pub(super) visited_at: Time,
}

/// Links, as the page shows them.
#[derive(Default)]
pub(super) struct Section {
    /// How many stand how, where there are links: Vietnamese, English, how many.
    pub(super) states: Vec<(&'static str, &'static str, usize)>,
    pub(super) dead: Vec<DeadRow>,
}

impl Section {
    /// Reads it; empty where the catalogue tells no links.
    pub(super) async fn read(operations: &Operations) -> Result<Self, StoreError> {
        let Some(directory) = operations.published.get() else { return Ok(Self::default()) };
        let on = today();
        if directory.addresses(on).is_empty() {
            return Ok(Self::default());
        }
        let of = LinkQuestion { agency: None, procedure: None, on };
        let asked = LinksAsked { of, state: Some(LinkState::Dead) };
        let Ok(found) = operations.links(&directory, &asked).await? else {
            return Ok(Self::default());
        };
        let number = |state: LinkState| found.states.get(state.name()).copied().unwrap_or_default();
        let states = LinkState::ALL.map(|state| (state_vi(state), state.name(), number(state)));
        let dead = found.links.into_iter().take(DEAD_SHOWN).filter_map(|one| {
            let visit = one.visit?;
            Some(DeadRow {
                agency: one.link.agency_name.unwrap_or(one.link.agency).to_owned(),
                procedure: one.link.procedure_name.to_owned(),
                url: one.link.url.to_owned(),
                reason: visit.detail?,
                since: visit.failing_since.map(|at| at.to_string().into()).unwrap_or_default(),
                visited_at: visit.visited_at.to_string().into(),
            })
        });
        Ok(Self { states: states.to_vec(), dead: dead.collect() })
    }
}
