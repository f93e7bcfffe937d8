//! The rules of one edition of the catalogue, ready to be asked.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;

use super::{
    model::{FindingRule, RuleName, filled},
    moves::Moves,
    question::{JudgedBy, Question, Words, body},
    words::Meanings,
};
use crate::registry::{Catalogue, deadline::Deadlines};

/// Which status a source's words may mean otherwise, and which moves lead on, by rule.
#[derive(Debug)]
struct Ready {
    rule: FindingRule,
    moves: Moves,
    meanings: Meanings,
}

/// All that decides findings, of one edition.
#[derive(Debug)]
pub struct Rulebook {
    edition: JudgedBy,
    rules: BTreeMap<RuleName, Vec<Ready>>,
    pub(super) deadlines: Arc<Deadlines>,
}

impl Rulebook {
    /// Makes ready what an edition says, which is known by its hash and its position.
    pub fn new(catalogue: &Catalogue, deadlines: Arc<Deadlines>, edition: JudgedBy) -> Self {
        let mut rules: BTreeMap<RuleName, Vec<Ready>> = BTreeMap::new();
        for rule in &catalogue.findings {
            let moves = Moves::new(&rule.moves);
            let meanings = Meanings::new(&rule.words);
            rules.entry(rule.name).or_default().push(Ready { rule: rule.clone(), moves, meanings });
        }
        Self { edition, rules, deadlines }
    }

    /// Whether nothing is asked by it.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn ready(&self, name: RuleName, day: Option<Date>) -> Option<&Ready> {
        self.rules.get(&name)?.iter().find(|ready| ready.rule.stands(day))
    }

    /// What decides deadlines, and the position of the edition that says so.
    pub fn decides(&self) -> (&Deadlines, u64) {
        (&self.deadlines, self.edition.position)
    }

    /// The rule of a name that speaks of a day.
    pub(super) fn rule(&self, name: RuleName, day: Option<Date>) -> Option<&FindingRule> {
        self.ready(name, day).map(|ready| &ready.rule)
    }

    /// Every version of a rule.
    pub(super) fn versions(&self, name: RuleName) -> impl Iterator<Item = &FindingRule> {
        self.rules.get(&name).into_iter().flatten().map(|ready| &ready.rule)
    }

    /// The moves that are declared for a day.
    pub(super) fn moves(&self, day: Date) -> Option<&Moves> {
        self.ready(RuleName::UnusualMove, Some(day)).map(|ready| &ready.moves)
    }

    /// The words of statuses that are declared for a day.
    pub(super) fn meanings(&self, day: Option<Date>) -> Option<&Meanings> {
        self.ready(RuleName::StatusTextDiffers, day).map(|ready| &ready.meanings)
    }

    /// The edition.
    pub(super) fn edition(&self) -> &JudgedBy {
        &self.edition
    }

    /// The body of a finding: the question in its words, and its evidence.
    pub(super) fn told(&self, question: &Question) -> Option<String> {
        let rule = self.rule(question.subject.rule, question.day)?;
        let words = Words {
            vi: filled(&rule.vi, &question.values),
            en: filled(&rule.en, &question.values),
            question_vi: &rule.question_vi,
            question_en: &rule.question_en,
        };
        Some(body(question, words))
    }
}
