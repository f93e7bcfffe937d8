//! What the national portal says, read defensively: installations differ in types and in members.

use bytes::Bytes;
use serde_json::{Map, Value};

/// Letters of an answer that are told.
const TOLD_CHARS_MAX: usize = 400;

/// Members in which the portal's words may stand.
const WORDS: [&str; 4] = ["message", "error_message", "result", "data"];

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// The code of the error; empty where there is none.
    pub(super) code: String,
    /// Its words, in lower case.
    words: String,
    pub(super) body: Bytes,
}

impl Said {
    /// Reads an answer; nothing where it is no object, or one that says nothing of success.
    pub(super) fn read(body: &Bytes) -> Option<Self> {
        let Ok(Value::Object(answer)) = serde_json::from_slice(body) else { return None };
        let code = code(&answer)?;
        let words: Vec<&str> =
            WORDS.iter().filter_map(|name| answer.get(*name)?.as_str()).collect();
        Some(Self { code, words: words.join(" ").to_lowercase(), body: body.clone() })
    }

    /// The session of an answer to a login; it is taken where it is there and no error is told.
    pub(super) fn session(body: &Bytes) -> Option<String> {
        let Ok(Value::Object(answer)) = serde_json::from_slice(body) else { return None };
        let session = answer.get("session")?.as_str().filter(|session| !session.is_empty())?;
        let sound = code(&answer).is_none_or(|code| is_zero(&code));
        sound.then(|| session.to_owned())
    }

    /// Whether what was told is there.
    pub(super) fn is_success(&self) -> bool {
        is_zero(&self.code)
    }

    /// Whether the dossier is there already.
    pub(super) fn is_known(&self) -> bool {
        self.says(&["đã tồn tại", "da ton tai", "already exist"])
    }

    /// Whether a session is to be had first.
    pub(super) fn wants_session(&self) -> bool {
        !self.is_success()
            && (self.code == "-1"
                || self.says(&["phiên", "session", "chưa đăng nhập", "đăng nhập lại"]))
    }

    /// What an operator is told: never what was sent, only what was said.
    pub(super) fn told(&self) -> String {
        let shown = self.words.chars().filter(|c| !c.is_control()).take(TOLD_CHARS_MAX);
        format!("error_code {}: {}", self.code, shown.collect::<String>())
    }

    fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.words.contains(word))
    }
}

/// The code of an answer: a number or a text.
fn code(answer: &Map<String, Value>) -> Option<String> {
    match answer.get("error_code")? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// 0, "0" and "00" are success.
fn is_zero(code: &str) -> bool {
    !code.is_empty() && code.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_a_code_of_nothing_and_nothing_else() {
        for (body, expected) in [
            (r#"{"error_code":0}"#, Some(true)),
            (r#"{"error_code":"0","message":"thành công"}"#, Some(true)),
            (r#"{"error_code":"00"}"#, Some(true)),
            (r#"{"error_code":"1","message":"thành công"}"#, Some(false)),
            (r#"{"error_code":-1}"#, Some(false)),
            (r#"{"error_code":"","message":"thành công"}"#, None),
            (r#"{"error_code":null}"#, None),
            (r#"{"message":"thành công"}"#, None),
            (r#"[0]"#, None),
            ("<html>OK</html>", None),
            ("", None),
        ] {
            let said = Said::read(&Bytes::from(body));
            assert_eq!(said.map(|said| said.is_success()), expected, "{body}");
        }
    }

    #[test]
    fn what_is_known_there_and_sessions_that_ended_are_understood() {
        let of = |body: &str| Said::read(&Bytes::from(body.to_owned())).unwrap();
        assert!(of(r#"{"error_code":"9","message":"Hồ sơ ĐÃ TỒN TẠI"}"#).is_known());
        assert!(of(r#"{"error_code":"1","data":"Mã hồ sơ đã tồn tại"}"#).is_known());
        assert!(of(r#"{"error_code":"-1","message":""}"#).wants_session());
        assert!(of(r#"{"error_code":5,"message":"Phiên làm việc hết hạn"}"#).wants_session());
        assert!(!of(r#"{"error_code":0,"message":"session"}"#).wants_session());
        let session = |body: &str| Said::session(&Bytes::from(body.to_owned()));
        assert_eq!(session(r#"{"session":"a","error_code":"00"}"#), Some("a".to_owned()));
        assert_eq!(session(r#"{"session":"a"}"#), Some("a".to_owned()));
        assert_eq!(session(r#"{"session":"a","error_code":"3"}"#), None);
        assert_eq!(session(r#"{"session":"","error_code":"0"}"#), None);
    }
}
