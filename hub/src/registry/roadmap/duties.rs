//! What was to be done by a day: milestones, reports, and issues that agencies raised.

use std::collections::BTreeSet;

use contracts::milestone::{Milestone, MilestoneKind};
use jiff::civil::Date;
use serde::Serialize;

use super::{
    facts::Facts,
    plan::{Plan, Words},
    progress::days,
};

/// Issues listed, the latest.
const ISSUES_MAX: usize = 200;

/// How a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DutyState)]
pub enum State {
    /// Done no later than its day.
    OnTime,
    /// Done after it.
    Late,
    /// Not done, and its day is over.
    Overdue,
    /// Not done, and its day lies ahead.
    Ahead,
}

/// One duty of one agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Duty {
    /// The milestone or the obligation.
    pub id: String,
    /// What is to be done.
    pub name: Words,
    /// Whose it is.
    pub agency: String,
    /// Of a report: the period that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// The last day on time.
    #[schema(value_type = String, format = Date)]
    pub due: Date,
    /// How it stands.
    pub state: State,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub done_on: Option<Date>,
    /// Days after its day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_late: Option<i32>,
    /// Of a report: who has not got it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_recipients: Vec<String>,
}

/// An issue that an agency raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RoadmapIssue)]
pub struct Issue {
    /// Its source's identifier.
    pub id: String,
    /// Who raised it.
    pub agency: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The milestone that it stands in the way of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// Whom it was told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// When it was raised.
    #[schema(value_type = String, format = Date)]
    pub raised_on: Date,
    /// When it was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub resolved_on: Option<Date>,
    /// Days that it has been open, or was.
    pub days_open: i32,
}

fn judged(mut duty: Duty, on: Date) -> Duty {
    duty.state = match duty.done_on {
        Some(done) if done <= duty.due => State::OnTime,
        Some(_) => State::Late,
        None if on > duty.due => State::Overdue,
        None => State::Ahead,
    };
    duty.days_late = match (duty.state, duty.done_on) {
        (State::Late, Some(done)) => Some(days(duty.due, done)),
        (State::Overdue, _) => Some(days(duty.due, on)),
        _ => None,
    };
    duty
}

/// What agencies told up to a day of one kind under one id.
fn told<'a>(
    facts: &'a Facts<'_>,
    kind: MilestoneKind,
    id: &'a str,
    agency: &'a str,
    on: Date,
) -> impl Iterator<Item = &'a Milestone> {
    facts.milestones.iter().filter(move |one| {
        one.kind == kind
            && one.agency == agency
            && one.milestone.as_deref() == Some(id)
            && one.at.day() <= on
    })
}

/// The milestones of an agency, or of all.
pub(super) fn milestones(
    plan: &Plan,
    facts: &Facts<'_>,
    only: Option<&str>,
    on: Date,
) -> Vec<Duty> {
    let mut all = Vec::new();
    for due in &plan.milestone {
        let wave = plan.wave.iter().find(|wave| wave.id == due.wave);
        for agency in wave.into_iter().flat_map(|wave| &wave.agencies) {
            if only.is_some_and(|only| only != agency) {
                continue;
            }
            let done = told(facts, MilestoneKind::Reached, &due.id, agency, on);
            let done_on = done.map(|one| one.at.day()).min();
            let duty = Duty {
                id: due.id.clone(),
                name: due.name.clone(),
                agency: agency.clone(),
                period: None,
                due: due.due,
                state: State::Ahead,
                done_on,
                days_late: None,
                missing_recipients: Vec::new(),
            };
            all.push(judged(duty, on));
        }
    }
    all
}

/// The reports of an agency, or of all, whose day lies in a year.
pub(super) fn reports(
    plan: &Plan,
    facts: &Facts<'_>,
    only: Option<&str>,
    (year, on): (i16, Date),
) -> Vec<Duty> {
    let mut all = Vec::new();
    for one in &plan.obligation {
        let everyone: Vec<&str> = match one.agencies.as_slice() {
            [] => plan.agencies(),
            some => some.iter().map(String::as_str).collect(),
        };
        for due in &one.due {
            let about = year - due.years_later;
            let day = Date::new(year, due.month, due.day).ok();
            let Some(day) = day.filter(|_| (one.years.0..=one.years.1).contains(&about)) else {
                continue;
            };
            let period = match &due.half {
                Some(half) => format!("{about}-{half}"),
                None => about.to_string(),
            };
            for agency in &everyone {
                if only.is_some_and(|only| only != *agency) {
                    continue;
                }
                let mut sent: Vec<&Milestone> =
                    told(facts, MilestoneKind::Report, &one.id, agency, on)
                        .filter(|told| told.period.as_ref() == Some(&period))
                        .collect();
                sent.sort_by_key(|told| told.at);
                let mut missing: BTreeSet<&str> =
                    one.recipients.iter().map(String::as_str).collect();
                let mut done_on = None;
                for told in sent {
                    missing.retain(|who| !told.recipients.iter().any(|got| got.agency == **who));
                    if missing.is_empty() && done_on.is_none() {
                        done_on = Some(told.at.day());
                    }
                }
                let duty = Duty {
                    id: one.id.clone(),
                    name: one.name.clone(),
                    agency: (*agency).to_owned(),
                    period: Some(period.clone()),
                    due: day,
                    state: State::Ahead,
                    done_on,
                    days_late: None,
                    missing_recipients: missing.into_iter().map(ToOwned::to_owned).collect(),
                };
                all.push(judged(duty, on));
            }
        }
    }
    all
}

/// The issues of an agency, or of all, raised up to a day: how many, how many are open, and the
/// latest of them.
pub(super) fn issues(
    facts: &Facts<'_>,
    only: Option<&str>,
    on: Date,
) -> (usize, usize, Vec<Issue>) {
    let raised = facts.milestones.iter().filter(|one| {
        one.kind == MilestoneKind::Issue
            && one.at.day() <= on
            && only.is_none_or(|only| only == one.agency)
    });
    let mut all: Vec<Issue> = raised
        .map(|one| {
            let resolved_on = one.resolved_at.map(|at| at.day()).filter(|day| *day <= on);
            Issue {
                id: one.id.clone(),
                agency: one.agency.clone(),
                title: one.title.clone(),
                milestone: one.milestone.clone(),
                recipients: one.recipients.iter().map(|to| to.agency.clone()).collect(),
                raised_on: one.at.day(),
                resolved_on,
                days_open: days(one.at.day(), resolved_on.unwrap_or(on)),
            }
        })
        .collect();
    all.sort_by(|a, b| (b.raised_on, &a.agency, &a.id).cmp(&(a.raised_on, &b.agency, &b.id)));
    let open = all.iter().filter(|one| one.resolved_on.is_none()).count();
    let count = all.len();
    all.truncate(ISSUES_MAX);
    (count, open, all)
}
