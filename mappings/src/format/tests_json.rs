use proptest::prelude::*;

use super::*;
use crate::document::NodeKind;

fn steps(names: &[&str]) -> Vec<Step> {
    names.iter().map(|name| Step { name: (*name).to_owned(), namespace: None }).collect()
}

/// What each record looks like, and how the reading ended.
fn run(source: &str, each: &[&str], lines: bool) -> (Vec<String>, Result<(), Fault>) {
    let mut out = Vec::new();
    let ended = Format::Json(JsonOptions { lines, doubled: false }).read(
        source,
        &steps(each),
        &Limits::default(),
        &mut |record| match record {
            Ok((document, id)) => {
                let fields = document.children(id);
                let shown: Vec<String> =
                    fields.map(|f| format!("{}={}", document.name(f), document.text(f))).collect();
                out.push(format!("{}[{}]", document.text(id), shown.join(",")));
            }
            Err(fault) => out.push(format!("! {}", fault.offset)),
        },
    );
    (out, ended)
}

fn refused(source: &str) -> Fault {
    run(source, &[], false).1.unwrap_err()
}

#[test]
fn records_are_found_along_the_path() {
    let source = r#"{"n": 1.50, "DuLieu": [{"a":"x"}, {"b":null}], "sau": {"DuLieu": [1]}}"#;
    assert_eq!(run(source, &["DuLieu"], false), (vec!["[a=x]".into(), "[b=null]".into()], Ok(())));
    assert_eq!(run(source, &["*"], false).0, ["1.50[]", "[a=x]", "[b=null]", "[DuLieu=]"]);
    assert_eq!(run(source, &[], false).0, ["[n=1.50,DuLieu=,sau=]"]);
    assert_eq!(run("[1,[2,3]]", &[], false).0, ["1[]", "[=2,=3]"]);
    assert_eq!(run(r#"[{"a":[{"b":1},{"b":2}]}]"#, &["a", "b"], false).0, ["1[]", "2[]"]);
    assert_eq!(run(r#"{"a":null}"#, &["a"], false), (vec![], Ok(())));
    assert_eq!(run(r#"{"a":{"k":true}}"#, &["a"], false).0, ["[k=true]"]);
}

#[test]
fn what_precedes_a_record_stays_visible() {
    let source = r#"{"page": 3, "d": [{"a":1},{"a":2}]}"#;
    let mut pages = 0;
    let each = steps(&["d"]);
    let format = Format::Json(JsonOptions::default());
    format
        .read(source, &each, &Limits::default(), &mut |record| {
            let (document, id) = record.unwrap();
            let above = document.parent(document.parent(id).unwrap()).unwrap();
            assert_eq!(above, document.root());
            assert_eq!(document.children(document.parent(id).unwrap()).count(), 1);
            let page = document.children(above).next().unwrap();
            assert_eq!((document.name(page), document.text(page)), ("page", "3"));
            assert_eq!(document.kind(page), NodeKind::Number);
            assert_eq!(&source[document.offset(id)..=document.offset(id)], "{");
            pages += 1;
        })
        .unwrap();
    assert_eq!(pages, 2);
}

#[test]
fn strings_are_unescaped() {
    let source = r#"["C\u1ea5p \ud83d\ude00 \"\\\/\b\f\n\r\t"]"#;
    assert_eq!(run(source, &[], false).0, ["Cấp 😀 \"\\/\u{8}\u{c}\n\r\t[]"]);
}

#[test]
fn what_is_not_json_is_refused() {
    let bad = [
        "",
        " ",
        "{",
        "[",
        "[1,]",
        "{\"a\":1,}",
        "{,}",
        "[,]",
        "[1 2]",
        "{\"a\" 1}",
        "{a:1}",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "+1",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "tru",
        "nul",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\u0000\"",
        "\"a\u{0}\"",
        "\"\n\"",
        "1 2",
        "{}x",
        "[}",
        "{]",
        "\u{a0}1",
        "'a'",
        "{\"a\":1 \"b\":2}",
        "/**/1",
        "\u{feff}1",
        "\"\\",
    ];
    for source in bad {
        assert_eq!(refused(source).kind, FaultKind::NotTheFormat, "{source:?}");
    }
    let huge = "9".repeat(400);
    assert_eq!(refused(&huge).kind, FaultKind::NotTheFormat);
}

#[test]
fn duplicate_keys_are_refused_at_any_level() {
    let cases = [r#"{"a":1,"a":2}"#, r#"[{"b":{"a":1,"\u0061":2}}]"#, r#"{"x":[{"a":1,"a":2}]}"#];
    for source in cases {
        assert_eq!(refused(source).kind, FaultKind::DuplicateKey, "{source}");
    }
    let ended = run(r#"{"d":{"x":1},"d":{"x":2}}"#, &["d"], false);
    assert_eq!((ended.0.len(), ended.1.unwrap_err().kind), (1, FaultKind::DuplicateKey));
    let many: Vec<String> = (0..60_000).map(|n| format!("\"k{n}\":1")).collect();
    let begun = std::time::Instant::now();
    assert_eq!(run(&format!("{{{}}}", many.join(",")), &[], false).1, Ok(()));
    let again = format!("{{{},\"k9\":1}}", many.join(","));
    assert_eq!(refused(&again).kind, FaultKind::DuplicateKey);
    assert!(begun.elapsed().as_secs() < 5);
}

#[test]
fn limits_are_kept() {
    let limit = |source: &str| match refused(source).kind {
        FaultKind::LimitExceeded { limit, .. } => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(limit(&"[".repeat(100_000)), "depth_max");
    assert_eq!(limit(&"{\"a\":".repeat(100_000)), "depth_max");
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(run(&deep, &[], false).1, Ok(()));
    assert_eq!(limit(&format!("[[{}1]]", "1,".repeat(70_000))), "nodes_per_record_max");
    assert_eq!(limit(&format!("[\"{}\"]", "x".repeat(17 << 20))), "text_bytes_max");
}

#[test]
fn the_arena_stays_small() {
    let source = format!("{{\"d\":[{}{{}}]}}", "{\"a\":\"xyz\",\"b\":[1,2]},".repeat(10_000));
    let (mut seen, mut most) = (0, 0);
    let format = Format::Json(JsonOptions::default());
    format
        .read(&source, &steps(&["d"]), &Limits::default(), &mut |record| {
            let (document, _) = record.unwrap();
            seen += 1;
            most = most.max(document.node_count() + document.text_bytes());
        })
        .unwrap();
    assert_eq!(seen, 10_001);
    assert!(most < 30, "{most}");
}

#[test]
fn lines_are_documents() {
    let source = "{\"b\":{\"x\":1}}\r\n\n  \n{\"b\":\n{\"b\":{\"x\":2}}";
    let expected = vec!["[x=1]".to_owned(), "! 24".into(), "[x=2]".into()];
    assert_eq!(run(source, &["b"], true), (expected, Ok(())));
}

#[test]
fn columns_count_characters() {
    assert_eq!(line_column("ấb\r\ncấ", 0), (1, 1));
    assert_eq!(line_column("ấb\r\ncấ", 3), (1, 2));
    assert_eq!(line_column("ấb\r\ncấ", 7), (2, 2));
    assert_eq!(line_column("a\rb", 2), (2, 1));
    assert_eq!(line_column("a", 99), (1, 2));
}

proptest! {
    #[test]
    fn never_panics(source in "\\PC*", lines: bool) {
        let _ = run(&source, &["a"], lines);
    }

    #[test]
    fn never_panics_on_json_like(source in "[\\[\\]{}\",:\\\\a0-9u.eE\u{1ea5} \n-]{0,40}") {
        let (_, ended) = run(&source, &["a"], false);
        if let Err(fault) = ended {
            prop_assert!(fault.offset <= source.len() + 8);
            let _ = line_column(&source, fault.offset);
        }
    }
}

/// An empty list says that there is nothing; no list says that this is something else.
#[test]
fn a_list_that_is_not_there_is_told_and_an_empty_one_is_fine() {
    let deep = ["data", "items"];
    for source in [
        r#"{"data":{"items":[]}}"#,
        r#"{"data":{"items":null}}"#,
        r#"{"data":null}"#,
        r#"{"data":[]}"#,
        r#"[{"n":1},{"data":{"items":[]}}]"#,
        "[]",
        "null",
    ] {
        assert_eq!(run(source, &deep, false), (vec![], Ok(())), "{source}");
    }
    for source in [
        r#"{"a":1}"#,
        "{}",
        r#"{"data":{}}"#,
        r#"{"data":{"a":{"items":[1]}}}"#,
        r#"{"data":5}"#,
        r#"[[{"data":{"items":[]}}]]"#,
        r#""data""#,
    ] {
        let (records, ended) = run(source, &deep, false);
        let path = "data/items".to_owned();
        assert_eq!(
            ended.map_err(|fault| fault.kind),
            Err(FaultKind::ListAbsent { path }),
            "{source}"
        );
        assert_eq!(records, [] as [String; 0]);
    }
    assert_eq!(run("{}", &["*"], false), (vec![], Ok(())));
    let (lines, ended) = run("{\"d\":[]}\n{\"a\":1}\n{\"d\":[7]}", &["d"], true);
    assert_eq!((lines, ended), (vec!["! 0".to_owned(), "7[]".to_owned()], Ok(())));
}
