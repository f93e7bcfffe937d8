//! All that decides deadlines, of one edition of the catalogue, ready to be asked.

use std::collections::HashMap;

use contracts::Moment;
use jiff::civil::Date;

use super::{
    course::{Course, accepted},
    explain::{Explained, explained},
    model::{DeadlineRule, Limit},
    procedures::{Found, Procedures},
    reckon::{Due, Reckoning, reckon},
    rules::{self, rule_for},
    supplement::{Supplement, supplements},
};
use crate::{
    journal::merkle::Digest,
    registry::{
        calendar::{Calendar, OutsideCalendar, Timetable},
        catalogue::Catalogue,
        state::DossierState,
        statistics::Settings,
    },
};

/// Why the hub has no deadline of its own for a dossier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoDeadline {
    /// It was not accepted, as far as anyone tells.
    NotAccepted,
    /// No calendar was in force.
    NoCalendar,
    /// The catalogue has no such procedure on the day of acceptance.
    UnknownProcedure {
        /// The day.
        on: Date,
    },
    /// The catalogue tells no time limit of the procedure.
    NoLimit {
        /// Its name.
        procedure: String,
    },
    /// Several procedures that it may be have other time limits.
    SeveralLimits {
        /// The limits.
        limits: Vec<Limit>,
    },
    /// No rule says how the time limit runs.
    NoRule {
        /// The day of acceptance.
        on: Date,
    },
    /// A day that is needed is not in the calendar.
    Outside(OutsideCalendar),
}

/// A deadline with all that led to it.
#[derive(Debug)]
pub struct Computed<'a> {
    /// The due date.
    pub due: Due,
    /// The time limit.
    pub limit: Limit,
    /// The rule by which it runs.
    pub rule: &'a DeadlineRule,
    /// Requests for more papers, where the rule gives them a time limit.
    pub supplements: Vec<Supplement>,
    /// Each step, in two languages.
    pub steps: Vec<Explained>,
}

/// What a deadline is reckoned from.
struct Asked<'a> {
    course: Course,
    limit: Limit,
    rule: &'a DeadlineRule,
    days: &'a Timetable,
}

/// Calendar, rules and time limits of one edition.
#[derive(Debug)]
pub struct Deadlines {
    calendar: Option<Calendar>,
    version: String,
    timetables: Vec<Timetable>,
    /// The timetable of each agency that has hours of its own; the first is everyone else's.
    own: HashMap<String, usize>,
    rules: Vec<DeadlineRule>,
    procedures: Procedures,
}

impl Deadlines {
    /// Makes ready what an edition says.
    pub fn new(catalogue: &Catalogue) -> Self {
        let calendar = catalogue.calendar.clone();
        let version = calendar.as_ref().map(|one| Digest::of(&one.content()).to_string());
        let mut made = Self {
            version: version.unwrap_or_default(),
            timetables: Vec::new(),
            own: HashMap::new(),
            rules: catalogue.deadlines.clone(),
            procedures: Procedures::new(catalogue),
            calendar: None,
        };
        if let Some(calendar) = calendar {
            // Agencies that keep the same hours share a timetable.
            let mut kept = vec![calendar.hours_of("")];
            for agency in calendar.hours.iter().flat_map(|hours| &hours.agencies) {
                let hours = calendar.hours_of(agency);
                let at = kept.iter().position(|held| *held == hours).unwrap_or_else(|| {
                    kept.push(hours);
                    kept.len() - 1
                });
                made.own.insert(agency.clone(), at);
            }
            made.timetables = kept.iter().map(|hours| Timetable::new(&calendar, hours)).collect();
            made.calendar = Some(calendar);
        }
        made
    }

    /// The calendar, and the hash by which its version is known.
    pub fn calendar(&self) -> Option<(&Calendar, &str)> {
        self.calendar.as_ref().map(|calendar| (calendar, self.version.as_str()))
    }

    /// The hub's deadline of a dossier, with each step explained, as it stands on a day.
    ///
    /// # Errors
    /// Why there is none.
    pub fn explain(
        &self,
        state: &DossierState,
        settings: &Settings,
        on: Date,
    ) -> Result<Computed<'_>, NoDeadline> {
        let Asked { course, limit, rule, days } = self.of(state, settings)?;
        let calendar = self.calendar.as_ref().ok_or(NoDeadline::NoCalendar)?;
        let reckoning = reckon(&course, limit, rule, days).map_err(NoDeadline::Outside)?;
        let supplements = supplements(&course, rule, days, on).map_err(NoDeadline::Outside)?;
        let steps = explained(&reckoning, (limit, rule), (calendar, days));
        Ok(Computed { due: reckoning.due, limit, rule, supplements, steps })
    }

    /// The hub's deadline of a dossier, by steps.
    ///
    /// # Errors
    /// Why there is none.
    pub fn reckon(
        &self,
        state: &DossierState,
        settings: &Settings,
    ) -> Result<Reckoning, NoDeadline> {
        let Asked { course, limit, rule, days } = self.of(state, settings)?;
        reckon(&course, limit, rule, days).map_err(NoDeadline::Outside)
    }

    fn of(&self, state: &DossierState, settings: &Settings) -> Result<Asked<'_>, NoDeadline> {
        let accepted = accepted(state).ok_or(NoDeadline::NotAccepted)?;
        let at = self.own.get(&state.agency).copied().unwrap_or(0);
        let days = self.timetables.get(at).ok_or(NoDeadline::NoCalendar)?;
        // Before all else: rules cover no day that the calendar does not.
        days.taken(accepted).map_err(NoDeadline::Outside)?;
        let (limit, rule) = self.limit(state, accepted)?;
        let course = Course::of(state, accepted, rule, settings);
        Ok(Asked { course, limit, rule, days })
    }

    /// The time limit of a dossier and the rule by which it runs.
    fn limit(
        &self,
        state: &DossierState,
        accepted: Moment,
    ) -> Result<(Limit, &DeadlineRule), NoDeadline> {
        let on = accepted.day();
        let found = self.procedures.of(state, on);
        let known = match &found {
            Found::One(known) => Some(*known),
            _ => None,
        };
        let code = known.and_then(|known| known.code.as_deref()).or(state.procedure.as_deref());
        let own = known.and_then(|known| known.source_code.as_deref());
        let asked = rules::Asked {
            procedure: [code, own],
            field: known.and_then(|known| known.field.as_deref()),
            agency: &state.agency,
            channel: state.channel.as_deref(),
            on,
        };
        let rule = rule_for(&self.rules, &asked).ok_or(NoDeadline::NoRule { on })?;
        let limit = match (rule.limit, found) {
            (Some(limit), _) => limit,
            (None, Found::Several(limits)) => return Err(NoDeadline::SeveralLimits { limits }),
            (None, Found::Nothing) => return Err(NoDeadline::UnknownProcedure { on }),
            (None, Found::One(known)) => {
                known.limit.ok_or_else(|| NoDeadline::NoLimit { procedure: known.name.clone() })?
            }
        };
        Ok((limit, rule))
    }
}
