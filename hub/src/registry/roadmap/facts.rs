//! What is known beside the plan: the catalogue, and what agencies tell of themselves.

use std::collections::{BTreeMap, HashMap};

use contracts::{
    Moment,
    agency::{Agency, Role},
    budget::Budget,
    milestone::Milestone,
    procedure::Procedure,
};
use jiff::civil::Date;

use super::plan::Plan;
use crate::registry::{Catalogue, catalogue::Dated};

/// One procedure as one agency has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its code, or else its name.
    pub name: String,
    /// Whether it has no end, or when.
    pub last: Option<Date>,
    /// When it came into force.
    pub first: Option<Date>,
    /// Steps that its online levels stand for, each with its days.
    pub steps: Vec<(u8, Option<Date>, Option<Date>)>,
    /// When its parts and legal basis were last reviewed.
    pub reviewed: Option<Date>,
}

impl Known {
    fn new(plan: &Plan, one: &Procedure) -> Self {
        let day = |at: Option<Moment>| at.map(Moment::day);
        let step = |level: &contracts::procedure::OnlineLevel| {
            (plan.step(level), day(level.valid_from), day(level.valid_to))
        };
        Self {
            name: name_of(one),
            first: one.first(),
            last: one.last(),
            steps: one.online_levels.iter().map(step).collect(),
            reviewed: day(one.reviewed_at).or(one.first()),
        }
    }

    /// Whether it is in force on a day.
    pub fn stands(&self, on: Date) -> bool {
        self.first.is_none_or(|first| first <= on) && self.last.is_none_or(|last| on <= last)
    }

    /// The step that it has on a day.
    pub fn step(&self, on: Date) -> u8 {
        let in_force = self.steps.iter().filter(|(_, first, last)| {
            first.is_none_or(|first| first <= on) && last.is_none_or(|last| on <= last)
        });
        in_force.map(|(step, ..)| *step).max().unwrap_or(0)
    }

    /// The first day on which it has at least a step, of those up to a day.
    pub fn reached(&self, step: u8, on: Date) -> Option<Date> {
        let told = self.steps.iter().filter(|(has, ..)| *has >= step);
        told.filter_map(|(_, first, _)| *first).filter(|first| *first <= on).min()
    }
}

/// What names a procedure at an agency: its national code, its own, or its name.
fn name_of(one: &Procedure) -> String {
    let code = one.code.as_ref().or(one.source_code.as_ref());
    code.cloned().unwrap_or_else(|| mappings::text::normalise::toned_key(&one.name))
}

/// What one agency tells of itself.
#[derive(Debug, Clone, Default)]
struct Told {
    procedures: Vec<Known>,
    officers: Option<Vec<(Option<Date>, Option<Date>)>>,
}

/// All that is known.
#[derive(Debug)]
pub struct Facts<'a> {
    plan: &'a Plan,
    catalogue: &'a Catalogue,
    published: HashMap<&'a str, Vec<Known>>,
    told: BTreeMap<String, Told>,
    /// Milestones, reports and issues.
    pub milestones: Vec<Milestone>,
    /// Money.
    pub budgets: Vec<Budget>,
}

impl<'a> Facts<'a> {
    /// Of a catalogue; nothing is told yet.
    pub fn new(plan: &'a Plan, catalogue: &'a Catalogue) -> Self {
        let mut published: HashMap<&str, Vec<Known>> = HashMap::new();
        for one in &catalogue.procedures {
            published.entry(&one.agency).or_default().push(Known::new(plan, one));
        }
        Self {
            plan,
            catalogue,
            published,
            told: BTreeMap::new(),
            milestones: Vec::new(),
            budgets: Vec::new(),
        }
    }

    /// Takes a procedure that an agency tells of.
    pub fn procedure(&mut self, one: &Procedure) {
        let told = self.told.entry(one.agency.clone()).or_default();
        told.procedures.push(Known::new(self.plan, one));
    }

    /// Takes what an agency tells of itself.
    pub fn agency(&mut self, one: &Agency) {
        let days = |at: Option<Moment>| at.map(Moment::day);
        let one_stop = one.officers.iter().filter(|officer| officer.role == Role::OneStop);
        let officers = one_stop.map(|one| (days(one.valid_from), days(one.valid_to))).collect();
        self.told.entry(one.id.clone()).or_default().officers = Some(officers);
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        self.catalogue
    }

    /// The names of an agency, and the last day on which it stands; of its latest version up to a
    /// day, or the first.
    pub fn named(&self, id: &str, on: Date) -> (String, String, Option<Date>) {
        let versions: Vec<&Agency> =
            self.catalogue.agencies.iter().filter(|one| one.id == id).collect();
        let begun = |one: &&&Agency| one.first().is_none_or(|first| first <= on);
        let one = versions.iter().filter(begun).max_by_key(|one| one.first());
        match one.or(versions.first()) {
            Some(one) => (one.name_vi.clone(), one.name_en.clone(), one.last()),
            None => (id.to_owned(), id.to_owned(), None),
        }
    }

    /// The procedures that an agency has on a day. What it tells itself stands before what the
    /// catalogue publishes of it, and that before what is published of all of its kind.
    pub fn procedures(&self, id: &str, on: Date) -> Vec<&Known> {
        let kind = self.catalogue.agencies.iter().find(|one| one.id == id);
        let class = self.plan.class.iter().find(|class| {
            kind.is_some_and(|agency| agency.kind == class.kind) && class.agency != id
        });
        let shared = class.and_then(|class| self.published.get(class.agency.as_str()));
        let own = self.told.get(id).map(|told| &told.procedures);
        let layers = [shared, self.published.get(id), own];
        let mut found: BTreeMap<&str, &Known> = BTreeMap::new();
        for one in layers.into_iter().flatten().flatten().filter(|one| one.stands(on)) {
            found.insert(&one.name, one);
        }
        found.into_values().collect()
    }

    /// How many officers of the one-stop section are active on a day; `None` where the agency has
    /// not told.
    pub fn officers(&self, id: &str, on: Date) -> Option<usize> {
        let officers = self.told.get(id)?.officers.as_ref()?;
        let active = officers.iter().filter(|(first, last)| {
            first.is_none_or(|first| first <= on) && last.is_none_or(|last| on <= last)
        });
        Some(active.count())
    }
}
