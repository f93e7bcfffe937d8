//! Query parameters, read strictly: a misspelt name is an error, not an answer to another question.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, Query, rejection::PathRejection},
    http::{StatusCode, Uri},
};
use serde_json::json;

use super::{
    answer::{Stop, nothing},
    kinds,
};
use crate::auth::Principal;

/// Characters of a parameter that an answer repeats, at most.
const SHOWN_CHARS_MAX: usize = 80;

/// Characters of a code or a name, at most.
pub(super) const NAME_CHARS_MAX: usize = 255;

/// Characters of what is searched for, at most: whole names of procedures are that long.
pub(super) const QUESTION_CHARS_MAX: usize = 2_000;

/// What stands for bytes that are no UTF-8, and how one writes it who means it.
const REPLACED: char = '\u{FFFD}';
const REPLACED_CODE: &str = "%EF%BF%BD";

/// Parameters that hold cursors, which are longer than names.
const CURSORS: [&str; 2] = ["after", "cursor"];

/// The parameters of one request, each at most once.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query; only `known` names may stand in it. An empty value is an absent one.
    pub(super) fn read(uri: &Uri, known: &[&str]) -> Result<Self, ProblemResponse> {
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Ok(Query(pairs)) = query else {
            let (vi, en) = ("Viết tham số dạng tên=giá trị.", "Write parameters as name=value.");
            return Err(bad("?", uri.query().unwrap_or_default(), vi, en));
        };
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                let names = known.join(", ");
                let vi = format!("Tham số dùng được ở đây: {names}.");
                return Err(bad(&name, &value, &vi, &format!("Parameters taken here: {names}.")));
            }
            if kept.iter().any(|(other, _)| *other == name) {
                let (vi, en) = ("Chỉ ghi tham số này một lần.", "Write this parameter once.");
                return Err(bad(&name, &value, vi, en));
            }
            let chars_max = if name == "q" { QUESTION_CHARS_MAX } else { NAME_CHARS_MAX };
            if value.chars().count() > chars_max && !CURSORS.contains(&&*name) {
                return Err(longer_than(chars_max, &name, &value));
            }
            if value.contains(REPLACED) && !uri.query().unwrap_or_default().contains(REPLACED_CODE)
            {
                let vi = "Viết tham số bằng UTF-8, mã hóa phần trăm.";
                return Err(bad(&name, &value, vi, "Write it in UTF-8, percent-encoded."));
            }
            if is_no_text(&value) {
                let (vi, en) = ("Bỏ ký tự NUL (%00).", "Leave out the character NUL (%00).");
                return Err(bad(&name, &value, vi, en));
            }
            kept.push((name, value));
        }
        Ok(Self(kept.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// A parameter as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The parameters as a query, percent-encoded, with `&` behind each; without some.
    pub(super) fn query_without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        kept.map(|(name, value)| format!("{name}={}&", encoded(value))).collect()
    }

    /// A parameter that says one of two words: whether it is the first.
    pub(super) fn either(
        &self,
        name: &str,
        [yes, no]: [&str; 2],
    ) -> Result<Option<bool>, ProblemResponse> {
        match self.text(name) {
            None => Ok(None),
            Some(text) if text == yes => Ok(Some(true)),
            Some(text) if text == no => Ok(Some(false)),
            Some(text) => {
                let vi = format!("Ghi {yes} hoặc {no}.");
                Err(bad(name, text, &vi, &format!("Write {yes} or {no}.")))
            }
        }
    }

    /// The agency that is asked about: an agency's own, for others any or all.
    pub(super) fn about(&self, who: &Principal) -> Result<Option<String>, ProblemResponse> {
        match (who, self.text("agency")) {
            (Principal::Agency(own), Some(other)) if own != other => {
                Err(ProblemResponse::new(StatusCode::FORBIDDEN, &kinds::NOT_YOURS))
            }
            (Principal::Agency(own), _) => Ok(Some(own.clone())),
            (_, asked) => Ok(asked.map(ToOwned::to_owned)),
        }
    }

    /// A journal position.
    pub(super) fn position(&self, name: &str) -> Result<Option<u64>, ProblemResponse> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let vi = "Ghi một vị trí nhật ký: số nguyên không âm, như trong X-Journal-Position.";
        let en = "Write a journal position: a whole number as in X-Journal-Position.";
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        // The store counts with signed numbers.
        let number = text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok());
        number.filter(|_| digits).map(Some).ok_or_else(|| bad(name, text, vi, en))
    }

    /// How many seconds, from 1.
    pub(super) fn seconds(&self, name: &str, max: u32) -> Result<Option<u32>, ProblemResponse> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse::<u32>().ok().filter(|number| (1..=max).contains(number));
        number.map(Some).ok_or_else(|| {
            let vi = format!("Ghi số giây từ 1 đến {max}.");
            bad(name, text, &vi, &format!("Write a number of seconds from 1 to {max}."))
        })
    }

    /// How many items on a page.
    pub(super) fn limit(&self, default: u32, max: u32) -> Result<u32, ProblemResponse> {
        let Some(text) = self.text("limit") else { return Ok(default) };
        let number = text.parse::<u32>().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| {
            let vi = format!("Ghi một số từ 1 đến {max}.");
            bad("limit", text, &vi, &format!("Write a number from 1 to {max}."))
        })
    }
}

/// A value as it stands in a query: all but letters, digits and a few marks percent-encoded.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    value.bytes().map(one).collect()
}

/// The answer to a parameter that is wrong: which, what it was, and what to write instead.
pub(super) fn bad(name: &str, value: &str, vi: &str, en: &str) -> ProblemResponse {
    let shown: String = value.chars().take(SHOWN_CHARS_MAX).collect();
    let name: String = name.chars().take(SHOWN_CHARS_MAX).collect();
    ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BAD_PARAMETER)
        .detail(format!("Tham số: {name}."), format!("Parameter: {name}."))
        .member("parameter", json!(name))
        .member("value", json!(shown))
        .member("advice", json!(vi))
        .member("advice_en", json!(en))
}

/// Whether a text holds NUL, which no name, code or key that is stored does: not every store can
/// even be asked for it.
pub(super) fn is_no_text(text: &str) -> bool {
    text.contains('\0')
}

/// The answer to a name or code that no source would give.
pub(super) fn too_long(name: &str, value: &str) -> ProblemResponse {
    longer_than(NAME_CHARS_MAX, name, value)
}

fn longer_than(chars_max: usize, name: &str, value: &str) -> ProblemResponse {
    let vi = format!("Ghi tối đa {chars_max} ký tự.");
    bad(name, value, &vi, &format!("Write at most {chars_max} characters."))
}

/// The id in a path, of what the hub gives such ids: 32 hexadecimal digits.
///
/// # Errors
/// With the answer of what is not there, whatever else stands in its place.
pub(super) fn given_id(named: Result<Path<String>, PathRejection>) -> Result<String, Stop> {
    let Ok(Path(id)) = named else { return Err(nothing()) };
    let known = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if known { Ok(id) } else { Err(nothing()) }
}
