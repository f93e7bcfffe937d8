//! What no reader of the feeds can be made to send through the front door.

use std::{
    io::{Cursor, Read, Write},
    sync::{Arc, Mutex},
};

use calamine::{Data, Reader, Xlsx};
use futures_util::{StreamExt, pin_mut};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Format, Told, Writer, chunks, columns, event::Event, workbook::Book};
use crate::feeds::Feed;

/// What was written, for who looks at it afterwards.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// Texts that spreadsheets take for formulas, and texts that XML has no room for.
const HOSTILE: [&str; 13] = [
    "＝1+1",
    "=1+1",
    "=HYPERLINK(\"http://127.0.0.1/\",\"Xem\")",
    "+84 900 000 171",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "a \"b\", c\r\nd",
    "<v>&amp;</v> ]]>",
    "_x000D_ \u{1}\u{b}\u{fffe}",
    "Đăng ký thành lập hộ kinh doanh 🏠",
];

fn event(position: u64, name: &str) -> Vec<u8> {
    let event = json!({
        "specversion": "1.0", "id": format!("log/{position}"),
        "source": "/agencies/so-y-te/channels/ho-so",
        "type": "vn.gov.dongnai.lienthong.dossier.v1", "subject": "so-y-te/1",
        "time": "2026-11-27T17:00:00.123456789Z", "datacontenttype": "application/json",
        "dataschema": "https://lienthong.dongnai.gov.vn/contracts/dossier/1",
        "sequence": format!("{position:020}"),
        "data": {
            "source": "so-y-te", "source_code": "1", "agency": "so-y-te", "procedure_name": name,
            "status": 4, "accepted_at": "2024-02-29T17:00:00Z", "due_at": "1899-12-31",
            "fees": [{ "amount": -5 }, { "amount": 2 }]
        }
    });
    serde_json::to_vec(&event).unwrap()
}

fn told(rows: u64) -> Told {
    let (log_id, next) = ("log".to_owned(), "31".to_owned());
    Told { feed: Feed::Records, log_id, position: 12, next, rows }
}

/// The hostile texts in a format.
fn written(format: Format) -> Vec<u8> {
    let kept = Kept::default();
    let shown = columns(Feed::Records, Some("dossier/1"));
    let mut writer = format.writer(shown, Box::new(kept.clone())).unwrap();
    for (position, name) in (0..).zip(HOSTILE) {
        writer.row(&Event::new(&event(position, name))).unwrap();
    }
    writer.end(&told(12)).unwrap();
    kept.bytes()
}

#[test]
fn no_text_is_a_formula_in_csv_and_numbers_stay_numbers() {
    let bytes = written(Format::Csv);
    let text = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap();
    let mut reader = csv::Reader::from_reader(text);
    let at = |name: &str, header: &csv::StringRecord| {
        header.iter().position(|one| one == name).unwrap_or_else(|| panic!("no column {name}"))
    };
    let header = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), HOSTILE.len());
    for (row, name) in rows.iter().zip(HOSTILE) {
        let cell = &row[at("procedure_name", &header)];
        let formula = name.starts_with(['=', '＝', '+', '-', '@', '\t', '\r', '\n']);
        assert_eq!(cell, if formula { format!("'{name}") } else { name.to_owned() });
        assert_eq!(&row[at("fees", &header)], "-3");
        // The day there, seven hours ahead; an instant to the microsecond.
        assert_eq!(&row[at("accepted_on", &header)], "2024-03-01");
        assert_eq!(&row[at("recorded_at", &header)], "2026-11-27T17:00:00.123456Z");
    }
}

#[test]
fn a_workbook_keeps_every_text_and_goes_on_in_the_next_sheet() {
    let kept = Kept::default();
    let shown = columns(Feed::Records, Some("dossier/1"));
    let name = shown.iter().position(|column| column.name == "procedure_name").unwrap();
    let due = shown.iter().position(|column| column.name == "due_on").unwrap();
    // The titles, and four rows: three sheets of them.
    let texts = &HOSTILE[1..];
    let mut book = Box::new(Book::of_sheets(shown, Box::new(kept.clone()), 5).unwrap());
    for (position, name) in (0..).zip(texts) {
        book.row(&Event::new(&event(position, name))).unwrap();
    }
    book.end(&told(12)).unwrap();
    let mut read: Xlsx<_> = Xlsx::new(Cursor::new(kept.bytes())).unwrap();
    let names = read.sheet_names().to_vec();
    assert_eq!(names, ["Dữ liệu", "Dữ liệu 2", "Dữ liệu 3", "Về tệp này – About"]);
    let mut found = Vec::new();
    for sheet in &names[..3] {
        let range = read.worksheet_range(sheet).unwrap();
        assert_eq!(range.height(), 5, "{sheet}");
        let rows: Vec<_> = range.rows().skip(1).collect();
        assert!(rows.iter().all(|row| row[due] == Data::String("1899-12-31".to_owned())));
        found.extend(rows.iter().map(|row| row[name].to_string()));
    }
    for (found, name) in found.iter().zip(texts) {
        // XML gives line breaks back as one letter.
        let plain = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!(plain(found), plain(name));
    }
    let about = read.worksheet_range(&names[3]).unwrap();
    let told: Vec<String> = about.rows().take(5).map(|row| row[1].to_string()).collect();
    assert_eq!(told, ["records", "12", "12", "log", "31"]);
}

#[test]
fn the_archive_of_a_workbook_is_whole() {
    let mut archive = zip(&written(Format::Xlsx));
    archive.sort();
    assert!(archive.iter().any(|name| name == "[Content_Types].xml"), "{archive:?}");
    assert!(archive.iter().any(|name| name == "xl/worksheets/sheet2.xml"), "{archive:?}");
}

/// The files of an archive by its directory; each is unpacked, and its checksum holds.
fn zip(bytes: &[u8]) -> Vec<String> {
    let two = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()) as usize;
    let four = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let end = bytes.len() - 22;
    assert_eq!(four(end), 0x0605_4b50);
    let (count, mut at) = (two(end + 10), four(end + 16));
    let mut names = Vec::new();
    for _ in 0..count {
        assert_eq!(four(at), 0x0201_4b50);
        let (sum, packed, unpacked) = (four(at + 16), four(at + 20), four(at + 24));
        let (length, local) = (two(at + 28), four(at + 42));
        names.push(String::from_utf8(bytes[at + 46..at + 46 + length].to_vec()).unwrap());
        let begin = local + 30 + two(local + 26);
        let mut text = Vec::new();
        let file = &bytes[begin..begin + packed];
        flate2::read::DeflateDecoder::new(file).read_to_end(&mut text).unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(&text);
        assert_eq!((text.len(), crc.sum() as usize), (unpacked, sum));
        at += 46 + length;
    }
    assert_eq!(at, end);
    names
}

#[tokio::test]
async fn a_writer_that_breaks_off_is_seen_to() {
    for whole in [true, false] {
        let (mut out, ending, arriving) = chunks();
        let stop = CancellationToken::new();
        let body = arriving.stream(stop.clone().drop_guard());
        let writing = tokio::task::spawn_blocking(move || {
            out.write_all(&vec![b'x'; 1_000_000]).unwrap();
            out.flush().unwrap();
            if whole {
                ending.whole().unwrap();
            }
        });
        pin_mut!(body);
        let (mut bytes, mut broken) = (0, false);
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => bytes += chunk.len(),
                Err(_) => broken = true,
            }
        }
        writing.await.unwrap();
        assert_eq!((bytes, broken), (1_000_000, !whole));
    }
}

#[tokio::test]
async fn a_reader_that_leaves_stops_the_writer() {
    let (mut out, _ending, arriving) = chunks();
    let stop = CancellationToken::new();
    drop(arriving.stream(stop.clone().drop_guard()));
    assert!(stop.is_cancelled());
    let told = tokio::task::spawn_blocking(move || {
        out.write_all(&vec![b'x'; 1_000_000]).map_err(|error| error.kind())
    });
    assert_eq!(told.await.unwrap(), Err(std::io::ErrorKind::BrokenPipe));
}
