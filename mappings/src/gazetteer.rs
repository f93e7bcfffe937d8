//! Communes, districts and agencies by code or name, as of a date.
//!
//! A GSO code is no identity: 42 of the 95 codes of 2025 named another commune before. So every
//! look-up takes a day. Built from the province's dated list of units (`units.csv`).

use std::collections::{HashMap, HashSet};

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
    /// Whether it belonged to the province whose list this is.
    pub own: bool,
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

    /// Reads `units.csv` (`code,name,kind,level,parent,valid_from,valid_to,…`): provinces,
    /// districts and communes, each as often as it had another name, kind or place.
    ///
    /// # Errors
    /// A sentence naming the row that cannot be read.
    pub fn from_csv(text: &str) -> Result<Self, String> {
        let mut units = Self::default();
        // Districts by code: the province that each belonged to.
        let (mut provinces, mut districts) = (HashSet::new(), HashMap::new());
        rows(text, |row| {
            let code = row.cell("code").to_owned();
            match row.cell("level") {
                // Those that were merged into it have a last day.
                "province" if row.cell("valid_to").is_empty() => {
                    provinces.insert(code);
                }
                "district" => {
                    units.districts.insert(plain(row.cell("name")), code.clone());
                    districts.insert(code, row.cell("parent").to_owned());
                }
                _ => {}
            }
            Ok(())
        })?;
        rows(text, |row| {
            if row.cell("level") != "commune" {
                return Ok(());
            }
            let parent = row.cell("parent").to_owned();
            let province = districts.get(&parent).unwrap_or(&parent);
            let own = provinces.contains(province);
            let district_code =
                if districts.contains_key(&parent) { parent } else { String::new() };
            let commune = Commune {
                code: row.cell("code").to_owned(),
                name: row.cell("name").to_owned(),
                district_code,
                own,
                valid_to: day_or_none(row.cell("valid_to"))?,
                valid_from: day_or_none(row.cell("valid_from"))?,
            };
            let at = units.communes.len();
            units.by_code.entry(commune.code.clone()).or_default().push(at);
            units.by_name.entry(plain(&commune.name)).or_default().push(at);
            units.communes.push(commune);
            Ok(())
        })?;
        Ok(units)
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
        let fits = all
            .iter()
            .filter_map(|at| self.in_force(at, day))
            .filter(|commune| wanted.is_none_or(|code| *code == commune.district_code));
        let fits: Vec<&Commune> = fits.collect();
        // People name the communes of their own province without saying so.
        let own = || only(name, fits.iter().copied().filter(|commune| commune.own));
        only(name, fits.iter().copied()).or_else(|miss| own().map_err(|_| miss))
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

/// The one that a name means among communes of that name; marks are looked at where there are
/// several.
fn only<'a>(
    name: &str,
    fits: impl Iterator<Item = &'a Commune> + Clone,
) -> Result<&'a Commune, Miss> {
    let first = fits.clone().next().ok_or(Miss::Unknown)?;
    if fits.clone().all(|other| other.code == first.code) {
        return Ok(first);
    }
    let toned = toned_key(name);
    let mut exact = fits.filter(|commune| {
        let before = toned.strip_suffix(&toned_key(&commune.name));
        before.is_some_and(|kind| kind.is_empty() || kind.ends_with(' '))
    });
    let one = exact.next().ok_or(Miss::Ambiguous)?;
    if exact.all(|other| other.code == one.code) { Ok(one) } else { Err(Miss::Ambiguous) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: &str = "code,name,kind,level,parent,valid_from,valid_to\n\
        75,Đồng Nai,tỉnh,province,,,\n\
        70,Bình Phước,tỉnh,province,,,2025-06-30\n\
        731,Biên Hòa,thành phố,district,75,,2025-06-30\n\
        740,Long Thành,huyện,district,75,,2025-06-30\n\
        692,Lộc Ninh,huyện,district,70,,2025-06-30\n\
        26041,Quyết Thắng,phường,commune,731,,2024-10-31\n\
        26041,Trung Dũng,phường,commune,731,2024-11-01,2025-06-30\n\
        26041,Trấn Biên,phường,commune,75,2025-07-01,\n\
        26011,Tân Hiệp,phường,commune,731,,2025-06-30\n\
        26400,Tân Hiệp,xã,commune,740,,2025-06-30\n\
        26374,Tam Phước,phường,commune,731,,2025-06-30\n\
        25299,Tam Phước,xã,commune,692,,2025-06-30\n\
        25280,Lộc Thạnh,xã,commune,75,2025-07-01,\n\
        25270,Lộc Thành,xã,commune,75,2025-07-01,2026-04-29\n\
        25270,Lộc Thành,phường,commune,75,2026-04-30,\n";

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_code_means_what_it_meant_on_that_day() {
        let units = Gazetteer::from_csv(UNITS).unwrap();
        assert_eq!(units.by_code("26041", day("2013-10-01")).unwrap().name, "Quyết Thắng");
        assert_eq!(units.by_code("26041", day("2024-12-02")).unwrap().name, "Trung Dũng");
        assert_eq!(units.by_code("26041", day("2024-12-02")).unwrap().district_code, "731");
        assert_eq!(units.by_code("26041", day("2026-01-01")).unwrap().district_code, "");
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
        let units = Gazetteer::from_csv(UNITS).unwrap();
        let on = day("2013-10-01");
        assert_eq!(units.by_name("Tam Phước", None, on).unwrap().code, "26374", "our own");
        let there = units.by_name("Tam Phước", Some("Lộc Ninh"), on).unwrap();
        assert_eq!(there.code, "25299");
        assert_eq!(units.by_name("Tân Hiệp", None, on), Err(Miss::Ambiguous));
        assert_eq!(units.by_name("P. TÂN HIỆP", Some("Tp Biên Hoà"), on).unwrap().code, "26011");
        let address = "Quốc lộ 51, xã Tân Hiệp, huyện Long Thành";
        assert_eq!(units.in_address(address, on).unwrap().code, "26400");
    }

    #[test]
    fn names_that_differ_by_their_marks_alone_are_told_apart_where_marks_are_written() {
        let units = Gazetteer::from_csv(UNITS).unwrap();
        let on = day("2026-01-01");
        for (name, code) in [("xã Lộc Thạnh", "25280"), ("LỘC THÀNH", "25270")] {
            assert_eq!(units.by_name(name, None, on).unwrap().code, code, "{name}");
        }
        assert_eq!(units.by_name("xa Loc Thanh", None, on), Err(Miss::Ambiguous));
        // One that has become a ward is the same.
        for on in ["2026-04-29", "2026-04-30"] {
            assert_eq!(units.by_name("Lộc Thành", None, day(on)).unwrap().code, "25270");
        }
    }
}
