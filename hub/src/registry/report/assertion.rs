//! What a plan says there is, beside what the catalogue has: shown, never made to agree.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Named;
use crate::registry::{
    Catalogue,
    catalogue::{Dated, Unit},
};

/// What an assertion speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AssertedOf {
    /// Agencies of these kinds.
    Agencies(Vec<String>),
    /// Units of a level: level, and the code of the province they lie in.
    Units(String, String),
    /// Procedures of these levels; of all where empty.
    Procedures(Vec<String>),
}

/// One number that a plan states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// The form it is shown with.
    pub form: String,
    /// The day that it is true of.
    pub on: Date,
    /// What is counted.
    pub of: AssertedOf,
    /// How many it says there are.
    pub value: i64,
    /// What it is called in Vietnamese.
    pub name_vi: String,
    /// What it is called in English.
    pub name_en: String,
    /// Who states it.
    pub source: String,
}

/// An assertion beside what the catalogue has on that day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Asserted {
    /// What it is called.
    #[serde(flatten)]
    pub named: Named,
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// How many are stated.
    pub stated: i64,
    /// How many the catalogue has.
    pub catalogue: i64,
    /// How many more the catalogue has.
    pub difference: i64,
    /// Who states it.
    pub source: String,
}

/// Whether a unit lies in a province on a day.
fn within(unit: &Unit, province: &str, units: &[Unit], on: Date) -> bool {
    let (mut parent, mut steps) = (unit.parent.as_deref(), 0);
    while let Some(code) = parent.filter(|_| steps < 4) {
        if code == province {
            return true;
        }
        let above = units.iter().find(|one| one.code == code && one.stands(on));
        parent = above.and_then(|one| one.parent.as_deref());
        steps += 1;
    }
    false
}

impl Assertion {
    /// Compares it with a catalogue.
    pub fn compare(&self, catalogue: &Catalogue) -> Asserted {
        let on = self.on;
        let found = match &self.of {
            AssertedOf::Agencies(kinds) => {
                let all = catalogue.agencies.iter().filter(|one| one.stands(on));
                let of_kinds = all.filter(|one| kinds.contains(&one.kind));
                of_kinds.map(|one| one.id.as_str()).collect::<BTreeSet<_>>().len()
            }
            AssertedOf::Units(level, province) => {
                let units = &catalogue.units;
                let all = units.iter().filter(|one| one.level == *level && one.stands(on));
                all.filter(|one| within(one, province, units, on)).count()
            }
            AssertedOf::Procedures(levels) => {
                let all = catalogue.procedures.iter().filter(|one| one.stands(on));
                all.filter(|one| levels.is_empty() || levels.contains(&one.level)).count()
            }
        };
        let catalogue = i64::try_from(found).unwrap_or(i64::MAX);
        Asserted {
            named: Named {
                id: String::new(),
                name_vi: self.name_vi.clone(),
                name_en: self.name_en.clone(),
            },
            on,
            stated: self.value,
            catalogue,
            difference: catalogue - self.value,
            source: self.source.clone(),
        }
    }
}
