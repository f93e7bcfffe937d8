//! Making every fold anew from the journal, and putting rules in force.

use std::{sync::mpsc, thread};

use rayon::prelude::*;
use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    Writer,
    deltas::NumbersSeen,
    findings, known, message, records,
    scan::{self, Groups},
    write,
};
use crate::store::{
    Rules, StoreError,
    audit::EntryCopy,
    batch::{Changes, Rollups},
    replay::{self, About, Components, FirstReading, Turns},
    rules::RulesHistory,
};

/// Pages read ahead of the work at them, and worked at ahead of the writing.
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
    let (mut heard, mut versions) = (FirstReading::default(), Vec::new());
    let told = |page: Vec<EntryCopy>| -> Result<Vec<About>, StoreError> {
        page.par_iter().map(|row| replay::told(&row.stored())).collect()
    };
    beside(
        &mut |give| {
            scan::pages(connection, &mut |page| {
                for row in &page {
                    if let Some(hash) = row.rules()? {
                        versions.push((row.position, hash, known::rules(connection, hash)?));
                    }
                }
                give(page)
            })
        },
        &told,
        &mut |all| {
            all.into_iter().for_each(|about| heard.take(about));
            Ok(())
        },
    )?;
    versions.into_iter().for_each(|(position, hash, rules)| heard.refer(position, hash, rules));
    Ok(heard)
}

/// Reads here, works at what was read on other threads meanwhile, and hands over the results here,
/// in order.
fn beside<T: Send, R: Send>(
    read: &mut dyn FnMut(&mut Give<'_, T>) -> Result<(), StoreError>,
    work: &(dyn Fn(T) -> Result<R, StoreError> + Sync),
    take: &mut dyn FnMut(R) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    thread::scope(|scope| {
        let (send, come) = mpsc::sync_channel::<T>(PAGES_AHEAD);
        let (done, results) = mpsc::sync_channel(PAGES_AHEAD);
        scope.spawn(move || {
            for one in come {
                if done.send(work(one)).is_err() {
                    return;
                }
            }
        });
        let gone = || StoreError::fault("the folding thread has stopped");
        let mut ahead = 0;
        read(&mut |one| {
            send.send(one).map_err(|_| gone())?;
            ahead += 1;
            if ahead > PAGES_AHEAD {
                ahead -= 1;
                take(results.recv().map_err(|_| gone())??)?;
            }
            Ok(())
        })?;
        drop(send);
        results.into_iter().try_for_each(|result| take(result?))
    })
}

/// Takes what was read.
type Give<'a, T> = dyn FnMut(T) -> Result<(), StoreError> + 'a;

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
    let mut write = |stories: &[Changes]| {
        stories.iter().flat_map(|story| &story.deltas).for_each(|delta| sums.add(delta));
        write::folds(connection, stories, numbers)
    };
    stories(connection, components, &rules, &mut |mut stories| {
        stories.iter_mut().for_each(|story| turns.take(story, &rules));
        write(&stories)
    })?;
    write(&[turns.close()])?;
    write::rollups(connection, &sums, read)?;
    connection.execute_batch(INDEX)?;
    Ok(read)
}

/// Reads component by component, folds on other threads, and hands over the stories of each page
/// here.
fn stories(
    connection: &Connection,
    components: Components,
    rules: &RulesHistory,
    take: &mut dyn FnMut(Vec<Changes>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut wanted = components.groups().into_iter();
    let fold = |groups: Groups| -> Result<Vec<Changes>, StoreError> {
        let story = |group: &Vec<EntryCopy>| {
            let stored: Vec<_> = group.iter().map(EntryCopy::stored).collect();
            Ok(replay::story(replay::observations(&stored)?, rules))
        };
        groups.par_iter().map(story).collect()
    };
    beside(
        &mut |give| {
            loop {
                let page = scan::groups(connection, &mut wanted)?;
                if page.is_empty() {
                    return Ok(());
                }
                give(page)?;
            }
        },
        &fold,
        take,
    )
}
