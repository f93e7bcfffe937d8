//! Dossiers finished in the last days before a reporting period ends, beside those of the days
//! before.

use jiff::{ToSpan, civil::Date};

use super::model::FindingRule;

/// The ends of periods whose days a day belongs to: those just before one, and those that are
/// compared with.
pub(super) fn of_day(rule: &FindingRule, day: Date) -> impl Iterator<Item = Date> {
    let reach = rule.days.saturating_add(rule.before_days);
    let until = day.saturating_add(i64::from(reach).days());
    between(rule, (day, until)).filter(move |end| *end < until)
}

/// The ends of periods from a day to another.
pub(super) fn between(
    rule: &FindingRule,
    (first, last): (Date, Date),
) -> impl Iterator<Item = Date> {
    (first.year()..=last.year()).flat_map(move |year| {
        let ends =
            rule.cut_offs.iter().filter_map(move |end| Date::new(year, end.month, end.day).ok());
        ends.filter(move |end| first <= *end && *end <= last)
    })
}

/// The first of the days just before an end, and the first of those before them.
pub(super) fn days(rule: &FindingRule, end: Date) -> (Date, Date) {
    let back = |days: u32| {
        let first = end.saturating_sub(i64::from(days).days());
        first.tomorrow().unwrap_or(first)
    };
    (back(rule.days), back(rule.days.saturating_add(rule.before_days)))
}

/// Whether so many just before an end are far more than so many before, by day.
pub(super) fn is_bulk(rule: &FindingRule, (just, before): (u64, u64)) -> bool {
    let (days, before_days) = (u64::from(rule.days.max(1)), u64::from(rule.before_days.max(1)));
    just >= u64::from(rule.dossiers)
        && just.saturating_mul(before_days)
            >= before.saturating_mul(days).saturating_mul(u64::from(rule.times))
}
