//! What is asked and told of deliveries, as it is described.

use serde::Serialize;
use utoipa::{
    IntoParams, ToSchema,
    openapi::path::{Parameter, ParameterIn},
};

use super::{PAGE_DEFAULT, STATES};
use crate::{
    api::document::params::{
        asked, cursor as cursor_of, formed, limit as limit_of, named as named_in_path, named_of,
        text as text_of, wanted, word,
    },
    api::purpose,
    operations::{PAGE_MAX, Persons, ToldLetter},
    store::deliveries::{Running, Waiting},
};

/// What waits.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Outbox {
    /// By channel.
    pub(super) channels: Vec<Waiting>,
}

/// A channel that was steered.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Steered {
    /// The channel.
    pub(super) channel: String,
    /// How it is now.
    pub(super) state: Running,
    /// Whether it was otherwise before.
    pub(super) changed: bool,
}

/// Messages that could not be delivered.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DeadLetters {
    /// Those of this page.
    pub(super) dead: Vec<ToldLetter>,
}

/// A dead letter, with what would be sent of it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct WholeLetter {
    #[serde(flatten)]
    pub(super) letter: ToldLetter,
    #[serde(flatten)]
    pub(super) made: Option<MadeLetter>,
    /// What became of persons in what would be sent.
    pub(super) personal: Persons,
    /// Why no message can be made of it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_made: Option<String>,
}

/// What would be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct MadeLetter {
    /// The message's id.
    pub(super) message_id: String,
    /// Its type.
    pub(super) content_type: String,
    /// Its text.
    pub(super) payload: String,
}

/// A dead letter of which something was decided.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DecidedLetter {
    /// Its id.
    pub(super) id: String,
    /// What was decided.
    pub(super) state: &'static str,
}

/// What dead letters are filtered by.
fn filters() -> Vec<Parameter> {
    let moment = "^[0-9]{4}-[0-9]{2}-[0-9]{2}";
    vec![
        text_of("channel", "Kênh gửi ra.", "The outbound channel."),
        word("state", &STATES, "Trạng thái.", "The state."),
        text_of("cause", "Nguyên nhân.", "The cause."),
        formed("from", moment, "Từ ngày hoặc thời điểm.", "From this day or instant."),
        formed("to", moment, "Đến ngày hoặc thời điểm.", "To this day or instant."),
    ]
}

fn reason() -> Parameter {
    text_of("reason", "Lý do, được ghi lại.", "Why: it is kept.")
}

fn dead_in_path() -> Parameter {
    named_in_path("id", "lienthong.12.1", "Mã thư không giao được.", "The dead letter.")
}

/// Which dead letters.
#[derive(Debug)]
pub(in crate::api) enum DeadAsked {}

impl IntoParams for DeadAsked {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let page = [limit_of(PAGE_DEFAULT, PAGE_MAX), cursor_of("cursor")];
        filters().into_iter().chain(page).collect()
    }
}

/// Which dead letters go again.
#[derive(Debug)]
pub(in crate::api) enum ReplayAllAsked {}

impl IntoParams for ReplayAllAsked {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let (vi, en) = ("Chỉ đếm, không gửi.", "Count them only.");
        let more = [reason(), word("dry_run", &["true", "false"], vi, en)];
        filters().into_iter().chain(more).collect()
    }
}

asked! {
    /// What is done with which channel.
    SteerAsked: [
        named_in_path("channel", "so-y-te.ket-qua", "Kênh gửi ra.", "The outbound channel."),
        named_of("action", &["pause", "resume", "drain"], "Việc cần làm.", "What to do."),
        reason(),
    ];
    /// One dead letter.
    OneAsked: [dead_in_path(), purpose::purpose(), purpose::reason()];
    /// One that goes again.
    ReplayAsked: [dead_in_path(), reason()];
    /// One that is given up, and why.
    DiscardAsked: [
        dead_in_path(),
        wanted("reason", "Lý do không giao.", "Why it is not delivered."),
    ];
}
