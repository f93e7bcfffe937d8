//! Names found however they were typed: without tones, in either placement of them, composed or
//! not, in any case, with or without "UBND", "Tp", "H.". Pure, so both stores find the same.

mod bits;
mod collation;
mod index;
mod rank;
mod suggest;
#[cfg(test)]
mod tests;
mod vocabulary;
pub mod words;

pub use bits::Bits;
pub(in crate::registry) use collation::sort_key;
pub use index::{Hit, Index, Match, Query, Subject};
pub use suggest::Suggestion;
