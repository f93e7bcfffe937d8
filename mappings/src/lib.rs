//! From an agency's bytes to canonical drafts: a declared, compiled, total mapping per channel.
//!
//! A mapping is data (one TOML file and its code tables). [`Mapping::compile`] proves it before
//! anything runs; the compiled object is the one that checks, tests and serves. Nothing here does
//! I/O: callers hand over texts and bytes.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once"))]

pub mod apply;
pub mod archive;
pub mod compile;
pub mod condition;
pub mod coverage;
pub mod diagnostic;
pub mod document;
pub mod expression;
pub mod format;
pub mod functions;
pub mod gazetteer;
pub mod infer;
pub mod lineage;
pub mod mapping;
pub mod origin;
pub mod path;
pub mod profile;
pub mod quality;
pub mod render;
pub mod rule;
pub mod text;

pub use apply::{Content, File, Outcome, apply, apply_file};
pub use diagnostic::Diagnostic;
pub use gazetteer::Gazetteer;
pub use mapping::{Mapping, Sources};
pub use origin::Origin;
pub use render::Rendering;
