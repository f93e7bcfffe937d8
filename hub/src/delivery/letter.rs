//! What is sent of a delivery: the same whenever it is sent again, as long as the form is the same.

use adapters::outbound::{Class, Failure, Message};
use bytes::Bytes;
use contracts::{Problem, schema};
use mappings::Gazetteer;
use serde::Deserialize;

use crate::{
    catalog::OutboundChannel,
    feeds,
    store::{StoreError, deliveries::Delivery, source_of},
};

/// The media type of a record as the hub has it.
const JSON: &str = "application/json";

/// What is read of an entry.
#[derive(Deserialize)]
struct Entry {
    log_id: String,
    kind: String,
    recorded_at: String,
    contract: Option<String>,
    key: Option<String>,
}

/// The message of a delivery. Its id is the one that feeds have, whenever it goes.
///
/// # Errors
/// What its form cannot be made of.
pub(crate) fn message(
    channel: &OutboundChannel,
    delivery: &Delivery,
    gazetteer: &Gazetteer,
) -> Result<Message, Failure> {
    let damaged = |error: String| {
        Failure::new(Class::Refused, format!("entry {} is damaged: {error}", delivery.position))
    };
    let entry: Entry =
        serde_json::from_slice(&delivery.text).map_err(|error| damaged(error.to_string()))?;
    let contract = entry.contract.unwrap_or_default();
    let suffix = if entry.kind == "retraction" { ".retracted" } else { "" };
    let (kind, dataschema) = feeds::event::names(&contract, suffix)
        .map_err(|error: StoreError| damaged(error.reason))?;
    let rendering = channel.rendering.as_ref();
    let payload = match (&delivery.body, rendering) {
        (Some(body), _) => Bytes::copy_from_slice(body),
        (None, form) => {
            let record = record(delivery).map_err(damaged)?;
            match form {
                None => record,
                Some(form) => {
                    let made = form.render(text(&record).map_err(damaged)?, gazetteer);
                    made.map_err(|problems| unfit(&problems))?.into()
                }
            }
        }
    };
    let source = delivery.from.as_deref().map_or_else(|| "/hub".to_owned(), source_of);
    let key = entry.key.unwrap_or_default();
    let id = feeds::event::id(&entry.log_id, delivery.position);
    let ending = rendering.map_or("json", |form| form.ending());
    let name = format!("{:020}-{key}.{ending}", delivery.position);
    let content_type = rendering.map_or(JSON, |form| form.content_type()).to_owned();
    let attributes = vec![
        ("specversion", "1.0".to_owned()),
        ("id", id.clone()),
        ("source", source),
        ("type", kind),
        ("subject", key),
        ("time", entry.recorded_at),
        ("dataschema", dataschema),
        ("sequence", format!("{:020}", delivery.position)),
    ];
    Ok(Message { id, attributes, content_type, name, payload })
}

/// The record as JSON: its public members, and its personal ones where they go with it. Without
/// them it is the very text that was stored.
fn record(delivery: &Delivery) -> Result<Bytes, String> {
    let told = |error: serde_json::Error| error.to_string();
    let Some(personal) = &delivery.personal else {
        return Ok(Bytes::copy_from_slice(&delivery.public));
    };
    let public = serde_json::from_slice(&delivery.public).map_err(told)?;
    let whole = schema::join(public, serde_json::from_slice(personal).map_err(told)?);
    serde_json::to_vec(&whole).map(Bytes::from).map_err(told)
}

fn text(record: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(record).map_err(|error| error.to_string())
}

/// What a record lacks for its form: codes and places, never values.
fn unfit(problems: &[Problem]) -> Failure {
    let one =
        |problem: &Problem| format!("{} {} ({})", problem.code, problem.pointer, problem.rule);
    let all: Vec<String> = problems.iter().map(one).collect();
    Failure::new(Class::Refused, format!("the form cannot be made: {}", all.join("; ")))
}
