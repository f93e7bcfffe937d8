//! The dossiers that lie open at an agency, and how people work on them.

use std::collections::{BTreeMap, VecDeque};

use jiff::{ToSpan, civil::DateTime};
use serde::Serialize;

use super::{
    people::{Applicant, People},
    random::Random,
    script::{Procedure, Script},
};

/// Dossiers open at an agency, at most: what is simulated takes no more memory in a year than in an
/// hour.
const OPEN_MAX: usize = 40;
/// Below so many, nothing but new ones comes in.
const OPEN_MIN: usize = 6;

/// Where a dossier stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    Received,
    Processing,
    Supplement,
    Approved,
    Returned,
    Rejected,
}

/// A step that lies behind.
#[derive(Debug, Clone, Serialize)]
struct Past {
    at: DateTime,
    status: String,
    officer: String,
}

/// A dossier as its agency knows it; what templates read. Times are local.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Dossier {
    pub(super) number: u64,
    pub(super) code: String,
    /// Whether the hub has not been told of it yet.
    new: bool,
    applicant: Applicant,
    procedure: Procedure,
    accepted: DateTime,
    due: DateTime,
    step: Step,
    /// The agency's word for the step.
    status: String,
    /// Since when it stands there.
    since: DateTime,
    supplement: Option<DateTime>,
    supplemented: Option<DateTime>,
    finished: Option<DateTime>,
    returned: Option<DateTime>,
    officer: String,
    reason: Option<String>,
    history: Vec<Past>,
    picks: BTreeMap<String, String>,
}

impl Dossier {
    fn is_closed(&self, script: &Script) -> bool {
        match self.step {
            Step::Returned | Step::Rejected => true,
            Step::Approved => script.statuses.returned.is_none(),
            _ => false,
        }
    }

    /// The next step, where the agency has a word for it.
    fn step_on(&mut self, script: &Script, random: &mut Random, now: DateTime) {
        let said = &script.statuses;
        let step = match self.step {
            Step::Received | Step::Supplement => Step::Processing,
            Step::Processing => match random.below(100) {
                0..18 if said.supplement.is_some() && self.supplement.is_none() => Step::Supplement,
                18..26 if said.rejected.is_some() => Step::Rejected,
                _ => Step::Approved,
            },
            Step::Approved | Step::Returned | Step::Rejected => Step::Returned,
        };
        let reason = random.pick(&script.reasons).cloned();
        let past =
            Past { at: self.since, status: self.status.clone(), officer: self.officer.clone() };
        self.history.push(past);
        match step {
            Step::Supplement => (self.supplement, self.reason) = (Some(now), reason),
            Step::Rejected => (self.finished, self.reason) = (Some(now), reason),
            Step::Approved => (self.finished, self.reason) = (Some(now), None),
            Step::Returned => self.returned = Some(now),
            _ if self.step == Step::Supplement => self.supplemented = Some(now),
            _ => {}
        }
        (self.step, self.since) = (step, now);
        self.status = word(script, step);
    }
}

fn word(script: &Script, step: Step) -> String {
    let said = &script.statuses;
    let word = match step {
        Step::Received => said.received.as_ref(),
        Step::Processing => Some(&said.processing),
        Step::Supplement => said.supplement.as_ref(),
        Step::Approved => Some(&said.approved),
        Step::Returned => said.returned.as_ref(),
        Step::Rejected => said.rejected.as_ref(),
    };
    word.unwrap_or(&said.processing).clone()
}

/// The open dossiers of an agency.
#[derive(Debug)]
pub(super) struct Casebook {
    people: People,
    open: Vec<Dossier>,
    /// Numbers of dossiers whose last message was wrong: they are told again first.
    to_mend: VecDeque<u64>,
    next: u64,
}

impl Casebook {
    /// An empty one, whose first dossier has a number.
    ///
    /// # Errors
    /// A sentence: a fault of the program.
    pub(super) fn new(first: u64) -> Result<Self, String> {
        let (open, to_mend) = (Vec::new(), VecDeque::new());
        Ok(Self { people: People::new()?, open, to_mend, next: first })
    }

    /// What the next message speaks of: dossiers as they stand after somebody has worked on them.
    /// `code` makes a code from a number.
    ///
    /// # Errors
    /// Those of `code`.
    pub(super) fn turn<E>(
        &mut self,
        script: &Script,
        random: &mut Random,
        now: DateTime,
        code: impl Fn(u64) -> Result<String, E>,
    ) -> Result<Vec<Dossier>, E> {
        let wanted = random.below(script.dossiers_max) as usize + 1;
        let mut told: Vec<Dossier> = Vec::new();
        while let Some(number) = self.to_mend.pop_front() {
            told.extend(self.open.iter().find(|one| one.number == number).cloned());
            if told.len() as u64 >= script.dossiers_max {
                break;
            }
        }
        if !told.is_empty() {
            return Ok(told);
        }
        for _ in 0..wanted {
            let few = self.open.len() < OPEN_MIN;
            if few || self.open.len() < OPEN_MAX && random.percent(45) {
                let dossier = self.received(script, random, now, &code)?;
                self.open.push(dossier.clone());
                told.push(dossier);
            } else {
                let at = random.below(self.open.len() as u64) as usize;
                let known = |one: &&mut Dossier| told.iter().all(|told| told.number != one.number);
                if let Some(dossier) = self.open.get_mut(at).filter(known) {
                    if !dossier.is_closed(script) {
                        dossier.step_on(script, random, now);
                    }
                    told.push(dossier.clone());
                }
            }
        }
        Ok(told)
    }

    /// A message about these dossiers was right: what is closed is put away.
    pub(super) fn told(&mut self, script: &Script, dossiers: &[Dossier]) {
        let among = |one: &Dossier| dossiers.iter().any(|told| told.number == one.number);
        self.open.retain(|one| !(among(one) && one.is_closed(script)));
        self.open.iter_mut().filter(|one| among(one)).for_each(|one| one.new = false);
    }

    /// A message about these dossiers was wrong: somebody mends it.
    pub(super) fn mistold(&mut self, dossiers: &[Dossier]) {
        for told in dossiers {
            if !self.to_mend.contains(&told.number) {
                self.to_mend.push_back(told.number);
            }
        }
    }

    /// How many lie open.
    #[cfg(test)]
    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    fn received<E>(
        &mut self,
        script: &Script,
        random: &mut Random,
        now: DateTime,
        code: &impl Fn(u64) -> Result<String, E>,
    ) -> Result<Dossier, E> {
        let number = self.next;
        self.next += 1;
        let procedure = random.pick(&script.procedures).cloned().unwrap_or_else(|| Procedure {
            code: String::new(),
            name: String::new(),
            field: String::new(),
            field_code: String::new(),
            days: 1,
            fee: 0,
        });
        let accepted = accepted(random, procedure.days, now);
        let received = script.statuses.received.is_some();
        let step = if received { Step::Received } else { Step::Processing };
        let picks = script.picks.iter().map(|(name, several)| {
            (name.clone(), random.pick(several).cloned().unwrap_or_default())
        });
        let picks = picks.collect();
        Ok(Dossier {
            number,
            code: code(number)?,
            new: true,
            applicant: self.people.applicant(random, script.organizations_percent),
            due: due(accepted, procedure.days),
            procedure,
            accepted,
            step,
            status: word(script, step),
            since: accepted,
            supplement: None,
            supplemented: None,
            finished: None,
            returned: None,
            officer: random.pick(&script.officers).cloned().unwrap_or_default(),
            reason: None,
            history: Vec::new(),
            picks,
        })
    }
}

/// When a dossier was accepted: half of them a few minutes ago, the others have lain for a while,
/// some longer than they may.
fn accepted(random: &mut Random, days: u32, now: DateTime) -> DateTime {
    let (recent, minutes) = (random.percent(50), random.below(10) + 1);
    let back = random.below(u64::from(days) * 2) + 1;
    let at = random.below(9 * 60);
    if recent {
        return now.saturating_sub((minutes as i64).minutes());
    }
    let mut day = now.date().saturating_sub((back as i64).days());
    while is_weekend(day) {
        day = day.saturating_sub(1.day());
    }
    // Counters are open from half past seven to half past four.
    day.at(7, 30, 0, 0).saturating_add((at as i64).minutes())
}

/// The end of the last of some working days.
fn due(accepted: DateTime, days: u32) -> DateTime {
    let mut day = accepted.date();
    let mut left = days;
    while left > 0 {
        day = day.saturating_add(1.day());
        left -= u32::from(!is_weekend(day));
    }
    day.at(16, 30, 0, 0)
}

fn is_weekend(day: jiff::civil::Date) -> bool {
    matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday)
}
