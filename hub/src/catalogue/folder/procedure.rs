//! Procedures of a catalogue's folder: `procedures.csv`, and what belongs to each of its rows in
//! files of their own, `components.csv` and `fees.csv`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use contracts::{Contracts, procedure::Procedure};
use mappings::text::normalise::toned_key;
use serde_json::{Map, Value, json};

use super::{body, names, record};
use crate::{
    catalogue::{
        cell::{Faults, dated, day, days, list, needed, number, part_proved},
        table::{Row, Table},
    },
    registry::catalogue::Dated,
};

/// The file of documents that are to be handed in, where there is one.
pub(super) const COMPONENTS: &str = "components.csv";

/// The file of fees, where there is one.
pub(super) const FEES: &str = "fees.csv";

/// Columns of `procedures.csv`.
pub(super) const COLUMNS: [&str; 23] = [
    "code",
    "suffix",
    "source_code",
    "agency",
    "name",
    "field",
    "level",
    "deadline",
    "deadline_unit",
    "online_levels",
    "fee",
    "legal_basis",
    "valid_from",
    "valid_to",
    "one_stop",
    "internal_process",
    "reviewed_at",
    "sets",
    "ways",
    "steps",
    "applicants",
    "conditions",
    "results",
];

/// Columns of it that a catalogue need not have.
pub(super) const MORE: [&str; 9] = [
    "one_stop",
    "internal_process",
    "reviewed_at",
    "sets",
    "ways",
    "steps",
    "applicants",
    "conditions",
    "results",
];

/// Those of them that say yes or no.
const FLAGS: [&str; 2] = ["one_stop", "internal_process"];

/// Those that hold several values.
const LISTS: [&str; 6] = ["legal_basis", "ways", "steps", "applicants", "conditions", "results"];

/// What belongs to procedures, one row for each.
struct Parts {
    table: Table,
    /// What the contract calls them together.
    member: &'static str,
    /// Members that are texts, and those that are numbers.
    texts: &'static [&'static str],
    numbers: &'static [&'static str],
}

/// Which procedures a row is about is said in these columns; the last two may be left out.
const ABOUT: [&str; 3] = ["procedure", "agency", "version"];

fn parts(folder: &Path, found: &mut Faults) -> Vec<Parts> {
    const COMPONENT: [&str; 10] = [
        ABOUT[0],
        ABOUT[1],
        ABOUT[2],
        "name",
        "originals",
        "copies",
        "form",
        "form_url",
        "when",
        "note",
    ];
    const COMPONENT_TEXTS: [&str; 5] = ["name", "form", "form_url", "when", "note"];
    const FEE: [&str; 8] = [ABOUT[0], ABOUT[1], ABOUT[2], "name", "amount", "kind", "way", "note"];
    let mut all = Vec::new();
    let mut read = |file, columns, may_lack: &[&str], member, (texts, numbers)| {
        if folder.join(file).exists() {
            match Table::read(folder, file, columns, may_lack) {
                Ok(table) => all.push(Parts { table, member, texts, numbers }),
                Err(faults) => found.extend(faults),
            }
        }
    };
    let lacking = ["agency", "version", "originals", "copies", "form", "form_url", "when", "note"];
    let of_components = (&COMPONENT_TEXTS[..], &["originals", "copies"][..]);
    read(COMPONENTS, &COMPONENT, &lacking, "components", of_components);
    let lacking = ["agency", "version", "kind", "way", "note"];
    read(FEES, &FEE, &lacking, "fees", (&["name", "kind", "way", "note"], &["amount"]));
    all
}

/// Rows of one file of parts, by what they call their procedures.
type ByName<'a> = HashMap<String, Vec<(usize, Row<'a>, Value)>>;

impl Parts {
    fn by_name(&self, contracts: &Contracts, found: &mut Faults) -> ByName<'_> {
        let mut all = ByName::new();
        for (at, row) in self.table.iter().enumerate() {
            let named = needed(row, "procedure", found);
            day(row, "version", found);
            let mut members = body(row, self.texts);
            for column in self.numbers {
                if let Some(number) = number(row, column, found) {
                    members.insert((*column).to_owned(), json!(number));
                }
            }
            let part = Value::Object(members);
            part_proved(row, self.member, &part, (contracts, found));
            all.entry(toned_key(&named)).or_default().push((at, row, part));
        }
        all
    }
}

/// Reads the procedures; none where a row has a fault.
pub(super) fn procedures(
    (folder, table): (&Path, &Table),
    (fields, agencies): (&BTreeMap<&str, &str>, &BTreeSet<&str>),
    contracts: &Contracts,
    found: &mut Faults,
) -> Vec<Option<Procedure>> {
    let parts = parts(folder, found);
    let by_name: Vec<ByName<'_>> = parts.iter().map(|one| one.by_name(contracts, found)).collect();
    let mut used: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); parts.len()];
    let mut all = Vec::new();
    for row in table.iter() {
        let before = found.len();
        let mut body = told(row, fields, found);
        for ((part, rows), used) in parts.iter().zip(&by_name).zip(&mut used) {
            let own = belonging(row, rows);
            used.extend(own.keys());
            let own: Vec<&Value> = own.into_values().collect();
            if !own.is_empty() {
                body.insert(part.member.to_owned(), json!(own));
            }
        }
        all.push(record(row, "procedure/1", body, before, (contracts, found)));
    }
    for (part, used) in parts.iter().zip(&used) {
        for (at, row) in part.table.iter().enumerate().filter(|(at, _)| !used.contains(at)) {
            names(row, "agency", agencies, found);
            let Some(named) = row.cell("procedure") else { continue };
            let message = format!("row {} is of no procedure: `{named}`", at + 1);
            let advice = "write a code or name of procedures.csv, and in `version` the first day \
                          of one, or nothing for all";
            found.push(row.fault("procedure", message, advice));
        }
    }
    all
}

/// The parts that belong to a procedure, in the order of their file.
fn belonging<'a>(row: Row<'_>, rows: &'a ByName<'_>) -> BTreeMap<usize, &'a Value> {
    let called = ["code", "source_code", "name"].into_iter().filter_map(|name| row.cell(name));
    let named = called.filter_map(|name| rows.get(&toned_key(name))).flatten();
    let same = |part: Row<'_>, theirs: &str, own: &str| {
        part.cell(theirs).is_none_or(|told| Some(told) == row.cell(own))
    };
    let own = named.filter(|(_, part, _)| {
        same(*part, "agency", "agency") && same(*part, "version", "valid_from")
    });
    own.map(|(at, _, value)| (*at, value)).collect()
}

/// A cell that says `yes` or `no`; none where it says nothing.
fn is_so(row: Row<'_>, column: &str, found: &mut Faults) -> Option<bool> {
    match row.cell(column)? {
        "yes" => Some(true),
        "no" => Some(false),
        text => {
            let message = format!("`{text}` says neither yes nor no");
            found.push(row.fault(column, message, "write yes or no, or leave it empty"));
            None
        }
    }
}

/// What a row of `procedures.csv` tells.
fn told(row: Row<'_>, fields: &BTreeMap<&str, &str>, found: &mut Faults) -> Map<String, Value> {
    let columns =
        ["code", "suffix", "source_code", "agency", "name", "level", "valid_from", "valid_to"];
    let mut body = body(row, &columns);
    days(row, found);
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    if let Some(name) = row.cell("field").and_then(|id| fields.get(id)) {
        put("field", json!(name));
    }
    match (number(row, "deadline", found), row.cell("deadline_unit")) {
        (None, None) => {}
        (Some(value), Some(unit)) => {
            put("deadline", json!({ "value": value, "unit": unit }));
        }
        (value, _) => {
            let column = if value.is_none() { "deadline" } else { "deadline_unit" };
            let advice = "write both, or neither; a procedure without a limit has 0 and none";
            let message = "a time limit is a number and its unit".to_owned();
            found.push(row.fault(column, message, advice));
        }
    }
    for column in ["fee", "sets"] {
        if let Some(number) = number(row, column, found) {
            put(column, json!(number));
        }
    }
    for column in FLAGS {
        if let Some(told) = is_so(row, column, found) {
            put(column, json!(told));
        }
    }
    if let Some(day) = day(row, "reviewed_at", found) {
        put("reviewed_at", json!(day));
    }
    let levels = dated(row, "online_levels", "level", found);
    if !levels.is_empty() {
        put("online_levels", json!(levels));
    }
    for column in LISTS {
        let values: Vec<&str> = list(row, column).collect();
        if !values.is_empty() {
            put(column, json!(values));
        }
    }
    body
}

/// One agency has a procedure once on any day: by its code, or where it has none by its name.
pub(super) fn alone(table: &Table, procedures: &[Procedure], found: &mut Faults) {
    let mut seen: HashMap<(String, &str, &str), Vec<&Procedure>> = HashMap::new();
    for (at, one) in procedures.iter().enumerate() {
        let named =
            if one.code().is_empty() { toned_key(&one.name) } else { one.code().to_owned() };
        let others = seen.entry((named, &one.agency, &one.level)).or_default();
        if others.iter().any(|other| other.meets(one))
            && let Some(row) = table.row(at)
        {
            let column = if one.code().is_empty() { "name" } else { "code" };
            let message = "the agency has this procedure twice on some day".to_owned();
            found.push(row.fault(column, message, "keep one of them, or give each its days"));
        }
        others.push(one);
    }
}
