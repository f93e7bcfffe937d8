//! Making every fold anew from the journal, and putting rules in force.

use std::{sync::mpsc, thread};

use rayon::prelude::*;
use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    Writer,
    deltas::{self, NumbersSeen},
    findings, known, message, records,
    scan::{self, Groups},
    write,
};
use crate::store::{
    Rules, StoreError,
    audit::EntryCopy,
    batch::{Changes, Rollups},
    replay::{self, Components, FirstReading, Turns},
    rules::RulesHistory,
};

/// Pages of components read ahead of the fold, and folded ahead of the writing.
const PAGES_AHEAD: usize = 2;

/// Makes every fold anew; gives the number of entries read.
pub(super) fn rebuild(writer: &mut Writer) -> Result<u64, StoreError> {
    let Writer { connection, numbers, rolling, .. } = writer;
    rolling.forget();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    numbers.forget();
    let read = anew(&transaction, numbers)
        .and_then(|read| findings::forget(&transaction).map(|()| read))
        .and_then(|read| message::channels::recount(&transaction).map(|()| read))
        .and_then(|read| transaction.commit().map(|()| read).map_err(StoreError::from));
    if read.is_err() {
        numbers.forget();
    }
    read
}

/// Makes every fold anew where a migration has asked for it.
pub(super) fn due(connection: &Connection) -> Result<(), StoreError> {
    let sql = "UPDATE head SET refold = 0 WHERE refold = 1";
    if connection.execute(sql, [])? > 0 {
        anew(connection, &mut NumbersSeen::default())?;
    }
    Ok(())
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
    anew(&transaction, numbers)?;
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
pub(super) fn first_reading(connection: &Connection) -> Result<FirstReading, StoreError> {
    let mut heard = FirstReading::default();
    scan::pages(connection, &mut |page| {
        let told: Vec<_> = page
            .par_iter()
            .map(|row| replay::told(&row.stored()))
            .collect::<Result<_, StoreError>>()?;
        told.into_iter().for_each(|about| heard.take(about));
        for row in &page {
            if let Some(hash) = row.rules()? {
                heard.refer(row.position, hash, known::rules(connection, hash)?);
            }
        }
        Ok(())
    })?;
    Ok(heard)
}

fn anew(connection: &Connection, numbers: &mut NumbersSeen) -> Result<u64, StoreError> {
    connection.execute_batch(DROP)?;
    let FirstReading { components, records: told, rules, versions, entries: read } =
        first_reading(connection)?;
    for (position, hash) in versions {
        let sql = "INSERT INTO rules (position, hash) VALUES (?1, ?2)";
        connection.execute(sql, params![position, hash.as_bytes()])?;
    }
    let (fresh, replaced) = told.close();
    records::write(connection, &fresh, &replaced)?;
    let (mut sums, mut turns) = (Rollups::default(), Turns::default());
    let mut write = |changes: &Changes| {
        changes.deltas.iter().for_each(|delta| sums.add(delta));
        story(connection, changes, numbers)
    };
    stories(connection, components, &rules, &mut |mut changes| {
        turns.take(&mut changes, &rules);
        write(&changes)
    })?;
    write(&turns.close())?;
    write::rollups(connection, &sums, read)?;
    connection.execute_batch(INDEX)?;
    Ok(read)
}

/// Reads component by component, folds on other threads, and hands over each story here.
fn stories(
    connection: &Connection,
    components: Components,
    rules: &RulesHistory,
    take: &mut dyn FnMut(Changes) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut wanted = components.groups().into_iter();
    let fold = |groups: Groups| -> Result<Vec<Changes>, StoreError> {
        groups
            .par_iter()
            .map(|group| {
                let stored: Vec<_> = group.iter().map(EntryCopy::stored).collect();
                Ok(replay::story(replay::observations(&stored)?, rules))
            })
            .collect()
    };
    thread::scope(|scope| {
        let (send, groups) = mpsc::sync_channel::<Groups>(PAGES_AHEAD);
        let (done, folded) = mpsc::sync_channel(PAGES_AHEAD);
        scope.spawn(move || {
            for page in groups {
                if done.send(fold(page)).is_err() {
                    return;
                }
            }
        });
        let gone = || StoreError::fault("the folding thread has stopped");
        let mut ahead = 0;
        loop {
            let page = scan::groups(connection, &mut wanted)?;
            if page.is_empty() {
                break;
            }
            send.send(page).map_err(|_| gone())?;
            ahead += 1;
            if ahead > PAGES_AHEAD {
                ahead -= 1;
                folded.recv().map_err(|_| gone())??.into_iter().try_for_each(&mut *take)?;
            }
        }
        drop(send);
        for stories in folded {
            stories?.into_iter().try_for_each(&mut *take)?;
        }
        Ok(())
    })
}

fn story(
    connection: &Connection,
    changes: &Changes,
    numbers: &mut NumbersSeen,
) -> Result<(), StoreError> {
    for row in &changes.members {
        write::member(connection, row)?;
    }
    for row in &changes.observations {
        write::observation(connection, row)?;
    }
    write::dossiers(connection, changes)?;
    deltas::write(connection, &changes.deltas, numbers)
}
