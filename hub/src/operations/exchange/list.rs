//! Lists of requests and applications: as they were sent, and as they stand.

use serde::Serialize;
use serde_json::Value;

use super::{super::listing::Scan, ExchangePart, Kind, Operations};
use crate::{
    auth::Principal,
    registry::exchange::reply_key,
    store::{
        StoreError,
        records::{Place, RecordFound, RecordQuery},
    },
};

/// Which requests or applications are asked for. Requests come by when they are due, applications
/// by when they were filed.
#[derive(Debug, Clone)]
pub struct ExchangeQuestion {
    /// What is asked for.
    pub kind: Kind,
    /// The agency that they are addressed to; all unless told.
    pub agency: Option<String>,
    /// Only those that it has answered, or has not.
    pub answered: Option<bool>,
    /// Only those due, or filed, on this day or later, from 1970-01-01.
    pub from_day: Option<i32>,
    /// Whether the last come first.
    pub latest: bool,
    /// Behind this place.
    pub after: Option<Place>,
    /// Items on the page.
    pub limit: u32,
}

/// A page of requests or applications.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExchangePage {
    /// What is on it.
    pub items: Vec<ExchangeItem>,
    /// Where the next page begins, where there may be one.
    #[serde(skip)]
    pub next: Option<Place>,
    /// The position all of it is true at.
    pub as_of: u64,
}

/// A request or an application to one agency.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExchangeItem {
    /// What was sent; personal members for who is a party to it alone.
    #[serde(flatten)]
    pub sent: Sent,
    /// Whether the agency has answered.
    #[serde(rename = "replied")]
    pub answered: bool,
    /// The position of its entry.
    pub position: u64,
}

/// What was sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ExchangeSent)]
pub enum Sent {
    /// `request/1`.
    Request(Value),
    /// `application/1`.
    Application(Value),
}

impl ExchangeQuestion {
    fn query(&self, as_of: u64) -> RecordQuery {
        RecordQuery {
            contract: self.kind.contracts().0,
            agency: self.agency.clone(),
            days: self.from_day.map(|first| (first, i32::MAX)),
            as_of: Some(as_of),
            latest: self.latest,
            after: self.after,
            limit: self.limit,
        }
    }

    fn wants(&self, answered: bool) -> bool {
        self.answered.is_none_or(|wanted| wanted == answered)
    }
}

impl Operations {
    /// A page of requests or applications.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn exchanged(
        &self,
        who: &Principal,
        question: &ExchangeQuestion,
    ) -> Result<ExchangePage, StoreError> {
        let as_of = self.store.head().await?.tree.size;
        let (_, answers) = question.kind.contracts();
        let (mut scan, mut items) = (Scan::new(question.query(as_of)), Vec::new());
        while let Some(found) = scan.more(&*self.store).await? {
            for (one, answer) in self.answered(answers, found, as_of).await? {
                let answered = answer.is_some();
                if !scan.takes(&one, question.wants(answered)) {
                    continue;
                }
                let sent = self.open(who, &one).await?;
                let sent = match question.kind {
                    Kind::Request => Sent::Request(sent),
                    Kind::Application => Sent::Application(sent),
                };
                items.push(ExchangeItem { sent, answered, position: one.position });
            }
        }
        Ok(ExchangePage { items, next: scan.next(), as_of })
    }

    /// How the requests or applications of a page stand, each with its id: one to whom the hub has
    /// answered for its agency counts as answered.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn standing_of(
        &self,
        who: &Principal,
        question: &ExchangeQuestion,
    ) -> Result<Vec<(String, ExchangePart)>, StoreError> {
        let as_of = self.store.head().await?.tree.size;
        let (mut scan, mut parts) = (Scan::new(question.query(as_of)), Vec::new());
        while let Some(found) = scan.more(&*self.store).await? {
            let all = self.ended(question.kind, found, as_of).await?;
            let mut wanted = Vec::new();
            for (one, ended) in all {
                if scan.takes(&one, question.wants(ended)) {
                    wanted.push((one.key.clone(), one));
                }
            }
            parts.extend(self.parts(who, question.kind, wanted).await?);
        }
        Ok(parts)
    }

    /// Whether nothing more is waited for, of each.
    async fn ended(
        &self,
        kind: Kind,
        found: Vec<RecordFound>,
        as_of: u64,
    ) -> Result<Vec<(RecordFound, bool)>, StoreError> {
        let (_, answers) = kind.contracts();
        // What the hub answers itself stands under another key.
        let timed_out =
            |one: &RecordFound| RecordFound { key: reply_key(&one.key, true), ..one.clone() };
        let by_hub = self.answered(answers, found.iter().map(timed_out).collect(), as_of).await?;
        let own = self.answered(answers, found, as_of).await?;
        let both = own.into_iter().zip(by_hub);
        Ok(both.map(|((one, own), (_, hub))| (one, own.is_some() || hub.is_some())).collect())
    }
}
