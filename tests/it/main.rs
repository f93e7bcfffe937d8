//! The tests of the whole product, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed, and says where by stopping there"
)]

mod commands;
mod dependencies;
mod hostile;
mod lienthong;
mod samples;
mod tidy;
