//! Findings, and what is kept to judge on.

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Transaction, params, types::Value};

use super::{SqliteStore, Task, timeliness};
use crate::{
    registry::{
        Identity,
        finding::{Finding, Of, TallyKey},
    },
    store::{
        Answer, StoreError,
        findings::{
            AllJudged, COLUMNS, CodeTold, FindingQuery, Findings, Row, TallyText, Text, Turn,
            tally_day,
        },
    },
};

pub(super) fn judged(connection: &Connection) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT next FROM judged")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn text(row: &rusqlite::Row<'_>) -> Result<Text, rusqlite::Error> {
    Ok(Text { position: row.get(0)?, kind: row.get(1)?, text: row.get(2)?, public: row.get(3)? })
}

fn texts(connection: &Connection, from: u64, limit: u32) -> Result<Vec<Text>, StoreError> {
    // Refusals may be long, and nothing is asked about them.
    let sql = "SELECT position, kind, text, CASE kind WHEN 'refusal' THEN x'' ELSE public END
               FROM entries WHERE position >= ?1 ORDER BY position LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![from, limit], text)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn told(connection: &Connection, names: &[Identity], before: u64) -> Result<Vec<Text>, StoreError> {
    let sql = "SELECT e.position, e.kind, e.text, e.public
               FROM members m JOIN observations o ON o.member = m.member
               JOIN entries e ON e.position = o.position
               WHERE m.source_code = ?1 AND m.source = ?2 AND o.position < ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut all = Vec::new();
    for name in names {
        let rows = statement.query_map(params![name.source_code, name.source, before], text)?;
        for row in rows {
            all.push(row?);
        }
    }
    Ok(all)
}

fn names(connection: &Connection, codes: Vec<String>) -> Result<Vec<CodeTold>, StoreError> {
    let sql = "SELECT source, source_code FROM judged_codes WHERE code = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut all = Vec::new();
    for code in codes {
        let name = |row: &rusqlite::Row<'_>| {
            Ok(Identity { source: row.get(0)?, source_code: row.get(1)? })
        };
        for name in statement.query_map([&code], name)? {
            all.push((code.clone(), name?));
        }
    }
    Ok(all)
}

fn row(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    Ok(Row {
        opened: row.get(0)?,
        number: row.get(1)?,
        opened_at: row.get(2)?,
        changed: row.get(3)?,
        turn: row.get(4)?,
        closed: row.get(5)?,
        closed_at: row.get(6)?,
        rule: row.get(7)?,
        agency: row.get(8)?,
        dossier: row.get(9)?,
        of_what: row.get(10)?,
        day: row.get(11)?,
        catalogue: row.get(12)?,
        edition: row.get(13)?,
        body: row.get(14)?,
    })
}

fn found(
    connection: &Connection,
    rest: &str,
    values: Vec<Value>,
) -> Result<Vec<Finding>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM findings {rest}");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), row)?;
    rows.map(|row| row?.finding()).collect()
}

fn open(connection: &Connection, about: Vec<String>) -> Result<Vec<Finding>, StoreError> {
    let mut all = Vec::new();
    for one in about {
        all.extend(found(connection, "WHERE about = ?1 AND closed IS NULL", vec![one.into()])?);
    }
    Ok(all)
}

fn tallies(connection: &Connection, keys: Vec<TallyKey>) -> Result<Vec<TallyText>, StoreError> {
    let sql = "SELECT tally FROM judged_tallies WHERE agency = ?1 AND code = ?2 AND day = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut all = Vec::new();
    for key in keys {
        let values = params![key.agency, key.code, key.day.to_string()];
        let tally: Option<String> = statement.query_row(values, |row| row.get(0)).optional()?;
        all.extend(tally.map(|tally| (key, tally)));
    }
    Ok(all)
}

fn between(
    connection: &Connection,
    of: Of,
    (first, last): (Date, Date),
) -> Result<Vec<TallyText>, StoreError> {
    let sql = "SELECT agency, code, day, tally FROM judged_tallies
               WHERE day BETWEEN ?1 AND ?2 AND (code = '') = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows =
        statement.query(params![first.to_string(), last.to_string(), of == Of::Finished])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let day = tally_day(&row.get::<_, String>(2)?)?;
        all.push((TallyKey { agency: row.get(0)?, code: row.get(1)?, day }, row.get(3)?));
    }
    Ok(all)
}

fn settle(transaction: &Transaction<'_>, turn: Turn) -> Result<bool, StoreError> {
    if judged(transaction)? != turn.from {
        return Ok(false);
    }
    let sql = "INSERT INTO judged (one, next)
               SELECT 1, ?1 FROM head WHERE leaving IS NULL AND arriving IS NULL
               ON CONFLICT (one) DO UPDATE SET next = excluded.next";
    if transaction.prepare_cached(sql)?.execute([turn.to])? == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO judged_codes (code, source, source_code) VALUES (?1, ?2, ?3)
               ON CONFLICT DO NOTHING";
    let mut statement = transaction.prepare_cached(sql)?;
    for (code, name) in turn.codes {
        statement.execute([code, name.source, name.source_code])?;
    }
    let sql = "INSERT INTO judged_tallies (agency, code, day, tally) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (agency, code, day) DO UPDATE SET tally = excluded.tally";
    let mut statement = transaction.prepare_cached(sql)?;
    for (key, tally) in turn.tallies {
        statement.execute([key.agency, key.code, key.day.to_string(), tally])?;
    }
    let sql = format!(
        "INSERT OR REPLACE INTO findings ({COLUMNS}, about)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    for finding in turn.findings {
        let about = finding.subject.about();
        let row = Row::of(finding);
        statement.execute(params![
            row.opened,
            row.number,
            row.opened_at,
            row.changed,
            row.turn,
            row.closed,
            row.closed_at,
            row.rule,
            row.agency,
            row.dossier,
            row.of_what,
            row.day,
            row.catalogue,
            row.edition,
            row.body,
            about
        ])?;
    }
    timeliness::settle(transaction, turn.timeliness, turn.years)?;
    Ok(true)
}

/// Forgets all that was judged: it is made anew from the first entry on.
pub(super) fn forget(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch(
        "DELETE FROM findings; DELETE FROM judged_codes; DELETE FROM judged_tallies;
         DELETE FROM timeliness; DELETE FROM timeliness_years; DELETE FROM judged;",
    )?)
}

/// A number of the hub's as SQLite has it: none is beyond 2^63.
fn number(one: u64) -> Value {
    Value::Integer(i64::try_from(one).unwrap_or(i64::MAX))
}

fn asked(connection: &Connection, query: FindingQuery) -> Result<Vec<Finding>, StoreError> {
    let (mut wanted, mut values): (Vec<String>, Vec<Value>) = (Vec::new(), Vec::new());
    let named = [
        ("agency", query.agency),
        ("rule", query.rule.map(|rule| rule.name().to_owned())),
        ("dossier", query.dossier),
    ];
    for (column, value) in named {
        if let Some(value) = value {
            values.push(value.into());
            wanted.push(format!("{column} = ?{}", values.len()));
        }
    }
    if let Some(open) = query.open {
        wanted.push(format!("closed IS {}NULL", if open { "" } else { "NOT " }));
    }
    if let Some((opened, last)) = query.before {
        values.extend([number(opened), Value::Integer(last.into())]);
        wanted.push(format!("(opened, number) < (?{}, ?{})", values.len() - 1, values.len()));
    }
    values.push(Value::Integer(query.limit.into()));
    let wanted = if wanted.is_empty() { "1".to_owned() } else { wanted.join(" AND ") };
    let order = format!("ORDER BY opened DESC, number DESC LIMIT ?{}", values.len());
    found(connection, &format!("WHERE {wanted} {order}"), values)
}

fn from(
    connection: &Connection,
    (position, turn): (u64, u32),
    limit: u32,
) -> Result<Vec<Finding>, StoreError> {
    let rest = "WHERE (changed, turn) >= (?1, ?2) ORDER BY changed, turn LIMIT ?3";
    let values = vec![number(position), Value::Integer(turn.into()), Value::Integer(limit.into())];
    found(connection, rest, values)
}

fn all(connection: &Connection) -> Result<AllJudged, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let findings = found(&moment, "ORDER BY opened, number", Vec::new())?;
    Ok(AllJudged { next: judged(&moment)?, findings })
}

impl Findings for SqliteStore {
    fn judged(&self) -> Answer<'_, Result<u64, StoreError>> {
        self.read(judged)
    }

    fn texts(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<Text>, StoreError>> {
        self.read(move |connection| texts(connection, from, limit))
    }

    fn told(&self, names: Vec<Identity>, before: u64) -> Answer<'_, Result<Vec<Text>, StoreError>> {
        self.read(move |connection| told(connection, &names, before))
    }

    fn names(&self, codes: Vec<String>) -> Answer<'_, Result<Vec<CodeTold>, StoreError>> {
        self.read(move |connection| names(connection, codes))
    }

    fn open(&self, about: Vec<String>) -> Answer<'_, Result<Vec<Finding>, StoreError>> {
        self.read(move |connection| open(connection, about))
    }

    fn tallies(&self, keys: Vec<TallyKey>) -> Answer<'_, Result<Vec<TallyText>, StoreError>> {
        self.read(move |connection| tallies(connection, keys))
    }

    fn tallies_between(
        &self,
        of: Of,
        days: (Date, Date),
    ) -> Answer<'_, Result<Vec<TallyText>, StoreError>> {
        self.read(move |connection| between(connection, of, days))
    }

    fn settle_findings(&self, turn: Turn) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| settle(transaction, turn))
    }

    fn findings(&self, query: FindingQuery) -> Answer<'_, Result<Vec<Finding>, StoreError>> {
        self.read(move |connection| asked(connection, query))
    }

    fn findings_from(
        &self,
        position: u64,
        turn: u32,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Finding>, StoreError>> {
        self.read(move |connection| from(connection, (position, turn), limit))
    }

    fn all_judged(&self) -> Answer<'_, Result<AllJudged, StoreError>> {
        self.read(all)
    }
}
