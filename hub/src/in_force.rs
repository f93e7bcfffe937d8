//! Which configuration is in force in this process, and why a newer one is not: for those who run
//! the hub.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use mappings::Diagnostic;
use serde::Serialize;

/// Faults told beside their number; the log has more of them.
const FAULTS_TOLD: usize = 10;

/// How the configuration stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = InForceConfiguration)]
pub struct Configuration {
    /// A short hash of all that it was read from, equal in every process of a store that goes by
    /// the same.
    pub hash: String,
    /// Since when it is in force in this process.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// A newer one that was not put in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

/// A configuration that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RefusedConfiguration)]
pub struct Refused {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How many faults it has.
    pub faults: usize,
    /// The first of them.
    pub first: Vec<Fault>,
}

/// One fault, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ConfigurationFault)]
pub struct Fault {
    /// The file, line and column.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

impl From<&Diagnostic> for Fault {
    fn from(told: &Diagnostic) -> Self {
        Self {
            place: format!("{}:{}:{}", told.file, told.line, told.column),
            message: told.message.clone(),
            advice: told.advice.clone(),
        }
    }
}

/// How the configuration stands in this process; shared. Nothing where no hub runs.
#[derive(Debug, Clone, Default)]
pub struct InForce(Arc<Mutex<Option<Configuration>>>);

impl InForce {
    fn change(&self, to: impl FnOnce(Option<Configuration>) -> Option<Configuration>) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = to(now.take());
    }

    /// One is in force from now on.
    pub(crate) fn begins(&self, hash: String) {
        let since = Timestamp::now();
        self.change(|_| Some(Configuration { hash, since, refused: None }));
    }

    /// The files are those of the one in force again: nothing is refused any more.
    pub(crate) fn stays(&self) {
        self.change(|now| now.map(|now| Configuration { refused: None, ..now }));
    }

    /// A newer one was refused; the one in force stays.
    pub(crate) fn refuses(&self, found: &[Diagnostic]) {
        let first = found.iter().take(FAULTS_TOLD).map(Fault::from).collect();
        let refused = Some(Refused { at: Timestamp::now(), faults: found.len(), first });
        self.change(|now| now.map(|now| Configuration { refused, ..now }));
    }

    /// How it stands.
    pub fn get(&self) -> Option<Configuration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
