//! Which procedures there are.

use std::cmp::Reverse;

use contracts::code::ProcedureCode;
use contracts::procedure::{OnlineLevel, Procedure};
use jiff::civil::Date;
use mappings::text::normalise::toned_key;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Directory,
    facets::{Counts, LEVELS, ONLINE_LEVELS},
    page::{Page, UnknownValue, Window, found},
};
use crate::registry::{
    Catalogue,
    catalogue::Dated,
    search::{Match, Query, Subject},
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct ProcedureQuestion {
    /// Words of its name, or its code.
    pub q: String,
    /// Hub id of the agency that decides.
    pub agency: Option<String>,
    /// Id or name of its field.
    pub field: Option<String>,
    /// Level of government.
    pub level: Option<String>,
    /// Online level; `none` for those of which none is told.
    pub online_level: Option<String>,
    /// The day on which all of it holds.
    pub on: Date,
}

/// A procedure that was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FoundProcedure<'a> {
    /// `procedure/1`.
    #[schema(value_type = crate::described::Procedure)]
    procedure: &'a RawValue,
    /// The name of its agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    agency_name: Option<&'a str>,
    /// The online level in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::OnlineLevel>)]
    online_level: Option<&'a OnlineLevel>,
    /// Where its e-service is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    service_url: Option<&'a str>,
    /// How it was found.
    #[serde(rename = "match")]
    matched: Match,
}

/// One version of a procedure, and whether it holds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProcedureVersion<'a> {
    /// `procedure/1`.
    #[schema(value_type = crate::described::Procedure)]
    procedure: &'a RawValue,
    /// The name of its agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    agency_name: Option<&'a str>,
    /// The online level in force on the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::OnlineLevel>)]
    online_level: Option<&'a OnlineLevel>,
    /// Where its e-service is on the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    service_url: Option<&'a str>,
    /// Whether it is in force on the day.
    in_force: bool,
}

pub(super) fn subjects(catalogue: &Catalogue) -> impl Iterator<Item = Subject> {
    catalogue.procedures.iter().map(|one| Subject {
        names: vec![one.name.clone()],
        codes: [&one.code, &one.source_code].into_iter().flatten().cloned().collect(),
        also: Vec::new(),
        until: one.last(),
    })
}

/// Which procedures bear a code: the national one in either form, or an agency's own.
pub(super) struct Bears<'a> {
    code: &'a str,
    national: Option<ProcedureCode>,
}

impl<'a> Bears<'a> {
    pub(super) fn new(code: &'a str) -> Self {
        Self { code, national: ProcedureCode::parse(code).ok() }
    }

    pub(super) fn is_of(&self, one: &Procedure) -> bool {
        let own = one.source_code.as_deref() == Some(self.code);
        let known = self.national.as_ref().is_some_and(|national| {
            // A code without its authority is that of all who publish it.
            let published = |told| one.suffix.as_deref() == Some(told);
            one.code.as_deref() == Some(national.short()) && national.suffix().is_none_or(published)
        });
        own || known
    }
}

impl Directory {
    /// A page of procedures.
    ///
    /// # Errors
    /// When a filter names what there is not.
    pub fn procedures(
        &self,
        question: &ProcedureQuestion,
        window: Window,
    ) -> Result<Page<FoundProcedure<'_>>, UnknownValue> {
        let query = Query::new(&question.q);
        let matching = self.procedures.matching(&query);
        let mut counts = Counts::new(&self.catalogue, self.wanted(question)?);
        for (at, labels) in self.labels.iter().enumerate() {
            counts.take(at, labels, (question.on, matching.has(at)));
        }
        let found = found(&self.procedures, (&query, &matching), &counts.allowed, window);
        Ok(found.page(Some(counts.close(&self.catalogue)), |hit| {
            let one = self.catalogue.procedures.get(hit.at)?;
            let level = self.labels.get(hit.at)?.online_level(question.on);
            Some(FoundProcedure {
                procedure: self.procedure_texts.get(hit.at)?,
                agency_name: self.agency_name(&one.agency),
                online_level: level.and_then(|at| one.online_levels.get(at)),
                service_url: self.service(hit.at, question.on),
                matched: hit.matched,
            })
        }))
    }

    /// Every version of the procedures that bear a code, the national one in either form or an
    /// agency's own: those in force on a day first, then the latest first.
    pub fn procedure(&self, code: &str, on: Date) -> Vec<ProcedureVersion<'_>> {
        let bears = Bears::new(code);
        let all = self.catalogue.procedures.iter().enumerate();
        let mut found: Vec<_> = all.filter(|(_, one)| bears.is_of(one)).collect();
        found.sort_by_key(|(at, one)| (!one.stands(on), Reverse(one.first()), *at));
        let version = |at: usize| {
            let one = self.catalogue.procedures.get(at)?;
            let level = self.labels.get(at)?.online_level(on);
            Some(ProcedureVersion {
                procedure: self.procedure_texts.get(at)?,
                agency_name: self.agency_name(&one.agency),
                online_level: level.and_then(|at| one.online_levels.get(at)),
                service_url: self.service(at, on),
                in_force: one.stands(on),
            })
        };
        found.into_iter().filter_map(|(at, _)| version(at)).collect()
    }

    pub(super) fn agency_name(&self, id: &str) -> Option<&str> {
        let mut versions = self.catalogue.agencies.iter().filter(|agency| agency.id == id);
        versions.next_back().map(|agency| agency.name_vi.as_str())
    }

    /// The numbers of the values that filters name.
    fn wanted(&self, question: &ProcedureQuestion) -> Result<[Option<usize>; 4], UnknownValue> {
        type Find<'a> = &'a dyn Fn(&str) -> Option<usize>;
        let place = |parameter, listed, value: &Option<String>, find: Find<'_>| {
            let unknown = UnknownValue { parameter, listed };
            value.as_deref().map(|value| find(value).ok_or(unknown)).transpose()
        };
        let agency = |id: &str| self.catalogue.agencies.iter().position(|one| one.id == id);
        let field = |told: &str| {
            let name = toned_key(told);
            let mut fields = self.catalogue.fields.iter();
            fields.position(|one| one.id == told || toned_key(&one.name) == name)
        };
        let level = |told: &str| LEVELS.iter().position(|(id, ..)| *id == told);
        let online = |told: &str| ONLINE_LEVELS.iter().position(|(id, ..)| *id == told);
        let levels = "1, 2, 3, 4, information, partial, full, none";
        Ok([
            place("agency", "/v1/agencies", &question.agency, &agency)?,
            place("field", "/v1/procedures (facets)", &question.field, &field)?,
            place("level", "province, district, commune", &question.level, &level)?,
            place("online_level", levels, &question.online_level, &online)?,
        ])
    }
}
