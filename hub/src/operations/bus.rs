//! How far what happens in the hub has reached who subscribes.

use jiff::Timestamp;
use serde::Serialize;

use super::Operations;
use crate::{
    bus::{State, Told},
    store::StoreError,
};

/// How publishing stands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BusStanding {
    /// What is going on, in one word; and in Vietnamese.
    pub state: &'static str,
    /// The same in Vietnamese.
    pub state_vi: &'static str,
    /// Whether events reach who subscribes.
    pub up: bool,
    /// The entry that is published next.
    pub position: u64,
    /// Entries that are not published yet.
    pub behind: u64,
    /// The first entry that the broker has; more than 0 where it lost what was before it.
    pub since: u64,
    /// When the position moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub moved_at: Option<Timestamp>,
    /// Why it does not go on, where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Told>,
}

impl Operations {
    /// How publishing stands; none where there is no broker.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn bus(&self) -> Result<Option<BusStanding>, StoreError> {
        let (state, trouble) = self.bus.get();
        if state == State::Embedded {
            return Ok(None);
        }
        let row = self.store.published().await?;
        let size = self.store.head().await?.tree.size;
        Ok(Some(BusStanding {
            state: state.name(),
            state_vi: state.name_vi(),
            up: state.is_up(),
            position: row.position,
            behind: size.saturating_sub(row.position),
            since: row.since,
            moved_at: row.moved_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
            trouble,
        }))
    }
}
