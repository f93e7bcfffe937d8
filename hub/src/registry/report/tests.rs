//! Periods, forms and their identities, freezes and differences.

use std::sync::LazyLock;

use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::registry::{
    Catalogue, DossierState, Place, Settings, changes, properties,
    rules::{at, state},
};

fn days(text: &str, cutoff: Option<i8>) -> (String, String) {
    let (from, to) = text.parse::<Period>().unwrap().days(cutoff);
    (from.to_string(), to.to_string())
}

#[test]
fn periods_are_cut_as_their_calendar_says() {
    // Period, first and last day by plain months, first and last day by NĐ 09/2019.
    let cases = [
        ("2026-01", "2026-01-01", "2026-01-31", "2025-12-15", "2026-01-14"),
        ("2024-02", "2024-02-01", "2024-02-29", "2024-01-15", "2024-02-14"),
        ("2026-Q1", "2026-01-01", "2026-03-31", "2025-12-15", "2026-03-14"),
        ("2026-Q4", "2026-10-01", "2026-12-31", "2026-09-15", "2026-12-14"),
        ("2026-H1", "2026-01-01", "2026-06-30", "2025-12-15", "2026-06-14"),
        ("2026-H2", "2026-07-01", "2026-12-31", "2026-06-15", "2026-12-14"),
        ("2026-9M", "2026-01-01", "2026-09-30", "2025-12-15", "2026-09-14"),
        ("2026", "2026-01-01", "2026-12-31", "2025-12-15", "2026-12-14"),
    ];
    for (text, from, to, cut_from, cut_to) in cases {
        assert_eq!(days(text, None), (from.to_owned(), to.to_owned()));
        assert_eq!(days(text, Some(14)), (cut_from.to_owned(), cut_to.to_owned()));
        assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
    }
    let any = "2026-01-05..2026-03-20";
    assert_eq!(days(any, Some(14)), days(any, None));
    assert_eq!(any.parse::<Period>().unwrap().name_vi(), "Từ 05/01/2026 đến 20/03/2026");
    for wrong in [
        "",
        "26",
        "2026-",
        "2026-13",
        "2026-5",
        "2026-Q5",
        "2026-H3",
        "2026-8M",
        "2026-Q",
        "+026",
        "2026-03-20..2026-01-05",
        "2026-02-30..2026-03-01",
        "20260",
        "2026-é",
        "2026-+1",
        "1950",
    ] {
        assert!(wrong.parse::<Period>().is_err(), "{wrong}");
    }
}

/// The province's own.
fn forms() -> &'static Forms {
    static FORMS: LazyLock<Forms> = LazyLock::new(|| {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/dong-nai/reports.toml");
        toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    });
    &FORMS
}

fn catalogue() -> Catalogue {
    let agency = |id: &str, kind: &str, parent: Option<&str>| {
        let mut body = json!({"id": id, "name_vi": id, "name_en": id, "kind": kind});
        if let Some(parent) = parent {
            body["parent"] = json!(parent);
        }
        serde_json::from_value(body).unwrap()
    };
    Catalogue {
        agencies: vec![
            agency("ubnd-tinh", "province", None),
            agency("so-a", "department", Some("ubnd-tinh")),
            agency("huyen-b", "district", Some("ubnd-tinh")),
            agency("xa-c", "commune", Some("huyen-b")),
        ],
        ..Catalogue::default()
    }
}

/// What states come to, over some days.
fn cells(states: &[DossierState], (from, to): (Date, Date)) -> Cells {
    let mut cells = Cells::new();
    for (place, counts) in
        states.iter().flat_map(|one| changes(None, Some(one), &Settings::default()))
    {
        let Place { agency, field, .. } = &*place;
        let numbers = cells.entry((agency.clone(), field.clone())).or_default();
        for (counted, n) in counts {
            let gauge = counted.measure.is_gauge();
            if counted.day <= to && (gauge || from <= counted.day) {
                numbers.add(counted.name(), n);
            }
            if gauge && counted.day < from {
                numbers.add_before(counted.name(), n);
            }
        }
    }
    cells
}

fn filled(form: &str, period: &str, agency: Option<&str>, states: &[DossierState]) -> Report {
    let (forms, catalogue) = (forms(), catalogue());
    let period = ReportPeriod::new(period.parse().unwrap(), forms.calendar.first());
    let cells = cells(states, (period.from, period.to));
    let form = forms.form(form, period.to).unwrap();
    let today = date(2030, 1, 1);
    let catalogue = &catalogue;
    fill(Filling { form, forms, catalogue, period, agency, as_of: 7, today }, &cells)
}

fn told(more: serde_json::Value) -> DossierState {
    state(&[at("1", more)])
}

fn row<'a>(report: &'a Report, name: &str) -> &'a [Option<i64>] {
    &report.rows.iter().find(|row| row.named.name_vi == name).unwrap().figures
}

fn some<const N: usize>(figures: [i64; N]) -> Vec<Option<i64>> {
    figures.into_iter().map(Some).collect()
}

#[test]
fn accepted_on_the_last_day_before_a_period_is_carried_and_the_day_after_is_in_it() {
    let states = [
        told(json!({"accepted_at": "2025-12-14", "field": "Đất đai"})),
        told(json!({"accepted_at": "2025-12-15", "field": "Đất đai", "channel": "post"})),
        told(json!({"accepted_at": "2025-12-15", "field": "An toàn", "due_at": "2026-06-13"})),
        told(json!({"accepted_at": "2026-06-15", "field": "Đất đai"})),
    ];
    let report = filled("II.06a", "2026-H1", None, &states);
    assert_eq!(report.period.from, date(2025, 12, 15));
    //                                          (3 4 5 6) (7 8 9 10) (11 12 13)
    assert_eq!(row(&report, "Đất đai"), some([2, 0, 1, 1, 0, 0, 0, 0, 2, 2, 0]));
    assert_eq!(row(&report, "An toàn"), some([1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]));
    assert_eq!(row(&report, "Cấp tỉnh"), some([3, 1, 1, 1, 0, 0, 0, 0, 3, 2, 1]));
    assert_eq!(row(&report, "Cấp tỉnh"), row(&report, "Tổng số"));
    let order: Vec<_> = report.rows.iter().map(|row| (row.kind, row.index.as_str())).collect();
    let [group, first, second, total] =
        [RowKind::Group, RowKind::Row, RowKind::Row, RowKind::Total];
    assert_eq!(order, [(group, "I"), (first, "1"), (second, "2"), (total, "")]);
    assert!(report.checks.len() == 4 && report.checks.iter().all(|check| check.holds));
}

#[test]
fn agencies_are_put_together_by_level_and_with_those_below_them() {
    let of = |agency: &str| told(json!({"accepted_at": "2026-01-05", "agency": agency}));
    let states = ["so-a", "huyen-b", "xa-c", "xa-c", "la"].map(of);
    let all = filled("II.06c", "2026", None, &states);
    let names: Vec<_> = all.rows.iter().map(|row| row.named.name_vi.as_str()).collect();
    let expected = [
        "Cấp tỉnh",
        "ubnd-tinh",
        "so-a",
        "Cấp huyện",
        "huyen-b",
        "Cấp xã",
        "xa-c",
        "Cơ quan chưa có trong danh mục",
        "la",
        "Tổng số",
    ];
    assert_eq!(names, expected);
    assert_eq!(row(&all, "Tổng số")[0], Some(5));
    let district = filled("II.06b", "2026", Some("huyen-b"), &states);
    assert_eq!(row(&district, "Tổng số")[0], Some(3));
    assert_eq!(district.agency.map(|one| one.id), Some("huyen-b".to_owned()));
}

#[test]
fn numbers_that_do_not_agree_are_shown_and_not_mended() {
    let (forms, catalogue) = (forms(), catalogue());
    let period = ReportPeriod::new(Period::Year(2026), forms.calendar.first());
    let form = forms.form("II.06a", period.to).unwrap();
    let mut numbers = Numbers::default();
    numbers.add("accepted", 5);
    numbers.add("open", 3);
    let cells = Cells::from([(("so-a".to_owned(), "Đất đai".to_owned()), numbers)]);
    let (agency, as_of, today) = (Some("so-a"), 7, date(2026, 3, 1));
    let filling = Filling { form, forms, catalogue: &catalogue, period, agency, as_of, today };
    let report = fill(filling, &cells);
    let broken = report.checks.iter().find(|check| check.identity.right == [7, 11]).unwrap();
    assert!(!broken.holds);
    assert_eq!(broken.faults[0], Fault { row: 0, left: 5, right: 3 });
    assert!(report.notes.iter().any(|note| note.en.contains("not over")));
}

#[test]
fn a_difference_tells_every_cell_and_rows_that_came_or_went() {
    let one = told(json!({"accepted_at": "2026-01-05", "field": "Đất đai"}));
    let other = told(json!({"accepted_at": "2026-01-05", "field": "Y tế"}));
    let then = filled("II.06a", "2026", None, std::slice::from_ref(&one));
    let same = Difference::new(&then, &then);
    assert!(same.is_same && same.rows.iter().all(|row| row.frozen == row.now));
    let now = filled("II.06a", "2026", None, &[other.clone(), other]);
    let told = Difference::new(&then, &now);
    let of = |name: &str| told.rows.iter().find(|row| row.named.name_vi == name).unwrap();
    assert!(!told.is_same && of("Y tế").frozen.is_empty() && of("Đất đai").now.is_empty());
    assert_eq!((of("Y tế").difference[0], of("Đất đai").difference[0]), (Some(2), Some(-1)));
    assert_eq!(of("Tổng số").difference[0], Some(1));
}

#[test]
fn a_freeze_is_found_by_how_its_text_begins() {
    let of = |agency: &str| Frozen {
        form: "II.06a".to_owned(),
        period: "2026-H1".to_owned(),
        calendar: "nd09".to_owned(),
        agency: agency.to_owned(),
    };
    let text = |agency| {
        let figures = crate::journal::merkle::Digest::of(b"figures");
        let (from, to) = (date(2025, 12, 15), date(2026, 6, 14));
        FreezeText { of: of(agency), from, to, as_of: 7, figures }.text()
    };
    for agency in ["", "so-a", "so-\"a"] {
        let (text, of) = (text(agency), of(agency));
        assert!(of.beginning() < text && text < of.end());
        assert_eq!(FreezeText::read(text.as_bytes()).unwrap().of, of);
    }
    let within =
        |text: &str, of: &Frozen| of.beginning().as_str() < text && text < of.end().as_str();
    assert!(!within(&text("so-ab"), &of("so-a")) && !within(&text("so-a"), &of("")));
}

#[test]
fn the_forms_of_the_province_have_no_fault() {
    for form in &forms().form {
        assert_eq!(form.fault(), None, "{}", form.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Every identity of every form of the province holds, for any history.
    #[test]
    fn identities_of_forms_hold_for_any_history(
        history in properties::a_history(), from in 0..30_i8, days in 0..40_i32,
    ) {
        let states: Vec<_> = properties::states(&history, &[]).into_values().collect();
        let from = date(2024, 9, 15).saturating_add(jiff::Span::new().days(i32::from(from)));
        let to = from.saturating_add(jiff::Span::new().days(days));
        for form in ["II.06a", "II.06c", "766-tien-do"] {
            let report = filled(form, &format!("{from}..{to}"), None, &states);
            for check in &report.checks {
                prop_assert!(check.holds, "{form}: {check:?}");
            }
            let figures = report.rows.iter().flat_map(|row| row.figures.iter().flatten());
            prop_assert!(figures.into_iter().all(|figure| *figure >= 0));
        }
    }
}
