use proptest::prelude::*;

use super::*;

fn columns(widths: &[usize]) -> Vec<Column> {
    let mut at = 1;
    let column = |(number, width): (usize, &usize)| {
        let column = Column { name: format!("c{}", number + 1), at, width: *width };
        at += width;
        column
    };
    widths.iter().enumerate().map(column).collect()
}

fn run(payload: &[u8], options: FixedOptions) -> (Vec<String>, Result<(), Fault>) {
    let mut out = Vec::new();
    let charset = options.charset.unwrap_or(Charset::Utf8);
    let format = Format::Fixed(options);
    let source = format.text(charset, payload).unwrap();
    let ended = format.read(&source, &[], &Limits::default(), &mut |record| match record {
        Ok((document, id)) => {
            let fields = document.children(id);
            let shown: Vec<_> = fields
                .map(|f| {
                    format!("{}@{:?}", document.text(f), line_column(&source, document.offset(f)))
                })
                .collect();
            out.push(shown.join("|"));
        }
        Err(fault) => {
            let at = line_column(&source, fault.offset);
            out.push(format!("! {at:?} {}", fault.detail));
        }
    });
    (out, ended)
}

fn unicode(widths: &[usize]) -> FixedOptions {
    FixedOptions { columns: columns(widths), ..FixedOptions::default() }
}

#[test]
fn rows_are_cut_where_the_columns_stand() {
    for end in ["\n", "\r\n", "\r"] {
        let source = ["Đỗ  12", "", "ab 345", "\u{1A}"].join(end);
        let (records, ended) = run(source.as_bytes(), unicode(&[4, 2]));
        // A lone carriage return is a line end, as in the other formats.
        assert_eq!(records, ["Đỗ  @(1, 1)|12@(1, 5)", "ab 3@(3, 1)|45@(3, 5)"], "{end:?}");
        assert_eq!(ended, Ok(()));
    }
}

#[test]
fn widths_of_legacy_charsets_count_bytes() {
    // Windows-1258 has the tone behind its letter: two bytes of one letter.
    let charset = Charset::Windows1258;
    let row = [charset.encode("Trần ").unwrap(), b"7\r\n".to_vec()].concat();
    let options = FixedOptions { charset: Some(charset), ..unicode(&[6, 1]) };
    assert_eq!(run(&row, options).0, ["Trần @(1, 1)|7@(1, 7)"]);
}

#[test]
fn a_bad_row_does_not_stop_the_file() {
    let options = FixedOptions { charset: Some("tcvn3".parse().unwrap()), ..unicode(&[2, 2]) };
    let (records, ended) = run(b"aabb\naab\na\taa\naabb c\naa\x80b\naabb  \n", options.clone());
    let told = [
        "aa@(1, 1)|bb@(1, 3)",
        "! (2, 1) the row ends at 3, its last column at 4",
        "! (3, 2) a tab or another control character: the columns cannot be told",
        "! (4, 6) the row goes on behind its last column, which ends at 4",
        "! (5, 3) byte 0x80 does not belong to tcvn3",
        "aa@(6, 1)|bb@(6, 3)",
    ];
    assert_eq!((records.as_slice(), ended), (&told.map(str::to_owned)[..], Ok(())));
    let short = FixedOptions { short: true, ..options };
    assert_eq!(run(b"aab\na\n", short).0, ["aa@(1, 1)|b@(1, 3)", "a@(2, 1)|@(2, 2)"]);
}

#[test]
fn headers_footers_and_gaps_are_no_data() {
    let columns = vec![
        Column { name: "a".into(), at: 3, width: 2 },
        Column { name: "b".into(), at: 7, width: 1 },
    ];
    let options = FixedOptions { columns, skip_header: 2, skip_footer: 1, ..unicode(&[]) };
    let source = "DANH SACH\n\n??11??2\n??33??4\n  5\n\n";
    assert_eq!(run(source.as_bytes(), options).0, ["11@(3, 3)|2@(3, 7)", "33@(4, 3)|4@(4, 7)"]);
}

proptest! {
    #[test]
    fn whatever_the_bytes_every_row_is_told_once(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        short in any::<bool>(),
        name in "tcvn3|vni|windows-1258|viscii|viqr",
    ) {
        let charset = Some(name.parse().unwrap());
        let text = fixed::undecoded(&bytes);
        let rows = text.strip_suffix('\u{1A}').unwrap_or(&text).split(['\n', '\r']);
        let rows = rows.filter(|row| row.contains(|letter| letter != ' ')).count();
        let (told, ended) = run(&bytes, FixedOptions { charset, short, ..unicode(&[3, 5]) });
        prop_assert_eq!((told.len(), ended), (rows, Ok(())));
    }
}

#[test]
fn what_widths_count_may_be_said_against_the_charset() {
    // `Tên` has four bytes and three characters, behind a mark that is in no column.
    let by_bytes = FixedOptions { charset: Some(Charset::Utf8), ..unicode(&[5, 2]) };
    let (rows, ended) = run("\u{FEFF}Tên 7\nAbcde8\n".as_bytes(), by_bytes);
    assert_eq!(ended, Ok(()));
    assert!(rows[0].starts_with("! "), "{rows:?}");
    let by_bytes = FixedOptions { charset: Some(Charset::Utf8), ..unicode(&[5, 1]) };
    let (rows, _) = run("\u{FEFF}Tên 7\nAbcde8\n".as_bytes(), by_bytes);
    assert_eq!(rows, ["Tên @(1, 1)|7@(1, 6)", "Abcde@(2, 1)|8@(2, 6)"]);
}
