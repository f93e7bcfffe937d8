//! The dossiers that a batch may touch, held in memory while it runs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

use contracts::code::DossierCode;
use foldhash::fast::RandomState;

use super::changes::{Changes, DossierChange, Heard, MemberRow};
use crate::{
    registry::{
        Content, DossierState, Identity, Observation, ObservationId, PlacedCounts, Settings,
    },
    store::{
        Rules, StoreError,
        effect::{self, Before, Membership, Turned},
        short,
    },
};

/// One name with all that its source said under it.
#[derive(Debug)]
struct Member {
    row: MemberRow,
    observations: Vec<Observation>,
    changed: bool,
}

/// One dossier as it stands.
#[derive(Debug)]
struct Standing {
    state: DossierState,
    /// Its text as stored, or as it was compared with that. One that was folded here has none yet:
    /// more may come of it before it is written.
    text: Option<String>,
    /// What it counts, where it was folded here, by the settings of the last time.
    numbers: Option<Vec<PlacedCounts>>,
}

impl Standing {
    fn before(&self) -> Before<'_> {
        Before { state: &self.state, numbers: self.numbers.as_deref() }
    }

    fn into_text(self) -> String {
        self.text.unwrap_or_else(|| effect::public_text(&self.state))
    }
}

/// Names, what was said under them, and the dossiers they make.
#[derive(Debug, Default)]
pub struct Subjects {
    members: Vec<Member>,
    by_identity: HashMap<Identity, usize, RandomState>,
    by_key: HashMap<String, usize, RandomState>,
    by_dossier: HashMap<String, BTreeSet<usize>, RandomState>,
    by_code: HashMap<String, BTreeSet<usize>, RandomState>,
    dossiers: HashMap<String, Standing, RandomState>,
}

/// A national code in one spelling; `None` where it is not valid.
pub fn code_of_text(text: &str) -> Option<String> {
    DossierCode::parse(text).ok().map(|code| code.one_spelling())
}

/// The national code of an observation, in one spelling, where it carries a valid one.
pub fn code_of(content: &Content) -> Option<String> {
    let Content::Snapshot(body) = content else { return None };
    code_of_text(body.code.as_deref()?)
}

impl Subjects {
    /// A name as stored, with its observations in journal order.
    pub fn member(&mut self, row: MemberRow, observations: Vec<Observation>) {
        self.insert(Member { row, observations, changed: false });
    }

    /// A dossier's state as stored.
    ///
    /// # Errors
    /// When the text is not what the hub writes.
    pub fn dossier(&mut self, key: String, text: Vec<u8>) -> Result<(), StoreError> {
        let damaged = |error: String| StoreError::fault(format!("the dossier `{key}`: {error}"));
        let text = String::from_utf8(text).map_err(|error| damaged(error.to_string()))?;
        let state = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        self.dossiers.insert(key, Standing { state, text: Some(text), numbers: None });
        Ok(())
    }

    /// Adds what was read of other names; what was read of the same ones is the same.
    pub(super) fn absorb(&mut self, other: Self) {
        for member in other.members {
            if !self.by_identity.contains_key(&member.row.membership.identity) {
                self.insert(member);
            }
        }
        for (key, standing) in other.dossiers {
            self.dossiers.entry(key).or_insert(standing);
        }
    }

    /// Every name that was read, with its code and its dossier.
    pub(super) fn memberships(&self) -> impl Iterator<Item = &Membership> {
        self.members.iter().map(|member| &member.row.membership)
    }

    fn insert(&mut self, member: Member) -> usize {
        let at = self.members.len();
        let Membership { identity, code, dossier } = &member.row.membership;
        self.by_identity.insert(identity.clone(), at);
        self.by_key.insert(identity.key(), at);
        self.by_dossier.entry(dossier.clone()).or_default().insert(at);
        if let Some(code) = code {
            self.by_code.entry(code.clone()).or_default().insert(at);
        }
        self.members.push(member);
        at
    }

    /// The name of an observation; a new one is a dossier of its own.
    fn own(&mut self, identity: Identity, position: u64) -> usize {
        if let Some(at) = self.by_identity.get(&identity) {
            return *at;
        }
        let dossier = identity.key();
        let membership = Membership { identity, code: None, dossier };
        let row = MemberRow { member: position, membership, dossier: position };
        self.insert(Member { row, observations: Vec::new(), changed: true })
    }

    /// All names that an observation may join or part: those of the same dossier and those that
    /// carry the same code, and so on until there is none left.
    fn closure(&self, own: usize, code: Option<String>) -> BTreeSet<usize> {
        if self.members.len() == 1 {
            return BTreeSet::from([own]);
        }
        let mut open = vec![own];
        open.extend(code.iter().filter_map(|code| self.by_code.get(code)).flatten());
        self.reached(open)
    }

    /// All names that share a dossier or a code with some, and so on until there is none left.
    fn reached(&self, mut open: Vec<usize>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        while let Some(at) = open.pop() {
            if !found.insert(at) {
                continue;
            }
            let Membership { dossier, code, .. } = &self.members[at].row.membership;
            open.extend(self.by_dossier.get(dossier).into_iter().flatten());
            open.extend(code.iter().filter_map(|code| self.by_code.get(code)).flatten());
        }
        found
    }

    /// The names that belong to a dossier with a name, or with a code that it comes to bear: as
    /// texts, itself among them where it is known.
    pub(super) fn kin(&self, identity: &Identity, code: Option<&str>) -> Vec<String> {
        let mut open: Vec<usize> = self.by_identity.get(identity).copied().into_iter().collect();
        open.extend(code.and_then(|code| self.by_code.get(code)).into_iter().flatten());
        let found = self.reached(open);
        found.into_iter().map(|at| self.members[at].row.membership.identity.key()).collect()
    }

    /// Whether a name has told this already: as the last that was heard of it, or, for what is
    /// sent `again` under its id, ever. What channels in trial told is not counted.
    pub(super) fn has_told(&self, identity: &Identity, hash: &[u8; 32], again: bool) -> bool {
        let Some(at) = self.by_identity.get(identity) else { return false };
        let mut told = self.members[*at].observations.iter().rev().filter(|one| one.counted);
        if again {
            return told.any(|one| one.content_hash == *hash);
        }
        told.next().is_some_and(|one| one.content_hash == *hash)
    }

    /// Whether anything was said under a name at some positions.
    pub(super) fn has_spoken(&self, identity: &Identity, positions: Range<u64>) -> bool {
        let member = self.by_identity.get(identity).and_then(|at| self.members.get(*at));
        let mut said = member.into_iter().flat_map(|member| &member.observations);
        said.any(|one| positions.contains(&one.position))
    }

    /// Names what was told at a position under a name.
    pub(super) fn id_at(&self, identity: &Identity, position: u64) -> Option<ObservationId> {
        let member = self.members.get(*self.by_identity.get(identity)?)?;
        let told = member.observations.iter().find(|one| one.position == position)?;
        Some(told.id())
    }

    /// Folds one more observation into its dossier and the numbers.
    pub(in crate::store) fn apply(
        &mut self,
        one: Observation,
        rules: &Rules,
        changes: &mut Changes,
    ) {
        let position = one.position;
        let own = self.own(one.identity(), position);
        let code = code_of(&one.content);
        let heard =
            Heard { member: self.members[own].row.member, position, short: short::text(&one) };
        changes.observations.push(heard);
        self.members[own].observations.push(one);
        let component = self.closure(own, code);
        self.fold(&component, position, (&rules.settings, rules), changes);
    }

    /// Folds everything anew, because at a position the rules have changed; `was`: how it was
    /// counted until then.
    pub(in crate::store) fn refold(
        &mut self,
        position: u64,
        (was, rules): (&Settings, &Rules),
        changes: &mut Changes,
    ) {
        let all: BTreeSet<usize> = (0..self.members.len()).collect();
        self.fold(&all, position, (was, rules), changes);
    }

    fn fold(
        &mut self,
        component: &BTreeSet<usize>,
        position: u64,
        (was, rules): (&Settings, &Rules),
        changes: &mut Changes,
    ) {
        let mut observations: Vec<&Observation> =
            component.iter().flat_map(|at| &self.members[*at].observations).collect();
        observations.sort_by_key(|one| one.position);
        let keys: BTreeSet<&str> =
            component.iter().map(|at| self.members[*at].row.membership.dossier.as_str()).collect();
        let before: BTreeMap<String, Before<'_>> = keys
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), self.dossiers.get(key)?.before())))
            .collect();
        let effect = effect::effect(&observations, &before, was, rules);
        for (place, counts) in effect.counts {
            changes.count(position, &place, &counts);
        }
        for membership in effect.members {
            self.moved(membership);
        }
        for turned in effect.dossiers {
            self.stands(turned, position, changes);
        }
    }

    /// The number of a dossier: that of its smallest name.
    fn number(&self, key: &str) -> Option<u64> {
        self.by_key.get(key).map(|at| self.members[*at].row.member)
    }

    fn moved(&mut self, now: Membership) {
        let Some(at) = self.by_identity.get(&now.identity).copied() else { return };
        let dossier = self.number(&now.dossier);
        let member = &mut self.members[at];
        if member.row.membership == now {
            return;
        }
        member.changed = true;
        member.row.dossier = dossier.unwrap_or(member.row.dossier);
        let before = std::mem::replace(&mut member.row.membership, now.clone());
        if before.dossier != now.dossier {
            self.by_dossier.entry(before.dossier).or_default().remove(&at);
            self.by_dossier.entry(now.dossier).or_default().insert(at);
        }
        if let Some(code) = before.code {
            self.by_code.entry(code).or_default().remove(&at);
        }
        if let Some(code) = now.code {
            self.by_code.entry(code).or_default().insert(at);
        }
    }

    fn stands(
        &mut self,
        Turned { key, state, numbers }: Turned,
        position: u64,
        changes: &mut Changes,
    ) {
        let Some(dossier) = self.number(&key) else { return };
        // A dossier in trial is nobody's to see: it has no row.
        let Some(state) = state.filter(|state| state.counted) else {
            if self.dossiers.remove(&key).is_some() {
                let change = DossierChange { dossier, position, public: None };
                changes.dossiers.insert(key, change);
                changes.changed.push((position, dossier));
            }
            return;
        };
        let mut text = None;
        if let Some(standing) = self.dossiers.get_mut(&key) {
            let same = match &standing.text {
                Some(stored) => *text.insert(effect::public_text(&state)) == *stored,
                // States tell the same if and only if their texts do.
                None => standing.state == state,
            };
            if same {
                // Other settings may count the same state otherwise.
                standing.numbers = Some(numbers);
                return;
            }
        }
        changes.dossiers.insert(key.clone(), DossierChange { dossier, position, public: None });
        changes.changed.push((position, dossier));
        self.dossiers.insert(key, Standing { state, text, numbers: Some(numbers) });
    }

    /// Notes how dossiers that changed are left, and the names that are new or have moved.
    pub(in crate::store) fn close(mut self, changes: &mut Changes) {
        for (key, change) in &mut changes.dossiers {
            change.public = self.dossiers.remove(key).map(Standing::into_text);
        }
        let changed = self.members.into_iter().filter(|member| member.changed);
        changes.members = changed.map(|member| member.row).collect();
    }
}
