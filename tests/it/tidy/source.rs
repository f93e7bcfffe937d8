//! Rules for one text: lengths, words, traces of a machine.

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_COLUMNS_MAX: usize = 100;

/// Words that say a thing is unfinished or untrue; in halves, or this file would hold them.
const WORDS: &[(&str, &str)] = &[
    (concat!("FIX", "ME"), "mend it, or write an issue"),
    (concat!("fix", "me"), "mend it, or write an issue"),
    (concat!("TO", "DO"), "do it, or write an issue"),
    (concat!("to", "do!("), "a path that is not written is not offered"),
    (concat!("unimple", "mented!("), "a path that is not written is not offered"),
    (concat!("db", "g!("), "logs go through tracing"),
    (concat!("#[ig", "nore"), "a test that does not run is not a test"),
    (concat!("exactly-once ", "delivery"), "delivery repeats; its effect happens once"),
    (concat!("exactly once ", "delivery"), "delivery repeats; its effect happens once"),
];

/// Files, lines and functions that are too long.
pub(super) fn lengths(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    if lines.len() > FILE_LINES_MAX {
        found.push(format!("{path}:1: {} lines, at most {FILE_LINES_MAX}", lines.len()));
    }
    for (number, line) in (1..).zip(&lines) {
        let columns = line.chars().count();
        if columns > LINE_COLUMNS_MAX {
            found.push(format!("{path}:{number}: {columns} columns, at most {LINE_COLUMNS_MAX}"));
        }
        if begins_function(line) {
            let length = function_lines(&lines[number - 1..]);
            if length > FUNCTION_LINES_MAX {
                found.push(format!(
                    "{path}:{number}: function of {length} lines, at most {FUNCTION_LINES_MAX}"
                ));
            }
        }
    }
    found
}

fn begins_function(line: &str) -> bool {
    let mut rest = line.trim_start();
    if let Some(after) = rest.strip_prefix("pub(") {
        rest = after.split_once(") ").map_or("", |(_, rest)| rest);
    }
    for qualifier in ["pub ", "default ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(qualifier).unwrap_or(rest);
    }
    rest.starts_with("fn ")
}

/// Lines from the signature to the closing brace at its indentation, as rustfmt sets it.
fn function_lines(lines: &[&str]) -> usize {
    let indentation = lines[0].len() - lines[0].trim_start().len();
    let close = format!("{}}}", " ".repeat(indentation));
    let mut open = false;
    for (count, line) in (1..).zip(lines) {
        let without_body = !open && (line.ends_with(';') || line.ends_with('}'));
        if without_body || (open && *line == close) {
            return count;
        }
        open |= line.ends_with('{');
    }
    lines.len()
}

/// Words we do not write, in code or prose.
pub(super) fn words(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for (word, instead) in WORDS {
            if contains_word(line, word) {
                found.push(format!("{path}:{number}: \"{word}\": {instead}"));
            }
        }
    }
    found
}

/// What would give away the machine at which a file was written.
pub(super) fn traces_of(root: &str, host: &str) -> Vec<String> {
    let mut traces = vec![concat!("/ho", "me/").to_owned(), concat!("/Us", "ers/").to_owned()];
    if root.matches('/').count() >= 2 {
        traces.push(root.to_owned());
    }
    // Short or plain names are words: only a name that looks made by a machine is a trace.
    if host.len() >= 6 && host.chars().any(|c| c.is_ascii_digit()) {
        traces.push(host.to_owned());
    }
    traces
}

/// Lines that name a path or a host of such a machine.
pub(super) fn machines(path: &str, text: &str, traces: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for trace in traces.iter().filter(|trace| contains_word(line, trace)) {
            found.push(format!("{path}:{number}: names the build machine: {trace}"));
        }
    }
    found
}

/// Whether `word` stands in `line` and is no part of a longer name.
pub(super) fn contains_word(line: &str, word: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    let starts_name = word.starts_with(in_name);
    let ends_name = word.ends_with(in_name);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].ends_with(in_name) && starts_name;
        let after = line[at + word.len()..].starts_with(in_name) && ends_name;
        !before && !after
    })
}

#[test]
fn a_long_file_is_caught() {
    assert!(lengths("a.rs", &"\n".repeat(FILE_LINES_MAX)).is_empty());
    assert_eq!(lengths("a.rs", &"\n".repeat(FILE_LINES_MAX + 1)).len(), 1);
}

#[test]
fn a_long_line_is_caught_by_characters() {
    assert!(lengths("a.rs", &"ế".repeat(LINE_COLUMNS_MAX)).is_empty());
    let found = lengths("a.rs", &format!("\n{}", "ế".repeat(LINE_COLUMNS_MAX + 1)));
    assert_eq!(found, ["a.rs:2: 101 columns, at most 100"]);
}

#[test]
fn a_long_function_is_caught_wherever_it_stands() {
    for signature in ["fn f() {", "pub(crate) async fn f() {", "fn f(\n    a: u8,\n) {"] {
        let head = signature.lines().count();
        let body = |lines: usize| "    ();\n".repeat(lines - head - 1);
        let just = format!("{signature}\n{}}}\n", body(FUNCTION_LINES_MAX));
        assert!(lengths("a.rs", &just).is_empty(), "{signature}");
        let over = format!("{signature}\n{}}}\n", body(FUNCTION_LINES_MAX + 1));
        assert_eq!(lengths("a.rs", &over), ["a.rs:1: function of 71 lines, at most 70"]);
    }
    let filler = "    ();\n".repeat(FUNCTION_LINES_MAX);
    let method = format!("impl A {{\n    pub const fn f() {{\n{filler}    }}\n}}\n");
    assert_eq!(lengths("a.rs", &method).len(), 1);
}

#[test]
fn a_function_without_a_long_body_is_let_be() {
    let rest = "//\n".repeat(FUNCTION_LINES_MAX);
    for short in ["    fn f(&self);", "fn f() {}", "fn f<T>(t: T)\nwhere\n    T: Copy;"] {
        assert!(lengths("a.rs", &format!("{short}\n{rest}")).is_empty(), "{short}");
    }
}

#[test]
fn every_forbidden_word_is_caught() {
    for (word, _) in WORDS {
        assert_eq!(words("a.md", &format!("\nsay {word} here")).len(), 1, "{word}");
    }
    assert!(words("a.md", concat!("TO", "DOS is a name, METHODO", "LOGY too")).is_empty());
}

#[test]
fn a_build_machine_is_caught() {
    let traces = traces_of("/builds/7/hub", "runner-3f2a");
    for line in ["see /builds/7/hub/src", "on runner-3f2a", concat!("in /ho", "me/an/x")] {
        assert_eq!(machines("a.md", line, &traces).len(), 1, "{line}");
    }
    assert!(machines("a.md", "GET /v1/homes", &traces).is_empty());
    assert_eq!(traces_of("/hub", "localhost").len(), 2);
}
