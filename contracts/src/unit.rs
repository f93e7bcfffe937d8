//! `unit/1`: one version of an administrative unit, what a code meant between two days.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// GSO code.
    pub code: String,
    /// Name without its kind.
    pub name: String,
    /// Kind, as in `phường`.
    pub kind: String,
    /// `province`, `district` or `commune`.
    pub level: String,
    /// Code of the unit above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// First day in force; absent when older than the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Moment>,
    /// Last day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Moment>,
    /// Its own agency, by hub id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
}
