//! What a store keeps of attachments: who has which file, and which records name it. The bytes lie
//! beside it, under their digest ([`crate::attachments`]).
//!
//! What an erased record named, or one that was kept out, is *doubted*: it is looked whether
//! another record names it, and if none does, its bytes go with all that the store has of it.

use std::{collections::BTreeSet, io};

use jiff::Timestamp;
use memchr::memmem;
use serde::Deserialize;

use super::{Answer, StoreError, Verdict};
use crate::journal::merkle::Digest;

/// What stands in a personal text that names files. Where a text holds the same letters, its quotes
/// are escaped.
const MARK: &[u8] = b"\"attachments\":";

/// The digest in the row of a text that was not read yet, since it is sealed.
pub(super) const UNREAD: &str = "";

/// Texts that are read at a time for what they name.
pub(super) const READ_MAX: u32 = 512;

/// A file and one who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFile {
    /// `sha256:` and the SHA-256 of its bytes.
    pub digest: String,
    /// Who: an agency by hub id, or the portal.
    pub holder: String,
    /// Bytes.
    pub size: u64,
    /// What kind of file, as its first sender said.
    pub media_type: String,
}

/// What became of a file that was doubted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parted {
    /// It is gone.
    Gone,
    /// Something names it, or who sent it has sent it again since.
    Stays,
    /// It is not doubted any more.
    Settled,
}

/// Removes the bytes of a file, or puts others in their place.
pub type Remove = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// The files that records of a dossier name, when it is erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedFiles {
    /// Digests of those that go.
    pub going: BTreeSet<String>,
    /// Their bytes.
    pub bytes: u64,
    /// How many stay, since something else names them too.
    pub staying: u64,
}

/// Whether a personal text names files.
pub(crate) fn names_files(text: &[u8]) -> bool {
    memmem::find(text, MARK).is_some()
}

/// The digests of the files that a personal text names, each once.
pub(super) fn named_in(text: &[u8]) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct One {
        digest: String,
    }
    #[derive(Default, Deserialize)]
    struct Named {
        #[serde(default)]
        attachments: Vec<One>,
    }
    if !names_files(text) {
        return BTreeSet::new();
    }
    let named: Named = serde_json::from_slice(text).unwrap_or_default();
    named.attachments.into_iter().map(|one| one.digest).collect()
}

/// How a digest begins, and how many digits follow.
const BEGINS: &[u8] = b"sha256:";
const DIGITS: usize = 64;

/// The digests that stand in raw bytes, which are read piece by piece.
#[derive(Debug, Default)]
pub(super) struct Digests {
    /// What of a digest may have been read already.
    tail: Vec<u8>,
    /// Those that were found.
    pub found: BTreeSet<String>,
}

impl Digests {
    /// Looks through the next piece.
    pub(super) fn look(&mut self, piece: &[u8]) {
        let mut bytes = std::mem::take(&mut self.tail);
        bytes.extend_from_slice(piece);
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        for at in memmem::find_iter(&bytes, BEGINS) {
            let one = bytes.get(at..at + BEGINS.len() + DIGITS);
            let digits = one.and_then(|one| one.get(BEGINS.len()..));
            if digits.is_some_and(|digits| digits.iter().all(is_digit)) {
                self.found.extend(one.map(|one| String::from_utf8_lossy(one).into_owned()));
            }
        }
        let kept = bytes.len().saturating_sub(BEGINS.len() + DIGITS - 1);
        self.tail = bytes.split_off(kept);
    }
}

/// Which record names which file, summed up: the sums of the same, in whatever order, are equal.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct NamedSum(u64, u128);

impl NamedSum {
    /// Adds a file that the record at a position names.
    pub(super) fn add(&mut self, digest: &str, position: u64) {
        let hash = Digest::of(format!("{position} {digest}").as_bytes());
        let half =
            hash.as_bytes().iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte));
        *self = Self(self.0 + 1, self.1.wrapping_add(half));
    }

    /// Compares what texts name with what is stored of it, where all of them could be read.
    pub(super) fn compare(self, stored: Self, verdict: &mut Verdict) {
        if verdict.unread == 0 && self != stored {
            let (named, stored) = (self.0, stored.0);
            verdict.add(format!(
                "which record names which file is stored otherwise than records say: {stored} \
                 rows, {named} names"
            ));
        }
    }
}

/// Attachments. One method = one transaction.
pub trait Attachments: Send + Sync {
    /// Notes that a holder has sent a file; once, however often it is sent. Gives false, and notes
    /// nothing, where the bytes that it has sent would come to more than `most`.
    fn hold(&self, file: HeldFile, most: u64) -> Answer<'_, Result<bool, StoreError>>;

    /// Notes that another has a file too, since it is sent a record that names it. A file that has
    /// gone meanwhile is nobody's: whoever names it is to come again.
    fn share(&self, file: HeldFile) -> Answer<'_, Result<(), StoreError>>;

    /// A file, where the holder has it.
    fn held(
        &self,
        digest: String,
        holder: String,
    ) -> Answer<'_, Result<Option<HeldFile>, StoreError>>;

    /// Who has sent a file.
    fn senders(&self, digest: String) -> Answer<'_, Result<Vec<String>, StoreError>>;

    /// Digests and sizes of all files behind a digest, in their order.
    fn files(
        &self,
        after: String,
        limit: u32,
    ) -> Answer<'_, Result<Vec<(String, u64)>, StoreError>>;

    /// Digests of files that are doubted, at most `limit`.
    fn doubted(&self, limit: u32) -> Answer<'_, Result<Vec<String>, StoreError>>;

    /// Files that no record names, and that nobody has sent since a time: how many, and their
    /// bytes. Where `doubt` says so, they are doubted.
    fn unnamed(&self, since: Timestamp, doubt: bool) -> Answer<'_, Result<(u64, u64), StoreError>>;

    /// Decides on one that is doubted. Where nothing names it, its bytes are removed in the
    /// transaction in which all goes that is stored of it: nobody can send it in between, and where
    /// they cannot be removed, nothing goes. Texts must have been read ([`Self::read_names`]).
    fn part(&self, digest: String, remove: Remove) -> Answer<'_, Result<Parted, StoreError>>;

    /// Puts other bytes in the place of a file's in its turn: nobody removes it meanwhile, and what
    /// is gone does not come back. Gives whether somebody has it still: else nothing is done.
    fn replace(&self, digest: String, put: Remove) -> Answer<'_, Result<bool, StoreError>>;

    /// Reads some of the texts of which it is not known yet what they name; gives whether there may
    /// be more.
    fn read_names(&self) -> Answer<'_, Result<bool, StoreError>>;
}

/// What is told where the bytes of a file could not be removed.
pub(super) fn unremoved(digest: &str, error: &io::Error) -> StoreError {
    StoreError::fault(format!("the attachment {digest} cannot be removed: {error}"))
}

/// What is told where the bytes of a file could not be put in the place of others.
pub(super) fn unreplaced(digest: &str, error: &io::Error) -> StoreError {
    StoreError::fault(format!("the attachment {digest} cannot be written anew: {error}"))
}

/// Has everything read that names files.
///
/// # Errors
/// When the store cannot answer or write, or a text cannot be opened.
pub async fn names_read(store: &dyn super::Store) -> Result<(), StoreError> {
    while store.read_names().await? {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_in_raw_bytes_however_they_are_cut() {
        let (one, two) = ("0123456789abcdef".repeat(4), "f".repeat(64));
        let text = format!("sha256:{one};sha256:{}x sha256:sha256:{two}", "a".repeat(63));
        for length in [1, 7, 70, 71, text.len()] {
            let mut digests = Digests::default();
            text.as_bytes().chunks(length).for_each(|piece| digests.look(piece));
            let found: Vec<&str> = digests.found.iter().map(|one| &one[7..]).collect();
            assert_eq!(found, [&one, &two], "in pieces of {length}");
        }
    }

    #[test]
    fn files_are_named_by_the_member_and_by_no_letters_in_a_text() {
        let named = |text: &str| named_in(text.as_bytes()).into_iter().collect::<Vec<_>>();
        let two = r#"{"note":"x","attachments":[{"digest":"b","size":1},{"digest":"a"},
                      {"digest":"b"}]}"#;
        assert_eq!(named(two), ["a", "b"]);
        assert!(named(r#"{"note":"\"attachments\":[{\"digest\":\"a\"}]"}"#).is_empty());
        assert!(named(r#"{"attributes":{"attachments":[{"digest":"a"}]}}"#).is_empty());
        let sum = |all: &[(&str, u64)]| {
            let mut sum = NamedSum::default();
            all.iter().for_each(|(digest, position)| sum.add(digest, *position));
            sum
        };
        assert_eq!(sum(&[("a", 1), ("b", 2)]), sum(&[("b", 2), ("a", 1)]));
        assert_ne!(sum(&[("a", 1), ("b", 2)]), sum(&[("a", 2), ("b", 1)]));
    }
}
