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
