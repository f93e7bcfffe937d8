//! What a receiver answers to what it does not take may repeat what it was sent: that is kept,
//! shown and logged without persons.

use std::collections::HashSet;

use contracts::problem::mask;
use serde_json::Value;

/// Letters of a word that may tell who somebody is, at least; of a number digits.
const LETTERS_MIN: usize = 2;
const DIGITS_MIN: usize = 4;

/// A number of so many digits may be anybody's telephone or identity number.
const NUMBER_DIGITS: usize = 9;

/// What is told of a failure, without the personal members of the record that was sent: words of
/// theirs that are names or hold digits are masked, and long numbers whosever they are. The last
/// word may be cut off.
pub(super) fn hidden(told: &str, personal: Option<&[u8]>) -> String {
    let mut known = HashSet::new();
    if let Some(Ok(value)) = personal.map(serde_json::from_slice::<Value>) {
        gather(&value, &mut known);
    }
    let mut shown = String::with_capacity(told.len());
    let mut rest = told;
    while let Some(first) = rest.chars().next() {
        let is_word = first.is_alphanumeric();
        let end = rest.find(|letter: char| letter.is_alphanumeric() != is_word);
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        match is_word && is_personal(part, after.is_empty(), &known) {
            true => shown.push_str(&mask(part)),
            false => shown.push_str(part),
        }
        rest = after;
    }
    shown
}

fn is_personal(word: &str, is_last: bool, known: &HashSet<String>) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits >= NUMBER_DIGITS {
        return true;
    }
    let word = word.to_lowercase();
    let begins =
        || word.chars().count() >= LETTERS_MIN && known.iter().any(|one| one.starts_with(&word));
    known.contains(&word) || is_last && begins()
}

/// The words of a value by which somebody may be known, in small letters.
fn gather(value: &Value, known: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            let words = text.split(|letter: char| !letter.is_alphanumeric());
            known.extend(words.filter(|word| tells(word)).map(str::to_lowercase));
        }
        Value::Array(all) => all.iter().for_each(|one| gather(one, known)),
        Value::Object(members) => members.values().for_each(|one| gather(one, known)),
        Value::Number(number) if tells(&number.to_string()) => {
            known.insert(number.to_string());
        }
        _ => {}
    }
}

/// Whether a word may tell who somebody is: names begin with a capital.
fn tells(word: &str) -> bool {
    let is_name = word.chars().next().is_some_and(char::is_uppercase);
    let letters = word.chars().count();
    let has_digits = word.chars().any(|letter| letter.is_ascii_digit());
    is_name && letters >= LETTERS_MIN || has_digits && letters >= DIGITS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSONAL: &[u8] = r#"{"applicant":{"name":"Quách Thị Thùy Dương","phone":"0900000171",
        "birth_date":"1987-05-12"},"note":"đã gọi cho bà Lan","attributes":{"so_nha":4711}}"#
        .as_bytes();

    #[test]
    fn what_a_receiver_repeats_is_masked_and_what_it_says_itself_is_not() {
        let told = "HTTP 422: ông/bà QUÁCH thị Thùy Dương (0900000171, +84900000171, 12/05/1987): \
                    số nhà 4711 không hợp lệ, hỏi Lan; trường so_giay_to, dòng 17";
        let shown = hidden(told, Some(PERSONAL));
        assert_eq!(
            shown,
            "HTTP 422: ông/bà Q**** t** T*** D**** (0*********, +8**********, 12/05/1***): \
             số nhà 4*** không hợp lệ, hỏi L**; trường so_giay_to, dòng 17"
        );
        // Cut off in the midst of a name.
        assert_eq!(hidden("không nhận Thùy Dư", Some(PERSONAL)), "không nhận T*** D*");
        // Without persons sent, long numbers alone.
        assert_eq!(hidden("Lan 270999071 x", None), "Lan 2******** x");
        assert_eq!(hidden("", Some(b"no json")), "");
    }
}
