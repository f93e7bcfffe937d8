//! The proposal as a channel's file, its tables, and what a person must look at.

use std::collections::{BTreeMap, BTreeSet};

mod head;

use super::{
    Proposal,
    meaning::{self, Meaning},
    reading::Reading,
    records::{Field, Records},
};
use crate::text::normalise::search_key;

/// Values of a field that a comment shows.
const SHOWN: usize = 3;
const SHOWN_CHARS: usize = 30;

/// Different values of a status; more are no code table.
const STATUSES_MAX: usize = 60;

/// A text as a TOML string.
pub(super) fn toml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            other if other.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(other))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A text as one line of a comment.
fn comment(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_CHARS).collect();
    short.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// What the rules of a mapping begin with; how the payload is read stands before it.
const RECORD: &str = "[[record]]";

impl Proposal {
    /// The same for an archive of such files, of which `first` was the sample: which names its
    /// files have, and which others are in it besides.
    #[must_use]
    pub fn in_archive(mut self, first: &str, members: &str, others: &BTreeSet<String>) -> Self {
        let first = comment(first);
        let mut lines = format!(
            "# Tệp zip; mẫu lấy từ `{first}` (an archive; the sample is `{first}` in it).\n\
             [zip]\nmembers = {}\n",
            toml(members)
        );
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(|one| toml(one)).collect();
            lines.push_str(&format!("ignore = [{}]\n", others.join(", ")));
        }
        self.mapping = self.mapping.replacen(RECORD, &format!("{lines}\n{RECORD}"), 1);
        self.extension = "zip";
        self
    }
}

struct Writer<'a> {
    agency: &'a str,
    fields: &'a [Field],
    lines: Vec<String>,
    questions: Vec<[String; 2]>,
    tables: BTreeMap<String, String>,
    attributes: BTreeSet<String>,
}

pub(super) fn written(
    agency: &str,
    reading: &Reading,
    records: &Records,
    meanings: &[Meaning],
) -> Proposal {
    let mut writer = Writer {
        agency,
        fields: &records.fields,
        lines: Vec::new(),
        questions: reading.questions.clone(),
        tables: BTreeMap::new(),
        attributes: BTreeSet::new(),
    };
    writer.head(reading, records);
    writer.members(meanings);
    writer.rest(meanings);
    writer.applicant(meanings);
    Proposal {
        mapping: writer.lines.join("\n") + "\n",
        tables: writer.tables,
        questions: writer.questions,
        extension: reading.extension(),
        records: records.count,
        payload: reading.source.as_ref().map(|_| reading.text.clone().into_bytes()),
        transport: reading
            .source
            .as_ref()
            .map(|source| source.transport(agency, records, meanings)),
    }
}

impl Writer<'_> {
    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn ask(&mut self, vi: impl Into<String>, en: impl Into<String>) {
        self.questions.push([vi.into(), en.into()]);
    }

    fn members(&mut self, meanings: &[Meaning]) {
        let accepted = ["accepted_at", "submitted_at"];
        let day = accepted.iter().find(|one| meanings.iter().any(|found| found.member == **one));
        if let Some(day) = day {
            self.line(format!("day = {}", toml(day)));
        }
        self.line("");
        self.line("[record.map]");
        let agency = format!("'{}'", self.agency);
        self.line(format!("source = {}", toml(&agency)));
        self.line(format!("agency = {}", toml(&agency)));
        self.line("# online, counter hoặc post: tệp mẫu không nói (the sample does not say).");
        self.line("channel = \"'counter'\"");
        for meaning in meanings.iter().filter(|one| !one.member.starts_with("applicant.")) {
            self.rule(meaning);
            if meaning.member == "status" {
                let path = toml(&self.fields[meaning.field].path);
                self.line(format!("status_raw = {path}"));
                self.statuses(meaning.field);
            }
        }
        if !meanings.iter().any(|one| one.member == "source_code") {
            self.ask(
                "Không thấy mã hồ sơ: thêm luật cho `source_code`.",
                "No code of the dossier was found: add a rule for `source_code`.",
            );
        }
        if !meanings.iter().any(|one| one.member == "status") {
            self.line(
                "# Không thấy trạng thái: coi mọi hồ sơ là đã tiếp nhận (no status: all accepted).",
            );
            self.line("status = \"'tiếp nhận' | table status\"");
            self.line("status_raw = \"'tiếp nhận'\"");
            self.tables.insert("status".to_owned(), "native,canonical\ntiếp nhận,2\n".to_owned());
            self.ask(
                "Không thấy trạng thái hồ sơ: mọi hồ sơ tạm coi là đã tiếp nhận.",
                "No status was found: every dossier is told as accepted.",
            );
        }
        if day.is_none() {
            self.ask(
                "Không thấy ngày tiếp nhận: thêm luật cho `accepted_at` nếu có.",
                "No date of acceptance was found: add a rule for `accepted_at` if there is one.",
            );
        }
    }

    fn rule(&mut self, meaning: &Meaning) {
        let field = &self.fields[meaning.field];
        let [vi, en] = &meaning.reason;
        let shown: Vec<String> =
            field.values.iter().take(SHOWN).map(|one| format!("`{}`", comment(one))).collect();
        // Personal values stay in the sample.
        let personal = meaning.member.starts_with("applicant.") || meaning.member == "officer";
        let shown = if personal { String::new() } else { format!(": {}", shown.join(", ")) };
        let member = meaning.member.strip_prefix("applicant.").unwrap_or(meaning.member);
        let member = if member.contains('[') { toml(member) } else { member.to_owned() };
        let rule = toml(&format!("{}{}", field.source(), meaning.functions));
        self.line(format!("# {vi} ({en}){shown}"));
        self.line(format!("{member} = {rule}"));
    }

    /// The code table of the statuses; those that are not known are asked about.
    fn statuses(&mut self, field: usize) {
        let values: BTreeSet<&String> = self.fields[field].values.iter().collect();
        let mut table = String::from("native,canonical\n");
        let mut unknown = Vec::new();
        for value in values.iter().take(STATUSES_MAX) {
            let cell = match value.contains([',', '"']) {
                true => format!("\"{}\"", value.replace('"', "\"\"")),
                false => (*value).clone(),
            };
            match meaning::status(value) {
                Some(code) => table.push_str(&format!("{cell},{code}\n")),
                None => unknown.push(format!("`{}`", comment(value))),
            }
        }
        if !unknown.is_empty() || values.len() > STATUSES_MAX {
            let list = unknown.join(", ");
            self.ask(
                format!("Trạng thái chưa biết nghĩa, thêm vào tables/status.csv: {list}."),
                format!("Statuses of unknown meaning, to be added to tables/status.csv: {list}."),
            );
        }
        self.tables.insert("status".to_owned(), table);
    }

    /// Fields that mean nothing known: kept as attributes, or asked about.
    fn rest(&mut self, meanings: &[Meaning]) {
        let fields = self.fields;
        for (at, field) in fields.iter().enumerate() {
            if meanings.iter().any(|one| one.field == at) {
                continue;
            }
            if field.is_list {
                self.ask(
                    format!("`{}` là danh sách: chưa ánh xạ.", field.path),
                    format!("`{}` is a list: it is not mapped.", field.path),
                );
            } else if field.values.is_empty() {
                self.line(format!("# {}: luôn trống (always empty).", comment(&field.path)));
            } else {
                let name = self.attribute(field);
                self.line(format!("attributes.{name} = {}", toml(&field.source())));
            }
        }
    }

    /// A free name for an attribute.
    fn attribute(&mut self, field: &Field) -> String {
        let last = field.names.last().map(String::as_str).unwrap_or_default();
        let words = search_key(&apart(last));
        let letters = words.chars().filter(|one| one.is_ascii_alphanumeric() || *one == ' ');
        let name: String = letters.map(|one| if one == ' ' { '_' } else { one }).collect();
        let starts = name.starts_with(|first: char| first.is_ascii_alphabetic());
        let name = if starts { name } else { format!("col_{name}") };
        let mut free = name.clone();
        let mut number = 2;
        while !self.attributes.insert(free.clone()) {
            free = format!("{name}_{number}");
            number += 1;
        }
        free
    }

    fn applicant(&mut self, meanings: &[Meaning]) {
        self.line("");
        self.line("[record.map.applicant]");
        let of = |member: &str| meanings.iter().find(|one| one.member == member);
        for meaning in meanings.iter().filter(|one| one.member.starts_with("applicant.")) {
            self.rule(meaning);
        }
        match of("applicant.name") {
            Some(name) => {
                let path = self.fields[name.field].source();
                let rule = toml(&format!("{path} | applicant_kind"));
                self.line(format!("kind = {rule}"));
            }
            None => {
                self.line("# Không thấy tên người nộp (no name of the applicant was found).");
                self.line("name = \"'Không rõ'\"");
                self.line("kind = \"'person'\"");
                self.ask(
                    "Không thấy tên người nộp: tạm ghi `Không rõ`.",
                    "No name of the applicant was found: `Không rõ` stands in its place.",
                );
            }
        }
        if let Some(number) = of("applicant.id_number") {
            let path = &self.fields[number.field].path;
            let rule = toml(&format!("{path} | digits | id_type"));
            self.line(format!("id_type = {rule}"));
        }
    }
}

/// A name with its words apart: `soPhong` is `so Phong`.
fn apart(name: &str) -> String {
    let mut words = String::new();
    let mut before_is_small = false;
    for letter in name.chars() {
        if letter.is_uppercase() && before_is_small {
            words.push(' ');
        }
        before_is_small = letter.is_lowercase() || letter.is_numeric();
        words.push(letter);
    }
    words
}
