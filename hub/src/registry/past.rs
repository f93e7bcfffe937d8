//! A snapshot that a later one of its source has replaced: what of it still bears on a fold.
//!
//! Dates build the timeline, due dates the promises, and equal neighbours are one. The other
//! members are told by the latest snapshot alone, so a dossier with a long history is folded
//! without reading all of it again.

use aws_lc_rs::digest::{Context, SHA256};
use contracts::Dossier;
use contracts::dossier::{Applicant, Supplement};
use serde::Serialize;
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
    // Every member is text, number, list or map with text keys: nothing can fail.
    let mut text = serde_json::to_vec(body).unwrap_or_default();
    // Cut out of the text instead of a copy of the snapshot, which costs as much as writing it.
    if !body.warnings.is_empty() {
        // They stand last.
        let cut = r#","warnings":}"#.len() + written(&body.warnings);
        text.truncate(text.len().saturating_sub(cut));
        text.push(b'}');
    }
    let (head, rest) = match &body.source_version {
        None => (&[][..], &text[..]),
        Some(version) => {
            // It stands behind these two.
            let names = written(&body.source) + written(&body.source_code);
            let (head, rest) = text.split_at(r#"{"source":,"source_code":"#.len() + names);
            (head, rest.split_at(r#","source_version":"#.len() + written(version)).1)
        }
    };
    let mut context = Context::new(&SHA256);
    context.update(head);
    context.update(rest);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Bytes of a value's text.
fn written(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |text| text.len())
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use aws_lc_rs::digest::digest;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_snapshot_says_is_its_text_without_version_and_warnings() {
        let bare = json!({"source": "so-y-te.\"a\"", "source_code": "Đ\\1", "agency": "so-y-te",
            "applicant": {"kind": "person"}, "channel": "online", "status": 4, "status_raw": "đang",
            "attributes": {"warnings": "x", "source_version": "y"}});
        let said = |more: serde_json::Value| {
            let mut body = bare.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value::<Dossier>(body).unwrap()
        };
        let own = serde_json::to_vec(&said(json!({}))).unwrap();
        let version = "\"7\", \"warnings\":[]";
        for more in [
            json!({}),
            json!({"source_version": version}),
            json!({"warnings": ["một", "]}\""]}),
            json!({"source_version": version, "warnings": ["hai"]}),
        ] {
            assert_eq!(says(&said(more.clone())), digest(&SHA256, &own).as_ref(), "{more}");
        }
        assert_ne!(says(&said(json!({"note": "khác"}))), digest(&SHA256, &own).as_ref());
    }
}
