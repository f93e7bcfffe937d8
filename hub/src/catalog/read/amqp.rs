//! `[channels.NAME.amqp]`: messages of an agency's queue.

use std::time::Duration;

use adapters::amqp::{Binding, NAME_BYTES_MAX, Settings};
use serde::Deserialize;
use toml::Spanned;

use super::{Fault, How, Read, needed, number};
use crate::catalog::dropped::Source;

/// Messages handed over at the same time, at most.
const AT_ONCE_MAX: u64 = 256;
/// Messages that the broker sends ahead, at most.
const PREFETCH_MAX: u64 = 1_000;
/// How long a message rests at most before it is handed over again.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How long to rest where a consumer has ended in good order: only while the hub stops.
const EVERY: Duration = Duration::from_secs(5);

/// The table as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpTold {
    /// The secret that holds the broker's address.
    pub secret: Spanned<String>,
    /// The queue.
    pub queue: Spanned<String>,
    /// The exchange to which the hub binds it.
    pub exchange: Option<Spanned<String>>,
    /// The keys by which messages are wanted.
    pub keys: Option<Spanned<Vec<String>>>,
    /// Whether the hub makes the queue: unless told, where it binds it.
    pub declare: Option<bool>,
    /// Messages handed over at the same time.
    pub at_once: Option<Spanned<u64>>,
    /// Messages that the broker sends ahead.
    pub prefetch: Option<Spanned<u64>>,
}

fn name(source: &Source<'_>, told: &Spanned<String>) -> Result<String, Fault> {
    match told.get_ref().len() {
        1..=NAME_BYTES_MAX => Ok(told.get_ref().clone()),
        bytes => {
            let message = format!("a name of {bytes} bytes: 1 to {NAME_BYTES_MAX} fit");
            Err(source.fault(&told.span(), message, "write the name as the broker has it"))
        }
    }
}

pub(super) fn read(source: &Source<'_>, told: &AmqpTold) -> Result<Read, Fault> {
    let queue = name(source, &told.queue)?;
    let binding = match (&told.exchange, &told.keys) {
        (Some(exchange), keys) => {
            let keys =
                keys.as_ref().map_or_else(|| vec!["#".to_owned()], |keys| keys.get_ref().clone());
            if keys.is_empty() || keys.iter().any(|key| key.len() > NAME_BYTES_MAX) {
                let span = told.keys.as_ref().map_or(exchange.span(), Spanned::span);
                let message = "these are no keys of a binding".to_owned();
                return Err(source.fault(&span, message, "write keys = [\"ho-so.#\"]"));
            }
            Some(Binding { exchange: name(source, exchange)?, keys })
        }
        (None, Some(keys)) => {
            let message = "keys bind a queue to an exchange, and there is none".to_owned();
            return Err(source.fault(&keys.span(), message, "write exchange = \"NAME\" too"));
        }
        (None, None) => None,
    };
    let at_once = number(source, told.at_once.as_ref(), (1, AT_ONCE_MAX))?;
    let ahead = (at_once.max(16), PREFETCH_MAX);
    let prefetch = number(source, told.prefetch.as_ref(), ahead)?;
    let settings = Settings {
        queue,
        declare: told.declare.unwrap_or(binding.is_some()),
        binding,
        at_once: at_once as usize,
        prefetch: u16::try_from(prefetch).unwrap_or(u16::MAX),
        retry_max: RETRY_MAX,
    };
    let secrets = vec![needed(source, &told.secret)];
    Ok(Read { every: EVERY, how: How::Amqp(Box::new(settings)), secrets })
}
