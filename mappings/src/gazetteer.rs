//! Communes and districts by code or name, as of a date.
//!
//! A GSO code is no identity: 42 of the 95 codes of 2025 named another commune before. So every
//! look-up takes a day. Built from the province's dated list (`communes.csv`).

use std::collections::HashMap;

use jiff::civil::Date;

use crate::text::normalise::search_key;

/// One version of a commune: what a code meant between two days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commune {
    /// GSO code.
    pub code: String,
    /// Name without its kind.
    pub name: String,
    /// GSO code of its district, empty after 30 June 2025.
    pub district_code: String,
    /// Last day in force, or none.
    pub valid_to: Option<Date>,
    /// First day in force, or none when older than the list.
    pub valid_from: Option<Date>,
}

/// Why a unit was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// No unit of that name or code on that day.
    Unknown,
    /// Several units of that name, and no district to choose by.
    Ambiguous,
}

/// The units of the province, dated.
#[derive(Debug, Clone, Default)]
pub struct Gazetteer {
    communes: Vec<Commune>,
    by_code: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    districts: HashMap<String, String>,
}

const KINDS: [&str; 16] = [
    "thanh pho",
    "thi xa",
    "thi tran",
    "huyen",
    "phuong",
    "quan",
    "xa",
    "tp",
    "tx",
    "tt",
    "h",
    "p",
    "x",
    "q",
    "ubnd",
    "uy ban nhan dan",
];

/// The name without kind, accents, case and punctuation: how people's spellings are compared.
fn plain(name: &str) -> String {
    let key = search_key(name);
    for kind in KINDS {
        if let Some(rest) = key.strip_prefix(kind).and_then(|rest| rest.strip_prefix(' ')) {
            return rest.to_owned();
        }
    }
    key
}

impl Gazetteer {
    /// Reads `communes.csv` (`code,name_vi,kind,district_code,district_name,…,valid_to,…`) and
    /// `communes_2025.csv` (`code,name_vi,kind,province_code,valid_from,valid_to`).
    ///
    /// # Errors
    /// A sentence naming the row that cannot be read.
    pub fn from_csv(communes_2013: &str, communes_2025: &str) -> Result<Self, String> {
        let mut units = Self::default();
        units.read(communes_2013)?;
        units.read(communes_2025)?;
        Ok(units)
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| error.to_string())?.clone();
        for row in reader.records() {
            let row = row.map_err(|error| error.to_string())?;
            let cell = |name: &str| {
                header.iter().position(|have| have == name).and_then(|at| row.get(at)).unwrap_or("")
            };
            let date = |name: &str| match cell(name) {
                "" => Ok(None),
                text => text.parse::<Date>().map(Some).map_err(|error| error.to_string()),
            };
            let district_code = cell("district_code").to_owned();
            if !district_code.is_empty() {
                self.districts.insert(plain(cell("district_name")), district_code.clone());
            }
            let commune = Commune {
                code: cell("code").to_owned(),
                name: cell("name_vi").to_owned(),
                district_code,
                valid_to: date("valid_to")?,
                valid_from: date("valid_from")?,
            };
            let at = self.communes.len();
            self.by_code.entry(commune.code.clone()).or_default().push(at);
            self.by_name.entry(plain(&commune.name)).or_default().push(at);
            self.communes.push(commune);
        }
        Ok(())
    }

    fn in_force(&self, at: &usize, day: Date) -> Option<&Commune> {
        let commune = self.communes.get(*at)?;
        let begun = commune.valid_from.is_none_or(|from| from <= day);
        let open = commune.valid_to.is_none_or(|to| day <= to);
        (begun && open).then_some(commune)
    }

    /// The commune with that code on that day.
    ///
    /// # Errors
    /// [`Miss::Unknown`] when the code names none then.
    pub fn by_code(&self, code: &str, day: Date) -> Result<&Commune, Miss> {
        let all = self.by_code.get(code).ok_or(Miss::Unknown)?;
        all.iter().find_map(|at| self.in_force(at, day)).ok_or(Miss::Unknown)
    }

    /// The commune with that name on that day, in the named district where one is given.
    ///
    /// # Errors
    /// [`Miss`] when there is none, or several and no district to choose by.
    pub fn by_name(&self, name: &str, district: Option<&str>, day: Date) -> Result<&Commune, Miss> {
        let all = self.by_name.get(&plain(name)).ok_or(Miss::Unknown)?;
        let wanted = match district.map(plain) {
            None => None,
            Some(name) => Some(self.districts.get(&name).ok_or(Miss::Unknown)?),
        };
        let mut fits = all
            .iter()
            .filter_map(|at| self.in_force(at, day))
            .filter(|commune| wanted.is_none_or(|code| *code == commune.district_code));
        let first = fits.next().ok_or(Miss::Unknown)?;
        if fits.next().is_some() { Err(Miss::Ambiguous) } else { Ok(first) }
    }

    /// The commune named in an address: the last parts, as in
    /// `12 Bùi Văn Hòa, phường Long Bình Tân, Biên Hòa`.
    ///
    /// # Errors
    /// [`Miss`] when no part names a commune of the district that follows it.
    pub fn in_address(&self, address: &str, day: Date) -> Result<&Commune, Miss> {
        let parts: Vec<&str> = address.split(',').map(str::trim).collect();
        for pair in parts.windows(2).rev() {
            if let [commune, district] = pair
                && let Ok(found) = self.by_name(commune, Some(district), day)
            {
                return Ok(found);
            }
        }
        Err(Miss::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "code,name_vi,kind,district_code,district_name,valid_to\n\
        26041,Quyết Thắng,phường,731,Thành phố Biên Hòa,2025-06-30\n\
        26011,Tân Hiệp,phường,731,Thành phố Biên Hòa,2025-06-30\n\
        26400,Tân Hiệp,xã,740,Huyện Long Thành,2025-06-30\n";
    const NEW: &str = "code,name_vi,kind,province_code,valid_from,valid_to\n\
        26041,Trấn Biên,phường,75,2025-07-01,\n";

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_code_means_what_it_meant_on_that_day() {
        let units = Gazetteer::from_csv(OLD, NEW).unwrap();
        assert_eq!(units.by_code("26041", day("2013-10-01")).unwrap().name, "Quyết Thắng");
        assert_eq!(units.by_code("26041", day("2026-01-01")).unwrap().name, "Trấn Biên");
        assert_eq!(units.by_code("26011", day("2026-01-01")), Err(Miss::Unknown));
    }

    #[test]
    fn a_name_that_occurs_twice_needs_its_district() {
        let units = Gazetteer::from_csv(OLD, NEW).unwrap();
        let on = day("2013-10-01");
        assert_eq!(units.by_name("Tân Hiệp", None, on), Err(Miss::Ambiguous));
        assert_eq!(units.by_name("P. TÂN HIỆP", Some("Tp Biên Hoà"), on).unwrap().code, "26011");
        let address = "Quốc lộ 51, xã Tân Hiệp, huyện Long Thành";
        assert_eq!(units.in_address(address, on).unwrap().code, "26400");
    }
}
