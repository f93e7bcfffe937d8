//! Making every fold anew from the journal, and putting rules in force.

use std::{sync::mpsc, thread};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{
    Writer, crew::Crew, deltas::NumbersSeen, findings, known, message, records, scan, write,
};
use crate::{
    journal::merkle::Digest,
    store::{
        Rules, StoreError, audit,
        batch::{Changes, Rollups},
        replay::{self, About, Components, FirstReading, Turns},
        rules::RulesHistory,
    },
};

/// Makes every fold anew; gives the number of entries read.
pub(super) fn rebuild(writer: &mut Writer) -> Result<u64, StoreError> {
    let Writer { connection, numbers, rolling, .. } = writer;
    rolling.forget();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    numbers.forget();
    let read = anew(&transaction, None, numbers)
        .and_then(|read| findings::forget(&transaction).map(|()| read))
        .and_then(|read| message::channels::recount(&transaction).map(|()| read))
        .and_then(|read| transaction.commit().map(|()| read).map_err(StoreError::from));
    if read.is_err() {
        numbers.forget();
    }
    read
}

/// Makes every fold anew where a migration has asked for it.
pub(super) fn due(connection: &mut Connection) -> Result<(), StoreError> {
    let asked = |connection: &Connection| {
        connection.query_row("SELECT refold FROM head", [], |row| row.get(0)).optional()
    };
    if asked(connection)? != Some(true) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it meanwhile.
    if transaction.execute("UPDATE head SET refold = 0 WHERE refold = 1", [])? > 0 {
        anew(&transaction, None, &mut NumbersSeen::default())?;
    }
    Ok(transaction.commit()?)
}

/// Puts rules in force: a reference entry, and every fold with them from its position on.
pub(super) fn adopt(writer: &mut Writer, rules: &Rules) -> Result<bool, StoreError> {
    let Writer { connection, numbers, rolling, .. } = writer;
    rolling.forget();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut tip = known::tip(&transaction)?;
    let hash = rules.hash();
    if tip.rules == Some(hash) {
        return Ok(false);
    }
    let sql = "INSERT INTO reference_contents (hash, content) VALUES (?1, ?2)
               ON CONFLICT (hash) DO NOTHING";
    transaction.execute(sql, params![hash.as_bytes(), rules.content()])?;
    let entry = tip.adopt(jiff::Timestamp::now(), rules)?;
    write::entry(&transaction, &entry)?;
    write::head(&transaction, &tip)?;
    numbers.forget();
    anew(&transaction, Some((entry.position, rules)), numbers)?;
    transaction.commit()?;
    Ok(true)
}

/// Indexes that rows would be put into out of order; each is made again at once at the end.
const DROP: &str = "
    DROP INDEX members_by_code; DROP INDEX members_by_dossier;
    DELETE FROM observations; DELETE FROM dossiers; DELETE FROM changes; DELETE FROM deltas;
    DELETE FROM places; DELETE FROM rollups; DELETE FROM names; DELETE FROM measures;
    DELETE FROM members; DELETE FROM rules; DELETE FROM records;
    DELETE FROM strides; UPDATE strided SET made = 0;";

const INDEX: &str = "
    CREATE INDEX members_by_code ON members (code) WHERE code IS NOT NULL;
    CREATE INDEX members_by_dossier ON members (dossier);";

/// Reads the journal once in order, as far as folds read it.
pub(super) fn first_reading(crew: &mut Crew) -> Result<FirstReading, StoreError> {
    let (mut heard, mut versions) = (FirstReading::default(), Vec::new());
    let read = |reader: &Connection, stretch, told: &mut Vec<_>| {
        scan::entries(reader, stretch, &mut |entry| {
            told.push((entry.position, (replay::told(entry)?, audit::rules(entry)?)));
            Ok(())
        })
    };
    let end = scan::end(crew.first()?)?;
    crew.in_order(end, &read, &mut |told: Vec<(u64, (About, Option<Digest>))>| {
        for (position, (about, rules)) in told {
            heard.take(about);
            versions.extend(rules.map(|hash| (position, hash)));
        }
        true
    })?;
    let reader = crew.first()?;
    for (position, hash) in versions {
        heard.refer(position, hash, known::rules(reader, hash)?);
    }
    Ok(heard)
}

/// Makes every fold anew, and takes the rules that a transaction has just put in force.
fn anew(
    transaction: &Transaction<'_>,
    adopted: Option<(u64, &Rules)>,
    numbers: &mut NumbersSeen,
) -> Result<u64, StoreError> {
    transaction.execute_batch(DROP)?;
    let mut crew = Crew::before(transaction)?;
    let mut heard = first_reading(&mut crew)?;
    if let Some((position, rules)) = adopted {
        heard.take(About::Nothing);
        heard.refer(position, rules.hash(), rules.clone());
    }
    let FirstReading { components, records: told, rules, versions, entries: read } = heard;
    for (position, hash) in versions {
        let sql = "INSERT INTO rules (position, hash) VALUES (?1, ?2)";
        transaction.execute(sql, params![position, hash.as_bytes()])?;
    }
    let (fresh, replaced) = told.close();
    records::write(transaction, &fresh, &replaced)?;
    let (mut sums, mut turns) = (Rollups::default(), Turns::default());
    let mut write = |stories: &[Changes]| {
        stories.iter().flat_map(|story| &story.deltas).for_each(|delta| sums.add(delta));
        write::folds(transaction, stories, numbers)
    };
    stories(&mut crew, components, &rules, &mut |mut stories| {
        stories.iter_mut().for_each(|story| turns.take(story, &rules));
        write(&stories)
    })?;
    write(&[turns.close()])?;
    write::rollups(transaction, &sums, read)?;
    transaction.execute_batch(INDEX)?;
    Ok(read)
}

/// Components that one reader folds at a time.
const COMPONENTS: usize = 64;
/// Components whose stories are handed over together.
const TOGETHER: usize = 32 * COMPONENTS;
/// Such lots folded ahead of the writing.
const LOTS_AHEAD: usize = 1;

/// Reads and folds component by component on other threads, and hands over the stories here, in
/// the components' order.
fn stories(
    crew: &mut Crew,
    components: Components,
    rules: &RulesHistory,
    take: &mut dyn FnMut(Vec<Changes>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let groups = components.groups();
    thread::scope(|scope| {
        let (give, come) = mpsc::sync_channel(LOTS_AHEAD);
        scope.spawn(move || {
            for lot in groups.chunks(TOGETHER) {
                if give.send(told(crew, lot, rules)).is_err() {
                    return;
                }
            }
        });
        come.into_iter().try_for_each(|stories| take(stories?))
    })
}

/// The stories of some components, in their order.
fn told(
    crew: &mut Crew,
    groups: &[Vec<u64>],
    rules: &RulesHistory,
) -> Result<Vec<Changes>, StoreError> {
    let jobs: Vec<&[Vec<u64>]> = groups.chunks(COMPONENTS).collect();
    let gathered = crew.share(jobs.len(), &|reader, job, stories: &mut Vec<_>| {
        for (at, positions) in jobs[job].iter().enumerate() {
            let observations = scan::observations_at(reader, positions)?;
            stories.push(((job, at), replay::story(observations, rules)));
        }
        Ok(())
    })?;
    let mut stories: Vec<_> = gathered.into_iter().flatten().collect();
    stories.sort_unstable_by_key(|(place, _)| *place);
    Ok(stories.into_iter().map(|(_, story)| story).collect())
}
