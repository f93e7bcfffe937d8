//! A snapshot that a later one of its source has replaced: what of it still bears on a fold.
//!
//! Dates build the timeline, due dates the promises, and equal neighbours are one. The other
//! members are told by the latest snapshot alone, so a dossier with a long history is folded
//! without reading all of it again.

use aws_lc_rs::digest::{SHA256, digest};
use contracts::Dossier;
use contracts::dossier::{Applicant, Supplement};
use serde_json::Map;

/// A snapshot in short.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// The members that dates, promises and the order of versions hang on; all others are empty.
    pub body: Dossier,
    /// Hash of all that the snapshot says: [`says`].
    pub says: [u8; 32],
}

/// Hash of all that a snapshot says, its version and its warnings left out: those are about the
/// telling. Equal for two snapshots if and only if they say the same.
pub fn says(body: &Dossier) -> [u8; 32] {
    let bare = Dossier { source_version: None, warnings: Vec::new(), ..body.clone() };
    // Every member is text, number, list or map with text keys: nothing can fail.
    let text = serde_json::to_vec(&bare).unwrap_or_default();
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &text).as_ref());
    hash
}

impl Past {
    /// A snapshot in short.
    pub fn of(body: &Dossier) -> Self {
        let asked =
            |one: &Supplement| Supplement { received_at: None, reason: None, ..one.clone() };
        let short = Dossier {
            source: body.source.clone(),
            source_code: body.source_code.clone(),
            source_version: body.source_version.clone(),
            status: body.status,
            status_raw: body.status_raw.clone(),
            status_at: body.status_at,
            submitted_at: body.submitted_at,
            accepted_at: body.accepted_at,
            due_at: body.due_at,
            finished_at: body.finished_at,
            returned_at: body.returned_at,
            supplements: body.supplements.iter().map(asked).collect(),
            code: None,
            agency: String::new(),
            procedure: None,
            procedure_source_code: None,
            procedure_name: None,
            field: None,
            applicant: Applicant::default(),
            subject: None,
            commune: None,
            channel: String::new(),
            unit: None,
            officer: None,
            note: None,
            result: None,
            fees: Vec::new(),
            documents: Vec::new(),
            attachments: Vec::new(),
            history: Vec::new(),
            attributes: Map::new(),
            warnings: Vec::new(),
        };
        Self { body: short, says: says(body) }
    }
}
