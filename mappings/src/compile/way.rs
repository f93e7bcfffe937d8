//! Compiling one way to produce a member: its source, and the functions it passes.

use std::{ops::Range, sync::atomic::AtomicU64};

use toml::{Spanned, de::DeValue};

use super::Compiler;
use crate::{
    functions::{self, Kind},
    mapping::{Source, Wants, Way},
    path::Path,
    rule,
};

impl Compiler<'_> {
    pub(super) fn way(&mut self, value: &Spanned<DeValue<'_>>, wants: Wants) -> Option<Way> {
        let (text, when) = match value.get_ref() {
            DeValue::Table(table) => {
                let mut from = None;
                let mut when = None;
                for (name, value) in table {
                    match name.get_ref().as_ref() {
                        "from" => from = Some(value),
                        "when" => when = Some(self.condition(value)?),
                        other => {
                            let message = format!("a rule has no setting `{other}`");
                            self.fault(&name.span(), message, "settings: from, when");
                        }
                    }
                }
                (from?, when)
            }
            _ => (value, None),
        };
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
                Ok(path) => Source::Path(path),
                Err(message) => {
                    self.fault(&span(parsed.from.at, parsed.from.text.len()), message, "");
                    return None;
                }
            }
        };
        let mut gives = Kind::Text;
        let mut calls = Vec::new();
        for call in parsed.calls {
            let place = span(call.name.at, call.name.text.len());
            let bound = self.call(&call, gives, &place)?;
            gives = bound.gives;
            calls.push((call.name.text, bound));
        }
        let constant = match &source {
            Source::Constant(text) if calls.is_empty() => Some(text.as_str()),
            _ => None,
        };
        self.fits(gives, constant, wants, &text.span());
        Some(Way { text: rule.to_owned(), source, calls, when, used: AtomicU64::new(0) })
    }

    fn call(
        &mut self,
        call: &rule::Call,
        given: Kind,
        place: &Range<usize>,
    ) -> Option<functions::Bound> {
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
        match (function.bind)(&call.arguments, &self.tables) {
            Ok(bound) => Some(bound),
            Err(message) => {
                self.fault(place, format!("`{name}`: {message}"), function.summary);
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
            Wants::Number => gives == Kind::Integer,
            Wants::Boolean => gives == Kind::Boolean,
        };
        if !good {
            let message = format!("the member wants {wants:?}, but the rule gives {gives:?}");
            let advice = "end the rule with date, integer, boolean or a table of numbers";
            self.fault(span, message, advice);
        }
    }
}
