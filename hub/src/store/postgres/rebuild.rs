//! Making every fold anew from the journal, and putting rules in force. The journal's end is held
//! meanwhile: nothing is accepted, and readers see what was there before until it is done.

use std::sync::Arc;

use deadpool_postgres::Transaction;
use rayon::prelude::*;

use super::{
    PostgresStore,
    failure::{self, Failure, Tries},
    findings, known, message, names, records, rolling, scan,
    session::{self, Rows, signed},
    verify::apart,
    write,
};
use crate::store::{
    Rules, StoreError,
    audit::EntryCopy,
    batch::{Changes, Rollups},
    replay::{self, FirstReading, Turns},
    rules::RulesHistory,
};

/// Makes every fold anew; gives the number of entries read.
pub(super) async fn rebuild(store: &PostgresStore) -> Result<u64, StoreError> {
    let mut tries = Tries::default();
    loop {
        match rebuilt(store).await {
            Err(failure) if tries.again(&failure).await => {}
            ended => return ended.map_err(StoreError::from),
        }
    }
}

async fn rebuilt(store: &PostgresStore) -> Result<u64, Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = client.transaction().await?;
    scan::settings(&transaction).await?;
    known::tip_held(&transaction).await?;
    let read = anew(&Numbers::of(store), &transaction).await?;
    findings::forget(&transaction).await?;
    message::channels::recount(&transaction).await?;
    transaction.commit().await.map_err(failure::of_commit)?;
    Ok(read)
}

/// Makes every fold anew where a migration has asked for it.
pub(super) async fn due(transaction: &Transaction<'_>) -> Result<(), Failure> {
    let sql = "UPDATE head SET refold = false WHERE refold";
    if transaction.execute(sql, &[]).await? > 0 {
        scan::settings(transaction).await?;
        let (places, names) = Default::default();
        anew(&Numbers { places: &places, names: &names }, transaction).await?;
    }
    Ok(())
}

/// Puts rules in force: a reference entry, and every fold with them from its position on.
pub(super) async fn adopt(store: &PostgresStore, rules: &Rules) -> Result<bool, StoreError> {
    let mut tries = Tries::default();
    loop {
        match adopted(store, rules).await {
            Err(failure) if tries.again(&failure).await => {}
            ended => return ended.map_err(StoreError::from),
        }
    }
}

async fn adopted(store: &PostgresStore, rules: &Rules) -> Result<bool, Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = client.transaction().await?;
    let hash = rules.hash();
    if known::tip(&transaction).await?.rules == Some(hash) {
        return Ok(false);
    }
    scan::settings(&transaction).await?;
    let mut tip = known::tip_held(&transaction).await?;
    if tip.rules == Some(hash) {
        return Ok(false);
    }
    let entry = tip.adopt(jiff::Timestamp::now(), rules)?;
    let sql = "INSERT INTO reference_contents (hash, content)
               SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT (hash) DO NOTHING";
    let content =
        Rows::new(sql, 1).with(vec![hash.as_bytes().to_vec()]).with(vec![rules.content()]);
    let only = [entry];
    let mut rows = write::entries(&only);
    rows.extend([content, write::head(&tip)]);
    session::write(&transaction, rows).await?;
    anew(&Numbers::of(store), &transaction).await?;
    transaction.commit().await.map_err(failure::of_commit)?;
    store.appended.to(tip.next());
    Ok(true)
}

/// What is known of the numbers of places and names.
struct Numbers<'a> {
    places: &'a write::PlacesSeen,
    names: &'a names::NamesSeen,
}

impl<'a> Numbers<'a> {
    fn of(store: &'a PostgresStore) -> Self {
        Self { places: &store.places, names: &store.names }
    }
}

/// Places and names stay: their numbers are known to other processes.
const FORGET: &str = "
    SELECT FROM rolled FOR UPDATE;
    DELETE FROM observations; DELETE FROM dossiers; DELETE FROM changes; DELETE FROM deltas;
    DELETE FROM rollups; DELETE FROM members; DELETE FROM rules; DELETE FROM records;
    DELETE FROM strides; UPDATE strided SET made = 0;";

async fn anew(numbers: &Numbers<'_>, transaction: &Transaction<'_>) -> Result<u64, Failure> {
    transaction.batch_execute(FORGET).await?;
    let FirstReading { components, records, rules, versions, entries: read } =
        first_reading(transaction).await?;
    for (position, hash) in versions {
        let sql = "INSERT INTO rules (position, hash) VALUES ($1, $2)";
        let bytes = hash.as_bytes().as_slice();
        session::rows(transaction, sql, &[&signed(position), &bytes]).await?;
    }
    let (fresh, replaced) = records.close();
    for some in fresh.chunks(RECORDS_AT_ONCE) {
        session::write(transaction, self::records::rows(some, &replaced).into()).await?;
    }
    let rules = Arc::new(rules);
    let (mut sums, mut turns) = (Rollups::default(), Turns::default());
    let mut wanted = components.groups().into_iter();
    let mut groups = scan::groups(transaction, &mut wanted).await?;
    while !groups.is_empty() {
        let (now, folding) = (rules.clone(), groups);
        let work = async { Ok(apart(move || stories(&folding, &now)).await??) };
        let following = scan::groups(transaction, &mut wanted);
        let (mut folded, following) = futures_util::future::try_join(work, following).await?;
        folded.iter_mut().for_each(|story| turns.take(story, &rules));
        write(numbers, transaction, &folded, &mut sums).await?;
        groups = following;
    }
    write(numbers, transaction, &[turns.close()], &mut sums).await?;
    let rows = numbers.names.rows(transaction, &sums).await?;
    rolling::write(transaction, rows, read).await?;
    Ok(read)
}

async fn write(
    numbers: &Numbers<'_>,
    transaction: &Transaction<'_>,
    stories: &[Changes],
    sums: &mut Rollups,
) -> Result<(), Failure> {
    let all: Vec<&Changes> = stories.iter().collect();
    let deltas = || stories.iter().flat_map(|changes| &changes.deltas);
    let places = numbers.places.numbers(transaction, deltas()).await?;
    session::write(transaction, write::folds(&all, &places)).await?;
    deltas().for_each(|delta| sums.add(delta));
    Ok(())
}

fn stories(groups: &[Vec<EntryCopy>], rules: &RulesHistory) -> Result<Vec<Changes>, StoreError> {
    groups
        .par_iter()
        .map(|group| {
            let stored: Vec<_> = group.iter().map(EntryCopy::stored).collect();
            Ok(replay::story(replay::observations(&stored)?, rules))
        })
        .collect()
}

/// Records written by one statement.
const RECORDS_AT_ONCE: usize = 4_096;

/// Reads the journal once in order, as far as folds read it.
pub(super) async fn first_reading(transaction: &Transaction<'_>) -> Result<FirstReading, Failure> {
    let mut heard = FirstReading::default();
    let mut page = scan::page(transaction, 0).await?;
    while let Some(last) = page.last() {
        let next = last.position + 1;
        let work = apart(move || {
            let told: Result<Vec<_>, StoreError> = page
                .par_iter()
                .map(|row| Ok((replay::told(&row.stored())?, row.rules()?)))
                .collect();
            Ok(told?.into_iter().zip(page.into_iter().map(|row| row.position)).collect::<Vec<_>>())
        });
        let work = async { work.await?.map_err(|error: StoreError| Failure::from(error)) };
        let following = scan::page(transaction, next);
        let (told, following) = futures_util::future::try_join(work, following).await?;
        for ((told, hash), position) in told {
            heard.take(told);
            if let Some(hash) = hash {
                heard.refer(position, hash, known::rules(transaction, hash).await?);
            }
        }
        page = following;
    }
    Ok(heard)
}
