//! From rows to messages: what is known already is left out, the rest is one array of JSON.

use std::{collections::HashMap, sync::atomic::Ordering};

use bytes::{BufMut, Bytes, BytesMut};

use super::{Ended, Trouble, Turn};
use crate::inbound::{Advance, Arrival, Mark};

/// Rows of one message. Each is a record as a rule, and a message of so many is one commit.
pub(crate) const ROWS_MAX: usize = 500;

/// Bytes of one message; the row that passes it is the last.
const BYTES_MAX: usize = 4 << 20;

/// A row as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What it is known by, unambiguously.
    pub(crate) key: String,
    /// Its text, of JSON.
    pub(crate) text: Bytes,
}

impl Turn {
    /// Hands over those of some rows that are new, and moves the cursor.
    pub(crate) async fn take_rows(
        &mut self,
        rows: Vec<Row>,
        cursor: &str,
        ended: &mut Ended,
    ) -> Result<(), Trouble> {
        let fresh = self.fresh(rows).await?;
        if fresh.is_empty() {
            return self.move_on(cursor).await;
        }
        // Until the last message is accepted reading begins at the same place again.
        let before = self.cursor.clone().unwrap_or_default();
        let mut fresh = fresh.into_iter().peekable();
        while fresh.peek().is_some() {
            let (mut polled, mut rows) = (Vec::new(), Vec::new());
            let mut bytes = 0;
            while let Some((mark, row)) = fresh.next_if(|_| rows.len() < ROWS_MAX) {
                bytes += row.text.len();
                polled.push(mark);
                rows.push(row.text);
                if bytes > BYTES_MAX {
                    break;
                }
            }
            let cursor = if fresh.peek().is_some() { &before } else { cursor };
            ended.taken += rows.len() as u64;
            let arrival = self.arrival(array(&rows, bytes), polled, cursor);
            self.hand_over(arrival, ended).await?;
        }
        Ok(())
    }

    /// Hands over one body as it is, if it is another than the last under its key.
    pub(crate) async fn take_body(
        &mut self,
        key: &str,
        (body, content_type): (Bytes, Option<String>),
        cursor: &str,
        ended: &mut Ended,
    ) -> Result<(), Trouble> {
        let (key, content) = (self.memory.mark(key.as_bytes()), self.memory.mark(&body));
        let known = self.memory.polled(&self.channel, vec![key]).await;
        let known = known.map_err(|later| Trouble::hub(&later))?;
        if known.first().is_some_and(|(_, known)| *known == content) {
            return self.move_on(cursor).await;
        }
        ended.taken += 1;
        let arrival = self.arrival(body, vec![(key, content)], cursor);
        self.hand_over(Arrival { content_type, ..arrival }, ended).await
    }

    /// Moves the cursor where nothing was new.
    pub(crate) async fn move_on(&mut self, cursor: &str) -> Result<(), Trouble> {
        if self.cursor.as_deref() == Some(cursor) {
            return Ok(());
        }
        let kept = self.memory.keep(&self.channel, self.token, cursor.to_owned()).await;
        match kept.map_err(|later| Trouble::hub(&later))? {
            true => {
                self.moves(Some(cursor.to_owned()));
                Ok(())
            }
            false => Err(Trouble::passed_on()),
        }
    }

    /// Those of some rows that were not read like that before, in their order.
    async fn fresh(&self, rows: Vec<Row>) -> Result<Vec<((Mark, Mark), Row)>, Trouble> {
        let marked: Vec<(Mark, Mark)> = rows
            .iter()
            .map(|row| (self.memory.mark(row.key.as_bytes()), self.memory.mark(&row.text)))
            .collect();
        let mut keys: Vec<Mark> = marked.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        let known = self.memory.polled(&self.channel, keys).await;
        let known = known.map_err(|later| Trouble::hub(&later))?;
        let mut known: HashMap<Mark, Mark> = known.into_iter().collect();
        let mut fresh = Vec::new();
        for ((key, content), row) in marked.into_iter().zip(rows) {
            if known.insert(key, content) != Some(content) {
                fresh.push(((key, content), row));
            }
        }
        Ok(fresh)
    }

    /// One message. Its id tells the place as well: what comes back later is another message, and
    /// what is read again after a crash is the same.
    fn arrival(&self, payload: Bytes, polled: Vec<(Mark, Mark)>, cursor: &str) -> Arrival {
        let before = self.cursor.as_deref().unwrap_or_default();
        let mut described =
            format!("read/v1 {} {} {before} ", self.channel, before.len()).into_bytes();
        described.extend_from_slice(&payload);
        Arrival {
            payload,
            content_type: Some("application/json".to_owned()),
            key: Some(self.memory.message(&described)),
            cursor: Some(Advance { token: self.token, cursor: cursor.to_owned(), polled }),
            ..Arrival::default()
        }
    }

    /// Whatever becomes of it, reading goes on behind it; only what was not kept is read again.
    async fn hand_over(&mut self, arrival: Arrival, ended: &mut Ended) -> Result<(), Trouble> {
        let cursor = arrival.cursor.as_ref().map(|advance| advance.cursor.clone());
        let receipt = self.inbox.accept(&self.channel, arrival).await;
        ended.last = Some(receipt.map_err(|later| Trouble::hub(&later))?);
        self.moves(cursor);
        Ok(())
    }

    fn moves(&mut self, cursor: Option<String>) {
        if self.cursor != cursor {
            self.moved.store(true, Ordering::Release);
        }
        self.cursor = cursor;
    }
}

/// Parts of a key put together, so that no two keys run together.
pub(crate) fn joined(parts: &[String]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    parts.join(",")
}

/// An array, a row a line: a line's number is its row's.
fn array(rows: &[Bytes], bytes: usize) -> Bytes {
    let mut text = BytesMut::with_capacity(bytes + 2 * rows.len() + 2);
    for (at, row) in rows.iter().enumerate() {
        text.put_slice(if at == 0 { b"[" } else { b",\n" });
        text.put_slice(row);
    }
    text.put_slice(b"]\n");
    text.freeze()
}
