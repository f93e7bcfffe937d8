//! What the public is told of one dossier: who knows its code and what only its applicant would.

mod shown;
mod watches;

use contracts::{Moment, Status};
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Operations, agency_of, basis, folded};
use crate::{
    auth::Principal,
    registry::{
        Content, DossierState, Observation, Settings,
        deadline::Due,
        lookup::{as_compared, codes, is_known_to, masked, next_step, secrets},
    },
    store::{DossierRow, Rules, StoreError, decode},
};
use shown::{Proof, Shown};

pub use shown::Recognised;
pub use watches::{ToldWatch, WATCH_DAYS, WATCH_DAYS_MAX, WATCHES_MAX, Watching};

/// Dossiers of one code that are looked at.
const DOSSIERS_MAX: usize = 8;

/// What is known of a dossier by who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// The code: either spelling, any alias, or what a receipt's QR code holds.
    pub code: String,
    /// The last four characters of a telephone or identity number, or what the receipt has.
    pub secret: String,
    /// The agency, where the code is one of several.
    pub agency: Option<String>,
}

impl Claim {
    /// Whether it may be of the dossier of a key, by the agency.
    fn is_of(&self, key: &str) -> bool {
        self.agency.as_deref().is_none_or(|agency| agency_of(key) == agency)
    }
}

/// A name in both languages, with the id or code that it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Labelled<T> {
    /// The id or code.
    pub id: T,
    /// The name in Vietnamese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
}

/// What the public is told, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PublicView {
    /// The code: the national one, where it has one.
    pub code: String,
    /// The applicant's name, masked.
    pub applicant: String,
    /// What it is about: the national code, or the agency's own, and its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub procedure: Option<Labelled<String>>,
    /// The agency that accepted it.
    pub agency: Labelled<String>,
    /// When it was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub submitted_at: Option<Moment>,
    /// When it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub accepted_at: Option<Moment>,
    /// When its agency promised the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub due_at: Option<Moment>,
    /// When the hub reckons that it is due, by the procedure's time limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub hub_due_at: Option<Moment>,
    /// When the decision was ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub finished_at: Option<Moment>,
    /// When the result was handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub returned_at: Option<Moment>,
    /// Its status.
    pub status: Labelled<u8>,
    /// What its applicant may do next, in Vietnamese.
    pub next: &'static str,
    /// The same in English.
    pub next_en: &'static str,
    /// The journal position this is true at.
    pub as_of: u64,
}

impl PublicView {
    /// The bytes that its texts take in memory.
    fn bytes(&self) -> usize {
        let named = |one: &Labelled<String>| {
            [Some(&one.id), one.name.as_ref(), one.name_en.as_ref()]
                .into_iter()
                .flatten()
                .map(String::len)
                .sum::<usize>()
        };
        let procedure = self.procedure.as_ref().map_or(0, named);
        self.code.len() + self.applicant.len() + procedure + named(&self.agency)
    }
}

impl Operations {
    /// What the public is told of the dossier that a claim is of; nothing where there is none, or
    /// the claim is wrong: nobody is told which. Where it is of several, the last changed.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn look_up(
        &self,
        claim: &Claim,
        today: Date,
    ) -> Result<Option<PublicView>, StoreError> {
        Ok(self.recognised(claim, today).await?.map(|(_, view)| view))
    }

    /// The same with the dossier's key.
    async fn recognised(
        &self,
        claim: &Claim,
        today: Date,
    ) -> Result<Option<(String, PublicView)>, StoreError> {
        for code in codes(&claim.code) {
            let found = match self.shown(claim, &code, today).await {
                Some(shown) => shown,
                // Rare where it repeats, and boxed: every look-up would carry its room.
                None => Box::pin(self.found(claim, code, today)).await?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What a code's only dossier says to a claim, where somebody was shown it before and that
    /// still holds.
    async fn shown(
        &self,
        claim: &Claim,
        code: &str,
        today: Date,
    ) -> Option<Option<(String, PublicView)>> {
        let shown = self.recognised.get(code).filter(|shown| shown.day == today)?;
        let as_of = self.store.holds(&shown.basis).await?;
        let is_right = claim.is_of(&shown.key) & shown.proof.is_of(&as_compared(&claim.secret));
        Some(is_right.then(|| {
            let agency = self.labelled(&shown.view.agency.id);
            (shown.key.clone(), PublicView { agency, as_of, ..shown.view.clone() })
        }))
    }

    /// What a code's dossiers say to a claim: that which was changed last, of those it is right of.
    async fn found(
        &self,
        claim: &Claim,
        code: String,
        today: Date,
    ) -> Result<Option<(String, PublicView)>, StoreError> {
        let found = self.store.find(code.clone(), None).await?;
        let (size, only) = (found.size, found.dossiers.len() == 1);
        let seen = found.dossiers.iter().filter(|row| self.may_see(&Principal::Portal, row));
        let mut known: Option<(&DossierRow, PublicView)> = None;
        for row in seen.filter(|row| claim.is_of(&row.key)).take(DOSSIERS_MAX) {
            let read = match only {
                true => None,
                false => Some(self.store.observations(row.key.clone(), None).await?),
            };
            let observations = read.as_deref().unwrap_or(&found.observations);
            let Some((state, secrets)) =
                self.with_persons(&row.key, observations, &found.rules).await?
            else {
                continue;
            };
            if !is_known_to(&claim.secret, &secrets)
                || known.as_ref().is_some_and(|(last, _)| last.position >= row.position)
            {
                continue;
            }
            let view = self.public_view(state, &found.rules.settings, (size, today)).await?;
            if only && found.moment.is_some() {
                let basis = basis(&code, observations, (found.moment, size));
                let proof =
                    Proof::of(&secrets).map_err(|error| StoreError::fault(error.to_string()))?;
                let (key, view) = (row.key.clone(), view.clone());
                self.recognised.keep(code.clone(), Shown { key, view, day: today, proof, basis });
            }
            known = Some((row, view));
        }
        Ok(known.map(|(row, view)| (row.key.clone(), view)))
    }

    /// The state of a dossier, personal members among it, and what shows its applicant.
    async fn with_persons(
        &self,
        key: &str,
        observations: &[Observation],
        rules: &Rules,
    ) -> Result<Option<(DossierState, Vec<String>)>, StoreError> {
        let positions = observations.iter().map(|one| one.position).collect();
        let texts = self.store.personal(positions).await?;
        let whole = decode::whole(observations, &texts)?;
        let printed = |one: &Observation| match &one.content {
            Content::Snapshot(told) => told.receipt_secret.clone(),
            _ => None,
        };
        let receipts: Vec<String> = whole.iter().filter_map(printed).collect();
        Ok(folded(&whole, key, rules).map(|(state, _)| {
            let secrets = secrets(state.applicant.as_ref(), &receipts);
            (state, secrets)
        }))
    }

    /// An agency by its names.
    fn labelled(&self, id: &str) -> Labelled<String> {
        let agency = self.catalog.agencies.iter().find(|agency| agency.id == id);
        Labelled {
            id: id.to_owned(),
            name: agency.map(|agency| agency.name.clone()),
            name_en: agency.map(|agency| agency.name_en.clone()),
        }
    }

    async fn public_view(
        &self,
        state: DossierState,
        settings: &Settings,
        (as_of, today): (u64, Date),
    ) -> Result<PublicView, StoreError> {
        let edition = self.published.edition(&*self.store, Some(as_of)).await?;
        let explained = edition.as_deref().map(|edition| {
            let explained = edition.deadlines().explain(&state, settings, today);
            explained.map(|explained| explained.due)
        });
        let hub_due_at = match explained {
            Some(Ok(Due::At(due))) => Some(due),
            _ => None,
        };
        let procedure = state.procedure.or(state.procedure_source_code);
        let (next, next_en) = next_step(state.status);
        let own = state.identities.first().map(|name| name.source_code.clone());
        Ok(PublicView {
            code: state.code.or(own).unwrap_or_default(),
            applicant: state.applicant.as_ref().map(masked).unwrap_or_default(),
            procedure: procedure.map(|id| Labelled {
                id,
                name: state.procedure_name,
                name_en: None,
            }),
            agency: self.labelled(&state.agency),
            submitted_at: state.submitted_at,
            accepted_at: state.accepted_at,
            due_at: state.due_at,
            hub_due_at,
            finished_at: state.finished_at,
            returned_at: state.returned_at,
            status: status(state.status),
            next,
            next_en,
            as_of,
        })
    }
}

fn status(status: Status) -> Labelled<u8> {
    Labelled {
        id: status.code(),
        name: Some(status.name_vi().to_owned()),
        name_en: Some(status.name_en().to_owned()),
    }
}
