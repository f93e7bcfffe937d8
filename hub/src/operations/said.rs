//! What sources said of a dossier, one after the other.

use serde::Serialize;

use crate::registry::{Content, Observation};

/// One thing a source said of a dossier.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Said {
    /// Position in the journal.
    pub position: u64,
    /// When the hub recorded it.
    pub recorded_at: String,
    /// `snapshot`, `event` or `retraction`.
    pub kind: &'static str,
    /// The source.
    pub source: String,
    /// The source's code.
    pub source_code: String,
    /// The status it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    /// When that happened, as far as the source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What an observation tells.
pub(super) fn said(one: &Observation) -> Said {
    let identity = one.identity();
    let (kind, status, at) = match &one.content {
        Content::Snapshot(_) | Content::Past(_) => {
            let body = one.content.snapshot();
            let at = body.and_then(crate::registry::timeline::status_date);
            ("snapshot", body.map(|body| body.status.code()), at)
        }
        Content::Event(body) => ("event", body.status.map(|status| status.code()), Some(body.at)),
        Content::Retraction { at, .. } => ("retraction", None, Some(*at)),
    };
    Said {
        position: one.position,
        recorded_at: one.recorded_at.to_string(),
        kind,
        source: identity.source,
        source_code: identity.source_code,
        status,
        at: at.map(|at| at.to_string()),
    }
}
