//! The section about the configuration in force, and the one that was refused.

use super::page::Time;
use crate::{in_force::Fault, operations::Operations};

/// How the configuration stands; without a hash where no hub runs.
pub(super) struct Section {
    pub(super) hash: String,
    pub(super) since: Time,
    pub(super) refused: Option<Refused>,
}

/// A configuration that was refused.
pub(super) struct Refused {
    pub(super) at: Time,
    pub(super) faults: usize,
    pub(super) first: Vec<Fault>,
}

impl Section {
    pub(super) fn read(operations: &Operations) -> Self {
        let Some(told) = operations.configuration.get() else {
            return Self { hash: String::new(), since: Time::default(), refused: None };
        };
        let refused = told.refused.map(|one| Refused {
            at: one.at.to_string().into(),
            faults: one.faults,
            first: one.first,
        });
        Self { hash: told.hash, since: told.since.to_string().into(), refused }
    }
}
