//! `/v1/channels/{channel}/…`: what an agency sees of its own channels.

pub(super) mod control;
pub(super) mod drift;
pub(super) mod refusals;
pub(super) mod standing;

use axum::extract::{Path, rejection::PathRejection};

use super::{
    Api,
    answer::{Stop, nothing},
    dossiers::named,
};
use crate::api::document::params::{asked, named as named_in_path};
use crate::{auth::Principal, operations::agency_of};
use utoipa::openapi::path::Parameter;

/// The channel of a request, which is the asker's own. One that there is not and one that is
/// another agency's are answered alike.
fn own(
    api: &Api,
    who: &Principal,
    channel: Result<Path<String>, PathRejection>,
) -> Result<String, Stop> {
    let channel = named("channel", channel)?;
    let is_own =
        who.owns(agency_of(&channel)) && api.operations.catalog.channel(&channel).is_some();
    if is_own { Ok(channel) } else { Err(nothing()) }
}

/// The channel in the path.
pub(super) fn channel_in_path() -> Parameter {
    named_in_path("channel", "so-y-te.ho-so", "Kênh: CƠ-QUAN.TÊN.", "The channel: AGENCY.NAME.")
}

asked! {
    /// A channel.
    ChannelAsked: [channel_in_path()];
}
