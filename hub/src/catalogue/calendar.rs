//! The calendar of a catalogue's folder: `calendar.toml` and `holidays.csv`, proved to have no gap
//! and no contradiction.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::civil::{Date, date};
use serde::Deserialize;
use toml::Spanned;

use super::{
    PAGE_OF_DEADLINES as PAGE,
    cell::{Faults, day, needed, word},
    declared::Declared,
    table::{Row, Table},
};
use crate::registry::calendar::{Calendar, DayKind, Hours, Span, SpecialDay, is_weekend};

/// Years that a calendar covers, at most.
const YEARS_MAX: i16 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    first_day: Spanned<String>,
    last_day: Spanned<String>,
    yearly: Spanned<Vec<Spanned<String>>>,
    holidays_min: Spanned<usize>,
    hours: Vec<Spanned<DeclaredHours>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredHours {
    #[serde(default)]
    agencies: Vec<Spanned<String>>,
    weekdays: Spanned<String>,
    saturday: Option<Spanned<String>>,
    saturday_counts: Option<Spanned<bool>>,
    valid_from: Option<Spanned<String>>,
    valid_to: Option<Spanned<String>>,
}

const HOLIDAYS: [&str; 6] = ["date", "name", "kind", "sure", "pair_date", "source"];

/// Reads and proves the calendar; none where it has a fault.
pub(super) fn calendar(
    folder: &Path,
    agencies: &BTreeSet<&str>,
    found: &mut Faults,
) -> Option<Calendar> {
    let before = found.len();
    let declared = Declared::read::<File>(folder, "calendar.toml", PAGE);
    let declared = declared.map_err(|fault| found.push(*fault)).ok();
    let table = Table::read(folder, "holidays.csv", &HOLIDAYS, &[]);
    let table = table.map_err(|faults| found.extend(faults)).ok();
    let ((declared, file), table) = declared.zip(table)?;
    let first = declared.day(&file.first_day, found);
    let last = declared.day(&file.last_day, found);
    let (first, last) = first.zip(last)?;
    if last < first || last.year().saturating_sub(first.year()) >= YEARS_MAX {
        let message = format!("the calendar runs from {first} to {last}");
        let advice = "write the last day it covers, behind the first, less than 200 years later";
        found.push(declared.fault(&file.last_day.span(), message, advice));
        return None;
    }
    let read = table.iter().map(|row| special(row, found));
    let days: Vec<SpecialDay> = read.collect::<Vec<_>>().into_iter().flatten().collect();
    if found.len() > before {
        return None;
    }
    contradictions(&table, &days, (first, last), found);
    years(&declared, &file, &days, (first, last), found);
    let mut calendar = Calendar { first_day: first, last_day: last, days, hours: Vec::new() };
    calendar.days.sort_by_key(|one| one.date);
    for one in &file.hours {
        let hours = one.get_ref();
        declared.known(&hours.agencies, |id| agencies.contains(id), "agencies.csv", found);
        calendar.hours.extend(read_hours(&declared, hours, found));
    }
    if found.len() == before {
        covered(&declared, &file.hours, &calendar, found);
    }
    (found.len() == before).then_some(calendar)
}

fn special(row: Row<'_>, found: &mut Faults) -> Option<SpecialDay> {
    if row.cell("date").is_none() {
        needed(row, "date", found);
    }
    let pair = day(row, "pair_date", found);
    let name = needed(row, "name", found);
    let source = needed(row, "source", found);
    let kinds = "write holiday, compensatory_day or makeup_workday";
    let kind = word(row, "kind", kinds, found);
    let sure = word(row, "sure", "write yes, likely or no", found);
    Some(SpecialDay {
        date: day(row, "date", found)?,
        name,
        kind: kind?,
        sure: sure?,
        pair,
        source,
    })
}

/// The days by their date; those that stand twice are told.
fn each_once<'a>(
    table: &Table,
    days: &'a [SpecialDay],
    found: &mut Faults,
) -> BTreeMap<Date, &'a SpecialDay> {
    let mut by_date: BTreeMap<Date, &SpecialDay> = BTreeMap::new();
    for (one, row) in days.iter().zip(table.iter()) {
        if let Some(other) = by_date.insert(one.date, one) {
            let message = match other.kind == one.kind {
                true => format!("{} stands twice", one.date),
                false => format!("{} is a day off and a working day at once", one.date),
            };
            found.push(row.fault("date", message, "keep one of the rows"));
        }
    }
    by_date
}

/// Days that stand twice, or cannot be what they are called.
fn contradictions(
    table: &Table,
    days: &[SpecialDay],
    (first, last): (Date, Date),
    found: &mut Faults,
) {
    let by_date = each_once(table, days, found);
    let made_good: BTreeSet<Date> = days
        .iter()
        .filter(|one| one.kind == DayKind::CompensatoryDay)
        .filter_map(|one| one.pair)
        .collect();
    let covers = |day: Date| first <= day && day <= last;
    for (one, row) in days.iter().zip(table.iter()) {
        let mut fault = |column: &str, message: String, advice: &str| {
            found.push(row.fault(column, message, advice));
        };
        if !covers(one.date) {
            let message = format!("{} is not between {first} and {last}", one.date);
            fault(
                "date",
                message,
                "widen first_day and last_day of calendar.toml, or drop the row",
            );
        }
        let pair = one.pair.and_then(|day| by_date.get(&day));
        match one.kind {
            DayKind::Holiday if is_weekend(one.date) && !made_good.contains(&one.date) => {
                let message = format!("{} is a holiday at a weekend, never made good", one.date);
                fault("date", message, "add its compensatory_day, with this day as its pair_date");
            }
            DayKind::Holiday => {}
            DayKind::CompensatoryDay if is_weekend(one.date) => {
                let message = format!("{} is off at any rate: it is a weekend", one.date);
                fault("date", message, "write the weekday that is off instead");
            }
            DayKind::CompensatoryDay => {
                let good = pair.is_some_and(|pair| match pair.kind {
                    DayKind::Holiday => is_weekend(pair.date),
                    DayKind::MakeupWorkday => pair.pair == Some(one.date),
                    DayKind::CompensatoryDay => false,
                });
                if !good && one.pair.is_none_or(covers) {
                    let message = format!("what {} makes good is not to be seen", one.date);
                    let advice = "pair_date names the holiday at a weekend, or the make-up day \
                                  that names this one";
                    fault("pair_date", message, advice);
                }
            }
            DayKind::MakeupWorkday if !is_weekend(one.date) => {
                let message = format!("{} is worked at any rate: it is no weekend", one.date);
                fault("date", message, "write the Saturday or Sunday that is worked");
            }
            DayKind::MakeupWorkday => {
                let good = pair.is_some_and(|pair| {
                    pair.kind == DayKind::CompensatoryDay && pair.pair == Some(one.date)
                });
                if !good && one.pair.is_none_or(covers) {
                    let message = format!("what {} is worked for is not to be seen", one.date);
                    let advice = "pair_date names the compensatory_day that names this one";
                    fault("pair_date", message, advice);
                }
            }
        }
    }
}

/// Years that were not entered: they lack what every year has.
fn years(
    declared: &Declared,
    file: &File,
    days: &[SpecialDay],
    (first, last): (Date, Date),
    found: &mut Faults,
) {
    let holidays: BTreeSet<Date> =
        days.iter().filter(|one| one.kind == DayKind::Holiday).map(|one| one.date).collect();
    for told in file.yearly.get_ref() {
        let text = told.get_ref();
        for year in first.year()..=last.year() {
            let Ok(day) = format!("{year:04}-{text}").parse::<Date>() else {
                let message = format!("`{text}` is no day of the year {year}");
                found.push(declared.fault(&told.span(), message, "write \"MM-DD\""));
                break;
            };
            if first <= day && day <= last && !holidays.contains(&day) {
                let message = format!("{day} is missing: the year {year} is not covered");
                let advice = "add the year's days to holidays.csv, or end the calendar before it";
                found.push(declared.fault(&told.span(), message, advice));
            }
        }
    }
    let least = *file.holidays_min.get_ref();
    for year in first.year()..=last.year() {
        let (start, end) = (date(year, 1, 1), date(year, 12, 31));
        let count = holidays.range(start..=end).count();
        if first <= start && end <= last && count < least {
            let message =
                format!("the year {year} has {count} holidays, not {least}: it is not covered");
            let advice = "add the year's days to holidays.csv, or end the calendar before it";
            found.push(declared.fault(&file.holidays_min.span(), message, advice));
        }
    }
}

fn read_hours(declared: &Declared, hours: &DeclaredHours, found: &mut Faults) -> Option<Hours> {
    let weekdays = spans(declared, &hours.weekdays, found);
    let saturday = hours.saturday.as_ref().map(|told| spans(declared, told, found));
    match (&hours.saturday, &hours.saturday_counts) {
        (Some(told), None) => {
            let message = "whether such a Saturday is a working day is not told".to_owned();
            let advice = "write saturday_counts = true or false";
            found.push(declared.fault(&told.span(), message, advice));
        }
        (None, Some(told)) => {
            let message = "this is said of offices that are open on Saturday".to_owned();
            found.push(declared.fault(
                &told.span(),
                message,
                "write saturday too, or leave it out",
            ));
        }
        _ => {}
    }
    let (from, to) = (hours.valid_from.as_ref(), hours.valid_to.as_ref());
    let (valid_from, valid_to) = declared.days(from, to, found);
    Some(Hours {
        agencies: hours.agencies.iter().map(|id| id.get_ref().clone()).collect(),
        weekdays: weekdays?,
        saturday: saturday.unwrap_or(Some(Vec::new()))?,
        saturday_counts: hours.saturday_counts.as_ref().is_some_and(|told| *told.get_ref()),
        valid_from,
        valid_to,
    })
}

/// Stretches of a day: `07:00-11:30 13:30-17:00`.
fn spans(declared: &Declared, told: &Spanned<String>, found: &mut Faults) -> Option<Vec<Span>> {
    let read = |text: &str| {
        let (from, to) = text.split_once('-')?;
        let span = (Declared::time(from)?, Declared::time(to)?);
        (span.0 < span.1).then_some(span)
    };
    let spans: Option<Vec<Span>> = told.get_ref().split_whitespace().map(read).collect();
    let apart = |spans: &Vec<Span>| {
        let pairs = spans.iter().zip(spans.iter().skip(1));
        !spans.is_empty() && pairs.into_iter().all(|((_, end), (start, _))| end < start)
    };
    let spans = spans.filter(apart);
    if spans.is_none() {
        let message = format!("`{}` are no office hours", told.get_ref());
        let advice = "write stretches in their order, apart from each other, such as \
                      \"07:00-11:30 13:30-17:00\"";
        found.push(declared.fault(&told.span(), message, advice));
    }
    spans
}

/// One office has one kind of hours on any day, and every office has some.
fn covered(
    declared: &Declared,
    told: &[Spanned<DeclaredHours>],
    calendar: &Calendar,
    found: &mut Faults,
) {
    let before = |last: Option<Date>, first: Option<Date>| {
        last.zip(first).is_some_and(|(last, first)| last < first)
    };
    let shared = |one: &Hours, other: &Hours| {
        let none = one.agencies.is_empty() && other.agencies.is_empty();
        none || one.agencies.iter().any(|id| other.agencies.contains(id))
    };
    for (at, (one, place)) in calendar.hours.iter().zip(told).enumerate() {
        let meets = |other: &&Hours| {
            shared(one, other)
                && !before(one.valid_to, other.valid_from)
                && !before(other.valid_to, one.valid_from)
        };
        if calendar.hours.iter().take(at).find(meets).is_some() {
            let message = "an office has two kinds of hours on some day".to_owned();
            let advice = "end the one before the other begins: valid_to is the last day";
            found.push(declared.fault(&place.span(), message, advice));
        }
    }
    let general = calendar.hours.iter().filter(|hours| hours.agencies.is_empty());
    let stretches = general.map(|hours| (hours.valid_from, hours.valid_to)).collect();
    if let Some(day) = uncovered(stretches, (calendar.first_day, calendar.last_day)) {
        let message = format!("offices that no hours name have none on {day}");
        let advice = "add [[hours]] without agencies that hold on that day";
        let span = told.first().map_or(0..0, Spanned::span);
        found.push(declared.fault(&span, message, advice));
    }
}

/// The first day of a stretch that none of several covers.
pub(super) fn uncovered(
    mut stretches: Vec<(Option<Date>, Option<Date>)>,
    (first, last): (Date, Date),
) -> Option<Date> {
    stretches.sort();
    let mut next = first;
    for (from, to) in stretches {
        if from.is_some_and(|from| next < from) {
            return Some(next);
        }
        // One without an end covers all the rest.
        let after = to?.tomorrow().unwrap_or(Date::MAX);
        next = next.max(after);
    }
    (next <= last).then_some(next)
}
