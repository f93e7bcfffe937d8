//! `GET /asyncapi.json`: what the hub tells by itself, as AsyncAPI 3.0: feeds over HTTP, and the
//! exchange and stream at a broker. Names and types are those by which the hub writes and sends.

use std::sync::LazyLock;

use axum::{http::HeaderMap, response::Response};
use contracts::Contracts;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use super::{Made, answers::Unchanged, tags};
use crate::{
    api::answer::Stop,
    bus::rabbitmq::{EVERY_KEY, FEED, RECORDS, STRUCTURED},
    catalogue::changes,
    feeds::{Event, Feed, event},
};

static DOCUMENT: LazyLock<Result<Made, String>> = LazyLock::new(|| Made::of(&document()?));

#[utoipa::path(
    get, path = "/asyncapi.json", tag = tags::OPERATIONS, operation_id = "getAsyncapi",
    summary = "What the hub tells by itself: feeds, and what it publishes at a broker",
    description = "Các dòng sự kiện và những gì phát ra trên trục thông điệp, theo AsyncAPI 3.0. \
                   Không cần khóa.",
    security(()),
    responses(
        (status = 200, description = "Tài liệu.\n\nThe document.", body = serde_json::Value),
        Unchanged,
    ),
)]
pub(in crate::api) async fn asyncapi(headers: HeaderMap) -> Result<Response, Stop> {
    Made::answer(&DOCUMENT, &headers)
}

/// The contracts whose records a feed carries, and what may stand behind their names in the type.
fn carried(feed: Feed, contracts: &Contracts) -> Vec<(String, &'static [&'static str])> {
    match feed {
        Feed::Records => {
            let all = contracts.iter().map(|one| one.id().to_string());
            let own = [
                event::DOSSIER_STATE,
                event::FINDING,
                event::STATISTIC_CHANGE,
                event::UNIT,
                event::NOTICE,
            ];
            let told = all.filter(|id| !own.contains(&id.as_str()));
            told.map(|id| (id, &["", ".retracted"][..])).collect()
        }
        Feed::Dossiers => vec![(event::DOSSIER_STATE.to_owned(), &["", ".retired"])],
        Feed::Findings => vec![(event::FINDING.to_owned(), &["", ".closed"])],
        Feed::Catalogue => {
            let told = changes::CONTRACTS.map(|id| (id.to_owned(), &["", ".removed"][..]));
            told.to_vec()
        }
        Feed::Statistics => vec![(event::STATISTIC_CHANGE.to_owned(), &[""])],
        Feed::Notices => vec![(event::NOTICE.to_owned(), &[""])],
    }
}

/// The messages of a feed, by their types.
fn messages(feed: Feed, contracts: &Contracts) -> Result<Map<String, Value>, String> {
    let mut messages = Map::new();
    for (id, suffixes) in carried(feed, contracts) {
        for suffix in suffixes {
            let names = event::names(&id, suffix).map_err(|error| error.reason)?;
            let (kind, dataschema) = names;
            let text = format!("{kind}: {id}{suffix}");
            let told = json!({
                "name": kind, "title": text, "contentType": event::STRUCTURED_JSON,
                "payload": { "allOf": [
                    { "$ref": "#/components/schemas/FeedEvent" },
                    { "properties": { "type": { "const": kind },
                                      "dataschema": { "const": dataschema } } },
                ] },
            });
            messages.insert(kind.clone(), told);
        }
    }
    Ok(messages)
}

/// A feed over HTTP, as pages and as a stream; and how it is received.
fn feed(feed: Feed, (vi, en): (&str, &str)) -> (Value, Value) {
    let name = feed.name();
    let messages: Map<String, Value> = Map::from_iter([(
        "event".to_owned(),
        json!({ "$ref": format!("#/components/messages/{name}") }),
    )]);
    let channel = json!({
        "address": format!("/v1/feeds/{name}/stream"),
        "title": name, "summary": en, "description": vi,
        "messages": messages,
        "servers": [{ "$ref": "#/servers/http" }],
    });
    let operation = json!({
        "action": "send", "channel": { "$ref": format!("#/channels/feed-{name}") },
        "summary": format!("Events of the feed {name}, as server-sent events"),
        "description": format!("Đọc theo trang ở /v1/feeds/{name}; theo luồng ở địa chỉ này, \
                                nối lại bằng Last-Event-ID."),
        "bindings": { "http": { "method": "GET" } },
    });
    (channel, operation)
}

/// The whole document.
pub(super) fn document() -> Result<Value, String> {
    let contracts = Contracts::builtin().map_err(|error| error.to_string())?;
    let words = [
        (Feed::Records, ("Mọi bản ghi các cơ quan gửi.", "All that agencies sent.")),
        (Feed::Dossiers, ("Trạng thái từng hồ sơ.", "The state of every dossier.")),
        (Feed::Findings, ("Các phát hiện cần hỏi lại.", "What there is to ask about.")),
        (Feed::Catalogue, ("Thay đổi của danh mục.", "What changes of the catalogue.")),
        (Feed::Statistics, ("Thay đổi của số liệu.", "By how much numbers change.")),
        (Feed::Notices, ("Thay đổi của hồ sơ được theo dõi.", "What watches are told.")),
    ];
    let (mut channels, mut operations, mut told) = (Map::new(), Map::new(), Map::new());
    for (one, words) in words {
        let name = one.name();
        let (channel, operation) = feed(one, words);
        channels.insert(format!("feed-{name}"), channel);
        operations.insert(format!("send-feed-{name}"), operation);
        let kinds: Vec<Value> = messages(one, &contracts)?.into_values().collect();
        let payloads: Vec<Value> = kinds.iter().map(|kind| kind["payload"].clone()).collect();
        let message = json!({
            "name": name, "title": words.1, "contentType": event::STRUCTURED_JSON,
            "payload": { "oneOf": payloads },
        });
        told.insert(name.to_owned(), message);
    }
    let record = json!({ "$ref": format!("#/components/messages/{}", Feed::Records.name()) });
    channels.insert("records".to_owned(), exchange(&record));
    channels.insert("stream".to_owned(), stream(&record));
    for (channel, summary) in [
        ("records", "Every event of the feed of records, by contract, agency and procedure"),
        ("stream", "The same, kept for replay by offset"),
    ] {
        let operation = json!({
            "action": "send", "channel": { "$ref": format!("#/channels/{channel}") },
            "summary": summary,
            "bindings": { "amqp": { "deliveryMode": 2, "mandatory": true,
                                    "bindingVersion": "0.3.0" } },
        });
        operations.insert(format!("publish-{channel}"), operation);
    }
    let schema = serde_json::to_value(Event::schema()).map_err(|error| error.to_string())?;
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Liên Thông", "version": env!("CARGO_PKG_VERSION"),
            "description": "Những gì hệ thống tự báo: dòng sự kiện qua HTTP và phát ở RabbitMQ. \
                            Chỉ có phần công khai.\n\nWhat the hub tells by itself: feeds over \
                            HTTP, and what it publishes at RabbitMQ. Public texts only.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": event::STRUCTURED_JSON,
        "servers": {
            "http": { "host": "localhost", "protocol": "http", "security": [
                { "$ref": "#/components/securitySchemes/key" }] },
            "broker": { "host": "localhost", "protocol": "amqp", "protocolVersion": "0.9.1" },
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": told,
            "schemas": { "FeedEvent": schema },
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    }))
}

/// The topic exchange, with what the words of its keys are.
fn exchange(record: &Value) -> Value {
    let word = |vi: &str, en: &str| json!({ "description": format!("{vi}\n\n{en}") });
    json!({
        "address": "{contract}.{agency}.{procedure}",
        "title": RECORDS,
        "description": "Khóa định tuyến gồm ba từ; từ không có là dấu gạch ngang.\n\n\
                        The routing key has three words; one that is not told is a hyphen.",
        "servers": [{ "$ref": "#/servers/broker" }],
        "messages": { "event": record },
        "parameters": {
            "contract": word("Hợp đồng dữ liệu, như dossier-1.", "The contract, as dossier-1."),
            "agency": word("Cơ quan đã báo.", "The agency that told it."),
            "procedure": word("Thủ tục.", "The procedure."),
        },
        "bindings": { "amqp": {
            "is": "routingKey",
            "exchange": { "name": RECORDS, "type": "topic", "durable": true, "autoDelete": false },
            "bindingVersion": "0.3.0",
        } },
        "x-content-type": STRUCTURED,
    })
}

/// The stream that keeps all of it.
fn stream(record: &Value) -> Value {
    json!({
        "address": FEED,
        "title": FEED,
        "description": "Luồng giữ mọi sự kiện, đọc lại theo offset.\n\n\
                        The stream that keeps every event, for replay by offset.",
        "servers": [{ "$ref": "#/servers/broker" }],
        "messages": { "event": record },
        "bindings": { "amqp": {
            "is": "queue",
            "queue": { "name": FEED, "durable": true, "exclusive": false, "autoDelete": false },
            "bindingVersion": "0.3.0",
        } },
        "x-queue-type": "stream",
        "x-bound-to": { "exchange": RECORDS, "key": EVERY_KEY },
        "x-content-type": STRUCTURED,
    })
}
