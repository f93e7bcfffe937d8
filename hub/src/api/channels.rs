//! `/v1/channels/{channel}/…`: what an agency sees of its own channels.

mod control;
mod drift;
mod refusals;
mod standing;

pub(super) use control::{CONTROL_BYTES_MAX, control};
pub(super) use drift::{accept, drift};
pub(super) use refusals::{refusals, settle};
pub(super) use standing::{channels, conformance};

use axum::extract::{Path, rejection::PathRejection};

use super::{
    Api,
    answer::{Stop, nothing},
    dossiers::named,
};
use crate::{auth::Principal, operations::agency_of};

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
