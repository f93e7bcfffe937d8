//! What speaks of a dossier's person and is no dossier: feedback about it and what was answered,
//! applications of the portal that became it and what was said to them, requests about it and
//! their replies. What is personal of them is erased with the dossier's.
//!
//! Each of these records is of one *matter*: of feedback, of an application or of a request. A
//! matter is the dossier's where one record of it names a code of the dossier; then all of it is.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Erasable;
use crate::{
    catalog,
    journal::entry::{Entry, EntryKind},
    registry::{
        Identity, RecordName, Telling,
        exchange::{ACKNOWLEDGEMENT, APPLICATION, PORTAL, REPLY, REQUEST, request_of, sent_by},
    },
    store::{StoreError, batch::code_of_text},
};

const FEEDBACK: &str = "feedback/1";
const ANSWER: &str = "feedback-answer/1";

/// Contracts of what begins a matter and of what is said to that, and what both are called.
const KINDS: [(&str, &str, &str); 3] = [
    (FEEDBACK, ANSWER, "feedback"),
    (APPLICATION, ACKNOWLEDGEMENT, "application"),
    (REQUEST, REPLY, "request"),
];

/// What stands in their entries, one of these in each, and in no others but those that a store is
/// to leave out by reading them.
pub(in crate::store) const IN_ENTRIES: [&[u8]; 5] = [
    b"\"contract\":\"feedback",
    b"\"contract\":\"application",
    b"\"contract\":\"acknowledgement",
    b"\"contract\":\"request",
    b"\"contract\":\"reply",
];

/// The channels that bring most of what the portal sends.
pub(in crate::store) const BY_PORTAL: [&str; 2] = [catalog::FEEDBACK, catalog::APPLICATIONS];

/// Other channels that have brought such records which count, in words of either database.
pub(in crate::store) const CHANNELS: &str = "
    SELECT DISTINCT m.channel FROM records r JOIN entries e ON e.position = r.position
    JOIN messages m ON m.message = e.message
    WHERE r.contract IN ('feedback/1', 'feedback-answer/1', 'application/1', 'acknowledgement/1',
                         'request/1', 'reply/1')";

/// A name that persons stay erased by: the agency, and what the log of accesses calls a record.
fn name(agency: &str, contract: &str, key: &str) -> String {
    format!("{agency}/{contract}/{key}")
}

/// What is called by a name: a dossier, or which kind of these.
pub(crate) fn word(of: &str) -> &'static str {
    let code = Identity::of_key(of).source_code;
    let is = |contract: &str| code.strip_prefix(contract).is_some_and(|rest| rest.starts_with('/'));
    let kind = KINDS.iter().find(|(begins, answers, _)| is(begins) || is(answers));
    kind.map_or("dossier", |(_, _, word)| word)
}

/// The contracts of a kind, by either of them.
fn kind_of(contract: &str) -> Option<(&'static str, &'static str)> {
    let mut pairs = KINDS.iter().map(|(begins, answers, _)| (*begins, *answers));
    pairs.find(|(begins, answers)| contract == *begins || contract == *answers)
}

/// The names that a record may stay erased by: its own, and of an answer that of what it answers.
pub(crate) fn names_of(one: &RecordName) -> Vec<String> {
    let own = name(&one.agency, &one.contract, &one.key);
    match kind_of(&one.contract) {
        Some((begins, answers)) if one.contract == answers => {
            vec![own, name(&one.agency, begins, request_of(&one.key))]
        }
        Some(_) => vec![own],
        None => Vec::new(),
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

/// What decides in a public text.
#[derive(Deserialize)]
struct Mention {
    dossier: Option<String>,
    feedback: Option<String>,
}

/// One telling, read.
struct Read {
    name: RecordName,
    /// What names its matter among all: ids of applications and requests are nobody else's, and one
    /// request is told to several agencies in the same words.
    matter: String,
    dossier: Option<String>,
}

/// Reads a telling; `None` where it is none of these.
fn read(one: &Stored) -> Result<Option<Read>, StoreError> {
    let damaged = |error: &dyn std::fmt::Display| {
        StoreError::fault(format!("the entry at position {} is damaged: {error}", one.position))
    };
    let entry: Entry = serde_json::from_slice(&one.text).map_err(|error| damaged(&error))?;
    let (Some(contract), Some(key)) = (&entry.contract, &entry.key) else { return Ok(None) };
    let Some((begins, _)) = kind_of(contract) else { return Ok(None) };
    let withdraws = entry.kind == EntryKind::Retraction;
    let told = Telling::read(contract, key, withdraws, &one.public);
    let Some(Telling { name: told, .. }) = told.map_err(|error| damaged(&error))? else {
        return Ok(None);
    };
    let says: Mention = serde_json::from_slice(&one.public).map_err(|error| damaged(&error))?;
    let matter = match (begins, says.feedback) {
        (FEEDBACK, feedback) => {
            name(&told.agency, begins, feedback.as_deref().unwrap_or(&told.key))
        }
        _ => format!("{begins}/{}", request_of(&told.key)),
    };
    Ok(Some(Read { name: told, matter, dossier: says.dossier }))
}

/// Who sent an application or a request, of itself and of what is said to it.
fn asker(of: &RecordName) -> Option<&str> {
    let is_feedback = [FEEDBACK, ANSWER].contains(&&*of.contract);
    sent_by(&of.key).filter(|_| !is_feedback).map(|(sender, _)| sender)
}

/// A search for what is related to one dossier.
#[derive(Default)]
pub(in crate::store) struct Search {
    agencies: BTreeSet<String>,
    codes: BTreeSet<String>,
    /// Those among the codes that are the dossier's at whichever agency.
    national: BTreeSet<String>,
    matters: BTreeSet<String>,
    names: BTreeSet<String>,
    /// Who may have sent more that was refused, and by which word that is known.
    refused: BTreeSet<(String, String)>,
    brought: BTreeSet<u64>,
}

impl Search {
    /// A name of the dossier, and the national code that it bears there.
    pub(in crate::store) fn name(&mut self, name: &Identity, code: Option<String>) {
        self.agencies.insert(name.agency().to_owned());
        self.national.extend(code.into_iter().chain(code_of_text(&name.source_code)));
        self.codes.insert(name.source_code.clone());
        self.codes.extend(self.national.iter().cloned());
    }

    /// Looks whether a telling names the dossier: then its matter is the dossier's.
    ///
    /// # Errors
    /// When it is not what the hub writes.
    pub(in crate::store) fn look(&mut self, one: &Stored) -> Result<(), StoreError> {
        let Some(Read { name, matter, dossier: Some(code) }) = read(one)? else { return Ok(()) };
        let bears = |codes: &BTreeSet<String>| {
            codes.contains(&code) || code_of_text(&code).is_some_and(|one| codes.contains(&one))
        };
        // A source's own code says something where its agency is a party to the matter.
        let sender = asker(&name).unwrap_or_default();
        let is_party = [&*name.agency, sender].iter().any(|one| self.agencies.contains(*one));
        let everywhere = [ACKNOWLEDGEMENT, REQUEST].contains(&&*name.contract);
        if is_party && bears(&self.codes) || everywhere && bears(&self.national) {
            self.matters.insert(matter);
        }
        Ok(())
    }

    /// Whether anything is related, so that a second reading finds what.
    pub(in crate::store) fn is_any(&self) -> bool {
        !self.matters.is_empty()
    }

    /// Takes a telling of a matter of the dossier's.
    ///
    /// # Errors
    /// When it is not what the hub writes.
    pub(in crate::store) fn take(
        &mut self,
        one: Stored,
        found: &mut Erasable,
    ) -> Result<(), StoreError> {
        let Some(Read { name: told, matter, .. }) = read(&one)? else { return Ok(()) };
        if !self.matters.contains(&matter) {
            return Ok(());
        }
        if let Some(sender) = asker(&told) {
            self.refused.extend(self.codes.iter().map(|code| (sender.to_owned(), code.clone())));
            self.refused.insert((told.agency.clone(), request_of(&told.key).to_owned()));
        }
        self.names.insert(name(&told.agency, &told.contract, &told.key));
        self.brought.insert(one.message);
        found.said.push(one.position);
        if one.is_there {
            found.texts.insert(one.position);
            found.shares.entry(one.channel).or_default().texts += 1;
        }
        Ok(())
    }

    /// Adds the names of what was found; gives the messages that brought it, and what else may have
    /// been sent of it and refused: by whom, and the word that is looked for.
    pub(in crate::store) fn close(
        mut self,
        found: &mut Erasable,
    ) -> (BTreeSet<u64>, Vec<Identity>) {
        found.said.sort_unstable();
        found.names.extend(self.names);
        self.refused.extend(self.codes.into_iter().map(|code| (PORTAL.to_owned(), code)));
        let refused = self.refused.iter().map(|(who, word)| Identity::new(who, word)).collect();
        (self.brought, refused)
    }
}
