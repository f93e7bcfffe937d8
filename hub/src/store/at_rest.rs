//! What is sealed at rest: the texts that hold persons, by master keys that are in no store.
//!
//! Personal texts with their salts, raw bytes of messages, texts of deliveries that an operator
//! has edited, and attached files ([`crate::attachments`]). Whoever has the files of a store, a
//! backup or a replica, but not the keys, reads none of these. A store has the names of the keys
//! that it was sealed by, each with a mark by which a wrong key of that name is known.
//!
//! The keys are the process's: it has one configuration, and all its stores are sealed alike.

mod ring;

use std::{borrow::Cow, fmt, sync::OnceLock};

pub use ring::{Beginning, FileKey, HEAD_BYTES_MAX, Head, Keyring, MAGIC, PIECE_BYTES, PIECE_MORE};
pub(super) use ring::{Kept, Sealed, Turn};

use super::{Answer, Store, StoreError};
use crate::journal::merkle::Digest;

/// What a sealed text is, and where it stands: it opens nowhere else. Positions and numbers of
/// messages stay the same when a store is moved or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The personal text of the entry at a position.
    Personal(u64),
    /// A piece of the raw bytes of a message.
    Raw(u64, u64),
    /// A text in place of the record at a position.
    Edited(u64),
    /// The key of an attached file, by the digest of its bytes.
    File(Digest),
}

impl Place {
    /// Its name, which is sealed with it: never to be changed.
    fn name(self) -> String {
        match self {
            Self::Personal(position) => format!("personal {position}"),
            Self::Raw(message, piece) => format!("raw {message} {piece}"),
            Self::Edited(position) => format!("edited {position}"),
            Self::File(digest) => format!("file {digest}"),
        }
    }

    /// Whether the salt of its commitment is before it.
    fn has_salt(self) -> bool {
        matches!(self, Self::Personal(_) | Self::Raw(_, 0))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Personal(position) => write!(out, "the personal text of position {position}"),
            Self::Raw(message, _) => write!(out, "the raw bytes of message {message}"),
            Self::Edited(position) => write!(out, "the edited text of position {position}"),
            Self::File(digest) => write!(out, "the attachment sha256:{digest}"),
        }
    }
}

static KEYS: OnceLock<Keyring> = OnceLock::new();
static NONE: Keyring = Keyring::none();

/// Gives this process its keys, once: the same again are nothing new.
///
/// # Errors
/// When it has others.
pub fn begin(keys: Keyring) -> Result<(), StoreError> {
    let marks = keys.marks();
    match KEYS.get_or_init(|| keys).marks() == marks {
        true => Ok(()),
        false => Err(StoreError::fault("the keys of a process do not change: restart it")),
    }
}

/// The keys of this process.
pub fn keys() -> &'static Keyring {
    KEYS.get().unwrap_or(&NONE)
}

/// A text and its salt for who compares: `None` where its key is not here. A damaged one is no text
/// that anything commits to.
pub(super) fn compared<'a>(place: Place, kept: Kept<'a>) -> Option<([u8; 32], Cow<'a, [u8]>)> {
    match keys().open(place, kept) {
        Ok((salt, text)) => Some((salt.unwrap_or_default(), text)),
        Err(ring::Unopened::NoKey(_)) => None,
        Err(ring::Unopened::Damaged) => Some(([0; 32], Cow::Borrowed(&[]))),
    }
}

/// A text, opened where it is sealed.
///
/// # Errors
/// When it cannot be.
pub(super) fn text(place: Place, kept: Kept<'_>) -> Result<Vec<u8>, StoreError> {
    let opened = keys().open(place, kept);
    opened.map(|(_, text)| text.into_owned()).map_err(|why| why.error(place))
}

/// A key that a store was sealed by: its name, and what only who has it can tell.
pub type KeyMark = (String, String);

/// What is gone through in turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Personal texts.
    Personal,
    /// Pieces of raw bytes.
    Raw,
    /// Texts of deliveries that an operator has edited.
    Edited,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Personal, Self::Raw, Self::Edited];

    /// Its name in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Personal => "personal texts",
            Self::Raw => "pieces of raw bytes",
            Self::Edited => "edited texts",
        }
    }
}

/// What one turn has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turned {
    /// Texts that were sealed.
    pub sealed: u64,
    /// Texts whose keys are wrapped by another master key now.
    pub wrapped: u64,
    /// Where the next turn begins; nothing at the end.
    pub next: Option<(u64, u64)>,
}

/// Rows of a turn: pieces of raw bytes have up to a mebibyte.
pub(super) const fn rows_max(kind: Kind) -> i64 {
    match kind {
        Kind::Personal => 512,
        Kind::Raw => 8,
        Kind::Edited => 64,
    }
}

/// A key by its name, and how many texts it seals; without a name those that are not sealed. Edited
/// texts are not counted.
pub type SealedBy = (Option<String>, u64);

/// What is sealed at rest. One method = one transaction.
pub trait AtRest: Send + Sync {
    /// The keys that something may be sealed by.
    fn key_marks(&self) -> Answer<'_, Result<Vec<KeyMark>, StoreError>>;

    /// Adds one to them.
    fn add_key_mark(&self, mark: KeyMark) -> Answer<'_, Result<(), StoreError>>;

    /// Has the first key of this process seal some of what it does not, from a place on.
    fn seal_some(&self, kind: Kind, from: (u64, u64)) -> Answer<'_, Result<Turned, StoreError>>;

    /// How many texts of a kind each key seals.
    fn sealed_by(&self, kind: Kind) -> Answer<'_, Result<Vec<SealedBy>, StoreError>>;

    /// Drops the marks of keys by which nothing is sealed any more, but for those of these names:
    /// the first, and those of files. Gives the names of what it dropped.
    fn drop_key_marks(&self, but: Vec<String>) -> Answer<'_, Result<Vec<String>, StoreError>>;
}

/// Whether this process has the keys of a store; what it seals by is noted there from then on.
///
/// # Errors
/// When a key is missing or another: which, and what to do.
pub async fn ready(store: &dyn Store) -> Result<(), StoreError> {
    let (known, have) = (store.key_marks().await?, keys().marks());
    for (id, mark) in &known {
        let fault = match have.iter().find(|(name, _)| name == id) {
            Some((_, own)) if own == mark => continue,
            Some(_) => format!("the key `{id}` is another than the one this store was sealed by"),
            None => format!("this store holds texts that were sealed by the key `{id}`"),
        };
        return Err(StoreError::fault(format!(
            "{fault}: put the line of that key into the file that `at_rest` of hub.toml names, or \
             into LIENTHONG_AT_REST"
        )));
    }
    match have.into_iter().next() {
        Some(first) if !known.contains(&first) => store.add_key_mark(first).await,
        _ => Ok(()),
    }
}
