//! National codes: dossier codes, agency spellings and procedure codes (domain §1).
//!
//! Read by hand, in one pass over a bounded text: no pattern engine, no guessing.

#![allow(clippy::result_large_err, reason = "a problem is the answer, and failure is rare")]

use std::fmt;

use jiff::civil::Date;

use crate::problem::{BAD_CODE, Problem};

/// Longest text that is looked at, in bytes.
const CODE_BYTES_MAX: usize = 128;

const DOSSIER_RULE: &str = "agency-date-sequence: date yyMMdd or yyyyMMdd, sequence 4 to 7 digits";
const PROCEDURE_RULE: &str =
    "d.dddddd, d.dddddd.ddd.dd.dd.(G|H)dd, T-XX-dddddd-TT or B-XX-dddddd-TT";

/// A national dossier code (mã số hồ sơ), such as `H56.14-240823-0001`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DossierCode {
    canonical: String,
    agency_bytes: usize,
    date: Date,
    sequence_at: usize,
}

impl DossierCode {
    /// Reads a code: trims, turns every dash into `-` and letters into capitals.
    ///
    /// # Errors
    /// A `bad-code` problem when the shape is wrong or the date is not in the calendar.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |rule: &str| Problem::new(&BAD_CODE).by_rule(rule).with_value(text.trim(), false);
        let canonical = normalise(text).ok_or_else(|| bad("at most 128 bytes"))?;
        let mut parts = canonical.rsplitn(3, '-');
        let (Some(sequence), Some(day), Some(agency)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(bad(DOSSIER_RULE));
        };
        if !is_digits(sequence, 4..=7) || !is_agency(agency) {
            return Err(bad(DOSSIER_RULE));
        }
        let date = code_date(day).ok_or_else(|| bad("the date is a day in the calendar"))?;
        let agency_bytes = agency.len();
        let sequence_at = canonical.len() - sequence.len();
        Ok(Self { agency_bytes, date, sequence_at, canonical })
    }

    /// The agency part as written, in capitals.
    pub fn agency(&self) -> &str {
        self.canonical.get(..self.agency_bytes).unwrap_or_default()
    }

    /// The day in the code; years of two digits are 2000 to 2099.
    pub fn date(&self) -> Date {
        self.date
    }

    /// The sequence part, 4 to 7 digits with leading zeros.
    pub fn sequence(&self) -> &str {
        self.canonical.get(self.sequence_at..).unwrap_or_default()
    }

    /// The whole code: trimmed, capitals, plain dashes; nothing else is changed.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The whole code in one spelling, whichever its agency was written in: what tells codes apart.
    pub fn one_spelling(&self) -> String {
        let rest = self.canonical.get(self.agency_bytes..).unwrap_or_default();
        self.same_agency_spelling() + rest
    }

    /// The agency part in the spelling of QĐ 20/2020, see [`same_agency_spelling`].
    pub fn same_agency_spelling(&self) -> String {
        same_agency_spelling(self.agency())
    }
}

impl fmt::Display for DossierCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.canonical)
    }
}

/// Turns an agency code of QCVN 102:2016 into the spelling of QĐ 20/2020: groups reversed and
/// zeros dropped, so `000.00.53.H48` is `H48.53`. Any other text is only put in capitals.
pub fn same_agency_spelling(agency: &str) -> String {
    let agency = agency.trim().to_ascii_uppercase();
    if !is_qcvn_agency(&agency) {
        return agency;
    }
    let groups: Vec<_> = agency.rsplit('.').filter(|g| !g.bytes().all(|b| b == b'0')).collect();
    groups.join(".")
}

/// A national procedure code (mã thủ tục hành chính).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcedureCode {
    short: String,
    suffix: Option<String>,
}

impl ProcedureCode {
    /// Reads `1.001612`, `1.010708.000.00.00.H56`, `T-DNA-123456-TT` or `B-BTP-123456-TT`;
    /// trims and normalises dashes and letters as for dossier codes.
    ///
    /// # Errors
    /// A `bad-code` problem when the shape is wrong.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = || Problem::new(&BAD_CODE).by_rule(PROCEDURE_RULE).with_value(text.trim(), false);
        let code = normalise(text).ok_or_else(bad)?;
        if is_old_procedure(&code) {
            return Ok(Self { short: code, suffix: None });
        }
        let short = code.get(..8).filter(|short| is_short_procedure(short)).ok_or_else(bad)?;
        let suffix = match code.get(8..).unwrap_or_default() {
            "" => None,
            rest => {
                let suffix = rest.strip_prefix('.').filter(|s| is_suffix(s)).ok_or_else(bad)?;
                Some(suffix.to_owned())
            }
        };
        Ok(Self { short: short.to_owned(), suffix })
    }

    /// The join key between agencies: `1.001612`, or the whole of an old code.
    pub fn short(&self) -> &str {
        &self.short
    }

    /// The publishing authority, such as `000.00.00.H56`.
    pub fn suffix(&self) -> Option<&str> {
        self.suffix.as_deref()
    }
}

impl fmt::Display for ProcedureCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.short)?;
        self.suffix.iter().try_for_each(|suffix| write!(out, ".{suffix}"))
    }
}

/// Trimmed, in ASCII capitals, with figure, en, em and minus dashes as `-`; none if too long.
fn normalise(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c.to_ascii_uppercase(),
    };
    (text.len() <= CODE_BYTES_MAX).then(|| text.chars().map(plain).collect())
}

fn is_digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// One capital and two digits.
fn is_top(text: &str) -> bool {
    matches!(text.as_bytes(), [b'A'..=b'Z', tail @ ..]
        if tail.len() == 2 && tail.iter().all(u8::is_ascii_digit))
}

fn is_agency(text: &str) -> bool {
    is_qcvn_agency(text) || is_qd20_agency(text)
}

/// `ddd.dd.dd.Xdd`
fn is_qcvn_agency(text: &str) -> bool {
    let groups: Vec<_> = text.splitn(5, '.').collect();
    matches!(groups.as_slice(), [unit, office, level, top]
        if is_digits(unit, 3..=3) && is_digits(office, 2..=2)
            && is_digits(level, 2..=2) && is_top(top))
}

/// `Xdd` and up to five groups of two or three digits or capitals.
fn is_qd20_agency(text: &str) -> bool {
    const LOWER_LEVELS_MAX: usize = 5;
    let level = |group: &str| {
        (2..=3).contains(&group.len())
            && group.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    };
    let mut groups = text.split('.');
    groups.next().is_some_and(is_top)
        && groups.clone().count() <= LOWER_LEVELS_MAX
        && groups.all(level)
}

/// A day written `yyMMdd` or `yyyyMMdd`.
fn code_date(text: &str) -> Option<Date> {
    if !is_digits(text, 6..=8) || text.len() == 7 {
        return None;
    }
    let (year, rest) = text.split_at(text.len() - 4);
    let (month, day) = rest.split_at(2);
    let year: i16 = year.parse().ok()?;
    let year = if text.len() == 6 { year + 2000 } else { year };
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

/// `d.dddddd`
fn is_short_procedure(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(head, tail)| is_digits(head, 1..=1) && is_digits(tail, 6..=6))
}

/// `ddd.dd.dd.Gdd` or `ddd.dd.dd.Hdd`
fn is_suffix(text: &str) -> bool {
    is_qcvn_agency(text) && text.rsplit('.').next().is_some_and(|top| top.starts_with(['G', 'H']))
}

/// `T-XX…-dddddd-TT` (province, 2 to 4 letters) or `B-XX…-dddddd-TT` (ministry, 2 to 5).
fn is_old_procedure(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(5, '-').collect();
    let [level, owner, number, "TT"] = parts.as_slice() else { return false };
    let owner_max = match *level {
        "T" => 4,
        "B" => 5,
        _ => return false,
    };
    (2..=owner_max).contains(&owner.len())
        && owner.bytes().all(|b| b.is_ascii_uppercase())
        && is_digits(number, 6..=6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `domain/dossier_code_examples.tsv`: code, agency, date, sequence.
    const SEEN: [(&str, &str, &str, &str); 5] = [
        ("H19.08-180105-0001", "H19.08", "2018-01-05", "0001"),
        ("H56.14-240823-0001", "H56.14", "2024-08-23", "0001"),
        ("000.00.53.H48-220921-0099", "000.00.53.H48", "2022-09-21", "0099"),
        ("H15.50.05.13-261008-0975", "H15.50.05.13", "2026-10-08", "0975"),
        ("G09.20-20260609-0092637", "G09.20", "2026-06-09", "0092637"),
    ];

    #[test]
    fn codes_seen_in_the_wild_are_read() {
        for (text, agency, date, sequence) in SEEN {
            let code = DossierCode::parse(text).unwrap();
            assert_eq!((code.agency(), code.sequence()), (agency, sequence));
            assert_eq!(code.date().to_string(), date);
            assert_eq!(code.canonical(), text);
        }
    }

    #[test]
    fn spelling_of_dashes_letters_and_spaces_does_not_matter() {
        for text in [" h56.14–240823—0001\n", "H56.14−240823-0001", "h56.14-240823-0001"] {
            assert_eq!(DossierCode::parse(text).unwrap().canonical(), "H56.14-240823-0001");
        }
    }

    #[test]
    fn hostile_and_foreign_codes_are_refused() {
        let long = "H56.14-240823-0001".repeat(10_000);
        for text in [
            "",
            "-",
            "--",
            "---",
            "00.99.H29",
            "03706/2026/07906",
            "H37.DN.001",
            "H56.14-230229-0001",
            "H56.14-241301-0001",
            "H56.14-2408231-0001",
            "H56.14-240823-001",
            "H56.14-240823-00000001",
            "H56.-240823-0001",
            "H56.1-240823-0001",
            "H56.14.14.14.14.14.14-240823-0001",
            "H5６.14-240823-0001",
            "H56.14-24082３-0001",
            "H56.14-240823-0001\u{0}",
            "H56.14 -240823-0001",
            "Đ56.14-240823-0001",
            "0.00.53.H48-220921-0099",
            "x-H56.14-240823-0001",
            "H56.14-00000000-0001",
            long.as_str(),
        ] {
            let problem = DossierCode::parse(text).unwrap_err();
            assert_eq!(problem.code, "bad-code", "{text}");
        }
    }

    #[test]
    fn both_agency_spellings_name_one_agency() {
        for (old, new) in [
            ("000.00.53.H48", "H48.53"),
            ("000.09.23.H34", "H34.23.09"),
            ("000.00.00.H19", "H19"),
            ("h48.53", "H48.53"),
            ("H37.DN.001", "H37.DN.001"),
        ] {
            assert_eq!(same_agency_spelling(old), new);
        }
        let code = DossierCode::parse("000.00.53.H48-220921-0099").unwrap();
        assert_eq!(code.same_agency_spelling(), "H48.53");
    }

    #[test]
    fn procedure_codes_have_a_short_form_and_perhaps_a_suffix() {
        for (text, short, suffix) in [
            (" 1.001612 ", "1.001612", None),
            ("1.010708.000.00.00.h56", "1.010708", Some("000.00.00.H56")),
            ("T-DNA-123456-TT", "T-DNA-123456-TT", None),
            ("b–btp–123456–tt", "B-BTP-123456-TT", None),
        ] {
            let code = ProcedureCode::parse(text).unwrap();
            assert_eq!((code.short(), code.suffix()), (short, suffix));
            assert_eq!(ProcedureCode::parse(&code.to_string()).unwrap(), code);
        }
    }

    #[test]
    fn other_procedure_codes_are_refused() {
        for text in [
            "",
            "1.00161",
            "1.0016123",
            "1001612",
            "1.001612.",
            "1.001612.000.00.00.A56",
            "1.001612.H56",
            "T-DNA-12345-TT",
            "T-ABCDE-123456-TT",
            "X-DNA-123456-TT",
            "T-DNA-123456-TT-1",
            "đđđđđ",
            "1.00161đ",
            "T-DNA-123456",
        ] {
            assert_eq!(ProcedureCode::parse(text).unwrap_err().code, "bad-code", "{text}");
        }
    }
}
