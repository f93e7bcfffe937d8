//! Compiling one `[[record]]`: its rules against its contract.

use std::ops::Range;

use contracts::{
    ContractId,
    schema::{Member, MemberType},
};
use serde_json::Value as Json;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Compiler, Entry};
use crate::{
    condition::Condition,
    mapping::{List, RecordMapping, Rule, Segment, Source, Wants, Way},
    path::Together,
};

/// What a record's table says, still apart.
#[derive(Default)]
struct Parts<'a> {
    contract: Option<ContractId>,
    retract: Option<Entry<'a>>,
    when: Option<Condition>,
    key: Option<Entry<'a>>,
    day: Option<Entry<'a>>,
    map: Option<Entry<'a>>,
}

/// What a record's map says, compiled.
#[derive(Default)]
pub(super) struct Targets {
    pub(super) rules: Vec<Rule>,
    pub(super) lists: Vec<List>,
}

impl Compiler<'_> {
    pub(super) fn record(&mut self, value: &Spanned<DeValue<'_>>) -> Option<RecordMapping> {
        let span = value.span();
        let Some(table) = value.get_ref().as_table() else {
            self.fault(&span, "a record is written as [[record]]", "");
            return None;
        };
        let mut parts = Parts::default();
        let mut sound = true;
        for (name, value) in table {
            match name.get_ref().as_ref() {
                "contract" => parts.contract = self.contract(value),
                "retract" => parts.retract = Some((name, value)),
                "when" => {
                    parts.when = self.condition(value);
                    sound &= parts.when.is_some();
                }
                "key" => parts.key = Some((name, value)),
                "day" => parts.day = Some((name, value)),
                "map" => parts.map = Some((name, value)),
                other => {
                    let message = format!("there is no record setting `{other}`");
                    let known = "settings: contract, retract, when, key, day, [record.map]";
                    self.fault(&name.span(), message, known);
                }
            }
        }
        let contract = parts.contract.or_else(|| {
            self.fault(&span, "the record names no contract", "such as contract = \"dossier/1\"");
            None
        })?;
        let (members, retracts) = self.form(&contract, parts.retract)?;
        let mut targets = Targets::default();
        self.faulty_rules.clear();
        match parts.map.map(|(_, value)| (value.get_ref().as_table(), value.span())) {
            Some((Some(map), _)) => self.rules(map, "", &members, &mut targets),
            _ => self.fault(&span, "the record has no [record.map]", ""),
        }
        let Targets { mut rules, lists } = targets;
        let what = if retracts { "a retraction of " } else { "" };
        self.required(&span, &format!("{what}{contract}"), &members, &rules);
        rules.sort_by_key(|rule| {
            let path = rule.target.replace("[0]", "[]");
            members.iter().position(|member| member.path == path).unwrap_or(usize::MAX)
        });
        let key = self.named(parts.key, "source_code", &rules, &span)?;
        let day = match parts.day {
            Some(entry) => Some(self.named(Some(entry), "", &rules, &span)?),
            None => None,
        };
        let when = parts.when;
        Rule::tell_apart(&mut rules);
        let paths = together(&mut rules);
        let (taken, passed) = Default::default();
        sound.then_some(RecordMapping {
            contract,
            retracts,
            when,
            taken,
            passed,
            key,
            day,
            rules,
            paths,
            lists,
        })
    }

    /// The members that the record's rules produce: the contract's, or its retraction's.
    fn form(
        &mut self,
        contract: &ContractId,
        retract: Option<Entry<'_>>,
    ) -> Option<(Vec<Member>, bool)> {
        let retracts = match retract.map(|(_, value)| (value.get_ref().as_bool(), value.span())) {
            None | Some((Some(false), _)) => None,
            Some((Some(true), span)) => Some(span),
            Some((None, span)) => {
                let advice = "write retract = true where the record withdraws what was told";
                self.fault(&span, "`retract` is true or false", advice);
                return None;
            }
        };
        let Some(span) = retracts else {
            return Some((self.contracts.members(contract).to_vec(), false));
        };
        let members = self.contracts.retraction_members(contract).map(<[Member]>::to_vec);
        if members.is_none() {
            let can = |id: &&ContractId| self.contracts.retraction_members(id).is_some();
            let known: Vec<String> = self
                .contracts
                .iter()
                .map(contracts::schema::Contract::id)
                .filter(can)
                .map(ToString::to_string)
                .collect();
            let advice = format!("what can be withdrawn: {}", known.join(", "));
            self.fault(&span, format!("a {contract} is never withdrawn"), &advice);
        }
        members.map(|members| (members, true))
    }

    /// The index of the rule for a named member.
    fn named(
        &mut self,
        entry: Option<Entry<'_>>,
        otherwise: &str,
        rules: &[Rule],
        record: &Range<usize>,
    ) -> Option<usize> {
        let (name, span) = match entry {
            Some((_, value)) => (self.string(value, "a member's name")?, value.span()),
            None => (otherwise, record.clone()),
        };
        let at = rules.iter().position(|rule| rule.target == name);
        if at.is_none() && !self.faulty_rules.contains(name) {
            let message = format!("no rule produces `{name}`, which is needed here");
            self.fault(&span, message, "add the rule, or name another member");
        }
        at
    }

    fn rules(&mut self, map: &DeTable<'_>, prefix: &str, members: &[Member], into: &mut Targets) {
        for (name, value) in map {
            let target = match prefix {
                "" => name.get_ref().to_string(),
                prefix => format!("{prefix}.{}", name.get_ref()),
            };
            let names = |key: &str| ["from", "compute"].contains(&key);
            let rule_table = |table: &DeTable<'_>| table.keys().any(|key| names(key.get_ref()));
            match value.get_ref() {
                DeValue::Table(table) if target.ends_with("[]") => {
                    into.lists.extend(self.list(&target, &name.span(), table, members));
                }
                DeValue::Table(table) if !rule_table(table) => {
                    self.rules(table, &target, members, into);
                }
                _ => match self.rule(&target, &name.span(), value, members) {
                    Some(rule) => into.rules.push(rule),
                    None => drop(self.faulty_rules.insert(target)),
                },
            }
        }
    }

    pub(super) fn rule(
        &mut self,
        target: &str,
        span: &Range<usize>,
        value: &Spanned<DeValue<'_>>,
        members: &[Member],
    ) -> Option<Rule> {
        let segments = self.segments(target, span)?;
        let (wants, required, personal) = self.member(target, span, members)?;
        let ways: Vec<Option<Way>> = match value.get_ref() {
            DeValue::Array(ways) => ways.iter().map(|way| self.way(way, wants)).collect(),
            _ => vec![self.way(value, wants)],
        };
        let ways = ways.into_iter().collect::<Option<Vec<_>>>()?;
        let path = target.replace("[0]", "[]");
        let member = members.iter().find(|member| member.path == path);
        if let Some(allowed) = member.and_then(|member| member.allowed.as_ref()) {
            self.allowed(target, allowed, &ways, &value.span());
        }
        let pointer = format!("/{}", target.replace("[0]", "/0").replace('.', "/"));
        let (target, alone) = (target.to_owned(), false);
        Some(Rule { target, segments, alone, pointer, ways, required, personal, wants })
    }

    /// Constants and code tables give only values that the contract allows.
    fn allowed(&mut self, target: &str, allowed: &[Json], ways: &[Way], span: &Range<usize>) {
        let words: Vec<String> = allowed
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
            .collect();
        for way in ways {
            let given = match (&way.source, way.calls.last()) {
                (Source::Constant(text), None) => std::slice::from_ref(text),
                (Source::Computed(expression), None) => expression.values().unwrap_or_default(),
                (_, Some(call)) => call.bound.values.as_deref().unwrap_or_default(),
                _ => &[],
            };
            for value in given.iter().filter(|value| !words.contains(value)) {
                let message = format!("`{value}` is not a value of `{target}`");
                self.fault(span, message, &format!("values: {}", words.join(", ")));
            }
        }
    }

    pub(super) fn segments(&mut self, target: &str, span: &Range<usize>) -> Option<Vec<Segment>> {
        let mut segments = Vec::new();
        for part in target.split('.') {
            let (name, index) = match part.strip_suffix("[0]") {
                Some(name) => (name, true),
                None => (part, false),
            };
            if name.is_empty() || name.contains(['[', ']']) {
                let message = format!("`{target}` is not a member's name");
                self.fault(span, message, "such as applicant.name or \"fees[0].amount\"");
                return None;
            }
            segments.push(Segment::Member(name.to_owned()));
            segments.extend(index.then_some(Segment::Index(0)));
        }
        Some(segments)
    }

    /// What the contract says of a member; free members live under `attributes`, all personal.
    fn member(
        &mut self,
        target: &str,
        span: &Range<usize>,
        members: &[Member],
    ) -> Option<(Wants, bool, bool)> {
        let open = members.iter().any(|member| member.open && member.path == "attributes");
        let free = target.strip_prefix("attributes.").filter(|name| !name.contains(['.', '[']));
        if open && free.is_some() {
            return Some((Wants::Any, false, true));
        }
        let path = target.replace("[0]", "[]");
        let Some(member) = members.iter().find(|member| member.path == path) else {
            let near = nearest(&path, members);
            let advice = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            self.fault(span, format!("the contract has no member `{target}`"), &advice);
            return None;
        };
        let has = |wanted: MemberType| member.types.contains(&wanted);
        let wants = if has(MemberType::Moment) {
            Wants::Moment
        } else if has(MemberType::Text) {
            Wants::Text
        } else if has(MemberType::Integer) || has(MemberType::Number) {
            Wants::Number
        } else if has(MemberType::Boolean) {
            Wants::Boolean
        } else {
            let message = format!("`{target}` holds members of its own");
            self.fault(span, message, "write a rule for each of them");
            return None;
        };
        let optional_parent = path.rsplit_once('.').is_some_and(|(parent, _)| {
            let parent = parent.trim_end_matches("[]");
            members.iter().any(|member| member.path == parent && !member.required)
        });
        Some((wants, member.required && !optional_parent, member.personal))
    }

    /// Every required member needs a rule with one way that holds always.
    fn required(&mut self, span: &Range<usize>, what: &str, members: &[Member], rules: &[Rule]) {
        let faulty: Vec<String> =
            self.faulty_rules.iter().map(|target| target.replace("[0]", "[]")).collect();
        // A rule that has a fault of its own is there all the same.
        let missed = |member: &&Member| {
            let within = |path: &String| {
                let rest = path.strip_prefix(&member.path);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            member.required && !faulty.iter().any(within)
        };
        for member in members.iter().filter(missed) {
            let produced = rules.iter().any(|rule| {
                let path = rule.target.replace("[0]", "[]");
                let within = path.strip_prefix(&member.path);
                within.is_some_and(|rest| {
                    (rest.is_empty() && rule.ways.iter().any(|way| way.when.is_none()))
                        || rest.starts_with(['.', '['])
                })
            });
            let parent_used = match member.path.rsplit_once('.') {
                None => true,
                Some((parent, _)) => rules.iter().any(|rule| {
                    rule.target.replace("[0]", "[]").starts_with(&format!("{parent}."))
                }),
            };
            if !produced && parent_used {
                let message =
                    format!("{what} requires `{}`, which no rule is sure to produce", member.path);
                self.fault(span, message, "add a rule for it without `when`");
            }
        }
    }
}

/// The plain paths of rules, each told its place among them.
fn together(rules: &mut [Rule]) -> Together {
    let mut paths = Together::default();
    for way in rules.iter_mut().flat_map(|rule| &mut rule.ways) {
        if let Source::Path(path, place) = &mut way.source {
            *place = paths.add(path);
        }
    }
    paths
}

/// The member whose name shares the most leading and trailing letters.
fn nearest<'a>(path: &str, members: &'a [Member]) -> Option<&'a str> {
    let shared = |name: &str| {
        let ahead = name.chars().zip(path.chars()).take_while(|(a, b)| a == b).count();
        let behind = name.chars().rev().zip(path.chars().rev()).take_while(|(a, b)| a == b).count();
        ahead + behind
    };
    let best = members.iter().max_by_key(|member| shared(&member.path))?;
    (shared(&best.path) * 2 >= path.len()).then_some(best.path.as_str())
}
