//! The fold of one dossier over the set of its observations, across sources (semantics §3).

use std::borrow::{Borrow, Cow};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::observation::{Observation, standing};
use super::source::{Members, View};
use super::state::{DossierState, Doubt, Identity, MemberSources};
use super::timeline::tidy;

/// The version of how states are folded: another one where the same observations would give others,
/// so that who has followed them by the former learns of it.
pub const FOLD_VERSION: u32 = 1;

/// A part of a dossier that a source may own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Receipt and due dates: `agency`, `channel`, `applicant`, `submitted_at`, `accepted_at`,
    /// `due_at` and the promises before it.
    Receipt,
    /// The decision: `status`, `finished_at`, `result`.
    Decision,
}

/// What the reference data say of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRule {
    /// Place among sources: the smaller wins.
    pub rank: u32,
    /// What it owns.
    #[serde(default)]
    pub owns: BTreeSet<Part>,
}

/// Reference data the fold depends on, as of the position it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// By source; a source not listed owns nothing and comes last.
    pub sources: BTreeMap<String, SourceRule>,
}

impl Reference {
    fn rank(&self, source: &str) -> u32 {
        self.sources.get(source).map_or(u32::MAX, |rule| rule.rank)
    }

    fn owns(&self, source: &str, part: Option<Part>) -> bool {
        let rule = self.sources.get(source);
        part.is_some_and(|part| rule.is_some_and(|rule| rule.owns.contains(&part)))
    }
}

/// Folds the observations of one dossier, in any order and with any repetition. None where nothing
/// tells a status yet.
pub fn fold<O: Borrow<Observation>>(
    observations: &[O],
    reference: &Reference,
) -> Option<(DossierState, Vec<Doubt>)> {
    let kept: Vec<&Observation> =
        standing(observations).into_iter().map(|at| observations[at].borrow()).collect();
    fold_standing(&kept, reference)
}

/// The same of observations that all stand, such as those of one group.
pub fn fold_standing(
    kept: &[&Observation],
    reference: &Reference,
) -> Option<(DossierState, Vec<Doubt>)> {
    let counted = kept.iter().any(|one| one.counted);
    let mut told: Vec<_> = kept.iter().copied().filter(|one| one.counted == counted).collect();
    told.sort_by(|a, b| a.content.name().cmp(&b.content.name()));
    let of_one = told.chunk_by(|one, next| one.content.name() == next.content.name());
    let mut views: Vec<View<'_>> =
        of_one.map(|own| View::new(own[0].content.identity(), own)).collect();
    let identities: Vec<Identity> = views.iter().map(|view| view.identity.clone()).collect();
    let key = identities.first()?.key();
    let retracted = views.iter().all(|view| view.retracted);
    if !retracted {
        views.retain(|view| !view.retracted);
    }
    let steps = views.iter_mut().flat_map(|view| std::mem::take(&mut view.steps)).collect();
    let mut state = merge(&views, reference)?;
    state.timeline = tidy(steps);
    state.identities = identities;
    state.retracted = retracted;
    state.counted = counted;
    let told = views.iter_mut().flat_map(|view| std::mem::take(&mut view.doubts));
    let mut doubts: Vec<Doubt> = if counted { told.collect() } else { Vec::new() };
    for doubt in &mut doubts {
        doubt.key.clone_from(&key);
    }
    state.key = key;
    doubts.sort();
    doubts.dedup();
    Some((state, doubts))
}

/// Chooses each member among the sources that have one: the owner, else the latest effective
/// time, else the source rank.
struct Chooser<'a> {
    views: &'a [View<'a>],
    reference: &'a Reference,
    chosen: MemberSources,
}

impl<'a> Chooser<'a> {
    fn view<T>(
        &mut self,
        member: &'static str,
        part: Option<Part>,
        of: impl Fn(&'a Members<'a>) -> Option<T>,
    ) -> Option<(&'a View<'a>, T)> {
        let views = self.views.iter();
        let told = views.filter_map(|view| Some((view, of(&view.members)?)));
        let (view, value) = told.max_by_key(|(view, _)| {
            let source = &view.identity.source;
            let owns = self.reference.owns(source, part);
            let rank = self.reference.rank(source);
            (owns, view.since(member), Reverse(rank), Reverse(&view.identity))
        })?;
        self.chosen.insert(Cow::Borrowed(member), view.source.clone());
        Some((view, value))
    }

    fn value<T>(
        &mut self,
        member: &'static str,
        part: Option<Part>,
        of: impl Fn(&'a Members<'a>) -> Option<T>,
    ) -> Option<T> {
        self.view(member, part, of).map(|(_, value)| value)
    }
}

/// Whose promises stand where no source names a due date any more: silence moves no promise.
fn last_promises<'a>(views: &'a [View<'a>], reference: &Reference) -> Option<&'a View<'a>> {
    let told = views.iter().filter(|view| !view.promises.is_empty());
    told.min_by_key(|view| {
        let source = &view.identity.source;
        (!reference.owns(source, Some(Part::Receipt)), reference.rank(source))
    })
}

fn merge<'a>(views: &'a [View<'a>], reference: &'a Reference) -> Option<DossierState> {
    let mut from = Chooser { views, reference, chosen: MemberSources::new() };
    let text = |told: Option<&str>| told.map(str::to_owned);
    let (receipt, decision) = (Some(Part::Receipt), Some(Part::Decision));
    let (status, status_raw, status_at) = from.value("status", decision, |told| told.status)?;
    let promised = from.view("due_at", receipt, |told| told.due_at);
    let promising = promised.map(|(view, _)| view).or_else(|| last_promises(views, reference));
    let promises = promising.map(|view| view.promises.clone()).unwrap_or_default();
    let named = |told: &'a Members<'a>| Some(&told.attributes).filter(|all| !all.is_empty());
    let mut state = DossierState {
        key: String::new(),
        identities: Vec::new(),
        code: text(from.value("code", None, |told| told.code)),
        agency: from.value("agency", receipt, |told| told.agency)?.to_owned(),
        procedure: text(from.value("procedure", None, |told| told.procedure)),
        procedure_source_code: text(
            from.value("procedure_source_code", None, |told| told.procedure_source_code),
        ),
        procedure_name: text(from.value("procedure_name", None, |told| told.procedure_name)),
        field: text(from.value("field", None, |told| told.field)),
        commune: text(from.value("commune", None, |told| told.commune)),
        channel: text(from.value("channel", receipt, |told| told.channel)),
        submitted_at: from.value("submitted_at", receipt, |told| told.submitted_at),
        accepted_at: from.value("accepted_at", receipt, |told| told.accepted_at),
        due_at: promised.map(|(_, due_at)| due_at),
        first_due_at: promises.first().map(|promise| promise.due_at),
        promises,
        extensions: promising.map(|view| view.extensions.clone()).unwrap_or_default(),
        status,
        status_raw: text(status_raw),
        status_at,
        finished_at: from.value("finished_at", decision, |told| told.finished_at),
        returned_at: from.value("returned_at", None, |told| told.returned_at),
        unit: text(from.value("unit", None, |told| told.unit)),
        officer: text(from.value("officer", None, |told| told.officer)),
        note: text(from.value("note", None, |told| told.note)),
        subject: text(from.value("subject", None, |told| told.subject)),
        result: from.value("result", decision, |told| told.result).cloned(),
        fees: from.value("fees", None, |told| told.fees).unwrap_or_default().to_vec(),
        attachments: from
            .value("attachments", None, |told| told.attachments)
            .unwrap_or_default()
            .to_vec(),
        applicant: from.value("applicant", receipt, |told| told.applicant).cloned(),
        attributes: from.value("attributes", None, named).cloned().unwrap_or_default(),
        timeline: Vec::new(),
        member_sources: MemberSources::new(),
        retracted: false,
        counted: false,
    };
    state.member_sources = from.chosen;
    Some(state)
}
