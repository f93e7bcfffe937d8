//! A source's own words against the status that it tells.

use std::collections::BTreeMap;

use contracts::{Moment, Status};

use super::{
    dossier::Case,
    model::{RuleName, StatusWords},
    question::Question,
    rulebook::Rulebook,
};
use crate::registry::phrase::Words;

/// Words by the status they are told with, folded, with the status that they mean.
#[derive(Debug, Default)]
pub(super) struct Meanings(BTreeMap<u8, Vec<(Words, u8)>>);

impl Meanings {
    /// Of the declared words.
    pub(super) fn new(declared: &[StatusWords]) -> Self {
        let mut all: BTreeMap<u8, Vec<(Words, u8)>> = BTreeMap::new();
        for StatusWords { status, meant, says } in declared {
            let phrases = says.iter().map(|text| (Words::of(text), *meant));
            all.entry(*status).or_default().extend(phrases);
        }
        Self(all)
    }

    /// The other status that the words told with a status mean.
    fn of(&self, status: Status, text: &str) -> Option<Status> {
        let phrases = self.0.get(&status.code())?;
        let said = Words::of(text);
        let (_, meant) = phrases.iter().find(|(phrase, _)| said.hold(phrase))?;
        Status::try_from(*meant).ok()
    }
}

/// Where the words of a source's step mean another status: the last of each status.
pub(super) fn ask(case: &Case<'_>, book: &Rulebook, asked: &mut Vec<Question>) {
    let mut found: BTreeMap<(&str, u8), Question> = BTreeMap::new();
    let now = case.state.status_raw.as_deref().zip(case.state.member_sources.get("status"));
    let now = now.map(|(text, source)| (case.state.status, text, &**source, case.state.status_at));
    let steps = case.state.timeline.iter().filter_map(|step| {
        Some((step.status, step.status_raw.as_deref()?, step.source.as_str(), Some(step.at)))
    });
    for (status, text, source, at) in steps.chain(now) {
        let day = at.map(Moment::day);
        let Some(meant) = book.meanings(day).and_then(|known| known.of(status, text)) else {
            continue;
        };
        let of = format!("{source}:{}", status.code());
        let agency = case.agency(source);
        let told = case.saying(source, status, text);
        let mut question = Question::new(RuleName::StatusTextDiffers, agency, Some(case.key()), of)
            .with("status", format!("{} ({})", status.code(), status.name_vi()))
            .with("text", text)
            .with("meant", format!("{} ({})", meant.code(), meant.name_vi()))
            .told_by(source, told);
        if let Some(at) = at {
            question = question.on(at.day()).with("at", at);
        }
        found.insert((source, status.code()), question);
    }
    asked.extend(found.into_values());
}
