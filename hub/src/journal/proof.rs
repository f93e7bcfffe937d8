//! Inclusion and consistency proofs, RFC 9162 §2.1.3 and §2.1.4.
//!
//! A proof is verified against tree heads from signed checkpoints: the path alone does not fix
//! the size of the tree.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::merkle::{
    Digest, MAX_SIZE, Node, TreeHead, empty_root, node_hash, range_root, root, split,
};

/// Why a proof could not be made or does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf or the older tree lies beyond the tree.
    #[error("{index} is not in a tree of size {size}")]
    OutOfRange {
        /// Leaf index, or size of the older tree.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// A subtree that the proof needs is not there.
    #[error("node {} of level {} is missing", .0.index, .0.level)]
    MissingNode(Node),
    /// The proof speaks of a tree of another size than the head.
    #[error("the proof is for a tree of size {proof}, the head has {head}")]
    WrongSize {
        /// Size the proof names.
        proof: u64,
        /// Size the head names.
        head: u64,
    },
    /// The path has more or fewer hashes than such a tree needs.
    #[error("the path has the wrong length")]
    WrongLength,
    /// The path leads to another root.
    #[error("the path leads to another root")]
    WrongRoot,
}

/// Shows that a leaf is in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    /// Index of the leaf: the position of the entry.
    pub index: u64,
    /// Size of the tree.
    pub size: u64,
    /// Sibling hashes, from the leaf upwards.
    pub path: Vec<Digest>,
}

/// Shows that a tree continues an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    /// Size of the older tree.
    pub old: u64,
    /// Size of the newer tree.
    pub new: u64,
    /// The hashes of RFC 9162 §2.1.4.1, from the bottom upwards.
    pub path: Vec<Digest>,
}

impl InclusionProof {
    /// Proves that leaf `index` is in the tree over `leaves`. O(n).
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`].
    pub fn prove(leaves: &[Digest], index: u64) -> Result<Self, ProofError> {
        Self::prove_from(index, leaves.len() as u64, &mut over(leaves))
    }

    /// Proves that leaf `index` is in the tree of `size` leaves, reading complete subtrees
    /// through `node`: O(log² n) reads.
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`], and those of `node`.
    pub fn prove_from<E: From<ProofError>>(
        index: u64,
        size: u64,
        node: &mut impl FnMut(Node) -> Result<Digest, E>,
    ) -> Result<Self, E> {
        if index >= size || size > MAX_SIZE {
            return Err(ProofError::OutOfRange { index, size }.into());
        }
        let mut siblings = Vec::new();
        let mut range = 0..size;
        while range.end - range.start > 1 {
            let middle = range.start + split(range.end - range.start);
            let (left, right) = (range.start..middle, middle..range.end);
            let (inside, sibling) = if index < middle { (left, right) } else { (right, left) };
            siblings.push(sibling);
            range = inside;
        }
        Ok(Self { index, size, path: hashes(siblings, node)? })
    }

    /// Verifies that `leaf` is in the tree of `head`, at the index the proof names.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, leaf: &Digest, head: &TreeHead) -> Result<(), ProofError> {
        let Self { index, size, path } = self;
        same_size(*size, head)?;
        if index >= size {
            return Err(ProofError::OutOfRange { index: *index, size: *size });
        }
        let mut walk = Walk { first: *index, last: size - 1 };
        let mut hash = *leaf;
        for sibling in path {
            hash = match walk.step()? {
                Side::Left => node_hash(sibling, &hash),
                Side::Right => node_hash(&hash, sibling),
            };
        }
        walk.finish()?;
        same_root(&hash, head)
    }
}

impl ConsistencyProof {
    /// Proves that the tree over `leaves` continues the one over its first `old` leaves. O(n).
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`].
    pub fn prove(leaves: &[Digest], old: u64) -> Result<Self, ProofError> {
        Self::prove_from(old, leaves.len() as u64, &mut over(leaves))
    }

    /// Proves that the tree of size `new` continues the one of size `old`, reading complete
    /// subtrees through `node`: O(log² n) reads. The path is empty if `old` is 0 or `new`.
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`], and those of `node`.
    pub fn prove_from<E: From<ProofError>>(
        old: u64,
        new: u64,
        node: &mut impl FnMut(Node) -> Result<Digest, E>,
    ) -> Result<Self, E> {
        if old > new || new > MAX_SIZE {
            return Err(ProofError::OutOfRange { index: old, size: new }.into());
        }
        let mut parts = Vec::new();
        let mut range = 0..new;
        while old > 0 && range.end > old {
            let middle = range.start + split(range.end - range.start);
            if old <= middle {
                parts.push(middle..range.end);
                range.end = middle;
            } else {
                parts.push(range.start..middle);
                range.start = middle;
            }
        }
        if old > 0 && range.start > 0 {
            parts.push(range);
        }
        Ok(Self { old, new, path: hashes(parts, node)? })
    }

    /// Verifies that the tree of `new` continues the tree of `old`.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, old: &TreeHead, new: &TreeHead) -> Result<(), ProofError> {
        same_size(self.old, old)?;
        same_size(self.new, new)?;
        if self.old > self.new {
            return Err(ProofError::OutOfRange { index: self.old, size: self.new });
        }
        if self.old == 0 || self.old == self.new {
            if !self.path.is_empty() {
                return Err(ProofError::WrongLength);
            }
            let expected = if self.old == 0 { empty_root() } else { new.root };
            same_root(&expected, old)?;
            return if self.new == 0 { same_root(&expected, new) } else { Ok(()) };
        }
        let (start, rest) = match self.path.split_first() {
            None => return Err(ProofError::WrongLength),
            Some(_) if self.old.is_power_of_two() => (old.root, self.path.as_slice()),
            Some((start, rest)) => (*start, rest),
        };
        let common = (self.old - 1).trailing_ones();
        let mut walk = Walk { first: (self.old - 1) >> common, last: (self.new - 1) >> common };
        let (mut before, mut after) = (start, start);
        for hash in rest {
            match walk.step()? {
                Side::Left => {
                    before = node_hash(hash, &before);
                    after = node_hash(hash, &after);
                }
                Side::Right => after = node_hash(&after, hash),
            }
        }
        walk.finish()?;
        same_root(&before, old)?;
        same_root(&after, new)
    }
}

/// On which side of the path the next sibling hangs.
enum Side {
    Left,
    Right,
}

/// The walk to the root that both verifications share (`fn` and `sn` in RFC 9162).
struct Walk {
    first: u64,
    last: u64,
}

impl Walk {
    fn step(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::WrongLength);
        }
        let left = self.first & 1 == 1 || self.first == self.last;
        if left && self.first & 1 == 0 {
            // Not beyond 63: `first == last` and `last` is not 0.
            let levels = self.first.trailing_zeros();
            self.first >>= levels;
            self.last >>= levels;
        }
        self.first >>= 1;
        self.last >>= 1;
        Ok(if left { Side::Left } else { Side::Right })
    }

    fn finish(&self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::WrongLength) }
    }
}

fn same_size(proof: u64, head: &TreeHead) -> Result<(), ProofError> {
    if proof == head.size { Ok(()) } else { Err(ProofError::WrongSize { proof, head: head.size }) }
}

fn same_root(hash: &Digest, head: &TreeHead) -> Result<(), ProofError> {
    if *hash == head.root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

/// Hashes of ranges that were collected from the top, in the order of a proof.
fn hashes<E>(
    ranges: Vec<Range<u64>>,
    node: &mut impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    ranges.into_iter().rev().map(|range| range_root(range, node)).collect()
}

/// Complete subtrees, computed from leaf hashes.
fn over(leaves: &[Digest]) -> impl FnMut(Node) -> Result<Digest, ProofError> {
    move |node| {
        let Range { start, end } = node.leaves();
        let part = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let part = part.and_then(|(start, end)| leaves.get(start..end));
        part.map(root).ok_or(ProofError::MissingNode(node))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::merkle::tests::{leaves, vectors};
    use super::*;

    fn head(leaves: &[Digest]) -> TreeHead {
        TreeHead { size: leaves.len() as u64, root: root(leaves) }
    }

    fn flip(digest: &Digest, bit: usize) -> Digest {
        let mut bytes = *digest.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        Digest::from_bytes(bytes)
    }

    /// Every `step`-th single-bit flip of a path, and every path one shorter or longer.
    fn damage(path: &[Digest], step: usize) -> Vec<Vec<Digest>> {
        let mut all = Vec::new();
        for at in 0..path.len() {
            for bit in (0..256).step_by(step) {
                all.push([&path[..at], &[flip(&path[at], bit)], &path[at + 1..]].concat());
            }
            all.push([&path[..at], &path[at + 1..]].concat());
        }
        all.push([path, &[empty_root()]].concat());
        all
    }

    fn check_inclusion(leaves: &[Digest], index: u64, step: usize) {
        let (head, leaf) = (head(leaves), leaves[index as usize]);
        let proof = InclusionProof::prove(leaves, index).unwrap();
        assert_eq!(proof.verify(&leaf, &head), Ok(()));
        for path in damage(&proof.path, step) {
            let bad = InclusionProof { path, ..proof.clone() };
            assert!(bad.verify(&leaf, &head).is_err());
        }
        for bit in 0..64 {
            let bad = InclusionProof { index: index ^ 1 << bit, ..proof.clone() };
            assert!(bad.verify(&leaf, &head).is_err());
            let bad = InclusionProof { size: head.size ^ 1 << bit, ..proof.clone() };
            assert!(bad.verify(&leaf, &head).is_err());
        }
        for bit in (0..256).step_by(step) {
            assert!(proof.verify(&flip(&leaf, bit), &head).is_err());
            let other = TreeHead { root: flip(&head.root, bit), ..head };
            assert!(proof.verify(&leaf, &other).is_err());
        }
    }

    fn check_consistency(leaves: &[Digest], old: u64, step: usize) {
        let (before, after) = (head(&leaves[..old as usize]), head(leaves));
        let proof = ConsistencyProof::prove(leaves, old).unwrap();
        assert_eq!(proof.verify(&before, &after), Ok(()));
        for path in damage(&proof.path, step) {
            let bad = ConsistencyProof { path, ..proof.clone() };
            assert!(bad.verify(&before, &after).is_err());
        }
        for bit in (0..256).step_by(step) {
            let other = TreeHead { root: flip(&before.root, bit), ..before };
            assert!(proof.verify(&other, &after).is_err());
            let other = TreeHead { root: flip(&after.root, bit), ..after };
            // Every tree continues the empty one, so that proof says nothing about the newer.
            assert_eq!(proof.verify(&before, &other).is_ok(), old == 0 && after.size > 0);
        }
    }

    #[test]
    fn all_pairs_to_64() {
        let leaves = leaves(64);
        for size in 0..=64_usize {
            let step = if size <= 16 { 1 } else { 37 };
            for at in 0..size as u64 {
                check_inclusion(&leaves[..size], at, step);
            }
            for old in 0..=size as u64 {
                check_consistency(&leaves[..size], old, step);
            }
        }
    }

    #[test]
    fn reference_paths() {
        let leaves = vectors();
        let proof = InclusionProof::prove(&leaves, 0).unwrap();
        let expected = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ];
        assert_eq!(proof.path, expected.map(|text| text.parse().unwrap()));
        let proof = ConsistencyProof::prove(&leaves, 6).unwrap();
        let expected = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(proof.path, expected.map(|text| text.parse().unwrap()));
    }

    #[test]
    fn beyond_the_tree_is_refused() {
        let leaves = leaves(3);
        assert!(InclusionProof::prove(&leaves, 3).is_err());
        assert!(InclusionProof::prove(&[], 0).is_err());
        assert!(ConsistencyProof::prove(&leaves, 4).is_err());
        let gap = InclusionProof::prove_from(0, 4, &mut over(&leaves));
        assert!(matches!(gap, Err(ProofError::MissingNode(_))));
    }

    proptest! {
        #[test]
        fn proofs_hold_in_larger_trees(size in 1_u64..1500, a: u64, b: u64) {
            let leaves = leaves(size);
            check_inclusion(&leaves, a % size, 255);
            check_consistency(&leaves, b % (size + 1), 255);
        }

        #[test]
        fn verify_takes_any_input(
            index: u64, size: u64, old: u64,
            path in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
        ) {
            let path: Vec<Digest> = path.into_iter().map(Digest::from_bytes).collect();
            let head = |size| TreeHead { size, root: empty_root() };
            let proof = InclusionProof { index, size, path: path.clone() };
            prop_assert!(proof.verify(&empty_root(), &head(size)).is_err());
            let proof = ConsistencyProof { old, new: size, path };
            let _ = proof.verify(&head(old), &head(size));
        }
    }
}
