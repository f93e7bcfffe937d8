//! The section about channels that the hub reads itself.

use contracts::problem::Bilingual;

use super::page::Time;
use crate::operations::PollerStanding;

/// A channel that is read.
pub(super) struct PollerRow {
    pub(super) channel: String,
    pub(super) succeeded_at: Time,
    pub(super) moved_at: Time,
    pub(super) failures: u32,
    pub(super) state: Bilingual,
}

/// How each stands, in words.
pub(super) fn rows(standings: Vec<PollerStanding>) -> Vec<PollerRow> {
    let told = |vi: &str, en: &str| Bilingual { vi: vi.to_owned(), en: en.to_owned() };
    let row = |standing: PollerStanding| {
        let state = match standing.trouble {
            Some(trouble) => trouble.told,
            None if standing.under_way => told("Đang đọc.", "Reading."),
            None if standing.succeeded_at.is_some() => told("Bình thường.", "In order."),
            None => told("Chưa đọc lần nào.", "Not read yet."),
        };
        let time = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string().into());
        PollerRow {
            channel: standing.channel,
            succeeded_at: time(standing.succeeded_at).unwrap_or_default(),
            moved_at: time(standing.moved_at).unwrap_or_default(),
            failures: standing.failures,
            state,
        }
    };
    standings.into_iter().map(row).collect()
}
