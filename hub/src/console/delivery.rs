//! The page's section of deliveries: what waits for each agency, and what was given up.

use crate::{
    auth::Principal,
    operations::{BusStanding, Operations, ToldLetter},
    store::{
        StoreError,
        deliveries::{DeadQuery, Running, Waiting},
    },
};

/// Dead letters shown: the oldest of which nothing is decided, and as many that were replayed.
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

/// A dead letter, and what was decided of it.
pub(super) struct Letter {
    pub(super) letter: ToldLetter,
    pub(super) state_vi: &'static str,
}

/// Deliveries, as the page shows them.
pub(super) struct Section {
    pub(super) rows: Vec<Row>,
    pub(super) letters: Vec<Letter>,
    /// How publishing to a broker stands, where there is one.
    pub(super) bus: Option<BusStanding>,
}

impl From<ToldLetter> for Letter {
    fn from(letter: ToldLetter) -> Self {
        let state_vi = match letter.state.as_str() {
            "replayed" => "đã gửi lại",
            "discarded" => "đã bỏ",
            _ => "chờ quyết định",
        };
        Self { letter, state_vi }
    }
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
        let mut letters = Vec::new();
        for state in ["waiting", "replayed"] {
            let state = Some(state.to_owned());
            let query = DeadQuery { state, limit: SHOWN, ..DeadQuery::default() };
            let found = operations.dead(&who, query).await?.letters;
            letters.extend(found.into_iter().map(Letter::from));
        }
        Ok(Self { rows, letters, bus: operations.bus().await? })
    }
}
