//! What becomes of an answer. Whether one of success means it: some systems say 200 whatever,
//! and tell in the text. And who reads it, where a channel of the agency does.

use std::sync::Arc;

use adapters::{
    Arrival, Inbox,
    outbound::{Answer, Class, Failure, Message, Outbound},
};
use contracts::Outcome;
use mappings::{
    condition::Condition,
    format::{Format, JsonOptions, Limits, XmlOptions},
};
use serde_json::{json, value::RawValue};

use crate::catalog::{OutboundChannel, Sending};

/// Letters of an answer that are told of what it refuses.
const TOLD_CHARS_MAX: usize = 400;

/// Sends a message, and hands in what is answered where a channel reads that.
pub(super) async fn to(
    channel: &OutboundChannel,
    inbox: &dyn Inbox,
    message: Message,
    way: Arc<dyn Outbound>,
) -> Result<Answer, Failure> {
    let about = channel.answered_by.as_ref().map(|by| (by, About::of(&message)));
    let sent = tokio::time::timeout(channel.timeout, way.send(message)).await;
    let none = || Failure::new(Class::Unknown, "no answer in time");
    let answer = judged(channel, sent.map_err(|_| none())??)?;
    match about {
        None => Ok(answer),
        Some((by, about)) => about.hand_in(by, answer, inbox).await,
    }
}

/// What was sent, for who reads the answer to it.
struct About {
    id: String,
    attributes: Vec<(&'static str, String)>,
}

impl About {
    /// Of a message.
    fn of(message: &Message) -> Self {
        Self { id: message.id.clone(), attributes: message.attributes.clone() }
    }

    fn attribute(&self, wanted: &str) -> &str {
        let found = self.attributes.iter().find(|(name, _)| *name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Makes a message of an answer, of the channel that reads it; under the id of what is
    /// answered, so that it is one however often that is sent. What it says nothing of is settled
    /// all the same.
    ///
    /// # Errors
    /// When the message cannot be kept now: then nobody has the answer, and it is asked for again.
    async fn hand_in(
        &self,
        channel: &str,
        answer: Answer,
        inbox: &dyn Inbox,
    ) -> Result<Answer, Failure> {
        if answer.body.is_empty() {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&answer.body);
        let said = serde_json::from_str::<&RawValue>(&text);
        // Not every system speaks JSON: its text is there to be read all the same.
        let said = said.map_or_else(|_| json!(text).to_string(), |raw| raw.get().to_owned());
        let sent = json!({
            "id": self.id, "key": self.attribute("subject"),
            "contract": self.attribute("dataschema"),
        });
        let payload = format!("{{\"sent\":{sent},\"answer\":{said}}}").into();
        let content_type = Some("application/json".to_owned());
        let key = Some(self.id.clone());
        let arrival = Arrival { payload, content_type, key, ..Arrival::default() };
        match inbox.accept(channel, arrival).await {
            Ok(receipt) => {
                if matches!(receipt.outcome, Outcome::Refused | Outcome::Conflict) {
                    let outcome = receipt.outcome.as_str();
                    tracing::warn!(channel.id = channel, outcome, "an answer is not understood");
                }
                Ok(answer)
            }
            Err(later) => Err(Failure::new(Class::Unknown, later.reason)),
        }
    }
}

/// The answer where it means success.
///
/// # Errors
/// What it means else, as the channel declares.
fn judged(channel: &OutboundChannel, answer: Answer) -> Result<Answer, Failure> {
    let format = match channel.sending {
        Sending::Soap(_) => Format::Xml(XmlOptions::default()),
        _ => Format::Json(JsonOptions::default()),
    };
    let says = |condition: &Condition| holds(condition, &format, &answer);
    if channel.later_when.as_ref().is_some_and(says) {
        return Err(Failure::new(Class::Unavailable, told("the answer says later", &answer)));
    }
    if !channel.accepted_when.as_ref().is_none_or(says) {
        return Err(Failure::new(Class::Refused, told("the answer is no success", &answer)));
    }
    Ok(answer)
}

fn told(what: &str, answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let shown: String = text.chars().filter(|c| !c.is_control()).take(TOLD_CHARS_MAX).collect();
    format!("{what}: {shown}")
}

/// Whether a condition holds of an answer in a format. Of what is none, none does.
fn holds(condition: &Condition, format: &Format, answer: &Answer) -> bool {
    let Ok(text) = std::str::from_utf8(&answer.body) else { return false };
    let mut holds = false;
    let read = format.read(text, &[], &Limits::default(), &mut |item| {
        holds = item.is_ok_and(|(document, record)| condition.holds(document, record) == Ok(true));
    });
    read.is_ok() && holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lie_is_told_by_the_answer_s_own_members() {
        let condition = Condition::compile(
            "error_code in ['0', '00'] && message.contains('thành công')",
            false,
        );
        let condition = condition.unwrap();
        for (body, expected) in [
            (r#"{"error_code":"0","message":"Cập nhật thành công"}"#, true),
            (r#"{"error_code":"1","message":"thành công"}"#, false),
            (r#"{"error_code":"0","message":"Lỗi"}"#, false),
            (r#"{"error_code":"0"}"#, false),
            ("<html>Lỗi</html>", false),
            ("", false),
        ] {
            let answer = Answer { body: body.into() };
            let json = Format::Json(JsonOptions::default());
            assert_eq!(holds(&condition, &json, &answer), expected, "{body}");
        }
    }

    #[test]
    fn so_it_is_of_an_element() {
        let condition = Condition::compile("Ma == '0'", true).unwrap();
        let xml = Format::Xml(XmlOptions::default());
        for (body, expected) in [
            ("<Da xmlns=\"urn:a\"><Ma>0</Ma></Da>", true),
            ("<Da><Ma>1</Ma></Da>", false),
            ("<Da/>", false),
            ("{}", false),
        ] {
            assert_eq!(holds(&condition, &xml, &Answer { body: body.into() }), expected, "{body}");
        }
    }
}
