//! Units in time: which unit a code meant on a day, and what has become of a unit since.
//!
//! A code is no identity by itself: codes of communes were given to others in 2019, in 2024 and in
//! 2025. So what is counted by commune is counted under a version of it, named by the code and the
//! first day on which the code meant that version; and a question about the units of a later day
//! follows the successions from each version to what stands then.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contracts::agency::Agency;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Dated, Relation, Scope, Succession, Unit};

/// Stands between a code and the day since which it means what it does.
const SINCE: char = '@';

/// From which days on a code means another unit than before: of those codes alone that were given
/// again. Part of what folds depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnitVersions(BTreeMap<String, Vec<Date>>);

impl UnitVersions {
    /// No code was ever given again.
    pub const NONE: Self = Self(BTreeMap::new());

    /// Of the units of a catalogue.
    pub fn of(units: &[Unit]) -> Self {
        let mut all: BTreeMap<&str, BTreeSet<Option<Date>>> = BTreeMap::new();
        for unit in units {
            all.entry(&unit.code).or_default().insert(unit.valid_from);
        }
        // The oldest version goes by the code alone.
        let later = |days: BTreeSet<Option<Date>>| days.into_iter().skip(1).flatten().collect();
        let all = all.into_iter().map(|(code, days)| (code.to_owned(), later(days)));
        Self(all.filter(|(_, days): &(String, Vec<Date>)| !days.is_empty()).collect())
    }

    /// Whether no code was ever given again.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the version that a code meant on a day: the code, and since when it means that
    /// where it meant another before. Without a day, the oldest.
    pub fn name(&self, code: &str, day: Option<Date>) -> String {
        let days = self.0.get(code).map_or(&[][..], Vec::as_slice);
        let since = days.iter().rev().find(|since| day.is_some_and(|day| **since <= day));
        since.map_or_else(|| code.to_owned(), |since| format!("{code}{SINCE}{since}"))
    }
}

/// What counts under a unit or an agency, on a later day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It counts under this one, by its place in the list.
    Under(usize),
    /// What it became cannot be told from the list: it was divided without shares, it ended without
    /// a successor, or the list does not go on (chưa phân bổ).
    Unallocated,
}

/// The versions of units, or of agencies, with what became of each. Names are looked up for every
/// row of an answer, so versions and steps are found by their codes.
#[derive(Debug)]
pub struct Lineage<T> {
    versions: Vec<T>,
    /// Where the versions of a code lie, in the order of the list.
    codes: HashMap<String, Vec<usize>>,
    steps: HashMap<String, Vec<Succession>>,
}

impl<T: Dated> Lineage<T> {
    /// Of versions and the steps that speak of them.
    pub fn new(versions: Vec<T>, steps: &[Succession], scope: Scope) -> Self {
        let mut codes: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, one) in versions.iter().enumerate() {
            codes.entry(one.code().to_owned()).or_default().push(at);
        }
        let mut by_code: HashMap<String, Vec<Succession>> = HashMap::new();
        for step in steps.iter().filter(|step| step.scope == scope) {
            by_code.entry(step.from.clone()).or_default().push(step.clone());
        }
        Self { versions, codes, steps: by_code }
    }

    /// The versions of a code, each with where it lies.
    fn of(&self, code: &str) -> impl Iterator<Item = (usize, &T)> {
        let places = self.codes.get(code).into_iter().flatten();
        places.filter_map(|at| Some((*at, self.versions.get(*at)?)))
    }

    fn standing(&self, code: &str, day: Date) -> Option<usize> {
        self.of(code).find(|(_, one)| one.stands(day)).map(|(at, _)| at)
    }

    /// The version of a name: of `code@day` the one in force on that day, of a code alone the
    /// oldest.
    pub fn named(&self, name: &str) -> Option<usize> {
        if let Some((code, since)) = name.split_once(SINCE) {
            return self.standing(code, since.parse().ok()?);
        }
        self.of(name).min_by_key(|(_, one)| one.first()).map(|(at, _)| at)
    }

    /// What counts under a version, on a day no earlier than its first.
    pub fn on(&self, version: usize, day: Date) -> Standing {
        let mut at = version;
        // Every step leads to a later day, so there are no more than versions.
        for _ in 0..=self.versions.len() {
            let Some(one) = self.versions.get(at) else { return Standing::Unallocated };
            let Some(last) = one.last().filter(|last| *last < day) else {
                return Standing::Under(at);
            };
            let Ok(next) = last.tomorrow() else { return Standing::Unallocated };
            match self.next(one.code(), next) {
                Some(successor) if successor != at => at = successor,
                _ => return Standing::Unallocated,
            }
        }
        Standing::Unallocated
    }

    /// The one version that goes on from a code at a day; `None` where there is none, or several.
    fn next(&self, code: &str, day: Date) -> Option<usize> {
        let own = self.steps.get(code).into_iter().flatten().filter(|step| step.date == day);
        // Of a part that went over nobody knows the share: the unit itself goes on.
        let own = own.filter(|step| step.relation != Relation::Part);
        let mut codes: BTreeSet<Option<&str>> = own.map(|step| step.to.as_deref()).collect();
        if codes.is_empty() {
            // The list tells of a new version under the same code, and of no step.
            codes.insert(Some(code));
        }
        match codes.pop_first() {
            Some(Some(only)) if codes.is_empty() => self.standing(only, day),
            _ => None,
        }
    }
}

/// What counts nowhere on a day: see [`Standing::Unallocated`].
pub const UNALLOCATED: &str = "unallocated";

/// Agencies and units of one edition of the catalogue, as numbers name them.
#[derive(Debug)]
pub struct Units {
    agencies: Lineage<Agency>,
    units: Lineage<Unit>,
    versions: UnitVersions,
}

impl Units {
    /// Those of a catalogue.
    pub fn new(catalogue: &Catalogue) -> Self {
        let Catalogue { agencies, units, successions, .. } = catalogue;
        Self {
            versions: UnitVersions::of(units),
            agencies: Lineage::new(agencies.clone(), successions, Scope::Agency),
            units: Lineage::new(units.clone(), successions, Scope::Unit),
        }
    }

    /// Which codes were given again, and when.
    pub fn versions(&self) -> &UnitVersions {
        &self.versions
    }

    /// The unit of a name that something counts under.
    pub fn unit(&self, name: &str) -> Option<&Unit> {
        self.units.named(name).and_then(|at| self.units.versions.get(at))
    }

    /// What a unit of a name counts under on a day: the name of that day, or [`UNALLOCATED`]. A
    /// name that the list does not know stays.
    pub fn unit_on(&self, name: &str, day: Date) -> String {
        let called = |unit: &Unit| self.versions.name(&unit.code, unit.valid_from);
        on(&self.units, name, day, called)
    }

    /// The same of an agency.
    pub fn agency_on(&self, name: &str, day: Date) -> String {
        on(&self.agencies, name, day, |agency| agency.id.clone())
    }
}

fn on<T: Dated>(
    lineage: &Lineage<T>,
    name: &str,
    day: Date,
    called: impl Fn(&T) -> String,
) -> String {
    match lineage.named(name).map(|at| lineage.on(at, day)) {
        None => name.to_owned(),
        Some(Standing::Unallocated) => UNALLOCATED.to_owned(),
        Some(Standing::Under(at)) => lineage.versions.get(at).map_or_else(String::new, called),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn unit(code: &str, name: &str, from: Option<&str>, to: Option<&str>) -> Unit {
        Unit {
            code: code.to_owned(),
            name: name.to_owned(),
            kind: "phường".to_owned(),
            level: "commune".to_owned(),
            parent: None,
            valid_from: from.map(day),
            valid_to: to.map(day),
            agency: None,
        }
    }

    fn step(date: &str, relation: Relation, from: &str, to: Option<&str>) -> Succession {
        Succession {
            date: day(date),
            scope: Scope::Unit,
            relation,
            from: from.to_owned(),
            to: to.map(ToOwned::to_owned),
            legal_basis: None,
        }
    }

    /// 26041 and its neighbours, from 2013 to 2025.
    fn units() -> (Vec<Unit>, Vec<Succession>) {
        let units = vec![
            unit("26041", "Quyết Thắng", None, Some("2024-10-31")),
            unit("26041", "Trung Dũng", Some("2024-11-01"), Some("2025-06-30")),
            unit("26041", "Trấn Biên", Some("2025-07-01"), None),
            unit("25996", "Hố Nai", None, Some("2025-06-30")),
            unit("26449", "Xuân Tâm", None, Some("2025-06-30")),
            unit("26359", "Xuân Đông", Some("2025-07-01"), None),
            unit("26446", "Xuân Hòa", Some("2025-07-01"), None),
            unit("99999", "Không còn", None, Some("2025-06-30")),
        ];
        let steps = vec![
            step("2024-11-01", Relation::Merge, "26041", Some("26041")),
            step("2024-11-01", Relation::Part, "25996", Some("26041")),
            step("2025-07-01", Relation::Merge, "26041", Some("26041")),
            step("2025-07-01", Relation::Merge, "25996", Some("26041")),
            step("2025-07-01", Relation::Split, "26449", Some("26359")),
            step("2025-07-01", Relation::Split, "26449", Some("26446")),
            step("2025-07-01", Relation::Abolish, "99999", None),
        ];
        (units, steps)
    }

    #[test]
    fn a_code_means_the_unit_of_its_day() {
        let versions = UnitVersions::of(&units().0);
        let name = |on: &str| versions.name("26041", Some(day(on)));
        assert_eq!(name("2013-09-02"), "26041");
        assert_eq!(name("2024-10-31"), "26041");
        assert_eq!(name("2024-11-01"), "26041@2024-11-01");
        assert_eq!(name("2026-01-05"), "26041@2025-07-01");
        assert_eq!(versions.name("26041", None), "26041");
        assert_eq!(versions.name("26359", Some(day("2026-01-05"))), "26359");
    }

    #[test]
    fn each_version_is_followed_to_what_stands_on_a_day() {
        let (units, steps) = units();
        let lineage = Lineage::new(units.clone(), &steps, Scope::Unit);
        let follow = |name: &str, on: &str| match lineage.on(lineage.named(name).unwrap(), day(on))
        {
            Standing::Under(at) => units[at].name.as_str(),
            Standing::Unallocated => "chưa phân bổ",
        };
        assert_eq!(follow("26041", "2024-10-31"), "Quyết Thắng");
        assert_eq!(follow("26041", "2024-12-31"), "Trung Dũng");
        assert_eq!(follow("26041", "2026-01-05"), "Trấn Biên");
        assert_eq!(follow("26041@2025-07-01", "2026-01-05"), "Trấn Biên");
        assert_eq!(follow("25996", "2024-12-31"), "Hố Nai", "a part of it went over");
        assert_eq!(follow("25996", "2025-12-31"), "Trấn Biên");
        assert_eq!(follow("26449", "2025-06-30"), "Xuân Tâm");
        assert_eq!(follow("26449", "2025-07-01"), "chưa phân bổ", "divided without shares");
        assert_eq!(follow("99999", "2025-07-01"), "chưa phân bổ", "ended without a successor");
        assert_eq!(lineage.named("00000"), None);
    }
}
