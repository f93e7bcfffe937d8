//! The journal: one totally ordered, hashed, never-altered sequence of entries.
//!
//! Everything here is pure. The caller passes the time and reads and writes the store; only
//! [`Salt::random`], [`DedupKey::random`] and [`Signer::generate`] draw from the system's
//! random source.
//!
//! A position is the leaf index of its entry, counted from 0. The leaf is
//! `SHA-256(0x00 || entry text)` and the tree is that of RFC 9162 (the same as RFC 6962).

pub(crate) mod base64;
pub mod checkpoint;
pub mod commitment;
pub mod entry;
pub mod exact;
pub mod log;
pub mod merkle;
pub mod proof;

pub use checkpoint::{Checkpoint, CheckpointError, Signer, Verifier};
pub use commitment::{Commitment, DedupHash, DedupKey, NoRandomness, Salt};
pub use commitment::{commit, dedup_hash, derived, verify};
pub use entry::{Algorithm, Entry, EntryError, EntryKind, MAX_TEXT, Mode, recorded_at};
pub use exact::Exact;
pub use log::{Decision, EndedLog, Log};
pub use merkle::{BadDigest, BadFrontier, Digest, Frontier, MAX_SIZE, Node, TreeHead};
pub use merkle::{empty_root, leaf_hash, node_hash, range_root, root};
pub use proof::{ConsistencyProof, InclusionProof, ProofError};
