//! Envelopes: what was posted, byte for byte, with who posted it and about what beside it.

use adapters::rest::{
    exchange::{Letter, Office, Post},
    push::Denied,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    auth::{Keys, Principal},
    catalog::{ACKNOWLEDGEMENTS, APPLICATIONS, REPLIES, REQUESTS},
    registry::exchange::{PORTAL, id},
};

/// Whom a request is to.
#[derive(Deserialize)]
struct Addressed {
    #[serde(default)]
    to: Value,
}

/// The agencies that a request names: one, or a list. What names none is refused later, with its
/// place.
fn addressees(body: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(body) {
        Ok(Addressed { to: Value::Array(all) }) => all,
        Ok(Addressed { to: Value::Null }) | Err(_) => Vec::new(),
        Ok(Addressed { to: one }) => vec![one],
    }
}

/// The body as the member of an envelope. What is no JSON stands alone: it is refused as it is.
fn enclosed(head: &[(&str, &str)], name: &str, body: &[u8], tail: &str) -> Vec<u8> {
    if serde_json::from_slice::<&RawValue>(body).is_err() {
        return body.to_vec();
    }
    let mut text = String::from("{");
    for (name, value) in head {
        text.push_str(&format!("\"{name}\":{},", Value::from(*value)));
    }
    text.push_str(&format!("\"{name}\":"));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(tail.as_bytes());
    bytes.push(b'}');
    bytes
}

impl Office for Keys {
    fn admit(&self, post: Post, authorization: Option<&str>) -> Result<String, Denied> {
        let who = self.principal(authorization).ok_or(Denied::Unauthenticated)?;
        match (post, who) {
            (Post::Application, Principal::Portal) => Ok(PORTAL.to_owned()),
            (Post::Request | Post::Reply | Post::Acknowledgement, Principal::Agency(agency)) => {
                Ok(agency)
            }
            _ => Err(Denied::Forbidden),
        }
    }

    fn letter(&self, post: Post, sender: &str, about: &str, body: &[u8]) -> Letter {
        let begun = id(sender, about);
        let (channel, id, payload) = match post {
            Post::Request => {
                // What stands behind the body is read when all of it is known.
                let all = Value::from(addressees(body));
                let tail = format!(",\"agencies\":{all}");
                let head = [("id", begun.as_str()), ("from", sender)];
                let payload = enclosed(&head, "request", body, &tail);
                (format!("{sender}.{REQUESTS}"), begun, payload)
            }
            Post::Application => {
                let payload = enclosed(&[("id", &begun)], "application", body, "");
                (APPLICATIONS.to_owned(), begun, payload)
            }
            Post::Reply => {
                let payload =
                    enclosed(&[("request", about), ("agency", sender)], "reply", body, "");
                (format!("{sender}.{REPLIES}"), about.to_owned(), payload)
            }
            Post::Acknowledgement => {
                let head = [("application", about), ("agency", sender)];
                let payload = enclosed(&head, "acknowledgement", body, "");
                (format!("{sender}.{ACKNOWLEDGEMENTS}"), about.to_owned(), payload)
            }
        };
        Letter { channel, id, payload: payload.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(body: &str) -> String {
        let letter = Keys::default().letter(Post::Request, "so-gui", "cv-7", body.as_bytes());
        assert_eq!((&*letter.channel, &*letter.id), ("so-gui.requests", "so-gui:cv-7"));
        String::from_utf8(letter.payload.to_vec()).unwrap()
    }

    #[test]
    fn what_was_posted_stands_in_its_envelope_byte_for_byte() {
        let body = "{ \"to\": [\"so-a\", \"so-b\"],\n \"text\": \"Đề nghị\", \"n\": 1.50 }";
        assert_eq!(
            payload(body),
            format!(
                "{{\"id\":\"so-gui:cv-7\",\"from\":\"so-gui\",\"request\":{body},\
                 \"agencies\":[\"so-a\",\"so-b\"]}}"
            )
        );
        assert!(payload("{\"to\":\"so-a\"}").ends_with(",\"agencies\":[\"so-a\"]}"));
        assert!(payload("{}").ends_with(",\"agencies\":[]}"));
        // Nobody writes the envelope's own members.
        for broken in ["", "{", "{},\"from\":\"so-khac\"", "{\"a\":1}}{"] {
            assert_eq!(payload(broken), broken);
        }
    }
}
