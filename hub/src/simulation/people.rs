//! Invented applicants, and the communes in which they live.

use serde::{Deserialize, Serialize};

use super::random::Random;

const WORDS: &str = include_str!("people.toml");
const UNITS: &str = include_str!("../../../mappings/units/units.csv");

#[derive(Debug, Deserialize)]
struct Words {
    family: Vec<String>,
    middle_male: Vec<String>,
    middle_female: Vec<String>,
    given: Vec<String>,
    organizations: Vec<String>,
    streets: Vec<String>,
}

/// A commune of today.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Commune {
    code: String,
    /// With its kind: `phường Trấn Biên`.
    name: String,
}

/// Who applies. Nobody of these exists.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Applicant {
    name: String,
    organization: bool,
    male: bool,
    /// Year, month and day of birth; of a person.
    birth_year: u64,
    birth: Option<String>,
    /// Number of the identity card, of a person, or of the tax register.
    id_number: String,
    phone: String,
    /// House and street.
    street: String,
    commune: Commune,
}

/// Makes applicants.
#[derive(Debug)]
pub(super) struct People {
    words: Words,
    communes: Vec<Commune>,
}

impl People {
    /// Reads what is compiled in.
    ///
    /// # Errors
    /// A sentence: a fault of the program.
    pub(super) fn new() -> Result<Self, String> {
        let words = toml::from_str(WORDS).map_err(|error| format!("people.toml: {error}"))?;
        let mut communes = Vec::new();
        for line in UNITS.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            // Those without a last day stand today.
            if let [code, name, kind, "commune", _, _, "", ..] = cells[..] {
                communes.push(Commune { code: code.to_owned(), name: format!("{kind} {name}") });
            }
        }
        match communes.is_empty() {
            true => Err("units.csv has no commune".to_owned()),
            false => Ok(Self { words, communes }),
        }
    }

    /// One more applicant.
    pub(super) fn applicant(&self, random: &mut Random, organizations_percent: u64) -> Applicant {
        let organization = random.percent(organizations_percent);
        let male = random.percent(50);
        let mut word = |list: &[String]| random.pick(list).cloned().unwrap_or_default();
        let street = word(&self.words.streets);
        let name = if organization {
            word(&self.words.organizations)
        } else {
            let middle = if male { &self.words.middle_male } else { &self.words.middle_female };
            [word(&self.words.family), word(middle), word(&self.words.given)].join(" ")
        };
        let number = random.below(1_000);
        let name = if organization { format!("{name} {}", number % 90 + 10) } else { name };
        let birth_year = 1955 + random.below(45);
        let (month, day) = (random.below(12) + 1, random.below(28) + 1);
        let commune = random.pick(&self.communes).cloned();
        Applicant {
            name,
            organization,
            male,
            birth_year,
            birth: (!organization).then(|| format!("{birth_year}-{month:02}-{day:02}T00:00:00")),
            id_number: if organization {
                format!("3699900{number:03}")
            } else {
                format!("075{}{:02}999{number:03}", u8::from(!male), birth_year % 100)
            },
            phone: format!("0900000{number:03}"),
            street: format!("số {}, {street}", random.below(180) + 1),
            commune: commune
                .unwrap_or_else(|| Commune { code: String::new(), name: String::new() }),
        }
    }
}
