//! How subscriptions stand, and which of them an operator is to look at.

use contracts::problem::Bilingual;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{Operations, agency_of};
use crate::{
    cursor,
    feeds::Feed,
    store::{
        StoreError,
        channels::Alert,
        subscriptions::{Attempt, REFOLDED, SubscriptionQuery, SubscriptionRow},
    },
    webhooks::{self, FAILING, GONE, event, secrets},
};

/// The alert of a subscription that is sent nothing any more, for no one has decided so.
pub(crate) const WEBHOOK: &str = "webhook";

/// How a subscription stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubscriptionStanding {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// The feed.
    pub feed: String,
    /// Only what this agency may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Only records of this contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// Only what is about dossiers of this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dossier: Option<String>,
    /// Where events are sent.
    pub url: String,
    /// How they are signed: `v1` or `v1a`.
    pub signature: String,
    /// `active`; `paused`, for its owner has no key in force; or `disabled`.
    pub state: &'static str,
    /// Why it is not active: `no-key-in-force`, `gone`, `failing`, `refolded` or
    /// `switched-off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where sending goes on: a cursor of the feed.
    pub after: String,
    /// Entries of the journal between there and the feed's end.
    pub lag: u64,
    /// When the secrets end that sign beside the newest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, format = DateTime)]
    pub older_secrets_until: Vec<Timestamp>,
    /// Attempts in a row that failed.
    pub failed_attempts: u32,
    /// Since when they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// When the next is due, where one is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub made_at: Option<Timestamp>,
    /// The last attempts, the latest last.
    pub attempts: Vec<ToldAttempt>,
}

/// One attempt, as it is told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ToldAttempt {
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// The event's id.
    pub event: String,
    /// Whether it was taken.
    pub taken: bool,
    /// What was answered, where something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took.
    pub took_ms: u64,
    /// What was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

impl From<Attempt> for ToldAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            at: time(attempt.at),
            event: attempt.event,
            taken: attempt.told.is_none(),
            status: attempt.status,
            took_ms: attempt.took,
            told: attempt.told,
        }
    }
}

fn time(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

/// The name of a subscription among channels: of its owner's.
fn channel(row: &SubscriptionRow) -> String {
    let owner = row.owner.strip_prefix("agency:").unwrap_or(&row.owner);
    format!("{}.webhook-{}", agency_of(owner), row.id)
}

impl Operations {
    pub(super) async fn as_they_stand(
        &self,
        rows: Vec<SubscriptionRow>,
    ) -> Result<Vec<SubscriptionStanding>, StoreError> {
        let (keys, head) = (self.store.keys().await?, self.store.head().await?);
        let in_force = webhooks::in_force(&keys);
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(feed) = Feed::from_name(&row.feed) else { continue };
            let (end, _) = feed.end(self, head.tree.size).await?;
            let place = event::followed(&head.log, &row.place)?;
            let (state, reason) = match &row.disabled {
                Some(reason) => ("disabled", Some(reason.clone())),
                None if !in_force.contains(row.owner.as_str()) => {
                    ("paused", Some("no-key-in-force".to_owned()))
                }
                None => ("active", None),
            };
            let waits = state == "active" && row.due_at > row.now;
            all.push(SubscriptionStanding {
                state,
                reason,
                after: cursor::write(&head.log.id, &feed.list_by(row.place.fold), &place),
                lag: end.saturating_sub(place.0),
                older_secrets_until: secrets::ends(&row.secrets, row.now)
                    .into_iter()
                    .filter_map(time)
                    .collect(),
                failed_attempts: row.attempts,
                failing_since: row.failing_since.and_then(time),
                next_attempt_at: waits.then(|| time(row.due_at)).flatten(),
                made_at: time(row.made_at),
                attempts: row.tried.into_iter().map(ToldAttempt::from).collect(),
                id: row.id,
                owner: row.owner,
                feed: row.feed,
                agency: row.agency,
                contract: row.contract,
                dossier: row.dossier,
                url: row.url,
                signature: row.signature,
            });
        }
        Ok(all)
    }

    /// Subscriptions that are sent nothing any more though nobody has decided so: one alert each.
    pub(crate) async fn webhook_alerts(&self, opened_at: i64) -> Result<Vec<Alert>, StoreError> {
        let rows = self.store.subscriptions(SubscriptionQuery::default()).await?;
        let fallen = rows.into_iter().filter(|row| {
            let reasons = [GONE, FAILING, REFOLDED];
            row.disabled.as_deref().is_some_and(|reason| reasons.contains(&reason))
        });
        let alert = |row: SubscriptionRow| {
            let told = match row.disabled.as_deref() {
                Some(REFOLDED) => begin_anew(&row),
                _ => try_again(&row),
            };
            let channel = channel(&row);
            Alert { channel, kind: WEBHOOK.to_owned(), told, opened_at, closed_at: None }
        };
        Ok(fallen.map(alert).collect())
    }
}

/// What is to be done about one whose receiver takes nothing.
fn try_again(row: &SubscriptionRow) -> Bilingual {
    let id = &row.id;
    let (vi, en) = match row.disabled.as_deref() {
        Some(GONE) => ("bên nhận báo đã ngừng (410)", "its receiver says it is gone (410)"),
        _ => ("giao không được quá lâu", "sending has failed for too long"),
    };
    let vi = format!(
        "Đã tắt webhook {id}: {vi}. Khi bên nhận sẵn sàng: `lienthong subscriptions enable {id}`; \
         gửi tiếp từ chỗ dừng."
    );
    let en = format!(
        "The webhook {id} is switched off: {en}. When its receiver is ready: `lienthong \
         subscriptions enable {id}` goes on where it stopped."
    );
    Bilingual { vi, en }
}

/// What is to be done about one whose place is of another fold.
fn begin_anew(row: &SubscriptionRow) -> Bilingual {
    let SubscriptionRow { id, feed, .. } = row;
    let vi = format!(
        "Đã tắt webhook {id}: dòng sự kiện {feed} nay được tính khác. Chủ webhook bỏ dữ liệu cũ, \
         tải /v1/exports/{feed}.ndjson, rồi gọi POST /v1/subscriptions/{id}/recover với con trỏ \
         trong Link của tệp đó."
    );
    let en = format!(
        "The webhook {id} is switched off: the feed {feed} is derived otherwise now. Its owner \
         drops what it has, fetches /v1/exports/{feed}.ndjson, and calls POST \
         /v1/subscriptions/{id}/recover with the cursor in that file's Link."
    );
    Bilingual { vi, en }
}
