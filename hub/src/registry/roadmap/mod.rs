//! The roadmap: what the plan wants, and how far each agency is. Pure.
//!
//! The plan is data (`plan.rs`); what is known beside it is gathered in `facts.rs`. From both come
//! how far each wave is (`progress.rs`), what was to be done by a day (`duties.rs`), money
//! (`money.rs`), the points of a year (`score.rs`), and where the plan's own figures do not agree
//! (`notes.rs`).

mod duties;
mod facts;
mod money;
mod notes;
pub mod plan;
mod progress;
mod score;
#[cfg(test)]
mod tests;

use jiff::{Span, civil::Date};
use serde::Serialize;

pub use duties::{Duty, Issue, State};
pub use facts::Facts;
pub use money::YearMoney;
pub use notes::{Note, dotted};
pub use plan::{Plan, Words};
pub use progress::Progress;
pub use score::{Points, Scored};

/// How one wave stands, over all its agencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WaveStanding {
    /// The wave.
    pub id: String,
    /// What it is called.
    pub name: Words,
    /// First and last day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// Its last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// The step of its level.
    pub step: u8,
    /// How many of a hundred procedures are to reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
    /// Procedures of its agencies.
    pub procedures: u32,
    /// Of these, those that have reached its level.
    pub reached: u32,
    /// Its agencies, and those that have all that is asked.
    pub agencies: u32,
    /// Agencies that have all that is asked.
    pub complete: u32,
    /// The plan's own words.
    pub quote: String,
}

/// How one agency stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AgencyStanding {
    /// Its hub id.
    pub agency: String,
    /// Its Vietnamese name.
    pub name: String,
    /// Its English name.
    pub name_en: String,
    /// The day of these figures: an agency that has ended is shown as of its last.
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// Its waves.
    pub waves: Vec<Progress>,
    /// Active officers of its one-stop section; absent where it has not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_stop_officers: Option<u32>,
    /// Procedures whose parts and legal basis were not reviewed for too long.
    pub not_reviewed: u32,
    /// Procedures of which nobody told when they were reviewed, or when they came into force.
    pub review_unknown: u32,
    /// Its points of the year.
    pub score: Scored,
}

/// The whole roadmap on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Roadmap {
    /// The plan.
    pub plan: Words,
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub as_of_date: Date,
    /// Waves.
    pub waves: Vec<WaveStanding>,
    /// Agencies, those with most points first.
    pub agencies: Vec<AgencyStanding>,
    /// Milestones.
    pub milestones: Vec<Duty>,
    /// Reports due in the year of the day.
    pub reports: Vec<Duty>,
    /// Issues raised.
    pub issues: usize,
    /// Of these, those still open.
    pub issues_open: usize,
    /// The latest issues.
    pub latest_issues: Vec<Issue>,
    /// Money by year.
    pub money: Vec<YearMoney>,
    /// Where the plan's figures agree and where not.
    pub notes: Vec<Note>,
}

/// How the roadmap stands on a day, of one agency or of all. Points and places are always those
/// among all.
pub fn roadmap(plan: &Plan, facts: &Facts<'_>, only: Option<&str>, on: Date) -> Roadmap {
    let reports = duties::reports(plan, facts, None, (on.year(), on));
    let mut agencies: Vec<AgencyStanding> =
        plan.agencies().into_iter().map(|id| standing(plan, facts, &reports, (id, on))).collect();
    let waves = plan.wave.iter().map(|wave| whole(wave, &agencies)).collect();
    let mut scores: Vec<&mut Scored> = agencies.iter_mut().map(|one| &mut one.score).collect();
    score::rank(&mut scores);
    agencies.sort_by(|a, b| (a.score.rank, &a.agency).cmp(&(b.score.rank, &b.agency)));
    agencies.retain(|one| only.is_none_or(|only| only == one.agency));
    let (issues, issues_open, latest_issues) = duties::issues(facts, only, on);
    let own = |duty: &Duty| only.is_none_or(|only| only == duty.agency);
    Roadmap {
        plan: plan.name.clone(),
        as_of_date: on,
        waves,
        agencies,
        milestones: duties::milestones(plan, facts, only, on),
        reports: reports.into_iter().filter(own).collect(),
        issues,
        issues_open,
        latest_issues,
        money: money::money(plan, facts, only, on),
        notes: notes::notes(plan, facts),
    }
}

fn standing(
    plan: &Plan,
    facts: &Facts<'_>,
    reports: &[Duty],
    (id, today): (&str, Date),
) -> AgencyStanding {
    let (name, name_en, last) = facts.named(id, today);
    let on = last.map_or(today, |last| last.min(today));
    let own = plan.wave.iter().filter(|wave| wave.agencies.iter().any(|agency| agency == id));
    let waves: Vec<Progress> = own.map(|wave| progress::progress(facts, wave, id, on)).collect();
    let since = on.checked_sub(Span::new().months(plan.review_months)).unwrap_or(Date::MIN);
    let procedures = facts.procedures(id, on);
    let reviewed = |one: &&&facts::Known| one.reviewed.is_some_and(|day| day < since);
    let (not_reviewed, unknown) = (
        procedures.iter().filter(reviewed).count(),
        procedures.iter().filter(|one| one.reviewed.is_none()).count(),
    );
    let officers = facts.officers(id, on);
    let due: Vec<&Duty> = reports.iter().filter(|duty| duty.agency == id).collect();
    let judged: Vec<&Progress> = waves.iter().collect();
    let score = score::scored(plan, &judged, &due, officers);
    let counted = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    AgencyStanding {
        agency: id.to_owned(),
        name,
        name_en,
        on,
        waves,
        one_stop_officers: officers.map(counted),
        not_reviewed: counted(not_reviewed),
        review_unknown: counted(unknown),
        score,
    }
}

fn whole(wave: &plan::Wave, agencies: &[AgencyStanding]) -> WaveStanding {
    let own: Vec<&Progress> =
        agencies.iter().flat_map(|one| &one.waves).filter(|one| one.wave == wave.id).collect();
    let complete = |one: &&&Progress| {
        wave.percent.is_some_and(|percent| {
            let wanted = u64::from(one.procedures) * u64::from(percent);
            one.procedures > 0 && u64::from(one.reached) * 100 >= wanted
        })
    };
    let counted = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    WaveStanding {
        id: wave.id.clone(),
        name: wave.name.clone(),
        from: wave.from,
        to: wave.to,
        step: wave.step,
        percent: wave.percent,
        procedures: own.iter().map(|one| one.procedures).sum(),
        reached: own.iter().map(|one| one.reached).sum(),
        agencies: counted(own.len()),
        complete: counted(own.iter().filter(complete).count()),
        quote: wave.quote.clone(),
    }
}
