//! Which agencies there are, and what became of them.

use contracts::agency::Agency;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Directory,
    page::{Page, Window, found},
};
use crate::registry::{
    catalogue::{Dated, Kin, Relation},
    search::{Bits, Match, Query, Subject},
};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct AgencyQuestion {
    /// Words of its name, its id, or a code that it bears.
    pub q: String,
    /// Kind, such as `department`.
    pub kind: Option<String>,
    /// Hub id of the agency above it.
    pub parent: Option<String>,
    /// A day on which it stands; absent for all there were.
    pub on: Option<Date>,
}

/// An agency that was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FoundAgency<'a> {
    /// `agency/1`.
    #[schema(value_type = crate::described::Agency)]
    agency: &'a RawValue,
    /// What it came from.
    predecessors: Vec<AgencyKin<'a>>,
    /// What it became.
    successors: Vec<AgencyKin<'a>>,
    /// How it was found.
    #[serde(rename = "match")]
    matched: Match,
}

/// What an agency came from or became.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AgencyKin<'a> {
    #[schema(value_type = String, format = Date)]
    on: Date,
    relation: Relation,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name_vi: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    legal_basis: Option<&'a str>,
}

pub(super) fn subject(agency: &Agency) -> Subject {
    let mut codes = vec![agency.id.clone()];
    codes.extend(agency.identifiers.iter().map(|one| one.value.clone()));
    let names = vec![agency.name_vi.clone(), agency.name_en.clone()];
    Subject { names, codes, also: Vec::new(), until: agency.last() }
}

impl Directory {
    /// A page of agencies.
    pub fn agencies<'a>(
        &'a self,
        question: &AgencyQuestion,
        window: Window,
    ) -> Page<FoundAgency<'a>> {
        let query = Query::new(&question.q);
        let matching = self.agencies.matching(&query);
        let mut allowed = Bits::empty(self.catalogue.agencies.len());
        for (at, one) in self.catalogue.agencies.iter().enumerate() {
            let fits = question.on.is_none_or(|day| one.stands(day))
                && question.kind.as_ref().is_none_or(|kind| *kind == one.kind)
                && question.parent.as_ref().is_none_or(|id| Some(id) == one.parent.as_ref());
            if fits {
                allowed.insert(at);
            }
        }
        let steps = &self.catalogue.successions;
        found(&self.agencies, (&query, &matching), &allowed, window).page(None, |hit| {
            let kin = |all: Vec<Kin<'a>>| all.into_iter().map(|kin| self.kin_agency(kin)).collect();
            Some(FoundAgency {
                agency: self.agency_texts.get(hit.at)?,
                predecessors: kin(self.agency_kin.before(hit.at, steps)),
                successors: kin(self.agency_kin.after(hit.at, steps)),
                matched: hit.matched,
            })
        })
    }

    fn kin_agency<'a>(&'a self, kin: Kin<'a>) -> AgencyKin<'a> {
        let agency = kin.version.and_then(|at| self.catalogue.agencies.get(at));
        AgencyKin {
            on: kin.step.date,
            relation: kin.step.relation,
            id: agency.map(|agency| agency.id.as_str()),
            name_vi: agency.map(|agency| agency.name_vi.as_str()),
            legal_basis: kin.step.legal_basis.as_deref(),
        }
    }
}
