//! Reading everything: what is stored against what it should be, as of one moment.

use std::{collections::BTreeMap, sync::Arc};

use deadpool_postgres::{Object, Transaction};
use rayon::prelude::*;
use tokio_postgres::IsolationLevel;

use super::{
    failure::Failure,
    known, rolling, scan,
    session::{self, unsigned},
};
use crate::{
    journal::merkle::Frontier,
    registry::PlacedCounts,
    store::{
        StoreError, Verdict,
        audit::{self, Checked, EntryCopy, Expected, FAULTS_MAX, Recount},
        batch::{RollupKey, rollups::Span},
        replay::{self, Components, Folded},
        rules::{Rules, RulesHistory},
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
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    scan::settings(&transaction).await?;
    let mut verdict = Verdict::default();
    let (components, rules) = journal(&transaction, &mut verdict).await?;
    if verdict.faults.is_empty() {
        folds(&transaction, components, rules, &mut verdict).await?;
    }
    Ok(verdict)
}

/// Every entry: its text, its texts' hashes, its leaf; gives which belong together.
async fn journal(
    transaction: &Transaction<'_>,
    verdict: &mut Verdict,
) -> Result<(Components, RulesHistory), Failure> {
    let (mut components, mut rules) = (Components::default(), RulesHistory::default());
    let mut frontier = Frontier::new();
    let mut page = scan::committed_page(transaction, 0).await?;
    while let Some(last) = page.last() {
        let next = last.position + 1;
        let check = apart(move || page.par_iter().map(audit::check).collect::<Vec<Checked>>());
        // The next page is on its way while this one is checked.
        let following = scan::committed_page(transaction, next);
        let (checked, following) = futures_util::future::try_join(check, following).await?;
        for one in checked {
            if one.position != frontier.size() {
                let (expected, follows) = (frontier.size(), one.position);
                verdict.add(format!("position {expected} is missing, {follows} follows"));
                return Ok((components, rules));
            }
            frontier.append(one.leaf);
            verdict.entries += 1;
            one.faults.into_iter().for_each(|fault| verdict.add(fault));
            if let Some(told) = one.told {
                components.add(told);
            }
            if let Some(hash) = one.rules {
                match known::rules(transaction, hash).await {
                    Ok(found) if found.hash() == hash => rules.0.push((one.position, found)),
                    _ => verdict.add(format!("the rules {hash} are not what they were")),
                }
            }
        }
        if verdict.faults.len() >= FAULTS_MAX {
            break;
        }
        page = following;
    }
    if verdict.faults.is_empty() {
        head(transaction, &frontier, &rules, verdict).await?;
    }
    Ok((components, rules))
}

async fn head(
    transaction: &Transaction<'_>,
    frontier: &Frontier,
    rules: &RulesHistory,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let tip = known::tip(transaction).await?;
    let (says, have) = (tip.next(), frontier.size());
    if says != have {
        verdict.add(format!("the head says {says} entries, but there are {have}"));
    } else if tip.frontier.root() != frontier.root() {
        verdict.add("the root over all entries differs from the head's".to_owned());
    }
    if tip.rules != rules.0.last().map(|(_, rules)| rules.hash()) {
        verdict.add("the head names other rules than the journal".to_owned());
    }
    Ok(())
}

type Outcome = (Vec<Folded>, Vec<PlacedCounts>);

fn fold(groups: &[Vec<EntryCopy>], rules: &Rules) -> Result<Vec<Outcome>, StoreError> {
    groups
        .par_iter()
        .map(|group| {
            let stored: Vec<_> = group.iter().map(EntryCopy::stored).collect();
            Ok(replay::outcome(&replay::observations(&stored)?, rules))
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
    recount.deltas(&rolling::sums(transaction, 0, verdict.entries).await?, verdict);
    rollups(transaction, &recount, verdict).await
}

/// Compares some components with the dossiers that are stored.
async fn compare(
    transaction: &Transaction<'_>,
    folded: Vec<Outcome>,
    recount: &mut Recount,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let names = folded.iter().flat_map(|(dossiers, _)| dossiers);
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
    for (dossiers, counts) in folded {
        for dossier in dossiers {
            at += 1;
            recount.dossier(dossier, stored.get(&at).copied(), verdict);
        }
        recount.count(&counts);
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
    let sql = "SELECT level, span, measure, outer_key, day, inner_key, n FROM rollups
               WHERE n <> 0";
    for row in session::rows(transaction, sql, &[]).await? {
        let small = |column: usize| -> Result<u8, Failure> {
            let number: i16 = row.try_get(column)?;
            Ok(u8::try_from(number).map_err(|_| StoreError::fault("a rollup is damaged"))?)
        };
        let span = Span::from_number(small(1)?);
        let key = RollupKey {
            level: small(0)?,
            span: span.ok_or_else(|| StoreError::fault("a rollup is of no known span"))?,
            measure: audit::measure(row.try_get(2)?)?,
            outer: row.try_get(3)?,
            day: row.try_get(4)?,
            inner: row.try_get(5)?,
        };
        expected.stored(&key, row.try_get(6)?, verdict);
    }
    expected.missing(verdict);
    Ok(())
}
