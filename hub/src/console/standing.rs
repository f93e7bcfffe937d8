//! The page's sections of alerts and of how channels conform.

use jiff::Timestamp;

use super::page::Time;
use crate::{
    auth::Principal,
    operations::{ChannelStanding, Operations},
    store::{StoreError, channels::Alert},
};

/// What an alert says, and since when.
pub(super) struct AlertRow {
    pub(super) alert: Alert,
    pub(super) since: Time,
}

/// How a channel stands: when something is due of it, and its parts of conformance.
pub(super) struct Row {
    pub(super) channel: String,
    pub(super) silent: bool,
    pub(super) due_at: Time,
    pub(super) open_refusals: u64,
    pub(super) parts: [String; 7],
}

/// Alerts and conformance, as the page shows them.
pub(super) struct Section {
    pub(super) alerts: Vec<AlertRow>,
    pub(super) rows: Vec<Row>,
}

fn time(at: Option<Timestamp>) -> Time {
    at.map(|at| at.to_string().into()).unwrap_or_default()
}

fn row(one: ChannelStanding) -> Row {
    let of = one.conformance;
    let parts = [
        of.freshness,
        of.completeness,
        of.refusals,
        of.duplicates,
        of.drift,
        of.deadlines,
        of.score,
    ];
    Row {
        channel: one.heard.channel,
        silent: one.heard.silent,
        due_at: time(one.heard.due_at),
        open_refusals: one.open_refusals,
        parts: parts.map(|part| part.map_or("–".to_owned(), |part| part.to_string())),
    }
}

impl Section {
    /// Reads them.
    pub(super) async fn read(operations: &Operations) -> Result<Self, StoreError> {
        let who = Principal::Operator;
        let alerts = operations.alerts(&who).await?.into_iter();
        let alerts = alerts.map(|alert| {
            let since = time(Timestamp::from_millisecond(alert.opened_at).ok());
            AlertRow { alert, since }
        });
        let standings = operations.standings(&who, None, Timestamp::now()).await?;
        Ok(Self { alerts: alerts.collect(), rows: standings.into_iter().map(row).collect() })
    }
}
