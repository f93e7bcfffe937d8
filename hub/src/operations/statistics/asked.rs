//! A question about numbers, with what the catalogue says of what is in it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Question, Row};
use crate::{
    auth::Principal,
    catalogue::Edition,
    registry::{
        Dimension, Place,
        catalogue::Unit,
        offer::{Offer, Offers},
        units::Units,
    },
};

/// A question with what the catalogue says of what is in it.
pub(in crate::operations) struct Asked<'a> {
    pub(super) question: &'a Question,
    units: Option<&'a Units>,
    offers: Option<&'a Offers>,
    /// Only what counts under these values, as it is counted.
    pub(super) only: BTreeMap<Dimension, String>,
    /// Only what counts under these agencies and communes of a later day.
    pub(super) within: BTreeMap<Dimension, String>,
    /// What stands now for names that were met.
    standing: BTreeMap<(Dimension, String), String>,
}

/// What stands otherwise on a later day.
const STANDING: [Dimension; 3] =
    [Dimension::Agency, Dimension::Commune, Dimension::FinishingAgency];

impl<'a> Asked<'a> {
    pub(in crate::operations) fn new(question: &'a Question, edition: Option<&'a Edition>) -> Self {
        let units = edition.map(Edition::units);
        let offers = edition.filter(|_| question.offers()).map(Edition::offers);
        let (mut only, mut within) = (question.only.clone(), BTreeMap::new());
        let day = question.units_on.unwrap_or(question.to);
        if let (Some(code), Some(units)) = (only.get_mut(&Dimension::Commune), units)
            && !code.is_empty()
        {
            *code = units.versions().name(code, Some(day));
        }
        if question.units_on.is_some() {
            for dimension in STANDING {
                within.extend(only.remove(&dimension).map(|value| (dimension, value)));
            }
        }
        let standing = BTreeMap::new();
        Self { question, units, offers, only, within, standing }
    }

    /// An agency is told only its own, as it counted.
    pub(in crate::operations) fn only_of(&mut self, who: &Principal) {
        if let Principal::Agency(own) = who {
            self.only.insert(Dimension::Agency, own.clone());
        }
    }

    /// What tells the rows apart that a place counts in: its values in the dimensions asked for, in
    /// their order, and how its procedure is offered; `None` where it is not asked for.
    pub(super) fn row(&mut self, place: &Place) -> Option<Vec<String>> {
        let offered: Vec<&str> =
            self.question.by_offers().map(|one| self.offered(one, place)).collect();
        let place = self.place(place.clone())?;
        let values = self.question.dimensions().map(|one| one.of(&place));
        Some(values.chain(offered).map(str::to_owned).collect())
    }

    /// How the procedure of a place is offered.
    fn offered(&self, offer: Offer, place: &Place) -> &'a str {
        let at = (place.agency.as_str(), place.procedure.as_str());
        self.offers.map_or("", |offers| offers.of(offer, at, self.question.to))
    }

    /// Where something counts that counted at a place; `None` where that is not asked for.
    pub(in crate::operations) fn place(&mut self, mut place: Place) -> Option<Place> {
        let at = |all: &BTreeMap<Dimension, String>, place: &Place| {
            all.iter().all(|(dimension, value)| dimension.of(place) == value)
        };
        let mut offered = self.question.offered.iter();
        let is_offered = offered.all(|(offer, value)| self.offered(*offer, &place) == value);
        if !at(&self.only, &place) || !is_offered {
            return None;
        }
        self.stand(&mut place);
        at(&self.within, &place).then_some(place)
    }

    /// Puts a place under the agency and the commune of the day asked for.
    fn stand(&mut self, place: &mut Place) {
        let Some((units, day)) = self.units.zip(self.question.units_on) else { return };
        for dimension in STANDING {
            let name = dimension.of(place).to_owned();
            if name.is_empty() {
                continue;
            }
            let standing = self.standing.entry((dimension, name.clone()));
            let now = standing.or_insert_with(|| match dimension {
                Dimension::Commune => units.unit_on(&name, day),
                _ => units.agency_on(&name, day),
            });
            dimension.set(place, now.clone());
        }
    }

    /// The units that rows name.
    pub(super) fn named(&self, rows: &[Row]) -> BTreeMap<String, Unit> {
        // By day a name stands in many rows.
        let names = rows.iter().filter_map(|row| row.place.get(Dimension::Commune.name()));
        let names: BTreeSet<&String> = names.collect();
        let unit = |name: &String| Some((name.clone(), self.units?.unit(name)?.clone()));
        names.into_iter().filter_map(unit).collect()
    }
}
