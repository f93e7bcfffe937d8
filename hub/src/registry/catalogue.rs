//! What the province publishes of itself: agencies, fields, procedures and units, dated. Pure.
//!
//! A code or an id is no identity by itself: GSO codes were given to other communes twice since
//! 2013. So each row is a version, in force between two days, and successions say what became of
//! what on which day.

use contracts::{Moment, agency::Agency, procedure::Procedure};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    calendar::Calendar, deadline::DeadlineRule, finding::FindingRule, report::Forms, roadmap::Plan,
};

/// A field of administration (lĩnh vực).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its id, as questions name it.
    pub id: String,
    /// Its name, as procedures and dossiers give it.
    pub name: String,
    /// Agencies whose field it is, by hub id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agencies: Vec<String>,
}

/// One version of an administrative unit: what a code meant between two days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_from: Option<Date>,
    /// Last day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_to: Option<Date>,
    /// Its own agency, by hub id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
}

/// What succeeds what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Agencies, by hub id.
    Agency,
    /// Units, by code.
    Unit,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The whole goes into the successor (sáp nhập).
    Merge,
    /// It goes on, and takes others in (giữ nguyên, mở rộng).
    Keep,
    /// It is divided between several (chia tách).
    Split,
    /// A part of it goes over; it goes on (điều chỉnh địa giới).
    Part,
    /// It goes on as another kind (nâng cấp).
    Upgrade,
    /// It goes on as it was, under another unit (giữ nguyên).
    Unchanged,
    /// It goes over to another unit above it (chuyển).
    Transfer,
    /// It ends, without a successor (bãi bỏ).
    Abolish,
}

/// One step of a succession.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Succession {
    /// First day of what comes.
    pub date: Date,
    /// What it speaks of.
    pub scope: Scope,
    /// What happened.
    pub relation: Relation,
    /// Code or id of what was there the day before.
    pub from: String,
    /// Code or id of what is there from that day on; absent where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The act it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
}

/// Where an agency's e-services are: those of all its procedures, or that of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceAddress {
    /// The agency, by hub id.
    pub agency: String,
    /// A code or the name of one of its procedures; absent for all that have none of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// The address, in which `{code}` stands for the procedure's code; absent where this procedure
    /// has no e-service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Everything together: one version of it is what a reference entry names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Agencies as `agency/1`; an id may stand several times, on different days.
    pub agencies: Vec<Agency>,
    /// Fields.
    pub fields: Vec<Field>,
    /// Procedures as `procedure/1`.
    pub procedures: Vec<Procedure>,
    /// Units.
    pub units: Vec<Unit>,
    /// What became of agencies and units.
    pub successions: Vec<Succession>,
    /// Working days and office hours, where they are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// How time limits run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deadlines: Vec<DeadlineRule>,
    /// By what reports are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<Forms>,
    /// What is asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingRule>,
    /// The plan for online services, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roadmap: Option<Plan>,
    /// Where e-services are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceAddress>,
}

impl Catalogue {
    /// Its text: equal catalogues have equal texts.
    pub fn content(&self) -> Vec<u8> {
        // Texts, numbers and days: nothing can fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The catalogue of a text.
    ///
    /// # Errors
    /// When the text is not what [`Self::content`] writes.
    pub fn from_content(content: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(content)
    }
}

/// What holds between two days.
pub trait Dated {
    /// Its code or id.
    fn code(&self) -> &str;
    /// First day in force.
    fn first(&self) -> Option<Date>;
    /// Last day in force.
    fn last(&self) -> Option<Date>;

    /// Whether it is in force on a day.
    fn stands(&self, day: Date) -> bool {
        self.first().is_none_or(|first| first <= day) && self.last().is_none_or(|last| day <= last)
    }

    /// Whether there is a day on which both are in force.
    fn meets(&self, other: &Self) -> bool {
        let before = |one: Option<Date>, next: Option<Date>| {
            one.zip(next).is_some_and(|(last, first)| last < first)
        };
        !before(self.last(), other.first()) && !before(other.last(), self.first())
    }
}

impl Dated for Unit {
    fn code(&self) -> &str {
        &self.code
    }
    fn first(&self) -> Option<Date> {
        self.valid_from
    }
    fn last(&self) -> Option<Date> {
        self.valid_to
    }
}

impl Dated for Agency {
    fn code(&self) -> &str {
        &self.id
    }
    fn first(&self) -> Option<Date> {
        self.valid_from.map(Moment::day)
    }
    fn last(&self) -> Option<Date> {
        self.valid_to.map(Moment::day)
    }
}

impl Dated for Procedure {
    fn code(&self) -> &str {
        self.code.as_deref().or(self.source_code.as_deref()).unwrap_or_default()
    }
    fn first(&self) -> Option<Date> {
        self.valid_from.map(Moment::day)
    }
    fn last(&self) -> Option<Date> {
        self.valid_to.map(Moment::day)
    }
}

/// One end of a succession as seen from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kin<'a> {
    /// The step.
    pub step: &'a Succession,
    /// The version at the other end; none where nothing follows.
    pub version: Option<usize>,
}

impl Succession {
    /// The versions at both ends: of `from` the day before, of `to` on the day.
    pub fn ends<T: Dated>(&self, versions: &[T]) -> (Option<usize>, Option<usize>) {
        let at = |code: &str, day: Date| {
            versions.iter().position(|one| one.code() == code && one.stands(day))
        };
        let before = self.date.yesterday().unwrap_or(self.date);
        (at(&self.from, before), self.to.as_deref().and_then(|to| at(to, self.date)))
    }
}

/// Who came before and who after each version, in the order of the days.
#[derive(Debug, Default)]
pub struct Kinship {
    before: Vec<Vec<(usize, Option<usize>)>>,
    after: Vec<Vec<(usize, Option<usize>)>>,
}

impl Kinship {
    /// Puts the steps of one scope to the versions that they speak of.
    pub fn new<T: Dated>(versions: &[T], steps: &[Succession], scope: Scope) -> Self {
        let none = vec![Vec::new(); versions.len()];
        let mut kinship = Self { before: none.clone(), after: none };
        let mut own: Vec<usize> = (0..steps.len()).collect();
        own.retain(|at| steps.get(*at).is_some_and(|step| step.scope == scope));
        own.sort_by_key(|at| steps.get(*at).map(|step| step.date));
        for (at, step) in own.into_iter().filter_map(|at| Some((at, steps.get(at)?))) {
            let (from, to) = step.ends(versions);
            // What only goes on is no kin of its own.
            if from.is_some() && from == to {
                continue;
            }
            if let Some(after) = from.and_then(|from| kinship.after.get_mut(from)) {
                after.push((at, to));
            }
            if let Some(before) = to.and_then(|to| kinship.before.get_mut(to)) {
                before.push((at, from));
            }
        }
        kinship
    }

    /// Who came before a version.
    pub fn before<'a>(&self, at: usize, steps: &'a [Succession]) -> Vec<Kin<'a>> {
        kin(self.before.get(at), steps)
    }

    /// Who came after it.
    pub fn after<'a>(&self, at: usize, steps: &'a [Succession]) -> Vec<Kin<'a>> {
        kin(self.after.get(at), steps)
    }
}

fn kin<'a>(held: Option<&Vec<(usize, Option<usize>)>>, steps: &'a [Succession]) -> Vec<Kin<'a>> {
    let held = held.into_iter().flatten();
    held.filter_map(|(at, version)| Some(Kin { step: steps.get(*at)?, version: *version }))
        .collect()
}
