use super::{
    sheet::{Area, Cell, Choice, Row, Sheet, SheetHeader, read},
    *,
};
use crate::{origin::Places, text::normalise::search_key};

/// A sheet in memory: each row by its number, cells parted by `|`, `!` before a broken one.
struct Fake(Vec<Row>, Vec<Area>);

impl Fake {
    fn of(rows: &[(u32, &str)], merged: &[(u32, u32, u32, u32)]) -> Self {
        let cell = |(at, text): (usize, &str)| {
            let broken = text.starts_with('!');
            let text = text.trim_start_matches('!').to_owned();
            (!text.is_empty()).then_some(Cell { column: at as u32 + 1, text, broken })
        };
        let row = |(number, text): &(u32, &str)| {
            let cells = text.split('|').enumerate().filter_map(cell).collect();
            Row { number: *number, cells }
        };
        let area = |(top, left, bottom, right): &(u32, u32, u32, u32)| Area {
            top: *top,
            left: *left,
            bottom: *bottom,
            right: *right,
        };
        Self(rows.iter().rev().map(row).collect(), merged.iter().map(area).collect())
    }
}

impl Sheet for Fake {
    fn name(&self) -> &str {
        "S"
    }

    fn merged(&self) -> &[Area] {
        &self.1
    }

    fn row(&mut self) -> Result<Option<Row>, Fault> {
        Ok(self.0.pop())
    }
}

fn run(options: SheetOptions, mut sheet: Fake) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    let places = Places::of_sheet(None);
    let told = |fault: &Fault| {
        let mut place = contracts::Place::default();
        (place.line, place.column) = {
            let (line, column) = places.place(fault.offset);
            (Some(line), Some(column))
        };
        places.complete(&mut place);
        format!("! {} {}", place.path.unwrap(), fault.detail)
    };
    let limits = Limits::default();
    let ended = read(&options, &mut sheet, &limits, &places, &mut |record| match record {
        Ok((document, id)) => {
            let shown: Vec<_> = document
                .children(id)
                .map(|f| format!("{}={}", document.name(f), document.text(f)))
                .collect();
            out.push(shown.join("|"));
        }
        Err(fault) => out.push(told(&fault)),
    });
    ended.map(|()| out).map_err(|fault| told(&fault))
}

fn with(header: SheetHeader, header_rows: u32) -> SheetOptions {
    let totals = vec![search_key("Tổng cộng")];
    SheetOptions { sheet: Choice::Number(1), header, header_rows, totals, ..Default::default() }
}

#[test]
fn a_header_is_found_anywhere_and_totals_are_no_data() {
    let rows = [
        (1, "SỞ XÂY DỰNG"),
        (4, "STT| Số\u{a0}BN |"),
        (5, "1|A/1|x"),
        (7, "2"),
        (9, "TỔNG CỘNG: 02 hồ sơ||2"),
    ];
    let texts = SheetHeader::With(vec!["Số BN".into()]);
    for header in [SheetHeader::Row(4), texts] {
        let told = run(with(header, 1), Fake::of(&rows, &[])).unwrap();
        assert_eq!(told, ["STT=1|Số BN=A/1|col3=x", "STT=2"]);
    }
    let texts = SheetHeader::With(vec!["STT".into(), "Ngày".into()]);
    let told = run(with(texts, 1), Fake::of(&rows, &[])).unwrap_err();
    assert!(told.ends_with("no row of the first 200 has the cells STT, Ngày"), "{told}");
    let told = run(with(SheetHeader::Row(3), 1), Fake::of(&rows, &[])).unwrap_err();
    assert!(told.contains("row 3"), "{told}");
}

#[test]
fn merged_header_cells_name_all_the_columns_below_them() {
    let rows = [(2, "STT|Chủ đầu tư||Ngày"), (3, "|Tên|CMND|"), (4, "1|An|27|x")];
    let merged = [(2, 1, 3, 1), (2, 2, 2, 3), (2, 4, 3, 4), (9, 1, 9, 3)];
    let told = run(with(SheetHeader::Row(2), 2), Fake::of(&rows, &merged)).unwrap();
    assert_eq!(told, ["STT=1|Chủ đầu tư Tên=An|Chủ đầu tư CMND=27|Ngày=x"]);
}

#[test]
fn two_columns_of_one_name_and_broken_cells_are_refused_with_their_cell() {
    let rows = [(1, "A|B|A"), (2, "1")];
    let told = run(with(SheetHeader::Row(1), 1), Fake::of(&rows, &[])).unwrap_err();
    assert_eq!(told, "! S!C1 two columns are named \"A\"");
    let rows = [(1, "A|B"), (30, "1|!#REF!"), (31, "2")];
    let told = run(with(SheetHeader::Row(1), 1), Fake::of(&rows, &[])).unwrap();
    assert_eq!(told, ["! S!B30 the cell shows the error #REF!", "A=2"]);
}
