//! What is asked of the dossiers that some observations make.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{Dossier, Moment, Progress, Status};

use super::{
    model::RuleName,
    moves,
    question::{Question, Subject},
    rulebook::Rulebook,
    times, words,
};
use crate::{
    journal::entry::Mode,
    registry::{
        Content, DossierState, Doubt, Groups, Observation, Reference, Settings, calendar::At,
        deadline::Due, fold_standing, group, identity::agency_of, state::TimelineStep,
        timeline::status_date,
    },
};

/// An observation, and the mode of the channel it came by.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The observation.
    pub observation: Observation,
    /// The mode.
    pub mode: Mode,
}

/// What is asked of some observations, and the dossiers they make.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is asked, by what it is about.
    pub asked: BTreeMap<Subject, Question>,
    /// The states of the dossiers that count.
    pub states: BTreeMap<String, DossierState>,
}

/// One dossier with all that was said of it.
pub(super) struct Case<'a> {
    pub(super) state: &'a DossierState,
    pub(super) heard: Vec<&'a Heard>,
}

impl<'a> Case<'a> {
    pub(super) fn key(&self) -> &'a str {
        &self.state.key
    }

    /// The agency that answers for what a source told: the source's own.
    pub(super) fn agency<'s>(&self, source: &'s str) -> &'s str {
        agency_of(source)
    }

    /// The source that decided a member.
    pub(super) fn source_of(&self, member: &str) -> &'a str {
        self.state.member_sources.get(member).map_or(&self.state.key, |source| source)
    }

    /// The first entry for which something holds.
    fn first(&self, holds: impl Fn(&Told<'_>) -> bool) -> Option<u64> {
        let told = self.heard.iter().filter(|one| Told::of(one).is_some_and(|told| holds(&told)));
        told.map(|one| one.observation.position).min()
    }

    /// The first entry in which a step of the timeline was told.
    pub(super) fn telling(&self, step: &TimelineStep) -> Option<u64> {
        self.first(|told| told.source() == step.source && told.steps(step.status, step.at))
    }

    /// The first entry in which a source told a status in these words.
    pub(super) fn saying(&self, source: &str, status: Status, text: &str) -> Option<u64> {
        self.first(|told| told.source() == source && told.says(status, text))
    }

    /// The first entry in which a member was told to be of a date.
    pub(super) fn dating<'s>(
        &'s self,
        member: &'s str,
        at: Moment,
    ) -> impl Iterator<Item = u64> + use<'s> {
        self.first(|told| told.date(member) == Some(at)).into_iter()
    }

    /// The first entry in which a due date was told.
    fn promising(&self, at: Moment) -> Option<u64> {
        self.first(|told| told.due_at() == Some(at))
    }
}

/// What an observation tells, a snapshot or an event.
enum Told<'a> {
    Snapshot(&'a Dossier),
    Event(&'a Progress),
}

impl<'a> Told<'a> {
    fn of(heard: &'a Heard) -> Option<Self> {
        match &heard.observation.content {
            Content::Event(event) => Some(Self::Event(event)),
            content => content.snapshot().map(Self::Snapshot),
        }
    }

    fn source(&self) -> &str {
        match self {
            Self::Snapshot(body) => &body.source,
            Self::Event(event) => &event.source,
        }
    }

    fn due_at(&self) -> Option<Moment> {
        match self {
            Self::Snapshot(body) => body.due_at,
            Self::Event(event) => event.due_at,
        }
    }

    fn date(&self, member: &str) -> Option<Moment> {
        match (self, member) {
            (Self::Snapshot(body), "submitted_at") => body.submitted_at,
            (Self::Snapshot(body), "accepted_at") => body.accepted_at,
            (Self::Snapshot(body), "finished_at") => body.finished_at,
            (Self::Snapshot(body), "returned_at") => body.returned_at,
            (Self::Event(event), "finished_at") => event.finished_at,
            (Self::Event(event), "returned_at") => event.returned_at,
            _ => None,
        }
    }

    fn steps(&self, status: Status, at: Moment) -> bool {
        match self {
            Self::Event(event) => event.status == Some(status) && event.at == at,
            Self::Snapshot(body) => {
                let own = match status {
                    Status::SUBMITTED => body.submitted_at,
                    Status::ACCEPTED => body.accepted_at,
                    Status::DONE => body.finished_at,
                    _ => None,
                };
                let dated =
                    body.status == status && status_date(body).is_none_or(|told| told == at);
                let past = || body.history.iter().any(|one| one.status == status && one.at == at);
                let asked = || {
                    let mut all = body.supplements.iter();
                    all.any(|one| one.requested_at == at || one.received_at == Some(at))
                };
                own == Some(at) || dated || past() || asked()
            }
        }
    }

    fn says(&self, status: Status, text: &str) -> bool {
        match self {
            Self::Event(event) => {
                event.status == Some(status) && event.status_raw.as_deref() == Some(text)
            }
            Self::Snapshot(body) => {
                let mut past = body.history.iter();
                (body.status == status && body.status_raw == text)
                    || past
                        .any(|one| one.status == status && one.status_raw.as_deref() == Some(text))
            }
        }
    }
}

/// Folds observations that may belong together, and asks what there is to ask of their dossiers.
/// What only channels in trial know is asked about nothing.
pub fn judge(
    heard: &[&Heard],
    (reference, settings): (&Reference, &Settings),
    book: Option<&Rulebook>,
) -> Judged {
    let observations: Vec<&Observation> = heard.iter().map(|one| &one.observation).collect();
    let Groups { dossiers, doubts, .. } = group(&observations, &[]);
    let mut judged = Judged::default();
    let mut asked = Vec::new();
    let mut key_of: BTreeMap<String, String> = BTreeMap::new();
    for places in dossiers.values() {
        let own: Vec<&Heard> = places.iter().filter_map(|at| heard.get(*at).copied()).collect();
        let told: Vec<&Observation> = own.iter().map(|one| &one.observation).collect();
        let Some((state, found)) = fold_standing(&told, reference) else { continue };
        if !state.counted || state.retracted {
            continue;
        }
        let heard = own.into_iter().filter(|one| one.observation.counted).collect();
        let case = Case { state: &state, heard };
        if let Some(book) = book {
            times::ask_of_clock(&case, &mut asked);
            times::ask_of_order(&case, &mut asked);
            times::ask_of_receipt(&case, book, &mut asked);
            moves::ask(&case, book, &mut asked);
            words::ask(&case, book, &mut asked);
            ask_of_deadline(&case, settings, book, &mut asked);
            asked.extend(found.iter().filter_map(|doubt| of_doubt(&case, doubt)));
        }
        for name in &state.identities {
            key_of.insert(name.key(), state.key.clone());
        }
        judged.states.insert(state.key.clone(), state);
    }
    if let Some(book) = book {
        asked.extend(doubts.iter().filter_map(|doubt| of_code(doubt, &key_of)));
        asked.retain(|one| book.rule(one.subject.rule, one.day).is_some());
    }
    judged.asked = asked.into_iter().map(|one| (one.subject.clone(), one)).collect();
    judged
}

/// The rule that a fold's doubt is asked by.
fn rule_of(doubt: &Doubt) -> Option<RuleName> {
    RuleName::ALL.iter().copied().find(|rule| rule.name() == doubt.code)
}

fn of_doubt(case: &Case<'_>, doubt: &Doubt) -> Option<Question> {
    let rule = rule_of(doubt)?;
    let source = doubt.source.as_deref().unwrap_or(case.key());
    let of: Vec<&str> = doubt.values.values().map(String::as_str).collect();
    let of = format!("{source}:{}", of.join("-"));
    let mut question = Question::new(rule, case.agency(source), Some(case.key()), of);
    question.values.clone_from(&doubt.values);
    let dates: BTreeSet<Moment> =
        doubt.values.values().filter_map(|value| value.parse().ok()).collect();
    if rule == RuleName::DueDateMoved {
        let told = dates.iter().filter_map(|at| case.promising(*at));
        question = question.told_by(source, told.collect::<Vec<_>>());
        let to = doubt.values.get("to").and_then(|to| to.parse::<Moment>().ok());
        question.day = to.map(Moment::day);
        return Some(question);
    }
    let all = case.heard.iter().filter(|one| one.observation.source() == source);
    let of_version = all.filter(|one| {
        let body = one.observation.content.snapshot();
        body.and_then(|body| body.source_version.as_deref())
            == doubt.values.get("version").map(String::as_str)
    });
    let positions: Vec<u64> = of_version.map(|one| one.observation.position).collect();
    Some(question.told_by(source, positions))
}

/// What is doubtful about a code concerns several dossiers: it is asked under the first of them
/// that counts.
fn of_code(doubt: &Doubt, key_of: &BTreeMap<String, String>) -> Option<Question> {
    let rule = rule_of(doubt)?;
    let names: Vec<&str> = doubt.values.get("dossiers")?.split(", ").collect();
    let key = names.iter().find_map(|name| key_of.get(*name))?;
    let code = doubt.values.get("code").cloned().unwrap_or_default();
    let mut question = Question::new(rule, agency_of(key), Some(key), code);
    question.values.clone_from(&doubt.values);
    question.sources.extend(
        names.iter().filter_map(|name| name.split_once('/').map(|(source, _)| source.to_owned())),
    );
    Some(question)
}

/// The hub's own deadline against the promise in force.
fn ask_of_deadline(
    case: &Case<'_>,
    settings: &Settings,
    book: &Rulebook,
    asked: &mut Vec<Question>,
) {
    let state = case.state;
    let Some(promised) = state.promises.last().map(|promise| promise.due_at) else { return };
    let day = state.accepted_at.map(Moment::day);
    let Some(rule) = book.rule(RuleName::DeadlineDiffers, day) else { return };
    let Ok(reckoning) = book.deadlines.reckon(state, settings) else { return };
    let Due::At(reckoned) = reckoning.due else { return };
    let days = At::of(promised).day.saturating_sub(At::of(reckoned).day);
    if days.unsigned_abs() < rule.days.max(1) {
        return;
    }
    let source = case.source_of("due_at");
    let name = RuleName::DeadlineDiffers;
    let mut question = Question::new(name, case.agency(source), Some(case.key()), String::new())
        .with("promised", promised)
        .with("reckoned", reckoned)
        .with("days", days)
        .told_by(source, case.promising(promised));
    question.day = day;
    asked.push(question);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{super::model::FindingRule, *};
    use crate::registry::{
        Catalogue,
        calendar::tests::DONG_NAI,
        deadline::Deadlines,
        finding::{
            JudgedBy,
            tests::{heard, rule, told},
        },
        rules::reference,
    };

    /// What is asked of a dossier accepted on 1 June 2026, of a procedure of fifteen days,
    /// by a rule of so many days.
    fn days_apart(days: u32, promised: &str) -> Option<String> {
        let asks = FindingRule { days, ..rule(RuleName::DeadlineDiffers) };
        let catalogue = Catalogue { findings: vec![asks], ..DONG_NAI.clone() };
        let edition = JudgedBy { catalogue: "0".repeat(64), position: 0 };
        let book = Rulebook::new(&catalogue, Arc::new(Deadlines::new(&catalogue)), edition);
        let one: Value = json!({ "agency": "ubnd-cap-xa", "procedure": "1.012903",
            "accepted_at": "2026-06-01T02:00:00Z", "due_at": promised });
        let heard = heard([told(one)]);
        let heard: Vec<&Heard> = heard.iter().collect();
        let judged = judge(&heard, (&reference(), &Settings::default()), Some(&book));
        judged.asked.into_values().next().map(|one| one.values["days"].clone())
    }

    #[test]
    fn a_promise_so_many_days_from_the_hubs_own_date_is_asked_about_on_either_side() {
        // The hub's date is 16 June.
        assert_eq!(days_apart(2, "2026-06-18").as_deref(), Some("2"));
        assert_eq!(days_apart(2, "2026-06-14").as_deref(), Some("-2"));
        assert_eq!(days_apart(2, "2026-06-17"), None);
        assert_eq!(days_apart(2, "2026-06-15"), None);
        assert_eq!(days_apart(0, "2026-06-16"), None, "the same day is never another");
    }
}
