//! What every answer has in common: problems, and the headers that tell what it is true at.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{
    IntoResponses,
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
};

use adapters::rest::problem::MEDIA_TYPE;

/// The schema of problems, among the components.
const PROBLEM: &str = "#/components/schemas/Problem";

macro_rules! problems {
    ($($name:ident $status:literal $vi:literal $en:literal;)*) => {$(
        #[doc = $en]
        #[derive(Debug)]
        pub(in crate::api) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let content = Content::new(Some(Ref::new(PROBLEM)));
                let text = concat!($vi, "\n\n", $en);
                let response = ResponseBuilder::new().description(text);
                let response = response.content(MEDIA_TYPE, content).build();
                BTreeMap::from([($status.to_owned(), response.into())])
            }
        }
    )*};
}

problems! {
    Unreadable "400"
        "Yêu cầu không đọc được; trường detail nêu cần gửi gì."
        "The request cannot be read; the member detail says what to send.";
    Forbidden "403"
        "Khóa này không được làm việc đó hoặc không được xem dữ liệu đó."
        "This key may not do that, or may not see it.";
    NotFound "404"
        "Không tìm thấy, hoặc khóa này không được xem."
        "Nothing was found that this key may see.";
    TooSlow "408"
        "Nội dung đến quá chậm; chưa có gì được ghi nhận."
        "The body came too slowly; nothing was kept.";
    Conflict "409"
        "Trái với điều đã có: trường code nêu vì sao."
        "It contradicts what is there: the member code says why.";
    Gone "410"
        "Con trỏ thuộc về điều không còn nữa: trường code nêu đọc tiếp từ đâu."
        "The cursor is of what is there no more: the member code says where to go on.";
    TooLarge "413"
        "Nội dung lớn hơn giới hạn."
        "The body is larger than the limit.";
    TypeNotTaken "415"
        "Loại hoặc kiểu nén của nội dung không được nhận."
        "A body of this type or encoding is not taken.";
    Unfit "422"
        "Nội dung có điều sai: trường faults nêu từng thành phần, quy tắc và cách sửa."
        "Something in the body is wrong: the member faults names each member, rule and remedy.";
    TooOften "429"
        "Gọi quá nhiều lần; gọi lại sau Retry-After."
        "Too many calls; call again after Retry-After.";
    NotOffered "501"
        "Hệ thống này không có chức năng đó."
        "This hub does not offer that.";
    Unavailable "503"
        "Tạm thời chưa trả lời được; gọi lại sau Retry-After."
        "It cannot be answered now; call again after Retry-After.";
    Full "507"
        "Đã dùng hết dung lượng."
        "All the room there is has been used.";
}

/// The asker has the answer already.
#[derive(Debug)]
pub(in crate::api) enum Unchanged {}

impl IntoResponses for Unchanged {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let text = "Không đổi so với bản có ETag trong If-None-Match; không có nội dung.\n\n\
                    The same as what bears the ETag in If-None-Match; without a body.";
        let response = ResponseBuilder::new().description(text).build();
        BTreeMap::from([("304".to_owned(), response.into())])
    }
}

/// A problem's answer, where only its text is known.
pub(super) fn problem(vi: &str, en: &str) -> Value {
    json!({ "description": format!("{vi}\n\n{en}"),
            "content": { MEDIA_TYPE: { "schema": { "$ref": PROBLEM } } } })
}

fn header(kind: &str, vi: &str, en: &str) -> Value {
    json!({ "description": format!("{vi}\n\n{en}"), "schema": { "type": kind } })
}

/// Headers of answers, each once.
pub(super) fn headers() -> Value {
    json!({
        "X-Request-Id": header("string",
            "Mã của lần gọi này; nêu mã này khi báo lỗi.",
            "The id of this call, to be named when something is reported."),
        "X-Journal-Position": header("integer",
            "Vị trí nhật ký mà câu trả lời đúng tại đó.",
            "The position of the journal at which the answer is true."),
        "ETag": header("string",
            "Gửi lại trong If-None-Match để chỉ nhận nội dung khi đã đổi.",
            "To be sent in If-None-Match, so that only what is new is answered."),
        "Link": header("string",
            "Địa chỉ trang sau: <…>; rel=\"next\".",
            "The address of the next page: <…>; rel=\"next\"."),
        "Retry-After": header("integer",
            "Gọi lại sau số giây này.", "Call again after so many seconds."),
        "WWW-Authenticate": header("string", "Cách xác thực.", "How to authenticate."),
        "Location": header("string", "Địa chỉ của điều vừa tạo.", "The address of what was made."),
    })
}

/// Adds to an operation what every one has, and what follows from what it says of itself;
/// `is_marked` where its answers tell the position that they are true at.
pub(super) fn complete(operation: &mut Map<String, Value>, is_marked: bool) {
    let is_open = operation.get("security").is_some();
    if !is_open {
        operation.insert("security".to_owned(), json!([{ "key": [] }, { "oauth": [] }]));
    }
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let has = |place: &str, name: &str| {
        parameters
            .into_iter()
            .flatten()
            .any(|one| one["in"] == place && (name.is_empty() || one["name"] == name))
    };
    let (in_path, pages) = (has("path", ""), has("query", "cursor") || has("query", "after"));
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    refusals(responses, is_open, in_path);
    let is_marked = is_marked || responses.contains_key("304");
    told(responses, (is_marked, is_open, pages));
}

/// Adds how every operation may be refused.
fn refusals(responses: &mut Map<String, Value>, is_open: bool, in_path: bool) {
    let mut answer = |status: &str, vi: &str, en: &str| {
        responses.entry(status).or_insert_with(|| problem(vi, en));
    };
    if !is_open {
        answer(
            "400",
            "Yêu cầu không đọc được hoặc tham số sai; trường parameter nêu tham số nào.",
            "The request cannot be read or a parameter is wrong; the member parameter names it.",
        );
        answer(
            "401",
            "Thiếu khóa truy cập, hoặc khóa không còn hiệu lực.",
            "The access key is missing or no longer valid.",
        );
        answer(
            "403",
            "Khóa không có phạm vi cần cho việc này, hoặc không được xem dữ liệu đó.",
            "The key lacks the scope that this takes, or may not see it.",
        );
        answer(
            "429",
            "Khóa sai quá nhiều lần từ địa chỉ này; gọi lại sau Retry-After.",
            "Too many wrong keys from this address; call again after Retry-After.",
        );
        answer(
            "503",
            "Tạm thời chưa trả lời được; gọi lại sau Retry-After.",
            "It cannot be answered now; call again after Retry-After.",
        );
        if in_path {
            let (vi, en) = (
                "Không tìm thấy, hoặc khóa này không được xem.",
                "Nothing was found that this key may see.",
            );
            answer("404", vi, en);
        }
    }
    responses.entry("431").or_insert_with(|| {
        let (vi, en) =
            ("Địa chỉ hoặc tiêu đề quá dài.", "The address or the headers are too long.");
        json!({ "description": format!("{vi}\n\n{en}") })
    });
}

/// Adds the headers that answers have.
fn told(responses: &mut Map<String, Value>, (is_marked, is_open, pages): (bool, bool, bool)) {
    for (status, response) in responses.iter_mut() {
        // What is too long is refused before it is a request.
        let Some(response) = response.as_object_mut().filter(|_| status != "431") else { continue };
        let told = response.entry("headers").or_insert_with(|| json!({}));
        let mut tell = |name: &str| {
            told[name] = json!({ "$ref": format!("#/components/headers/{name}") });
        };
        tell("X-Request-Id");
        let is_read = matches!(status.as_str(), "200" | "201" | "202" | "300" | "304");
        if is_read && is_marked {
            tell("ETag");
        }
        if is_read && is_marked && !is_open {
            tell("X-Journal-Position");
        }
        match status.as_str() {
            "200" if pages => tell("Link"),
            "401" | "403" => tell("WWW-Authenticate"),
            "429" | "503" => tell("Retry-After"),
            _ => {}
        }
    }
}
