//! Which procedure of the catalogue a dossier is about, and its time limit.

use std::collections::HashMap;

use jiff::civil::Date;
use mappings::text::normalise::toned_key;

use super::model::Limit;
use crate::registry::{
    catalogue::{Catalogue, Dated},
    state::DossierState,
};

/// What deadlines need of one version of a procedure.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) code: Option<String>,
    pub(super) source_code: Option<String>,
    pub(super) field: Option<String>,
    pub(super) name: String,
    pub(super) limit: Option<Limit>,
    agency: String,
    days: (Option<Date>, Option<Date>),
}

/// The procedures of an edition, by what dossiers say of them.
#[derive(Debug, Default)]
pub(super) struct Procedures {
    known: Vec<Known>,
    by_code: HashMap<String, Vec<usize>>,
    by_own: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
}

/// What a dossier's words come to.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// One procedure, or several that differ in nothing that matters here.
    One(&'a Known),
    /// Several with other time limits.
    Several(Vec<Limit>),
    /// None that was in force on that day.
    Nothing,
}

impl Procedures {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut made = Self::default();
        for (at, one) in catalogue.procedures.iter().enumerate() {
            made.known.push(Known {
                code: one.code.clone(),
                source_code: one.source_code.clone(),
                field: one.field.clone(),
                name: one.name.clone(),
                limit: one.deadline.map(Limit::from),
                agency: one.agency.clone(),
                days: (one.first(), one.last()),
            });
            if let Some(code) = &one.code {
                made.by_code.entry(code.clone()).or_default().push(at);
            }
            if let Some(code) = &one.source_code {
                made.by_own.entry(code.clone()).or_default().push(at);
            }
            made.by_name.entry(toned_key(&one.name)).or_default().push(at);
        }
        made
    }

    /// The procedure by its national code; else by the agency's own code; else by its whole name.
    pub(super) fn of(&self, state: &DossierState, on: Date) -> Found<'_> {
        let at = |held: Option<&Vec<usize>>, own: bool| -> Vec<&Known> {
            let all = held.into_iter().flatten().filter_map(|at| self.known.get(*at));
            let stands = |one: &&Known| {
                let (first, last) = one.days;
                first.is_none_or(|first| first <= on) && last.is_none_or(|last| on <= last)
            };
            let mut all: Vec<&Known> = all.filter(stands).collect();
            // Of several agencies', the dossier's own; another's code of its own says nothing.
            if own || all.iter().any(|one| one.agency == state.agency) {
                all.retain(|one| one.agency == state.agency);
            }
            all
        };
        let coded = state.procedure.as_ref().map(|code| at(self.by_code.get(code), false));
        let coded = coded.filter(|all| !all.is_empty());
        let own = || {
            let code = state.procedure_source_code.as_ref()?;
            Some(at(self.by_own.get(code), true)).filter(|all| !all.is_empty())
        };
        let named = || {
            let name = state.procedure_name.as_ref()?;
            Some(at(self.by_name.get(&toned_key(name)), false))
        };
        found(&coded.or_else(own).or_else(named).unwrap_or_default())
    }
}

fn found<'a>(all: &[&'a Known]) -> Found<'a> {
    let mut limits: Vec<Limit> = Vec::new();
    for limit in all.iter().filter_map(|one| one.limit) {
        if !limits.contains(&limit) {
            limits.push(limit);
        }
    }
    let with_limit = all.iter().find(|one| one.limit.is_some());
    match (limits.len(), with_limit.or(all.first())) {
        (2.., _) => Found::Several(limits),
        (_, Some(one)) => Found::One(one),
        (_, None) => Found::Nothing,
    }
}
