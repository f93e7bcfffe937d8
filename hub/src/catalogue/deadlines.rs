//! How time limits run: `deadlines.toml` of a catalogue's folder, proved to leave no dossier
//! without a rule and none with two.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;
use toml::Spanned;

use super::{PAGE_OF_DEADLINES as PAGE, calendar::uncovered, cell::Faults, declared::Declared};
use crate::registry::{
    Catalogue,
    calendar::Calendar,
    deadline::{DeadlineRule, Limit, LimitUnit, Phase, Resume, Waits, clash, kind_of},
    phrase::Words,
};

/// Units of a time limit, at most.
const VALUE_MAX: u32 = 10_000;

const LIMITS: &str = "write \"N working_days\", \"N calendar_days\", \"N working_hours\", \
                      \"same_day\" or \"none\"; N is from 1 to 10000";

const TIME_TO_SUPPLEMENT: &str = "write \"N working_days\", \"N calendar_days\" or \
                                  \"N working_hours\", or leave it out";

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
    #[serde(default)]
    procedures: Vec<Spanned<String>>,
    #[serde(default)]
    fields: Vec<Spanned<String>>,
    #[serde(default)]
    agencies: Vec<Spanned<String>>,
    channel: Option<Channel>,
    limit: Option<Spanned<String>>,
    accept_until: Option<Spanned<String>>,
    resume: Resume,
    pauses: Vec<Waits>,
    supplement: Option<Spanned<String>>,
    #[serde(default)]
    uncounted: Vec<Spanned<DeclaredPhase>>,
    extensions_max: u32,
    apology: Apology,
    legal_basis: Option<String>,
    valid_from: Option<Spanned<String>>,
    valid_to: Option<Spanned<String>>,
}

/// A phase that never counts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredPhase {
    name: String,
    says: Vec<String>,
}

/// How a dossier is filed.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Channel {
    Online,
    Counter,
    Post,
}

impl Channel {
    fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Counter => "counter",
            Self::Post => "post",
        }
    }
}

/// Whether a new date wants a letter of apology.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Apology {
    Required,
    Optional,
}

/// Reads and proves the rules; none where they have a fault.
pub(super) fn deadlines(
    folder: &Path,
    catalogue: &Catalogue,
    calendar: Option<&Calendar>,
    found: &mut Faults,
) -> Vec<DeadlineRule> {
    let read = Declared::read::<File>(folder, "deadlines.toml", PAGE);
    let Some((declared, file)) = read.map_err(|fault| found.push(*fault)).ok() else {
        return Vec::new();
    };
    let before = found.len();
    let known = Known::new(catalogue);
    let read: Vec<Option<DeadlineRule>> =
        file.rule.iter().map(|told| rule(&declared, told.get_ref(), &known, found)).collect();
    let rules: Vec<DeadlineRule> = read.into_iter().flatten().collect();
    if found.len() > before {
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    for (at, (one, told)) in rules.iter().zip(&file.rule).enumerate() {
        if !names.insert(&one.name) {
            let message = format!("`{}` is the name of two rules", one.name);
            let span = told.get_ref().name.span();
            found.push(declared.fault(&span, message, "give each its name"));
        }
        if let Some(other) = rules.iter().take(at).find(|other| clash(one, other)) {
            let message = format!("`{}` and `{}` may hold for one dossier", other.name, one.name);
            let advice = "end the one before the other begins, or say more of what it is for";
            found.push(declared.fault(&told.span(), message, advice));
        }
    }
    let general = rules.iter().filter(|rule| kind_of(rule) == 0);
    let stretches = general.map(|rule| (rule.valid_from, rule.valid_to)).collect();
    if let Some(calendar) = calendar
        && let Some(day) = uncovered(stretches, (calendar.first_day, calendar.last_day))
    {
        let message = format!("no rule for all dossiers holds on {day}");
        let advice = "add a [[rule]] without procedures, fields, agencies and channel that holds \
                      on that day";
        found.push(declared.fault(&(0..0), message, advice));
    }
    rules
}

/// What rules may name.
struct Known<'a> {
    procedures: BTreeSet<&'a str>,
    agencies: BTreeSet<&'a str>,
    catalogue: &'a Catalogue,
}

impl<'a> Known<'a> {
    fn new(catalogue: &'a Catalogue) -> Self {
        let codes = catalogue.procedures.iter().flat_map(|one| [&one.code, &one.source_code]);
        Self {
            procedures: codes.flatten().map(String::as_str).collect(),
            agencies: catalogue.agencies.iter().map(|one| one.id.as_str()).collect(),
            catalogue,
        }
    }

    fn field(&self, id: &str) -> Option<&'a str> {
        let mut fields = self.catalogue.fields.iter();
        fields.find(|field| field.id == id).map(|field| field.name.as_str())
    }
}

fn rule(
    declared: &Declared,
    told: &DeclaredRule,
    known: &Known<'_>,
    found: &mut Faults,
) -> Option<DeadlineRule> {
    let before = found.len();
    let is_procedure = |code: &str| known.procedures.contains(code);
    declared.known(&told.procedures, is_procedure, "procedures.csv", found);
    declared.known(&told.agencies, |id| known.agencies.contains(id), "agencies.csv", found);
    declared.known(&told.fields, |id| known.field(id).is_some(), "fields.csv", found);
    let limit = told.limit.as_ref().map(|told| limit(declared, told, found));
    let time_to_supplement =
        told.supplement.as_ref().and_then(|told| time_to_supplement(declared, told, found));
    let uncounted = told.uncounted.iter().filter_map(|told| phase(declared, told, found)).collect();
    let accept_until = told.accept_until.as_ref().map(|told| {
        let second = Declared::time(told.get_ref());
        if second.is_none() {
            let message = format!("`{}` is no time of day", told.get_ref());
            found.push(declared.fault(&told.span(), message, "write \"HH:MM\""));
        }
        second
    });
    let (from, to) = (told.valid_from.as_ref(), told.valid_to.as_ref());
    let (valid_from, valid_to) = declared.days(from, to, found);
    let texts = |all: &[Spanned<String>]| all.iter().map(|one| one.get_ref().clone()).collect();
    let fields = told.fields.iter().filter_map(|id| known.field(id.get_ref()));
    (found.len() == before).then(|| DeadlineRule {
        name: told.name.get_ref().clone(),
        procedures: texts(&told.procedures),
        fields: fields.map(ToOwned::to_owned).collect(),
        agencies: texts(&told.agencies),
        channel: told.channel.map(|channel| channel.name().to_owned()),
        limit: limit.flatten(),
        accept_until: accept_until.flatten(),
        resume: told.resume,
        pauses: told.pauses.clone(),
        supplement: time_to_supplement,
        uncounted,
        extensions_max: told.extensions_max,
        apology_required: told.apology == Apology::Required,
        legal_basis: told.legal_basis.clone(),
        valid_from,
        valid_to,
    })
}

/// The time that an applicant has for more papers.
fn time_to_supplement(
    declared: &Declared,
    told: &Spanned<String>,
    found: &mut Faults,
) -> Option<Limit> {
    let read = limit(declared, told, found)?;
    let counted = !matches!(read.unit, LimitUnit::None | LimitUnit::SameDay);
    if !counted {
        let message = format!("`{}` gives an applicant no time", told.get_ref());
        found.push(declared.fault(&told.span(), message, TIME_TO_SUPPLEMENT));
    }
    counted.then_some(read)
}

/// A phase that can be told from what a source calls its steps.
fn phase(declared: &Declared, told: &Spanned<DeclaredPhase>, found: &mut Faults) -> Option<Phase> {
    let DeclaredPhase { name, says } = told.get_ref();
    let blank = name.trim().is_empty()
        || says.is_empty()
        || says.iter().any(|text| Words::of(text).is_empty());
    if blank {
        let message = "a phase has a name, and words by which its step is known".to_owned();
        let advice = "write { name = \"…\", says = [\"…\"] }, each with at least one word";
        found.push(declared.fault(&told.span(), message, advice));
    }
    (!blank).then(|| Phase { name: name.clone(), says: says.clone() })
}

fn limit(declared: &Declared, told: &Spanned<String>, found: &mut Faults) -> Option<Limit> {
    let text = told.get_ref();
    let counted = |text: &str| {
        let (value, unit) = text.split_once(' ')?;
        let value = value.parse::<u32>().ok().filter(|value| (1..=VALUE_MAX).contains(value))?;
        let unit = match unit {
            "working_days" => LimitUnit::WorkingDays,
            "calendar_days" => LimitUnit::CalendarDays,
            "working_hours" => LimitUnit::WorkingHours,
            _ => return None,
        };
        Some(Limit { value, unit })
    };
    let read = match text.as_str() {
        "same_day" => Some(Limit { value: 0, unit: LimitUnit::SameDay }),
        "none" => Some(Limit { value: 0, unit: LimitUnit::None }),
        text => counted(text),
    };
    if read.is_none() {
        found.push(declared.fault(&told.span(), format!("`{text}` is no time limit"), LIMITS));
    }
    read
}
