use crate::{
    infer::{Proposal, infer},
    text::charset::Charset,
};

/// Columns as `name at+width`, of what is proposed.
fn cut(found: &Proposal) -> Vec<String> {
    let of = |line: &str| {
        let line = line.trim().strip_prefix("{ name = \"")?;
        let (name, rest) = line.split_once("\", at = ")?;
        let (at, rest) = rest.split_once(", width = ")?;
        Some(format!("{name} {at}+{}", rest.split(' ').next()?))
    };
    found.mapping.lines().filter_map(of).collect()
}

fn understood(payload: &[u8]) -> Proposal {
    infer(payload, "so-y-te", None).unwrap()
}

fn encoded(charset: &str, text: &str) -> Vec<u8> {
    charset.parse::<Charset>().unwrap().encode(text).unwrap()
}

/// Whether lines stand in a mapping.
fn has(found: &Proposal, lines: &[&str]) {
    for line in lines {
        assert!(found.mapping.contains(line), "no {line}\n---\n{}", found.mapping);
    }
}

/// Rows of columns, padded by what a charset counts.
fn padded(charset: &str, bytes: bool, rows: &[&[&str]], widths: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    for row in rows {
        for (cell, width) in row.iter().zip(widths) {
            let wide = if bytes { encoded(charset, cell).len() } else { cell.chars().count() };
            out.extend(encoded(charset, cell));
            out.extend(std::iter::repeat_n(b' ', width - wide));
        }
        out.extend(b"\r\n");
    }
    out
}

const WIDTHS: [usize; 7] = [10, 8, 8, 2, 24, 30, 12];

/// People and places are invented.
const ROWS: [&[&str]; 6] = [
    &["YT0001", "20240304", "20240311", "01", "Lâm Thị Mẫu", "số 1, đường Thử", "0613000111"],
    &["YT0002", "20240304", "20240312", "02", "Trần Văn Thử", "ấp 2, xã Phú Lý", ""],
    &["YT0003", "20240305", "20240312", "01", "Công ty Giả Định", "khu phố 3", "0613000113"],
    &["YT0004", "20240306", "20240315", "03", "Điểu Thị Xuân", "đường 30 Tháng 4", "0613000114"],
    &["YT0005", "20240306", "20240315", "01", "Nguyễn Văn Bé", "xã Bắc Sơn", ""],
    &["YT0006", "20240307", "20240318", "02", "Hồ Văn Thử", "phường Tân Mai", "0900000171"],
];

const CUT: [&str; 7] = [
    "SO_HO_SO 1+10",
    "NGAY_NHAN 11+8",
    "NGAY_HEN 19+8",
    "COT_4 27+2",
    "HO_TEN 29+24",
    "DIA_CHI 53+30",
    "DIEN_THOAI 83+12",
];

#[test]
fn the_finance_programs_columns_are_cut_as_by_hand() {
    let sample =
        include_bytes!("../../../agencies/so-tai-chinh/fixtures/ho-so/msns.in.txt").as_slice();
    let found = understood(sample);
    // Where ho-so.toml has SO_HS, MA_TT, NGAY_NHAN, NGAY_HEN, NGAY_TRA, TT, TEN_DV, DIA_CHI, MA_XA,
    // DIEN_THOAI, MA_QHNS, VON and CAN_BO.
    let by_hand = [
        "SO_HO_SO 1+12",
        "COT_2 13+4",
        "NGAY_NHAN 17+8",
        "NGAY_HEN 25+8",
        "NGAY_XONG 33+8",
        "COT_6 41+1",
        "HO_TEN 42+50",
        "DIA_CHI 92+50",
        "MA_XA 142+5",
        "DIEN_THOAI 147+11",
        "COT_11 158+7",
        "COT_12 165+15",
        "CAN_BO 180+20",
    ];
    assert_eq!(cut(&found), by_hand);
    has(
        &found,
        &[
            "format = \"fixed\"",
            "charset = \"tcvn3\"",
            "source_code = \"SO_HO_SO | code\"",
            "accepted_at = \"NGAY_NHAN | date yyyyMMdd\"",
            "due_at = \"NGAY_HEN | date yyyyMMdd\"",
            "finished_at = \"NGAY_XONG | date yyyyMMdd\"",
            "commune = \"MA_XA | code | commune\"",
            "officer = \"CAN_BO\"",
            "phone = \"DIEN_THOAI | phone\"",
            "address = \"DIA_CHI\"",
            "attributes.cot_2 = ",
        ],
    );
    // What could not be named is cut, and asked about.
    let asked = |words: &str| found.questions.iter().any(|[vi, _]| vi.contains(words));
    assert!(asked("`COT_6` (41–41) chưa rõ là gì, có thể là trạng thái"), "{:?}", found.questions);
    assert!(asked("chỉ có 4 dòng"), "{:?}", found.questions);
    assert_eq!((found.records, found.extension), (4, "txt"));
}

#[test]
fn widths_are_counted_as_the_program_counted_them() {
    for (charset, bytes, said) in [
        ("tcvn3", true, None),
        ("vni", true, None),
        ("windows-1258", true, None),
        ("utf-8", false, None),
        ("utf-8", true, Some("counts = \"bytes\"")),
        ("vni", false, Some("counts = \"characters\"")),
    ] {
        let found = understood(&padded(charset, bytes, &ROWS, &WIDTHS));
        assert_eq!(cut(&found), CUT, "{charset} {bytes}\n{}", found.mapping);
        has(&found, &[&format!("charset = \"{charset}\"")]);
        match said {
            Some(line) => has(&found, &[line]),
            None => assert!(!found.mapping.contains("counts ="), "{}", found.mapping),
        }
    }
}

#[test]
fn a_row_of_names_names_the_columns_and_titles_and_totals_are_no_data() {
    let names: &[&str] = &["SO_HS", "NGAYNHAN", "HENTRA", "TT", "HO TEN", "DIA CHI", "DIEN THOAI"];
    let mut rows = vec![names];
    rows.extend(ROWS);
    let body = padded("utf-8", false, &rows, &WIDTHS);
    let text = String::from_utf8(body).unwrap();
    let text = format!("DANH SÁCH HỒ SƠ THÁNG 3/2024\r\n\r\n{text}Tổng cộng: 6 hồ sơ\r\n");
    let found = understood(text.as_bytes());
    assert_eq!(
        cut(&found),
        [
            "SO_HS 1+10",
            "NGAYNHAN 11+8",
            "HENTRA 19+8",
            "TT 27+2",
            "HO TEN 29+24",
            "DIA CHI 53+30",
            "DIEN THOAI 83+12"
        ]
    );
    has(
        &found,
        &[
            "header = 3",
            "footer = 1",
            "source_code = \"SO_HS | code\"",
            "due_at = \"HENTRA | date yyyyMMdd\"",
            "name = \"./'HO TEN' | name\"",
        ],
    );
    assert_eq!(found.records, 6);
    let trimmed: Vec<&str> = text.lines().map(str::trim_end).collect();
    let found = understood(trimmed.join("\n").as_bytes());
    assert_eq!(
        cut(&found)[..6],
        ["SO_HS 1+10", "NGAYNHAN 11+8", "HENTRA 19+8", "TT 27+2", "HO TEN 29+24", "DIA CHI 53+30"]
    );
    has(&found, &["header = 3", "footer = 1", "short = true"]);
}

#[test]
fn a_line_of_dashes_says_where_columns_are() {
    let text = "MaHoSo     NgayNhan            HoTen           TinhTrang\n\
                ---------- ------------------- --------------- ----------\n\
                YT1        2024-03-04 08:00:00 Le Van Thu      Da xong   \n\
                YT2        2024-03-05 09:00:00 Bui Thi Mau     Dang xu ly\n\
                \n(2 rows affected)\n";
    let found = understood(text.as_bytes());
    assert_eq!(cut(&found), ["MaHoSo 1+11", "NgayNhan 12+20", "HoTen 32+16", "TinhTrang 48+10"]);
    has(
        &found,
        &[
            "header = 2",
            "footer = 1",
            "accepted_at = \"NgayNhan | date 'yyyy-MM-dd HH:mm:ss'\"",
            "name = \"HoTen | name\"",
        ],
    );
    assert_eq!(found.records, 2);
}

#[test]
fn numbers_to_the_right_and_columns_that_are_seldom_filled_are_found() {
    let mut text = String::new();
    let words = ["Lê Văn Thử", "Bùi Thị Mẫu Đơn", "Công ty An Khang", "Hồ Thị Ất", "Trần Giả"];
    for number in 0..40 {
        let name = words[number % 5];
        let fee = [500_000, 0, 10_500_000, 20_000][number % 4];
        let note = if number % 9 == 0 { "gấp" } else { "" };
        text.push_str(&format!("H{number:05} {name:<20}{fee:>12}  {note:<10}K\n"));
    }
    let found = understood(text.as_bytes());
    assert_eq!(
        cut(&found),
        ["SO_HO_SO 1+7", "HO_TEN 8+21", "LE_PHI 29+13", "COT_4 42+10", "COT_5 52+1"]
    );
    has(&found, &["\"fees[0].amount\" = \"LE_PHI | integer 1000\""]);
}

#[test]
fn tables_with_separators_stay_tables_and_prose_is_refused() {
    // Padded, of one length, and yet separated.
    let text = "Ma ho so  ;Ho ten      ;Ngay nhan ;Tinh trang\n\
                YT1       ;Le Van Thu  ;04/03/2024;Da xong   \n\
                YT2       ;Bui Thi Mau ;05/03/2024;Da xong   \n";
    has(&understood(text.as_bytes()), &["format = \"csv\"", "separator = \";\""]);
    let prose = "Kính gửi Ủy ban nhân dân tỉnh\nSở Y tế báo cáo như sau\nTrong tháng không có gì\n";
    assert!(infer(prose.as_bytes(), "so-y-te", None).is_err());
}

#[test]
fn hostile_rows_are_refused_in_words_or_cut_without_a_panic() {
    let wide = "x".repeat(100_000_000);
    let two = format!("{0}\n{0}\n", "x".repeat(900_000));
    let wild: String = (0..2_000).map(|one| "a1 ".repeat(one % 97) + "\n").collect();
    let columns = "1".to_owned() + &" 1".repeat(30_000) + "\n";
    let columns = columns.repeat(3);
    for (text, may_do) in [
        ("", false),
        ("TC13-00871  DV0120131001\n", false),
        (wide.as_str(), false),
        (&two, false),
        (&wild, true),
        (&columns, false),
        (
            &format!(
                "a{}\n1{}\n2{}\n",
                ";b".repeat(400_000),
                ";1".repeat(400_000),
                ";2".repeat(400_000)
            ),
            false,
        ),
        ("a\0b     c\na\0b     c\n", false),
        ("        \n        \n", false),
        ("--- ---\n", false),
    ] {
        match infer(text.as_bytes(), "so-y-te", None) {
            Ok(_) => assert!(may_do, "{}", &text[..text.len().min(40)]),
            Err(error) => assert!(error.0.iter().all(|words| !words.is_empty())),
        }
    }
}
