//! Messages that are kept, for whoever translates them again.

use deadpool_postgres::GenericClient;

use super::super::{
    PostgresStore,
    failure::Failure,
    session::{self, signed, soon, unsigned},
};
use crate::{
    journal::commitment::DedupHash,
    store::{
        Answer, StoreError,
        retranslation::{KeptMessage, KeptQuery, Retranslation, ToldBy, ToldEntry},
    },
};

async fn kept(client: &impl GenericClient, query: &KeptQuery) -> Result<Vec<KeptMessage>, Failure> {
    let sql = "SELECT m.message, m.id, m.dedup, m.content_type, m.mode,
                      CASE WHEN m.outcome IS NULL THEN m.previous ELSE m.message END,
                      m.erased IS NOT NULL
               FROM messages m JOIN message_keys k
                   ON k.channel = m.channel AND k.id = m.id AND k.message = m.message
               WHERE m.channel = $1 AND m.message > $2
                   AND ($3::text IS NULL OR m.recorded_at >= $3)
                   AND (m.outcome = ANY ($4::text[]) AND m.mapping <> $5
                        OR m.outcome IS NULL AND m.previous IS NOT NULL AND m.mapping = $5)
               ORDER BY m.message LIMIT $6";
    let outcomes: &[&str] =
        if query.refused { &["refused", "partial"] } else { &["refused", "partial", "stored"] };
    let (after, limit) = (signed(query.after), i64::from(query.limit));
    let mapping = query.mapping.as_bytes().as_slice();
    let values: [session::Value<'_>; 6] =
        [&query.channel, &after, &query.since, &outcomes, &mapping, &limit];
    let mut found = Vec::new();
    for row in session::rows(client, sql, &values).await? {
        found.push(KeptMessage {
            message: unsigned(row.try_get(0)?),
            id: row.try_get(1)?,
            dedup: DedupHash::from_bytes(session::hash(&row, 2)?),
            content_type: row.try_get(3)?,
            mode: row.try_get(4)?,
            told_by: unsigned(row.try_get(5)?),
            erased: row.try_get(6)?,
        });
    }
    Ok(found)
}

async fn told(client: &impl GenericClient, message: u64) -> Result<ToldBy, Failure> {
    let sql = "SELECT previous, first_position, last_position FROM messages WHERE message = $1";
    let message = signed(message);
    let Some(row) = session::row(client, sql, &[&message]).await? else {
        return Ok((Vec::new(), None));
    };
    let number = |column: usize| row.try_get::<_, Option<i64>>(column);
    let previous = number(0)?.map(unsigned);
    let (Some(first), Some(last)) = (number(1)?, number(2)?) else {
        return Ok((Vec::new(), previous));
    };
    let sql = "SELECT position, record, kind, text, public FROM entries
               WHERE position BETWEEN $1 AND $2 AND message = $3 ORDER BY position";
    let mut entries = Vec::new();
    for row in session::rows(client, sql, &[&first, &last, &message]).await? {
        let record: Option<i64> = row.try_get(1)?;
        entries.push(ToldEntry {
            position: unsigned(row.try_get(0)?),
            record: record.and_then(|record| u32::try_from(record).ok()),
            kind: row.try_get(2)?,
            text: row.try_get(3)?,
            public: row.try_get(4)?,
        });
    }
    Ok((entries, previous))
}

impl Retranslation for PostgresStore {
    fn kept_messages(&self, query: KeptQuery) -> Answer<'_, Result<Vec<KeptMessage>, StoreError>> {
        Box::pin(soon(async move { Ok(kept(&self.sessions.reader().await?, &query).await?) }))
    }

    fn told_by(&self, message: u64) -> Answer<'_, Result<ToldBy, StoreError>> {
        Box::pin(soon(async move { Ok(told(&self.sessions.reader().await?, message).await?) }))
    }
}
