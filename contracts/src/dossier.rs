//! `dossier/1`: all that one source says of one dossier at one version (a snapshot).
//!
//! Members follow the national portal's dossier message (`DongBoHoSoMC`), named in English;
//! statuses are the national list 1–10 (`TrangThaiHoSo`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{exchange::Attachment, moment::Moment};

/// The national dossier status, 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Status(u8);

/// A number outside 1–10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a dossier status (1 to 10)")]
pub struct NotAStatus(pub u8);

impl Status {
    /// Submitted (mới đăng ký).
    pub const SUBMITTED: Self = Self(1);
    /// Accepted (được tiếp nhận): the clock starts.
    pub const ACCEPTED: Self = Self(2);
    /// Not accepted (không được tiếp nhận).
    pub const NOT_ACCEPTED: Self = Self(3);
    /// In process (đang xử lý).
    pub const IN_PROCESS: Self = Self(4);
    /// Waiting for additional papers (yêu cầu bổ sung giấy tờ): the clock pauses.
    pub const SUPPLEMENT: Self = Self(5);
    /// Waiting for payment (yêu cầu thực hiện nghĩa vụ tài chính): the clock pauses.
    pub const PAYMENT: Self = Self(6);
    /// Withdrawn by the applicant (công dân yêu cầu rút hồ sơ).
    pub const WITHDRAWN: Self = Self(7);
    /// Stopped (dừng xử lý).
    pub const STOPPED: Self = Self(8);
    /// Result ready (đã xử lý xong).
    pub const DONE: Self = Self(9);
    /// Result returned (đã trả kết quả).
    pub const RETURNED: Self = Self(10);

    /// The national code.
    pub fn code(self) -> u8 {
        self.0
    }

    /// Place in the life cycle 1, 2, 4, 5, 6, 3, 7, 8, 9, 10: breaks ties of equal times.
    pub fn life_cycle_rank(self) -> u8 {
        const ORDER: [u8; 10] = [1, 2, 4, 5, 6, 3, 7, 8, 9, 10];
        ORDER.iter().position(|code| *code == self.0).map_or(u8::MAX, |at| at as u8)
    }

    /// The official Vietnamese name.
    pub fn name_vi(self) -> &'static str {
        [
            "Mới đăng ký",
            "Được tiếp nhận",
            "Không được tiếp nhận",
            "Đang xử lý",
            "Yêu cầu bổ sung giấy tờ",
            "Yêu cầu thực hiện nghĩa vụ tài chính",
            "Công dân yêu cầu rút hồ sơ",
            "Dừng xử lý",
            "Đã xử lý xong",
            "Đã trả kết quả",
        ][usize::from(self.0 - 1)]
    }

    /// The name in English.
    pub fn name_en(self) -> &'static str {
        [
            "Submitted",
            "Accepted",
            "Not accepted",
            "In process",
            "Waiting for additional papers",
            "Waiting for payment",
            "Withdrawn",
            "Stopped",
            "Result ready",
            "Result returned",
        ][usize::from(self.0 - 1)]
    }

    /// Whether no further work is due: 3, 7, 8, 9 or 10.
    pub fn is_finished(self) -> bool {
        matches!(self.0, 3 | 7..=10)
    }
}

impl TryFrom<u8> for Status {
    type Error = NotAStatus;

    fn try_from(code: u8) -> Result<Self, NotAStatus> {
        if (1..=10).contains(&code) { Ok(Self(code)) } else { Err(NotAStatus(code)) }
    }
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        status.0
    }
}

/// Who applied. Personal, every member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applicant {
    /// Full name of the person or organisation; empty in what is left without personal members.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `person` or `organization`.
    pub kind: String,
    /// `male` or `female`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: as much as the source knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    /// `CMND`, `CCCD`, `MST`, `HC` (passport) or `KHAC` (other).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_type: Option<String>,
    /// The number on that paper, digits and letters without spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// Telephone, digits only, national form (leading 0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Address as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Commune code (GSO) valid on the dossier's date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commune: Option<String>,
    /// District code (GSO), for dates before 1 July 2025.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
}

/// One fee or charge, in đồng.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Amount in đồng.
    pub amount: u64,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The paper that ends the dossier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Number of the decision or certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Its date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Moment>,
}

/// One paper of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its title; empty in what is left without personal members.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Number of copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// One request for more papers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supplement {
    /// When it was asked.
    pub requested_at: Moment,
    /// When the papers came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Moment>,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One earlier step, as the source lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When it happened.
    pub at: Moment,
    /// National status it led to.
    pub status: Status,
    /// The source's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_raw: Option<String>,
    /// Unit that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Officer who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    /// Remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A snapshot of a dossier by one source. Absent members are absent at the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// The source system: agency id and, where it has several systems, `.name`.
    pub source: String,
    /// The dossier's own code in that system.
    pub source_code: String,
    /// Row version, updated-at or extract time; absent means the hub's receipt time stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// National code, normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Accepting agency, by its hub id.
    pub agency: String,
    /// National procedure code, short form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// The agency's own procedure code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure_source_code: Option<String>,
    /// Procedure name as the source writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure_name: Option<String>,
    /// Field (lĩnh vực).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Who applied.
    pub applicant: Applicant,
    /// What it is about (trích yếu).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What is printed on the receipt for its holder alone, to look the dossier up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_secret: Option<String>,
    /// Commune the dossier belongs to, code valid on its date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commune: Option<String>,
    /// `online`, `counter` or `post`.
    pub channel: String,
    /// When the applicant filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Moment>,
    /// When the office accepted: the clock starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Moment>,
    /// The date promised by the agency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// National status.
    pub status: Status,
    /// The source's own word or number for it.
    pub status_raw: String,
    /// When it took that status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_at: Option<Moment>,
    /// When the decision was ready: decides on time or late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Moment>,
    /// When the result was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Moment>,
    /// Unit now handling it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Officer now handling it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    /// Remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The paper that ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
    /// Fees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// Papers in the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
    /// Files of it, by their claim checks: none of them is in the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Requests for more papers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supplements: Vec<Supplement>,
    /// Earlier steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Step>,
    /// Members only this source has.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// What the mapping repaired or doubted, by code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_to_ten_and_ranks_by_life_cycle() {
        assert!(Status::try_from(0).is_err() && Status::try_from(11).is_err());
        let mut all: Vec<_> = (1..=10).map(|code| Status::try_from(code).unwrap()).collect();
        all.sort_by_key(|status| status.life_cycle_rank());
        let codes: Vec<_> = all.iter().map(|status| status.code()).collect();
        assert_eq!(codes, [1, 2, 4, 5, 6, 3, 7, 8, 9, 10]);
    }
}
