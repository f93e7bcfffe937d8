//! What `agency.toml` says of an outbound channel: what its agency is sent, and how.

mod sending;

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use contracts::Contracts;
use mappings::{Diagnostic, Rendering, Sources, condition::Condition};
use serde::Deserialize;
use toml::Spanned;

use super::{Agency, Catalog, Source, read_text};
use crate::registry::exchange;

pub use sending::{InsertTold, PortalTold, PublishTold, Sending, Sent, SoapTold};

/// Messages under way at the same time, unless told; and at most.
const AT_ONCE: u64 = 4;
const AT_ONCE_MAX: u64 = 64;

/// Seconds that one message may take, unless told; and at most.
const TIMEOUT_SECONDS: u64 = 30;
const TIMEOUT_SECONDS_MAX: u64 = 300;

/// Messages in a second, at most.
const PER_SECOND_MAX: u64 = 10_000;

/// Hours after which what cannot be delivered is given up, unless told; and at most.
const GIVE_UP_HOURS: u64 = 72;
const GIVE_UP_HOURS_MAX: u64 = 24 * 90;

/// Contracts of which an agency is sent what is addressed to it.
const TAKEN: [&str; 3] = [exchange::REQUEST, exchange::REPLY, exchange::APPLICATION];

/// One `[outbound.CHANNEL]` in `agency.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundSettings {
    /// How it is sent.
    #[serde(default)]
    transport: Sent,
    /// File of the form that it is sent in; without one, the record as the hub has it.
    render: Option<Spanned<String>>,
    /// Messages under way at the same time.
    at_once: Option<Spanned<u64>>,
    /// Messages in a second, at most.
    per_second: Option<Spanned<u64>>,
    /// Seconds that one message may take.
    timeout_seconds: Option<Spanned<u64>>,
    /// Hours after which what cannot be delivered is given up.
    give_up_hours: Option<Spanned<u64>>,
    /// What an answer of success says when it means it.
    accepted_when: Option<Spanned<String>>,
    /// What an answer of success says when the message should come again.
    later_when: Option<Spanned<String>>,
    /// Contracts of which it takes what is addressed to its agency.
    #[serde(default)]
    takes: Vec<Spanned<String>>,
    /// The agency's inbound channel that reads what its system answers to a message.
    answered_by: Option<Spanned<String>>,
    /// For `soap`: how the web service is called.
    soap: Option<Spanned<SoapTold>>,
    /// For `amqp`: where it is published.
    amqp: Option<Spanned<PublishTold>>,
    /// For `database`: the table.
    database: Option<Spanned<InsertTold>>,
    /// For `dvcqg`: what is told to the national portal.
    dvcqg: Option<Spanned<PortalTold>>,
}

/// One outbound channel, compiled.
pub struct OutboundChannel {
    /// `agency.channel`.
    pub id: Arc<str>,
    /// The agency's folder.
    pub folder: PathBuf,
    /// How it is sent.
    pub sending: Sending,
    /// The form that it is sent in; the record as the hub has it where there is none.
    pub rendering: Option<Rendering>,
    /// Messages under way at the same time.
    pub at_once: usize,
    /// Messages in a second, at most.
    pub per_second: Option<u32>,
    /// How long one message may take.
    pub timeout: Duration,
    /// After how long what cannot be delivered is given up.
    pub give_up: Duration,
    /// What an answer of success says when it means it.
    pub accepted_when: Option<Condition>,
    /// What an answer of success says when the message should come again.
    pub later_when: Option<Condition>,
    /// Contracts of which it takes what is addressed to its agency.
    pub takes: Vec<String>,
    /// The agency's inbound channel, by id, that reads what its system answers to a message.
    pub answered_by: Option<String>,
}

/// Compiles the outbound channel of a name.
pub(super) fn compile(
    (source, folder): (&Source<'_>, &Path),
    (agency, name): (&str, &str),
    settings: &OutboundSettings,
    tables: &BTreeMap<String, String>,
    contracts: &Contracts,
) -> Result<OutboundChannel, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut number = |told: &Option<Spanned<u64>>, otherwise: u64, max: u64| match told {
        None => otherwise,
        Some(told) => {
            let (number, span) = (*told.get_ref(), told.span());
            if !(1..=max).contains(&number) {
                let message = format!("{number} is not between 1 and {max}");
                found.push(fault(source, &span, message, "write a number between them"));
            }
            number.clamp(1, max)
        }
    };
    let at_once = number(&settings.at_once, AT_ONCE, AT_ONCE_MAX);
    let per_second = settings.per_second.as_ref();
    let per_second = per_second.map(|_| number(&settings.per_second, 1, PER_SECOND_MAX));
    let seconds = number(&settings.timeout_seconds, TIMEOUT_SECONDS, TIMEOUT_SECONDS_MAX);
    let hours = number(&settings.give_up_hours, GIVE_UP_HOURS, GIVE_UP_HOURS_MAX);
    let mut condition = |text: &Option<Spanned<String>>| {
        let text = text.as_ref()?;
        if !settings.transport.is_answered() {
            let told = settings.transport.name();
            let message = format!("what goes by {told} has no answer whose members are looked at");
            found.push(fault(source, &text.span(), message, "leave it out"));
        }
        // Of an element all members are texts.
        match Condition::compile(text.get_ref(), settings.transport == Sent::Soap) {
            Ok(condition) => Some(condition),
            Err(message) => {
                let message = format!("the condition does not hold together: {message}");
                let advice = "such as error_code == '0', over the members of the answer";
                found.push(fault(source, &text.span(), message, advice));
                None
            }
        }
    };
    let (accepted_when, later_when) =
        (condition(&settings.accepted_when), condition(&settings.later_when));
    let rendering = settings.render.as_ref().and_then(|file| {
        let read = rendering(folder, file.get_ref(), tables, contracts);
        read.map_err(|faults| found.extend(faults)).ok()
    });
    let answered_by = settings.answered_by.as_ref();
    let answered_by = answered_by.map(|name| format!("{agency}.{}", name.get_ref()));
    let timeout = Duration::from_secs(seconds);
    let sending = sending::read(source, settings, timeout).map_err(|fault| found.push(*fault)).ok();
    found.extend(unfit(source, settings, rendering.as_ref()));
    let Some(sending) = sending.filter(|_| found.is_empty()) else { return Err(found) };
    Ok(OutboundChannel {
        id: format!("{agency}.{name}").into(),
        folder: folder.to_owned(),
        sending,
        rendering,
        at_once: usize::try_from(at_once).unwrap_or(1),
        per_second: per_second.and_then(|number| u32::try_from(number).ok()),
        timeout,
        give_up: Duration::from_secs(hours * 3_600),
        accepted_when,
        later_when,
        takes: settings.takes.iter().map(|told| told.get_ref().clone()).collect(),
        answered_by,
    })
}

/// Where a channel stands that may take what is addressed to its agency.
pub(super) struct Addressed<'a> {
    pub(super) agency: &'a Agency,
    /// The catalogue with the channels that were read before it.
    pub(super) catalog: &'a Catalog,
}

impl Addressed<'_> {
    /// What is wrong with what a channel takes, and with who reads the answers.
    pub(super) fn faults(
        &self,
        source: &Source<'_>,
        channel: &OutboundChannel,
        settings: &OutboundSettings,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for told in &settings.takes {
            let contract = told.get_ref().as_str();
            let rendered = channel.rendering.as_ref().map(|form| form.contract().to_string());
            let (message, advice) = if !TAKEN.contains(&contract) {
                let message = format!("nothing of `{contract}` is addressed to anybody");
                (message, "write request/1, reply/1 or application/1; a route leads all else")
            } else if let Some(other) = self.catalog.taking(&self.agency.id, contract) {
                (format!("{} takes {contract} already", other.id), "let one channel take it")
            } else if let Some(other) = rendered.filter(|rendered| rendered != contract) {
                (format!("its form is of {other}, not of {contract}"), "give each a channel")
            } else {
                continue;
            };
            found.push(fault(source, &told.span(), message, advice));
        }
        if let Some(name) = &settings.answered_by {
            let known = self.agency.channels.contains_key(name.get_ref());
            if !settings.transport.is_answered() || !known {
                let sent = settings.transport.name();
                let message = match known {
                    true => format!("what goes by {sent} is answered by nobody"),
                    false => format!("the agency has no channel `{}`", name.get_ref()),
                };
                let advice = "name a channel of [channels] whose mapping reads the answer";
                found.push(fault(source, &name.span(), message, advice));
            }
        }
        found
    }
}

/// Whether a form writes what its transport carries.
fn unfit(
    source: &Source<'_>,
    settings: &OutboundSettings,
    rendering: Option<&Rendering>,
) -> Option<Diagnostic> {
    let (wanted, advice) = match settings.transport {
        Sent::Rest | Sent::File | Sent::Amqp => return None,
        Sent::Soap => ("xml", "a Body holds an element: write a form with format = \"xml\""),
        Sent::Database => ("json", "members are columns: write a form with format = \"json\""),
        Sent::Dvcqg => ("json", "the portal takes JSON: write a form with format = \"json\""),
    };
    let told = settings.transport.name();
    match (&settings.render, rendering) {
        (None, _) => {
            let word = format!("transport = \"{told}\"");
            let span = source.text.find(&word).map_or(0..0, |at| at..at + word.len());
            let message = format!("a channel with {word} has no form");
            Some(fault(source, &span, message, advice))
        }
        (Some(file), Some(form)) if form.ending() != wanted => {
            let message = format!("{told} does not carry a form of {}", form.ending());
            Some(fault(source, &file.span(), message, advice))
        }
        _ => None,
    }
}

fn fault(source: &Source<'_>, span: &Range<usize>, message: String, advice: &str) -> Diagnostic {
    *source.fault(span, message, advice)
}

fn rendering(
    folder: &Path,
    file: &str,
    tables: &BTreeMap<String, String>,
    contracts: &Contracts,
) -> Result<Rendering, Vec<Diagnostic>> {
    let path = folder.join(file);
    let text = read_text(&path)?;
    let sources = Sources { file: path.display().to_string(), text, tables: tables.clone() };
    Rendering::compile(&sources, contracts)
}
