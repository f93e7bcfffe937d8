//! What is asked about: `findings.toml` of a catalogue's folder, proved to say all that each rule
//! needs and nothing that it does not know.

use std::{collections::BTreeMap, path::Path};

use jiff::civil::Date;
use mappings::Diagnostic;
use serde::Deserialize;
use toml::Spanned;

use super::{cell::Faults, declared::Declared};
use crate::registry::finding::{CutOff, FindingRule, Parameter, RuleName, StatusWords};

/// A number of days, dossiers or times, at most.
const NUMBER_MAX: u32 = 10_000;

/// A year with all days that any year has.
const LEAP_YEAR: i16 = 2024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<DeclaredRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredRule {
    name: Spanned<String>,
    days: Option<Spanned<u32>>,
    before_days: Option<Spanned<u32>>,
    grace_days: Option<Spanned<u32>>,
    dossiers: Option<Spanned<u32>>,
    times: Option<Spanned<u32>>,
    moves: Option<Spanned<BTreeMap<String, Vec<u8>>>>,
    words: Option<Spanned<Vec<StatusWords>>>,
    cut_offs: Option<Spanned<Vec<String>>>,
    vi: Spanned<String>,
    en: Spanned<String>,
    question_vi: Spanned<String>,
    question_en: Spanned<String>,
    valid_from: Option<Spanned<String>>,
    valid_to: Option<Spanned<String>>,
}

impl DeclaredRule {
    /// Where a parameter is written, if it is.
    fn place(&self, parameter: Parameter) -> Option<std::ops::Range<usize>> {
        let number = |told: &Option<Spanned<u32>>| told.as_ref().map(Spanned::span);
        match parameter {
            Parameter::Days => number(&self.days),
            Parameter::BeforeDays => number(&self.before_days),
            Parameter::GraceDays => number(&self.grace_days),
            Parameter::Dossiers => number(&self.dossiers),
            Parameter::Times => number(&self.times),
            Parameter::Moves => self.moves.as_ref().map(Spanned::span),
            Parameter::Words => self.words.as_ref().map(Spanned::span),
            Parameter::CutOffs => self.cut_offs.as_ref().map(Spanned::span),
        }
    }
}

/// Reads and proves the rules; none where they have a fault.
pub(super) fn findings(folder: &Path, found: &mut Faults) -> Vec<FindingRule> {
    let read = Declared::read::<File>(folder, "findings.toml", "docs/findings.md");
    let Some((declared, file)) = read.map_err(|fault| found.push(*fault)).ok() else {
        return Vec::new();
    };
    let before = found.len();
    let read: Vec<Option<FindingRule>> =
        file.rule.iter().map(|told| rule(&declared, told.get_ref(), found)).collect();
    let rules: Vec<FindingRule> = read.into_iter().flatten().collect();
    if found.len() > before {
        return Vec::new();
    }
    for (at, (one, told)) in rules.iter().zip(&file.rule).enumerate() {
        if rules.iter().take(at).any(|other| one.meets(other)) {
            let message = format!("`{}` stands twice for some day", one.name.name());
            let advice = "end the one before the other begins: valid_to is the last day";
            found.push(declared.fault(&told.get_ref().name.span(), message, advice));
        }
    }
    rules
}

fn rule(declared: &Declared, told: &DeclaredRule, found: &mut Faults) -> Option<FindingRule> {
    let before = found.len();
    let name = told.name.get_ref();
    let Some(rule) = RuleName::ALL.iter().copied().find(|rule| rule.name() == name) else {
        let names: Vec<&str> = RuleName::ALL.iter().map(|rule| rule.name()).collect();
        let advice = format!("write one of {}", names.join(", "));
        let message = format!("`{name}` is no rule");
        found.push(declared.fault(&told.name.span(), message, &advice));
        return None;
    };
    for parameter in Parameter::ALL {
        let (wanted, place) = (rule.parameters().contains(&parameter), told.place(parameter));
        let parameter = parameter.name();
        if wanted && place.is_none() {
            let message = format!("`{name}` lacks `{parameter}`");
            found.push(declared.fault(&told.name.span(), message, "add it: see docs/findings.md"));
        }
        if let Some(place) = place.filter(|_| !wanted) {
            let message = format!("`{name}` is not set by `{parameter}`");
            found.push(declared.fault(&place, message, "leave it out"));
        }
    }
    let numbers = [&told.days, &told.before_days, &told.grace_days, &told.dossiers, &told.times];
    for number in numbers.into_iter().flatten().filter(|one| *one.get_ref() > NUMBER_MAX) {
        let message = format!("{} is too many", number.get_ref());
        found.push(declared.fault(&number.span(), message, "write at most 10000"));
    }
    for text in [&told.vi, &told.en, &told.question_vi, &told.question_en] {
        found.extend(unknown_value(declared, text, rule));
    }
    let (from, to) = (told.valid_from.as_ref(), told.valid_to.as_ref());
    let (valid_from, valid_to) = declared.days(from, to, found);
    let moves = moves(declared, told, found);
    words(declared, told, found);
    let cut_offs = cut_offs(declared, told, found);
    if found.len() > before {
        return None;
    }
    let number = |told: &Option<Spanned<u32>>| told.as_ref().map_or(0, |told| *told.get_ref());
    Some(FindingRule {
        name: rule,
        days: number(&told.days),
        before_days: number(&told.before_days),
        grace_days: number(&told.grace_days),
        dossiers: number(&told.dossiers),
        times: number(&told.times),
        moves,
        words: told.words.as_ref().map(|told| told.get_ref().clone()).unwrap_or_default(),
        cut_offs,
        vi: told.vi.get_ref().clone(),
        en: told.en.get_ref().clone(),
        question_vi: told.question_vi.get_ref().clone(),
        question_en: told.question_en.get_ref().clone(),
        valid_from,
        valid_to,
    })
}

/// A value named in words that the rule has not.
fn unknown_value(
    declared: &Declared,
    text: &Spanned<String>,
    rule: RuleName,
) -> Option<Diagnostic> {
    let mut named = text.get_ref().split('{').skip(1).map(|rest| rest.split_once('}'));
    let unknown = named.find(|one| one.is_none_or(|(name, _)| !rule.values().contains(&name)))?;
    let message = match unknown {
        Some((value, _)) => format!("`{}` has no value `{value}`", rule.name()),
        None => "a `{` is not closed".to_owned(),
    };
    let values: Vec<String> = rule.values().iter().map(|name| format!("{{{name}}}")).collect();
    let advice = format!("its values are {}", values.join(", "));
    Some(declared.fault(&text.span(), message, &advice))
}

fn is_status(code: u8) -> bool {
    (1..=10).contains(&code)
}

fn moves(declared: &Declared, told: &DeclaredRule, found: &mut Faults) -> BTreeMap<u8, Vec<u8>> {
    let Some(moves) = &told.moves else { return BTreeMap::new() };
    let mut read = BTreeMap::new();
    for (from, to) in moves.get_ref() {
        let from = from.parse::<u8>().ok().filter(|code| is_status(*code));
        match from.filter(|_| to.iter().all(|code| is_status(*code))) {
            Some(from) => _ = read.insert(from, to.clone()),
            None => {
                let message = "a move is between two statuses, 1 to 10".to_owned();
                let advice = "write such as { \"1\" = [2, 3, 7] }";
                found.push(declared.fault(&moves.span(), message, advice));
            }
        }
    }
    read
}

fn words(declared: &Declared, told: &DeclaredRule, found: &mut Faults) {
    let Some(words) = &told.words else { return };
    let sound = |one: &StatusWords| {
        is_status(one.status)
            && is_status(one.meant)
            && one.status != one.meant
            && one.says.iter().all(|text| text.chars().any(char::is_alphanumeric))
    };
    if !words.get_ref().iter().all(sound) {
        let message = "words are told with one status and mean another".to_owned();
        let advice = "write such as { status = 9, meant = 5, says = [\"trả hồ sơ bổ sung\"] }";
        found.push(declared.fault(&words.span(), message, advice));
    }
}

fn cut_offs(declared: &Declared, told: &DeclaredRule, found: &mut Faults) -> Vec<CutOff> {
    let Some(cut_offs) = &told.cut_offs else { return Vec::new() };
    let one = |text: &String| {
        let (month, day) = text.split_once('-')?;
        let two = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() == 2);
        let (month, day) = (two(month)?, two(day)?);
        Date::new(LEAP_YEAR, month, day).ok().map(|_| CutOff { month, day })
    };
    let read: Option<Vec<CutOff>> = cut_offs.get_ref().iter().map(one).collect();
    read.unwrap_or_else(|| {
        let message = "a cut-off is a day of every year".to_owned();
        found.push(declared.fault(&cut_offs.span(), message, "write such as \"12-14\""));
        Vec::new()
    })
}
