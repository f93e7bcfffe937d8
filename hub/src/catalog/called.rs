//! What `agency.toml` says of a channel whose agency calls an operation by name: over SOAP, or in
//! a dialect.

use adapters::dialect::{dvcqg, lgsp};
use mappings::{Diagnostic, Mapping};

use super::dropped::Source;
use super::{Catalog, ChannelSettings, Received};

/// The operation by which a channel is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The transport's word.
    pub transport: &'static str,
    /// The operation: the element in the Body, the call, or the service.
    pub operation: String,
    /// For SOAP: the element's namespace; empty where it has none.
    pub namespace: String,
}

/// The operation that a channel declares, if it is called by one; its agency's only channel for it.
pub(super) fn read(
    source: &Source<'_>,
    (agency, name): (&str, &str),
    settings: &ChannelSettings,
    others: &Catalog,
) -> Result<Option<Called>, Box<Diagnostic>> {
    let (transport, known): (_, Option<&[&str]>) = match settings.transport {
        Received::Soap => ("soap", None),
        Received::Lgsp => (lgsp::NAME, Some(lgsp::OPERATIONS)),
        Received::Dvcqg => (dvcqg::NAME, Some(dvcqg::OPERATIONS)),
        Received::Rest | Received::File | Received::Database | Received::Amqp => {
            return not_declared(source, settings);
        }
    };
    let Some(told) = &settings.operation else {
        let span = source.text.find("transport").map_or(0..0, |at| at..at);
        let message = format!("a channel with transport = \"{transport}\" has no operation");
        let advice = match known {
            None => {
                "write operation = \"NAME\": the element that stands in the SOAP Body".to_owned()
            }
            Some(known) => format!("write operation = one of {}", known.join(", ")),
        };
        return Err(source.fault(&span, message, &advice));
    };
    let operation = told.get_ref().clone();
    let fits = known.map_or_else(|| is_name(&operation), |known| known.contains(&&*operation));
    if !fits {
        let message = format!("`{operation}` is no operation of {transport}");
        let advice = match known {
            None => "write the element's name without a prefix".to_owned(),
            Some(known) => format!("write one of {}", known.join(", ")),
        };
        return Err(source.fault(&told.span(), message, &advice));
    }
    let namespace = match &settings.namespace {
        Some(told) if known.is_some() => {
            let message = "a namespace is said of SOAP alone".to_owned();
            return Err(source.fault(&told.span(), message, "leave it out"));
        }
        told => told.as_ref().map(|told| told.get_ref().clone()).unwrap_or_default(),
    };
    let own = format!("{agency}.");
    let met = others.channels.values().find(|channel| {
        let same = |called: &Called| called.transport == transport && called.operation == operation;
        known.is_some() && channel.id.starts_with(&own) && channel.called.as_ref().is_some_and(same)
    });
    match met {
        Some(met) => {
            let message = format!("{} receives `{operation}` too, besides {name}", met.id);
            Err(source.fault(&told.span(), message, "leave one of the two channels"))
        }
        None => Ok(Some(Called { transport, operation, namespace })),
    }
}

/// Refuses a mapping that reads what the transport cannot carry.
pub(super) fn fits(
    source: &Source<'_>,
    called: &Called,
    mapping: &Mapping,
) -> Result<(), Box<Diagnostic>> {
    let needed = if called.transport == "soap" { "xml" } else { "json" };
    if mapping.format() == needed && mapping.archive().is_none() {
        return Ok(());
    }
    let transport = called.transport;
    let message = format!("{transport} carries {needed}, and the mapping reads something else");
    Err(source.fault(&(0..0), message, &format!("write format = \"{needed}\" in the mapping")))
}

fn not_declared(
    source: &Source<'_>,
    settings: &ChannelSettings,
) -> Result<Option<Called>, Box<Diagnostic>> {
    match [&settings.operation, &settings.namespace].into_iter().flatten().next() {
        None => Ok(None),
        Some(told) => {
            let message = "this is said of soap, lgsp and dvcqg alone".to_owned();
            Err(source.fault(&told.span(), message, "write their transport too, or leave it out"))
        }
    }
}

fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_') && text.chars().all(letter)
}
