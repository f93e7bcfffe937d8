//! Communes, districts and agencies by code or name, as of a date.
//!
//! A GSO code is no identity: 42 of the 95 codes of 2025 named another commune before. So every
//! look-up takes a day. Built from the province's dated list (`communes.csv`).

use std::collections::HashMap;

use jiff::civil::Date;

use crate::text::normalise::{search_key, toned_key};

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
    agencies: Vec<Agency>,
    agencies_by_name: HashMap<String, Vec<usize>>,
}

/// One agency with the days between which it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Agency {
    id: String,
    valid_from: Option<Date>,
    valid_to: Option<Date>,
}

/// Long and short forms of the words in agencies' names, folded.
const SHORT_FORMS: [(&str, &str); 5] = [
    ("uy ban nhan dan", "ubnd"),
    ("thanh pho", "tp"),
    ("thi xa", "tx"),
    (" huyen ", " h "),
    (" tinh ", " "),
];

/// An agency's name as it is compared: folded, its common words in their short forms.
fn agency_key(name: &str) -> String {
    let folded =
        SHORT_FORMS.iter().fold(search_key(name), |key, (long, short)| key.replace(long, short));
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
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

/// One row of a CSV text.
struct Row<'a> {
    header: &'a csv::StringRecord,
    cells: csv::StringRecord,
}

impl Row<'_> {
    /// The cell of a column; an absent column is empty.
    fn cell(&self, name: &str) -> &str {
        let at = self.header.iter().position(|have| have == name);
        at.and_then(|at| self.cells.get(at)).unwrap_or("")
    }
}

/// Hands over each row of a CSV text.
fn rows(text: &str, mut take: impl FnMut(&Row<'_>) -> Result<(), String>) -> Result<(), String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    for cells in reader.records() {
        let cells = cells.map_err(|error| error.to_string())?;
        take(&Row { header: &header, cells })?;
    }
    Ok(())
}

fn day_or_none(text: &str) -> Result<Option<Date>, String> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| format!("`{text}` is not a day")),
    }
}

impl Gazetteer {
    /// Reads `agencies.csv` (`id,name_vi,…,valid_from,valid_to,…`), so that agencies are found too.
    ///
    /// # Errors
    /// A sentence naming the row that cannot be read.
    pub fn with_agencies(mut self, text: &str) -> Result<Self, String> {
        rows(text, |row| {
            let date = |name| day_or_none(row.cell(name));
            let (valid_from, valid_to) = (date("valid_from")?, date("valid_to")?);
            let agency = Agency { id: row.cell("id").to_owned(), valid_from, valid_to };
            let at = self.agencies.len();
            self.agencies_by_name.entry(agency_key(row.cell("name_vi"))).or_default().push(at);
            self.agencies.push(agency);
            Ok(())
        })?;
        Ok(self)
    }

    /// The hub id of the agency with that id or name on that day.
    ///
    /// # Errors
    /// [`Miss`] when there is none, or several of that name.
    pub fn agency(&self, name: &str, day: Date) -> Result<&str, Miss> {
        let stands = |agency: &&Agency| {
            agency.valid_from.is_none_or(|from| from <= day)
                && agency.valid_to.is_none_or(|to| day <= to)
        };
        if let Some(agency) = self.agencies.iter().filter(stands).find(|agency| agency.id == name) {
            return Ok(&agency.id);
        }
        let all = self.agencies_by_name.get(&agency_key(name)).ok_or(Miss::Unknown)?;
        let mut fits = all.iter().filter_map(|at| self.agencies.get(*at)).filter(stands);
        let first = fits.next().ok_or(Miss::Unknown)?;
        if fits.next().is_some() { Err(Miss::Ambiguous) } else { Ok(&first.id) }
    }

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
        rows(text, |row| {
            let district_code = row.cell("district_code").to_owned();
            if !district_code.is_empty() {
                self.districts.insert(plain(row.cell("district_name")), district_code.clone());
            }
            let commune = Commune {
                code: row.cell("code").to_owned(),
                name: row.cell("name_vi").to_owned(),
                district_code,
                valid_to: day_or_none(row.cell("valid_to"))?,
                valid_from: day_or_none(row.cell("valid_from"))?,
            };
            let at = self.communes.len();
            self.by_code.entry(commune.code.clone()).or_default().push(at);
            self.by_name.entry(plain(&commune.name)).or_default().push(at);
            self.communes.push(commune);
            Ok(())
        })
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

    /// The commune with that name on that day, in the named district where one is given. Marks are
    /// looked at only where names differ by nothing else, as Lộc Thành and Lộc Thạnh do.
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
        // One that a reform left as it was stands in both lists.
        let others: Vec<&Commune> = fits.filter(|other| other.code != first.code).collect();
        if others.is_empty() {
            return Ok(first);
        }
        let toned = toned_key(name);
        let mut exact = std::iter::once(first).chain(others).filter(|commune| {
            let before = toned.strip_suffix(&toned_key(&commune.name));
            before.is_some_and(|kind| kind.is_empty() || kind.ends_with(' '))
        });
        let one = exact.next().ok_or(Miss::Ambiguous)?;
        if exact.all(|other| other.code == one.code) { Ok(one) } else { Err(Miss::Ambiguous) }
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
    fn an_agency_is_found_however_its_name_is_written() {
        let list = "id,name_vi,valid_from,valid_to\n\
            ubnd-bien-hoa,Ủy ban nhân dân thành phố Biên Hòa,,2025-06-30\n\
            so-y-te,Sở Y tế,,\n";
        let units = Gazetteer::default().with_agencies(list).unwrap();
        for name in ["ubnd-bien-hoa", "UBND Tp. Biên Hoà", "Uỷ ban nhân dân TP Biên Hòa"] {
            assert_eq!(units.agency(name, day("2014-01-01")), Ok("ubnd-bien-hoa"), "{name}");
        }
        assert_eq!(units.agency("SỞ Y TẾ", day("2026-01-01")), Ok("so-y-te"));
        assert_eq!(units.agency("UBND TP Biên Hòa", day("2026-01-01")), Err(Miss::Unknown));
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

    #[test]
    fn names_that_differ_by_their_marks_alone_are_told_apart_where_marks_are_written() {
        let new = "code,name_vi,kind,province_code,valid_from,valid_to\n\
            25280,Lộc Thạnh,xã,75,2025-07-01,\n25270,Lộc Thành,xã,75,2025-07-01,\n";
        let units = Gazetteer::from_csv(OLD, new).unwrap();
        let on = day("2026-01-01");
        for (name, code) in [("xã Lộc Thạnh", "25280"), ("LỘC THÀNH", "25270")] {
            assert_eq!(units.by_name(name, None, on).unwrap().code, code, "{name}");
        }
        assert_eq!(units.by_name("xa Loc Thanh", None, on), Err(Miss::Ambiguous));
        // The same commune in both lists is one.
        let old = "code,name_vi,kind,district_code,district_name,valid_to\n\
            26119,Đak Lua,xã,734,Huyện Tân Phú,\n";
        let new = "code,name_vi,kind,province_code,valid_from,valid_to\n\
            26119,Đak Lua,xã,75,2025-07-01,\n";
        let units = Gazetteer::from_csv(old, new).unwrap();
        assert_eq!(units.by_name("xã Đak Lua", None, on).unwrap().code, "26119");
    }
}
