//! What is answered, in the words of SOAP: bodies with receipts, faults with problems.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use contracts::{Problem, Receipt};
use quick_xml::escape::escape;

use super::block::Name;
use super::envelope::Version;
use super::kinds;
use super::security::{WSSE, WSU};
use crate::rest::problem::{ProblemResponse, note};

/// The namespace of receipts and problems.
pub(super) const RECEIPT: &str = "urn:lienthong:receipt:1";
/// The namespace of WS-Addressing.
pub(super) const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";

/// Whose fault it is, in SOAP's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Code {
    /// A version that is not spoken.
    VersionMismatch,
    /// A demanded header that is not understood.
    MustUnderstand(Vec<Name>),
    /// The sender's; with the code that WS-Security has for it.
    Sender(Option<&'static str>),
    /// The hub's: the same may be sent again.
    Receiver,
}

/// What the sender of an envelope is told to expect of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) version: Version,
    /// The id of the message that is answered, where it is to be named.
    pub(super) relates_to: Option<&'a str>,
}

/// The answer to what was taken, at least in part.
pub(super) fn taken(asked: Asked<'_>, operation: &Name, receipt: &Receipt) -> Response {
    let Name { namespace, local } = operation;
    let mut body = String::new();
    let (prefix, declared) = match namespace.is_empty() {
        true => ("", String::new()),
        false => ("m:", format!(" xmlns:m=\"{}\"", escape(namespace))),
    };
    body.push_str(&format!("<{prefix}{local}Response{declared}>"));
    push_receipt(&mut body, receipt);
    body.push_str(&format!("</{prefix}{local}Response>"));
    let action = action(namespace, &format!("{local}Response"));
    let text = envelope(asked, &action, &body);
    let mut response = Response::new(text.into());
    let media_type = HeaderValue::from_static(asked.version.media_type());
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    note(response.headers_mut(), receipt);
    response
}

/// The answer to what was not taken.
pub(super) fn fault(asked: Asked<'_>, code: &Code, problem: ProblemResponse) -> Response {
    let version = asked.version;
    let (subcode, status) = match (version, code) {
        (Version::V12, Code::Sender(subcode)) => (*subcode, StatusCode::BAD_REQUEST),
        (_, Code::Sender(subcode)) => (*subcode, StatusCode::INTERNAL_SERVER_ERROR),
        _ => (None, StatusCode::INTERNAL_SERVER_ERROR),
    };
    let (vi, en) = (problem.text("title"), problem.text("title_en"));
    let mut detail = String::new();
    push_problem(&mut detail, &problem);
    let body = match version {
        Version::V11 => {
            let code = match code {
                Code::VersionMismatch => "soap:VersionMismatch",
                Code::MustUnderstand(_) => "soap:MustUnderstand",
                Code::Sender(_) => subcode.unwrap_or("soap:Client"),
                Code::Receiver => "soap:Server",
            };
            format!(
                "<soap:Fault><faultcode xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\">{code}\
                 </faultcode><faultstring xml:lang=\"vi\">{} / {}</faultstring>\
                 <detail>{detail}</detail></soap:Fault>",
                escape(vi),
                escape(en)
            )
        }
        Version::V12 => {
            let value = match code {
                Code::VersionMismatch => "soap:VersionMismatch",
                Code::MustUnderstand(_) => "soap:MustUnderstand",
                Code::Sender(_) => "soap:Sender",
                Code::Receiver => "soap:Receiver",
            };
            let subcode = subcode.map(|subcode| {
                format!(
                    "<soap:Subcode><soap:Value xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\">{subcode}\
                     </soap:Value></soap:Subcode>"
                )
            });
            format!(
                "<soap:Fault><soap:Code><soap:Value>{value}</soap:Value>{}</soap:Code>\
                 <soap:Reason><soap:Text xml:lang=\"vi\">{}</soap:Text>\
                 <soap:Text xml:lang=\"en\">{}</soap:Text></soap:Reason>\
                 <soap:Detail>{detail}</soap:Detail></soap:Fault>",
                subcode.unwrap_or_default(),
                escape(vi),
                escape(en)
            )
        }
    };
    let text = fault_envelope(asked, code, &body);
    problem.told_as(status, version.media_type(), text)
}

/// An envelope around a fault; in SOAP 1.2 it names the headers that were not understood.
fn fault_envelope(asked: Asked<'_>, code: &Code, body: &str) -> String {
    let action = format!("{ADDRESSING}/fault");
    let named = match (asked.version, code) {
        (Version::V12, Code::MustUnderstand(names)) => names.as_slice(),
        _ => return envelope(asked, &action, body),
    };
    let mut headers = String::new();
    for Name { namespace, local } in named {
        headers.push_str(&format!(
            "<soap:NotUnderstood xmlns:h=\"{}\" qname=\"h:{}\"/>",
            escape(namespace),
            escape(local)
        ));
    }
    wrapped(asked.version, &headers, body)
}

fn envelope(asked: Asked<'_>, action: &str, body: &str) -> String {
    let headers = asked.relates_to.map(|id| {
        format!(
            "<wsa:Action xmlns:wsa=\"{ADDRESSING}\">{}</wsa:Action>\
             <wsa:RelatesTo xmlns:wsa=\"{ADDRESSING}\">{}</wsa:RelatesTo>",
            escape(action),
            escape(id)
        )
    });
    wrapped(asked.version, &headers.unwrap_or_default(), body)
}

fn wrapped(version: Version, headers: &str, body: &str) -> String {
    let header = match headers {
        "" => String::new(),
        headers => format!("<soap:Header>{headers}</soap:Header>"),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope xmlns:soap=\"{}\">{header}\
         <soap:Body>{body}</soap:Body></soap:Envelope>",
        version.namespace()
    )
}

/// The address of an action: namespace and name, as most frameworks put them together.
pub(super) fn action(namespace: &str, local: &str) -> String {
    match namespace.is_empty() || namespace.ends_with('/') {
        true => format!("{namespace}{local}"),
        false => format!("{namespace}/{local}"),
    }
}

fn push(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>{}</{name}>", escape(text)));
}

fn push_some(out: &mut String, name: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        push(out, name, text);
    }
}

fn push_problem(out: &mut String, problem: &ProblemResponse) {
    out.push_str(&format!("<Problem xmlns=\"{RECEIPT}\">"));
    let code = problem.text("code");
    push(out, "Code", code);
    push(out, "Title", problem.text("title"));
    push(out, "TitleEn", problem.text("title_en"));
    push_some(out, "Detail", Some(problem.text("detail")));
    push_some(out, "DetailEn", Some(problem.text("detail_en")));
    let (vi, en) = kinds::advice(code, (problem.text("advice"), problem.text("advice_en")));
    push(out, "Advice", vi);
    push(out, "AdviceEn", en);
    let seconds = problem.header_value(&RETRY_AFTER).and_then(|value| value.to_str().ok());
    push_some(out, "RetryAfterSeconds", seconds);
    if let Some(receipt) = problem.receipt() {
        push_receipt(out, receipt);
    }
    out.push_str("</Problem>");
}

fn push_receipt(out: &mut String, receipt: &Receipt) {
    out.push_str(&format!("<Receipt xmlns=\"{RECEIPT}\">"));
    push(out, "Source", &receipt.source);
    push(out, "Id", &receipt.id);
    push(out, "Outcome", receipt.outcome.as_str());
    push_some(out, "First", receipt.first.map(|first| first.as_str()));
    push(out, "RecordedAt", &receipt.recorded_at.to_string());
    push(out, "Records", &receipt.records.to_string());
    push(out, "Refused", &receipt.refused.to_string());
    for refusal in &receipt.refusals {
        out.push_str("<Refusal>");
        push_some(out, "Record", number(refusal.record).as_deref());
        refusal.problems.iter().for_each(|problem| push_fault(out, problem));
        out.push_str("</Refusal>");
    }
    out.push_str("</Receipt>");
}

fn number(number: Option<u32>) -> Option<String> {
    number.map(|number| number.to_string())
}

fn push_fault(out: &mut String, problem: &Problem) {
    let Problem { code, pointer, place, rule, value, detail, advice } = problem;
    out.push_str("<Fault>");
    push(out, "Code", code);
    push_some(out, "Pointer", Some(pointer));
    push_some(out, "Line", number(place.line).as_deref());
    push_some(out, "Column", number(place.column).as_deref());
    push_some(out, "Path", place.path.as_deref());
    push_some(out, "Record", number(place.record).as_deref());
    push_some(out, "Rule", Some(rule));
    push_some(out, "Value", value.as_deref());
    push(out, "Detail", &detail.vi);
    push(out, "DetailEn", &detail.en);
    push(out, "Advice", &advice.vi);
    push(out, "AdviceEn", &advice.en);
    out.push_str("</Fault>");
}
