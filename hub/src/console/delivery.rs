//! The page's section of deliveries: what waits for each agency, and what was given up.

use crate::{
    auth::Principal,
    operations::{Operations, ToldLetter},
    store::{
        StoreError,
        deliveries::{DeadQuery, Running, Waiting},
    },
};

/// Dead letters shown: the oldest of which nothing is decided.
const SHOWN: u32 = 10;

/// How an outbound channel stands.
pub(super) struct Row {
    pub(super) channel: String,
    pub(super) state: &'static str,
    pub(super) state_vi: &'static str,
    pub(super) reason: String,
    pub(super) waiting: u64,
    pub(super) failing: u64,
    pub(super) told: String,
    pub(super) dead: u64,
}

/// Deliveries, as the page shows them.
pub(super) struct Section {
    pub(super) rows: Vec<Row>,
    pub(super) letters: Vec<ToldLetter>,
}

fn row(one: Waiting) -> Row {
    let state = one.decided.as_ref().map_or(Running::Running, |decided| decided.state);
    let state_vi = match state {
        Running::Running => "đang gửi",
        Running::Paused => "tạm dừng",
        Running::Draining => "đang xả",
    };
    Row {
        channel: one.channel,
        state: state.name(),
        state_vi,
        reason: one.decided.map(|decided| decided.reason).unwrap_or_default(),
        waiting: one.waiting,
        failing: one.failing,
        told: one.told.unwrap_or_default(),
        dead: one.dead,
    }
}

impl Section {
    /// Reads it.
    pub(super) async fn read(operations: &Operations) -> Result<Self, StoreError> {
        let who = Principal::Operator;
        let rows = operations.outbox(&who).await?.into_iter().map(row).collect();
        let state = Some("waiting".to_owned());
        let query = DeadQuery { state, limit: SHOWN, ..DeadQuery::default() };
        Ok(Self { rows, letters: operations.dead(&who, query).await?.letters })
    }
}
