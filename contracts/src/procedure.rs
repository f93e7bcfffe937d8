//! `procedure/1`: one version of an administrative procedure at one agency.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// The online service level under one decree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlineLevel {
    /// `nd43` (NĐ 43/2011) or `nd42` (NĐ 42/2022).
    pub scheme: String,
    /// `1` to `4` under `nd43`; `information`, `partial` or `full` under `nd42`.
    pub level: String,
    /// First day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Moment>,
    /// Last day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Moment>,
}

/// The unit of a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineUnit {
    /// Working days.
    WorkingDays,
    /// Calendar days.
    CalendarDays,
    /// Working hours.
    WorkingHours,
    /// No time limit: the value is 0.
    None,
}

/// The legal time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// Length in the unit; 0 when the unit is `none`.
    pub value: u32,
    /// The unit.
    pub unit: DeadlineUnit,
}

/// How a procedure may be submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Over the web.
    Online,
    /// At an office.
    Counter,
    /// By post.
    Post,
}

/// What a fee is by law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeKind {
    /// For a service (phí).
    Phi,
    /// For an act of the State (lệ phí).
    LePhi,
}

/// One thing that is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// What is paid for.
    pub name: String,
    /// Amount in đồng.
    pub amount: u64,
    /// What it is by law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FeeKind>,
    /// Only where it is submitted so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// Who pays it, or when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One document that is to be handed in (thành phần hồ sơ).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The document.
    pub name: String,
    /// How many originals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originals: Option<u32>,
    /// How many copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
    /// Name or number of the form that it is written on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Where the form is to be had: an address of `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_url: Option<String>,
    /// In which case it is asked for; in all where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What else there is to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A procedure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// National code, short form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Publishing authority in the full code, such as `000.00.00.H56`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// The agency's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_code: Option<String>,
    /// Agency that decides, by hub id.
    pub agency: String,
    /// Name.
    pub name: String,
    /// Field (lĩnh vực).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// `province`, `district` or `commune`.
    pub level: String,
    /// Online service levels over time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub online_levels: Vec<OnlineLevel>,
    /// Legal time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    /// Fee in đồng.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<u64>,
    /// What is paid, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// What is to be handed in (thành phần hồ sơ).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// How many sets of all documents (số bộ hồ sơ).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sets: Option<u32>,
    /// How it may be submitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
    /// How it goes (trình tự thực hiện).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// Who may apply (đối tượng thực hiện).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applicants: Vec<String>,
    /// What must be so (yêu cầu, điều kiện).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// What is given (kết quả thực hiện).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<String>,
    /// Acts it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legal_basis: Vec<String>,
    /// First day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Moment>,
    /// Last day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Moment>,
    /// When its parts and its legal basis were last reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_at: Option<Moment>,
    /// Whether it is done at one-stop offices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_stop: Option<bool>,
    /// Whether an internal process is issued for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_process: Option<bool>,
    /// The source's version of this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
}
