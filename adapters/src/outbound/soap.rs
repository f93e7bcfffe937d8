//! To an agency's web service: the message is the one element of a SOAP Body.
//!
//! The message's id goes as `MessageID` of WS-Addressing and as `Idempotency-Key`. A Fault says by
//! its code what is done next: a fault of the client's buries the message, one of the server's has
//! it come again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use quick_xml::{escape::escape, events::Event};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};

use super::{
    Answer, Class, Failure, Message, Outbound, Secret,
    rest::{self, Reply, Rest, Unusable},
};
use crate::soap::{Block, Markup, Version, WSSE, envelope};

const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
const ACTION: HeaderName = HeaderName::from_static("soapaction");

/// Letters of a Fault that are told.
const TOLD_CHARS_MAX: usize = 400;

/// How a web service is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// SOAP 1.1 or 1.2.
    pub version: Version,
    /// What `SOAPAction` says.
    pub action: String,
    /// The namespace of the Body's element, where its form has none.
    pub namespace: Option<String>,
}

/// The way to a web service.
pub struct Soap {
    rest: Rest,
    call: Call,
    /// Name and password of a UsernameToken, where it is shown.
    token: Option<(String, Secret)>,
}

impl Soap {
    /// Makes ready; connects to nothing.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(
        call: Call,
        settings: rest::Settings,
        token: Option<(String, Secret)>,
    ) -> Result<Self, Unusable> {
        Ok(Self { rest: Rest::new(settings)?, call, token })
    }

    fn envelope(&self, message: &Message) -> Result<Bytes, Failure> {
        let unfit = |_| Failure::new(Class::Refused, "what is to be sent is no UTF-8");
        let payload = std::str::from_utf8(&message.payload).map_err(unfit)?;
        let payload = named(without_declaration(payload), self.call.namespace.as_deref());
        let namespace = self.call.version.namespace();
        let (id, mut security) = (escape(&message.id), String::new());
        if let Some((user, secret)) = &self.token {
            let (user, password) = (escape(user), secret.read()?);
            security = format!(
                "<wsse:Security xmlns:wsse=\"{WSSE}\" soap:mustUnderstand=\"1\">\
                 <wsse:UsernameToken><wsse:Username>{user}</wsse:Username>\
                 <wsse:Password>{}</wsse:Password></wsse:UsernameToken></wsse:Security>",
                escape(&password)
            );
        }
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"{namespace}\">\
             <soap:Header><wsa:MessageID xmlns:wsa=\"{ADDRESSING}\">urn:lienthong:{id}\
             </wsa:MessageID>{security}</soap:Header><soap:Body>{payload}</soap:Body>\
             </soap:Envelope>"
        );
        Ok(text.into())
    }

    fn headers(&self, message: &Message) -> Result<HeaderMap, Failure> {
        let mut headers = rest::headers(message)?;
        let unfit = |_| Failure::new(Class::Denied, "the action makes no header");
        let (kind, action) = (self.call.version.media_type(), &self.call.action);
        let kind = match self.call.version {
            Version::V11 => {
                let quoted = HeaderValue::from_str(&format!("\"{action}\"")).map_err(unfit)?;
                headers.insert(ACTION, quoted);
                HeaderValue::from_static(kind)
            }
            Version::V12 if action.is_empty() => HeaderValue::from_static(kind),
            Version::V12 => {
                HeaderValue::from_str(&format!("{kind}; action=\"{action}\"")).map_err(unfit)?
            }
        };
        headers.insert(CONTENT_TYPE, kind);
        Ok(headers)
    }

    async fn deliver(&self, message: &Message) -> Result<Answer, Failure> {
        let (envelope, headers) = (self.envelope(message)?, self.headers(message)?);
        judged(self.rest.exchange(envelope, headers).await?)
    }
}

/// An element as it may stand inside another document.
fn without_declaration(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => text,
    }
}

/// An element in a namespace.
fn named(element: &str, namespace: Option<&str>) -> String {
    let Some(namespace) = namespace else { return element.to_owned() };
    let end = element.find([' ', '>', '/']).unwrap_or(element.len());
    let (name, rest) = element.split_at(end);
    format!("{name} xmlns=\"{}\"{rest}", escape(namespace))
}

/// What an answer means.
fn judged(reply: Reply) -> Result<Answer, Failure> {
    let status = reply.status;
    // Who does not know us says so in many ways, and not always in an envelope.
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return reply.judged();
    }
    match envelope::read(&reply.body, &reply.content_type) {
        Ok(read) if read.operation.is(read.version.namespace(), "Fault") => {
            Err(fault(&read.payload, reply.retry_after))
        }
        Ok(read) if status.is_success() => Ok(Answer { body: read.payload }),
        // Taken and answered with nothing, as services do that only take.
        Err(_) if status.is_success() && reply.body.is_empty() => Ok(Answer::default()),
        Err(_) if status.is_success() => {
            Err(Failure::new(Class::Unknown, "the answer is no SOAP: nobody knows what it means"))
        }
        _ => reply.judged(),
    }
}

/// A Fault, by the last part of its code.
fn fault(payload: &Bytes, retry_after: Option<Duration>) -> Failure {
    let text = String::from_utf8_lossy(payload);
    let mut markup = Markup::new(&text);
    let block = match markup.next() {
        Ok(Event::Start(tag)) => markup.block(&tag, false).ok(),
        _ => None,
    };
    let Some(block) = block else {
        return Failure::new(Class::Unavailable, "a Fault that cannot be read");
    };
    let codes = codes(&block);
    let said = |word: &str| codes.iter().any(|code| code.contains(word));
    let ours = ["Authentication", "Security", "FailedCheck", "MustUnderstand", "VersionMismatch"];
    let class = if ours.into_iter().any(said) {
        Class::Denied
    } else if said("Client") || said("Sender") {
        Class::Refused
    } else {
        Class::Unavailable
    };
    let words = within(&block, &["faultstring"]).or_else(|| within(&block, &["Reason", "Text"]));
    let words = words.map(|block| block.text.trim()).unwrap_or_default();
    let shown = words.chars().filter(|c| !c.is_control()).take(TOLD_CHARS_MAX);
    let told = format!("Fault {}: {}", codes.join("/"), shown.collect::<String>());
    Failure { class, told, retry_after }
}

/// The code and its subcodes, without prefixes.
fn codes(fault: &Block) -> Vec<&str> {
    let mut found = Vec::from_iter(within(fault, &["faultcode"]));
    let mut level = within(fault, &["Code"]);
    while let Some(code) = level {
        found.extend(within(code, &["Value"]));
        level = within(code, &["Subcode"]);
    }
    let local = |block: &'_ Block| block.text.trim().rfind(':').map_or(0, |at| at + 1);
    found.into_iter().map(|block| block.text.trim().get(local(block)..).unwrap_or("")).collect()
}

/// The block along a way of names, whatever their namespaces.
fn within<'b>(block: &'b Block, way: &[&str]) -> Option<&'b Block> {
    way.iter().try_fold(block, |block, name| {
        block.children.iter().find(|child| child.name.local == *name)
    })
}

impl Outbound for Soap {
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move { self.deliver(&message).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            content_type: "text/xml; charset=utf-8".to_owned(),
            retry_after: None,
            body: Bytes::from(body.to_owned()),
        }
    }

    fn v11(body: &str) -> String {
        let namespace = Version::V11.namespace();
        format!("<s:Envelope xmlns:s=\"{namespace}\"><s:Body>{body}</s:Body></s:Envelope>")
    }

    fn v12(code: &str) -> String {
        let namespace = Version::V12.namespace();
        format!(
            "<s:Envelope xmlns:s=\"{namespace}\"><s:Body><s:Fault><s:Code>{code}</s:Code>\
             <s:Reason><s:Text xml:lang=\"vi\">Sai</s:Text></s:Reason></s:Fault></s:Body>\
             </s:Envelope>"
        )
    }

    #[test]
    fn an_answer_is_judged_by_its_fault_and_not_by_its_status() {
        let told = |code: &str| {
            v11(&format!(
                "<s:Fault><faultcode>{code}</faultcode><faultstring>Thiếu</faultstring></s:Fault>"
            ))
        };
        for (status, body, expected) in [
            (200, told("s:Client"), Some(Class::Refused)),
            (500, told("s:Client"), Some(Class::Refused)),
            (500, told("s:Server"), Some(Class::Unavailable)),
            (500, told("s:Client.Authentication"), Some(Class::Denied)),
            (500, told("wsse:FailedAuthentication"), Some(Class::Denied)),
            (500, told("s:MustUnderstand"), Some(Class::Denied)),
            (500, v12("<s:Value>s:Sender</s:Value>"), Some(Class::Refused)),
            (500, v12("<s:Value>s:Receiver</s:Value>"), Some(Class::Unavailable)),
            (200, v11("<Da><Ma>0</Ma></Da>"), None),
            (202, String::new(), None),
            (200, "<html>Đăng nhập</html>".to_owned(), Some(Class::Unknown)),
            (503, "bảo trì".to_owned(), Some(Class::Unavailable)),
            (401, told("s:Server"), Some(Class::Denied)),
            (404, String::new(), Some(Class::Refused)),
        ] {
            let found = judged(reply(status, &body)).err();
            assert_eq!(found.map(|one| one.class), expected, "{status} {body}");
        }
        let failure = judged(reply(500, &told("s:Client"))).unwrap_err();
        assert_eq!(failure.told, "Fault Client: Thiếu");
        let answer = judged(reply(200, &v11("<Da><Ma>0</Ma></Da>"))).unwrap();
        assert_eq!(answer.body, "<Da><Ma>0</Ma></Da>");
    }

    #[test]
    fn the_element_goes_without_its_declaration_and_in_its_namespace() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<HoSo ma=\"1\"><A/></HoSo>";
        let element = without_declaration(text).trim_start();
        assert_eq!(element, "<HoSo ma=\"1\"><A/></HoSo>");
        let expected = "<HoSo xmlns=\"urn:a\" ma=\"1\"><A/></HoSo>";
        assert_eq!(named(element, Some("urn:a")), expected);
        assert_eq!(named("<A/>", Some("urn:a")), "<A xmlns=\"urn:a\"/>");
    }
}
