//! Reading entries in bulk: in order, or component by component.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::{
    at_rest,
    failure::Failure,
    session::{self, signed, unsigned},
};
use crate::store::{
    StoreError,
    at_rest::{Place, compared},
    audit::{EntryCopy, Salted, Unread},
};

/// Rows of a page.
const PAGE_ROWS_MAX: usize = 1_024;

/// Raw bytes read at once, roughly: the message that passes it is the last.
const RAW_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A scan takes longer than an answer may, and rests while what it read is worked at.
pub(super) async fn settings(transaction: &Transaction<'_>) -> Result<(), Failure> {
    let sql = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s';
               SET LOCAL idle_in_transaction_session_timeout = '1min'";
    Ok(transaction.batch_execute(sql).await?)
}

/// From here on whole tables are read at once.
pub(super) async fn whole_tables(transaction: &Transaction<'_>) -> Result<(), Failure> {
    let sql = "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on;
               SET LOCAL enable_mergejoin = on";
    Ok(transaction.batch_execute(sql).await?)
}

fn plain(row: &Row) -> Result<EntryCopy, Failure> {
    Ok(EntryCopy {
        position: unsigned(row.try_get(0)?),
        kind: row.try_get(1)?,
        text: row.try_get(2)?,
        public: row.try_get(3)?,
        personal: None,
        raw: None,
        unread: Unread::default(),
    })
}

const PLAIN: &str = "SELECT position, kind, text, public FROM entries
                     WHERE position >= $1 ORDER BY position LIMIT $2";

const COMMITTED: &str = "
    SELECT e.position, e.kind, e.text, e.public, p.salt, p.text, p.key_id, p.wrapped_key,
           m.message
    FROM (SELECT position, message, kind, text, public FROM entries
          WHERE position >= $1 ORDER BY position LIMIT $2) e
    LEFT JOIN personal p ON p.position = e.position
    LEFT JOIN messages m ON m.message = e.message AND m.first_position = e.position
    ORDER BY e.position";

/// The next entries in order, from a position on.
pub(super) async fn page(
    transaction: &Transaction<'_>,
    from: u64,
) -> Result<Vec<EntryCopy>, Failure> {
    let limit = PAGE_ROWS_MAX as i64;
    let found = session::rows(transaction, PLAIN, &[&signed(from), &limit]).await?;
    found.iter().map(plain).collect()
}

/// The same with what they commit to. Where their messages' raw bytes are too many, the page ends
/// before the rest of them.
pub(super) async fn committed_page(
    transaction: &Transaction<'_>,
    from: u64,
) -> Result<Vec<EntryCopy>, Failure> {
    let limit = PAGE_ROWS_MAX as i64;
    let found = session::rows(transaction, COMMITTED, &[&signed(from), &limit]).await?;
    let mut page = Vec::with_capacity(found.len());
    let mut messages: Vec<(usize, i64)> = Vec::new();
    for row in &found {
        let plain = plain(row)?;
        let kept = at_rest::kept(row, Some(4), 5, 6)?;
        let opened = kept.map(|kept| compared(Place::Personal(plain.position), kept));
        let unread = Unread { personal: matches!(opened, Some(None)), raw: false };
        let personal = opened.flatten().map(|(salt, text)| (salt, text.into_owned()));
        messages.extend(row.try_get::<_, Option<i64>>(8)?.map(|message| (page.len(), message)));
        page.push(EntryCopy { personal, unread, ..plain });
    }
    let asked: Vec<i64> = messages.iter().map(|(_, message)| *message).collect();
    let sql = "SELECT message, sum(octet_length(bytes))::bigint FROM payloads
               WHERE message = ANY ($1) GROUP BY message";
    let mut sizes: HashMap<i64, u64> = HashMap::new();
    for row in session::rows(transaction, sql, &[&asked]).await? {
        sizes.insert(row.try_get(0)?, unsigned(row.try_get(1)?));
    }
    let mut bytes = 0;
    let fit = messages.iter().take_while(|(_, message)| {
        let fits = bytes < RAW_BYTES_MAX;
        bytes += sizes.get(message).copied().unwrap_or(0);
        fits
    });
    let fit = fit.count();
    if let Some((at, _)) = messages.get(fit) {
        page.truncate(*at);
    }
    let mut raw = raw(transaction, &asked[..fit]).await?;
    for (at, message) in messages.into_iter().take(fit) {
        match raw.remove(&message) {
            Some(Some(whole)) => page[at].raw = Some(whole),
            Some(None) => page[at].unread.raw = true,
            None => {}
        }
    }
    Ok(page)
}

/// The raw bytes of messages, their pieces put together; nothing of those whose key is not here.
async fn raw(
    transaction: &Transaction<'_>,
    messages: &[i64],
) -> Result<HashMap<i64, Salted>, Failure> {
    let sql = "SELECT message, piece, salt, bytes, key_id, wrapped_key FROM payloads
               WHERE message = ANY ($1) ORDER BY message, piece";
    let mut all: HashMap<i64, Salted> = HashMap::new();
    for row in session::rows(transaction, sql, &[&messages]).await? {
        let (message, piece): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
        let place = Place::Raw(unsigned(message), unsigned(piece.into()));
        let Some(kept) = at_rest::kept(&row, Some(2), 3, 4)? else { continue };
        match (all.get_mut(&message), compared(place, kept)) {
            (Some(whole), None) => *whole = None,
            (Some(Some((_, whole))), Some((_, bytes))) => whole.extend_from_slice(&bytes),
            (Some(None), Some(_)) => {}
            // Without its first piece it is on its way out, which is looked at elsewhere.
            (None, _) if piece != 0 => {}
            // What has lost its salt comes to something else than the entry says.
            (None, opened) => {
                let whole = opened.map(|(salt, bytes)| (salt, bytes.into_owned()));
                all.insert(message, whole);
            }
        }
    }
    Ok(all)
}

/// Reads the next components, each with its entries in order: about a page of entries.
pub(super) async fn groups(
    transaction: &Transaction<'_>,
    wanted: &mut impl Iterator<Item = Vec<u64>>,
) -> Result<Vec<Vec<EntryCopy>>, Failure> {
    let mut groups: Vec<Vec<u64>> = Vec::new();
    let mut positions: Vec<i64> = Vec::new();
    while positions.len() < PAGE_ROWS_MAX {
        let Some(group) = wanted.next() else { break };
        positions.extend(group.iter().copied().map(signed));
        groups.push(group);
    }
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT e.position, e.kind, e.text, e.public FROM unnest($1::bigint[]) w (position)
               JOIN entries e ON e.position = w.position";
    let mut found: HashMap<u64, EntryCopy> = HashMap::with_capacity(positions.len());
    for row in session::rows(transaction, sql, &[&positions]).await? {
        let entry = plain(&row)?;
        found.insert(entry.position, entry);
    }
    let lost = |position| StoreError::fault(format!("position {position} is missing"));
    let mut entry =
        |position: u64| found.remove(&position).ok_or_else(|| Failure::from(lost(position)));
    groups.into_iter().map(|group| group.into_iter().map(&mut entry).collect()).collect()
}
