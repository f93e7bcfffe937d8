//! What the province publishes, as it is in force: read from a folder, told by a reference entry,
//! held with its indexes, asked by the portal.

mod agencies;
mod calendar;
mod cell;
pub mod changes;
mod deadlines;
mod declared;
mod embed;
mod facets;
mod findings;
mod folder;
mod page;
mod procedures;
mod reports;
mod roadmap;
mod services;
mod table;
mod units;

use std::sync::{Arc, OnceLock, RwLock};

use serde_json::value::RawValue;

use crate::{
    journal::merkle::Digest,
    registry::{
        Catalogue,
        catalogue::{Kinship, Scope},
        deadline::Deadlines,
        offer::Offers,
        search::Index,
        units::Units,
    },
    store::{Store, StoreError, catalogue, catalogue::InForce},
};

pub use agencies::{AgencyQuestion, FoundAgency};
pub use folder::{FILES, load};
pub use page::{Page, UnknownValue, Window};
pub use procedures::{FoundProcedure, ProcedureQuestion, ProcedureVersion};
pub use services::{Link, LinkQuestion, paged};
pub use units::{FoundUnit, UnitQuestion};

/// The document that describes what decides deadlines.
const PAGE_OF_DEADLINES: &str = "docs/deadlines.md";

/// One catalogue with all that answers from it.
pub struct Directory {
    /// The log that its entry stands in.
    pub log_id: String,
    /// The position of its entry.
    pub position: u64,
    hash: Digest,
    /// What is published.
    pub catalogue: Arc<Catalogue>,
    agencies: Index,
    agency_kin: Kinship,
    agency_texts: Vec<Box<RawValue>>,
    procedures: Index,
    procedure_texts: Vec<Box<RawValue>>,
    labels: Vec<facets::Labels>,
    services: Vec<Option<services::Service>>,
    units: Index,
    unit_kin: Kinship,
    /// What else depends on it.
    pub edition: Arc<Edition>,
}

fn damaged(hash: Digest, error: serde_json::Error) -> StoreError {
    StoreError::fault(format!("the catalogue {hash} is damaged: {error}"))
}

/// A catalogue that is or was in force, and what is made of it when it is first asked for.
#[derive(Debug)]
pub struct Edition {
    /// The position of its entry.
    pub position: u64,
    /// What was published.
    pub catalogue: Arc<Catalogue>,
    deadlines: OnceLock<Deadlines>,
    units: OnceLock<Units>,
    offers: OnceLock<Offers>,
}

impl Edition {
    fn new(position: u64, catalogue: Arc<Catalogue>) -> Self {
        let (deadlines, units, offers) = Default::default();
        Self { position, catalogue, deadlines, units, offers }
    }

    /// What decides deadlines.
    pub fn deadlines(&self) -> &Deadlines {
        self.deadlines.get_or_init(|| Deadlines::new(&self.catalogue))
    }

    /// Agencies and units, as numbers name them.
    pub fn units(&self) -> &Units {
        self.units.get_or_init(|| Units::new(&self.catalogue))
    }

    /// How procedures are offered.
    pub fn offers(&self) -> &Offers {
        self.offers.get_or_init(|| Offers::new(&self.catalogue))
    }
}

/// A text that answers repeat as it is.
fn texts<T: serde::Serialize>(all: &[T]) -> Result<Vec<Box<RawValue>>, serde_json::Error> {
    all.iter().map(serde_json::value::to_raw_value).collect()
}

impl Directory {
    /// Makes the indexes of a catalogue.
    ///
    /// # Errors
    /// When its content is not what the hub writes.
    pub fn new(held: InForce) -> Result<Self, StoreError> {
        let damaged = |error| damaged(held.hash, error);
        let catalogue = Arc::new(Catalogue::from_content(&held.content).map_err(damaged)?);
        let edition = Edition::new(held.position, catalogue.clone());
        let steps = &catalogue.successions;
        Ok(Self {
            log_id: held.log_id,
            position: held.position,
            hash: held.hash,
            agencies: Index::new(catalogue.agencies.iter().map(agencies::subject)),
            agency_kin: Kinship::new(&catalogue.agencies, steps, Scope::Agency),
            agency_texts: texts(&catalogue.agencies).map_err(damaged)?,
            procedures: Index::new(procedures::subjects(&catalogue)),
            procedure_texts: texts(&catalogue.procedures).map_err(damaged)?,
            labels: facets::labels(&catalogue),
            services: services::services(&catalogue),
            units: Index::new(units::subjects(&catalogue)),
            unit_kin: Kinship::new(&catalogue.units, steps, Scope::Unit),
            edition: Arc::new(edition),
            catalogue,
        })
    }
}

/// The catalogue in force; it changes while the hub runs.
#[derive(Clone, Default)]
pub struct Held {
    directory: Arc<RwLock<Option<Arc<Directory>>>>,
    /// What the edition changed whose changes were asked for last.
    changes: Arc<RwLock<Option<Arc<changes::Changes>>>>,
}

impl Held {
    /// The catalogue in force, where there is one.
    pub fn get(&self) -> Option<Arc<Directory>> {
        self.directory.read().ok()?.clone()
    }

    /// Takes over what is in force in the store: what another process publishes is asked here
    /// with the next call. Gives whether it was another.
    ///
    /// # Errors
    /// When the store cannot answer, or what it has is damaged: the one held before stays.
    pub async fn refresh(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let known = self.get().map(|held| (held.position, held.hash));
        let catalogue::Held::Other(found) = store.catalogue(None, known).await? else {
            return Ok(false);
        };
        let made = tokio::task::spawn_blocking(|| Directory::new(found)).await;
        let made = made.map_err(|error| StoreError::fault(error.to_string()))??;
        if let Ok(mut held) = self.directory.write() {
            *held = Some(Arc::new(made));
        }
        Ok(true)
    }

    /// The edition in force before a position, or now; none where no catalogue was. The one held
    /// answers from memory, an earlier one is read anew.
    ///
    /// # Errors
    /// When the store cannot answer, or what it has is damaged.
    pub async fn edition(
        &self,
        store: &dyn Store,
        before: Option<u64>,
    ) -> Result<Option<Arc<Edition>>, StoreError> {
        let held = self.get();
        let known = held.as_ref().map(|held| (held.position, held.hash));
        match (store.catalogue(before, known).await?, held) {
            (catalogue::Held::Known, Some(held)) => Ok(Some(held.edition.clone())),
            (catalogue::Held::Other(found), _) => {
                let read = move || {
                    let read = Catalogue::from_content(&found.content);
                    let read = read.map_err(|error| damaged(found.hash, error))?;
                    Ok(Arc::new(Edition::new(found.position, Arc::new(read))))
                };
                let read = tokio::task::spawn_blocking(read).await;
                read.map_err(|error| StoreError::fault(error.to_string()))?.map(Some)
            }
            _ => Ok(None),
        }
    }
}
