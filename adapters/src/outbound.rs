//! What a transport brings to an agency, and what comes of it.

pub mod auth;
pub mod client;
pub mod dvcqg;
pub mod file;
pub mod rest;
mod secret;
pub mod soap;
pub mod visit;
pub mod webhook;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub use secret::Secret;

use crate::reading::{Pace, Trouble};

/// What is delivered: the same id, whenever it is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Its id: by it who receives it knows one that was sent before.
    pub id: String,
    /// The attributes of its envelope, by CloudEvents: names and values.
    pub attributes: Vec<(&'static str, String)>,
    /// The media type of the payload.
    pub content_type: String,
    /// A name for it as a file, without a folder.
    pub name: String,
    /// The bytes.
    pub payload: Bytes,
}

/// What who received a message answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The beginning of what it said, where its transport lets it say something.
    pub body: Bytes,
}

/// Why a message is not known to have arrived: decides what is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It was looked at and not taken: the same again will not be.
    Refused,
    /// Nothing of ours is taken, whatever it is: credentials, a permission or the address must be
    /// set right first.
    Denied,
    /// It is to come later: too much came at once.
    Busy,
    /// It cannot have been taken: nobody was there, or who was there could not take anything.
    Unavailable,
    /// Nobody knows whether it was taken.
    Unknown,
}

impl Class {
    /// One word for it, in counts and in what is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        }
    }
}

/// A message that is not known to have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub class: Class,
    /// What happened, for an operator: no credential, nothing of what was sent.
    pub told: String,
    /// After how long it may be tried again, where that was said.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure of which nothing more is known.
    pub fn new(class: Class, told: impl Into<String>) -> Self {
        Self { class, told: told.into(), retry_after: None }
    }
}

impl From<Trouble> for Failure {
    /// Nothing was sent yet: what is in the way is somebody's to mend, or passes.
    fn from(trouble: Trouble) -> Self {
        let class = match trouble.pace {
            Pace::Mended => Class::Denied,
            Pace::Soon | Pace::After(_) => Class::Unavailable,
        };
        Self::new(class, trouble.told.en)
    }
}

/// The way to one agency.
pub trait Outbound: Send + Sync + 'static {
    /// Brings a message there. It may be dropped at any time: then nobody knows whether it arrived.
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>>;
}
