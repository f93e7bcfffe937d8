//! Which units there are, what a code meant on a day, and what became of it.

use std::cmp::Reverse;

use jiff::civil::Date;
use serde::Serialize;

use super::{
    Directory,
    page::{Page, Window, found},
};
use crate::registry::{
    Catalogue,
    catalogue::{Dated, Kin, Relation, Unit},
    search::{Bits, Match, Query, Subject},
};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct UnitQuestion {
    /// Words of its name, or its code.
    pub q: String,
    /// GSO code.
    pub code: Option<String>,
    /// `province`, `district` or `commune`.
    pub level: Option<String>,
    /// Code of the unit above it.
    pub parent: Option<String>,
    /// A day on which it is in force; absent for all there were.
    pub on: Option<Date>,
}

/// A unit that was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FoundUnit<'a> {
    #[schema(value_type = Unit)]
    unit: &'a Unit,
    /// Names of the units above it, the nearest first.
    within: Vec<String>,
    /// What it came from.
    predecessors: Vec<UnitKin<'a>>,
    /// What it became.
    successors: Vec<UnitKin<'a>>,
    /// How it was found.
    #[serde(rename = "match")]
    matched: Match,
}

/// What a unit came from or became.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct UnitKin<'a> {
    #[schema(value_type = String, format = Date)]
    on: Date,
    relation: Relation,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    legal_basis: Option<&'a str>,
}

fn called(unit: &Unit) -> String {
    format!("{} {}", unit.kind, unit.name)
}

pub(super) fn subjects(catalogue: &Catalogue) -> impl Iterator<Item = Subject> {
    catalogue.units.iter().map(|unit| Subject {
        names: vec![unit.name.clone(), called(unit)],
        codes: vec![unit.code.clone()],
        also: above(catalogue, unit).into_iter().map(called).collect(),
        until: unit.valid_to,
    })
}

/// The units above one, the nearest first, as they were on its last day.
fn above<'a>(catalogue: &'a Catalogue, unit: &'a Unit) -> Vec<&'a Unit> {
    const DEPTH_MAX: usize = 4;
    let day = unit.valid_to.unwrap_or(Date::MAX);
    let (mut found, mut below) = (Vec::new(), unit);
    while let Some(code) = below.parent.as_deref().filter(|_| found.len() < DEPTH_MAX) {
        let Some(next) = catalogue.units.iter().find(|one| one.code == code && one.stands(day))
        else {
            break;
        };
        found.push(next);
        below = next;
    }
    found
}

impl Directory {
    /// A page of units. Those that a code alone asks for come by their days, the latest first.
    pub fn units<'a>(&'a self, question: &UnitQuestion, window: Window) -> Page<FoundUnit<'a>> {
        let query = Query::new(&question.q);
        let matching = self.units.matching(&query);
        let mut allowed = Bits::empty(self.catalogue.units.len());
        for (at, one) in self.catalogue.units.iter().enumerate() {
            let same = |wanted: &Option<String>, held: Option<&String>| {
                wanted.as_ref().is_none_or(|wanted| Some(wanted) == held)
            };
            let fits = question.on.is_none_or(|day| one.stands(day))
                && same(&question.code, Some(&one.code))
                && same(&question.level, Some(&one.level))
                && same(&question.parent, one.parent.as_ref());
            if fits {
                allowed.insert(at);
            }
        }
        let mut found = found(&self.units, (&query, &matching), &allowed, window);
        if question.code.is_some() && query.is_empty() {
            let first = |at: usize| self.catalogue.units.get(at).and_then(Dated::first);
            found.hits.sort_by_key(|hit| Reverse(first(hit.at)));
        }
        let steps = &self.catalogue.successions;
        found.page(None, |hit| {
            let kin = |all: Vec<Kin<'a>>| all.into_iter().map(|kin| self.kin_unit(kin)).collect();
            let unit = self.catalogue.units.get(hit.at)?;
            Some(FoundUnit {
                unit,
                within: above(&self.catalogue, unit).into_iter().map(called).collect(),
                predecessors: kin(self.unit_kin.before(hit.at, steps)),
                successors: kin(self.unit_kin.after(hit.at, steps)),
                matched: hit.matched,
            })
        })
    }

    fn kin_unit<'a>(&'a self, kin: Kin<'a>) -> UnitKin<'a> {
        let unit = kin.version.and_then(|at| self.catalogue.units.get(at));
        UnitKin {
            on: kin.step.date,
            relation: kin.step.relation,
            code: unit.map(|unit| unit.code.as_str()),
            name: unit.map(|unit| unit.name.as_str()),
            kind: unit.map(|unit| unit.kind.as_str()),
            legal_basis: kin.step.legal_basis.as_deref(),
        }
    }
}
