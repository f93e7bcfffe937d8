//! `[webhooks]`: how long whoever subscribed is waited for, and when sending is given up.

use std::time::Duration;

use mappings::Diagnostic;
use serde::Deserialize;
use toml::Spanned;

/// Waits after an attempt that failed, in seconds, unless told: the last one ever after.
const WAITS: [u64; 6] = [5, 300, 1_800, 7_200, 18_000, 36_000];
/// How many may be told.
const WAITS_MAX: usize = 20;
/// The longest wait.
const WAIT_MAX: u64 = 86_400;

/// How long sending may fail before it is given up, in seconds, unless told (five days), and at
/// most.
const GIVE_UP: u64 = 5 * 86_400;
const GIVE_UP_MAX: u64 = 60 * 86_400;

/// How long an answer may take, in seconds, unless told; and at most.
const ANSWER: u64 = 15;
const ANSWER_MAX: u64 = 60;

/// How long is waited, for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// After the first attempt that failed, the second, and so on; the last one ever after.
    pub waits: Vec<Duration>,
    /// Nothing is sent any more after failing for so long.
    pub give_up: Duration,
    /// How long an answer may take.
    pub answer: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            waits: WAITS.map(Duration::from_secs).to_vec(),
            give_up: Duration::from_secs(GIVE_UP),
            answer: Duration::from_secs(ANSWER),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    waits_seconds: Option<Spanned<Vec<u64>>>,
    give_up_seconds: Option<Spanned<u64>>,
    answer_seconds: Option<Spanned<u64>>,
}

impl Declared {
    /// What is declared, or what holds without.
    pub(super) fn settings(
        &self,
        (name, text): (&str, &str),
        found: &mut Vec<Diagnostic>,
    ) -> WebhookSettings {
        let mut number = |told: &Option<Spanned<u64>>, otherwise: u64, max: u64| {
            let Some(told) = told else { return Duration::from_secs(otherwise) };
            if !(1..=max).contains(told.get_ref()) {
                let message = format!("{} is not between 1 and {max}", told.get_ref());
                let advice = "write a number of seconds between them";
                found.push(Diagnostic::at(name, text, &told.span(), message, advice));
            }
            Duration::from_secs(*told.get_ref())
        };
        let give_up = number(&self.give_up_seconds, GIVE_UP, GIVE_UP_MAX);
        let answer = number(&self.answer_seconds, ANSWER, ANSWER_MAX);
        let mut settings = WebhookSettings { give_up, answer, ..WebhookSettings::default() };
        if let Some(told) = &self.waits_seconds {
            let waits = told.get_ref();
            let sound = waits.iter().all(|wait| (1..=WAIT_MAX).contains(wait));
            if !sound || waits.is_empty() || waits.len() > WAITS_MAX {
                let message = "these are no waits".to_owned();
                let advice = "write 1 to 20 numbers of seconds, each from 1 to 86400";
                found.push(Diagnostic::at(name, text, &told.span(), message, advice));
            }
            settings.waits = waits.iter().map(|wait| Duration::from_secs(*wait)).collect();
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (WebhookSettings, Vec<(u32, u32)>) {
        let declared: Declared = toml::from_str(text).unwrap();
        let mut found = Vec::new();
        let settings = declared.settings(("hub.toml", text), &mut found);
        (settings, found.iter().map(|one| (one.line, one.column)).collect())
    }

    #[test]
    fn what_cannot_be_waited_for_is_told_with_its_place() {
        assert_eq!(read(""), (WebhookSettings::default(), Vec::new()));
        let (settings, found) = read("waits_seconds = [1, 2]\nanswer_seconds = 3\n");
        assert_eq!((settings.waits.len(), settings.answer.as_secs(), found), (2, 3, Vec::new()));
        let text = "waits_seconds = [0]\ngive_up_seconds = 0\nanswer_seconds = 61\n";
        assert_eq!(read(text).1, [(2, 19), (3, 18), (1, 17)]);
        assert_eq!(read("waits_seconds = []\n").1.len(), 1);
    }
}
