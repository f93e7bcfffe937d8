//! Reading what a batch needs, and whether what was read still holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use contracts::{Outcome, Receipt};
use deadpool_postgres::GenericClient;
use futures_util::future::try_join;
use tokio_postgres::Row;

use super::{
    erasures,
    failure::Failure,
    message, said,
    session::{self, Value, hash, hash_or_none, signed, unsigned},
    told,
};
use crate::{
    journal::{commitment::DedupHash, entry::Mode, log::Log, merkle::Digest},
    registry::{Identity, RecordName},
    store::{
        Rules, StoreError, Submission,
        batch::{
            self, Attempt, Attempts, Erased, MemberRow, MessageKey, Subjects, Tip, Wanted,
            tip::frontier,
        },
        effect::Membership,
    },
};

/// The rules last read, by their hash: equal hashes are equal rules in every process.
#[derive(Default)]
pub(super) struct RulesSeen(Mutex<Option<(Digest, Arc<Rules>)>>);

impl RulesSeen {
    /// The rules of a hash; those that hold where nothing was told for none.
    pub(super) async fn at(
        &self,
        client: &impl GenericClient,
        hash: Option<Digest>,
    ) -> Result<Arc<Rules>, Failure> {
        let Some(hash) = hash else { return Ok(Arc::default()) };
        if let Ok(seen) = self.0.lock()
            && let Some((_, rules)) = seen.as_ref().filter(|(seen, _)| *seen == hash)
        {
            return Ok(rules.clone());
        }
        let rules = Arc::new(rules(client, hash).await?);
        if let Ok(mut seen) = self.0.lock() {
            *seen = Some((hash, rules.clone()));
        }
        Ok(rules)
    }
}

/// The content of a hash, that a reference entry names.
pub(super) async fn content(
    client: &impl GenericClient,
    hash: Digest,
) -> Result<Option<Vec<u8>>, Failure> {
    let sql = "SELECT content FROM reference_contents WHERE hash = $1";
    let row = session::row(client, sql, &[&hash.as_bytes().as_slice()]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The rules of a hash.
pub(super) async fn rules(client: &impl GenericClient, hash: Digest) -> Result<Rules, Failure> {
    let lost = || StoreError::fault(format!("the rules {hash} are lost"));
    Ok(Rules::from_content(&content(client, hash).await?.ok_or_else(lost)?)?)
}

const TIP: &str =
    "SELECT log_id, size, recorded_at, peaks, messages, rules, ended_logs, erased FROM head";
const TIP_HELD: &str = "SELECT log_id, size, recorded_at, peaks, messages, rules, ended_logs,
                               erased FROM head FOR UPDATE";

fn tip_of(row: Option<Row>) -> Result<Tip, Failure> {
    let damaged =
        |what: &str| StoreError::fault(format!("{what} of the journal's head is damaged"));
    let row = row.ok_or_else(|| damaged("the row"))?;
    let (size, peaks) = (unsigned(row.try_get(1)?), row.try_get::<_, &[u8]>(3)?);
    let recorded_at: Option<&str> = row.try_get(2)?;
    Ok(Tip {
        log: Log::stored(row.try_get(0)?, row.try_get(6)?)
            .map_err(|_| damaged("what is before the log"))?,
        frontier: frontier(size, peaks).map_err(|_| damaged("the tree"))?,
        recorded_at: recorded_at
            .map(|text| text.parse().map_err(|_| damaged("the time")))
            .transpose()?,
        messages: unsigned(row.try_get(4)?),
        rules: hash_or_none(&row, 5)?.map(Digest::from_bytes),
        erased: row.try_get::<_, Option<i64>>(7)?.map(unsigned),
    })
}

/// The journal's end as it was just now.
pub(super) async fn tip(client: &impl GenericClient) -> Result<Tip, Failure> {
    tip_of(session::row(client, TIP, &[]).await?)
}

/// The journal's end, held: until the transaction ends nobody else appends.
pub(super) async fn tip_held(client: &impl GenericClient) -> Result<Tip, Failure> {
    tip_of(session::row(client, TIP_HELD, &[]).await?)
}

const ATTEMPT: &str = "m.message, m.channel, m.id, m.previous, m.dedup, m.recorded_at, m.mode, \
                       m.mapping, m.next_chunk, m.outcome, m.records, m.refused, \
                       m.first_position, m.last_position, m.erased, m.dropped";

fn attempt(row: &Row) -> Result<Attempt, Failure> {
    let number = |column: usize| row.try_get::<_, Option<i64>>(column).map(|n| n.map(unsigned));
    let message = unsigned(row.try_get(0)?);
    let damaged = || StoreError::fault(format!("message {message} is damaged"));
    let outcome: Option<&str> = row.try_get(9)?;
    let recorded_at: &str = row.try_get(5)?;
    Ok(Attempt {
        message,
        channel: row.try_get(1)?,
        id: row.try_get(2)?,
        previous: number(3)?,
        dedup: DedupHash::from_bytes(hash(row, 4)?),
        mode: Mode::from_name(row.try_get(6)?).unwrap_or(Mode::Live),
        mapping: Digest::from_bytes(hash(row, 7)?),
        recorded_at: recorded_at.parse().map_err(|_| damaged())?,
        next_chunk: u32::try_from(row.try_get::<_, i64>(8)?).map_err(|_| damaged())?,
        outcome: outcome.and_then(Outcome::from_name),
        records: unsigned(row.try_get(10)?),
        refused: unsigned(row.try_get(11)?),
        erased: number(14)?,
        dropped: unsigned(row.try_get(15)?),
        positions: number(12)?.zip(number(13)?),
        refusals: Vec::new(),
    })
}

/// All that a batch needs but the journal's held end, and how to tell that it is no longer so.
pub(super) struct Read {
    pub(super) attempts: Attempts,
    pub(super) subjects: Subjects,
    /// Records about no dossier that it may touch: read with the journal's end held.
    pub(super) records: BTreeSet<RecordName>,
    /// Whether a record of the batch may be stored.
    pub(super) may_store: bool,
    /// Names that it may touch and whose persons were erased.
    pub(super) erased: Erased,
    /// The journal's end before anything was read.
    pub(super) tip: Tip,
    keys: (Vec<String>, Vec<String>),
    unfinished: bool,
    names: (Vec<String>, Vec<String>),
    codes: Vec<String>,
    members: Vec<i64>,
}

/// Reads what a batch needs. Nothing is locked: see [`Read::is_stale`].
pub(super) async fn read(
    client: &impl GenericClient,
    chunks: &[Submission],
) -> Result<Read, Failure> {
    // The end comes first: what is written after it was read makes it another.
    let (tip, (attempts, keys, unfinished)) =
        try_join(tip(client), attempts(client, chunks)).await?;
    let wanted = batch::wanted(chunks, &attempts);
    let may_store = chunks.iter().any(|chunk| attempts.may_store(chunk));
    let names = wanted.identities.iter();
    let names = names.map(|one| (one.source.clone(), one.source_code.clone())).unzip();
    let mut read = Read {
        attempts,
        subjects: Subjects::default(),
        records: wanted.records.clone(),
        may_store,
        erased: Erased::default(),
        tip,
        keys,
        unfinished,
        names,
        codes: Vec::new(),
        members: Vec::new(),
    };
    if !wanted.identities.is_empty() {
        read.subjects(client, &wanted).await?;
    }
    if read.tip.erased.is_some() && may_store {
        read.erased = erasures::known(client, chunks, &read.subjects).await?;
    }
    Ok(read)
}

type Keys = (Vec<String>, Vec<String>);

/// What is known under a batch's ids, those ids, and whether one is being received.
async fn attempts(
    client: &impl GenericClient,
    chunks: &[Submission],
) -> Result<(Attempts, Keys, bool), Failure> {
    let keys: Keys = batch::message_keys(chunks).into_iter().unzip();
    let contents: BTreeSet<(MessageKey, [u8; 32])> = chunks
        .iter()
        .map(|chunk| ((chunk.channel.clone(), chunk.id.clone()), *chunk.dedup.as_bytes()))
        .collect();
    let deciding = format!(
        "SELECT {ATTEMPT} FROM unnest($1::text[], $2::text[]) w (channel, id)
         JOIN message_keys k ON k.channel = w.channel AND k.id = w.id
         JOIN messages m ON m.message = k.message"
    );
    let deciding = session::rows(client, &deciding, &[&keys.0, &keys.1]).await?;
    // Most ids are new, and nothing was ever kept beside a new one.
    let mut conflicting = Vec::new();
    if !deciding.is_empty() {
        let sql = format!(
            "SELECT {ATTEMPT}
             FROM unnest($1::text[], $2::text[], $3::bytea[]) w (channel, id, dedup)
             JOIN message_conflicts c
               ON c.channel = w.channel AND c.id = w.id AND c.dedup = w.dedup
             JOIN messages m ON m.message = c.message"
        );
        let (named, contents): (Vec<&MessageKey>, Vec<&[u8]>) =
            contents.iter().map(|(key, dedup)| (key, dedup.as_slice())).unzip();
        let (channels, ids): (Vec<&str>, Vec<&str>) =
            named.into_iter().map(|(channel, id)| (channel.as_str(), id.as_str())).unzip();
        conflicting = session::rows(client, &sql, &[&channels, &ids, &contents]).await?;
    }
    let all = |rows: Vec<Row>| rows.iter().map(attempt).collect::<Result<Vec<_>, _>>();
    let (mut deciding, mut conflicting) = (all(deciding)?, all(conflicting)?);
    let refused: Vec<i64> = deciding
        .iter()
        .chain(&conflicting)
        .filter(|one| one.refused > 0)
        .map(|one| signed(one.message))
        .collect();
    if !refused.is_empty() {
        let mut told = message::first_refusals(client, &refused, Receipt::REFUSALS_MAX).await?;
        for one in deciding.iter_mut().chain(&mut conflicting) {
            one.refusals = told.remove(&one.message).unwrap_or_default();
        }
    }
    let unfinished = deciding.iter().any(|one| one.outcome.is_none());
    let mut attempts = Attempts::default();
    deciding.into_iter().for_each(|one| attempts.deciding(one));
    conflicting.into_iter().for_each(|one| attempts.conflicting(one));
    let again = attempts.sent_again(chunks);
    if !again.is_empty() {
        attempts.told_before(told::before(client, &again).await?);
    }
    Ok((attempts, keys, unfinished))
}

/// Names and codes, and whatever shares a dossier or a code with them, and so on.
const CLOSURE: &str = "
    WITH RECURSIVE closure AS (
        (SELECT m.member, m.dossier, m.code
         FROM unnest($1::text[], $2::text[]) w (source, source_code)
         JOIN members m ON m.source_code = w.source_code AND m.source = w.source
         UNION ALL
         SELECT m.member, m.dossier, m.code
         FROM unnest($3::text[]) w (code) JOIN members m ON m.code = w.code)
        UNION
        SELECT n.member, n.dossier, n.code FROM closure c CROSS JOIN LATERAL (
            SELECT m.member, m.dossier, m.code FROM members m WHERE m.dossier = c.dossier
            UNION ALL
            SELECT m.member, m.dossier, m.code FROM members m WHERE m.code = c.code) n)
    SELECT m.member, m.source, m.source_code, m.code, m.dossier, k.source, k.source_code
    FROM closure c JOIN members m ON m.member = c.member JOIN members k ON k.member = m.dossier
    ORDER BY m.member";

fn member(row: &Row) -> Result<MemberRow, Failure> {
    let identity = Identity { source: row.try_get(1)?, source_code: row.try_get(2)? };
    let dossier = Identity { source: row.try_get(5)?, source_code: row.try_get(6)? }.key();
    let membership = Membership { identity, code: row.try_get(3)?, dossier };
    let (member, dossier) = (unsigned(row.try_get(0)?), unsigned(row.try_get(4)?));
    Ok(MemberRow { member, membership, dossier })
}

impl Read {
    /// Reads the dossiers that the batch may touch.
    async fn subjects(
        &mut self,
        client: &impl GenericClient,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        let codes: Vec<&str> = wanted.codes.iter().map(String::as_str).collect();
        let values: [Value<'_>; 3] = [&self.names.0, &self.names.1, &codes];
        let found = session::rows(client, CLOSURE, &values).await?;
        let found = found.iter().map(member).collect::<Result<Vec<_>, _>>()?;
        self.codes = wanted.codes.iter().cloned().collect();
        self.codes.extend(found.iter().filter_map(|row| row.membership.code.clone()));
        if found.is_empty() {
            return Ok(());
        }
        self.members = found.iter().map(|row| signed(row.member)).collect();
        let keys: BTreeMap<i64, String> =
            found.iter().map(|row| (signed(row.dossier), row.membership.dossier.clone())).collect();
        let dossiers: Vec<i64> = keys.keys().copied().collect();
        let sql = "SELECT d.dossier, d.public FROM unnest($1::bigint[]) w (dossier)
                   JOIN dossiers d ON d.dossier = w.dossier WHERE d.public IS NOT NULL";
        let values: [Value<'_>; 1] = [&dossiers];
        let said = async {
            match wanted.whole {
                true => said::whole(client, &self.members, None).await,
                false => said::in_short(client, &self.members).await,
            }
        };
        let (mut said, states) = try_join(said, session::rows(client, sql, &values)).await?;
        for row in found {
            let observations = said.remove(&row.member).unwrap_or_default();
            self.subjects.member(row, observations);
        }
        for row in states {
            if let Some(key) = keys.get(&row.try_get::<_, i64>(0)?) {
                self.subjects.dossier(key.clone(), row.try_get(1)?)?;
            }
        }
        Ok(())
    }

    /// Whether another process has, since, written something that this batch builds upon. Asked
    /// with the journal's end held, so that the answer stands until the transaction ends.
    ///
    /// A dossier that was read has changed only if something new was said under one of its names,
    /// or a name that was not among them has come to share a code with it.
    pub(super) async fn is_stale(
        &self,
        client: &impl GenericClient,
        tip: &Tip,
    ) -> Result<bool, Failure> {
        if tip.erased != self.tip.erased {
            return Ok(true);
        }
        if (tip.next(), tip.messages) == (self.tip.next(), self.tip.messages) && !self.unfinished {
            return Ok(false);
        }
        if self.unfinished || tip.rules != self.tip.rules {
            return Ok(true);
        }
        let sql = "
            SELECT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) w (channel, id)
                           JOIN message_keys k ON k.channel = w.channel AND k.id = w.id
                           WHERE k.message > $3)
                OR EXISTS (SELECT FROM unnest($1::text[], $2::text[]) w (channel, id)
                           JOIN message_conflicts c ON c.channel = w.channel AND c.id = w.id
                           WHERE c.message > $3)
                OR EXISTS (SELECT FROM unnest($4::bigint[]) w (member)
                           JOIN observations o ON o.member = w.member AND o.position >= $5)
                OR EXISTS (SELECT FROM unnest($6::text[], $7::text[]) w (source, source_code)
                           JOIN members m
                             ON m.source_code = w.source_code AND m.source = w.source
                           WHERE m.member <> ALL ($4))
                OR EXISTS (SELECT FROM unnest($8::text[]) w (code)
                           JOIN members m ON m.code = w.code WHERE m.member <> ALL ($4))";
        let (messages, size) = (signed(self.tip.messages), signed(self.tip.next()));
        let values: [Value<'_>; 8] = [
            &self.keys.0,
            &self.keys.1,
            &messages,
            &self.members,
            &size,
            &self.names.0,
            &self.names.1,
            &self.codes,
        ];
        let row = session::row(client, sql, &values).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(true))
    }
}
