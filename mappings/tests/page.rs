//! The reference page says what the code does: every list on it is complete, every example runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

use std::collections::{BTreeMap, BTreeSet};

use contracts::{Contracts, Draft, problem::CATALOGUE};
use mappings::{
    Gazetteer, Mapping, Sources, expression, functions, quality::DOUBTS, text::charset::Charset,
};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/mapping.md");

/// The part of the page under a heading, up to the next one of the same rank or higher.
fn section(heading: &str) -> &'static str {
    let rank = heading.split(' ').next().unwrap();
    let start = PAGE.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let rest = &PAGE[start + 1 + heading.len()..];
    let ends = (1..=rank.len()).filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))));
    &rest[..ends.min().unwrap_or(rest.len())]
}

/// The rows of all tables in a text, without their heads; `\|` is a bar within a cell.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        if line.starts_with("|---") {
            rows.pop();
            continue;
        }
        let line = line.replace("\\|", "\u{1}");
        let cells = line.trim_matches('|').split('|').map(|cell| cell.replace('\u{1}', "|"));
        rows.push(cells.map(|cell| cell.trim_matches(' ').to_owned()).collect());
    }
    rows
}

/// What stands between backquotes, with `\u{…}` as the letter it names.
fn code(cell: &str) -> Option<String> {
    let mut text = cell.strip_prefix('`')?.strip_suffix('`')?.to_owned();
    while let Some(at) = text.find("\\u{") {
        let end = at + text[at..].find('}').unwrap();
        let letter = u32::from_str_radix(&text[at + 3..end], 16).ok().and_then(char::from_u32);
        text.replace_range(at..=end, &letter.unwrap().to_string());
    }
    Some(text)
}

/// Fenced blocks: what follows the fence, and the text.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\n```") {
        let (head, after) = rest[at + 4..].split_once('\n').unwrap();
        let (block, next) = after.split_once("\n```").unwrap();
        found.push((head, block));
        rest = next;
    }
    found
}

fn gazetteer() -> Gazetteer {
    Gazetteer::from_csv(include_str!("../units/units.csv"))
        .and_then(|units| units.with_agencies(include_str!("../units/agencies.csv")))
        .unwrap()
}

fn compile(text: &str) -> Result<Mapping, String> {
    let tables = BTreeMap::from([
        ("status".to_owned(), "native,canonical\n5,10\nx,7\n".to_owned()),
        ("one".to_owned(), "native,canonical\n1,2\n".to_owned()),
    ]);
    let sources = Sources { file: "page.toml".to_owned(), text: text.to_owned(), tables };
    Mapping::compile(&sources, &Contracts::builtin().unwrap())
        .map_err(|found| found.iter().map(|one| format!("{one}\n")).collect())
}

fn outcome(mapping: &Mapping, payload: &str) -> mappings::Outcome<'static> {
    let mut got = None;
    mappings::apply(mapping, payload.as_bytes(), &gazetteer(), &mut |_, outcome| {
        got.get_or_insert_with(|| {
            outcome.map(|drafts| drafts.into_iter().map(Draft::into_owned).collect())
        });
    })
    .unwrap();
    got.unwrap()
}

/// What a rule gives, as the page writes it.
fn gives(head: &str, payload: &str, day: &str, rule: &str) -> String {
    let text = format!(
        "charset = \"utf-8\"\n{head}\n[[record]]\ncontract = \"dossier/1\"\nday = \"due_at\"\n\
         [record.map]\nsource = \"'a'\"\nsource_code = \"'1'\"\nagency = \"'a'\"\n\
         channel = \"'counter'\"\nstatus = \"'1' | table one\"\nstatus_raw = \"'1'\"\n\
         applicant.name = \"'a'\"\napplicant.kind = \"'person'\"\ndue_at = {day}\n\
         attributes.x = {rule}\n"
    );
    let mapping = compile(&text).unwrap_or_else(|told| panic!("{rule}: {told}"));
    match outcome(&mapping, payload) {
        Ok(drafts) => match &drafts[0].body.json()["attributes"]["x"] {
            Value::Null => "nothing".to_owned(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        },
        Err(problems) => format!("refused: `{}`", problems[0].code),
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[test]
fn every_function_is_on_the_page_with_examples_that_hold() {
    let all = section("## Functions");
    let names: Vec<_> = all.lines().filter_map(|line| code(line.strip_prefix("### ")?)).collect();
    let known: Vec<_> = functions::FUNCTIONS.iter().map(|one| one.usage).collect();
    assert_eq!(names, known, "the page lists other functions than there are");
    for function in functions::FUNCTIONS {
        let own = section(&format!("### `{}`", function.usage));
        assert!(own.contains(function.summary), "{}: {}", function.name, function.summary);
        let examples = rows(own);
        assert!(!examples.is_empty(), "{} has no example", function.name);
        for row in examples {
            let [call, value, want] = &row[..] else { panic!("{row:?}") };
            let call = code(call).unwrap();
            assert!(call.contains(function.name), "{call} is no example of {}", function.name);
            let value = code(value).unwrap_or_default();
            let payload = json!({ "x": value, "HUYEN": "Nhơn Trạch", "ngay": "2013-09-09" });
            let rule = quoted(&format!("x | {call}"));
            let day = "\"ngay | date yyyy-MM-dd\"";
            let got = gives("format = \"json\"", &payload.to_string(), day, &rule);
            assert_eq!(&got, want, "{call} of {value}");
        }
    }
}

#[test]
fn every_expression_on_the_page_gives_what_it_says() {
    let own = section("### Conditions and computed fields");
    let examples = rows(own);
    assert!(examples.len() > 10);
    for row in examples {
        let [expression, record, want] = &row[..] else { panic!("{row:?}") };
        let rule = format!("{{ compute = {} }}", quoted(&code(expression).unwrap()));
        let day = "\"'2013-09-09'\"";
        let got = gives("format = \"json\"", &code(record).unwrap(), day, &rule);
        assert_eq!(&got, want, "{expression} of {record}");
    }
    for function in expression::FUNCTIONS {
        assert!(own.contains(&format!("`{}`", function.usage)), "{}", function.usage);
    }
    for limit in [expression::SOURCE_BYTES_MAX, expression::MEMBER_BYTES_MAX] {
        assert!(own.contains(&limit.to_string()), "{limit}");
    }
}

#[test]
fn every_path_on_the_page_finds_what_it_says() {
    let own = section("### Paths");
    let mut tables = own.split("\n```\n\n|").skip(1);
    for (head, payload) in blocks(own) {
        let (format, each) = head.split_once(" paths").unwrap();
        let each = each.trim().strip_prefix("each=");
        let each = each.map_or_else(String::new, |path| format!("each = \"{path}\"\n"));
        let table = tables.next().unwrap().split("\n\n").next().unwrap();
        let examples = rows(&format!("|{table}"));
        assert!(examples.len() > 2, "{head}");
        for row in examples {
            let [path, want] = &row[..] else { panic!("{row:?}") };
            let rule = quoted(&code(path).unwrap());
            let day = "\"'2013-09-09'\"";
            let got = gives(&format!("format = \"{format}\"\n{each}"), payload, day, &rule);
            assert_eq!(&got, want, "{path} in {format}");
        }
    }
}

/// A head on its own, with the smallest record there is.
#[track_caller]
fn head_compiles(text: &str) {
    let record = "[[record]]\ncontract = \"dossier/1\"\n[record.map]\nsource = \"'a'\"\n\
        source_code = \"'1'\"\nagency = \"'a'\"\nchannel = \"'counter'\"\n\
        status = \"'1' | table one\"\nstatus_raw = \"'1'\"\n\
        applicant = { name = \"'a'\", kind = \"'person'\" }\n";
    compile(&format!("{text}\n{record}")).unwrap_or_else(|told| panic!("{text}: {told}"));
}

#[test]
fn whole_files_on_the_page_compile_and_give_what_follows_them() {
    let all = blocks(PAGE);
    let mut files = 0;
    for (at, (head, text)) in all.iter().enumerate().filter(|(_, (head, _))| *head == "toml") {
        let mapping = compile(text).unwrap_or_else(|told| panic!("{head}: {told}"));
        let (given, wanted) = (all[at + 1], all[at + 2]);
        assert!(given.0.ends_with(" in") && wanted.0.ends_with(" out"), "{given:?} {wanted:?}");
        let got = outcome(&mapping, given.1).unwrap();
        assert_eq!(json!(got), serde_json::from_str::<Value>(wanted.1).unwrap());
        files += 1;
    }
    assert_eq!(files, 4);
    let heads = all.iter().filter(|(head, _)| *head == "toml head");
    let compiled = heads.map(|(_, text)| head_compiles(text)).count();
    assert_eq!(compiled, 2);
}

fn first_cells(text: &str) -> BTreeSet<String> {
    rows(text).iter().filter_map(|row| code(&row[0])).collect()
}

#[test]
fn charsets_refusals_and_settings_are_all_there_and_no_others() {
    let known: BTreeSet<_> = Charset::names().map(str::to_owned).collect();
    assert_eq!(first_cells(section("### Charsets")), known);
    let own = section("## Refusals");
    let mut codes = first_cells(own);
    // Not of a record but of a message.
    assert!(own.contains("`id-reused`") && codes.insert("id-reused".to_owned()));
    assert_eq!(codes, CATALOGUE.iter().map(|kind| kind.code.to_owned()).collect());
    let doubts: BTreeSet<_> = DOUBTS.iter().map(|doubt| doubt.code.to_owned()).collect();
    assert_eq!(first_cells(section("## Doubts")), doubts);
    let advice = |text: &str| {
        let told = compile(text).err().unwrap();
        let line = told.lines().find(|line| line.trim().starts_with("settings: ")).unwrap();
        let names = line.trim().trim_start_matches("settings: ").split([',', ' ']);
        let names = names.map(|name| name.trim_matches(['[', ']', ' ']));
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let heads = "format = \"csv\"\ncharset = \"utf-8\"\n";
    for (text, heading) in [
        (format!("{heads}nope = 1\n"), "## The head of the file"),
        (format!("{heads}[[record]]\nnope = 1\n"), "## `[[record]]`"),
    ] {
        for name in advice(&text) {
            let own = section(heading);
            let there = [format!("`{name}`"), format!("`[{name}]`"), format!("`[[{name}]]`")];
            assert!(there.iter().any(|one| own.contains(one)), "{name} is not in {heading}");
        }
    }
}
