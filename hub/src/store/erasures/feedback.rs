//! Feedback about a dossier, and what was answered to it: both speak of the same person, and what
//! is personal of them is erased with the dossier's.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Erasable;
use crate::{
    journal::entry::{Entry, EntryKind},
    registry::{Identity, RecordName, Telling, exchange::PORTAL},
    store::{StoreError, batch::code_of_text},
};

const FEEDBACK: &str = "feedback/1";
const ANSWER: &str = "feedback-answer/1";

/// What stands in the entries of both, and in no others but those that a store is to leave out by
/// reading them.
pub(in crate::store) const IN_ENTRIES: &[u8] = b"\"contract\":\"feedback";

/// The channel that most of it comes by.
pub(in crate::store) const BY_PORTAL: &str = crate::catalog::FEEDBACK;

/// A name that persons stay erased by: the agency, and what the log of accesses calls a record.
fn name(agency: &str, contract: &str, key: &str) -> String {
    format!("{agency}/{contract}/{key}")
}

/// Whether a name is that of feedback or of an answer, and not of a dossier.
pub(crate) fn is_name(of: &str) -> bool {
    let code = Identity::of_key(of).source_code;
    [FEEDBACK, ANSWER]
        .iter()
        .any(|contract| code.strip_prefix(contract).is_some_and(|rest| rest.starts_with('/')))
}

/// The names that a record may stay erased by: its own, and of an answer that of what it answers.
pub(in crate::store) fn names_of(one: &RecordName) -> Vec<String> {
    let of = |contract| name(&one.agency, contract, &one.key);
    match &*one.contract {
        FEEDBACK => vec![of(FEEDBACK)],
        ANSWER => vec![of(ANSWER), of(FEEDBACK)],
        _ => Vec::new(),
    }
}

/// One telling, as a store has it.
pub(in crate::store) struct Stored {
    /// Its position.
    pub position: u64,
    /// The entry's text.
    pub text: Vec<u8>,
    /// The public text.
    pub public: Vec<u8>,
    /// The message that brought it.
    pub message: u64,
    /// The channel of that.
    pub channel: String,
    /// Whether its personal text is there.
    pub is_there: bool,
}

/// One telling that may be of a dossier.
struct Row {
    position: u64,
    message: u64,
    channel: String,
    is_there: bool,
    name: String,
    /// What it answers, where it is an answer.
    answers: Option<String>,
}

/// What decides in a public text.
#[derive(Deserialize)]
struct Mention {
    dossier: Option<String>,
    feedback: Option<String>,
}

/// A search for the feedback about one dossier.
#[derive(Default)]
pub(in crate::store) struct Search {
    agencies: BTreeSet<String>,
    codes: BTreeSet<String>,
    rows: Vec<Row>,
    names: BTreeSet<String>,
}

impl Search {
    /// A name of the dossier, and the national code that it bears there.
    pub(in crate::store) fn name(&mut self, name: &Identity, code: Option<String>) {
        self.agencies.insert(name.agency().to_owned());
        self.codes.insert(name.source_code.clone());
        self.codes.extend(code);
    }

    /// Takes a telling of either, in the order of positions.
    ///
    /// # Errors
    /// When it is not what the hub writes.
    pub(in crate::store) fn take(&mut self, one: Stored) -> Result<(), StoreError> {
        let damaged = |error: &dyn std::fmt::Display| {
            StoreError::fault(format!("the entry at position {} is damaged: {error}", one.position))
        };
        let entry: Entry = serde_json::from_slice(&one.text).map_err(|error| damaged(&error))?;
        let (Some(contract), Some(key)) = (&entry.contract, &entry.key) else { return Ok(()) };
        if contract != FEEDBACK && contract != ANSWER {
            return Ok(());
        }
        let withdraws = entry.kind == EntryKind::Retraction;
        let told = Telling::read(contract, key, withdraws, &one.public);
        let Some(told) = told.map_err(|error| damaged(&error))? else { return Ok(()) };
        let RecordName { agency, key, .. } = told.name;
        if !self.agencies.contains(&agency) {
            return Ok(());
        }
        let says: Mention = serde_json::from_slice(&one.public).map_err(|error| damaged(&error))?;
        let own = name(&agency, contract, &key);
        if contract == FEEDBACK && says.dossier.is_some_and(|code| self.is_of(&code)) {
            self.names.insert(own.clone());
        }
        let answers = (contract == ANSWER)
            .then(|| name(&agency, FEEDBACK, says.feedback.as_deref().unwrap_or(&key)));
        let Stored { position, message, channel, is_there, .. } = one;
        self.rows.push(Row { position, message, channel, is_there, name: own, answers });
        Ok(())
    }

    /// Whether a code is one of the dossier's, in whichever spelling.
    fn is_of(&self, code: &str) -> bool {
        self.codes.contains(code) || code_of_text(code).is_some_and(|one| self.codes.contains(&one))
    }

    /// Adds what was found; gives the messages that brought it.
    pub(in crate::store) fn close(mut self, found: &mut Erasable) -> BTreeSet<u64> {
        let feedback = &self.names;
        let is_answer = |row: &&Row| row.answers.as_ref().is_some_and(|to| feedback.contains(to));
        let answers: Vec<String> =
            self.rows.iter().filter(is_answer).map(|row| row.name.clone()).collect();
        self.names.extend(answers);
        let mut brought = BTreeSet::new();
        for row in self.rows.into_iter().filter(|row| self.names.contains(&row.name)) {
            brought.insert(row.message);
            found.said.push(row.position);
            if row.is_there {
                found.texts.insert(row.position);
                found.shares.entry(row.channel).or_default().texts += 1;
            }
        }
        found.said.sort_unstable();
        found.names.extend(self.names);
        brought
    }

    /// What refused feedback of the portal may hold: the codes of the dossier.
    pub(in crate::store) fn refused(&self) -> Vec<Identity> {
        self.codes.iter().map(|code| Identity::new(PORTAL, code)).collect()
    }
}
