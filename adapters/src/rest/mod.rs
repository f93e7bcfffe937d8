//! HTTP: agencies push each message with a POST.
//!
//! [`push`] takes messages, [`token`] gives tokens, [`intake`] is what all doors over HTTP do
//! alike, [`server`] holds connections to their limits, [`tls`] encrypts them, and [`problem`] says
//! in one shape, for this door and for the hub's other calls, what went wrong.

pub(crate) mod body;
pub mod client;
pub mod exchange;
pub mod intake;
pub mod kinds;
pub mod poll;
pub mod problem;
pub mod push;
pub mod quota;
pub mod server;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod token;
mod wire;
