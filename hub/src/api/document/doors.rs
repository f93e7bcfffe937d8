//! The doors by which messages come in: their routes are `adapters`', which knows nothing of this
//! document, so they are described here. A test compares both lists.

use adapters::{dialect::lgsp, rest::problem::MEDIA_TYPE};
use serde_json::{Map, Value, json};
use utoipa::openapi::path::Parameter;

use super::{
    answers::{complete, problem},
    params::{header, named},
    tags,
};
use crate::hub::generation::{OWN, TOKENS};

/// One call at a door.
struct Call {
    id: String,
    tag: &'static str,
    summary: &'static str,
    description: String,
    parameters: Vec<Parameter>,
    body: Value,
    answers: Vec<(&'static str, Value)>,
    /// Whether it wants no key in its header.
    is_open: bool,
}

impl Call {
    fn told(self) -> Value {
        let Self { id, tag, summary, description, parameters, body, answers, is_open } = self;
        let answers: Map<String, Value> =
            answers.into_iter().map(|(status, answer)| (status.to_owned(), answer)).collect();
        let mut told = json!({
            "operationId": id, "tags": [tag], "summary": summary, "description": description,
            "parameters": parameters, "responses": answers,
        });
        if !body.is_null() {
            told["requestBody"] = body;
        }
        if is_open {
            told["security"] = json!([{}]);
        }
        if let Some(operation) = told.as_object_mut() {
            complete(operation, false);
        }
        told
    }
}

fn schema(name: &str) -> Value {
    json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } })
}

fn body(content: Value) -> Value {
    json!({ "required": true, "content": content })
}

fn answer(vi: &str, en: &str, content: Value) -> Value {
    json!({ "description": format!("{vi}\n\n{en}"), "content": content })
}

/// What every door over HTTP may answer instead of a receipt.
fn refusals() -> Vec<(&'static str, Value)> {
    [
        ("400", "Yêu cầu không đọc được.", "The request cannot be read."),
        ("401", "Thiếu khóa, hoặc khóa không còn hiệu lực.", "The key is missing or not valid."),
        ("403", "Khóa không được gửi vào kênh này.", "The key may not send to this channel."),
        ("408", "Nội dung đến quá chậm.", "The body came too slowly."),
        ("409", "Mã thông điệp đã dùng cho nội dung khác.", "The id was used for other content."),
        ("413", "Nội dung lớn hơn giới hạn.", "The body is larger than the limit."),
        ("415", "Kiểu nén không được nhận.", "The encoding is not taken."),
        ("422", "Không bản ghi nào được ghi nhận.", "No record was stored: see receipt.refusals."),
        ("429", "Quá nhiều yêu cầu cùng lúc.", "Too many requests are under way."),
        ("503", "Tạm thời chưa nhận được.", "It cannot be taken now; call again."),
    ]
    .map(|(status, vi, en)| (status, problem(vi, en)))
    .to_vec()
}

fn idempotency_key() -> Parameter {
    header(
        "Idempotency-Key",
        "^[!-~]+$",
        "Mã riêng của thông điệp: gửi lại cùng mã và cùng nội dung thì không ghi hai lần.",
        "The message's own id: sent again with the same content it is not stored twice.",
    )
}

fn taken(schema_name: &str) -> (&'static str, Value) {
    let content = json!({ "application/json": schema(schema_name) });
    let vi = "Đã nhận, toàn bộ hoặc một phần; biên nhận nêu từng bản ghi bị từ chối.";
    ("200", answer(vi, "Taken, at least in part: the receipt names what was refused.", content))
}

fn with(
    first: (&'static str, Value),
    rest: Vec<(&'static str, Value)>,
) -> Vec<(&'static str, Value)> {
    std::iter::once(first).chain(rest).collect()
}

/// Any bytes that the channel's mapping reads.
fn payload() -> Value {
    let any = json!({ "schema": {} });
    let (json, xml, csv) = (any.clone(), any.clone(), any.clone());
    body(json!({ "application/json": json, "application/xml": xml, "text/csv": csv,
                 "application/octet-stream": any }))
}

fn push() -> Value {
    Call {
        id: "sendMessage".to_owned(),
        tag: tags::MESSAGES,
        summary: "Send one message of a channel",
        description:
            "Gửi một thông điệp vào kênh: nội dung theo khuôn dạng riêng của cơ quan, như \
                      ánh xạ của kênh khai báo. Có thể nén gzip. Trả lời là biên nhận."
                .to_owned(),
        parameters: vec![
            named("channel", "so-y-te.ho-so", "Kênh: CƠ-QUAN.TÊN.", "The channel: AGENCY.NAME."),
            idempotency_key(),
        ],
        body: payload(),
        answers: with(taken("Receipt"), refusals()),
        is_open: false,
    }
    .told()
}

/// What is posted to the hub's own channels.
fn own(name: &str) -> Value {
    let (id, contract, summary, vi) = match name {
        "feedback" => (
            "sendFeedback",
            "feedback.v1",
            "Send feedback",
            "Gửi một phản ánh hoặc đánh giá của người dân.",
        ),
        _ => (
            "sendFeedbackAnswer",
            "feedback-answer.v1",
            "Send the answer to a feedback",
            "Trả lời một phản ánh.",
        ),
    };
    Call {
        id: id.to_owned(),
        tag: tags::FEEDBACK,
        summary,
        description: format!("{vi} Trả lời là biên nhận."),
        parameters: vec![idempotency_key()],
        body: body(json!({ "application/json": schema(contract) })),
        answers: with(taken("Receipt"), refusals()),
        is_open: false,
    }
    .told()
}

/// What is addressed to somebody.
fn letter(
    (id, summary, vi): (&str, &'static str, &str),
    (contract, receipt): (&str, &str),
    about: Option<Parameter>,
) -> Value {
    let mut parameters: Vec<Parameter> = about.into_iter().collect();
    parameters.push(idempotency_key());
    let (status, mut told) = taken(receipt);
    told["headers"] = json!({ "Location": { "$ref": "#/components/headers/Location" } });
    Call {
        id: id.to_owned(),
        tag: tags::EXCHANGE,
        summary,
        description: format!("{vi} Trả lời là biên nhận, cùng mã của điều được gửi."),
        parameters,
        body: body(json!({ "application/json": schema(contract) })),
        answers: with((status, told), refusals()),
        is_open: false,
    }
    .told()
}

fn token(address: &str) -> Value {
    let form = "application/x-www-form-urlencoded";
    let fault =
        |vi: &str, en: &str| answer(vi, en, json!({ "application/json": schema("TokenFault") }));
    let (id, summary) = match address {
        "/token" => ("giveToken", "A token for a key's id and secret (OAuth 2 client credentials)"),
        _ => ("giveTokenLgsp", "LGSP: a token for a key's id and secret"),
    };
    Call {
        id: id.to_owned(),
        tag: tags::DOORS,
        summary,
        description: "Đổi mã và phần bí mật của khóa lấy một token có hạn, theo RFC 6749 §4.4. \
                      Khóa có dạng ltk_MÃ_BÍMẬT. Lỗi theo RFC 6749 §5.2."
            .to_owned(),
        parameters: Vec::new(),
        body: body(
            json!({ form: schema("TokenRequest"), "application/json": schema("TokenRequest") }),
        ),
        answers: vec![
            ("200", answer("Token.", "The token.", json!({ "application/json": schema("Token") }))),
            (
                "400",
                json!({
                    "description": "Yêu cầu không đúng.\n\nThe request is not right.",
                    "content": { "application/json": schema("TokenFault"),
                                 MEDIA_TYPE: schema("Problem") },
                }),
            ),
            ("401", fault("Sai mã hoặc bí mật.", "The id or the secret is wrong.")),
            ("408", problem("Nội dung đến quá chậm.", "The body came too slowly.")),
            ("413", problem("Nội dung lớn hơn giới hạn.", "The body is larger than the limit.")),
            ("415", problem("Kiểu nén không được nhận.", "The encoding is not taken.")),
            ("503", problem("Tạm thời chưa nhận được.", "It cannot be taken now; call again.")),
        ],
        is_open: true,
    }
    .told()
}

const LGSP_JSON: &str = "application/json; charset=utf-8";

fn lgsp(operation: &str) -> Value {
    let told = |vi: &str, en: &str| answer(vi, en, json!({ LGSP_JSON: schema("LgspAnswer") }));
    let answers = refusals().into_iter().map(|(status, other)| {
        let (vi, en) = other["description"]
            .as_str()
            .and_then(|text| text.split_once("\n\n"))
            .unwrap_or_default();
        (status, told(vi, en))
    });
    let summary = match operation {
        "SyncDocument" => "LGSP: dossiers",
        "UpdateDocumentTraces" => "LGSP: what happened to dossiers",
        "UpdateStatistic" => "LGSP: an agency's own numbers",
        _ => "LGSP: what citizens voted",
    };
    Call {
        id: format!("lgsp{operation}"),
        tag: tags::DOORS,
        summary,
        description: "Lời gọi theo LGSP của tỉnh; nội dung theo khuôn dạng của LGSP, trả lời \
                      {\"Status\", \"Message\"}. Địa chỉ này cũng nhận một dấu cách (%20) ở cuối."
            .to_owned(),
        parameters: vec![idempotency_key()],
        body: body(json!({ "application/json": { "schema": {} } })),
        answers: with(("200", told("Đã nhận.", "Taken.")), answers.collect()),
        is_open: false,
    }
    .told()
}

fn dvcqg((id, summary): (&str, &'static str), description: &str, schemas: (&str, &str)) -> Value {
    let told = |vi: &str, en: &str| answer(vi, en, json!({ LGSP_JSON: schema(schemas.1) }));
    Call {
        id: id.to_owned(),
        tag: tags::DOORS,
        summary,
        description: description.to_owned(),
        parameters: vec![idempotency_key()],
        body: body(json!({ "application/json": schema(schemas.0) })),
        answers: vec![
            ("200", told("Kết quả theo error_code.", "The verdict is in error_code.")),
            ("429", told("Quá nhiều yêu cầu cùng lúc.", "Too many requests are under way.")),
            ("503", told("Tạm thời chưa nhận được.", "It cannot be taken now; call again.")),
        ],
        is_open: true,
    }
    .told()
}

fn soap() -> Value {
    let (v11, v12) = ("text/xml; charset=utf-8", "application/soap+xml; charset=utf-8");
    let text = || json!({ "schema": { "type": "string" } });
    let envelope = || json!({ v11: text(), v12: text() });
    let channel = || named("channel", "so-ke-hoach-dau-tu.ho-so", "Kênh.", "The channel.");
    let wsdl = Call {
        id: "describeSoap".to_owned(),
        tag: tags::DOORS,
        summary: "The WSDL of a channel that takes SOAP",
        description: "WSDL của kênh nhận SOAP; gọi với ?wsdl. Không cần khóa.".to_owned(),
        parameters: vec![channel(), super::params::flag("wsdl")],
        body: Value::Null,
        answers: vec![
            ("200", answer("WSDL.", "The WSDL.", json!({ v11: text() }))),
            ("404", json!({ "description": "Không có kênh đó.\n\nThere is no such channel." })),
        ],
        is_open: true,
    };
    let call = Call {
        id: "callSoap".to_owned(),
        tag: tags::DOORS,
        summary: "A call over SOAP 1.1 or 1.2",
        description: "Gửi một thông điệp qua SOAP 1.1 hoặc 1.2; khóa trong WS-Security hoặc trong \
                      Authorization. Lỗi là một Fault; SOAP 1.1 quy định mã HTTP của Fault là 500."
            .to_owned(),
        parameters: vec![channel()],
        body: body(envelope()),
        answers: vec![
            ("200", answer("Biên nhận.", "The receipt, in the call's own form.", envelope())),
            ("400", answer("Fault của SOAP 1.2.", "A fault of SOAP 1.2.", envelope())),
            ("500", answer("Fault.", "A fault.", envelope())),
        ],
        is_open: true,
    };
    json!({ "get": wsdl.told(), "post": call.told() })
}

/// Adds the doors to the paths of the document.
pub(super) fn add(paths: &mut Map<String, Value>) {
    let mut post = |path: &str, told: Value| {
        if let Some(item) = paths.entry(path).or_insert_with(|| json!({})).as_object_mut() {
            item.insert("post".to_owned(), told);
        }
    };
    post("/v1/channels/{channel}/messages", push());
    for (address, name) in OWN {
        post(address, own(name));
    }
    let id = |vi, en| Some(named("id", "so-y-te~yc-1", vi, en));
    let request = (
        "sendRequest",
        "Ask other agencies for something",
        "Gửi yêu cầu phối hợp tới cơ quan khác; mã yêu cầu được tạo từ Idempotency-Key.",
    );
    post("/v1/requests", letter(request, ("RequestPost", "RequestReceipt"), None));
    let reply = ("replyToRequest", "Reply to a request", "Trả lời một yêu cầu phối hợp.");
    let about = id("Mã yêu cầu.", "The request.");
    post("/v1/requests/{id}/replies", letter(reply, ("ReplyPost", "RequestReceipt"), about));
    let application = (
        "sendApplication",
        "File an application at an agency",
        "Cổng nộp hồ sơ trực tuyến tới cơ quan; mã được tạo từ Idempotency-Key.",
    );
    let told = ("ApplicationPost", "ApplicationReceipt");
    post("/v1/applications", letter(application, told, None));
    let acknowledged = (
        "acknowledgeApplication",
        "Say what became of an application",
        "Hệ thống của cơ quan báo tiếp nhận hoặc từ chối hồ sơ nộp trực tuyến.",
    );
    let (told, about) =
        (("AcknowledgementPost", "ApplicationReceipt"), id("Mã hồ sơ nộp.", "The application."));
    post("/v1/applications/{id}/acknowledgement", letter(acknowledged, told, about));
    for address in TOKENS {
        post(address, token(address));
    }
    for (address, operation) in lgsp::CALLS {
        post(&format!("/lgsp{address}"), lgsp(operation));
    }
    post(
        "/dvcqg/login",
        dvcqg(
            ("dvcqgLogin", "The national portal: logging in"),
            "Đăng nhập theo Cổng Dịch vụ công quốc gia: tên là mã khóa, mật khẩu là phần bí mật.",
            ("DvcqgLogin", "DvcqgSession"),
        ),
    );
    post(
        "/dvcqg/service",
        dvcqg(
            ("dvcqgCall", "The national portal: dossiers and their progress"),
            "Lời gọi theo Cổng Dịch vụ công quốc gia; kết quả ở error_code, mã HTTP là 200 trừ \
         khi phải gửi lại sau.",
            ("DvcqgCall", "DvcqgAnswer"),
        ),
    );
    paths.insert("/soap/{channel}".to_owned(), soap());
}
