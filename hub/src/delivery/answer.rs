//! Whether an answer of success means it: some systems say 200 whatever has become of a message,
//! and tell in the text.

use adapters::outbound::{Answer, Class, Failure};
use mappings::{
    condition::Condition,
    format::{Format, JsonOptions, Limits, XmlOptions},
};

use crate::catalog::{OutboundChannel, Sending};

/// Letters of an answer that are told of what it refuses.
const TOLD_CHARS_MAX: usize = 400;

/// The answer where it means success.
///
/// # Errors
/// What it means else, as the channel declares.
pub(super) fn judged(channel: &OutboundChannel, answer: Answer) -> Result<Answer, Failure> {
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
