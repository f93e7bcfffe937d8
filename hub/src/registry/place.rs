//! Where a dossier counts.

use super::identity::agency_of;
use super::state::DossierState;
use super::statistics::{self, Settings};

/// Where a dossier counts: the dimensions that are no time and no measure. Empty where it has
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Accepting agency.
    pub agency: String,
    /// National procedure code; else its name as the source writes it; else the agency and its own
    /// code, as in `so-y-te:TT-07`.
    pub procedure: String,
    /// Field.
    pub field: String,
    /// `online`, `counter` or `post`.
    pub channel: String,
    /// Commune: the version that its code meant on the dossier's day (see [`super::units`]).
    pub commune: String,
    /// Of what tells a finish, the agency whose system finished it; else the accepting one.
    pub finishing_agency: String,
}

impl Place {
    /// What it is in each dimension, in their order.
    pub fn values(&self) -> [&str; 6] {
        Dimension::ALL.map(|one| one.of(self))
    }

    /// Of what it is in each dimension.
    pub fn from_values(values: [String; 6]) -> Self {
        let mut place = Self::default();
        Dimension::ALL.into_iter().zip(values).for_each(|(one, value)| one.set(&mut place, value));
        place
    }

    /// Where a dossier in this state counts.
    pub fn of(state: &DossierState, settings: &Settings) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let named = |code: &String| settings.units.name(code, statistics::own_day(state));
        let commune = state.commune.as_ref().map(named);
        Self {
            agency: state.agency.clone(),
            procedure: procedure_of(state),
            field: text(&state.field),
            channel: text(&state.channel),
            commune: commune.unwrap_or_default(),
            finishing_agency: state.agency.clone(),
        }
    }

    /// Where it counts that a dossier in this state was finished, where that is elsewhere.
    pub(super) fn finishing(&self, state: &DossierState) -> Option<Self> {
        let source = |member: &str| state.member_sources.get(member);
        let (_, finishing) = source("agency").zip(source("status")).filter(|(a, b)| a != b)?;
        let finishing = agency_of(finishing);
        (finishing != self.finishing_agency)
            .then(|| Self { finishing_agency: finishing.to_owned(), ..self.clone() })
    }
}

/// What a dossier's procedure counts under: an own code means something at its agency alone.
fn procedure_of(state: &DossierState) -> String {
    let own = || Some(format!("{}:{}", state.agency, state.procedure_source_code.as_ref()?));
    let named = state.procedure.as_ref().or(state.procedure_name.as_ref()).cloned();
    named.or_else(own).unwrap_or_default()
}

/// What tells places apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Accepting agency.
    Agency,
    /// Procedure.
    Procedure,
    /// Field.
    Field,
    /// How it was filed.
    Channel,
    /// Commune.
    Commune,
    /// Finishing agency.
    FinishingAgency,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Agency,
        Self::Procedure,
        Self::Field,
        Self::Channel,
        Self::Commune,
        Self::FinishingAgency,
    ];

    /// Its name in questions, answers and the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Procedure => "procedure",
            Self::Field => "field",
            Self::Channel => "channel",
            Self::Commune => "commune",
            Self::FinishingAgency => "finishing_agency",
        }
    }

    /// What a place is in it; empty where it has none.
    pub fn of(self, place: &Place) -> &str {
        match self {
            Self::Agency => &place.agency,
            Self::Procedure => &place.procedure,
            Self::Field => &place.field,
            Self::Channel => &place.channel,
            Self::Commune => &place.commune,
            Self::FinishingAgency => &place.finishing_agency,
        }
    }

    /// Says what a place is in it.
    pub fn set(self, place: &mut Place, value: String) {
        match self {
            Self::Agency => place.agency = value,
            Self::Procedure => place.procedure = value,
            Self::Field => place.field = value,
            Self::Channel => place.channel = value,
            Self::Commune => place.commune = value,
            Self::FinishingAgency => place.finishing_agency = value,
        }
    }
}
