//! Lists of requests and applications: as they were sent, and as they stand.

use serde::Serialize;
use serde_json::Value;

use super::{super::listing::Scan, ExchangePart, Kind, Operations, opening, persons};
use crate::{
    operations::{Persons, Reader},
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
    /// What became of personal members.
    pub personal: Persons,
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
        reader: &Reader,
        question: &ExchangeQuestion,
    ) -> Result<ExchangePage, StoreError> {
        let as_of = self.store.head().await?.tree.size;
        let (contract, answers) = question.kind.contracts();
        let (mut scan, mut chosen) = (Scan::new(question.query(as_of)), Vec::new());
        while let Some(found) = scan.more(&*self.store).await? {
            for (one, answer) in self.answered(answers, found, as_of).await? {
                let answered = answer.is_some();
                if scan.takes(&one, question.wants(answered)) {
                    chosen.push((one, answered));
                }
            }
        }
        let who = reader.who();
        let all: Vec<_> = chosen.iter().map(|(one, _)| opening(who, contract, one)).collect();
        let mut opened = self.opened(reader, &all).await?;
        let items = chosen.iter().map(|(one, answered)| {
            let sent = opened.remove(&one.position).unwrap_or_default();
            let sent = match question.kind {
                Kind::Request => Sent::Request(sent),
                Kind::Application => Sent::Application(sent),
            };
            ExchangeItem { sent, answered: *answered, position: one.position }
        });
        let (items, personal) = (items.collect(), persons(reader));
        Ok(ExchangePage { items, personal, next: scan.next(), as_of })
    }

    /// How the requests or applications of a page stand, each with its id: one to whom the hub has
    /// answered for its agency counts as answered.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn standing_of(
        &self,
        reader: &Reader,
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
            parts.extend(self.parts(reader, question.kind, wanted).await?);
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
