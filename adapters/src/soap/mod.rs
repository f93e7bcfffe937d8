//! SOAP 1.1 and 1.2: agencies whose systems call web services.
//!
//! [`server`] takes envelopes at `/soap/{agency.channel}`, [`envelope`] takes them apart,
//! [`security`] reads who sends, [`wsdl`] tells systems how to call, and `words.rs` writes the
//! answers. What goes on to the inbox is the element in the Body, a document of its own: neither
//! envelope nor credentials are kept.

mod block;
pub mod envelope;
pub mod kinds;
pub mod security;
pub mod server;
#[cfg(test)]
mod tests;
mod words;
pub mod wsdl;

pub(crate) use block::{Block, Markup};
pub use envelope::Version;
pub(crate) use security::WSSE;
pub use security::{Proof, UserToken};
pub use server::{Gate, router};
pub use wsdl::Service;
