//! Which names are one dossier: an equal, valid national code with the same procedure, or a link.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use contracts::Dossier;
use contracts::code::DossierCode;

use super::observation::{Observation, standing};
use super::state::{Doubt, Identity};

/// A decision that two names are one dossier. The caller passes those in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// One name.
    pub one: Identity,
    /// The other.
    pub other: Identity,
}

/// What observations make: which belong together, and what is doubtful about it.
#[derive(Debug, Default)]
pub struct Groups {
    /// By the key of each dossier, the smallest name that any of them bears: the places of those
    /// that stand. Superseded ones and duplicates belong to none.
    pub dossiers: BTreeMap<Identity, Vec<usize>>,
    /// Every name that stands, with the code, in one spelling, of its latest counted snapshot.
    pub codes: BTreeMap<Identity, Option<String>>,
    /// What is doubtful.
    pub doubts: Vec<Doubt>,
}

/// Groups observations by dossier. The groups depend on the set alone. Names known only to
/// channels in trial stay by themselves.
pub fn group<O: Borrow<Observation>>(observations: &[O], links: &[Link]) -> Groups {
    if let Some(name) = only_name(observations) {
        return alone(observations, name);
    }
    let mut by_name: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for at in standing(observations) {
        by_name.entry(observations[at].borrow().content.name()).or_default().push(at);
    }
    let mut by_code: BTreeMap<String, Vec<(Option<String>, Identity)>> = BTreeMap::new();
    let (mut trial, mut groups) = (BTreeSet::new(), Groups::default());
    for ((source, source_code), own) in &by_name {
        let name = Identity::new(source, source_code);
        let counted = own.iter().map(|at| observations[*at].borrow()).filter(|one| one.counted);
        let counted: Vec<_> = counted.collect();
        if counted.is_empty() {
            trial.insert(name.clone());
        }
        let latest = latest(&counted);
        let code = latest.and_then(|told| DossierCode::parse(told.code.as_deref()?).ok());
        let code = code.map(|code| code.one_spelling());
        if let (Some(latest), Some(code)) = (latest, &code) {
            let told = (latest.procedure.clone(), name.clone());
            by_code.entry(code.clone()).or_default().push(told);
        }
        groups.codes.insert(name, code);
    }
    let mut joined = Joined::default();
    for link in links {
        if !trial.contains(&link.one) && !trial.contains(&link.other) {
            joined.join(&link.one, &link.other);
        }
    }
    for (code, told) in &by_code {
        join_by_procedure(code, told, &mut joined, &mut groups.doubts);
    }
    let mut roots: BTreeMap<Identity, (Identity, Vec<usize>)> = BTreeMap::new();
    for ((source, source_code), own) in by_name {
        // Names come in order: the first of a group is its key.
        let name = Identity::new(source, source_code);
        roots.entry(joined.root(&name)).or_insert_with(|| (name, Vec::new())).1.extend(own);
    }
    groups.dossiers = roots.into_values().collect();
    groups
}

/// The name that all observations bear; most dossiers have one.
pub fn only_name<O: Borrow<Observation>>(observations: &[O]) -> Option<(&str, &str)> {
    let mut names = observations.iter().map(|one| one.borrow().content.name());
    let first = names.next()?;
    names.all(|name| name == first).then_some(first)
}

/// What observations of one name make: nothing can join it with itself or make it doubtful.
fn alone<O: Borrow<Observation>>(observations: &[O], (source, code): (&str, &str)) -> Groups {
    let own = standing(observations);
    let mut groups = Groups::default();
    if own.is_empty() {
        return groups;
    }
    let name = Identity::new(source, code);
    let kept: Vec<_> = own.iter().map(|at| observations[*at].borrow()).collect();
    groups.codes.insert(name.clone(), code_of(&kept));
    groups.dossiers.insert(name, own);
    groups
}

/// The national code, in one spelling, of the latest counted snapshot of a name, where that carries
/// a valid one; of those that stand.
pub fn code_of(kept: &[&Observation]) -> Option<String> {
    let counted: Vec<_> = kept.iter().copied().filter(|one| one.counted).collect();
    let code = DossierCode::parse(latest(&counted)?.code.as_deref()?).ok()?;
    Some(code.one_spelling())
}

fn latest<'a>(own: &[&'a Observation]) -> Option<&'a Dossier> {
    if let [one] = own {
        return one.content.snapshot();
    }
    let told = own.iter().filter_map(|one| Some((one.place()?, one.content.snapshot()?)));
    told.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, body)| body)
}

fn join_by_procedure(
    code: &str,
    told: &[(Option<String>, Identity)],
    joined: &mut Joined,
    doubts: &mut Vec<Doubt>,
) {
    let mut first: BTreeMap<&str, &Identity> = BTreeMap::new();
    for (procedure, name) in told {
        let Some(procedure) = procedure else { continue };
        let one = *first.entry(procedure).or_insert(name);
        joined.join(one, name);
    }
    let unknown = told.iter().filter(|(procedure, _)| procedure.is_none()).count();
    let Some((_, key)) = told.iter().min_by_key(|(_, name)| name) else { return };
    let names: Vec<_> = told.iter().map(|(_, name)| name.key()).collect();
    let names = names.join(", ");
    let values = || [("code", code.to_owned()), ("dossiers", names.clone())];
    if first.len() > 1 {
        let vi = format!("Mã {code} đi với các thủ tục khác nhau: {names}.");
        let en = format!("Code {code} goes with different procedures: {names}.");
        doubts.push(Doubt::new("code-procedure-differs", key, (vi, en), values()));
    }
    if unknown > 0 && told.len() > 1 {
        let vi = format!("Mã {code} trùng nhau nhưng có nguồn chưa nêu thủ tục: {names}.");
        let en = format!("Code {code} is shared, but a source names no procedure: {names}.");
        doubts.push(Doubt::new("code-procedure-unknown", key, (vi, en), values()));
    }
}

/// Union-find whose roots are the smallest members.
#[derive(Default)]
struct Joined(BTreeMap<Identity, Identity>);

impl Joined {
    fn root(&self, name: &Identity) -> Identity {
        let mut at = name;
        while let Some(up) = self.0.get(at) {
            at = up;
        }
        at.clone()
    }

    fn join(&mut self, one: &Identity, other: &Identity) {
        let (a, b) = (self.root(one), self.root(other));
        if a != b {
            let (small, large) = if a < b { (a, b) } else { (b, a) };
            self.0.insert(large, small);
        }
    }
}

/// The agency of a source or a dossier's key: what stands before its first dot or slash.
pub(super) fn agency_of(name: &str) -> &str {
    name.find(['.', '/']).and_then(|end| name.get(..end)).unwrap_or(name)
}
