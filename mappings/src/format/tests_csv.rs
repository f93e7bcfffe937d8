use proptest::prelude::*;

use super::*;

fn run_with(source: &str, options: CsvOptions) -> (Vec<String>, Result<(), Fault>) {
    let mut out = Vec::new();
    let format = Format::Csv(options);
    let ended = format.read(source, &[], &Limits::default(), &mut |record| match record {
        Ok((document, id)) => {
            let fields = document.children(id);
            let shown: Vec<String> =
                fields.map(|f| format!("{}={}", document.name(f), document.text(f))).collect();
            out.push(shown.join("|"));
        }
        Err(fault) => out.push(format!("! {}", fault.offset)),
    });
    (out, ended)
}

fn run(source: &str) -> (Vec<String>, Result<(), Fault>) {
    run_with(source, CsvOptions { separator: ';', ..CsvOptions::default() })
}

#[test]
fn rows_become_records() {
    for end in ["\n", "\r\n", "\r"] {
        let source = ["A;;B", "1;2;3", "", "\"x;\"\"y\"\"\";;z"].join(end);
        let (records, ended) = run(&source);
        assert_eq!(records, ["A=1|col2=2|B=3", "A=x;\"y\"|col2=|B=z"]);
        assert_eq!(ended, Ok(()));
    }
    assert_eq!(run("A;B\n\"1\n2\";3\n").0, ["A=1\n2|B=3"]);
    assert_eq!(run("A\n\"\"\nx\"y\n").0, ["A=", "A=x\"y"]);
}

#[test]
fn a_bad_row_does_not_stop_the_file() {
    let (records, ended) = run("A;B\n1\n2;3\n4;5;6\n\"a\"b;7\n8;9");
    assert_eq!(records, ["! 4", "A=2|B=3", "! 10", "! 19", "A=8|B=9"]);
    assert_eq!(ended, Ok(()));
}

#[test]
fn headers_and_footers_are_set_apart() {
    let header = Header::Row(3);
    let options =
        CsvOptions { separator: ';', header, skip_footer: 2, quote: '"', ..Default::default() };
    let source = "Báo cáo\n\nA;B\n1;2\n3;4\n\nTổng;2\nHết\n\n";
    assert_eq!(
        run_with(source, options.clone()),
        (vec!["A=1|B=2".into(), "A=3|B=4".into()], Ok(()))
    );
    let options = CsvOptions { header: Header::Names(vec!["x".into(), "y".into()]), ..options };
    assert_eq!(run_with("1;2\n3;4\n5;6", options.clone()).0, ["x=1|y=2"]);
    assert_eq!(run_with("1;2", options).0, [""; 0]);
}

#[test]
fn what_is_no_table_is_refused() {
    for source in ["", "\n1;2", "A;A\n1;2", "A;B\n\"1;2\n", "A\n\u{0}", "\"A\"x\n", "col2;\n1;2"] {
        let ended = run(source).1;
        assert_eq!(ended.unwrap_err().kind, FaultKind::NotTheFormat, "{source:?}");
    }
    let options = CsvOptions { separator: '"', ..CsvOptions::default() };
    assert!(run_with("A\n1", options).1.is_err());
    let wide = vec!["x".to_owned(); 70_000];
    let options = CsvOptions { header: Header::Names(wide), ..CsvOptions::default() };
    let kind = run_with("A\n1", options).1.unwrap_err().kind;
    assert!(matches!(kind, FaultKind::LimitExceeded { .. }));
}

#[test]
fn the_arena_stays_small() {
    let source = format!("A,B\n{}", "abc,def\n".repeat(10_000));
    let (mut seen, mut most) = (0, 0);
    Format::Csv(CsvOptions::default())
        .read(&source, &[], &Limits::default(), &mut |record| {
            let (document, id) = record.unwrap();
            assert_eq!(document.parent(id), Some(document.root()));
            assert_eq!(document.children(document.root()).count(), 1);
            seen += 1;
            most = most.max(document.node_count() + document.text_bytes());
        })
        .unwrap();
    assert_eq!((seen, most), (10_000, 12));
}

/// What came in place of a table would pass for one without rows.
#[test]
fn a_header_with_none_of_the_columns_that_are_read_is_none() {
    let wanted = |names: &[&str]| Reads::of(names.iter().map(|&name| name.to_owned()).collect());
    let run = |source: &str, names: &[&str]| {
        let reads = wanted(names);
        run_with(source, CsvOptions { reads, ..CsvOptions::default() })
    };
    let (records, ended) = run("<html>502 Bad Gateway</html>", &["MA", "TEN"]);
    let fault = ended.unwrap_err();
    assert_eq!((records.len(), fault.kind, fault.offset), (0, FaultKind::NotTheFormat, 0));
    assert!(fault.detail.contains("MA, TEN"), "{}", fault.detail);
    assert_eq!(run("X,TEN\n1,2\n", &["MA", "TEN"]), (vec!["X=1|TEN=2".to_owned()], Ok(())));
    assert_eq!(run("MA,TEN", &["MA", "TEN"]), (Vec::new(), Ok(())));
    let options = CsvOptions { header: Header::Names(vec!["A".to_owned()]), ..Default::default() };
    let options = CsvOptions { reads: wanted(&["B"]), ..options };
    assert_eq!(run_with("1\n", options), (vec!["A=1".to_owned()], Ok(())));
}

proptest! {
    #[test]
    fn never_panics(source in "\\PC*", skip_footer in 0..3_usize, row in 0..3_usize) {
        let header = Header::Row(row);
        let _ = run_with(&source, CsvOptions { header, skip_footer, ..CsvOptions::default() });
    }

    #[test]
    fn never_panics_on_csv_like(source in "[;\"\r\naấ ]{0,60}", skip_footer in 0..3_usize) {
        let options = CsvOptions { separator: ';', skip_footer, ..CsvOptions::default() };
        let _ = run_with(&source, options);
    }
}
