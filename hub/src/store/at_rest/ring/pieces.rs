//! Attached files: pieces that a key of the file's own seals, behind a head that holds this key,
//! wrapped by a master key for the bytes of one digest alone.
//!
//! The head is [`MAGIC`], the length of the master key's name in a byte, that name, and the wrapped
//! key. Each piece of [`PIECE_BYTES`] is sealed under a nonce that says which it is and whether it
//! is the last: none can be altered, moved, left out or put behind the end.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};

use super::{KEY_BYTES, Keyring, NAME_LETTERS_MAX, Unopened, WRAPPED_BYTES, no_randomness};
use crate::{
    journal::merkle::Digest,
    store::{StoreError, at_rest::Place},
};

const PIECE_LABEL: &[u8] = b"lienthong/at-rest-piece/v1";

/// How a sealed file begins, and no other.
pub const MAGIC: [u8; 8] = *b"\x89LTSEAL\n";

/// Bytes of a piece of a file, but for the last, which has those that are left.
pub const PIECE_BYTES: usize = 64 * 1024;

/// By how many bytes a sealed piece is longer.
pub const PIECE_MORE: usize = 16;

/// Bytes of a head, at most.
pub const HEAD_BYTES_MAX: usize = MAGIC.len() + 1 + NAME_LETTERS_MAX + WRAPPED_BYTES;

/// The key of one file.
pub struct FileKey {
    bytes: [u8; KEY_BYTES],
    key: LessSafeKey,
}

impl fmt::Debug for FileKey {
    /// Nothing of it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FileKey")
    }
}

/// Which piece, and whether it is the last. A key seals one file, so each occurs once under it.
fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    let (kind, counted) = bytes.split_at_mut(NONCE_LEN - size_of::<u64>());
    kind.fill(u8::from(is_last));
    counted.copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

impl FileKey {
    fn of(bytes: [u8; KEY_BYTES]) -> Result<Self, StoreError> {
        let key = UnboundKey::new(&AES_256_GCM, &bytes);
        let key = key.map_err(|_| StoreError::fault("this is no key"))?;
        Ok(Self { bytes, key: LessSafeKey::new(key) })
    }

    /// Seals a piece, which becomes [`PIECE_MORE`] bytes longer. Each number once.
    ///
    /// # Errors
    /// When it cannot be sealed.
    pub fn seal(&self, number: u64, is_last: bool, piece: &mut Vec<u8>) -> Result<(), StoreError> {
        let (nonce, label) = (nonce(number, is_last), Aad::from(PIECE_LABEL));
        let sealed = self.key.seal_in_place_append_tag(nonce, label, piece);
        sealed.map_err(|_| StoreError::fault("a piece of a file cannot be sealed"))
    }

    /// Opens a piece; false where it is not what was sealed as that piece.
    pub fn open(&self, number: u64, is_last: bool, piece: &mut Vec<u8>) -> bool {
        let (nonce, label) = (nonce(number, is_last), Aad::from(PIECE_LABEL));
        let length = self.key.open_in_place(nonce, label, piece).map(|plain| plain.len());
        length.map(|length| piece.truncate(length)).is_ok()
    }
}

/// What stands before the pieces of a sealed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The name of the master key.
    pub key_id: String,
    wrapped_key: Vec<u8>,
}

/// How a file begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// It is not sealed.
    Plain,
    /// It is sealed.
    Sealed(Head),
    /// It was sealed, and its head is damaged.
    Damaged,
}

impl Head {
    /// How a file begins, by its first [`HEAD_BYTES_MAX`] bytes, or as many as it has.
    pub fn read(bytes: &[u8]) -> Beginning {
        let Some(rest) = bytes.strip_prefix(&MAGIC) else { return Beginning::Plain };
        let read = || {
            let (length, rest) = rest.split_first()?;
            let (id, rest) = rest.split_at_checked(usize::from(*length))?;
            let wrapped_key = rest.get(..WRAPPED_BYTES)?.to_vec();
            Some(Self { key_id: str::from_utf8(id).ok()?.to_owned(), wrapped_key })
        };
        read().map_or(Beginning::Damaged, Beginning::Sealed)
    }

    /// How many bytes it has.
    pub fn length(&self) -> usize {
        MAGIC.len() + 1 + self.key_id.len() + self.wrapped_key.len()
    }

    /// As it stands in the file.
    pub fn bytes(&self) -> Vec<u8> {
        // A name has 64 letters at most.
        let length = u8::try_from(self.key_id.len()).unwrap_or(u8::MAX);
        [&MAGIC[..], &[length], self.key_id.as_bytes(), &self.wrapped_key].concat()
    }
}

impl Keyring {
    /// A new key of a file; nothing where nothing is sealed.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn file_key(&self) -> Result<Option<FileKey>, StoreError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut bytes = [0; KEY_BYTES];
        rand::fill(&mut bytes).map_err(no_randomness)?;
        FileKey::of(bytes).map(Some)
    }

    /// How many bytes a head has that the first key writes.
    pub fn head_bytes(&self) -> usize {
        let id = self.first().map_or(0, str::len);
        MAGIC.len() + 1 + id + WRAPPED_BYTES
    }

    /// The head of a file of a digest, by the first key.
    ///
    /// # Errors
    /// When there is no key, or the machine has no randomness.
    pub fn head(&self, digest: Digest, key: &FileKey) -> Result<Head, StoreError> {
        let master = self.0.first();
        let master = master.ok_or_else(|| StoreError::fault("there is no key to seal by"))?;
        let wrapped_key = master.wrap(Place::File(digest), &key.bytes)?;
        Ok(Head { key_id: master.id.clone(), wrapped_key })
    }

    /// Whether the master key of this name is here.
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|one| one.id == id)
    }

    /// The key of a file of a digest.
    ///
    /// # Errors
    /// When the master key is not here, or the head is not that of this digest.
    pub fn file_opened(&self, digest: Digest, head: &Head) -> Result<FileKey, StoreError> {
        let place = Place::File(digest);
        let key = self.key(place, (&head.key_id, &head.wrapped_key));
        let key = key.and_then(|key| key.try_into().map_err(|_| Unopened::Damaged));
        FileKey::of(key.map_err(|why| why.error(place))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(lines: &[(&str, u8)]) -> Keyring {
        let key = |digit: &u8| format!("{digit:02x}").repeat(32);
        let lines = lines.iter().map(|(id, digit)| format!("{id} {}\n", key(digit)));
        Keyring::parse(&lines.collect::<String>()).unwrap()
    }

    #[test]
    fn a_piece_opens_as_the_one_it_was_and_unaltered_alone() {
        let key = ring(&[("a", 1)]).file_key().unwrap().unwrap();
        let mut sealed = b"Nguy\xE1\xBB\x85n".to_vec();
        key.seal(1, false, &mut sealed).unwrap();
        assert_eq!(sealed.len(), 8 + PIECE_MORE);
        let opens = |number, is_last, mut bytes: Vec<u8>| {
            key.open(number, is_last, &mut bytes).then_some(bytes)
        };
        assert_eq!(opens(1, false, sealed.clone()).unwrap(), "Nguyễn".as_bytes());
        for (number, is_last) in [(0, false), (2, false), (1, true)] {
            assert_eq!(opens(number, is_last, sealed.clone()), None, "{number} {is_last}");
        }
        for at in [0, 8, sealed.len() - 1] {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(opens(1, false, altered), None, "{at}");
        }
        assert_eq!(opens(1, false, sealed[1..].to_vec()), None);
        assert!(ring(&[]).file_key().unwrap().is_none());
    }

    #[test]
    fn a_head_opens_for_its_digest_and_by_its_key_alone() {
        let (digest, old) = (Digest::of(b"x"), ring(&[("cu", 1)]));
        let key = old.file_key().unwrap().unwrap();
        let head = old.head(digest, &key).unwrap();
        assert_eq!((head.length(), head.bytes().len()), (old.head_bytes(), old.head_bytes()));
        let longer = [head.bytes(), vec![7; 100]].concat();
        assert_eq!(Head::read(&longer), Beginning::Sealed(head.clone()));
        assert_eq!(Head::read(b"%PDF-1.7"), Beginning::Plain);
        assert_eq!(Head::read(&head.bytes()[..head.length() - 1]), Beginning::Damaged);
        assert_eq!(old.file_opened(digest, &head).unwrap().bytes, key.bytes);
        let told = old.file_opened(Digest::of(b"y"), &head).unwrap_err().reason;
        assert!(told.contains("damaged"), "another file's: {told}");
        let told = ring(&[("moi", 1)]).file_opened(digest, &head).unwrap_err().reason;
        assert!(told.contains("`cu`"), "{told}");
        assert!(ring(&[("cu", 2)]).file_opened(digest, &head).is_err());
        // Wrapped by another key it is the same.
        let both = ring(&[("moi", 2), ("cu", 1)]);
        let anew = both.head(digest, &both.file_opened(digest, &head).unwrap()).unwrap();
        assert_eq!(anew.key_id, "moi");
        assert_eq!(ring(&[("moi", 2)]).file_opened(digest, &anew).unwrap().bytes, key.bytes);
    }
}
