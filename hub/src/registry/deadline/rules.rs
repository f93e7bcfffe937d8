//! Which rule holds for a dossier: the one that says most of what it is for.

use jiff::civil::Date;

use super::model::DeadlineRule;

/// What rules are chosen by.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Codes of the procedure.
    pub procedure: [Option<&'a str>; 2],
    /// Name of its field.
    pub field: Option<&'a str>,
    /// Accepting agency.
    pub agency: &'a str,
    /// How it was filed.
    pub channel: Option<&'a str>,
    /// Day of acceptance.
    pub on: Date,
}

/// What a rule says of whom it is for, as a weight: a procedure outweighs a field, a field an
/// agency, an agency the way of filing. Rules of one weight say the same kinds of things.
pub fn kind_of(rule: &DeadlineRule) -> u8 {
    u8::from(!rule.procedures.is_empty()) << 3
        | u8::from(!rule.fields.is_empty()) << 2
        | u8::from(!rule.agencies.is_empty()) << 1
        | u8::from(rule.channel.is_some())
}

fn stands(rule: &DeadlineRule, on: Date) -> bool {
    rule.valid_from.is_none_or(|first| first <= on) && rule.valid_to.is_none_or(|last| on <= last)
}

fn fits(rule: &DeadlineRule, asked: &Asked<'_>) -> bool {
    let named = |list: &[String], value: Option<&str>| {
        list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
    };
    let [code, own] = asked.procedure;
    stands(rule, asked.on)
        && (named(&rule.procedures, code) || named(&rule.procedures, own))
        && named(&rule.fields, asked.field)
        && named(&rule.agencies, Some(asked.agency))
        && rule.channel.as_deref().is_none_or(|channel| asked.channel == Some(channel))
}

/// The rule for what is asked. Checked rules of one weight never fit both: [`clash`].
pub fn rule_for<'a>(rules: &'a [DeadlineRule], asked: &Asked<'_>) -> Option<&'a DeadlineRule> {
    rules.iter().filter(|rule| fits(rule, asked)).max_by_key(|rule| kind_of(rule))
}

/// Whether two rules could both be for one dossier, neither being the more particular one.
pub fn clash(one: &DeadlineRule, other: &DeadlineRule) -> bool {
    let shared = |a: &[String], b: &[String]| a.is_empty() || a.iter().any(|name| b.contains(name));
    let before = |last: Option<Date>, first: Option<Date>| {
        last.zip(first).is_some_and(|(last, first)| last < first)
    };
    kind_of(one) == kind_of(other)
        && shared(&one.procedures, &other.procedures)
        && shared(&one.fields, &other.fields)
        && shared(&one.agencies, &other.agencies)
        && one.channel == other.channel
        && !before(one.valid_to, other.valid_from)
        && !before(other.valid_to, one.valid_from)
}
