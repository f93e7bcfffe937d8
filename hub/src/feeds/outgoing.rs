//! What goes out to who subscribes at a broker: the events of the feed of records, the same texts
//! under the same ids, each with the key by which it is routed. What is addressed to somebody goes
//! to them alone, and not here.

use serde::Deserialize;
use serde_json::Value;

use super::{event, record};
use crate::{
    operations::agency_of,
    store::{EntryRow, Store, StoreError},
};

/// Bytes of a word of a key at most: with two dots, three of them are fewer than the 255 that a key
/// may have.
const WORD_BYTES_MAX: usize = 80;

/// Stands in a key for what an entry does not tell.
const ABSENT: &str = "-";

/// One event on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The entry's place in the journal.
    pub position: u64,
    /// The event's id: log and position.
    pub id: String,
    /// `<contract>.<agency>.<procedure>`.
    pub key: String,
    /// A structured CloudEvent, as JSON.
    pub text: Vec<u8>,
}

/// The events of the next entries from a position on, and the position after those: the same where
/// there are none.
///
/// # Errors
/// When the store cannot answer, or an entry is damaged: names its position.
pub async fn outgoing(
    store: &dyn Store,
    from: u64,
    rows: u32,
) -> Result<(Vec<Outgoing>, u64), StoreError> {
    let found = store.entries(from, rows).await?;
    let next = found.last().map_or(from, |row| row.position + 1);
    let mut events = Vec::with_capacity(found.len());
    for row in &found {
        let Some(fed) = record(row)?.filter(|fed| fed.audience.everybody) else {
            continue;
        };
        let named: Named = serde_json::from_slice(&row.text).unwrap_or_default();
        let (position, id) = (row.position, event::id(&named.log_id, row.position));
        events.push(Outgoing { position, id, key: key(&named, row), text: fed.text });
    }
    Ok((events, next))
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    log_id: String,
    contract: Option<String>,
}

#[derive(Default, Deserialize)]
struct Told {
    procedure: Option<Value>,
}

/// The key of an entry: its contract, the agency whose channel told it, and the procedure that it
/// is about.
fn key(named: &Named, row: &EntryRow) -> String {
    let agency = row.channel.as_deref().map(agency_of);
    let told: Told = serde_json::from_slice(&row.public).unwrap_or_default();
    let procedure = told.procedure.as_ref().and_then(Value::as_str);
    [named.contract.as_deref(), agency, procedure].map(word).join(".")
}

/// A word of a key: letters, digits, `_` and `-`; all else is `-`.
fn word(text: Option<&str>) -> String {
    let mut word = String::new();
    for letter in text.unwrap_or_default().chars() {
        let kept = letter.is_alphanumeric() || letter == '_';
        let letter = if kept { letter } else { '-' };
        if word.len() + letter.len_utf8() > WORD_BYTES_MAX {
            break;
        }
        word.push(letter);
    }
    if word.is_empty() { ABSENT.to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::EntryRow;

    fn key(row: &EntryRow) -> String {
        super::key(&serde_json::from_slice(&row.text).unwrap(), row)
    }

    #[test]
    fn a_key_has_three_words_and_fits_whatever_is_in_them() {
        let row = |channel: &str, procedure: &str| EntryRow {
            position: 0,
            channel: Some(channel.to_owned()),
            message: None,
            text: br#"{"contract":"dossier/1"}"#.to_vec(),
            public: serde_json::json!({ "procedure": procedure }).to_string().into_bytes(),
        };
        assert_eq!(key(&row("so-y-te.ho-so", "1.002255")), "dossier-1.so-y-te.1-002255");
        assert_eq!(key(&row("so-y-te.ho-so", "")), "dossier-1.so-y-te.-");
        let long = key(&row(&"ơ".repeat(400), &"*.#\u{0} ".repeat(100)));
        assert_eq!((long.split('.').count(), long.contains(['*', '#', ' '])), (3, false));
        assert!(long.len() <= 255 && long.is_char_boundary(long.len()), "{}", long.len());
        assert_eq!(key(&EntryRow { public: b"null".to_vec(), ..row("a.b", "") }), "dossier-1.a.-");
    }
}
