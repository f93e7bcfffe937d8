//! `[links]`: how often links to e-services are visited.

use std::time::Duration;

use mappings::Diagnostic;
use serde::Deserialize;
use toml::Spanned;

/// How often a link is visited, in seconds, unless told (a day), and at most.
const EVERY: u64 = 86_400;
const EVERY_MAX: u64 = 30 * 86_400;

/// The rest between two visits of one host, in seconds, unless told; and at most.
const REST: u64 = 2;
const REST_MAX: u64 = 600;

/// How long an answer may take, in seconds, unless told; and at most.
const ANSWER: u64 = 15;
const ANSWER_MAX: u64 = 60;

/// How links are visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSettings {
    /// How often each, more or less.
    pub every: Duration,
    /// How long one host has rest between two visits.
    pub rest: Duration,
    /// How long an answer may take.
    pub answer: Duration,
}

impl Default for LinkSettings {
    fn default() -> Self {
        let [every, rest, answer] = [EVERY, REST, ANSWER].map(Duration::from_secs);
        Self { every, rest, answer }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    every_seconds: Option<Spanned<u64>>,
    rest_seconds: Option<Spanned<u64>>,
    answer_seconds: Option<Spanned<u64>>,
}

impl Declared {
    /// What is declared, or what holds without.
    pub(super) fn settings(
        &self,
        (name, text): (&str, &str),
        found: &mut Vec<Diagnostic>,
    ) -> LinkSettings {
        let mut number = |told: &Option<Spanned<u64>>, otherwise: u64, (least, most)| {
            let Some(told) = told else { return Duration::from_secs(otherwise) };
            if !(least..=most).contains(told.get_ref()) {
                let message = format!("{} is not between {least} and {most}", told.get_ref());
                let advice = "write a number of seconds between them";
                found.push(Diagnostic::at(name, text, &told.span(), message, advice));
            }
            Duration::from_secs(*told.get_ref())
        };
        LinkSettings {
            every: number(&self.every_seconds, EVERY, (1, EVERY_MAX)),
            rest: number(&self.rest_seconds, REST, (0, REST_MAX)),
            answer: number(&self.answer_seconds, ANSWER, (1, ANSWER_MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_are_none_are_told_with_their_places() {
        let read = |text: &str| {
            let declared: Declared = toml::from_str(text).unwrap();
            let mut found = Vec::new();
            let settings = declared.settings(("hub.toml", text), &mut found);
            (settings, found.iter().map(|one| (one.line, one.column)).collect::<Vec<_>>())
        };
        assert_eq!(read(""), (LinkSettings::default(), Vec::new()));
        let (settings, found) = read("every_seconds = 60\nrest_seconds = 0\n");
        assert_eq!((settings.every.as_secs(), settings.rest.as_secs(), found.len()), (60, 0, 0));
        let text = "every_seconds = 0\nrest_seconds = 601\nanswer_seconds = 61\n";
        assert_eq!(read(text).1, [(1, 17), (2, 16), (3, 18)]);
    }
}
