//! `request/1` and `reply/1`: what one agency asks another; `application/1` and
//! `acknowledgement/1`: what the portal hands to an agency's system, and what that says to it
//! (plan, references S02, S24).

use serde::{Deserialize, Serialize};

use crate::{dossier::Applicant, moment::Moment};

/// One field of a form. Personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub value: String,
}

/// A file that lies in the hub's attachment store, by its claim check. Personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// `sha256:` and the SHA-256 of its bytes, in hexadecimal digits.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// What kind of file.
    pub media_type: String,
    /// Its name, as people know it.
    pub name: String,
}

/// What one agency asks another; of several that are asked alike, each is told in a record of its
/// own. Subject, text, data and attachments are personal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The request's id, the same for all that are asked: `AGENCY:KEY`, who asks and by which
    /// `Idempotency-Key`.
    pub id: String,
    /// Agency that asks, by hub id.
    pub from: String,
    /// Agency that is asked, by hub id.
    pub agency: String,
    /// Until when it is to answer.
    pub due_at: Moment,
    /// National code of the procedure that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// Code of the dossier that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dossier: Option<String>,
    /// What it is about, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What is asked; absent in what is public of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What is told in fields, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Field>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// What became of a request at the agency that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyOutcome {
    /// It answered.
    Answered,
    /// It declined to.
    Declined,
    /// It had not answered by the time that the request named: told by the hub alone.
    TimedOut,
}

/// A reply to a request. Text, officer, data and attachments are personal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Id of the request.
    pub request: String,
    /// Agency that was asked, by hub id.
    pub agency: String,
    /// What became of it.
    pub outcome: ReplyOutcome,
    /// The reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    /// What is told in fields, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Field>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// An application from the portal. Applicant, subject, data and attachments are personal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The application's id: `portal:KEY`, by its `Idempotency-Key`.
    pub id: String,
    /// Agency that receives it, by hub id.
    pub agency: String,
    /// National code of the procedure.
    pub procedure: String,
    /// When it was filed on the portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Moment>,
    /// Who applies.
    pub applicant: Applicant,
    /// What it is about, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The form, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Field>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// Whether an agency's system took an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// It did.
    Accepted,
    /// It did not.
    Refused,
}

/// What an agency's system says to an application. The text is personal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// Id of the application.
    pub application: String,
    /// Agency that received it, by hub id.
    pub agency: String,
    /// Whether its system took it.
    pub outcome: Taken,
    /// Code under which its system has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dossier: Option<String>,
    /// Until when it promises the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// What is said to who applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
