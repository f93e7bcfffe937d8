//! How much there is by agency, field, level and online level.

use std::collections::HashMap;

use contracts::{
    Moment,
    procedure::{OnlineLevel, Procedure},
};
use jiff::civil::Date;
use serde::Serialize;

use crate::registry::{Catalogue, catalogue::Dated, search::Bits};

/// Values of one facet, at most: the most frequent.
const VALUES_MAX: usize = 50;

/// The facets, in the order of [`Labels`].
pub(super) const FACETS: usize = 4;

/// Levels of government with their names.
pub(super) const LEVELS: [(&str, &str, &str); 3] = [
    ("province", "Cấp tỉnh", "Province"),
    ("district", "Cấp huyện", "District"),
    ("commune", "Cấp xã", "Commune"),
];

/// Online levels with their names: NĐ 43/2011, NĐ 42/2022, and none told.
pub(super) const ONLINE_LEVELS: [(&str, &str, &str); 8] = [
    ("1", "Mức độ 1", "Level 1"),
    ("2", "Mức độ 2", "Level 2"),
    ("3", "Mức độ 3", "Level 3"),
    ("4", "Mức độ 4", "Level 4"),
    ("information", "Cung cấp thông tin", "Information only"),
    ("partial", "Một phần", "Partly online"),
    ("full", "Toàn trình", "Wholly online"),
    ("none", "Chưa có thông tin", "Not told"),
];

/// The place of "none told".
const NOT_TOLD: usize = ONLINE_LEVELS.len() - 1;

/// Where a procedure stands under agency, field and level, by number; and when.
#[derive(Debug)]
pub(super) struct Labels {
    agency: usize,
    field: usize,
    level: usize,
    days: Days,
    /// Its online levels, each with its days.
    online: Box<[(usize, Days)]>,
}

/// First and last day in force.
type Days = (Option<Date>, Option<Date>);

fn hold((first, last): Days, on: Date) -> bool {
    first.is_none_or(|first| first <= on) && last.is_none_or(|last| on <= last)
}

/// The labels of all procedures. A field that is not told has the number behind the last.
pub(super) fn labels(catalogue: &Catalogue) -> Vec<Labels> {
    let numbered = |names: Vec<&str>| -> HashMap<String, usize> {
        // Of several versions of an agency the first stands for all.
        names.into_iter().enumerate().rev().map(|(at, name)| (name.to_owned(), at)).collect()
    };
    let agencies = numbered(catalogue.agencies.iter().map(|one| one.id.as_str()).collect());
    let fields = numbered(catalogue.fields.iter().map(|one| one.name.as_str()).collect());
    let place = |told: &OnlineLevel| {
        let place = ONLINE_LEVELS.iter().position(|(id, ..)| *id == told.level);
        let days = (told.valid_from.map(Moment::day), told.valid_to.map(Moment::day));
        (place.unwrap_or(NOT_TOLD), days)
    };
    let of = |one: &Procedure| Labels {
        days: (one.first(), one.last()),
        online: one.online_levels.iter().map(place).collect(),
        agency: agencies.get(&one.agency).copied().unwrap_or(usize::MAX),
        field: one.field.as_ref().and_then(|name| fields.get(name)).copied().unwrap_or(usize::MAX),
        level: LEVELS.iter().position(|(level, ..)| *level == one.level).unwrap_or(usize::MAX),
    };
    catalogue.procedures.iter().map(of).collect()
}

impl Labels {
    /// Which of its online levels is in force on a day: the last told of those that are.
    pub(super) fn online_level(&self, on: Date) -> Option<usize> {
        self.online.iter().rposition(|(_, days)| hold(*days, on))
    }

    /// The numbers under all facets; none where it is not in force.
    fn numbers(&self, on: Date) -> Option<[usize; FACETS]> {
        let told = self.online_level(on).and_then(|at| self.online.get(at));
        let online = told.map_or(NOT_TOLD, |(place, _)| *place);
        hold(self.days, on).then_some([self.agency, self.field, self.level, online])
    }
}

/// One value of a facet.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FacetValue)]
pub struct Value {
    /// What to ask for.
    pub value: String,
    /// Its name in Vietnamese.
    pub name: String,
    /// Its name in English, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// How many there are that every other filter lets through.
    pub count: usize,
}

/// All facets.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Facets {
    /// By agency.
    pub agency: Vec<Value>,
    /// By field.
    pub field: Vec<Value>,
    /// By level of government.
    pub level: Vec<Value>,
    /// By online level.
    pub online_level: Vec<Value>,
}

/// Counts while the procedures that a question finds are gone through.
pub(super) struct Counts {
    wanted: [Option<usize>; FACETS],
    counts: [Vec<usize>; FACETS],
    /// Those that every filter lets through.
    pub(super) allowed: Bits,
}

impl Counts {
    pub(super) fn new(catalogue: &Catalogue, wanted: [Option<usize>; FACETS]) -> Self {
        let sizes =
            [catalogue.agencies.len(), catalogue.fields.len(), LEVELS.len(), ONLINE_LEVELS.len()];
        let allowed = Bits::empty(catalogue.procedures.len());
        Self { wanted, counts: sizes.map(|size| vec![0; size]), allowed }
    }

    /// Takes one procedure; `found` says whether the question's words find it. A facet counts
    /// what all filters but its own let through, so that another choice can be made.
    pub(super) fn take(&mut self, at: usize, labels: &Labels, (on, found): (Date, bool)) {
        let Some(numbers) = labels.numbers(on) else { return };
        let fails = |facet: &usize| self.wanted[*facet].is_some_and(|one| one != numbers[*facet]);
        let mut failed = (0..FACETS).filter(fails);
        let (first, more) = (failed.next(), failed.next().is_some());
        if first.is_none() {
            self.allowed.insert(at);
        }
        for (facet, (counts, number)) in self.counts.iter_mut().zip(numbers).enumerate() {
            let counted = found && !more && first.is_none_or(|first| first == facet);
            if let Some(count) = counts.get_mut(number).filter(|_| counted) {
                *count += 1;
            }
        }
    }

    /// The facets, the most frequent values first.
    pub(super) fn close(&self, catalogue: &Catalogue) -> Facets {
        let told = |(value, name, name_en): &(&str, &str, &str)| {
            ((*value).to_owned(), (*name).to_owned(), Some((*name_en).to_owned()))
        };
        let agencies = catalogue
            .agencies
            .iter()
            .map(|one| (one.id.clone(), one.name_vi.clone(), Some(one.name_en.clone())));
        let fields = catalogue.fields.iter().map(|one| (one.id.clone(), one.name.clone(), None));
        let [agency, field, level, online_level] = &self.counts;
        Facets {
            agency: values(agency, agencies),
            field: values(field, fields),
            level: values(level, LEVELS.iter().map(told)),
            online_level: values(online_level, ONLINE_LEVELS.iter().map(told)),
        }
    }
}

fn values(
    counts: &[usize],
    names: impl Iterator<Item = (String, String, Option<String>)>,
) -> Vec<Value> {
    let counted = counts.iter().zip(names).filter(|(count, _)| **count > 0);
    let mut values: Vec<Value> = counted
        .map(|(count, (value, name, name_en))| Value { value, name, name_en, count: *count })
        .collect();
    values.sort_by_key(|value| usize::MAX - value.count);
    values.truncate(VALUES_MAX);
    values
}
