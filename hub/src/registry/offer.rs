//! How procedures are offered on a day: by which level of government, and how far online.

use std::collections::HashMap;

use contracts::{
    Moment,
    procedure::{OnlineLevel, Procedure},
};
use jiff::civil::Date;
use mappings::text::normalise::toned_key;

use super::{
    catalogue::{Catalogue, Dated},
    roadmap::Plan,
};

/// What of an offer may tell numbers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offer {
    /// Level of government: province, district, commune.
    Level,
    /// Level of the online service: 1 to 4 by NĐ 43/2011, words by NĐ 42/2022.
    OnlineLevel,
}

impl Offer {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Level, Self::OnlineLevel];

    /// Its name in questions and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::OnlineLevel => "online_level",
        }
    }

    fn of(self, one: &Procedure, on: Date) -> &str {
        match self {
            Self::Level => &one.level,
            Self::OnlineLevel => online(one, on).map_or("", |told| &told.level),
        }
    }
}

/// The online level of a procedure on a day: the last told of those in force, as where procedures
/// are looked for.
pub fn online(one: &Procedure, on: Date) -> Option<&OnlineLevel> {
    let day = |at: Option<Moment>| at.map(Moment::day);
    one.online_levels.iter().rev().find(|told| {
        day(told.valid_from).is_none_or(|first| first <= on)
            && day(told.valid_to).is_none_or(|last| on <= last)
    })
}

/// The step from which on a procedure can be filed online: mức độ 3.
const FILED_ONLINE: u8 = 3;

/// The offers of a catalogue.
#[derive(Debug, Default)]
pub struct Offers {
    procedures: Vec<Procedure>,
    /// By what numbers name a procedure: its national code, or its name.
    by_name: HashMap<String, Vec<usize>>,
    /// Which agency's procedures hold for an agency too: those told once for all of its kind.
    shared: HashMap<String, String>,
    plan: Option<Plan>,
}

impl Offers {
    /// Of a catalogue.
    pub fn new(catalogue: &Catalogue) -> Self {
        let procedures = catalogue.procedures.clone();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, one) in procedures.iter().enumerate() {
            let own = one.source_code.as_ref().map(|code| format!("{}:{code}", one.agency));
            let names = one.code.iter().cloned().chain(own).chain([toned_key(&one.name)]);
            names.for_each(|name| by_name.entry(name).or_default().push(at));
        }
        let classes = catalogue.roadmap.iter().flat_map(|plan| &plan.class);
        let of_kind: HashMap<&str, &str> =
            classes.map(|class| (class.kind.as_str(), class.agency.as_str())).collect();
        let shared = catalogue.agencies.iter().filter_map(|agency| {
            Some((agency.id.clone(), (*of_kind.get(agency.kind.as_str())?).to_owned()))
        });
        Self { procedures, by_name, shared: shared.collect(), plan: catalogue.roadmap.clone() }
    }

    /// What a procedure, as numbers name it, is at an agency on a day; empty where the catalogue
    /// does not know it then. Of several agencies' it is the agency's own, else what holds for all
    /// of its kind, else the first told.
    pub fn of(&self, offer: Offer, (agency, procedure): (&str, &str), on: Date) -> &str {
        let named = || self.by_name.get(&toned_key(procedure));
        let told = self.by_name.get(procedure).or_else(named);
        let all = told.into_iter().flatten().filter_map(|at| self.procedures.get(*at));
        let mut standing = all.filter(|one| one.stands(on));
        let shared = self.shared.get(agency).map(String::as_str);
        let at = |wanted: Option<&str>| {
            standing.clone().find(|one| wanted.is_some_and(|id| id == one.agency))
        };
        let found = at(Some(agency)).or_else(|| at(shared));
        found.or_else(|| standing.next()).map_or("", |one| offer.of(one, on))
    }

    fn step(&self, level: &OnlineLevel) -> u8 {
        self.plan.as_ref().map_or(0, |plan| plan.step(level))
    }

    /// Whether an agency takes a procedure online on a day, such that it can be filed: its own, or
    /// what holds for all of its kind. How far a level goes is the roadmap's to say.
    pub fn takes_online(&self, (agency, procedure): (&str, &str), on: Date) -> bool {
        let shared = self.shared.get(agency).map(String::as_str);
        let all = self.by_name.get(procedure).into_iter().flatten();
        all.filter_map(|at| self.procedures.get(*at)).any(|one| {
            (one.agency == agency || Some(one.agency.as_str()) == shared)
                && one.stands(on)
                && online(one, on).is_some_and(|level| self.step(level) >= FILED_ONLINE)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn procedure(agency: &str, level: &str, online: &[(&str, &str, Option<&str>)]) -> Procedure {
        let told = |(level, first, last): &(&str, &str, Option<&str>)| {
            let scheme = "nd43";
            json!({ "scheme": scheme, "level": level, "valid_from": first, "valid_to": last })
        };
        let told: Vec<_> = online.iter().map(told).collect();
        serde_json::from_value(json!({
            "code": "1.000001", "agency": agency, "name": "Cấp giấy", "level": level,
            "online_levels": told,
        }))
        .unwrap()
    }

    #[test]
    fn an_agency_offers_its_own_version_else_the_first_and_nothing_unknown() {
        let catalogue = Catalogue {
            procedures: vec![
                procedure("so-a", "province", &[("3", "2015-01-01", Some("2016-06-30"))]),
                procedure(
                    "huyen-b",
                    "district",
                    &[("2", "2014-01-01", None), ("4", "2017-01-01", None)],
                ),
            ],
            ..Catalogue::default()
        };
        let offers = Offers::new(&catalogue);
        let day = |text: &str| text.parse().unwrap();
        let of = |offer, agency: &str, on: &str| {
            offers.of(offer, (agency, "1.000001"), day(on)).to_owned()
        };
        assert_eq!(of(Offer::Level, "huyen-b", "2016-01-01"), "district");
        assert_eq!(of(Offer::Level, "xa-c", "2016-01-01"), "province");
        assert_eq!(of(Offer::OnlineLevel, "so-a", "2016-06-30"), "3");
        assert_eq!(of(Offer::OnlineLevel, "so-a", "2016-07-01"), "");
        assert_eq!(of(Offer::OnlineLevel, "huyen-b", "2016-12-31"), "2");
        assert_eq!(of(Offer::OnlineLevel, "huyen-b", "2017-01-01"), "4");
        assert_eq!(offers.of(Offer::Level, ("so-a", "2.000002"), day("2016-01-01")), "");
        let named = ("huyen-b", "CẤP  giấy");
        assert_eq!(offers.of(Offer::Level, named, day("2016-01-01")), "district");
    }
}
