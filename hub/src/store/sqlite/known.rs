//! Reading what a batch needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use contracts::{Outcome, Receipt};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{message, told};
use crate::{
    journal::{commitment::DedupHash, entry::Mode, log::Log, merkle::Digest},
    registry::{Identity, Observation},
    store::{
        Rules, StoreError, Submission,
        batch::{
            self, Attempt, Attempts, MemberRow, MessageKey, Subjects, Tip, Wanted, tip::frontier,
        },
        decode::{self, Stored},
        effect::Membership,
        short::Name,
    },
};

/// The rules last read, by their hash.
#[derive(Debug, Default)]
pub(super) struct RulesSeen(Option<(Digest, Arc<Rules>)>);

impl RulesSeen {
    /// The rules of a hash, where they are those read last.
    pub(super) fn seen(&self, hash: Option<Digest>) -> Option<Arc<Rules>> {
        let Some(hash) = hash else { return Some(Arc::default()) };
        self.0.as_ref().filter(|(seen, _)| *seen == hash).map(|(_, rules)| rules.clone())
    }

    /// The rules of a hash; those that hold where nothing was told for none.
    pub(super) fn at(
        &mut self,
        connection: &Connection,
        hash: Option<Digest>,
    ) -> Result<Arc<Rules>, StoreError> {
        if let Some(rules) = self.seen(hash) {
            return Ok(rules);
        }
        let Some(hash) = hash else { return Ok(Arc::default()) };
        let rules = Arc::new(rules(connection, hash)?);
        self.0 = Some((hash, rules.clone()));
        Ok(rules)
    }
}

/// The content of a hash, that a reference entry names.
pub(super) fn content(
    connection: &Connection,
    hash: Digest,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT content FROM reference_contents WHERE hash = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([hash.as_bytes()], |row| row.get(0)).optional()?)
}

/// The rules of a hash.
pub(super) fn rules(connection: &Connection, hash: Digest) -> Result<Rules, StoreError> {
    let content = content(connection, hash)?
        .ok_or_else(|| StoreError::fault(format!("the rules {hash} are lost")))?;
    Rules::from_content(&content)
}

/// The journal's end.
pub(super) fn tip(connection: &Connection) -> Result<Tip, StoreError> {
    let sql = "SELECT log_id, size, recorded_at, peaks, messages, rules, ended_logs, erased
               FROM head";
    let damaged =
        |what: &str| StoreError::fault(format!("{what} of the journal's head is damaged"));
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let row = rows.next()?.ok_or_else(|| damaged("the row"))?;
    let (recorded_at, ended): (Option<String>, Option<String>) = (row.get(2)?, row.get(6)?);
    let rules: Option<[u8; 32]> = row.get(5)?;
    let peaks: Vec<u8> = row.get(3)?;
    Ok(Tip {
        log: Log::stored(row.get(0)?, ended.as_deref())
            .map_err(|_| damaged("what is before the log"))?,
        frontier: frontier(row.get(1)?, &peaks).map_err(|_| damaged("the tree"))?,
        recorded_at: recorded_at
            .map(|text| text.parse().map_err(|_| damaged("the time")))
            .transpose()?,
        messages: row.get(4)?,
        rules: rules.map(Digest::from_bytes),
        erased: row.get(7)?,
    })
}

/// An attempt, and the text of the time it was recorded at.
fn attempt(row: &Row<'_>) -> Result<(Attempt, String), rusqlite::Error> {
    let mode: String = row.get(6)?;
    let outcome: Option<String> = row.get(9)?;
    let positions: (Option<u64>, Option<u64>) = (row.get(12)?, row.get(13)?);
    let attempt = Attempt {
        message: row.get(0)?,
        channel: row.get(1)?,
        id: row.get(2)?,
        previous: row.get(3)?,
        dedup: DedupHash::from_bytes(row.get(4)?),
        mode: Mode::from_name(&mode).unwrap_or(Mode::Live),
        mapping: Digest::from_bytes(row.get(7)?),
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        next_chunk: row.get(8)?,
        outcome: outcome.as_deref().and_then(Outcome::from_name),
        records: row.get(10)?,
        refused: row.get(11)?,
        erased: row.get(14)?,
        dropped: row.get(15)?,
        positions: positions.0.zip(positions.1),
        refusals: Vec::new(),
    };
    Ok((attempt, row.get(5)?))
}

const ATTEMPT: &str = "m.message, m.channel, m.id, m.previous, m.dedup, m.recorded_at, m.mode, \
                       m.mapping, m.next_chunk, m.outcome, m.records, m.refused, \
                       m.first_position, m.last_position, m.erased, m.dropped";

fn complete(
    connection: &Connection,
    (mut attempt, recorded_at): (Attempt, String),
) -> Result<Attempt, StoreError> {
    let damaged = |_| StoreError::fault(format!("message {} is damaged", attempt.message));
    attempt.recorded_at = recorded_at.parse().map_err(damaged)?;
    if attempt.refused > 0 {
        attempt.refusals = message::refusals(connection, attempt.message, Receipt::REFUSALS_MAX)?;
    }
    Ok(attempt)
}

/// What is known under a batch's ids.
pub(super) fn attempts(
    connection: &Connection,
    chunks: &[Submission],
) -> Result<Attempts, StoreError> {
    let mut attempts = Attempts::default();
    let mut deciding = connection.prepare_cached(&format!(
        "SELECT {ATTEMPT} FROM message_keys k JOIN messages m ON m.message = k.message
         WHERE k.channel = ?1 AND k.id = ?2"
    ))?;
    let mut known = BTreeSet::new();
    for (channel, id) in batch::message_keys(chunks) {
        if let Some(found) = deciding.query_row([&channel, &id], attempt).optional()? {
            attempts.deciding(complete(connection, found)?);
            known.insert((channel, id));
        }
    }
    let mut conflicting = connection.prepare_cached(&format!(
        "SELECT {ATTEMPT} FROM message_conflicts c JOIN messages m ON m.message = c.message
         WHERE c.channel = ?1 AND c.id = ?2 AND c.dedup = ?3"
    ))?;
    let contents: BTreeSet<(MessageKey, [u8; 32])> = chunks
        .iter()
        .map(|chunk| ((chunk.channel.clone(), chunk.id.clone()), *chunk.dedup.as_bytes()))
        .filter(|(key, _)| known.contains(key))
        .collect();
    for ((channel, id), dedup) in contents {
        let key = params![channel, id, dedup];
        if let Some(found) = conflicting.query_row(key, attempt).optional()? {
            attempts.conflicting(complete(connection, found)?);
        }
    }
    let again = attempts.sent_again(chunks);
    if !again.is_empty() {
        attempts.told_before(told::before(connection, &again)?);
    }
    Ok(attempts)
}

/// What a fold needs of the observations of one name, in journal order: the latest snapshot is
/// whole, earlier ones are in short. `None` where one of them takes the place of another, be it of
/// another name: any may be the latest then.
pub(super) fn said(
    connection: &Connection,
    member: u64,
) -> Result<Option<Vec<Observation>>, StoreError> {
    let sql = "SELECT position, short FROM observations WHERE member = ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([member])?;
    let mut name = Name::default();
    while let Some(row) = rows.next()? {
        let short = row.get_ref(1)?.as_blob_or_null();
        name.add(row.get(0)?, short.map_err(|error| StoreError::fault(error.to_string()))?)?;
    }
    let read = whole(connection, &name.wanted())?;
    if read.iter().any(|one| one.supersedes.is_some()) {
        return Ok(None);
    }
    Ok(Some(name.observations(read.into_iter().map(|one| one.observation).collect())))
}

/// The observations at some positions.
fn whole(connection: &Connection, positions: &[u64]) -> Result<Vec<decode::Read>, StoreError> {
    let sql = "SELECT position, kind, text, public FROM entries WHERE position = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut read = Vec::with_capacity(positions.len());
    for position in positions {
        let mut rows = statement.query([position])?;
        if let Some(row) = rows.next()? {
            read.extend(decode::observation(&stored(row)?)?);
        }
    }
    Ok(read)
}

/// The observations of one name before a position, in journal order.
pub(super) fn observations(
    connection: &Connection,
    member: u64,
    before: Option<u64>,
) -> Result<Vec<Observation>, StoreError> {
    let sql = "SELECT o.position, e.kind, e.text, e.public
               FROM observations o JOIN entries e ON e.position = o.position
               WHERE o.member = ?1 AND o.position < ?2 ORDER BY o.position";
    let mut statement = connection.prepare_cached(sql)?;
    let end = before.and_then(|end| i64::try_from(end).ok()).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![member, end])?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        read.extend(decode::observation(&stored(row)?)?);
    }
    Ok(decode::resolve(read))
}

/// Position, kind, text and public text, in this order.
fn stored<'a>(row: &'a Row<'_>) -> Result<Stored<'a>, StoreError> {
    let damaged = |error: rusqlite::types::FromSqlError| StoreError::fault(error.to_string());
    Ok(Stored {
        position: row.get(0)?,
        kind: row.get_ref(1)?.as_str().map_err(damaged)?,
        text: row.get_ref(2)?.as_blob().map_err(damaged)?,
        public: row.get_ref(3)?.as_blob().map_err(damaged)?,
    })
}

fn member(row: &Row<'_>) -> Result<MemberRow, rusqlite::Error> {
    let identity = Identity { source: row.get(1)?, source_code: row.get(2)? };
    let dossier = Identity { source: row.get(5)?, source_code: row.get(6)? }.key();
    let membership = Membership { identity, code: row.get(3)?, dossier };
    Ok(MemberRow { member: row.get(0)?, membership, dossier: row.get(4)? })
}

const MEMBER: &str = "SELECT m.member, m.source, m.source_code, m.code, m.dossier,
                             k.source, k.source_code
                      FROM members m JOIN members k ON k.member = m.dossier WHERE";

/// The dossiers that a batch may touch: those of its names and codes, and whatever shares a
/// dossier or a code with them.
pub(super) fn subjects(connection: &Connection, wanted: &Wanted) -> Result<Subjects, StoreError> {
    let mut found: BTreeMap<u64, MemberRow> = BTreeMap::new();
    let mut by_name =
        connection.prepare_cached(&format!("{MEMBER} m.source = ?1 AND m.source_code = ?2"))?;
    let mut by_code = connection.prepare_cached(&format!("{MEMBER} m.code = ?1"))?;
    let mut by_dossier = connection.prepare_cached(&format!("{MEMBER} m.dossier = ?1"))?;
    let (mut codes, mut dossiers) = (wanted.codes.clone(), BTreeSet::new());
    let (mut asked_codes, mut asked_dossiers) = (BTreeSet::new(), BTreeSet::new());
    let mut fresh = Vec::new();
    for Identity { source, source_code } in &wanted.identities {
        fresh.extend(by_name.query_row([source, source_code], member).optional()?);
    }
    loop {
        for row in fresh.drain(..) {
            codes.extend(row.membership.code.clone());
            dossiers.insert(row.dossier);
            found.insert(row.member, row);
        }
        while let Some(code) = codes.pop_first() {
            if asked_codes.insert(code.clone()) {
                fresh.extend(by_code.query_map([&code], member)?.collect::<Result<Vec<_>, _>>()?);
            }
        }
        while let Some(dossier) = dossiers.pop_first() {
            if asked_dossiers.insert(dossier) {
                let rows = by_dossier.query_map([dossier], member)?;
                fresh.extend(rows.collect::<Result<Vec<_>, _>>()?);
            }
        }
        fresh.retain(|row| !found.contains_key(&row.member));
        if fresh.is_empty() {
            break;
        }
    }
    let mut subjects = Subjects::default();
    let mut keys: BTreeMap<u64, String> = BTreeMap::new();
    let short: Option<Vec<_>> = match wanted.whole {
        true => None,
        false => found.keys().map(|member| said(connection, *member)).collect::<Result<_, _>>()?,
    };
    let whole = || found.keys().map(|member| observations(connection, *member, None)).collect();
    let said: Vec<Vec<Observation>> = short.map_or_else(whole, Ok)?;
    for (row, observations) in found.into_values().zip(said) {
        keys.insert(row.dossier, row.membership.dossier.clone());
        subjects.member(row, observations);
    }
    let mut state = connection.prepare_cached("SELECT public FROM dossiers WHERE dossier = ?1")?;
    for (dossier, key) in keys {
        let public: Option<Option<Vec<u8>>> =
            state.query_row([dossier], |row| row.get(0)).optional()?;
        if let Some(text) = public.flatten() {
            subjects.dossier(key, text)?;
        }
    }
    Ok(subjects)
}
