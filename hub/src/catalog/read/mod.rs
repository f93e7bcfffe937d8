//! What `agency.toml` says of a channel that the hub reads itself.

mod amqp;
mod database;
mod rest;
mod sftp;

use std::{fmt::Debug, ops::Range, str::FromStr, time::Duration};

use adapters::{amqp as queue, database as rows, rest::poll, sftp as server};
use mappings::Diagnostic;
use toml::Spanned;

use super::{ChannelSettings, Received, dropped::Source};

pub use amqp::AmqpTold;
pub use database::DatabaseTold;
pub use rest::PollTold;
pub use sftp::SftpTold;

/// Seconds between two turns, unless told; and at most.
const EVERY_SECONDS: u64 = 60;
const EVERY_SECONDS_MAX: u64 = 7 * 24 * 3_600;

/// A channel that the hub reads.
#[derive(Debug, Clone)]
pub struct Read {
    /// How often.
    pub every: Duration,
    /// By what.
    pub how: How,
    /// What it needs of the secrets.
    pub secrets: Vec<Needed>,
}

/// By what a channel is read.
#[derive(Debug, Clone)]
pub enum How {
    /// An API; its credentials are the secrets' to fill in.
    Rest(Box<poll::Settings>),
    /// A database; its address is a secret.
    Database(Box<rows::Settings>),
    /// A queue; its broker's address is a secret.
    Amqp(Box<queue::Settings>),
    /// A folder on a server; its account's password or key is a secret.
    Sftp(Box<server::Settings>),
}

impl How {
    /// The word for it.
    pub fn transport(&self) -> &'static str {
        match self {
            Self::Rest(_) => "poll",
            Self::Database(_) => "database",
            Self::Amqp(_) => "amqp",
            Self::Sftp(_) => "sftp",
        }
    }
}

/// A secret that a channel names, and what to say where there is none of that name.
#[derive(Debug, Clone)]
pub struct Needed {
    /// Its name.
    pub name: String,
    /// The fault, at its place.
    pub absent: Diagnostic,
}

/// A fault with its place.
type Fault = Box<Diagnostic>;

/// How a channel is read, if it is.
pub(super) fn read(source: &Source<'_>, settings: &ChannelSettings) -> Result<Option<Read>, Fault> {
    let told = [
        ("poll", settings.poll.as_ref().map(|told| told.url.span()), Received::Rest),
        ("database", settings.database.as_ref().map(|told| told.query.span()), Received::Database),
        ("amqp", settings.amqp.as_ref().map(|told| told.queue.span()), Received::Amqp),
        ("sftp", settings.sftp.as_ref().map(|told| told.host.span()), Received::File),
    ];
    for (table, span, transport) in told {
        let Some(span) = span.filter(|_| transport != settings.transport) else { continue };
        let message = format!("`{table}` is said of channels of another transport");
        let advice = match transport {
            Received::Rest => "write transport = \"rest\", or leave the table out",
            Received::Database => "write transport = \"database\", or leave the table out",
            Received::File => "write transport = \"file\", or leave the table out",
            _ => "write transport = \"amqp\", or leave the table out",
        };
        return Err(source.fault(&span, message, advice));
    }
    match settings.transport {
        Received::Rest => settings.poll.as_ref().map(|told| rest::read(source, told)).transpose(),
        Received::File => settings.sftp.as_ref().map(|told| sftp::read(source, told)).transpose(),
        Received::Soap | Received::Lgsp | Received::Dvcqg => Ok(None),
        Received::Database => {
            let told = told_of(source, settings.database.as_ref(), "database")?;
            database::read(source, told).map(Some)
        }
        Received::Amqp => {
            let told = told_of(source, settings.amqp.as_ref(), "amqp")?;
            amqp::read(source, told).map(Some)
        }
    }
}

/// The table that a transport needs.
fn told_of<'a, T>(source: &Source<'_>, told: Option<&'a T>, table: &str) -> Result<&'a T, Fault> {
    told.ok_or_else(|| {
        let word = format!("transport = \"{table}\"");
        let span = source.text.find(&word).map_or(0..0, |at| at..at + word.len());
        let message = format!("a channel with {word} does not say what it reads");
        source.fault(&span, message, "write the table [channels.NAME.…] of that transport")
    })
}

/// A number from 1 on, or what it is where nothing is told.
fn number(
    source: &Source<'_>,
    told: Option<&Spanned<u64>>,
    (otherwise, max): (u64, u64),
) -> Result<u64, Fault> {
    super::dropped::number(source, (told, otherwise, max))
}

fn every(source: &Source<'_>, told: Option<&Spanned<u64>>) -> Result<Duration, Fault> {
    number(source, told, (EVERY_SECONDS, EVERY_SECONDS_MAX)).map(Duration::from_secs)
}

/// A text that must have a form.
fn parsed<T: FromStr<Err: ToString>>(
    source: &Source<'_>,
    told: &Spanned<String>,
    advice: &str,
) -> Result<T, Fault> {
    told.get_ref().parse().map_err(|why: T::Err| {
        let message = format!("`{}`: {}", told.get_ref(), why.to_string());
        source.fault(&told.span(), message, advice)
    })
}

/// A secret by its name.
fn needed(source: &Source<'_>, told: &Spanned<String>) -> Needed {
    let name = told.get_ref().clone();
    let message = format!("there is no secret `{name}`");
    let advice = "write NAME = \"VALUE\" in the file that `secrets` of hub.toml names";
    Needed { absent: *source.fault(&told.span(), message, advice), name }
}

/// What must be told, with the place of what asks for it.
fn wanted<'a, T>(
    source: &Source<'_>,
    told: Option<&'a T>,
    span: Range<usize>,
    (message, advice): (&str, &str),
) -> Result<&'a T, Fault> {
    told.ok_or_else(|| source.fault(&span, message.to_owned(), advice))
}
