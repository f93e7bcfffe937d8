//! Lists that are given page by page: where a page begins, and the link to the next.

use std::{fmt::Display, str::FromStr};

use adapters::rest::problem::ProblemResponse;
use axum::{
    http::{HeaderValue, header::LINK},
    response::Response,
};

use super::{
    answer::{Stop, bad_cursor},
    params::Params,
};
use crate::{cursor, store::StoreError};

/// A place in a list, as cursors hold it: a number, and what tells apart what has the same.
pub(super) trait Placed: Sized {
    /// What a cursor holds.
    fn held(&self) -> cursor::Place;
    /// The place that a cursor holds, where it is one of such a list.
    fn of(held: cursor::Place) -> Option<Self>;
}

/// A day and a position on it.
impl Placed for (i32, u64) {
    fn held(&self) -> cursor::Place {
        (self.1, self.0.to_string())
    }

    fn of((position, day): cursor::Place) -> Option<Self> {
        Some((day.parse().ok()?, position))
    }
}

/// A number, and what is written beside it.
impl<T: Display + FromStr> Placed for (u64, T) {
    fn held(&self) -> cursor::Place {
        (self.0, self.1.to_string())
    }

    fn of((number, beside): cursor::Place) -> Option<Self> {
        Some((number, beside.parse().ok()?))
    }
}

/// One list as it is asked for.
pub(super) struct Paging<'a> {
    /// Its address.
    pub(super) path: &'a str,
    /// What its cursors are of: one of another list, or of another log, is refused.
    pub(super) list: &'a str,
    /// The log.
    pub(super) log_id: &'a str,
    /// What was asked.
    pub(super) params: &'a Params,
}

impl Paging<'_> {
    /// Behind which place the page begins.
    ///
    /// # Errors
    /// The answer to a cursor that was not given for this list.
    pub(super) fn after<P: Placed>(&self) -> Result<Option<P>, ProblemResponse> {
        let Some(text) = self.params.text("cursor") else { return Ok(None) };
        let place = cursor::read(self.log_id, self.list, text).and_then(P::of);
        place.map(Some).ok_or_else(bad_cursor)
    }

    /// Puts the link to the next page into an answer, where there is one.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn link<P: Placed>(
        &self,
        mut response: Response,
        next: Option<P>,
    ) -> Result<Response, Stop> {
        if let Some(next) = next {
            let cursor = cursor::write(self.log_id, self.list, &next.held());
            let query = self.params.query_without(&["cursor"]);
            let link = format!("<{}?{query}cursor={cursor}>; rel=\"next\"", self.path);
            let link = HeaderValue::from_str(&link);
            let link = link.map_err(|error| StoreError::fault(error.to_string()))?;
            response.headers_mut().insert(LINK, link);
        }
        Ok(response)
    }
}
