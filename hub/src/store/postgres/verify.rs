//! Reading everything: what is stored against what it should be, as of one moment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use deadpool_postgres::{Object, Transaction};
use rayon::prelude::*;

use super::{
    attachments, erasures,
    failure::Failure,
    known, message, pruning, rebuild, records, rolling, scan,
    session::{self, signed, unsigned},
    strides,
};
use crate::{
    registry::PlacedCounts,
    store::{
        StoreError, Verdict,
        audit::{self, Checked, EntryCopy, Expected, FAULTS_MAX, Journal, Recount},
        batch::{RollupKey, YearSums, slot::Slot},
        replay::{self, Components, FirstReading, Folded},
        rules::{Rules, RulesHistory},
        short,
    },
};

/// Runs work for all cores off the runtime's threads.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::fault(error.to_string()).into())
}

/// Reads the journal and every fold, and compares.
pub(super) async fn verify(client: &mut Object) -> Result<Verdict, Failure> {
    let transaction = session::at_one_moment(client).await?;
    scan::settings(&transaction).await?;
    let mut verdict = Verdict::default();
    let journal = journal(&transaction, &mut verdict).await?;
    let Journal { components, rules, records, erased, named, .. } = journal;
    if verdict.faults.is_empty() {
        erasures::verify(&transaction, &erased, &mut verdict).await?;
        attachments::verify(&transaction, named, &mut verdict).await?;
        let (told, _) = records.close();
        self::records::verify(&transaction, told, &mut verdict).await?;
        folds(&transaction, components, rules, &mut verdict).await?;
    }
    scan::whole_tables(&transaction).await?;
    pruning::verify(&transaction, &mut verdict).await?;
    message::channels::verify(&transaction, &mut verdict).await?;
    Ok(verdict)
}

/// Reads the journal alone: leaves, commitments, and what entries refer to.
pub(super) async fn audit(client: &mut Object) -> Result<Verdict, Failure> {
    let transaction = session::at_one_moment(client).await?;
    scan::settings(&transaction).await?;
    let mut verdict = Verdict::default();
    let journal = journal(&transaction, &mut verdict).await?;
    if verdict.faults.is_empty() {
        erasures::verify(&transaction, &journal.erased, &mut verdict).await?;
    }
    Ok(verdict)
}

/// Folds dossiers and numbers anew and compares; entries are read as folds read them, unchecked.
pub(super) async fn recount(client: &mut Object) -> Result<Verdict, Failure> {
    let transaction = session::at_one_moment(client).await?;
    scan::settings(&transaction).await?;
    let FirstReading { components, rules, entries, .. } =
        rebuild::first_reading(&transaction).await?;
    let mut verdict = Verdict { entries, ..Verdict::default() };
    folds(&transaction, components, rules, &mut verdict).await?;
    Ok(verdict)
}

/// Every entry: its text, its texts' hashes, its leaf; gives which belong together.
async fn journal(transaction: &Transaction<'_>, verdict: &mut Verdict) -> Result<Journal, Failure> {
    let mut journal = Journal::default();
    let log = Arc::new(known::tip(transaction).await?.log);
    let mut page = scan::committed_page(transaction, 0).await?;
    while let Some(last) = page.last() {
        let next = last.position + 1;
        let log = log.clone();
        let check = move |entry: &EntryCopy| audit::check(entry.row(), &log);
        let check = apart(move || page.par_iter().map(check).collect::<Vec<Checked>>());
        // The next page is on its way while this one is checked.
        let following = scan::committed_page(transaction, next);
        let (checked, following) = futures_util::future::try_join(check, following).await?;
        for one in checked {
            if !journal.goes_on(&one, verdict) {
                return Ok(journal);
            }
            let (position, refers) = (one.position, one.refers);
            journal.take(one, verdict);
            if let Some(refers) = refers {
                let found = known::content(transaction, refers.content()).await?;
                journal.refer((position, refers), found.as_deref(), verdict);
            }
        }
        if verdict.faults.len() >= FAULTS_MAX {
            break;
        }
        page = following;
    }
    if verdict.faults.is_empty() {
        journal.close(&known::tip(transaction).await?, verdict);
    }
    Ok(journal)
}

/// The number of a name, a position, and its short form.
type Short = (u64, u64, Option<Vec<u8>>);
/// What some component should have left behind.
type Outcome = (Vec<Folded>, Vec<PlacedCounts>, Vec<Short>);

fn fold(groups: &[Vec<EntryCopy>], rules: &Rules) -> Result<Vec<Outcome>, StoreError> {
    groups
        .par_iter()
        .map(|group| {
            let stored: Vec<_> = group.iter().map(EntryCopy::stored).collect();
            let observations = replay::observations(&stored)?;
            let (dossiers, counts) = replay::outcome(&observations, rules);
            let shorts = audit::named(&observations)
                .map(|(member, one)| (member, one.position, short::text(one)))
                .collect();
            Ok((dossiers, counts, shorts))
        })
        .collect()
}

/// Folds everything from nothing and compares with what is stored.
async fn folds(
    transaction: &Transaction<'_>,
    components: Components,
    history: RulesHistory,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let rules = Arc::new(history.now());
    let mut wanted = components.groups().into_iter();
    let mut recount = Recount::default();
    let mut groups = scan::groups(transaction, &mut wanted).await?;
    while !groups.is_empty() {
        let rules = rules.clone();
        let work = async { Ok(apart(move || fold(&groups, &rules)).await??) };
        let following = scan::groups(transaction, &mut wanted);
        let (folded, following) = futures_util::future::try_join(work, following).await?;
        compare(transaction, folded, &mut recount, verdict).await?;
        groups = following;
    }
    scan::whole_tables(transaction).await?;
    extra(transaction, &recount, verdict).await?;
    recount.close(verdict)?;
    recount.deltas(rolling::sums(transaction, 0, verdict.entries).await?, verdict);
    if verdict.faults.is_empty() {
        // Deltas that hold are what strides are compared with.
        strides::verify(transaction, &mut |fault| verdict.add(fault)).await?;
    }
    rollups(transaction, &recount, verdict).await
}

/// Compares some components with the dossiers that are stored.
async fn compare(
    transaction: &Transaction<'_>,
    folded: Vec<Outcome>,
    recount: &mut Recount,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    shorts(transaction, &folded, verdict).await?;
    let names = folded.iter().flat_map(|(dossiers, ..)| dossiers);
    let names = names.map(|one| one.key.split_once('/').unwrap_or((&one.key, "")));
    let (sources, codes): (Vec<&str>, Vec<&str>) = names.unzip();
    let sql = "SELECT w.at, d.public
               FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w (source, source_code, at)
               JOIN members k ON k.source_code = w.source_code AND k.source = w.source
               JOIN dossiers d ON d.dossier = k.member WHERE d.public IS NOT NULL";
    let found = session::rows(transaction, sql, &[&sources, &codes]).await?;
    let mut stored: BTreeMap<i64, &[u8]> = BTreeMap::new();
    for row in &found {
        stored.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let mut at = 0;
    for (dossiers, counts, shorts) in folded {
        recount.hear(shorts.len());
        for dossier in dossiers {
            at += 1;
            recount.dossier(dossier, stored.get(&at).copied(), verdict);
        }
        recount.count(&counts);
    }
    Ok(())
}

/// Compares observations with what is stored of them under their names.
async fn shorts(
    transaction: &Transaction<'_>,
    folded: &[Outcome],
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let all = || folded.iter().flat_map(|(.., shorts)| shorts);
    let (members, positions): (Vec<i64>, Vec<i64>) =
        all().map(|(member, position, _)| (signed(*member), signed(*position))).unzip();
    let sql =
        "SELECT o.position, o.short FROM unnest($1::bigint[], $2::bigint[]) w (member, position)
               JOIN observations o ON o.member = w.member AND o.position = w.position";
    let found = session::rows(transaction, sql, &[&members, &positions]).await?;
    let mut stored: HashMap<u64, Option<&[u8]>> = HashMap::with_capacity(found.len());
    for row in &found {
        stored.insert(unsigned(row.try_get(0)?), row.try_get(1)?);
    }
    for (_, position, expected) in all() {
        audit::short(*position, stored.get(position).copied(), || expected.clone(), verdict);
    }
    Ok(())
}

/// Dossiers that are stored, but of which nothing tells.
async fn extra(
    transaction: &Transaction<'_>,
    recount: &Recount,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let sql = "SELECT k.source || '/' || k.source_code
               FROM dossiers d JOIN members k ON k.member = d.dossier WHERE d.public IS NOT NULL";
    for row in session::rows(transaction, sql, &[]).await? {
        let key: &str = row.try_get(0)?;
        if !recount.knows(key) {
            verdict.add(format!("dossier `{key}` is stored, but no observation tells of it"));
        }
    }
    let stored = session::row(transaction, "SELECT count(*) FROM observations", &[]).await?;
    let stored: i64 = stored.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    recount.names(unsigned(stored), verdict);
    Ok(())
}

/// Compares the rollups, which may lack the deltas of the last entries.
async fn rollups(
    transaction: &Transaction<'_>,
    recount: &Recount,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let row = session::row(transaction, "SELECT position FROM rolled", &[]).await?;
    let row = row.ok_or_else(|| StoreError::fault("the rollups' position is lost"))?;
    let rolled = unsigned(row.try_get(0)?);
    let sums = recount.rolled(&rolling::sums(transaction, rolled, verdict.entries).await?);
    let mut expected = Expected::new(&sums);
    let sql = "SELECT r.slot, m.text, o.text, i.text, r.n, r.days, r.counts
               FROM rollups r JOIN measures m ON m.measure = (r.slot >> 45 & 255)
               JOIN names o ON o.name = (r.slot >> 15 & 1073741823)
               JOIN names i ON i.name = r.inside";
    for row in session::rows(transaction, sql, &[]).await? {
        let slot = Slot::of(row.try_get(0)?);
        let slot = slot.ok_or_else(|| StoreError::fault("a rollup has a slot that is none"))?;
        let key = RollupKey {
            level: slot.level,
            measure: audit::measure(row.try_get(1)?)?,
            outer: row.try_get(2)?,
            year: slot.year,
            inner: row.try_get(3)?,
        };
        let (days, counts): (Vec<i32>, Vec<i64>) = (row.try_get(5)?, row.try_get(6)?);
        let days = YearSums::new(days.into_iter().zip(counts).collect());
        expected.stored(&key, (row.try_get(4)?, Some(&days)), verdict);
    }
    expected.missing(verdict);
    Ok(())
}
