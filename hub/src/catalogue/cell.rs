//! What cells of a catalogue say: days, words of a list, and values with the days they hold.

use contracts::{ContractId, Contracts, Draft, Problem};
use jiff::civil::Date;
use mappings::Diagnostic;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::table::Row;

/// Faults found so far.
pub(super) type Faults = Vec<Diagnostic>;

/// A day of the calendar; an empty cell is none.
pub(super) fn day(row: Row<'_>, column: &str, found: &mut Faults) -> Option<Date> {
    let text = row.cell(column)?;
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    if day.is_none() {
        let message = format!("`{text}` is no day of the calendar");
        found.push(row.fault(column, message, "write YYYY-MM-DD, such as 2025-07-01"));
    }
    day
}

/// First and last day in force.
pub(super) fn days(row: Row<'_>, found: &mut Faults) -> (Option<Date>, Option<Date>) {
    let (first, last) = (day(row, "valid_from", found), day(row, "valid_to", found));
    if first.zip(last).is_some_and(|(first, last)| last < first) {
        let message = "the last day in force lies before the first".to_owned();
        found.push(row.fault("valid_to", message, "write the last day on which it holds"));
    }
    (first, last)
}

/// A cell that must not be empty.
pub(super) fn needed(row: Row<'_>, column: &str, found: &mut Faults) -> String {
    if row.cell(column).is_none() {
        found.push(row.fault(column, format!("`{column}` is missing"), "fill in this cell"));
    }
    row.cell(column).unwrap_or_default().to_owned()
}

/// A whole number.
pub(super) fn number(row: Row<'_>, column: &str, found: &mut Faults) -> Option<u64> {
    let text = row.cell(column)?;
    let number = text.parse::<u64>().ok();
    if number.is_none() {
        let message = format!("`{text}` is no whole number");
        found.push(row.fault(column, message, "write digits alone"));
    }
    number
}

/// Several values in one cell, with `;` between them.
pub(super) fn list<'a>(row: Row<'a>, column: &str) -> impl Iterator<Item = &'a str> {
    let cell = row.cell(column).unwrap_or_default();
    cell.split(';').map(str::trim).filter(|value| !value.is_empty())
}

/// Values of a system, each with the days it holds: `gso:731@2010-01-01..2025-06-30; qd20:H19`.
/// `name` is what a contract calls the value.
pub(super) fn dated(row: Row<'_>, column: &str, name: &str, found: &mut Faults) -> Vec<Value> {
    let mut values = Vec::new();
    for text in list(row, column) {
        let (told, days) = text.split_once('@').unwrap_or((text, ".."));
        match (told.split_once(':'), days.split_once("..")) {
            (Some((scheme, value)), Some((first, last))) => {
                let mut members = Map::new();
                members.insert("scheme".to_owned(), json!(scheme.trim()));
                members.insert(name.to_owned(), json!(value.trim()));
                for (member, day) in [("valid_from", first.trim()), ("valid_to", last.trim())] {
                    if !day.is_empty() {
                        members.insert(member.to_owned(), json!(day));
                    }
                }
                values.push(Value::Object(members));
            }
            _ => {
                let message = format!("`{text}` is no value with its days");
                let advice = "write SCHEME:VALUE, or SCHEME:VALUE@FIRST..LAST; either day may be \
                              left out";
                found.push(row.fault(column, message, advice));
            }
        }
    }
    values
}

/// A word of a closed list, as its type reads it.
pub(super) fn word<T: DeserializeOwned>(
    row: Row<'_>,
    column: &str,
    advice: &str,
    found: &mut Faults,
) -> Option<T> {
    let text = needed(row, column, found);
    let read = serde_json::from_value(json!(text)).ok();
    if read.is_none() && !text.is_empty() {
        found.push(row.fault(column, format!("`{text}` is not known here"), advice));
    }
    read
}

/// Seals a row as a record of a contract, and reads it back as the contract's type.
pub(super) fn sealed<T: DeserializeOwned>(
    row: Row<'_>,
    contract: &str,
    key: String,
    body: Value,
    (contracts, found): (&Contracts, &mut Faults),
) -> Option<T> {
    let contract: ContractId = contract.parse().ok()?;
    let draft = Draft { contract, key: key.into(), body: body.into() };
    let record = match contracts.seal(&draft) {
        Ok(record) => record,
        Err(problems) => {
            found.extend(problems.iter().map(|problem| told(row, problem)));
            return None;
        }
    };
    let read = serde_json::from_str(record.public_text());
    read.map_err(|error| found.push(row.fault("", error.to_string(), ""))).ok()
}

/// Proves a part of a procedure, such as one of its `components`, by its contract: its faults are
/// told at the cells that it came from.
pub(super) fn part_proved(
    row: Row<'_>,
    member: &str,
    part: &Value,
    (contracts, found): (&Contracts, &mut Faults),
) {
    let whole = json!({ "agency": "x", "name": "x", "level": "province", member: [part] });
    let Ok(contract) = "procedure/1".parse() else { return };
    let draft = Draft { contract, key: "x".to_owned().into(), body: whole.into() };
    if let Err(problems) = contracts.seal(&draft) {
        found.extend(problems.iter().map(|problem| {
            let inner = problem.pointer.splitn(4, '/').nth(3).unwrap_or_default();
            let inner = Problem { pointer: format!("/{inner}"), ..problem.clone() };
            told(row, &inner)
        }));
    }
}

/// A breach of a contract, at the cell that the member came from.
fn told(row: Row<'_>, problem: &Problem) -> Diagnostic {
    let member = problem.pointer.split('/').nth(1).unwrap_or_default();
    let mut message = match member {
        "" => problem.detail.en.clone(),
        member => format!("{member}: {}", problem.detail.en),
    };
    if !problem.rule.is_empty() {
        message = format!("{message} ({})", problem.rule);
    }
    if let Some(value) = &problem.value {
        message = format!("{message}: `{value}`");
    }
    row.fault(member, message, &problem.advice.en)
}
