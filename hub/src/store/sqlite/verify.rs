//! Reading everything: what is stored against what it should be, as of one moment.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use rusqlite::Connection;

use super::{
    SqliteStore, attachments,
    crew::{Crew, POSITIONS},
    deltas::{self, ReadSums},
    erasures, known, message, pruning, rebuild, records, rolling, scan, strides,
};
use crate::registry::Observation;
use crate::store::{
    Answer, StoreError, Verdict,
    audit::{self, Checked, Expected, FAULTS_MAX, Journal, Recount},
    batch::{RollupKey, Rollups, YearSums, slot::Slot},
    replay::{self, Components, FirstReading},
    rules::Rules,
    short,
};

/// Components that one reader folds at a time.
const COMPONENTS: usize = 128;

/// Reads the journal and every fold, and compares.
pub(super) fn verify(path: &Path) -> Result<Verdict, StoreError> {
    let mut crew = Crew::at_one_moment(path)?;
    let mut verdict = Verdict::default();
    let journal = journal(&mut crew, &mut verdict)?;
    let Journal { components, rules, records, erased, named, .. } = journal;
    if verdict.faults.is_empty() {
        erasures::verify(crew.first()?, &erased, &mut verdict)?;
        attachments::verify(crew.first()?, named, &mut verdict)?;
        let (told, _) = records.close();
        records::verify(crew.first()?, told, &mut verdict)?;
        folds(&mut crew, components, &rules.now(), &mut verdict)?;
    }
    pruning::verify(crew.first()?, &mut verdict)?;
    message::channels::verify(crew.first()?, &mut verdict)?;
    Ok(verdict)
}

/// Reads the journal alone: leaves, commitments, and what entries refer to.
pub(super) fn audit(path: &Path) -> Result<Verdict, StoreError> {
    let mut verdict = Verdict::default();
    let mut crew = Crew::at_one_moment(path)?;
    let journal = journal(&mut crew, &mut verdict)?;
    if verdict.faults.is_empty() {
        erasures::verify(crew.first()?, &journal.erased, &mut verdict)?;
    }
    Ok(verdict)
}

/// Folds dossiers and numbers anew and compares; entries are read as folds read them, unchecked.
pub(super) fn recount(path: &Path) -> Result<Verdict, StoreError> {
    let mut crew = Crew::at_one_moment(path)?;
    let FirstReading { components, rules, entries, .. } = rebuild::first_reading(&mut crew)?;
    let mut verdict = Verdict { entries, ..Verdict::default() };
    folds(&mut crew, components, &rules.now(), &mut verdict)?;
    Ok(verdict)
}

impl SqliteStore {
    /// Reads everything on threads of its own.
    pub(super) fn compared(
        &self,
        compare: fn(&Path) -> Result<Verdict, StoreError>,
    ) -> Answer<'_, Result<Verdict, StoreError>> {
        let path = self.path.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || compare(&path)).await;
            done.map_err(|error| StoreError::fault(error.to_string()))?
        })
    }
}

/// Every entry: its text, its texts' hashes, its leaf; gives which belong together.
fn journal(crew: &mut Crew, verdict: &mut Verdict) -> Result<Journal, StoreError> {
    let (mut journal, mut refers, mut whole) = (Journal::default(), Vec::new(), true);
    let log = known::tip(crew.first()?)?.log;
    let read = |reader: &Connection, stretch, checked: &mut Vec<(u64, Checked)>| {
        scan::committed_entries(reader, stretch, &mut |entry| {
            checked.push((entry.position, audit::check(entry, &log)));
        })
    };
    let end = scan::end(crew.first()?)?;
    crew.in_order(end, &read, &mut |checked| {
        for (position, one) in checked {
            if !journal.goes_on(&one, verdict) {
                whole = false;
                return false;
            }
            refers.extend(one.refers.map(|refers| (position, refers)));
            journal.take(one, verdict);
        }
        verdict.faults.len() < FAULTS_MAX
    })?;
    let reader = crew.first()?;
    if whole {
        for (position, refers) in refers {
            let found = known::content(reader, refers.content())?;
            journal.refer((position, refers), found.as_deref(), verdict);
        }
    }
    if verdict.faults.is_empty() {
        journal.close(&known::tip(reader)?, verdict);
    }
    Ok(journal)
}

/// Folds everything from nothing and compares with what is stored.
fn folds(
    crew: &mut Crew,
    components: Components,
    rules: &Rules,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let groups = components.groups();
    let jobs: Vec<&[Vec<u64>]> = groups.chunks(COMPONENTS).collect();
    let folded = crew.share(jobs.len(), &|reader, job, gathered: &mut (Recount, Verdict)| {
        jobs[job].iter().try_for_each(|positions| fold(reader, positions, rules, gathered))
    })?;
    let (sums, recount) = rayon::join(
        || sums(crew, verdict.entries),
        || {
            let mut recount = Recount::default();
            let mut faults = Vec::new();
            for (part, found) in folded {
                recount.merge(part);
                faults.extend(found.faults);
            }
            (recount, faults)
        },
    );
    let (recount, faults) = recount;
    faults.into_iter().for_each(|fault| verdict.add(fault));
    let (sums, reader) = (sums?, crew.first()?);
    let beside = &mut Verdict { entries: verdict.entries, ..Verdict::default() };
    let (closed, compared) =
        rayon::join(|| recount.close(verdict), || stored(reader, &recount, sums, beside));
    closed.and(compared)?;
    std::mem::take(&mut beside.faults).into_iter().for_each(|fault| verdict.add(fault));
    Ok(())
}

/// Compares what is stored of all dossiers with what they come to.
fn stored(
    reader: &mut Connection,
    recount: &Recount,
    sums: Rollups,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    extra(reader, recount, verdict)?;
    recount.deltas(sums, verdict);
    if verdict.faults.is_empty() {
        // Deltas that hold are what strides are compared with.
        strides::verify(reader, &mut |fault| verdict.add(fault))?;
    }
    rollups(reader, recount, verdict)
}

/// Folds one component and compares its dossiers with those stored.
fn fold(
    connection: &Connection,
    positions: &[u64],
    rules: &Rules,
    (recount, verdict): &mut (Recount, Verdict),
) -> Result<(), StoreError> {
    let observations = scan::observations_at(connection, positions)?;
    recount.hear(observations.len());
    shorts(connection, &observations, verdict)?;
    let (dossiers, counts) = replay::outcome(&observations, rules);
    let mut statement = connection.prepare_cached(
        "SELECT d.public FROM members k JOIN dossiers d ON d.dossier = k.member
         WHERE k.source_code = ?1 AND k.source = ?2",
    )?;
    for dossier in dossiers {
        let (source, source_code) = dossier.key.split_once('/').unwrap_or((&dossier.key, ""));
        let mut rows = statement.query([source_code, source])?;
        let text = match rows.next()? {
            Some(row) => scan::blob_or_null(row, 0)?,
            None => None,
        };
        recount.dossier(dossier, text, verdict);
    }
    recount.count(&counts);
    Ok(())
}

/// Compares the observations of a component with what is stored of them under their names.
fn shorts(
    connection: &Connection,
    observations: &[Observation],
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let sql = "SELECT position, short FROM observations WHERE member = ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut of_names: BTreeMap<u64, Vec<&Observation>> = BTreeMap::new();
    for (member, one) in audit::named(observations) {
        of_names.entry(member).or_default().push(one);
    }
    for (member, own) in of_names {
        // Both come in order of their positions.
        let mut own = own.into_iter().peekable();
        let mut rows = statement.query([member])?;
        while let Some(row) = rows.next()? {
            let position: u64 = row.get(0)?;
            while let Some(one) = own.next_if(|one| one.position < position) {
                audit::short(one.position, None, || None, verdict);
            }
            if let Some(one) = own.next_if(|one| one.position == position) {
                let stored = scan::blob_or_null(row, 1)?;
                audit::short(position, Some(stored), || short::text(one), verdict);
            }
        }
        own.for_each(|one| audit::short(one.position, None, || None, verdict));
    }
    Ok(())
}

/// Dossiers and observations that are stored, but of which nothing tells.
fn extra(
    connection: &Connection,
    recount: &Recount,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let sql = "SELECT k.source || '/' || k.source_code
               FROM dossiers d JOIN members k ON k.member = d.dossier WHERE d.public IS NOT NULL";
    let mut statement = connection.prepare(sql)?;
    for key in statement.query_map([], |row| row.get::<_, String>(0))? {
        let key = key?;
        if !recount.knows(&key) {
            verdict.add(format!("dossier `{key}` is stored, but no observation tells of it"));
        }
    }
    let sql = "SELECT count(*) FROM observations";
    recount.names(connection.query_row(sql, [], |row| row.get(0))?, verdict);
    Ok(())
}

/// The sums of all deltas.
fn sums(crew: &mut Crew, entries: u64) -> Result<Rollups, StoreError> {
    let stretch = POSITIONS as u64;
    let jobs = usize::try_from(entries.div_ceil(stretch)).unwrap_or(usize::MAX);
    let parts = crew.share(jobs, &|reader, job, sums: &mut ReadSums| {
        let from = job as u64 * stretch;
        deltas::add_sums(reader, (from, from + stretch), sums)
    })?;
    let mut parts = parts.into_iter().map(|part| part.sums);
    let mut sums = parts.next().unwrap_or_default();
    parts.for_each(|part| sums.merge(&part, 1));
    Ok(sums)
}

/// Compares the rollups, which may lack the deltas of the last entries.
fn rollups(
    connection: &mut Connection,
    recount: &Recount,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let rolled = rolling::rolled(connection)?;
    let mut behind = ReadSums::default();
    deltas::add_sums(connection, (rolled, verdict.entries), &mut behind)?;
    let sums = recount.rolled(&behind.sums);
    let mut expected = Expected::new(&sums);
    let (names, measures) = (texts(connection, "names")?, texts(connection, "measures")?);
    let mut statement = connection.prepare("SELECT slot, inner, n, days FROM rollups")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let slot = Slot::of(row.get(0)?);
        let slot = slot.ok_or_else(|| StoreError::fault("a rollup has a slot that is none"))?;
        let key = RollupKey {
            level: slot.level,
            measure: audit::measure(told(&measures, slot.measure)?)?,
            outer: told(&names, slot.outer)?,
            year: slot.year,
            inner: told(&names, row.get(1)?)?,
        };
        let days = row.get_ref(3)?.as_blob().ok().and_then(YearSums::unpacked);
        expected.stored(&key, (row.get(2)?, days.as_ref()), verdict);
    }
    expected.missing(verdict);
    Ok(())
}

/// The texts of a table by their numbers.
fn texts(connection: &Connection, table: &str) -> Result<HashMap<i64, String>, StoreError> {
    let mut all = connection.prepare(&format!("SELECT rowid, text FROM {table}"))?;
    let texts = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(texts.collect::<Result<_, _>>()?)
}

fn told(texts: &HashMap<i64, String>, number: i64) -> Result<&str, StoreError> {
    let unnamed = || StoreError::fault(format!("a rollup bears the number {number} of nothing"));
    texts.get(&number).map(String::as_str).ok_or_else(unnamed)
}
