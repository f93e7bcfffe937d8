//! How a sample is read: its character set and its format, told by what it holds.

use std::collections::BTreeMap;

use super::{Known, NotUnderstood, dump::Source, fixed, workbook::Held};
use crate::{
    format::{CsvOptions, Format, Header, JsonOptions, Limits, XmlOptions, sheet::Sheet},
    text::{charset::Charset, normalise::search_key},
};

/// Lines looked at to tell a table's shape.
const LINES_MAX: usize = 200;

/// Bytes of a text that are looked at to tell its charset.
const SCORED_BYTES_MAX: usize = 1 << 20;

/// Bytes of a line of a table; a longer one is no record.
const LINE_BYTES_MAX: usize = 1 << 20;

/// A title, a date and an empty line may stand before the column names.
pub(super) const HEADER_ROW_MAX: usize = 12;

/// A sample's text, and how it came to be read so.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) charset: Charset,
    pub(super) text: String,
    pub(super) format: Format,
    pub(super) footer: usize,
    /// The rows, where it is a sheet: then there is no text.
    pub(super) sheet: Option<Held>,
    /// Why, in Vietnamese and in English.
    pub(super) reasons: Vec<[String; 2]>,
    /// What values told of fields that have no names of their own, by the names they were given.
    pub(super) known: BTreeMap<String, Known>,
    /// Why each column of fixed width begins where it does.
    pub(super) borders: Vec<[String; 2]>,
    /// What a person must look at besides.
    pub(super) questions: Vec<[String; 2]>,
    /// The database whose rows these are.
    pub(super) source: Option<Source>,
}

/// Words that every second text of an office holds.
const WORDS: [&str; 24] = [
    "nguyễn",
    "trần",
    "thị",
    "văn",
    "hồ",
    "sơ",
    "ngày",
    "phường",
    "đường",
    "biên",
    "hòa",
    "hoà",
    "đồng",
    "giấy",
    "cấp",
    "trả",
    "nhận",
    "tiếp",
    "lê",
    "huyện",
    "thủ",
    "tục",
    "số",
    "đã",
];

impl Reading {
    pub(super) fn of(payload: &[u8]) -> Result<Self, NotUnderstood> {
        if payload.starts_with(b"PK") {
            return Err(NotUnderstood::new(
                "Tệp mẫu là Excel hoặc zip: phải mở ra trước khi đọc.",
                "The sample is Excel or zip: it has to be opened before it is read.",
            ));
        }
        // What DOS programs write behind the last row.
        let payload = payload.strip_suffix(b"\x1a").unwrap_or(payload);
        if is_one_line(payload) {
            return Err(too_long());
        }
        let (charset, text, mut reasons) = decoded(payload)?;
        if text.trim().is_empty() {
            return Err(NotUnderstood::new("Tệp mẫu không có nội dung.", "The sample is empty."));
        }
        let first = text.trim_start().chars().next();
        let (format, footer) = match first {
            Some('<') => (Format::Xml(XmlOptions::default()), 0),
            Some('{' | '[') => {
                (Format::Json(JsonOptions { lines: is_lines(&text), ..JsonOptions::default() }), 0)
            }
            _ => match fixed::of(payload, charset, &text).transpose()? {
                Some(found) if !is_separated(&text, found.gaps) => {
                    reasons.extend(found.reasons);
                    let known = found.known;
                    return Ok(Self {
                        known,
                        borders: found.borders,
                        questions: found.questions,
                        ..Self::new(charset, found.text, found.format, 0, reasons)
                    });
                }
                _ => table(&text, &mut reasons)?,
            },
        };
        Ok(Self::new(charset, text, format, footer, reasons))
    }

    pub(super) fn new(
        charset: Charset,
        text: String,
        format: Format,
        footer: usize,
        reasons: Vec<[String; 2]>,
    ) -> Self {
        Self {
            charset,
            text,
            format,
            footer,
            reasons,
            sheet: None,
            known: BTreeMap::new(),
            borders: Vec::new(),
            questions: Vec::new(),
            source: None,
        }
    }

    /// Of a sheet that is open.
    pub(super) fn of_sheet(sheet: &mut dyn Sheet) -> Result<Self, NotUnderstood> {
        let (held, options) = Held::of(sheet)?;
        let (name, rows) = (sheet.name(), options.header_rows);
        let reasons = vec![[
            format!("Trang tính `{name}`, tên cột chiếm {rows} dòng."),
            format!("The sheet `{name}`, whose column names take {rows} rows."),
        ]];
        let format = Format::Sheet(options);
        let sheet = Some(held);
        Ok(Self { sheet, ..Self::new(Charset::Utf8, String::new(), format, 0, reasons) })
    }

    /// The usual ending of a payload's file.
    pub(super) fn extension(&self) -> &'static str {
        match self.format {
            Format::Fixed(_) => "txt",
            Format::Rows(_) => "jsonl",
            _ => self.format_name(),
        }
    }

    /// The name of the format in a channel's file.
    pub(super) fn format_name(&self) -> &'static str {
        match self.format {
            Format::Json(_) => "json",
            Format::Xml(_) => "xml",
            Format::Csv(_) => "csv",
            Format::Sheet(_) => "xlsx",
            Format::Fixed(_) => "fixed",
            Format::Rows(_) => "rows",
        }
    }
}

/// Whether what is neither JSON nor XML has a line that is no record's; told before it is decoded.
fn is_one_line(payload: &[u8]) -> bool {
    let text = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload).trim_ascii_start();
    let line = |line: &[u8]| line.len() > LINE_BYTES_MAX;
    !text.starts_with(b"<")
        && !text.starts_with(b"{")
        && !text.starts_with(b"[")
        && !text.starts_with(&[0xff, 0xfe])
        && !text.starts_with(&[0xfe, 0xff])
        && text.len() > LINE_BYTES_MAX
        && text.split(|byte| matches!(byte, b'\n' | b'\r')).any(line)
}

fn too_long() -> NotUnderstood {
    NotUnderstood::new(
        format!("Có dòng dài hơn {LINE_BYTES_MAX} byte: không phải bảng; mỗi bản ghi một dòng?"),
        format!("A line is longer than {LINE_BYTES_MAX} bytes: no table; is a record a line?"),
    )
}

/// Whether a separator makes a table of a text whose columns have blanks between them: nearly all
/// lines have as many, and more than the blanks would make.
fn is_separated(text: &str, gaps: usize) -> bool {
    let solid = |line: &&str| !line.trim().is_empty();
    let lines: Vec<&str> = text.lines().filter(solid).take(LINES_MAX).collect();
    [';', ',', '\t', '|'].into_iter().any(|separator| {
        let mut widths: Vec<usize> = lines.iter().map(|line| width(line, separator)).collect();
        widths.sort_unstable();
        let middle = widths.get(widths.len() / 2).copied().unwrap_or(0);
        let alike = widths.iter().filter(|width| **width == middle).count();
        middle > 1 && middle > gaps && alike * 10 >= lines.len() * 8
    })
}

pub(super) fn decoded(
    payload: &[u8],
) -> Result<(Charset, String, Vec<[String; 2]>), NotUnderstood> {
    let named = |name: &str| Charset::all().find(|one| one.name() == name);
    let utf16 = payload.starts_with(&[0xff, 0xfe]) || payload.starts_with(&[0xfe, 0xff]);
    let candidates: Vec<Charset> = if utf16 {
        named("utf-16").into_iter().collect()
    } else if str::from_utf8(payload).is_ok() {
        ["utf-8", "double-utf-8", "viqr"].into_iter().filter_map(named).collect()
    } else {
        ["tcvn3", "vni", "windows-1258", "viscii", "utf-16"].into_iter().filter_map(named).collect()
    };
    // A beginning says as much as the whole; it ends where no letter does not.
    let head = payload.get(..SCORED_BYTES_MAX).filter(|_| !utf16);
    let end = head.and_then(|head| head.iter().rposition(|byte| b" \n,>".contains(byte)));
    let head = end.and_then(|end| payload.get(..end));
    let mut scored: Vec<(i64, Charset)> = Vec::new();
    for charset in candidates {
        let Ok(text) = charset.decode(head.unwrap_or(payload)) else { continue };
        scored.push((plausibility(&text), charset));
    }
    scored.sort_by_key(|(score, _)| -score);
    let whole = |(_, charset): &(i64, Charset)| {
        Some((*charset, charset.decode(payload).ok()?.into_owned()))
    };
    let best = scored.iter().find_map(whole);
    let unknown = || {
        NotUnderstood::new(
            "Tệp mẫu không theo bảng mã nào được hỗ trợ; có phải là tệp văn bản?",
            "The sample is in no character set that is read; is it a text file?",
        )
    };
    let (charset, text) = best.ok_or_else(unknown)?;
    if text.chars().any(|letter| letter.is_control() && !letter.is_whitespace()) {
        return Err(unknown());
    }
    let name = charset.name();
    let reason = [
        format!("Đọc theo bảng mã {name}, chữ Việt đọc ra hợp lý nhất."),
        format!("Read as {name}: so its Vietnamese makes the most sense."),
    ];
    Ok((charset, text, vec![reason]))
}

/// How much a text looks like Vietnamese: words that are common, and no letters that it has not.
pub(super) fn plausibility(text: &str) -> i64 {
    // A beginning says as much as the whole.
    let lower =
        text.get(..text.floor_char_boundary(SCORED_BYTES_MAX)).unwrap_or(text).to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric());
    let known = words.filter(|word| WORDS.contains(word)).count();
    let strange = lower.chars().filter(|letter| {
        let base = search_key(&letter.to_string());
        let vietnamese = base.chars().all(|one| one.is_ascii_alphanumeric());
        let foreign =
            matches!(letter, 'ä' | 'ö' | 'ü' | 'ñ' | 'ø' | 'å' | 'ë' | 'ï' | 'î' | 'û' | 'ç' | 'ÿ');
        let odd = !letter.is_ascii() && (!vietnamese || base.is_empty() || foreign);
        odd && !matches!(letter, '–' | '—' | '“' | '”' | '‘' | '’' | '…' | '\u{a0}')
    });
    known as i64 * 4 - strange.count() as i64 * 3
}

/// Whether each line is an object of its own.
fn is_lines(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let whole = |line: &str| line.starts_with('{') && line.ends_with('}');
    let (first, second) = (lines.next(), lines.next());
    first.is_some_and(whole) && second.is_some_and(whole)
}

/// The shape of a table: separator, header and footer.
fn table(text: &str, reasons: &mut Vec<[String; 2]>) -> Result<(Format, usize), NotUnderstood> {
    let lines: Vec<&str> = text.lines().take(LINES_MAX).collect();
    let shape = [';', ',', '\t', '|'].into_iter().filter_map(|separator| {
        let widths: Vec<usize> = lines.iter().map(|line| width(line, separator)).collect();
        let most = *widths
            .iter()
            .filter(|width| **width > 1)
            .max_by_key(|wide| (widths.iter().filter(|other| other == wide).count(), **wide))?;
        let rows = widths.iter().filter(|width| **width == most).count();
        Some((rows * most, separator, most))
    });
    let (_, separator, columns) = shape.max().ok_or_else(|| {
        NotUnderstood::new(
            "Tệp mẫu không phải JSON, XML, bảng có dấu phân cách (; , tab |), cột rộng cố định \
             (cần ít nhất hai dòng) hay bản dump SQL.",
            "The sample is no JSON, no XML, no table with a separator (; , tab |), no columns of \
             fixed width (two rows at least), and no SQL dump.",
        )
    })?;
    let is_header = |line: &str| {
        let cells: Vec<&str> =
            line.split(separator).map(|cell| cell.trim().trim_matches('"')).collect();
        width(line, separator) == columns
            && cells.iter().filter(|cell| cell.chars().any(char::is_alphabetic)).count() * 3
                >= cells.len() * 2
    };
    let at =
        lines.iter().take(HEADER_ROW_MAX).position(|line| is_header(line)).ok_or_else(|| {
            NotUnderstood::new(
                format!("Không thấy dòng tiêu đề cột trong {HEADER_ROW_MAX} dòng đầu."),
                format!("No row with column names is among the first {HEADER_ROW_MAX}."),
            )
        })?;
    let footer = footer(text, separator);
    let tab = if separator == '\t' { "tab".to_owned() } else { separator.to_string() };
    reasons.push([
        format!("Bảng {columns} cột, phân cách bằng `{tab}`, tên cột ở dòng {}.", at + 1),
        format!("A table of {columns} columns, separated by `{tab}`, named in row {}.", at + 1),
    ]);
    let header = Header::Row(at + 1);
    let options = CsvOptions { separator, header, skip_footer: footer, ..CsvOptions::default() };
    let format = Format::Csv(options);
    let read = format.read(text, &[], &Limits::default(), &mut |_| {});
    read.map(|()| (format, footer)).map_err(|fault| {
        NotUnderstood::new(
            format!("Không đọc được bảng: {fault}."),
            format!("The table cannot be read: {fault}."),
        )
    })
}

/// Fields of a line; separators within quotes are none.
fn width(line: &str, separator: char) -> usize {
    let mut quoted = false;
    let mut fields = 1;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            other if other == separator && !quoted => fields += 1,
            _ => {}
        }
    }
    fields
}

/// Rows at the end that are sums.
fn footer(text: &str, separator: char) -> usize {
    let rows = text.lines().rev().filter(|line| !line.trim().is_empty());
    rows.take_while(|line| {
        line.split(separator).any(|cell| {
            let key = search_key(cell);
            ["tong", "tong cong", "tong so", "cong", "total"].contains(&key.as_str())
        })
    })
    .count()
}
