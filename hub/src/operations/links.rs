//! Links to e-services, and what was last found where they lead.

use std::collections::BTreeMap;

use contracts::problem::Bilingual;
use jiff::Timestamp;
use serde::Serialize;

use super::Operations;
use crate::{
    catalogue::{Directory, Link, LinkQuestion, UnknownValue},
    links,
    store::{StoreError, visits::VisitRow},
};

pub use crate::links::LinkState;

/// Which links.
#[derive(Debug, Clone)]
pub struct LinksAsked {
    /// Of which agency and procedure, on which day.
    pub of: LinkQuestion,
    /// Only those that stand so.
    pub state: Option<LinkState>,
}

/// What was last found where a link leads.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LinkVisit {
    /// When it was visited.
    #[schema(value_type = String, format = DateTime)]
    pub visited_at: Timestamp,
    /// The last status that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it leads nowhere: `unreachable`, `no-answer`, `not-allowed`, `bad-redirect`,
    /// `redirects` or `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Bilingual>)]
    pub detail: Option<Bilingual>,
    /// Where redirects have led.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
    /// Visits in a row that led nowhere.
    pub failures: u32,
    /// When the first of them was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
}

impl LinkVisit {
    fn of(row: &VisitRow) -> Self {
        let time = |at: i64| Timestamp::from_millisecond(at).unwrap_or_default();
        Self {
            visited_at: time(row.visited_at),
            status: row.status,
            detail: row.reason.as_deref().and_then(links::words),
            reason: row.reason.clone(),
            leads_to: row.leads_to.clone(),
            failures: row.failures,
            failing_since: row.failing_since.map(time),
        }
    }
}

/// A link and how it stands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LinkStanding<'a> {
    /// The link.
    #[serde(flatten)]
    pub link: Link<'a>,
    /// How it stands.
    pub state: LinkState,
    /// What was last found; absent where nobody has looked yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit: Option<LinkVisit>,
}

/// Links in the order of the catalogue.
#[derive(Debug)]
pub struct LinkPage<'a> {
    /// Those that were asked for.
    pub links: Vec<LinkStanding<'a>>,
    /// How many stand how, of all that the question without its state finds.
    pub states: BTreeMap<&'static str, usize>,
}

impl Operations {
    /// Links of a catalogue with what was last found.
    ///
    /// # Errors
    /// When the store cannot answer; inside, when the question names an agency that is none.
    pub async fn links<'a>(
        &self,
        directory: &'a Directory,
        asked: &LinksAsked,
    ) -> Result<Result<LinkPage<'a>, UnknownValue>, StoreError> {
        let found = match directory.links(&asked.of) {
            Ok(found) => found,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let rows = self.store.visits().await?;
        let rows: BTreeMap<&str, &VisitRow> =
            rows.iter().map(|row| (row.url.as_str(), row)).collect();
        let mut page = LinkPage {
            links: Vec::new(),
            states: LinkState::ALL.map(|state| (state.name(), 0)).into(),
        };
        for link in found {
            let row = rows.get(link.url).copied();
            let state = LinkState::of(row);
            *page.states.entry(state.name()).or_default() += 1;
            if asked.state.is_none_or(|wanted| wanted == state) {
                page.links.push(LinkStanding { link, state, visit: row.map(LinkVisit::of) });
            }
        }
        Ok(Ok(page))
    }
}
