//! What sources leave unsaid about applicants: person or organisation, and which identity paper.

use super::{Bound, Function, Kind, Value, exactly};
use crate::text::normalise::search_key;

/// First words of organisations' names, folded.
const ORGANISATIONS: [&str; 19] = [
    "cong ty",
    "hop tac xa",
    "doanh nghiep",
    "trung tam",
    "giao xu",
    "uy ban",
    "ubnd",
    "so",
    "chi nhanh",
    "ngan hang",
    "benh vien",
    "hoi",
    "lien hiep",
    "ban quan ly",
    "tap doan",
    "xi nghiep",
    "van phong",
    "cua hang",
    "tong cong ty",
];

/// One that without its marks is a surname: as it is written, in small letters.
const SCHOOL: &str = "trường ";

pub(super) const APPLICANT_KIND: Function = Function {
    name: "applicant_kind",
    usage: "applicant_kind",
    takes: &[Kind::Text],
    summary: "`organization` when the name begins like an organisation's, else `person`.",
    examples: &[
        ("applicant_kind", "Công ty TNHH An Khang", "organization"),
        ("applicant_kind", "HỢP TÁC XÃ Vận tải", "organization"),
        ("applicant_kind", "Trường THPT Trấn Biên", "organization"),
        ("applicant_kind", "Trương Quang Lộc", "person"),
        ("applicant_kind", "Lâm Quốc Toàn", "person"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 0, "applicant_kind")?;
        Ok(Bound::text(|name| {
            let key = search_key(name);
            let begins =
                |words: &str| key.strip_prefix(words).is_some_and(|rest| rest.starts_with(' '));
            let organisation = name.to_lowercase().starts_with(SCHOOL)
                || ORGANISATIONS.iter().any(|words| begins(words));
            if organisation { "organization" } else { "person" }.into()
        }))
    },
};

pub(super) const ID_TYPE: Function = Function {
    name: "id_type",
    usage: "id_type",
    takes: &[Kind::Text],
    summary: "The kind of an identity number by its length: 9 digits CMND, 12 CCCD, 10 or 13 MST.",
    examples: &[
        ("id_type", "270999011", "CMND"),
        ("id_type", "075201001234", "CCCD"),
        ("id_type", "3699900036", "MST"),
        ("id_type", "B1234567", "KHAC"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 0, "id_type")?;
        Ok(Bound::new(Kind::Text, |value, _| {
            let text = value.into_text();
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let kind = match (digits, text.len()) {
                (true, 9) => "CMND",
                (true, 12) => "CCCD",
                (true, 10 | 13) => "MST",
                _ => "KHAC",
            };
            Ok(Some(Value::Text(kind.into())))
        }))
    },
};
