//! Compiling one way to produce a member: its source, and the functions it passes.

use std::{ops::Range, sync::atomic::AtomicU64};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::Compiler;
use crate::{
    condition::Condition,
    expression::{Expression, Type},
    functions::{self, Kind, Misuse},
    mapping::{Call, Source, Wants, Way},
    path::{Namespaces, Path},
    rule,
};

type Text<'a> = &'a Spanned<DeValue<'a>>;

/// What a rule's table says, still apart.
#[derive(Default)]
struct Parts<'a> {
    from: Option<Text<'a>>,
    compute: Option<Text<'a>>,
    then: Option<Text<'a>>,
    when: Option<Condition>,
}

/// A path that a function is given; one that is faulty is told when the function is bound.
fn path_of(text: &str) -> Option<Path> {
    Path::parse(text, &Namespaces::new()).ok()
}

/// The functions of a way, and what the last of them gives.
type Calls = (Vec<Call>, Kind);

impl Compiler<'_> {
    pub(super) fn way(&mut self, value: &Spanned<DeValue<'_>>, wants: Wants) -> Option<Way> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.written(value, wants, None);
        };
        let Parts { from, compute, then, when } = self.parts(table)?;
        match (from, compute) {
            (Some(from), None) => {
                if let Some(then) = then {
                    let advice = "write the functions behind the path: PATH | function";
                    self.fault(&then.span(), "`then` belongs to `compute`", advice);
                    return None;
                }
                self.written(from, wants, when)
            }
            (None, Some(compute)) => self.computed(compute, then, wants, when),
            _ => {
                let advice = "write one of them";
                self.fault(&value.span(), "a rule has `from` or `compute`, not both", advice);
                None
            }
        }
    }

    fn parts<'b>(&mut self, table: &'b DeTable<'b>) -> Option<Parts<'b>> {
        let mut parts = Parts::default();
        for (name, value) in table {
            match name.get_ref().as_ref() {
                "from" => parts.from = Some(value),
                "compute" => parts.compute = Some(value),
                "then" => parts.then = Some(value),
                "when" => parts.when = Some(self.condition(value)?),
                other => {
                    let message = format!("a rule has no setting `{other}`");
                    self.fault(&name.span(), message, "settings: from or compute, then, when");
                }
            }
        }
        Some(parts)
    }

    /// A path or a constant, with its functions behind it.
    fn written(&mut self, text: Text<'_>, wants: Wants, when: Option<Condition>) -> Option<Way> {
        let rule = self.string(text, "a rule")?;
        // The span covers the quotes; one of them stands before the text.
        let base = text.span().start + 1;
        let span = |at: usize, length: usize| base + at..base + at + length;
        let parsed = match rule::parse(rule) {
            Ok(parsed) => parsed,
            Err((message, at)) => {
                self.fault(&span(at, 1), message, "such as NgayTra | date dd/MM/yyyy");
                return None;
            }
        };
        let source = if parsed.from.quoted {
            Source::Constant(parsed.from.text)
        } else {
            match Path::parse(&parsed.from.text, &self.namespaces) {
                Ok(path) => {
                    self.can_find(&path, &span(parsed.from.at, parsed.from.text.len()));
                    Source::Path(path, None)
                }
                Err(message) => {
                    self.fault(&span(parsed.from.at, parsed.from.text.len()), message, "");
                    return None;
                }
            }
        };
        let (calls, gives) = self.calls(parsed.calls, Kind::Text, base)?;
        let constant = match &source {
            Source::Constant(text) if calls.is_empty() => Some(text.as_str()),
            _ => None,
        };
        self.fits(gives, constant, wants, &text.span());
        Some(Way {
            text: rule.to_owned(),
            source,
            calls,
            when,
            used: AtomicU64::new(0),
            passed: AtomicU64::new(0),
        })
    }

    /// An expression, with functions for what it gives.
    fn computed(
        &mut self,
        compute: Text<'_>,
        then: Option<Text<'_>>,
        wants: Wants,
        when: Option<Condition>,
    ) -> Option<Way> {
        let source = self.string(compute, "an expression")?;
        let expression = match Expression::compile(source, self.textual) {
            Ok(expression) if expression.names().is_empty() => {
                let advice = "write a constant in quotes: \"'counter'\"";
                self.fault(&compute.span(), "the expression reads nothing of the record", advice);
                return None;
            }
            Ok(expression) if expression.gives() == Type::Null => {
                self.fault(&compute.span(), "the expression gives nothing", "");
                return None;
            }
            Ok(expression) => {
                for name in expression.names() {
                    self.is_column(name, &compute.span());
                }
                expression
            }
            Err(message) => {
                let message = format!("the expression does not hold together: {message}");
                self.fault(&compute.span(), message, "such as NGAY + ' ' + GIO");
                return None;
            }
        };
        let mut text = format!("compute {source}");
        let given = Kind::from(expression.gives());
        let (calls, gives) = match then {
            None => (Vec::new(), given),
            Some(then) => {
                let functions = self.string(then, "`then`")?;
                text = format!("{text} | {functions}");
                let base = then.span().start + 1;
                match rule::parse_calls(functions) {
                    Ok(calls) => self.calls(calls, given, base)?,
                    Err((message, at)) => {
                        self.fault(&(base + at..base + at + 1), message, "such as date dd/MM/yyyy");
                        return None;
                    }
                }
            }
        };
        self.fits(gives, None, wants, &compute.span());
        let source = Source::Computed(expression);
        Some(Way { text, source, calls, when, used: AtomicU64::new(0), passed: AtomicU64::new(0) })
    }

    /// Binds functions in order; `base` is where their text begins in the file.
    fn calls(&mut self, calls: Vec<rule::Call>, given: Kind, base: usize) -> Option<Calls> {
        let mut gives = given;
        let mut bound = Vec::new();
        for call in calls {
            let start = base + call.name.at;
            let place = start..start + call.name.text.len();
            let function = self.call(&call, gives, &place, base)?;
            gives = function.bound.gives;
            bound.push(function);
        }
        Some((bound, gives))
    }

    fn call(
        &mut self,
        call: &rule::Call,
        given: Kind,
        place: &Range<usize>,
        base: usize,
    ) -> Option<Call> {
        let name = &call.name.text;
        let Some(function) = functions::find(name) else {
            let known: Vec<_> = functions::FUNCTIONS.iter().map(|function| function.name).collect();
            let advice = format!("functions: {}", known.join(", "));
            self.fault(place, format!("there is no function `{name}`"), &advice);
            return None;
        };
        if !function.takes.contains(&given) {
            let message = format!("`{name}` takes {:?}, but is given {given:?}", function.takes);
            self.fault(place, message, "change the order of the functions");
            return None;
        }
        let mut paths = Vec::new();
        if function.usage.contains("PATH") {
            paths.extend(call.arguments.iter().filter_map(|word| path_of(&word.text)));
            paths.iter().for_each(|path| self.can_find(path, place));
        }
        let arguments = call.arguments.iter().map(|word| word.text.clone()).collect();
        let table = call.arguments.first().filter(|_| name == functions::TABLE);
        if table.is_some_and(|table| self.faulty_tables.contains(&table.text)) {
            return None;
        }
        match (function.bind)(&call.arguments, &self.tables) {
            Ok(bound) => Some(Call { name: name.clone(), arguments, paths, bound }),
            Err(Misuse { message, at }) => {
                let place = at.map_or_else(|| place.clone(), |at| base + at..base + at + 1);
                self.fault(&place, format!("`{name}`: {message}"), function.summary);
                None
            }
        }
    }

    /// Whether what a way gives is what the member wants.
    fn fits(&mut self, gives: Kind, constant: Option<&str>, wants: Wants, span: &Range<usize>) {
        let good = match wants {
            Wants::Any | Wants::Text => true,
            Wants::Moment => {
                gives == Kind::Moment
                    || constant.is_some_and(|text| text.parse::<contracts::Moment>().is_ok())
            }
            Wants::Number => matches!(gives, Kind::Integer | Kind::Number),
            Wants::Boolean => gives == Kind::Boolean,
        };
        if !good {
            let message = format!("the member wants {wants:?}, but the rule gives {gives:?}");
            let advice = "end the rule with date, integer, number, boolean or a table of numbers";
            self.fault(span, message, advice);
        }
    }
}
