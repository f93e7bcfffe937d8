//! Master keys, and what is sealed by them: AES-256-GCM, each text by a key of its own, which is
//! wrapped by the master key and stored beside it. So a new master key leaves texts as they are.

mod pieces;

use std::{borrow::Cow, fmt};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac, rand,
};

pub use pieces::{Beginning, FileKey, HEAD_BYTES_MAX, Head, MAGIC, PIECE_BYTES, PIECE_MORE};

use super::Place;
use crate::store::StoreError;

const TEXT_LABEL: &str = "lienthong/at-rest/v1";
const KEY_LABEL: &str = "lienthong/at-rest-key/v1";
const MARK_LABEL: &str = "lienthong/at-rest-mark/v1";

/// Bytes of a key, and of a wrapped one: nonce, key, tag.
const KEY_BYTES: usize = 32;
const WRAPPED_BYTES: usize = NONCE_LEN + KEY_BYTES + 16;

/// Bytes of the salt before a text that has one.
const SALT_BYTES: usize = 32;

/// What a text that an operator has edited begins with when it is sealed: no text in UTF-8 does.
const EDITED: u8 = 0xFF;

/// Letters of a key's name.
const NAME_LETTERS_MAX: usize = 64;

/// One master key.
struct Master {
    id: String,
    key: RandomizedNonceKey,
    mark: String,
}

/// Master keys: by the first is sealed, all of them open.
#[derive(Default)]
pub struct Keyring(Vec<Master>);

impl fmt::Debug for Keyring {
    /// The names alone.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|one| &one.id)).finish()
    }
}

/// A text as it is stored when it is sealed; its salt is within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Sealed {
    pub(in crate::store) key_id: String,
    pub(in crate::store) wrapped_key: Vec<u8>,
    pub(in crate::store) bytes: Vec<u8>,
}

/// Why a text cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Unopened {
    /// This process does not have the master key of this name.
    NoKey(String),
    /// It is not what was sealed there, or was sealed by another key of that name.
    Damaged,
}

impl Unopened {
    /// The same for who asked for the text.
    pub(in crate::store) fn error(self, place: Place) -> StoreError {
        StoreError::fault(match self {
            Self::NoKey(id) => format!("{place} is sealed by the key `{id}`, which is not here"),
            Self::Damaged => format!("{place} cannot be opened: it is damaged"),
        })
    }
}

/// What is to be written so that the first key seals a text.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum Turn {
    /// All of it: it was not sealed.
    Sealed(Sealed),
    /// Its wrapped key and the name of what wraps that.
    Wrapped(String, Vec<u8>),
}

/// A text as its row has it.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Kept<'a> {
    pub(in crate::store) salt: Option<&'a [u8]>,
    pub(in crate::store) bytes: &'a [u8],
    /// The name of the master key and the wrapped key, of what is sealed.
    pub(in crate::store) key: Option<(&'a str, &'a [u8])>,
}

/// A text and its salt, where it has one.
pub(in crate::store) type Opened<'a> = (Option<[u8; SALT_BYTES]>, Cow<'a, [u8]>);

fn no_randomness<E>(_: E) -> StoreError {
    StoreError::fault("no randomness")
}

fn sealing(bytes: &[u8]) -> Result<RandomizedNonceKey, StoreError> {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| StoreError::fault("this is no key"))
}

/// Nonce, sealed bytes, tag.
fn seal(key: &RandomizedNonceKey, label: &str, mut bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let nonce = key.seal_in_place_append_tag(Aad::from(label.as_bytes()), &mut bytes);
    let nonce = nonce.map_err(no_randomness)?;
    bytes.splice(0..0, nonce.as_ref().iter().copied());
    Ok(bytes)
}

fn open(key: &RandomizedNonceKey, label: &str, sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(Unopened::Damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopened::Damaged)?;
    let mut bytes = sealed.to_vec();
    let opened = key.open_in_place(nonce, Aad::from(label.as_bytes()), &mut bytes);
    let length = opened.map_err(|_| Unopened::Damaged)?.len();
    bytes.truncate(length);
    Ok(bytes)
}

fn text_label(place: Place) -> String {
    format!("{TEXT_LABEL} {}", place.name())
}

impl Master {
    fn new(id: &str, bytes: &[u8]) -> Result<Self, StoreError> {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, bytes),
            format!("{MARK_LABEL} {id}").as_bytes(),
        );
        let mark = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { id: id.to_owned(), key: sealing(bytes)?, mark })
    }

    fn label(&self, place: Place) -> String {
        format!("{KEY_LABEL} {} {}", self.id, place.name())
    }

    fn wrap(&self, place: Place, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        seal(&self.key, &self.label(place), key.to_vec())
    }

    fn unwrap(&self, place: Place, wrapped: &[u8]) -> Result<Vec<u8>, Unopened> {
        open(&self.key, &self.label(place), wrapped)
    }
}

/// The bytes that hexadecimal digits name.
fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * KEY_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(pair).collect()
}

fn is_name(id: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_LETTERS_MAX).contains(&id.len()) && id.bytes().all(letter)
}

impl Keyring {
    /// No keys: nothing is sealed.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Keys out of lines of a name and 64 hexadecimal digits; what begins with `#` is a comment.
    ///
    /// # Errors
    /// The number of the line that is none, and why; never what stands in it.
    pub fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut all: Vec<Master> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let told = line.split_once(char::is_whitespace);
            let (id, digits) = told.ok_or((number, "there is no NAME and KEY"))?;
            if !is_name(id) {
                return Err((number, "the name has letters that names of keys have not"));
            }
            if all.iter().any(|one| one.id == id) {
                return Err((number, "another line has this name"));
            }
            let bytes = unhex(digits.trim()).ok_or((number, "a key is 64 hexadecimal digits"))?;
            all.push(Master::new(id, &bytes).map_err(|_| (number, "this is no key"))?);
        }
        Ok(Self(all))
    }

    /// A line with a new key of a name.
    ///
    /// # Errors
    /// When the name is none, or the machine has no randomness.
    pub fn line(id: &str) -> Result<String, StoreError> {
        if !is_name(id) {
            return Err(StoreError::fault(format!(
                "a key's name has 1 to {NAME_LETTERS_MAX} letters, digits, points and hyphens"
            )));
        }
        let mut bytes = [0; KEY_BYTES];
        rand::fill(&mut bytes).map_err(no_randomness)?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{id} {digits}\n"))
    }

    /// The name of the key that seals; nothing where nothing is sealed.
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(|one| one.id.as_str())
    }

    /// The names of keys with a value each that only who has the key can tell.
    pub(super) fn marks(&self) -> Vec<(String, String)> {
        self.0.iter().map(|one| (one.id.clone(), one.mark.clone())).collect()
    }

    /// Seals a text with its salt by the first key; nothing where there is none.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub(in crate::store) fn seal(
        &self,
        place: Place,
        salt: Option<&[u8; SALT_BYTES]>,
        bytes: &[u8],
    ) -> Result<Option<Sealed>, StoreError> {
        let Some(master) = self.0.first() else { return Ok(None) };
        let mut key = [0; KEY_BYTES];
        rand::fill(&mut key).map_err(no_randomness)?;
        let salt = salt.map(<[u8; SALT_BYTES]>::as_slice).unwrap_or_default();
        let mut whole = Vec::with_capacity(NONCE_LEN + SALT_BYTES + bytes.len() + 16);
        whole.extend_from_slice(salt);
        whole.extend_from_slice(bytes);
        let bytes = seal(&sealing(&key)?, &text_label(place), whole)?;
        let wrapped_key = master.wrap(place, &key)?;
        Ok(Some(Sealed { key_id: master.id.clone(), wrapped_key, bytes }))
    }

    /// The key of a text.
    fn key(&self, place: Place, (id, wrapped): (&str, &[u8])) -> Result<Vec<u8>, Unopened> {
        let master = self.0.iter().find(|one| one.id == id);
        master.ok_or_else(|| Unopened::NoKey(id.to_owned()))?.unwrap(place, wrapped)
    }

    /// The text of a row, opened where it is sealed.
    ///
    /// # Errors
    /// When it cannot be.
    pub(in crate::store) fn open<'a>(
        &self,
        place: Place,
        kept: Kept<'a>,
    ) -> Result<Opened<'a>, Unopened> {
        let Some(key) = kept.key else {
            let salt = kept.salt.and_then(|salt| salt.try_into().ok());
            return Ok((salt, Cow::Borrowed(kept.bytes)));
        };
        let key = sealing(&self.key(place, key)?).map_err(|_| Unopened::Damaged)?;
        let mut whole = open(&key, &text_label(place), kept.bytes)?;
        if !place.has_salt() {
            return Ok((None, Cow::Owned(whole)));
        }
        let salt = whole.get(..SALT_BYTES).and_then(|salt| salt.try_into().ok());
        let salt = salt.ok_or(Unopened::Damaged)?;
        whole.drain(..SALT_BYTES);
        Ok((Some(salt), Cow::Owned(whole)))
    }

    /// What is to be written so that the first key seals a text; nothing where it does.
    ///
    /// # Errors
    /// When it cannot be opened, or there is no key.
    pub(in crate::store) fn turn(
        &self,
        place: Place,
        kept: Kept<'_>,
    ) -> Result<Option<Turn>, StoreError> {
        let Some(master) = self.0.first() else {
            return Err(StoreError::fault("there is no key to seal by"));
        };
        match kept.key {
            Some((id, _)) if id == master.id => Ok(None),
            Some(key) => {
                let key = self.key(place, key).map_err(|why| why.error(place))?;
                Ok(Some(Turn::Wrapped(master.id.clone(), master.wrap(place, &key)?)))
            }
            None => {
                let salt = kept.salt.and_then(|salt| salt.try_into().ok());
                if salt.is_none() && place.has_salt() {
                    return Err(StoreError::fault(format!("{place} has lost its salt")));
                }
                Ok(self.seal(place, salt.as_ref(), kept.bytes)?.map(Turn::Sealed))
            }
        }
    }

    /// An edited text as it is stored: sealed in one, where there is a key.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub(in crate::store) fn edited<'a>(
        &self,
        position: u64,
        text: &'a [u8],
    ) -> Result<Cow<'a, [u8]>, StoreError> {
        let sealed = self.seal(Place::Edited(position), None, text)?;
        Ok(sealed.map_or(Cow::Borrowed(text), |Sealed { key_id, wrapped_key, bytes }| {
            // A name has 64 letters at most.
            let length = u8::try_from(key_id.len()).unwrap_or(u8::MAX);
            let head = [EDITED, length];
            Cow::Owned([&head, key_id.as_bytes(), &wrapped_key, &bytes].concat())
        }))
    }

    /// An edited text as it was.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(in crate::store) fn open_edited(
        &self,
        position: u64,
        stored: Vec<u8>,
    ) -> Result<Vec<u8>, StoreError> {
        let place = Place::Edited(position);
        let Some(key) = edited_key(&stored) else { return Ok(stored) };
        let (id, wrapped, bytes) = key.ok_or(Unopened::Damaged.error(place))?;
        let kept = Kept { salt: None, bytes, key: Some((id, wrapped)) };
        let (_, text) = self.open(place, kept).map_err(|why| why.error(place))?;
        Ok(text.into_owned())
    }

    /// An edited text as the first key seals it; nothing where it does.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(in crate::store) fn turn_edited(
        &self,
        position: u64,
        stored: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = edited_key(&stored).flatten().map(|(id, ..)| id);
        if key.is_some() && key == self.first() {
            return Ok(None);
        }
        let text = self.open_edited(position, stored)?;
        Ok(Some(self.edited(position, &text)?.into_owned()))
    }
}

/// The name of the key, the wrapped key and the sealed bytes of an edited text.
type EditedParts<'a> = (&'a str, &'a [u8], &'a [u8]);

/// The parts of an edited text that is sealed; `None` within where they are damaged.
fn edited_key(stored: &[u8]) -> Option<Option<EditedParts<'_>>> {
    let (EDITED, rest) = stored.split_first().map(|(first, rest)| (*first, rest))? else {
        return None;
    };
    let parts = || {
        let (length, rest) = rest.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (wrapped, bytes) = rest.split_at_checked(WRAPPED_BYTES)?;
        Some((str::from_utf8(id).ok()?, wrapped, bytes))
    };
    Some(parts())
}

#[cfg(test)]
mod tests;
