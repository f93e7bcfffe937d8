//! How dossiers stand by the hub's own due date, and the sums of it.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{SqliteStore, findings::judged};
use crate::store::{
    Answer, CellQuery, Cells, StoreError,
    numbers::Sums,
    timeliness::{AddedUp, Judged, Kept, Timely, Year, YearKey, parts, unpacked},
};

fn of(connection: &Connection, dossiers: Vec<String>) -> Result<(u64, Vec<Kept>), StoreError> {
    let moment = connection.unchecked_transaction()?;
    let mut statement = moment.prepare_cached("SELECT told FROM timeliness WHERE dossier = ?1")?;
    let mut all = Vec::new();
    for dossier in dossiers {
        let told: Option<String> = statement.query_row([&dossier], |row| row.get(0)).optional()?;
        all.extend(told.map(|told| (dossier, told)));
    }
    Ok((judged(&moment)?, all))
}

fn cells(connection: &Connection, query: &CellQuery) -> Result<Cells, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let mut sums = Sums::new(query);
    let sql = "SELECT outside, inside, n, days FROM timeliness_years
               WHERE level = ?1 AND measure = ?2 AND year BETWEEN ?3 AND ?4
                   AND (?5 IS NULL OR outside = ?5) AND (?6 IS NULL OR inside = ?6)";
    let of_one = "SELECT outside, inside, n, days FROM timeliness_years
               WHERE level = ?1 AND measure = ?2 AND year BETWEEN ?3 AND ?4
                   AND outside = ?5 AND (?6 IS NULL OR inside = ?6)";
    for part in parts(query) {
        let level = part.level;
        let outer = if level.outer.is_none() { Some("") } else { query.only(level.outer) };
        let sql = if outer.is_some() { of_one } else { sql };
        let mut statement = moment.prepare_cached(sql)?;
        let (first, last) = (part.years.first, part.years.last);
        let inner = query.only(level.inner);
        let mut rows =
            statement.query(params![level.number, part.measure, first, last, outer, inner])?;
        while let Some(row) = rows.next()? {
            let name = |at| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
            let days = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            part.add(&mut sums, (name(0)?, name(1)?), (row.get(2)?, days))?;
        }
    }
    Ok(Cells { as_of: judged(&moment)?, scanned: false, rows: sums.rows() })
}

/// Keeps what a turn has judged.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    dossiers: Vec<Judged>,
    years: Vec<Year>,
) -> Result<(), StoreError> {
    let mut keep = transaction.prepare_cached(
        "INSERT INTO timeliness (dossier, told) VALUES (?1, ?2)
         ON CONFLICT (dossier) DO UPDATE SET told = excluded.told",
    )?;
    let mut forget = transaction.prepare_cached("DELETE FROM timeliness WHERE dossier = ?1")?;
    for (dossier, told) in dossiers {
        match told {
            Some(told) => keep.execute([dossier, told])?,
            None => forget.execute([dossier])?,
        };
    }
    let key = "level = ?1 AND measure = ?2 AND outside = ?3 AND year = ?4 AND inside = ?5";
    let mut held =
        transaction.prepare_cached(&format!("SELECT days FROM timeliness_years WHERE {key}"))?;
    let mut write = transaction
        .prepare_cached("INSERT OR REPLACE INTO timeliness_years VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let mut empty =
        transaction.prepare_cached(&format!("DELETE FROM timeliness_years WHERE {key}"))?;
    for (key, mut sums) in years {
        let YearKey { level, measure, outer, year, inner } = &key;
        let key = params![level, measure, outer, year, inner];
        let days: Option<Vec<u8>> = held.query_row(key, |row| row.get(0)).optional()?;
        if let Some(days) = days {
            sums.add(&unpacked(&days)?);
        }
        if sums.is_empty() {
            empty.execute(key)?;
        } else {
            let (n, days) = (sums.total(), sums.packed());
            write.execute(params![level, measure, outer, year, inner, n, days])?;
        }
    }
    Ok(())
}

fn after(connection: &Connection, key: &str, limit: u32) -> Result<(u64, Vec<Kept>), StoreError> {
    let moment = connection.unchecked_transaction()?;
    let sql = "SELECT dossier, told FROM timeliness WHERE dossier > ?1 ORDER BY dossier LIMIT ?2";
    let mut statement = moment.prepare_cached(sql)?;
    let rows = statement.query_map(params![key, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((judged(&moment)?, rows.collect::<Result<_, _>>()?))
}

fn faults(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let mut added = AddedUp::default();
    let mut statement = moment.prepare("SELECT dossier, told FROM timeliness")?;
    for kept in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
        added.add(&kept?)?;
    }
    let mut expected = added.close();
    let sql = "SELECT level, measure, outside, year, inside, days FROM timeliness_years";
    let mut statement = moment.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut faults = Vec::new();
    while let Some(row) = rows.next()? {
        let key = YearKey {
            level: row.get(0)?,
            measure: row.get(1)?,
            outer: row.get(2)?,
            year: row.get(3)?,
            inner: row.get(4)?,
        };
        faults.extend(expected.differs(&(key, unpacked(&row.get::<_, Vec<u8>>(5)?)?)));
    }
    faults.extend(expected.missing());
    Ok(faults)
}

impl Timely for SqliteStore {
    fn timeliness(
        &self,
        dossiers: Vec<String>,
    ) -> Answer<'_, Result<(u64, Vec<Kept>), StoreError>> {
        self.read(move |connection| of(connection, dossiers))
    }

    fn timely_cells(&self, query: CellQuery) -> Answer<'_, Result<Cells, StoreError>> {
        self.read(move |connection| cells(connection, &query))
    }

    fn timeliness_after(
        &self,
        key: String,
        limit: u32,
    ) -> Answer<'_, Result<(u64, Vec<Kept>), StoreError>> {
        self.read(move |connection| after(connection, &key, limit))
    }

    fn timely_faults(&self) -> Answer<'_, Result<Vec<String>, StoreError>> {
        self.read(faults)
    }
}
