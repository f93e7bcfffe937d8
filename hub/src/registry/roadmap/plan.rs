//! The plan as the province adopted it: dated data of the catalogue (`roadmap.toml`), so that a
//! past answer stays what it was when the plan is changed.

use contracts::procedure::OnlineLevel;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A text in Vietnamese, with English beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoadmapWords)]
pub struct Words {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Words {
    /// A text in both languages.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }
}

/// How far an online level of one decree goes, so that levels of several decrees are comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelStep {
    /// The decree, as in `nd43`.
    pub scheme: String,
    /// Its level, as in `partial`.
    pub level: String,
    /// The step, as the plan's decree numbers its levels: 1 to 4.
    pub step: u8,
}

/// What the plan says of the province; shown beside what is counted, never counted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// The day that it speaks of.
    pub on: Date,
    /// The province's unit, by its code of that day.
    pub province: String,
    /// Units directly under the province's committee.
    pub departments: u32,
    /// Districts.
    pub districts: u32,
    /// Communes.
    pub communes: u32,
    /// Procedures.
    pub procedures: u32,
    /// Of these, the province's, the districts' and the communes'.
    pub by_level: [u32; 3],
    /// Procedures that the whole budget is reckoned by.
    pub priced_procedures: u32,
    /// Đồng for each.
    pub price: u64,
    /// Đồng altogether.
    pub budget: u64,
    /// The day by which all procedures are to be there, by the plan's aims.
    pub all_by: Date,
}

/// A wave: which agencies bring which of their procedures online, to which level, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: Words,
    /// The step that its procedures are to reach.
    pub step: u8,
    /// How many of a hundred; absent where the plan says "some".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Its last day as the plan says it elsewhere, where it does otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_elsewhere: Option<Date>,
    /// Its agencies, by hub id.
    pub agencies: Vec<String>,
    /// Đồng that the plan estimates for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u64>,
    /// The plan's own words.
    pub quote: String,
}

/// Agencies of a kind whose procedures the catalogue tells once for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// The kind of agency, as in `agency/1`.
    pub kind: String,
    /// The agency that stands for all of them.
    pub agency: String,
}

/// A milestone: what agencies of a wave are to have done by a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MilestoneDue {
    /// Its id, as `milestone/1` names it.
    pub id: String,
    /// Its wave.
    pub wave: String,
    /// What is to be done.
    pub name: Words,
    /// The last day on time.
    pub due: Date,
}

/// One report of a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportDue {
    /// The half-year, `H1` or `H2`; absent for a year's report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<String>,
    /// Month and day of the last day on time.
    pub month: i8,
    /// The day of that month.
    pub day: i8,
    /// Years behind the period that the day lies.
    #[serde(default)]
    pub years_later: i16,
}

/// Who reports to whom, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obligation {
    /// Its id, as `milestone/1` names it.
    pub id: String,
    /// What is reported.
    pub name: Words,
    /// Who, by hub id; absent: every agency of the waves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agencies: Vec<String>,
    /// To whom, by hub id.
    pub recipients: Vec<String>,
    /// First and last year.
    pub years: (i16, i16),
    /// When.
    pub due: Vec<ReportDue>,
    /// The plan's own words.
    pub quote: String,
}

/// How the points of a year are given. What cannot be judged yet is left out of the hundred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Points for procedures that reached their wave's level.
    pub completion: u32,
    /// Points for being on schedule.
    pub schedule: u32,
    /// Days of slip at which these are none.
    pub slip_days_max: u32,
    /// Points for reports sent in time.
    pub reports: u32,
    /// Points for an active officer of the one-stop section.
    pub officer: u32,
}

/// The plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is called.
    pub name: Words,
    /// What it says of the province.
    pub stated: Stated,
    /// Months after which a procedure's parts and legal basis are to be reviewed again.
    pub review_months: i32,
    /// How online levels compare.
    pub level: Vec<LevelStep>,
    /// Kinds of agencies that share their procedures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class: Vec<Class>,
    /// Waves.
    pub wave: Vec<Wave>,
    /// Milestones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestone: Vec<MilestoneDue>,
    /// Reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligation: Vec<Obligation>,
    /// Points.
    pub score: Score,
}

impl Plan {
    /// The step of an online level; 0 for one that the plan does not know.
    pub fn step(&self, level: &OnlineLevel) -> u8 {
        let known =
            self.level.iter().find(|one| one.scheme == level.scheme && one.level == level.level);
        known.map_or(0, |known| known.step)
    }

    /// The agencies of all waves, each once, in the order of the plan.
    pub fn agencies(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for agency in self.wave.iter().flat_map(|wave| &wave.agencies) {
            if !all.contains(&agency.as_str()) {
                all.push(agency);
            }
        }
        all
    }
}
