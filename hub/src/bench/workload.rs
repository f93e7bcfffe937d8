//! The load: dossiers of an agency that does not exist, as XML of 2.9 to 3.0 KB each, or as rows of
//! separated values.
//!
//! A dossier is a function of the seed, its number and its version, so what is sent twice is equal
//! byte for byte, and a run can be repeated.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use contracts::Contracts;
use jiff::civil::{DateTime, datetime};
use mappings::{Mapping, Sources};
use serde::Deserialize;

use super::BenchError;
use crate::{
    catalog::{Channel, CurrentMode},
    journal::{entry::Mode, merkle::Digest},
};

/// The agency.
pub(super) const AGENCY: &str = "so-thu-nghiem";
/// Its channel of XML.
pub(super) const CHANNEL: &str = "so-thu-nghiem.ho-so";
/// Its channel of separated values.
pub(super) const ROWS_CHANNEL: &str = "so-thu-nghiem.bang";
/// The year in which its dossiers are accepted.
pub(super) const YEAR: i16 = 2023;

/// Bytes of a message with one dossier, at least; the note is as long as it takes.
const MESSAGE_BYTES_MIN: usize = 2_935;
/// Days over which the versions of a dossier spread; later ones are minutes apart.
const DAYS_MAX: u64 = 300;
/// Agencies, as the code table `don-vi` has them.
const AGENCIES: u64 = 12;
/// What a dossier goes through, version by version, and again.
const STATUSES: [&str; 6] = ["MOI", "DANG_XL", "CHO_BS", "DANG_XL", "XONG", "DA_TRA"];

/// Its file.
pub(super) const AGENCY_FILE: &str = include_str!("agency/agency.toml");
const MAPPING: &str = include_str!("agency/ho-so.toml");
const TEMPLATE: &str = include_str!("agency/ho-so.xml");
pub(super) const ROWS_MAPPING: &str = include_str!("agency/bang.toml");
pub(super) const ROWS_TEMPLATE: &str = include_str!("agency/bang.csv");
const WORDS: &str = include_str!("agency/words.toml");
const TABLES: [(&str, &str); 6] = [
    ("don-vi", include_str!("agency/tables/don-vi.csv")),
    ("gioi-tinh", include_str!("agency/tables/gioi-tinh.csv")),
    ("kenh", include_str!("agency/tables/kenh.csv")),
    ("linh-vuc", include_str!("agency/tables/linh-vuc.csv")),
    ("loai", include_str!("agency/tables/loai.csv")),
    ("trang-thai", include_str!("agency/tables/trang-thai.csv")),
];

/// A small generator of numbers that a seed repeats (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn pick<'a>(&mut self, words: &'a [String]) -> &'a str {
        let at = self.below(words.len() as u64) as usize;
        words.get(at).map_or("", String::as_str)
    }
}

#[derive(Debug, Deserialize)]
struct Procedure {
    code: String,
    name: String,
    field: String,
}

#[derive(Debug, Deserialize)]
struct Words {
    family: Vec<String>,
    middle: Vec<String>,
    given: Vec<String>,
    streets: Vec<String>,
    communes: Vec<String>,
    papers: Vec<String>,
    units: Vec<String>,
    notes: Vec<String>,
    procedures: Vec<Procedure>,
}

/// Text of the template up to a `{slot}`, and the slot's name.
struct Piece {
    before: &'static str,
    slot: &'static str,
}

/// What a message is made from: its head, a dossier with slots to fill, and its tail.
struct Template {
    head: &'static str,
    pieces: Vec<Piece>,
    rest: &'static str,
    tail: &'static str,
}

impl Template {
    /// A dossier begins with one mark and ends before another, or with the text.
    fn new(text: &'static str, begin: &str, end: Option<&str>) -> Option<Self> {
        let (head, rest) = halves(text, begin)?;
        let (mut rest, tail) = end.map_or(Some((rest, "")), |end| halves(rest, end))?;
        let mut pieces = Vec::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, after) = after.split_once('}')?;
            pieces.push(Piece { before, slot });
            rest = after;
        }
        Some(Self { head, pieces, rest, tail })
    }
}

/// What the dossiers of a message are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// XML, as [`CHANNEL`] takes it.
    Xml,
    /// Separated values, as [`ROWS_CHANNEL`] takes them.
    Rows,
}

impl Shape {
    /// The channel that takes it.
    pub(super) fn channel(self) -> &'static str {
        match self {
            Self::Xml => CHANNEL,
            Self::Rows => ROWS_CHANNEL,
        }
    }
}

/// The load of one seed.
pub(super) struct Workload {
    pub(super) seed: u64,
    words: Words,
    xml: Template,
    rows: Template,
}

impl Workload {
    pub(super) fn new(seed: u64) -> Result<Self, BenchError> {
        let damaged = || BenchError::Damaged("the load's template".to_owned());
        let words =
            toml::from_str(WORDS).map_err(|error| BenchError::Damaged(error.to_string()))?;
        let end = Some("</DanhSachHoSo>");
        let xml = Template::new(TEMPLATE, "<HoSo>", end).ok_or_else(damaged)?;
        let rows = Template::new(ROWS_TEMPLATE, "{code}", None).ok_or_else(damaged)?;
        Ok(Self { seed, words, xml, rows })
    }

    /// The code of a dossier, by which it is looked up.
    pub(super) fn code(number: u64) -> String {
        format!("TN-{YEAR}-{number:08}")
    }

    /// A message with some dossiers, all at one version.
    pub(super) fn message(&self, numbers: std::ops::Range<u64>, version: u64, out: &mut String) {
        self.shaped(Shape::Xml, numbers, version, out);
    }

    /// The same in a shape.
    pub(super) fn shaped(
        &self,
        shape: Shape,
        numbers: std::ops::Range<u64>,
        version: u64,
        out: &mut String,
    ) {
        let template = match shape {
            Shape::Xml => &self.xml,
            Shape::Rows => &self.rows,
        };
        out.push_str(template.head);
        for number in numbers {
            self.dossier(template, (number, version), out);
        }
        out.push_str(template.tail);
    }

    fn dossier(&self, template: &Template, (number, version): (u64, u64), out: &mut String) {
        let start = out.len();
        let mut filling = Filling::new(self, number, version);
        for Piece { before, slot } in &template.pieces {
            out.push_str(before);
            if *slot == "note" {
                let around = template.head.len() + template.tail.len() + template.rest.len();
                filling.note(MESSAGE_BYTES_MIN.saturating_sub(around) + start, out);
            } else {
                filling.fill(slot, out);
            }
        }
        out.push_str(template.rest);
    }
}

/// What is the same wherever it stands in one dossier.
struct Filling<'a> {
    words: &'a Words,
    random: Random,
    number: u64,
    version: u64,
    procedure: Option<&'a Procedure>,
    organization: bool,
    accepted: DateTime,
    told: DateTime,
}

impl<'a> Filling<'a> {
    fn new(load: &'a Workload, number: u64, version: u64) -> Self {
        let mut random = Random::new(load.seed, number);
        let minutes = random.below(480) as i64;
        let days = random.below(365) as i64;
        let first = datetime(YEAR, 1, 1, 7, 30, 0, 0);
        let accepted = first.saturating_add(jiff::Span::new().days(days).minutes(minutes));
        let (days, minutes) = (version.min(DAYS_MAX) as i64, version as i64);
        let told = accepted.saturating_add(jiff::Span::new().days(days).minutes(minutes));
        let at = random.below(load.words.procedures.len() as u64) as usize;
        let organization = random.below(8) == 0;
        let procedure = load.words.procedures.get(at);
        Self {
            words: &load.words,
            random,
            number,
            version,
            procedure,
            organization,
            accepted,
            told,
        }
    }

    fn status(&self) -> &'static str {
        let at = (self.version % STATUSES.len() as u64) as usize;
        STATUSES.get(at).copied().unwrap_or("MOI")
    }

    fn fill(&mut self, slot: &str, out: &mut String) {
        let status = self.status();
        let (words, random) = (self.words, &mut self.random);
        let procedure = |part: fn(&Procedure) -> &str| self.procedure.map_or("", part);
        match slot {
            "code" => out.push_str(&Workload::code(self.number)),
            "version" => put(out, format_args!("{}", self.told)),
            "agency" => put(out, format_args!("{:02}", 1 + random.below(AGENCIES))),
            "procedure" => out.push_str(procedure(|one| &one.code)),
            "procedure_name" => out.push_str(procedure(|one| &one.name)),
            "field" => out.push_str(procedure(|one| &one.field)),
            "kind" => out.push_str(if self.organization { "2" } else { "1" }),
            "name" if self.organization => {
                put(out, format_args!("Công ty TNHH {}", random.pick(&words.given)));
            }
            "name" | "officer" => {
                let (family, middle) = (random.pick(&words.family), random.pick(&words.middle));
                put(out, format_args!("{family} {middle} {}", random.pick(&words.given)));
            }
            "birth_date" | "gender" if self.organization => {}
            "birth_date" => {
                let (day, month) = (1 + random.below(28), 1 + random.below(12));
                put(out, format_args!("{day:02}/{month:02}/{}", 1950 + random.below(55)));
            }
            "gender" => put(out, format_args!("{}", random.below(2))),
            "id_number" => put(out, format_args!("075{:09}", random.below(1_000_000_000))),
            "phone" => put(out, format_args!("09{:08}", random.below(100_000_000))),
            "email" => put(out, format_args!("nguoi.nop.{}@thu.example", self.number)),
            "house" => put(out, format_args!("{}", 1 + random.below(400))),
            "street" => out.push_str(random.pick(&words.streets)),
            "commune" => out.push_str(random.pick(&words.communes)),
            "channel" => out.push_str(["M", "T", "B"][random.below(3) as usize]),
            "submitted" => put(out, day(self.accepted, 0)),
            "accepted" => {
                let (hour, minute) = (self.accepted.hour(), self.accepted.minute());
                put(out, day(self.accepted, 0));
                put(out, format_args!(" {hour:02}:{minute:02}"));
            }
            "due" => put(out, day(self.accepted, 3 + random.below(25) as i64)),
            "status" => out.push_str(status),
            "finished" if matches!(status, "XONG" | "DA_TRA") => put(out, day(self.told, 0)),
            "amount" => {
                put(out, format_args!("{}.{}00.000", 1 + random.below(9), random.below(10)))
            }
            "paper" => out.push_str(random.pick(&words.papers)),
            "copies" => put(out, format_args!("{}", 1 + random.below(4))),
            "unit" => out.push_str(random.pick(&words.units)),
            _ => {}
        }
    }

    /// Remarks until the dossier ends at `end` or just after.
    fn note(&mut self, end: usize, out: &mut String) {
        put(out, format_args!("Lần {} &amp; theo dõi", self.version));
        while out.len() < end {
            put(out, format_args!("; {}", self.random.pick(&self.words.notes)));
        }
    }
}

/// A text before a mark, and from it on.
fn halves(text: &'static str, mark: &str) -> Option<(&'static str, &'static str)> {
    text.split_at_checked(text.find(mark)?)
}

/// Writing to a text cannot fail.
fn put(out: &mut String, what: impl std::fmt::Display) {
    let _ = write!(out, "{what}");
}

fn day(from: DateTime, days: i64) -> impl std::fmt::Display {
    let day = from.date().saturating_add(jiff::Span::new().days(days));
    format!("{:02}/{:02}/{}", day.day(), day.month(), day.year())
}

/// The channel, compiled in this process.
pub(super) fn channel(contracts: &Contracts) -> Result<Channel, BenchError> {
    let tables: BTreeMap<String, String> =
        TABLES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let sources = Sources { file: "ho-so.toml".to_owned(), text: MAPPING.to_owned(), tables };
    let mapping = Mapping::compile(&sources, contracts).map_err(|found| {
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        BenchError::Damaged(lines.join("\n"))
    })?;
    Ok(Channel {
        id: CHANNEL.to_owned(),
        folder: PathBuf::new(),
        name: "ho-so".to_owned(),
        mapping,
        hash: Digest::of(MAPPING.as_bytes()),
        mode: CurrentMode::new(Mode::Live),
        dropped: None,
        called: None,
        read: None,
        expected: Default::default(),
        holds_on: Default::default(),
    })
}

/// Writes the agency's folder, for a hub that reads it from there.
pub(super) fn write_agency(agencies: &Path) -> io::Result<()> {
    write_as(agencies, AGENCY, AGENCY_FILE)
}

/// Writes the folder of an agency like it.
pub(super) fn write_as(agencies: &Path, id: &str, agency: &str) -> io::Result<()> {
    let folder = agencies.join(id);
    fs::create_dir_all(folder.join("tables"))?;
    fs::write(folder.join("agency.toml"), agency)?;
    fs::write(folder.join("ho-so.toml"), MAPPING)?;
    fs::write(folder.join("bang.toml"), ROWS_MAPPING)?;
    for (name, text) in TABLES {
        fs::write(folder.join("tables").join(format!("{name}.csv")), text)?;
    }
    Ok(())
}
