//! What fields are likely to mean: by their names first, by their values where names say nothing.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use super::{Known, dates, records::Field};
use crate::text::normalise::search_key;

/// Names of fields, as offices give them, by the member they mean.
const MEMBERS: &str = include_str!("../../dictionary/members.csv");

/// Words for statuses by their national code.
const STATUSES: &str = include_str!("../../dictionary/statuses.csv");

/// Members by the compact forms of names.
static BY_NAME: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| dictionary(MEMBERS));
static BY_STATUS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| dictionary(STATUSES));

/// A row is a key, a comma, and what is said for it, separated by semicolons.
fn dictionary(text: &'static str) -> HashMap<String, &'static str> {
    let mut words = HashMap::new();
    for line in text.lines().skip(1) {
        let Some((key, said)) = line.split_once(',') else { continue };
        for one in said.split(';') {
            words.entry(compact(one)).or_insert(key.trim_matches('"'));
        }
    }
    words
}

/// A name without accents, spaces, case and punctuation: `Ngay_TiepNhan` is `ngaytiepnhan`.
fn compact(name: &str) -> String {
    search_key(name).chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// The national code that a word for a status means.
pub(super) fn status(word: &str) -> Option<&'static str> {
    BY_STATUS.get(&compact(word)).copied()
}

/// The member that a column's name means.
pub(super) fn member(name: &str) -> Option<&'static str> {
    match compact(name).as_str() {
        "ma" | "code" | "id" => Some("source_code"),
        other => BY_NAME.get(other).copied(),
    }
}

/// What a field is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Where the field stands among all.
    pub(super) field: usize,
    /// The member.
    pub(super) member: &'static str,
    /// Functions that its values need.
    pub(super) functions: String,
    /// Why, in Vietnamese and in English.
    pub(super) reason: [String; 2],
}

/// Members that are moments.
const DATES: [&str; 6] =
    ["submitted_at", "accepted_at", "due_at", "finished_at", "returned_at", "status_at"];

/// How a value of a member is read.
fn functions(member: &str, field: &Field) -> Option<String> {
    let values = &field.values;
    if DATES.contains(&member) {
        return dates::forms("date", values).map(|forms| format!(" | date {}", forms.arguments));
    }
    let most = |fits: fn(&str) -> bool| {
        let fitting = values.iter().filter(|value| fits(value)).count();
        fitting * 5 >= values.len() * 4
    };
    Some(match member {
        "source_code" | "procedure_source_code" | "result.number" => " | code".to_owned(),
        "status" => " | table status".to_owned(),
        "applicant.name" => " | name".to_owned(),
        "applicant.phone" => " | phone".to_owned(),
        "applicant.id_number" => " | digits".to_owned(),
        "applicant.birth_date" => {
            let forms = dates::forms("partial_date", values)?;
            format!(" | partial_date {}", forms.arguments)
        }
        "commune" => {
            let is_code =
                |text: &str| text.len() == 5 && text.bytes().all(|one| one.is_ascii_digit());
            most(is_code).then(|| " | code | commune".to_owned())?
        }
        "fees[0].amount" => number(field)?,
        _ => String::new(),
    })
}

/// The style of amounts of money.
fn number(field: &Field) -> Option<String> {
    let all = |fits: fn(&str) -> bool| field.values.iter().all(|value| fits(value));
    let plain = |text: &str| text.bytes().all(|one| one.is_ascii_digit());
    let grouped = |text: &str| {
        let mut groups = text.split('.');
        groups.next().is_some_and(|first| (1..=3).contains(&first.len()))
            && groups.all(|group| group.len() == 3)
            && text.bytes().all(|one| one.is_ascii_digit() || one == b'.')
    };
    let decimal = |text: &str| text.parse::<f64>().is_ok();
    if all(plain) {
        Some(" | integer 1000".to_owned())
    } else if all(grouped) {
        Some(" | integer 1.000".to_owned())
    } else {
        all(decimal).then(|| " | integer 1000.5".to_owned())
    }
}

/// What each field is taken for; of several that could be one member, the first whose values fit.
pub(super) fn of(fields: &[Field], known: &BTreeMap<String, Known>) -> Vec<Meaning> {
    let mut found: Vec<Meaning> = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        if field.is_list || field.values.is_empty() {
            continue;
        }
        let by_values = field.names.last().and_then(|name| known.get(name));
        let Some(member) = by_values.map(|known| known.member).or_else(|| named(field)) else {
            continue;
        };
        if found.iter().any(|other| other.member == member) {
            continue;
        }
        let Some(functions) = functions(member, field) else { continue };
        let (name, count) = (field.names.last().cloned().unwrap_or_default(), field.values.len());
        let by_name = || {
            [
                format!("tên `{name}` quen thuộc; {count} giá trị đọc được"),
                format!("a familiar name, {count} values fit"),
            ]
        };
        let reason = by_values.map_or_else(by_name, |known| known.reason.clone());
        found.push(Meaning { field: at, member, functions, reason });
    }
    by_values(fields, &mut found);
    found
}

/// The member that a name means; what holds it may say more: `nguoiNop/ten`.
fn named(field: &Field) -> Option<&'static str> {
    let last = field.names.last()?;
    let held = field.names.len().checked_sub(2).and_then(|at| field.names.get(at));
    let person = held.is_some_and(|held| BY_NAME.get(&compact(held)) == Some(&"applicant.name"));
    match compact(last).as_str() {
        "ten" | "name" if person => return Some("applicant.name"),
        "ma" | "code" | "id" if held.is_none() => return Some("source_code"),
        _ => {}
    }
    BY_NAME.get(&compact(last)).copied()
}

/// What no name told: a code that is different in every record, and words that are statuses.
fn by_values(fields: &[Field], found: &mut Vec<Meaning>) {
    let free = |found: &[Meaning], at: usize| found.iter().all(|one| one.field != at);
    let has = |found: &[Meaning], member: &str| found.iter().any(|one| one.member == member);
    if !has(found, "status") {
        let words = |field: &Field| field.values.iter().filter(|one| status(one).is_some()).count();
        let best =
            fields.iter().enumerate().filter(|(at, field)| free(found, *at) && !field.is_list);
        let best = best.map(|(at, field)| (words(field), at)).filter(|(count, _)| *count > 0).max();
        if let Some((count, at)) = best {
            let reason = [
                format!("{count} giá trị là tên trạng thái"),
                format!("{count} values are words for statuses"),
            ];
            found.push(Meaning {
                field: at,
                member: "status",
                functions: " | table status".to_owned(),
                reason,
            });
        }
    }
    if !has(found, "source_code") {
        let unique = |field: &Field| {
            let mut values: Vec<&String> = field.values.iter().collect();
            values.sort_unstable();
            values.dedup();
            values.len() == field.values.len() && field.values.iter().all(|one| one.len() <= 40)
        };
        let most = fields.iter().map(|field| field.values.len()).max().unwrap_or(0);
        let at = fields.iter().enumerate().position(|(at, field)| {
            free(found, at) && !field.is_list && field.values.len() == most && unique(field)
        });
        if let Some(at) = at {
            let reason = [
                "mỗi bản ghi một giá trị khác nhau".to_owned(),
                "every record has another value".to_owned(),
            ];
            found.push(Meaning {
                field: at,
                member: "source_code",
                functions: " | code".to_owned(),
                reason,
            });
        }
    }
}
