//! A page of what was found.

use serde::Serialize;

use super::facets::Facets;
use crate::registry::search::{Bits, Hit, Index, Query, Suggestion};

/// Which of the items are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// How many to pass over.
    pub offset: usize,
    /// How many to give, at most.
    pub limit: usize,
}

/// One page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// What was found, best first.
    pub items: Vec<T>,
    /// How much was found in all.
    pub total: usize,
    /// How much there is by other choices of each filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<Facets>,
    /// Where nothing was found: what may have been meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
    /// Where the next page begins; none on the last.
    #[serde(skip)]
    pub next: Option<usize>,
}

/// A filter names what the catalogue does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownValue {
    /// The parameter.
    pub parameter: &'static str,
    /// Where its values are listed.
    pub listed: &'static str,
}

/// What was found, in its order, with the page's share.
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    total: usize,
    next: Option<usize>,
    suggestions: Vec<Suggestion>,
}

/// Puts what is allowed of what a question finds in order, and cuts the page out.
pub(super) fn found(
    index: &Index,
    (query, matching): (&Query, &Bits),
    allowed: &Bits,
    window: Window,
) -> Found {
    let mut kept = matching.clone();
    kept.keep(allowed);
    let total = kept.count();
    let suggestions = if total == 0 { index.suggestions(query, allowed) } else { Vec::new() };
    let end = window.offset.saturating_add(window.limit);
    let mut hits = index.ranked(query, &kept, end);
    hits.drain(..window.offset.min(hits.len()));
    Found { hits, total, next: (end < total).then_some(end), suggestions }
}

impl Found {
    /// The page, each item made of its hit.
    pub(super) fn page<T>(
        self,
        facets: Option<Facets>,
        item: impl FnMut(&Hit) -> Option<T>,
    ) -> Page<T> {
        let Self { hits, total, next, suggestions } = self;
        Page { items: hits.iter().filter_map(item).collect(), total, facets, suggestions, next }
    }
}
