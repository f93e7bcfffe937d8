//! What is told of one dossier, to whom, and what became of its persons.

use bytes::Bytes;
use serde::Serialize;

use super::{Heard, Operations, Persons, Reader, Said, Whose, accesses, agency_of, folded, said};
use crate::{
    registry::{DossierState, Doubt, Observation},
    store::{StoreError, decode, erasures::ErasedSince},
};

/// What is told of a dossier.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DossierTold)]
pub(crate) struct Told {
    /// Its state: public members, and personal ones for those whose they are.
    #[schema(value_type = crate::described::DossierState)]
    dossier: Box<DossierState>,
    /// All that sources said, in the order the hub heard it.
    history: Vec<Said>,
    /// What its sources disagree on: questions, not verdicts.
    findings: Vec<Doubt>,
    /// What became of its personal members.
    personal: Persons,
    /// Since when they are erased, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<ErasedSince>,
}

impl Told {
    /// Its JSON text without the brace that ends it: what else is true of the answer follows.
    pub(super) fn text(&self) -> Result<Bytes, StoreError> {
        let text =
            serde_json::to_vec(self).map_err(|error| StoreError::fault(error.to_string()))?;
        let end = text.len().saturating_sub(1);
        Ok(Bytes::from(text).slice(..end))
    }
}

impl Operations {
    /// What is told of a dossier out of all that was said of it before a position, by the rules of
    /// then, and to whom it may be told.
    pub(super) async fn told(
        &self,
        reader: &Reader,
        heard: &Heard,
    ) -> Result<Option<(Told, Whose)>, StoreError> {
        let Heard { key, observations, rules, erasures, .. } = heard;
        let Some((mut state, findings)) = folded(observations, key, rules) else {
            return Ok(None);
        };
        state.drop_personal();
        let own: Vec<_> = observations
            .iter()
            .filter(|one| reader.who().owns(agency_of(one.source())))
            .map(|one| (one.position, one.source().to_owned()))
            .collect();
        let mut erased = None;
        if *erasures && !own.is_empty() {
            erased = self.erased(observations, &own).await?;
        }
        let (whose, personal) = match (own.is_empty(), &erased) {
            (true, _) => (Whose::All, Persons::Withheld),
            (false, Some(_)) => (Whose::Owner, Persons::Erased),
            (false, None) => (Whose::Owner, reader.persons()),
        };
        if personal == Persons::Included {
            let texts = self.persons(reader, accesses::of_dossier(key, own.into_iter())).await?;
            let whole = decode::whole(observations, &texts)?;
            if let Some((told, _)) = folded(&whole, key, rules) {
                state.take_personal(told);
            }
        }
        let history = observations.iter().map(said).collect();
        let dossier = Box::new(state);
        Ok(Some((Told { dossier, history, findings, personal, erased }, whose)))
    }

    /// Since when a dossier's persons are erased, where they are: what its sources told since then
    /// has brought none back.
    async fn erased(
        &self,
        observations: &[Observation],
        own: &[(u64, String)],
    ) -> Result<Option<ErasedSince>, StoreError> {
        let names = observations.iter().map(|one| one.identity().key()).collect();
        let Some(since) = self.store.erased(names).await? else { return Ok(None) };
        let positions = own.iter().map(|(position, _)| *position).collect();
        let there = self.store.personal(positions).await?;
        Ok(there.is_empty().then_some(since))
    }
}
