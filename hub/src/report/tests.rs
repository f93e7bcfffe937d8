//! What is printed: headings, numbers, and that no cell runs.

use jiff::{Timestamp, civil::date};

use super::{Format, file_name, printed::Printed, write};
use crate::{
    journal::merkle::Digest,
    operations::{ReportAnswer, ReportText},
    registry::report::{
        Check, Difference, FreezeText, Frozen, Heading, Identity, Named, Note, Report,
        ReportPeriod, ReportRow, RowKind,
    },
    store::freezes::Freeze,
};

fn heading(number: u32, texts: &[&str]) -> Heading {
    let vi: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    Heading { number, en: vi.clone(), vi }
}

fn named(name: &str) -> Named {
    Named { id: name.to_owned(), name_vi: name.to_owned(), name_en: name.to_owned() }
}

fn row(kind: RowKind, index: &str, name: &str, figures: [i64; 3]) -> ReportRow {
    let figures = figures.into_iter().map(Some).collect();
    ReportRow { kind, index: index.to_owned(), named: named(name), figures, suppressed: false }
}

fn report(names: [&str; 2]) -> Report {
    let identity = Identity { left: vec![3], right: vec![4, 5] };
    let period = "2026-H1".parse().unwrap();
    Report {
        form: "II.06a".to_owned(),
        number_vi: "Biểu số II.06a".to_owned(),
        title_vi: "Tình hình giải quyết".to_owned(),
        title_en: "Handling".to_owned(),
        legal_basis: None,
        unit_vi: "Hồ sơ".to_owned(),
        unit_en: "Dossiers".to_owned(),
        period: ReportPeriod::new(period, None),
        agency: None,
        as_of: 9,
        columns: vec![
            heading(1, &["STT"]),
            heading(2, &["Đơn vị"]),
            heading(3, &["Tiếp nhận", "Tổng số"]),
            heading(4, &["Tiếp nhận", "Trong kỳ", "Trực tuyến"]),
            heading(5, &["Tiếp nhận", "Trong kỳ", "Trực tiếp"]),
        ],
        rows: vec![
            row(RowKind::Group, "I", "Cấp tỉnh", [1254, 1000, 254]),
            row(RowKind::Row, "1", names[0], [1000, 900, 100]),
            row(RowKind::Row, "2", names[1], [254, 100, 154]),
            row(RowKind::Total, "", "Tổng số", [1254, 1000, 254]),
        ],
        checks: vec![Check { identity, holds: true, faults: Vec::new() }],
        assertions: Vec::new(),
        notes: vec![Note { vi: "Ghi chú <b>".to_owned(), en: "Note".to_owned() }],
    }
}

fn answer(report: Report) -> ReportAnswer {
    let text = serde_json::to_vec(&report).unwrap();
    ReportAnswer::Report(Box::new(ReportText { report, text, freeze: None }))
}

fn text(answer: &ReportAnswer, format: Format) -> String {
    String::from_utf8(write(answer, format).unwrap()).unwrap()
}

#[test]
fn equal_headings_of_neighbours_are_one_and_the_last_reaches_down() {
    let answer = answer(report(["a", "b"]));
    let printed = Printed::of(&answer);
    let spans: Vec<_> = printed
        .headings()
        .iter()
        .map(|span| (span.vi, span.row, span.column, span.rows, span.columns))
        .collect();
    let expected = [
        ("STT", 0, 0, 3, 1),
        ("Đơn vị", 0, 1, 3, 1),
        ("Tiếp nhận", 0, 2, 1, 3),
        ("Tổng số", 1, 2, 2, 1),
        ("Trong kỳ", 1, 3, 1, 2),
        ("Trực tuyến", 2, 3, 1, 1),
        ("Trực tiếp", 2, 4, 1, 1),
    ];
    assert_eq!(spans, expected);
}

#[test]
fn no_cell_runs_in_a_spreadsheet_or_a_page() {
    let answer = answer(report(["=HYPERLINK(\"x\")", "<script>alert(1)</script>"]));
    let csv = text(&answer, Format::Csv);
    assert!(csv.starts_with('\u{FEFF}'));
    assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\")\"") && !csv.contains(",=HYPERLINK"));
    assert!(csv.lines().nth(1).unwrap().contains("2026-01-01,2026-06-30,9"), "{csv}");
    let page = text(&answer, Format::Html);
    assert!(!page.contains("<script") && !page.contains("<b>"));
    assert!(page.contains(">1.254<") && page.contains("(3) = (4) + (5): khớp"));
    assert!(page.contains("<svg role=\"img\"") && page.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn equal_reports_are_equal_files() {
    let [one, other] = [(); 2].map(|()| answer(report(["a", "b"])));
    for format in Format::ALL {
        assert_eq!(write(&one, format).unwrap(), write(&other, format).unwrap(), "{format:?}");
    }
    assert_eq!(file_name(&one, Format::Xlsx), "II.06a_2026-H1.xlsx");
}

#[test]
fn a_difference_shows_both_sides_in_every_format() {
    let (then, mut now) = (report(["a", "b"]), report(["a", "b"]));
    now.rows[1].figures[0] = Some(1003);
    let freeze = Freeze {
        position: 12,
        recorded_at: "2026-06-20T01:02:03Z".parse::<Timestamp>().unwrap(),
        text: FreezeText {
            of: Frozen {
                form: then.form.clone(),
                period: "2026-H1".to_owned(),
                calendar: String::new(),
                agency: String::new(),
            },
            from: date(2026, 1, 1),
            to: date(2026, 6, 30),
            as_of: 9,
            figures: Digest::of(b"figures"),
        },
    };
    let answer = ReportAnswer::Difference(Box::new(Difference::new(&then, &now)), freeze);
    let page = text(&answer, Format::Html);
    assert!(page.contains("1.000") && page.contains("1.003") && page.contains(">3<"));
    assert!(page.contains("lúc 08:02 ngày 20/06/2026"), "{page}");
    let csv = text(&answer, Format::Csv);
    assert!(csv.contains("a,a,dòng,Chênh lệch,3,0,0"), "{csv}");
    assert!(!write(&answer, Format::Xlsx).unwrap().is_empty());
    assert!(text(&answer, Format::Json).contains("\"is_same\":false"));
    assert_eq!(file_name(&answer, Format::Csv), "II.06a_2026-H1_chenh-lech.csv");
}
