//! How the roadmap stands: the plan and the catalogue of a position, and what agencies told up to
//! it.

use contracts::{agency::Agency, budget::Budget, milestone::Milestone, procedure::Procedure};
use jiff::civil::Date;
use serde::{Serialize, de::DeserializeOwned};

use super::{Operations, PAGE_MAX};
use crate::{
    registry::roadmap::{Facts, Roadmap, roadmap},
    store::{
        StoreError,
        records::{RecordFound, RecordQuery},
    },
};

/// The roadmap on a day, as of a position.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RoadmapStanding {
    /// How it stands.
    #[serde(flatten)]
    pub roadmap: Roadmap,
    /// The position of the catalogue's entry that tells the plan.
    pub plan_position: u64,
    /// The position that all of it is true at.
    pub as_of: u64,
}

/// A record as its contract has it; what is public of it.
pub(super) fn body<T: DeserializeOwned>(found: &RecordFound) -> Result<T, StoreError> {
    serde_json::from_slice(&found.public).map_err(|error| {
        StoreError::fault(format!("the record at position {} is damaged: {error}", found.position))
    })
}

impl Operations {
    /// The current records of a contract as of a position, page by page.
    pub(super) async fn current(
        &self,
        mut query: RecordQuery,
        take: &mut (dyn FnMut(RecordFound) -> Result<(), StoreError> + Send),
    ) -> Result<(), StoreError> {
        query.limit = PAGE_MAX;
        loop {
            let page = self.store.records(query.clone()).await?;
            let whole = page.len() < PAGE_MAX as usize;
            query.after = page.last().map(|last| (last.day, last.position));
            page.into_iter().try_for_each(&mut *take)?;
            if whole {
                return Ok(());
            }
        }
    }

    /// How the roadmap stands on a day, of one agency or of all. `None` where no plan was in force.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn roadmap(
        &self,
        agency: Option<&str>,
        on: Date,
        as_of: Option<u64>,
    ) -> Result<Option<RoadmapStanding>, StoreError> {
        let size = self.store.head().await?.tree.size;
        let end = as_of.unwrap_or(size).min(size);
        let held = self.published.edition(&*self.store, Some(end)).await?;
        let Some(edition) = held else { return Ok(None) };
        let (plan_position, catalogue) = (edition.position, &*edition.catalogue);
        let Some(plan) = &catalogue.roadmap else { return Ok(None) };
        let mut facts = Facts::new(plan, catalogue);
        let query = |contract| RecordQuery { contract, as_of: Some(end), ..RecordQuery::default() };
        self.current(query("procedure/1"), &mut |found| {
            facts.procedure(&body::<Procedure>(&found)?);
            Ok(())
        })
        .await?;
        self.current(query("agency/1"), &mut |found| {
            facts.agency(&body::<Agency>(&found)?);
            Ok(())
        })
        .await?;
        self.current(query("milestone/1"), &mut |found| {
            facts.milestones.push(body::<Milestone>(&found)?);
            Ok(())
        })
        .await?;
        self.current(query("budget/1"), &mut |found| {
            facts.budgets.push(body::<Budget>(&found)?);
            Ok(())
        })
        .await?;
        let roadmap = roadmap(plan, &facts, agency, on);
        Ok(Some(RoadmapStanding { roadmap, plan_position, as_of: end }))
    }
}
