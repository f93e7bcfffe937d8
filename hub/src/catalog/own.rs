//! The hub's own channels: what is posted to its own addresses becomes a message like every other,
//! by a mapping that comes with the program.

use std::{collections::BTreeMap, path::PathBuf};

use contracts::Contracts;
use mappings::{Diagnostic, Mapping, Sources};

use super::{Channel, CurrentMode, hash};
use crate::{
    journal::entry::Mode,
    registry::exchange::{DEADLINES, PORTAL},
};

/// The portal's channel for feedback.
pub const FEEDBACK: &str = "portal.feedback";

/// The name of every agency's channel for answers.
pub const ANSWERS: &str = "answers";

/// The name of every agency's channel for requests.
pub const REQUESTS: &str = "requests";

/// The name of every agency's channel for replies to requests.
pub const REPLIES: &str = "replies";

/// The portal's channel for applications.
pub const APPLICATIONS: &str = "portal.applications";

/// The name of every agency's channel for what its system says to applications.
pub const ACKNOWLEDGEMENTS: &str = "acknowledgements";

/// Their mappings: of those that every agency has by their names, of the others by their ids.
const MAPPINGS: [(&str, &str); 7] = [
    (FEEDBACK, include_str!("feedback.toml")),
    (ANSWERS, include_str!("answers.toml")),
    (REQUESTS, include_str!("requests.toml")),
    (REPLIES, include_str!("replies.toml")),
    (APPLICATIONS, include_str!("applications.toml")),
    (ACKNOWLEDGEMENTS, include_str!("acknowledgements.toml")),
    (DEADLINES, include_str!("deadlines.toml")),
];

/// The hub's own channels, compiled, by name or id.
pub struct Own {
    channels: BTreeMap<&'static str, Channel>,
}

/// Whether the hub has a channel of this name or id itself.
pub(super) fn is_taken(name: &str) -> bool {
    MAPPINGS.iter().any(|(own, _)| *own == name)
}

/// Whether an id stands for the hub or the portal, so that no agency may have it.
pub(super) fn is_reserved(agency: &str) -> bool {
    agency == PORTAL || DEADLINES.split_once('.').is_some_and(|(hub, _)| hub == agency)
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
                mode: CurrentMode::new(Mode::Live),
                dropped: None,
                called: None,
                read: None,
                expected: Default::default(),
                holds_on: Default::default(),
            })
        };
        let all = MAPPINGS.iter().map(|(id, text)| Ok((*id, compiled(id, text)?)));
        Ok(Self { channels: all.collect::<Result<_, Vec<Diagnostic>>>()? })
    }

    /// The channel of an id, where it is one of these.
    pub(super) fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.get(id).filter(|_| id.contains('.')).or_else(|| {
            let (agency, name) = id.split_once('.')?;
            self.channels.get(name).filter(|_| !name.contains('.') && !is_reserved(agency))
        })
    }
}

/// The agency that records of a channel must be about, where that is laid down: nobody answers in
/// another's name.
pub fn speaks_for(channel: &str) -> Option<&str> {
    channel.split_once('.').filter(|(_, name)| *name == ANSWERS).map(|(agency, _)| agency)
}
