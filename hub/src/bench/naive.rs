//! The floors of translation: what a program written by hand for this one document would do.

use std::collections::BTreeMap;

use jiff::{civil::DateTime, tz};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use serde_json::{Map, Value, json};

/// Places of all `<`: the least that any reader of XML does.
pub(super) fn scan(payload: &[u8], places: &mut Vec<usize>) {
    places.clear();
    for (at, byte) in payload.iter().enumerate() {
        if *byte == b'<' {
            places.push(at);
        }
    }
}

/// Reads all events and drops them; gives how many there were.
pub(super) fn events(text: &str) -> Result<u32, quick_xml::Error> {
    let mut reader = Reader::from_str(text);
    let mut count = 0;
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(count),
            _ => count += 1,
        }
    }
}

/// The code tables as a program would hold them.
pub(super) struct Tables {
    fields: BTreeMap<&'static str, &'static str>,
    statuses: BTreeMap<&'static str, u8>,
}

impl Default for Tables {
    fn default() -> Self {
        let fields = [
            ("01", "Đất đai"),
            ("02", "Xây dựng"),
            ("03", "Đăng ký doanh nghiệp"),
            ("04", "Tư pháp"),
            ("05", "Giao thông vận tải"),
        ];
        let statuses = [("MOI", 2), ("DANG_XL", 4), ("CHO_BS", 5), ("XONG", 9), ("DA_TRA", 10)];
        Self { fields: fields.into(), statuses: statuses.into() }
    }
}

/// The body of a message's one dossier, moved member by member; nothing is checked on the way.
pub(super) fn body(text: &str, tables: &Tables) -> Option<Value> {
    let mut reader = Reader::from_str(text);
    let mut dossier = Building::new(tables);
    let mut path: Vec<String> = Vec::new();
    let mut held = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                held.clear();
                dossier.attributes(&start)?;
                path.push(start.local_name().as_ref().to_owned());
            }
            Event::Text(told) => held.push_str(&told.xml10_content()),
            Event::GeneralRef(told) => held.push(match &*told.xml10_content() {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => told.resolve_char_ref().ok()??,
            }),
            Event::End(_) => {
                let name = path.pop()?;
                let parent = path.last().map_or("", String::as_str);
                dossier.member(parent, &name, held.trim())?;
                held.clear();
            }
            Event::Eof => return Some(dossier.finish()),
            _ => {}
        }
    }
}

struct Building<'a> {
    tables: &'a Tables,
    body: Map<String, Value>,
    applicant: Map<String, Value>,
    fees: Vec<Value>,
    documents: Vec<Value>,
    /// The name in the fee or document under way.
    title: String,
}

impl<'a> Building<'a> {
    fn new(tables: &'a Tables) -> Self {
        Self {
            tables,
            body: Map::new(),
            applicant: Map::new(),
            fees: Vec::new(),
            documents: Vec::new(),
            title: String::new(),
        }
    }

    fn attributes(&mut self, start: &BytesStart<'_>) -> Option<()> {
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            match (start.local_name().as_ref(), attribute.key.as_ref()) {
                ("ThuTuc", "ma") => self.set("procedure", &value),
                ("NguoiNop", "loai") => {
                    let kind = if value == "1" { "person" } else { "organization" };
                    self.applicant.insert("kind".to_owned(), kind.into());
                }
                _ => {}
            }
        }
        Some(())
    }

    fn set(&mut self, name: &str, value: &str) {
        self.body.insert(name.to_owned(), value.into());
    }

    fn of_applicant(&mut self, name: &str, value: &str) {
        self.applicant.insert(name.to_owned(), value.into());
    }

    fn member(&mut self, parent: &str, name: &str, text: &str) -> Option<()> {
        match (parent, name) {
            ("Khoan" | "Ban", "Ten") => text.clone_into(&mut self.title),
            ("Khoan", "SoTien") => {
                let amount: i64 = text.replace('.', "").parse().ok()?;
                self.fees.push(json!({ "name": self.title, "amount": amount }));
            }
            ("Ban", "SoLuong") => {
                let count: i64 = text.parse().ok()?;
                self.documents.push(json!({ "name": self.title, "count": count }));
            }
            _ if text.is_empty() => {}
            ("NguoiNop", "HoTen") => self.of_applicant("name", text),
            ("NguoiNop", "NgaySinh") => self.of_applicant("birth_date", &day(text)?),
            ("NguoiNop", "GioiTinh") => {
                self.of_applicant("gender", if text == "1" { "male" } else { "female" });
            }
            ("NguoiNop", "SoGiayTo") => {
                self.of_applicant("id_type", if text.len() == 12 { "CCCD" } else { "KHAC" });
                self.of_applicant("id_number", text);
            }
            ("NguoiNop", "DienThoai") => self.of_applicant("phone", text),
            ("NguoiNop", "ThuDienTu") => self.of_applicant("email", text),
            ("NguoiNop", "DiaChi") => self.of_applicant("address", text),
            ("NguoiNop", "MaXa") => {
                self.of_applicant("commune", text);
                self.set("commune", text);
            }
            ("HoSo", _) => self.plain(name, text)?,
            _ => {}
        }
        Some(())
    }

    /// A child of the dossier itself.
    fn plain(&mut self, name: &str, text: &str) -> Option<()> {
        match name {
            "MaHoSo" => self.set("source_code", text),
            "PhienBan" => {
                let at = instant(text.parse().ok()?)?;
                self.set("source_version", &at);
                self.set("status_at", &at);
            }
            "DonVi" => self.set("agency", &format!("so-thu-nghiem-{text}")),
            "ThuTuc" => self.set("procedure_name", text),
            "LinhVuc" => self.set("field", self.tables.fields.get(text)?),
            "NoiDung" => self.set("subject", text),
            "KenhNop" => self.set(
                "channel",
                match text {
                    "M" => "counter",
                    "T" => "online",
                    _ => "post",
                },
            ),
            "NgayNop" => self.set("submitted_at", &day(text)?),
            "NgayTiepNhan" => {
                let (date, time) = text.split_once(' ')?;
                let at = format!("{}T{time}:00", day(date)?);
                self.set("accepted_at", &instant(at.parse().ok()?)?);
            }
            "NgayHenTra" => self.set("due_at", &day(text)?),
            "TrangThai" => {
                let status = *self.tables.statuses.get(text)?;
                self.body.insert("status".to_owned(), status.into());
                self.set("status_raw", text);
            }
            "NgayTra" => {
                self.set("finished_at", &day(text)?);
                if self.body.get("status_raw").is_some_and(|status| status == "DA_TRA") {
                    self.set("returned_at", &day(text)?);
                }
            }
            "PhongBan" => self.set("unit", text),
            "CanBo" => self.set("officer", text),
            "GhiChu" => self.set("note", text),
            _ => {}
        }
        Some(())
    }

    fn finish(mut self) -> Value {
        self.set("source", "so-thu-nghiem");
        self.body.insert("applicant".to_owned(), self.applicant.into());
        self.body.insert("fees".to_owned(), self.fees.into());
        self.body.insert("documents".to_owned(), self.documents.into());
        self.body.into()
    }
}

/// `dd/MM/yyyy` as `yyyy-MM-dd`.
fn day(text: &str) -> Option<String> {
    Some(format!("{}-{}-{}", text.get(6..10)?, text.get(3..5)?, text.get(..2)?))
}

/// Local time as an instant.
fn instant(at: DateTime) -> Option<String> {
    tz::offset(7).to_timestamp(at).ok().map(|at| at.to_string())
}
