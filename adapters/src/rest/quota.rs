//! How many requests of one agency may be under way together, so that one which sends a great many,
//! or whose requests take long, leaves the others their places.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde_json::json;

use super::{kinds, problem::ProblemResponse};

/// Requests of an agency under way together, unless told.
pub const REQUESTS_AT_ONCE: usize = 128;

/// When an agency above its quota may try again, in seconds: its requests are short.
const RETRY_SECONDS: u32 = 1;

/// The quotas of all agencies, and how much of them is taken.
#[derive(Debug, Default)]
pub struct Quotas(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    /// Of agencies that have a quota of their own.
    own: HashMap<String, usize>,
    taken: HashMap<String, usize>,
}

/// A request under way. Dropped, it leaves its place to the next.
#[derive(Debug)]
pub(crate) struct Seat {
    quotas: Arc<Quotas>,
    agency: String,
}

impl Quotas {
    /// Quotas of agencies by their ids; [`REQUESTS_AT_ONCE`] holds for those not among them.
    pub fn new(own: HashMap<String, usize>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Places { own, taken: HashMap::new() })))
    }

    /// Puts other quotas in force; requests under way keep their places, and count.
    pub fn change(&self, own: HashMap<String, usize>) {
        self.places().own = own;
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a request of the agency that a channel is of, or of the agency itself. It must
    /// be known who it is: whoever only says so takes no place of the agency's.
    pub(crate) fn seat(self: &Arc<Self>, channel: &str) -> Result<Seat, ProblemResponse> {
        let agency = channel.split_once('.').map_or(channel, |(agency, _)| agency).to_owned();
        let mut places = self.places();
        let most = places.own.get(&agency).copied().unwrap_or(REQUESTS_AT_ONCE);
        let number = places.taken.entry(agency.clone()).or_default();
        if *number >= most {
            return Err(too_many(most));
        }
        *number += 1;
        drop(places);
        Ok(Seat { quotas: Arc::clone(self), agency })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut places = self.quotas.places();
        let taken = &mut places.taken;
        if let Some(number) = taken.get_mut(&self.agency) {
            *number = number.saturating_sub(1);
            // Only agencies with requests under way are kept.
            if *number == 0 {
                taken.remove(&self.agency);
            }
        }
    }
}

fn too_many(most: usize) -> ProblemResponse {
    ProblemResponse::new(StatusCode::TOO_MANY_REQUESTS, &kinds::TOO_MANY_AT_ONCE)
        .detail(
            format!("Cơ quan được gửi tối đa {most} yêu cầu cùng lúc."),
            format!("The agency may have at most {most} requests under way together."),
        )
        .member("requests_at_once", json!(most))
        .header(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agency_has_its_own_places_and_they_come_back() {
        let quotas = Quotas::new(HashMap::from([("so-y-te".to_owned(), 2)]));
        let one = quotas.seat("so-y-te.ho-so").unwrap();
        let two = quotas.seat("so-y-te.khao-sat").unwrap();
        let refused = quotas.seat("so-y-te").unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.header_value(&RETRY_AFTER).unwrap(), "1");
        let others: Vec<Seat> =
            (0..REQUESTS_AT_ONCE).map(|_| quotas.seat("so-xay-dung.ho-so").unwrap()).collect();
        assert!(quotas.seat("so-xay-dung.ho-so").is_err());
        drop(one);
        let three = quotas.seat("so-y-te.ho-so").unwrap();
        // Other quotas hold from the next request on; those under way count.
        quotas.change(HashMap::from([("so-y-te".to_owned(), 3)]));
        let four = quotas.seat("so-y-te.ho-so").unwrap();
        assert!(quotas.seat("so-y-te.ho-so").is_err());
        drop((two, three, four, others));
        assert!(quotas.places().taken.is_empty());
    }
}
