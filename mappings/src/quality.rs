//! What may be doubted of a record that is sound: it is accepted, and whoever prepares a mapping or
//! an export should know. Warnings, never refusals.

use contracts::{Body, Draft, Moment, Part, problem::Bilingual};
use unicode_normalization::is_nfc;

use crate::{
    document::{Document, NodeId},
    mapping::{Mapping, RecordMapping, Rule, Source, Way},
    path::Found,
    text::{charset::Charset, normalise::tidy_text},
};

/// A kind of doubt, by a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// Its code, such as `two-digit-year`.
    pub code: &'static str,
    vi: &'static str,
    en: &'static str,
}

impl Doubt {
    /// What it means, in both languages.
    pub fn detail(&self) -> Bilingual {
        Bilingual { vi: self.vi.to_owned(), en: self.en.to_owned() }
    }
}

macro_rules! doubts {
    ($($name:ident $code:literal $vi:literal $en:literal;)*) => {
        $(#[doc = $en]
        pub const $name: Doubt = Doubt { code: $code, vi: $vi, en: $en };)*
        /// All there are.
        pub const DOUBTS: &[Doubt] = &[$($name),*];
    };
}

doubts! {
    NOT_COMPOSED "text-not-composed"
        "Chữ có dấu được ghi tách rời; hệ thống ghép lại theo NFC."
        "Letters and their marks come apart; they are composed (NFC).";
    SPACES_AROUND "spaces-around"
        "Có dấu cách ở đầu hoặc cuối; hệ thống bỏ đi."
        "There are spaces at an end; they are taken off.";
    PHONE_EMPTY "phone-empty"
        "Ô số điện thoại để trống: người nộp không tra cứu được bằng số điện thoại."
        "The telephone number is left empty: who applied cannot look up by it.";
    TWO_DIGIT_YEAR "two-digit-year"
        "Năm ghi hai chữ số; hệ thống hiểu là 1970–2069."
        "A year has two digits; it is taken to be from 1970 to 2069.";
    CAPITALS_LOST "capitals-lost"
        "Chữ hoa lẫn chữ thường có dấu trong một từ: TCVN3 không có chữ hoa có dấu."
        "Capitals and small letters with marks in one word: TCVN3 has no capitals with marks.";
    FINISHED_AFTER_DUE "finished-after-due"
        "Ngày có kết quả sau ngày hẹn trả."
        "It was finished after the day it was due.";
}

/// A doubt, and the native field or the member that it is about.
pub type Doubted = (Doubt, String);

/// Of the native fields of a record, which its rules read.
pub(crate) fn of_native(mapping: &Mapping, document: &Document, record: NodeId) -> Vec<Doubted> {
    let mut all = Vec::new();
    let holds = |rules: &&RecordMapping| {
        rules.when.as_ref().is_none_or(|when| when.holds(document, record) == Ok(true))
    };
    for rules in mapping.records.iter().filter(holds) {
        let ways = rules.rules.iter().flat_map(|rule| rule.ways.iter().map(move |way| (rule, way)));
        for (rule, way) in ways {
            let Source::Path(path, _) = &way.source else { continue };
            let Found::One(node) = path.find(document, record) else { continue };
            let doubts = of_text(mapping.charset, rule, way, document.text(node));
            all.extend(doubts.into_iter().map(|doubt| (doubt, path.text().to_owned())));
        }
    }
    all.sort();
    all.dedup();
    all
}

fn of_text(charset: Charset, rule: &Rule, way: &Way, text: &str) -> Vec<Doubt> {
    let tidy = tidy_text(text);
    if tidy.is_empty() {
        let is_phone = rule.target == "applicant.phone";
        return if is_phone { vec![PHONE_EMPTY] } else { Vec::new() };
    }
    // Markup is indented; what stands on one line was typed.
    let is_padded = !text.contains(['\n', '\r']) && text.trim() != text;
    let has_years = way.calls.iter().any(|call| call.arguments.iter().any(|form| is_short(form)));
    [
        (NOT_COMPOSED, !is_nfc(text)),
        (SPACES_AROUND, is_padded),
        (TWO_DIGIT_YEAR, has_years && ends_with_two(&tidy)),
        (
            CAPITALS_LOST,
            matches!(charset, Charset::Tcvn3 { .. }) && tidy.split_whitespace().any(is_mixed),
        ),
    ]
    .into_iter()
    .filter_map(|(doubt, is_so)| is_so.then_some(doubt))
    .collect()
}

/// Whether a form of dates has a year of two digits.
fn is_short(form: &str) -> bool {
    form.contains("yy") && !form.contains("yyyy")
}

/// Whether the last number of a date has two digits.
fn ends_with_two(text: &str) -> bool {
    let day = text.split_whitespace().next().unwrap_or_default();
    let last = day.rsplit(|letter: char| !letter.is_ascii_digit()).next();
    day.contains(['/', '-', '.']) && last.is_some_and(|last| last.len() == 2)
}

/// Whether a word has several capitals, and a small letter with a mark.
fn is_mixed(word: &str) -> bool {
    let capitals = word.chars().filter(|letter| letter.is_uppercase()).count();
    capitals > 1 && word.chars().any(|letter| letter.is_lowercase() && !letter.is_ascii())
}

/// Of what became of a record.
pub fn of_draft(draft: &Draft<'_>) -> Vec<Doubted> {
    let Body::Whole(Part::Object(body)) = &draft.body else { return Vec::new() };
    let moment = |name: &str| -> Option<Moment> {
        body.iter().find_map(|(held, part)| match part {
            Part::Moment(at) if held == name => Some(*at),
            _ => None,
        })
    };
    let late = match (moment("due_at"), moment("finished_at")) {
        (Some(due), Some(finished)) => finished.earliest() > due.latest(),
        _ => false,
    };
    if late { vec![(FINISHED_AFTER_DUE, "finished_at".to_owned())] } else { Vec::new() }
}
