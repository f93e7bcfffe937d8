//! A snapshot that a later one of its source has replaced: what of it still bears on a fold.
//!
//! Dates build the timeline, due dates the promises, and equal neighbours are one. The other
//! members are told by the latest snapshot alone, so a dossier with a long history is folded
//! without reading all of it again.

use aws_lc_rs::digest::{Context, SHA256};
use contracts::dossier::{Applicant, Supplement};
use contracts::{Dossier, Moment, Status};
use serde::Serialize;

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
    let mut text = Vec::with_capacity(TEXT_BYTES);
    let _ = serde_json::to_writer(&mut text, body);
    // Cut out of the text instead of a copy of the snapshot, which costs as much as writing it.
    if !body.warnings.is_empty() {
        // They stand last.
        let cut = r#","warnings":}"#.len() + written(&body.warnings);
        text.truncate(text.len().saturating_sub(cut));
        text.push(b'}');
    }
    let without = body.source_version.as_ref().and_then(|version| {
        // It stands behind these two.
        let names = written(&body.source) + written(&body.source_code);
        let (head, rest) = text.split_at_checked(r#"{"source":,"source_code":"#.len() + names)?;
        Some((head, rest.get(r#","source_version":"#.len() + written(version)..)?))
    });
    let (head, rest) = without.unwrap_or((&[], &text));
    let mut context = Context::new(&SHA256);
    context.update(head);
    context.update(rest);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Most snapshots have fewer bytes.
const TEXT_BYTES: usize = 1_024;

/// Bytes of a value's text.
fn written(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |text| text.len())
}

/// What of a snapshot its short form has: a snapshot whose other members are empty, in the order of
/// [`Dossier`]. Never change it: stored texts are compared with it.
#[derive(Serialize)]
pub struct Kept<'a> {
    source: &'a str,
    source_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_version: Option<&'a str>,
    agency: &'static str,
    applicant: Applicant,
    channel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Moment>,
    status: Status,
    status_raw: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    returned_at: Option<Moment>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    supplements: Vec<Supplement>,
}

impl<'a> Kept<'a> {
    /// Of a snapshot.
    pub fn of(body: &'a Dossier) -> Self {
        let asked = |one: &Supplement| Supplement {
            requested_at: one.requested_at,
            received_at: None,
            reason: None,
        };
        Self {
            source: &body.source,
            source_code: &body.source_code,
            source_version: body.source_version.as_deref(),
            agency: "",
            applicant: Applicant::default(),
            channel: "",
            submitted_at: body.submitted_at,
            accepted_at: body.accepted_at,
            due_at: body.due_at,
            status: body.status,
            status_raw: &body.status_raw,
            status_at: body.status_at,
            finished_at: body.finished_at,
            returned_at: body.returned_at,
            supplements: body.supplements.iter().map(asked).collect(),
        }
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

    #[test]
    fn what_is_kept_is_a_snapshot_whose_other_members_are_empty() {
        let day = "2026-11-02";
        let whole = json!({"source": "a", "source_code": "1", "source_version": "7",
            "code": "H19.1", "agency": "so-y-te", "procedure": "1.001",
            "applicant": {"kind": "person"},
            "subject": "x", "channel": "online", "submitted_at": day, "accepted_at": day,
            "due_at": day, "status": 10, "status_raw": "xong", "status_at": day,
            "finished_at": day, "returned_at": day, "unit": "P", "note": "n",
            "supplements": [{"requested_at": day, "received_at": day, "reason": "r"}],
            "history": [{"at": day, "status": 2}], "warnings": ["w"]});
        let whole: Dossier = serde_json::from_value(whole).unwrap();
        let text = serde_json::to_string(&Kept::of(&whole)).unwrap();
        let expected = Dossier {
            code: None,
            agency: String::new(),
            procedure: None,
            applicant: Applicant::default(),
            subject: None,
            channel: String::new(),
            unit: None,
            note: None,
            supplements: vec![Supplement {
                received_at: None,
                reason: None,
                ..whole.supplements[0].clone()
            }],
            history: Vec::new(),
            warnings: Vec::new(),
            ..whole
        };
        assert_eq!(text, serde_json::to_string(&expected).unwrap());
    }
}
