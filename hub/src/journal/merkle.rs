//! The Merkle tree of RFC 9162 §2.1: hashes, roots, and a frontier that grows leaf by leaf.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Largest tree: no frontier, head or proof goes beyond it, so sizes never overflow.
pub const MAX_SIZE: u64 = 1 << 63;

/// A SHA-256 hash, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct BadDigest;

impl Digest {
    /// Plain SHA-256 of `bytes`: for public texts, mappings, contracts and configurations. Never
    /// for personal data, which can be guessed: see [`super::commitment`].
    pub fn of(bytes: &[u8]) -> Self {
        sha256(&[bytes])
    }

    /// A digest that was stored as 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The digits of a hash. Every entry has several, so they are written without an allocation.
struct Digits([u8; 64]);

impl Digits {
    fn of(digest: &Digest) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(digest.0) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        Self(digits)
    }

    fn as_str(&self) -> &str {
        // Digits are ASCII: nothing can fail.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Digits::of(self).as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Digits::of(self).as_str())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{BadDigest}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(BadDigest);
        }
        // Every entry names several; whether a digit was none is asked once, at the end.
        let (mut bytes, mut seen) = ([0; 32], 0);
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = (NIBBLES[usize::from(*high)], NIBBLES[usize::from(*low)]);
            seen |= high | low;
            *byte = high << 4 | low;
        }
        if seen > 0xF { Err(BadDigest) } else { Ok(Self(bytes)) }
    }
}

/// What each byte is as a hexadecimal digit in small letters; 255 for one that is none.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [255; 256];
    let mut value = 0;
    while value < 16 {
        nibbles[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    nibbles
};

fn sha256(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    Digest(bytes)
}

/// Hash of a leaf: `SHA-256(0x00 || text)`.
pub fn leaf_hash(text: &[u8]) -> Digest {
    sha256(&[&[0], text])
}

/// Hash of an interior node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[1], &left.0, &right.0])
}

/// Root of the tree without leaves: `SHA-256("")`.
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// Root over leaf hashes, by the definition of RFC 9162 §2.1.1. O(n).
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
            node_hash(&root(left), &root(right))
        }
    }
}

/// A complete subtree: it covers the leaves `index << level .. (index + 1) << level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Height above the leaves; 0 is a leaf.
    pub level: u32,
    /// Place among the nodes of its level, from the left.
    pub index: u64,
}

impl Node {
    /// The leaves it covers.
    pub fn leaves(&self) -> Range<u64> {
        let start = self.index << self.level;
        start..start + (1 << self.level)
    }
}

/// Largest power of two smaller than `size`, which is at least 2.
pub(super) fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Root of the leaves `range` of a tree, reading only complete subtrees through `node` (from
/// storage, say): O(log n) reads. `range` must be one that the definition of the tree visits: it
/// starts at a multiple of a power of two that is not smaller than its length.
///
/// # Errors
/// Those of `node`.
pub fn range_root<E>(
    range: Range<u64>,
    node: &mut impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Digest, E> {
    let size = range.end.saturating_sub(range.start);
    if size == 0 {
        return Ok(empty_root());
    }
    if size.is_power_of_two() {
        let level = size.ilog2();
        return node(Node { level, index: range.start >> level });
    }
    let middle = range.start + split(size);
    let left = range_root(range.start..middle, node)?;
    Ok(node_hash(&left, &range_root(middle..range.end, node)?))
}

/// Size and root of a tree: what a checkpoint signs and a proof is verified against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
}

/// The right edge of a growing tree: the roots of its complete subtrees, largest first. Append
/// and root take O(log n) time and space (a frontier has at most 64 digests).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredFrontier")]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFrontier {
    size: u64,
    peaks: Vec<Digest>,
}

/// A frontier whose size and peaks do not belong together, or that is larger than [`MAX_SIZE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frontier of size {size} cannot have {peaks} peaks")]
pub struct BadFrontier {
    /// Its size.
    pub size: u64,
    /// How many peaks it has.
    pub peaks: usize,
}

impl TryFrom<StoredFrontier> for Frontier {
    type Error = BadFrontier;

    fn try_from(stored: StoredFrontier) -> Result<Self, BadFrontier> {
        Self::from_parts(stored.size, stored.peaks)
    }
}

impl Frontier {
    /// The frontier of the empty tree.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// A frontier from its stored parts: one peak for each 1 bit of `size`, largest first.
    ///
    /// # Errors
    /// [`BadFrontier`] if the number of peaks does not fit the size.
    pub fn from_parts(size: u64, peaks: Vec<Digest>) -> Result<Self, BadFrontier> {
        if size > MAX_SIZE || peaks.len() != size.count_ones() as usize {
            return Err(BadFrontier { size, peaks: peaks.len() });
        }
        Ok(Self { size, peaks })
    }

    /// The frontier of the first `size` leaves, from stored complete subtrees: O(log n) reads.
    ///
    /// # Errors
    /// Those of `node`.
    pub fn from_nodes<E>(
        size: u64,
        node: &mut impl FnMut(Node) -> Result<Digest, E>,
    ) -> Result<Self, E> {
        let levels = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1);
        let peaks = levels.map(|level| node(Node { level, index: (size >> level) - 1 }));
        Ok(Self { size, peaks: peaks.collect::<Result<_, E>>()? })
    }

    /// Number of leaves: the position of the next entry.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Appends a leaf hash.
    pub fn append(&mut self, leaf: Digest) {
        self.append_with(leaf, |_, _| ());
    }

    /// Appends a leaf hash and shows every node that is now complete (the leaf itself first, then
    /// upwards), so that a caller can store interior nodes.
    pub fn append_with(&mut self, leaf: Digest, mut complete: impl FnMut(Node, Digest)) {
        let mut hash = leaf;
        let mut node = Node { level: 0, index: self.size };
        complete(node, hash);
        while node.index & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = node_hash(&left, &hash);
            node = Node { level: node.level + 1, index: node.index >> 1 };
            complete(node, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Root over all leaves.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }

    /// Size and root.
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The leaves of the RFC 6962 reference tree.
    pub(in super::super) fn vectors() -> Vec<Digest> {
        let inputs: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            b"`abcdefghijklmno",
        ];
        inputs.map(leaf_hash).to_vec()
    }

    pub(in super::super) fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    #[test]
    fn known_roots() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(root(&[]).to_string(), empty);
        let one = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(root(&vectors()[..1]).to_string(), one);
        let eight = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328";
        assert_eq!(root(&vectors()).to_string(), eight);
    }

    #[test]
    fn frontier_equals_root_and_survives_storage() {
        let leaves = leaves(300);
        let mut frontier = Frontier::new();
        let mut stored = BTreeMap::new();
        for size in 0..=300 {
            let expected = root(&leaves[..size]);
            assert_eq!(frontier.root(), expected);
            let text = serde_json::to_string(&frontier).unwrap();
            assert_eq!(serde_json::from_str::<Frontier>(&text).unwrap(), frontier);
            let mut node = |node| stored.get(&node).copied().ok_or(node);
            assert_eq!(range_root(0..size as u64, &mut node), Ok(expected));
            assert_eq!(Frontier::from_nodes(size as u64, &mut node), Ok(frontier.clone()));
            if let Some(leaf) = leaves.get(size) {
                frontier.append_with(*leaf, |node, hash| {
                    assert_eq!(stored.insert(node, hash), None);
                });
            }
        }
        for (node, hash) in stored {
            let range = node.leaves();
            assert_eq!(root(&leaves[range.start as usize..range.end as usize]), hash);
        }
    }

    #[test]
    fn bad_frontiers_and_digests_are_refused() {
        let peak = empty_root();
        assert!(Frontier::from_parts(3, vec![peak]).is_err());
        assert!(Frontier::from_parts(u64::MAX, vec![peak; 64]).is_err());
        assert!(serde_json::from_str::<Frontier>(r#"{"size":1,"peaks":[]}"#).is_err());
        let text = peak.to_string();
        assert_eq!(text.parse(), Ok(peak));
        assert_eq!(text.to_uppercase().parse::<Digest>(), Err(BadDigest));
        assert_eq!(text[1..].parse::<Digest>(), Err(BadDigest));
        assert_eq!(format!("{text}0").parse::<Digest>(), Err(BadDigest));
        assert_eq!("é".repeat(32).parse::<Digest>(), Err(BadDigest));
    }
}
