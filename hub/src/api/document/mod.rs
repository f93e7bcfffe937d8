//! The interface described: `GET /openapi.json` (OpenAPI 3.1), and `/docs`, which shows it.
//!
//! Every route of the hub is registered by its description ([`super::described`]), so what is
//! there and what is told of it are one list. What operations have in common (problems, headers,
//! keys) is added here, with the contracts' own schemas and the examples.

pub(super) mod answers;
pub(super) mod asyncapi;
mod doors;
mod examples;
pub(super) mod page;
pub(super) mod params;
mod posted;
pub(super) mod problems;
mod said;
pub(super) mod tags;
mod words;

use std::sync::LazyLock;

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use contracts::Contracts;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::answer::{JSON, Stop};
use crate::{auth::Scope, described, journal::merkle::Digest, store::StoreError};
use answers::Unchanged;

/// Schemas that no description of a route names, but its common parts and the doors do.
#[derive(OpenApi)]
#[openapi(components(schemas(
    problems::Problem,
    described::Receipt,
    said::ApplicationReceipt,
    said::DvcqgAnswer,
    said::DvcqgCall,
    said::DvcqgLogin,
    said::DvcqgSession,
    said::LgspAnswer,
    said::RequestReceipt,
    said::Token,
    said::TokenFault,
    said::TokenRequest,
)))]
struct Common;

/// A text that is made once and does not change while the process lives.
pub(super) struct Made {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Made {
    /// Of a document.
    ///
    /// # Errors
    /// Why it cannot be made, in words.
    pub(super) fn of(document: &Value) -> Result<Self, String> {
        let bytes = serde_json::to_vec(document).map_err(|error| error.to_string())?;
        let tag = format!("\"{}\"", Digest::of(&bytes));
        let tag = HeaderValue::from_str(&tag).map_err(|error| error.to_string())?;
        Ok(Self { bytes: bytes.into(), tag })
    }

    /// The answer to who asks for it: without it, where they have it.
    pub(super) fn answer(
        made: &Result<Self, String>,
        headers: &HeaderMap,
    ) -> Result<Response, Stop> {
        let made = made.as_ref().map_err(|reason| StoreError::fault(reason.clone()))?;
        let Self { bytes, tag } = made;
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = known.flat_map(|list| list.split(',')).map(str::trim);
        let is_known =
            tags.any(|known| known.trim_start_matches("W/").as_bytes() == tag.as_bytes());
        let mut response = match is_known {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => ([(CONTENT_TYPE, JSON)], bytes.clone()).into_response(),
        };
        let own = response.headers_mut();
        own.insert(ETAG, tag.clone());
        own.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(response)
    }
}

static DOCUMENT: LazyLock<Result<Made, String>> = LazyLock::new(|| Made::of(&document()?));

#[utoipa::path(
    get, path = "/openapi.json", tag = tags::OPERATIONS, operation_id = "getOpenapi",
    summary = "This document",
    description = "Tài liệu này, theo OpenAPI 3.1. Không cần khóa.",
    security(()),
    responses(
        (status = 200, description = "Tài liệu.\n\nThe document.", body = serde_json::Value),
        Unchanged,
    ),
)]
pub(super) async fn openapi(headers: HeaderMap) -> Result<Response, Stop> {
    Made::answer(&DOCUMENT, &headers)
}

/// Operations whose answers are at no position of the journal.
const UNMARKED: [&str; 9] = [
    "listAccesses",
    "listLinks",
    "listPollers",
    "sendAttachment",
    "fetchAttachment",
    "streamFeed",
    "unsubscribe",
    "watchDossier",
    "unwatchDossier",
];

/// The whole document.
fn document() -> Result<Value, String> {
    let mut described = super::described().into_openapi();
    described.merge(Common::openapi());
    let mut document = serde_json::to_value(described).map_err(|error| error.to_string())?;
    document["info"] = json!({
        "title": "Liên Thông",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Giao diện HTTP của nền tảng liên thông hồ sơ thủ tục hành chính. Mọi địa \
                        chỉ /v1 cần khóa: Authorization: Bearer ltk_…, hoặc token lấy ở /token. \
                        Lỗi theo RFC 9457, mỗi mã lỗi có trang riêng ở /problems.\n\n\
                        The HTTP interface of the hub. Every address under /v1 wants a key, or a \
                        token of /token. Errors are RFC 9457 problems; /problems tells of each.",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/" }]);
    document["tags"] = tags::all();
    let schemas = document["components"]["schemas"].as_object_mut();
    let schemas = schemas.ok_or("there are no schemas")?;
    contracts(schemas)?;
    posted::add(schemas);
    open_parts(schemas);
    document["components"]["headers"] = answers::headers();
    document["components"]["securitySchemes"] = json!({
        "key": {
            "type": "http", "scheme": "bearer",
            "description": "Khóa do lienthong key new cấp, hoặc token lấy ở /token.\n\n\
                            A key of `lienthong key new`, or a token of /token.",
        },
        "oauth": {
            "type": "oauth2",
            "description": "Mã và phần bí mật của khóa đổi lấy token.\n\n\
                            A key's id and secret for a token.",
            "flows": { "clientCredentials": { "tokenUrl": "/token", "scopes": scopes() } },
        },
    });
    let paths = document["paths"].as_object_mut().ok_or("there are no paths")?;
    let items = paths.values_mut().filter_map(Value::as_object_mut);
    for operation in items.flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
        let is_marked = !operation.contains_key("security") && !UNMARKED.contains(&id);
        answers::complete(operation, is_marked);
    }
    doors::add(paths);
    needed(paths);
    examples::add(paths)?;
    words::add(paths)?;
    Ok(document)
}

/// What each scope is for.
fn scopes() -> Value {
    let all = Scope::ALL.iter().map(|scope| (scope.name().to_owned(), json!(scope.about())));
    Value::Object(all.collect())
}

/// Names the scope that each operation takes.
fn needed(paths: &mut Map<String, Value>) {
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(scope) = super::scopes::scope(&method.to_uppercase(), path) {
                let name = scope.name();
                operation["security"] = json!([{ "key": [name] }, { "oauth": [name] }]);
            }
        }
    }
}

/// Has no part of a whole refuse the members of its other parts: what is read strictly where it
/// stands alone is a part elsewhere.
fn open_parts(schemas: &mut Map<String, Value>) {
    let prefix = "#/components/schemas/";
    let parts = schemas.values().filter_map(|schema| schema["allOf"].as_array()).flatten();
    let names = parts.filter_map(|part| part["$ref"].as_str()?.strip_prefix(prefix));
    let names: Vec<String> = names.map(ToOwned::to_owned).collect();
    for name in names {
        if let Some(part) = schemas.get_mut(&name).and_then(Value::as_object_mut) {
            part.shift_remove("additionalProperties");
        }
    }
}

/// Puts the contracts' own schemas in, each under its name.
fn contracts(schemas: &mut Map<String, Value>) -> Result<(), String> {
    let contracts = Contracts::builtin().map_err(|error| error.to_string())?;
    for contract in contracts.iter() {
        let name = described::component(&contract.id().to_string());
        let mut schema = contract.schema().clone();
        if let Some(members) = schema.as_object_mut() {
            members.shift_remove("$schema");
            // What refers within it must find it by the document's address.
            if let Some(id) = members.shift_remove("$id") {
                members.insert("x-contract".to_owned(), id);
            }
        }
        within(&mut schema, &name);
        schemas.insert(name, schema);
    }
    Ok(())
}

/// Has references within a schema begin at the document's root.
fn within(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(members) => {
            for (member, value) in members {
                match value {
                    Value::String(text) if member == "$ref" => {
                        if let Some(rest) = text.strip_prefix("#/") {
                            *text = format!("#/components/schemas/{name}/{rest}");
                        }
                    }
                    other => within(other, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| within(item, name)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
