//! What a source said, once: a snapshot, an event or a retraction, and how versions are ordered.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use contracts::{Dossier, Moment, Progress};
use jiff::Timestamp;

use super::{past::Past, state::Identity};

/// What was said.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// All that one source now says of a dossier.
    Snapshot(Box<Dossier>),
    /// The same in short. Of each name, the latest snapshot is always whole.
    Past(Box<Past>),
    /// One event; it changes only the members it carries.
    Event(Box<Progress>),
    /// The source withdraws the dossier.
    Retraction {
        /// Source system.
        source: String,
        /// Code in that system.
        source_code: String,
        /// Since when it is withdrawn.
        at: Moment,
    },
}

/// Names an observation within its source, without its place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObservationId {
    /// Stored content hash.
    pub content_hash: [u8; 32],
    /// The receipt time, only where it stands in for a snapshot's version.
    pub assumed: Option<Timestamp>,
}

/// One accepted record or retraction, as the fold sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Position in the journal. Receipt-derived: no fold looks at it.
    pub position: u64,
    /// When the hub received it. Receipt-derived: used only where a snapshot declares no version.
    pub recorded_at: Timestamp,
    /// False for a channel in trial: such an observation changes nothing that counts.
    pub counted: bool,
    /// What was said.
    pub content: Content,
    /// The observation of the same source that this one replaces.
    pub supersedes: Option<ObservationId>,
    /// Hash of the content, its declared version included.
    pub content_hash: [u8; 32],
}

/// The version of a snapshot. Numbers come before times, times before other text, so that the
/// order is total even where one source mixes forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// A row version.
    Number(i128),
    /// An updated-at or extract time; `assumed` where it is the hub's receipt time.
    Time {
        /// The time.
        at: Moment,
        /// Whether the source declared none.
        assumed: bool,
    },
    /// Any other text, compared as text.
    Text(String),
}

impl Version {
    /// Reads a declared version, or assumes the receipt time.
    pub fn new(declared: Option<&str>, recorded_at: Timestamp) -> Self {
        let Some(text) = declared else {
            return Self::Time { at: Moment::Instant(recorded_at), assumed: true };
        };
        if let Ok(number) = text.parse() {
            return Self::Number(number);
        }
        match text.parse() {
            Ok(at) => Self::Time { at, assumed: false },
            Err(_) => Self::Text(text.to_owned()),
        }
    }

    /// The time it stands for, where it is one.
    pub fn time(&self) -> Option<Moment> {
        match self {
            Self::Time { at, .. } => Some(*at),
            Self::Number(_) | Self::Text(_) => None,
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let class = |version: &Self| match version {
            Self::Number(_) => 0,
            Self::Time { .. } => 1,
            Self::Text(_) => 2,
        };
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Time { at: a, assumed: x }, Self::Time { at: b, assumed: y }) => {
                a.cmp(b).then(y.cmp(x))
            }
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => class(a).cmp(&class(b)),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Content {
    /// Whose dossier it is about.
    pub fn identity(&self) -> Identity {
        let (source, source_code) = self.name();
        Identity::new(source, source_code)
    }

    /// The members of a snapshot; of one in short, those that are kept.
    pub fn snapshot(&self) -> Option<&Dossier> {
        match self {
            Self::Snapshot(body) => Some(body),
            Self::Past(past) => Some(&past.body),
            Self::Event(_) | Self::Retraction { .. } => None,
        }
    }

    /// The same, borrowed: source and code.
    pub fn name(&self) -> (&str, &str) {
        match self {
            Self::Snapshot(body) => (&body.source, &body.source_code),
            Self::Past(past) => (&past.body.source, &past.body.source_code),
            Self::Event(body) => (&body.source, &body.source_code),
            Self::Retraction { source, source_code, .. } => (source, source_code),
        }
    }
}

impl Observation {
    /// Whose dossier it is about.
    pub fn identity(&self) -> Identity {
        self.content.identity()
    }

    /// Its place among the snapshots of its name; `None` where it is none. The greatest is the
    /// latest, which decides.
    pub fn place(&self) -> Option<(Version, u8, [u8; 32])> {
        let body = self.content.snapshot()?;
        let version = Version::new(body.source_version.as_deref(), self.recorded_at);
        Some((version, body.status.life_cycle_rank(), self.content_hash))
    }

    /// The source system.
    pub fn source(&self) -> &str {
        self.content.name().0
    }

    /// Its name: equal for duplicates.
    pub fn id(&self) -> ObservationId {
        let snapshot = self.content.snapshot();
        let assumed =
            snapshot.filter(|body| body.source_version.is_none()).map(|_| self.recorded_at);
        ObservationId { content_hash: self.content_hash, assumed }
    }
}

/// The places of the observations that stand: neither superseded by one of their source nor a
/// duplicate of another. In an order that depends on the set alone. Of duplicates, a counted one
/// is kept; one in trial supersedes none that counts.
pub fn standing<O: Borrow<Observation>>(observations: &[O]) -> Vec<usize> {
    let replaced: BTreeSet<_> = observations
        .iter()
        .map(Borrow::borrow)
        .filter_map(|one| {
            let id = one.supersedes.filter(|id| *id != one.id())?;
            Some((one.counted, one.source(), id))
        })
        .collect();
    let mut named: Vec<_> = observations
        .iter()
        .map(Borrow::borrow)
        .enumerate()
        .filter(|(_, one)| {
            let by = |counted| replaced.contains(&(counted, one.source(), one.id()));
            !by(true) && (one.counted || !by(false))
        })
        .map(|(at, one)| ((one.content.name(), one.id()), !one.counted, at))
        .collect();
    named.sort_unstable();
    named.dedup_by(|later, kept| later.0 == kept.0);
    named.into_iter().map(|(_, _, at)| at).collect()
}
