//! Signed checkpoints of the log: C2SP tlog-checkpoint in a C2SP signed-note, by Ed25519.
//!
//! ```text
//! lienthong.dongnai.gov.vn/dong-nai-1
//! 8
//! XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=
//!
//! — dongnai.gov.vn Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5…
//! ```

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::base64;
use super::merkle::{Digest, MAX_SIZE, TreeHead};

/// Signature type of Ed25519 in a signed note.
const ED25519_TYPE: u8 = 1;
/// Largest signed checkpoint, in bytes: room for the signatures of many witnesses.
const MAX_NOTE: usize = 64 * 1024;

/// Why a checkpoint could not be signed, or is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The name of a key is empty or has a space, a control character or a `+`.
    #[error("a key name is not empty and has no space, control character or `+`")]
    Name,
    /// The origin is empty or has a control character.
    #[error("an origin is not empty and has no control character")]
    Origin,
    /// The key is not one for Ed25519, or its id is not that of its name and bytes.
    #[error("not an Ed25519 key")]
    Key,
    /// The text is not a signed checkpoint.
    #[error("not a signed checkpoint")]
    Form,
    /// It has no signature by this key.
    #[error("no signature by this key")]
    Unsigned,
    /// The signature by this key does not hold.
    #[error("the signature does not hold")]
    Signature,
}

/// What a log says about itself: its name, its size and its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log in the world; it must change with `log_id`.
    pub origin: String,
    /// Size and root.
    pub head: TreeHead,
}

impl Checkpoint {
    /// The text that is signed: three lines, each with its line end.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`].
    pub fn body(&self) -> Result<String, CheckpointError> {
        if self.origin.is_empty() || self.origin.contains(char::is_control) {
            return Err(CheckpointError::Origin);
        }
        let root = base64::encode(self.head.root.as_bytes());
        Ok(format!("{}\n{}\n{root}\n", self.origin, self.head.size))
    }

    /// The checkpoint of a body. Without a signature it proves nothing: see [`Verifier::verify`].
    ///
    /// # Errors
    /// [`CheckpointError::Form`] unless the text is exactly one that [`Checkpoint::body`] gives.
    pub fn parse_body(text: &str) -> Result<Self, CheckpointError> {
        let checkpoint = Self::read_body(text).ok_or(CheckpointError::Form)?;
        let exact = checkpoint.body().is_ok_and(|body| body == text);
        if exact { Ok(checkpoint) } else { Err(CheckpointError::Form) }
    }

    fn read_body(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let size = size.parse().ok().filter(|size| *size <= MAX_SIZE)?;
        let root = Digest::from_bytes(base64::decode(root)?.try_into().ok()?);
        Some(Self { origin: origin.to_owned(), head: TreeHead { size, root } })
    }
}

/// A key that signs checkpoints.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

impl Signer {
    /// A new key and its PKCS #8 document, to store as a secret.
    ///
    /// # Errors
    /// [`CheckpointError::Name`]; [`CheckpointError::Key`] if none can be made.
    pub fn generate(name: &str) -> Result<(Self, Vec<u8>), CheckpointError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| CheckpointError::Key)?;
        let document = pair.to_pkcs8().map_err(|_| CheckpointError::Key)?;
        let document = document.as_ref().to_vec();
        Ok((Self::new(name, pair)?, document))
    }

    /// The key of a PKCS #8 document (version 1 or 2).
    ///
    /// # Errors
    /// [`CheckpointError::Name`], [`CheckpointError::Key`].
    pub fn from_pkcs8(name: &str, document: &[u8]) -> Result<Self, CheckpointError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document);
        Self::new(name, pair.map_err(|_| CheckpointError::Key)?)
    }

    fn new(name: &str, pair: Ed25519KeyPair) -> Result<Self, CheckpointError> {
        let key = pair.public_key().as_ref().try_into().map_err(|_| CheckpointError::Key)?;
        Ok(Self { pair, verifier: Verifier::new(name, key)? })
    }

    /// The public half, to give away.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signed checkpoint, a text to publish and to keep elsewhere.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`].
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, CheckpointError> {
        let body = checkpoint.body()?;
        let signature = self.pair.sign(body.as_bytes());
        let line = base64::encode(&[&self.verifier.key_id()[..], signature.as_ref()].concat());
        Ok(format!("{body}\n— {} {line}\n", self.verifier.name))
    }
}

/// A public key that verifies checkpoints. Its text is the `vkey` of signed notes:
/// `name+id+base64(0x01 || key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
}

impl Verifier {
    /// The verifier of a name and an Ed25519 public key.
    ///
    /// # Errors
    /// [`CheckpointError::Name`].
    pub fn new(name: &str, key: [u8; 32]) -> Result<Self, CheckpointError> {
        let bad = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '+';
        if name.is_empty() || name.contains(bad) {
            return Err(CheckpointError::Name);
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Id of the key: the first 4 bytes of `SHA-256(name || "\n" || 0x01 || key)`.
    pub fn key_id(&self) -> [u8; 4] {
        let typed = [b'\n', ED25519_TYPE];
        let hash = Digest::of(&[self.name.as_bytes(), &typed, &self.key].concat());
        let [a, b, c, d, ..] = *hash.as_bytes();
        [a, b, c, d]
    }

    /// The checkpoint of a signed text. Signatures by other keys (witnesses) are passed over.
    ///
    /// # Errors
    /// If the text is not a checkpoint that this key signed.
    pub fn verify(&self, text: &str) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::parse_body(self.verify_note(text)?)
    }

    /// The signed part of a note.
    fn verify_note<'a>(&self, text: &'a str) -> Result<&'a str, CheckpointError> {
        let odd = |letter: char| letter.is_control() && letter != '\n';
        if text.len() > MAX_NOTE || text.contains(odd) {
            return Err(CheckpointError::Form);
        }
        let at = text.rfind("\n\n").ok_or(CheckpointError::Form)?;
        let (body, lines) = (&text[..=at], &text[at + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(CheckpointError::Form)?;
        let mut signed = false;
        for line in lines.split('\n') {
            let (name, bytes) = read_signature(line).ok_or(CheckpointError::Form)?;
            let Some((id, signature)) = bytes.split_first_chunk() else {
                return Err(CheckpointError::Form);
            };
            if name != self.name || *id != self.key_id() {
                continue;
            }
            UnparsedPublicKey::new(&ED25519, &self.key)
                .verify(body.as_bytes(), signature)
                .map_err(|_| CheckpointError::Signature)?;
            signed = true;
        }
        if signed { Ok(body) } else { Err(CheckpointError::Unsigned) }
    }
}

fn read_signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = base64::decode(signature).filter(|bytes| bytes.len() > 4)?;
    (!name.is_empty()).then_some((name, bytes))
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.key_id());
        let key = base64::encode(&[&[ED25519_TYPE], &self.key[..]].concat());
        write!(f, "{}+{id:08x}+{key}", self.name)
    }
}

impl FromStr for Verifier {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(CheckpointError::Key);
        };
        let key = base64::decode(key).ok_or(CheckpointError::Key)?;
        let Some((&ED25519_TYPE, key)) = key.split_first() else {
            return Err(CheckpointError::Key);
        };
        let verifier = Self::new(name, key.try_into().map_err(|_| CheckpointError::Key)?)?;
        // The id must be the one of this name and key.
        if verifier.to_string() == text { Ok(verifier) } else { Err(CheckpointError::Key) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::merkle::{root, tests::vectors};
    use super::*;

    fn checkpoint() -> Checkpoint {
        let head = TreeHead { size: 8, root: root(&vectors()) };
        Checkpoint { origin: "lienthong.example/đồng nai/1".into(), head }
    }

    /// The example of Go's `golang.org/x/mod/sumdb/note`.
    #[test]
    fn note_of_another_implementation() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let text = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\
            \n\
            — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf\
            qdngotpRZb6KE6RyyBwJnAM=\n";
        let verifier: Verifier = key.parse().unwrap();
        assert_eq!(verifier.to_string(), key);
        let body = verifier.verify_note(text).unwrap();
        assert!(body.ends_with("is.\n") && body.starts_with("If"));
        assert_eq!(verifier.verify(text), Err(CheckpointError::Form));
    }

    #[test]
    fn sign_and_verify() {
        let (signer, document) = Signer::generate("dongnai.example").unwrap();
        let text = signer.sign(&checkpoint()).unwrap();
        let body =
            "lienthong.example/đồng nai/1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
        assert!(text.starts_with(&format!("{body}\n— dongnai.example ")));
        assert_eq!(signer.verifier().verify(&text), Ok(checkpoint()));
        let again = Signer::from_pkcs8("dongnai.example", &document).unwrap();
        assert_eq!(again.sign(&checkpoint()).unwrap(), text);
        let parsed: Verifier = signer.verifier().to_string().parse().unwrap();
        assert_eq!(&parsed, signer.verifier());
        let (witness, _) = Signer::generate("witness").unwrap();
        assert_eq!(witness.verifier().verify(&text), Err(CheckpointError::Unsigned));
        let other = witness.sign(&checkpoint()).unwrap();
        let both = format!("{text}{}\n", other.lines().last().unwrap());
        assert_eq!(signer.verifier().verify(&both), Ok(checkpoint()));
        assert_eq!(witness.verifier().verify(&both), Ok(checkpoint()));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let (signer, _) = Signer::generate("a").unwrap();
        let text = signer.sign(&checkpoint()).unwrap();
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = String::from_utf8(bytes) {
                assert!(signer.verifier().verify(&other).is_err(), "{other}");
            }
        }
        for end in text.char_indices().map(|(at, _)| at) {
            assert!(signer.verifier().verify(&text[..end]).is_err());
        }
        assert!(signer.verifier().verify(&format!("{text}\n")).is_err());
    }

    #[test]
    fn bad_names_and_bodies_are_refused() {
        for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b"] {
            assert_eq!(Verifier::new(name, [0; 32]), Err(CheckpointError::Name));
        }
        for origin in ["", "a\nb", "a\r"] {
            let bad = Checkpoint { origin: origin.into(), ..checkpoint() };
            assert_eq!(bad.body(), Err(CheckpointError::Origin));
        }
        let body = checkpoint().body().unwrap();
        assert_eq!(Checkpoint::parse_body(&body), Ok(checkpoint()));
        let cases = [
            ("\n8\n", "\n08\n"),
            ("\n8\n", "\n+8\n"),
            ("\n8\n", "\n-8\n"),
            ("=\n", "\n"),
            ("=\n", "="),
            ("=\n", "=\nmore\n"),
            ("\n8\n", "\n18446744073709551615\n"),
        ];
        for (from, to) in cases {
            assert_eq!(Checkpoint::parse_body(&body.replace(from, to)), Err(CheckpointError::Form));
        }
    }
}
