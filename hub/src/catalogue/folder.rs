//! A catalogue's folder, read and proved: every fault of every file, with its place.

mod procedure;
mod service;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use contracts::{Contracts, agency::Agency};
use mappings::{Diagnostic, text::normalise::toned_key};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    calendar,
    cell::{Faults, dated, day, days, list, needed, sealed, word},
    deadlines, findings, reports, roadmap,
    table::{Row, Table},
};
use crate::registry::{
    Catalogue,
    catalogue::{Dated, Field, Relation, Scope, Succession, Unit},
};

/// Levels of government.
const LEVELS: [&str; 3] = ["province", "district", "commune"];

/// What decides deadlines; a catalogue has all of it or nothing.
const TIMES: [&str; 3] = ["calendar.toml", "holidays.csv", "deadlines.toml"];

/// What is asked about; a catalogue without it has no findings.
const FINDINGS: &str = "findings.toml";

/// All that is read in the folder of a catalogue. Whatever else lies there, be it the store itself,
/// is not of it.
pub const FILES: [&str; 14] = [
    "agencies.csv",
    "fields.csv",
    "procedures.csv",
    procedure::COMPONENTS,
    procedure::FEES,
    "units.csv",
    "successions.csv",
    "calendar.toml",
    "holidays.csv",
    "deadlines.toml",
    "findings.toml",
    "reports.toml",
    "roadmap.toml",
    service::LINKS,
];

/// Reads the catalogue in a folder.
///
/// # Errors
/// Every fault of every file, so that one run shows all there is to mend.
pub fn load(folder: &Path, contracts: &Contracts) -> Result<Catalogue, Vec<Diagnostic>> {
    let mut found = Faults::new();
    let [agencies, fields, procedures, units, successions] = match tables(folder, &mut found) {
        Some(tables) => tables,
        None => return Err(found),
    };
    let mut catalogue = Catalogue {
        agencies: agencies.iter().filter_map(|row| agency(row, contracts, &mut found)).collect(),
        units: units.iter().map(|row| unit(row, &mut found)).collect(),
        ..Catalogue::default()
    };
    // What the other files speak of must have been understood itself.
    if !found.is_empty() {
        return Err(found);
    }
    apart(&agencies, &catalogue.agencies, "id", &mut found);
    apart(&units, &catalogue.units, "code", &mut found);
    let known: BTreeSet<&str> = catalogue.agencies.iter().map(|one| one.id.as_str()).collect();
    let codes: BTreeSet<&str> = catalogue.units.iter().map(|one| one.code.as_str()).collect();
    agencies.iter().for_each(|row| names(row, "parent", &known, &mut found));
    for row in units.iter() {
        names(row, "parent", &codes, &mut found);
        names(row, "agency", &known, &mut found);
    }
    catalogue.fields = fields.iter().map(|row| field(row, &known, &mut found)).collect();
    once(&fields, catalogue.fields.iter().map(|field| field.id.clone()), "id", &mut found);
    let folded = catalogue.fields.iter().map(|field| toned_key(&field.name));
    once(&fields, folded, "name", &mut found);
    let by_id: BTreeMap<&str, &str> =
        catalogue.fields.iter().map(|one| (one.id.as_str(), one.name.as_str())).collect();
    let field_ids: BTreeSet<&str> = by_id.keys().copied().collect();
    for row in procedures.iter() {
        names(row, "agency", &known, &mut found);
        names(row, "field", &field_ids, &mut found);
    }
    let (files, listed) = ((folder, &procedures), (&by_id, &known));
    let read = procedure::procedures(files, listed, contracts, &mut found);
    catalogue.procedures = whole(read, &found)?;
    procedure::alone(&procedures, &catalogue.procedures, &mut found);
    if TIMES.iter().any(|name| folder.join(name).exists()) {
        catalogue.calendar = calendar::calendar(folder, &known, &mut found);
        let calendar = catalogue.calendar.as_ref();
        catalogue.deadlines = deadlines::deadlines(folder, &catalogue, calendar, &mut found);
    }
    if folder.join(reports::FILE).exists() {
        catalogue.reports = reports::reports(folder, &catalogue, &mut found);
    }
    if folder.join(FINDINGS).exists() {
        catalogue.findings = findings::findings(folder, &mut found);
    }
    if folder.join("roadmap.toml").exists() {
        catalogue.roadmap = roadmap::roadmap(folder, &known, &mut found);
    }
    if folder.join(service::LINKS).exists() {
        catalogue.services = service::services(folder, (&catalogue, &known), &mut found);
    }
    let read = successions.iter().map(|row| succession(row, &catalogue, &mut found));
    catalogue.successions = whole(read.collect(), &found)?;
    followed(&units, &catalogue, &mut found);
    if found.is_empty() { Ok(catalogue) } else { Err(found) }
}

/// The files that every catalogue has; none where one of them cannot be read.
fn tables(folder: &Path, found: &mut Faults) -> Option<[Table; 5]> {
    let mut read = |name: &str, columns: &'static [&'static str]| {
        Table::read(folder, name, columns, &procedure::MORE)
            .map_err(|faults| found.extend(faults))
            .ok()
    };
    let files = [
        read("agencies.csv", &AGENCIES),
        read("fields.csv", &["id", "name", "agencies"]),
        read("procedures.csv", &procedure::COLUMNS),
        read("units.csv", &UNITS),
        read("successions.csv", &["date", "scope", "relation", "from", "to", "legal_basis"]),
    ];
    let [Some(agencies), Some(fields), Some(procedures), Some(units), Some(successions)] = files
    else {
        return None;
    };
    Some([agencies, fields, procedures, units, successions])
}

/// A unit that has ended became something, or was abolished: else what counts under it would stand
/// nowhere later, and nobody would know why.
fn followed(table: &Table, catalogue: &Catalogue, found: &mut Faults) {
    let steps = catalogue.successions.iter().filter(|step| step.scope == Scope::Unit);
    let told: BTreeSet<_> = steps.map(|step| (step.from.as_str(), step.date)).collect();
    for (at, unit) in catalogue.units.iter().enumerate() {
        let next = unit.valid_to.and_then(|last| last.tomorrow().ok());
        if let Some((next, row)) = next.zip(table.row(at))
            && !told.contains(&(unit.code.as_str(), next))
        {
            let message = format!("nothing says what became of `{}` on {next}", unit.code);
            let advice = "add it to successions.csv: what it became, or abolish";
            found.push(row.fault("valid_to", message, advice));
        }
    }
}

/// All rows of a file, or the faults there are.
fn whole<T>(rows: Vec<Option<T>>, found: &Faults) -> Result<Vec<T>, Vec<Diagnostic>> {
    let count = rows.len();
    let rows: Vec<T> = rows.into_iter().flatten().collect();
    if rows.len() == count { Ok(rows) } else { Err(found.clone()) }
}

/// A cell must name something that is there.
fn names(row: Row<'_>, column: &str, known: &BTreeSet<&str>, found: &mut Faults) {
    if let Some(name) = row.cell(column).filter(|name| !known.contains(name)) {
        let message = format!("`{name}` is in no row of the file that lists them");
        found.push(row.fault(column, message, "mend the name, or add the row"));
    }
}

/// Versions of one code must not be in force on the same day.
fn apart<T: Dated>(table: &Table, versions: &[T], column: &str, found: &mut Faults) {
    let mut seen: HashMap<&str, Vec<&T>> = HashMap::new();
    for (at, one) in versions.iter().enumerate() {
        let others = seen.entry(one.code()).or_default();
        if others.iter().any(|other| other.meets(one))
            && let Some(row) = table.row(at)
        {
            let message = format!("`{}` is in force twice on some day", one.code());
            let advice = "end the one before the other begins: valid_to is the last day";
            found.push(row.fault(column, message, advice));
        }
        others.push(one);
    }
}

/// A value must stand once.
fn once(table: &Table, values: impl Iterator<Item = String>, column: &str, found: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (at, value) in values.enumerate() {
        if let Some(row) = table.row(at).filter(|_| !seen.insert(value.clone())) {
            found.push(row.fault(column, format!("`{value}` stands twice"), "keep one of them"));
        }
    }
}

/// Puts the cells that are not empty into a body under the names of their columns.
fn body(row: Row<'_>, columns: &[&str]) -> Map<String, Value> {
    let filled = |column: &&str| Some(((*column).to_owned(), json!(row.cell(column)?)));
    columns.iter().filter_map(filled).collect()
}

const AGENCIES: [&str; 8] =
    ["id", "name_vi", "name_en", "kind", "parent", "identifiers", "valid_from", "valid_to"];

fn agency(row: Row<'_>, contracts: &Contracts, found: &mut Faults) -> Option<Agency> {
    let mut body =
        body(row, &["id", "name_vi", "name_en", "kind", "parent", "valid_from", "valid_to"]);
    let (before, identifiers) = (found.len(), dated(row, "identifiers", "value", found));
    days(row, found);
    if !identifiers.is_empty() {
        body.insert("identifiers".to_owned(), json!(identifiers));
    }
    record(row, "agency/1", body, before, (contracts, found))
}

/// Seals what had no fault so far.
fn record<T: DeserializeOwned>(
    row: Row<'_>,
    contract: &str,
    body: Map<String, Value>,
    before: usize,
    (contracts, found): (&Contracts, &mut Faults),
) -> Option<T> {
    if found.len() > before {
        return None;
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let key = text("id").or(text("code")).or(text("source_code")).unwrap_or("-").to_owned();
    sealed(row, contract, key, Value::Object(body), (contracts, found))
}

fn field(row: Row<'_>, known: &BTreeSet<&str>, found: &mut Faults) -> Field {
    let agencies: Vec<String> = list(row, "agencies").map(ToOwned::to_owned).collect();
    if let Some(name) = agencies.iter().find(|name| !known.contains(name.as_str())) {
        let message = format!("`{name}` is no agency of agencies.csv");
        found.push(row.fault("agencies", message, "mend the id, or add the agency"));
    }
    Field { id: needed(row, "id", found), name: needed(row, "name", found), agencies }
}

const UNITS: [&str; 8] =
    ["code", "name", "kind", "level", "parent", "valid_from", "valid_to", "agency"];

fn unit(row: Row<'_>, found: &mut Faults) -> Unit {
    let level = needed(row, "level", found);
    if !level.is_empty() && !LEVELS.contains(&level.as_str()) {
        let advice = "write province, district or commune";
        found.push(row.fault("level", format!("`{level}` is no level"), advice));
    }
    let (valid_from, valid_to) = days(row, found);
    Unit {
        code: needed(row, "code", found),
        name: needed(row, "name", found),
        kind: needed(row, "kind", found),
        level,
        parent: row.cell("parent").map(ToOwned::to_owned),
        valid_from,
        valid_to,
        agency: row.cell("agency").map(ToOwned::to_owned),
    }
}

fn succession(row: Row<'_>, catalogue: &Catalogue, found: &mut Faults) -> Option<Succession> {
    const RELATIONS: &str =
        "write merge, keep, split, part, upgrade, unchanged, transfer or abolish";
    if row.cell("date").is_none() {
        needed(row, "date", found);
    }
    let step = Succession {
        date: day(row, "date", found)?,
        scope: word(row, "scope", "write agency or unit", found)?,
        relation: word(row, "relation", RELATIONS, found)?,
        from: needed(row, "from", found),
        to: row.cell("to").map(ToOwned::to_owned),
        legal_basis: row.cell("legal_basis").map(ToOwned::to_owned),
    };
    let (from, to) = match step.scope {
        Scope::Agency => step.ends(&catalogue.agencies),
        Scope::Unit => step.ends(&catalogue.units),
    };
    if from.is_none() {
        let message = format!("nothing bears `{}` the day before {}", step.from, step.date);
        found.push(row.fault("from", message, "mend the code or the day, or add the version"));
    }
    match &step.to {
        Some(code) if to.is_none() => {
            let message = format!("nothing bears `{code}` on {}", step.date);
            found.push(row.fault("to", message, "mend the code or the day, or add the version"));
        }
        None if step.relation != Relation::Abolish => {
            let message = "what it becomes is missing".to_owned();
            found.push(row.fault("to", message, "name it, or write abolish"));
        }
        _ => {}
    }
    Some(step)
}
