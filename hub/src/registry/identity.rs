//! Which names are one dossier: an equal, valid national code with the same procedure, or a link.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use contracts::Dossier;
use contracts::code::DossierCode;

use super::observation::{Content, Observation, Version, standing};
use super::state::{Finding, Identity};

/// A decision that two names are one dossier. The caller passes those in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// One name.
    pub one: Identity,
    /// The other.
    pub other: Identity,
}

/// Groups observations by dossier: key (the smallest name that any of them bears) to the places
/// of those that stand; superseded ones and duplicates belong to none. The groups depend on the
/// set alone. Names known only to channels in trial stay by themselves.
pub fn group<O: Borrow<Observation>>(
    observations: &[O],
    links: &[Link],
) -> (BTreeMap<Identity, Vec<usize>>, Vec<Finding>) {
    let mut by_name: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
    for at in standing(observations) {
        by_name.entry(observations[at].borrow().identity()).or_default().push(at);
    }
    let mut by_code: BTreeMap<String, Vec<(Option<String>, Identity)>> = BTreeMap::new();
    let mut trial = BTreeSet::new();
    for (name, own) in &by_name {
        let counted = own.iter().map(|at| observations[*at].borrow()).filter(|one| one.counted);
        let counted: Vec<_> = counted.collect();
        if counted.is_empty() {
            trial.insert(name.clone());
        }
        let Some(latest) = latest(&counted) else { continue };
        let Some(Ok(code)) = latest.code.as_deref().map(DossierCode::parse) else { continue };
        let told = (latest.procedure.clone(), name.clone());
        by_code.entry(code.canonical().to_owned()).or_default().push(told);
    }
    let mut joined = Joined::default();
    for link in links {
        if !trial.contains(&link.one) && !trial.contains(&link.other) {
            joined.join(&link.one, &link.other);
        }
    }
    let mut findings = Vec::new();
    for (code, told) in &by_code {
        join_by_procedure(code, told, &mut joined, &mut findings);
    }
    let mut groups: BTreeMap<Identity, (Identity, Vec<usize>)> = BTreeMap::new();
    for (name, own) in by_name {
        // Names come in order: the first of a group is its key.
        let root = joined.root(&name);
        groups.entry(root).or_insert_with(|| (name, Vec::new())).1.extend(own);
    }
    (groups.into_values().collect(), findings)
}

/// The canonical code that the latest counted snapshot of each name carries.
pub fn codes<O: Borrow<Observation>>(observations: &[O]) -> BTreeMap<Identity, Option<String>> {
    let mut by_name: BTreeMap<Identity, Vec<&Observation>> = BTreeMap::new();
    for at in standing(observations) {
        let one = observations[at].borrow();
        if one.counted {
            by_name.entry(one.identity()).or_default().push(one);
        }
    }
    let code = |own: &[&Observation]| {
        let code = DossierCode::parse(latest(own)?.code.as_deref()?).ok()?;
        Some(code.canonical().to_owned())
    };
    by_name.into_iter().map(|(name, own)| (name, code(&own))).collect()
}

fn latest<'a>(own: &[&'a Observation]) -> Option<&'a Dossier> {
    let told = own.iter().filter_map(|one| match &one.content {
        Content::Snapshot(body) => {
            let version = Version::new(body.source_version.as_deref(), one.recorded_at);
            Some(((version, body.status.life_cycle_rank(), one.content_hash), &**body))
        }
        _ => None,
    });
    told.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, body)| body)
}

fn join_by_procedure(
    code: &str,
    told: &[(Option<String>, Identity)],
    joined: &mut Joined,
    findings: &mut Vec<Finding>,
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
    if first.len() > 1 {
        findings.push(Finding::new(
            "code-procedure-differs",
            key,
            format!("Mã {code} đi với các thủ tục khác nhau: {names}."),
            format!("Code {code} goes with different procedures: {names}."),
        ));
    }
    if unknown > 0 && told.len() > 1 {
        findings.push(Finding::new(
            "code-procedure-unknown",
            key,
            format!("Mã {code} trùng nhau nhưng có nguồn chưa nêu thủ tục: {names}."),
            format!("Code {code} is shared, but a source names no procedure: {names}."),
        ));
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
