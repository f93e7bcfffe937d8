//! HTTP: agencies push each message with a POST.
//!
//! [`push`] takes messages, [`server`] holds connections to their limits, and [`problem`] says in
//! one shape, for this door and for the hub's other calls, what went wrong.

mod body;
pub mod kinds;
pub mod poll;
pub mod problem;
pub mod push;
pub mod server;
#[cfg(test)]
mod tests;
mod wire;
