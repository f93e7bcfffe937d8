//! A proposed channel mapping from a sample: what its fields are likely to mean, with the reasons.
//!
//! Nothing is decided silently: every line says why it stands there, and what is not understood is
//! kept as an attribute or listed. A person who knows the agency reads it and mends it; `check` and
//! `test` prove the rest.

pub(crate) mod dates;
mod dump;
mod fixed;
mod meaning;
mod proposal;
mod reading;
mod records;
mod workbook;

use std::collections::BTreeMap;

use self::reading::Reading;
use crate::format::sheet::Sheet;

/// A proposed mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The channel's file: TOML with the reasons as comments.
    pub mapping: String,
    /// Code tables by name: CSV with the columns `native,canonical`.
    pub tables: BTreeMap<String, String>,
    /// What a person must look at, each in Vietnamese and in English.
    pub questions: Vec<[String; 2]>,
    /// The usual ending of a file of this format.
    pub extension: &'static str,
    /// How many records the sample holds.
    pub records: usize,
    /// The sample as the channel will be given it, where that is another form: the rows of a dump
    /// as the hub reads them.
    pub payload: Option<Vec<u8>>,
    /// What the agency's file says of the channel besides its mapping: the settings of its
    /// transport and their tables, for a channel named `ho-so`.
    pub transport: Option<String>,
}

/// What a field without a name of its own is taken for by its values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    member: &'static str,
    /// Why, in Vietnamese and in English.
    reason: [String; 2],
}

/// Why nothing can be proposed: in Vietnamese and in English.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} ({})", .0[0], .0[1])]
pub struct NotUnderstood(pub [String; 2]);

impl NotUnderstood {
    fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self([vi.into(), en.into()])
    }
}

/// Proposes a mapping for an agency's sample. A table's name says that the sample is of a database:
/// which of a dump's tables is meant, or which one JSON rows are of.
///
/// # Errors
/// When the sample is empty, in no format that is read, or holds no record.
pub fn infer(payload: &[u8], agency: &str, table: Option<&str>) -> Result<Proposal, NotUnderstood> {
    let reading = match dump::of(payload, table)? {
        Some(reading) => reading,
        None => Reading::of(payload)?,
    };
    proposed(&reading, agency)
}

/// The same for a sheet of a workbook that is open.
///
/// # Errors
/// When it has no names of columns or no record, or its rows cannot be read.
pub fn infer_sheet(sheet: &mut dyn Sheet, agency: &str) -> Result<Proposal, NotUnderstood> {
    proposed(&Reading::of_sheet(sheet)?, agency)
}

fn proposed(reading: &Reading, agency: &str) -> Result<Proposal, NotUnderstood> {
    let records = records::of(reading)?;
    let meanings = meaning::of(&records.fields, &reading.known);
    Ok(proposal::written(agency, reading, &records, &meanings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(payload: &[u8]) -> Proposal {
        infer(payload, "so-y-te", None).unwrap()
    }

    const LIST: &str = "DANH SACH HO SO THANG 3\n\
        Số hồ sơ;Họ và tên;Ngày nhận;Hẹn trả;Tình trạng;Điện thoại;Số phòng\n\
        YT-1;Lâm Thị Mẫu;04/03/2024;08/03/2024;Đã trả kết quả;0613 000 111;B2\n\
        YT-2;Công ty TNHH An Khang;05/03/2024;12/03/2024;Chờ bổ sung;;B1\n\
        Tổng cộng;2;;;;;\n";

    #[test]
    fn a_list_with_a_title_and_a_total_is_understood() {
        let found = understood(LIST.as_bytes());
        assert_eq!(found.records, 2);
        assert_eq!(found.extension, "csv");
        for line in [
            "charset = \"utf-8\"",
            "separator = \";\"",
            "header = 2",
            "footer = 1",
            "source_code = \"./'Số hồ sơ' | code\"",
            "accepted_at = \"./'Ngày nhận' | date dd/MM/yyyy\"",
            "status = \"./'Tình trạng' | table status\"",
            "name = \"./'Họ và tên' | name\"",
            "attributes.so_phong = \"./'Số phòng'\"",
        ] {
            assert!(found.mapping.contains(line), "{line}\n---\n{}", found.mapping);
        }
        let table = &found.tables["status"];
        assert_eq!(table, "native,canonical\nChờ bổ sung,5\nĐã trả kết quả,10\n");
    }

    #[test]
    fn old_charsets_are_recognised_by_what_their_bytes_say() {
        for charset in ["tcvn3", "vni", "utf-16", "windows-1258", "viscii"] {
            let named = crate::text::charset::Charset::all().find(|one| one.name() == charset);
            // TCVN3 has no toned capitals.
            let text = LIST.replace("DANH SACH", "Danh sach");
            let bytes = named.unwrap().encode(&text).unwrap();
            let found = understood(&bytes);
            assert!(found.mapping.contains(&format!("charset = \"{charset}\"")), "{charset}");
        }
    }

    #[test]
    fn records_within_pages_and_envelopes_are_found() {
        let json = br#"{"trang": 1, "hoSo": [
            {"maHoSo": "A1", "nguoiNop": {"hoTen": "An", "diaChi": "X"}, "trangThai": "DANG_XU_LY",
             "ngayTiepNhan": "2024-03-04T08:30:00+07:00", "tep": [{"ten": "a"}]},
            {"maHoSo": "A2", "nguoiNop": {"hoTen": "Be", "diaChi": "Y"}, "trangThai": "TIEP_NHAN",
             "ngayTiepNhan": "2024-03-05T08:30:00+07:00", "tep": []}]}"#;
        let found = understood(json);
        assert_eq!(found.records, 2);
        assert!(found.mapping.contains("each = \"hoSo\""), "{}", found.mapping);
        assert!(found.mapping.contains("name = \"nguoiNop/hoTen | name\""), "{}", found.mapping);
        let xml = "<ds><hs ma='7'><Ngay_Nhan>04/03/2024</Ngay_Nhan><TenCongDan>An</TenCongDan>\
                   <TinhTrang>Xong</TinhTrang></hs><hs ma='8'><Ngay_Nhan>05/03/2024</Ngay_Nhan>\
                   <TenCongDan>Be</TenCongDan><TinhTrang>Lạ</TinhTrang></hs></ds>";
        let found = understood(xml.as_bytes());
        assert!(found.mapping.contains("each = \"ds/hs\""), "{}", found.mapping);
        assert!(found.questions.iter().any(|[vi, _]| vi.contains("`Lạ`")), "{:?}", found.questions);
    }

    #[test]
    fn a_root_of_very_many_records_costs_no_more_than_its_size() {
        let record = "<hs><MaHoSo>7</MaHoSo><HoTen>An</HoTen><TinhTrang>Xong</TinhTrang></hs>";
        // Each looked for among all the others would be ten thousand million looks.
        let found = understood(format!("<ds>{}</ds>", record.repeat(100_000)).as_bytes());
        assert_eq!(found.records, 100_000);
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        for payload in
            [b"".as_slice(), b"PK\x03\x04", b"   \n", b"\x00\x01\x02\x03", b"{}", b"a", b"<a/>"]
        {
            let [vi, en] = infer(payload, "so-y-te", None).unwrap_err().0;
            assert!(!vi.is_empty() && !en.is_empty(), "{payload:?}");
        }
    }
}
