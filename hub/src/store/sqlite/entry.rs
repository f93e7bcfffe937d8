//! Appending to the journal: the head is read once and written once a transaction.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::{
    journal::{
        entry::{Algorithm, Entry, EntryKind, Mode, recorded_at},
        merkle::{Digest, Frontier, leaf_hash},
    },
    store::{Personal, StoreError, Submission},
};

/// The journal's end while a transaction appends to it.
#[derive(Debug, Clone)]
pub(super) struct Tip {
    log_id: String,
    frontier: Frontier,
    recorded_at: Option<Timestamp>,
}

/// What an entry carries besides what its message gives it.
pub(super) struct Body<'a> {
    pub(super) kind: EntryKind,
    pub(super) record: Option<u32>,
    pub(super) contract: Option<String>,
    pub(super) key: Option<String>,
    pub(super) public: &'a str,
    pub(super) public_hash: Digest,
    pub(super) personal: Option<&'a Personal>,
    pub(super) supersedes: Option<u64>,
}

fn damaged(what: &str) -> rusqlite::Error {
    let error = StoreError(format!("{what} is damaged"));
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error))
}

/// Peaks as stored: 32 bytes each.
pub(super) fn frontier(size: u64, peaks: &[u8]) -> Result<Frontier, rusqlite::Error> {
    let digests = peaks
        .chunks(32)
        .map(|chunk| <[u8; 32]>::try_from(chunk).map(Digest::from_bytes))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| damaged("the journal's head"))?;
    Frontier::from_parts(size, digests).map_err(|_| damaged("the journal's head"))
}

impl Tip {
    pub(super) fn read(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let sql = "SELECT log_id, size, recorded_at, peaks FROM head";
        connection.prepare_cached(sql)?.query_row([], |row| {
            let size: u64 = row.get(1)?;
            let recorded_at: Option<String> = row.get(2)?;
            let recorded_at = match recorded_at {
                None => None,
                Some(text) => {
                    Some(text.parse().map_err(|_| damaged("the time of the journal's head"))?)
                }
            };
            let peaks: Vec<u8> = row.get(3)?;
            Ok(Self { log_id: row.get(0)?, frontier: frontier(size, &peaks)?, recorded_at })
        })
    }

    pub(super) fn write(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let peaks: Vec<u8> =
            self.frontier.peaks().iter().flat_map(|peak| *peak.as_bytes()).collect();
        let sql = "UPDATE head SET size = ?1, recorded_at = ?2, peaks = ?3";
        let at = self.recorded_at.map(|at| at.to_string());
        connection.prepare_cached(sql)?.execute(params![self.frontier.size(), at, peaks])?;
        Ok(())
    }

    /// The time of the next entry: never before the last one's.
    pub(super) fn now(&self, clock: Timestamp) -> Timestamp {
        recorded_at(self.recorded_at, clock)
    }

    /// The position of the next entry.
    pub(super) fn next(&self) -> u64 {
        self.frontier.size()
    }

    /// Writes one entry of a message and gives its position.
    pub(super) fn append(
        &mut self,
        connection: &Connection,
        (message, submission): (i64, &Submission),
        at: Timestamp,
        body: &Body<'_>,
    ) -> Result<u64, rusqlite::Error> {
        let position = self.next();
        let entry = Entry {
            log_id: self.log_id.clone(),
            position,
            recorded_at: at,
            kind: body.kind,
            hash: Algorithm::Sha256,
            message_id: submission.id_given.then(|| submission.id.clone()),
            mode: submission.mode,
            contract: body.contract.clone(),
            key: body.key.clone(),
            raw: Some(submission.raw),
            public: body.public_hash,
            personal: body.personal.map(|personal| personal.commitment),
            mapping_hash: Some(submission.mapping),
            contract_hash: None,
            configuration_hash: None,
            supersedes: body.supersedes,
        };
        let text = entry
            .text()
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let sql = "INSERT INTO entries (position, message, record, kind, mode, text, public)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        connection.prepare_cached(sql)?.execute(params![
            position,
            message,
            body.record,
            body.kind.as_str(),
            Mode::as_str(submission.mode),
            text.as_bytes(),
            body.public.as_bytes(),
        ])?;
        if let Some(personal) = body.personal {
            let sql = "INSERT INTO personal (position, salt, text) VALUES (?1, ?2, ?3)";
            connection.prepare_cached(sql)?.execute(params![
                position,
                personal.salt.as_bytes(),
                personal.text.as_bytes()
            ])?;
        }
        self.frontier.append(leaf_hash(text.as_bytes()));
        self.recorded_at = Some(at);
        Ok(position)
    }
}
