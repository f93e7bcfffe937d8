//! One formula by which every channel is measured alike. Each part is told with the numbers that
//! it comes from, and whoever has them comes to the same.

use serde::Serialize;

/// The numbers that conformance comes from. Of the last days, unless they say otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ConformanceFigures)]
pub struct Figures {
    /// Whole days on which it should have been heard from since it fell silent; none where no
    /// rhythm is known, or it was never heard from.
    pub silent_days: Option<u32>,
    /// Keys of which its agency told that it has them, and those of them that the hub has: by the
    /// last control; none where there was no control.
    pub controlled: Option<(u64, u64)>,
    /// Records stored.
    pub records: u64,
    /// Records refused.
    pub refused: u64,
    /// Messages that came to an outcome.
    pub messages: u64,
    /// Messages that were sent again as they were.
    pub repeats: u64,
    /// Changes in what it sends that have begun; none where nothing was looked at.
    pub drift: Option<u64>,
    /// Dossiers of its agency that were finished in time.
    pub in_time: u64,
    /// Dossiers of its agency that were finished late.
    pub late: u64,
    /// Unfinished dossiers of its agency that are overdue today.
    pub overdue: u64,
}

/// One part of conformance: from 0 to 100; none where there is nothing to judge by.
pub type Component = Option<u8>;

/// How a channel conforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Conformance {
    /// The mean of the parts that there are, rounded down.
    #[schema(value_type = Option<u8>)]
    pub score: Component,
    /// 100, and 20 less for each day of silence.
    #[schema(value_type = Option<u8>)]
    pub freshness: Component,
    /// The share of the controlled keys that the hub has.
    #[schema(value_type = Option<u8>)]
    pub completeness: Component,
    /// The share of records that were stored.
    #[schema(value_type = Option<u8>)]
    pub refusals: Component,
    /// The share of messages that were sent once.
    #[schema(value_type = Option<u8>)]
    pub duplicates: Component,
    /// 100, and 10 less for each change.
    #[schema(value_type = Option<u8>)]
    pub drift: Component,
    /// The share of its agency's dossiers that were finished in time, of those that were finished
    /// or are overdue.
    #[schema(value_type = Option<u8>)]
    pub deadlines: Component,
}

const SILENT_DAY: u64 = 20;
const CHANGE: u64 = 10;

/// A share of 100, rounded down; none of nothing.
fn share(part: u64, whole: u64) -> Component {
    let share = u128::from(part.min(whole)) * 100;
    u8::try_from(share.checked_div(u128::from(whole))?).ok()
}

/// 100, less so much for each.
fn less(each: u64, number: u64) -> u8 {
    u8::try_from(100_u64.saturating_sub(each.saturating_mul(number))).unwrap_or(0)
}

/// How a channel conforms of which these are the numbers.
pub fn conformance(figures: &Figures) -> Conformance {
    let Figures { records, refused, messages, repeats, in_time, late, overdue, .. } = *figures;
    let freshness = figures.silent_days.map(|days| less(SILENT_DAY, days.into()));
    let completeness = figures.controlled.and_then(|(told, had)| share(had, told));
    let refusals = share(records, records.saturating_add(refused));
    let duplicates = share(messages, messages.saturating_add(repeats));
    let drift = figures.drift.map(|changes| less(CHANGE, changes));
    let deadlines = share(in_time, in_time.saturating_add(late).saturating_add(overdue));
    let parts = [freshness, completeness, refusals, duplicates, drift, deadlines];
    let known: Vec<u32> = parts.iter().flatten().map(|part| u32::from(*part)).collect();
    let count = u32::try_from(known.len()).unwrap_or(u32::MAX);
    let mean = known.iter().sum::<u32>().checked_div(count);
    let score = mean.and_then(|mean| u8::try_from(mean).ok());
    Conformance { score, freshness, completeness, refusals, duplicates, drift, deadlines }
}
