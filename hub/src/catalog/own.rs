//! The hub's own channels: what is posted to its own addresses becomes a message like every other,
//! by a mapping that comes with the program.

use std::path::PathBuf;

use contracts::Contracts;
use mappings::{Diagnostic, Mapping, Sources};

use super::{Channel, hash};
use crate::journal::entry::Mode;

/// The portal's channel for feedback.
pub const FEEDBACK: &str = "portal.feedback";

/// The name of every agency's channel for answers.
pub const ANSWERS: &str = "answers";

/// The hub's own channels, compiled.
pub struct Own {
    feedback: Channel,
    answers: Channel,
}

impl Own {
    /// Compiles them.
    ///
    /// # Errors
    /// Every fault of a mapping: a fault of the program.
    pub(super) fn compile(contracts: &Contracts) -> Result<Self, Vec<Diagnostic>> {
        let compiled = |id: &str, text: &str| -> Result<Channel, Vec<Diagnostic>> {
            let sources =
                Sources { file: id.to_owned(), text: text.to_owned(), ..Sources::default() };
            Ok(Channel {
                id: id.to_owned(),
                folder: PathBuf::new(),
                name: id.to_owned(),
                mapping: Mapping::compile(&sources, contracts)?,
                hash: hash(&sources),
                mode: Mode::Live,
                dropped: None,
                called: None,
                read: None,
                expected: Default::default(),
            })
        };
        Ok(Self {
            feedback: compiled(FEEDBACK, include_str!("feedback.toml"))?,
            answers: compiled(ANSWERS, include_str!("answers.toml"))?,
        })
    }

    /// The channel of an id, where it is one of these.
    pub(super) fn channel(&self, id: &str) -> Option<&Channel> {
        match id.split_once('.') {
            _ if id == FEEDBACK => Some(&self.feedback),
            Some((_, ANSWERS)) => Some(&self.answers),
            _ => None,
        }
    }
}

/// The agency that records of a channel must be about, where that is laid down: nobody answers in
/// another's name.
pub fn speaks_for(channel: &str) -> Option<&str> {
    channel.split_once('.').filter(|(_, name)| *name == ANSWERS).map(|(agency, _)| agency)
}
