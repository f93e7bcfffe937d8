//! How an outbound channel is sent: its transport, and what that wants to know.

use adapters::{
    amqp::{NAME_BYTES_MAX, PublishSettings},
    database::InsertSettings,
    outbound::{
        dvcqg::{Portal, Service},
        soap::Call,
    },
    soap::Version,
};
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

use super::{OutboundSettings, Source};

/// The transports by which a channel sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sent {
    /// By HTTP POST.
    #[default]
    Rest,
    /// As files.
    File,
    /// By calls of a web service.
    Soap,
    /// Published to a broker.
    Amqp,
    /// As rows of a table.
    Database,
    /// As the national portal takes it.
    Dvcqg,
}

impl Sent {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::File => "file",
            Self::Soap => "soap",
            Self::Amqp => "amqp",
            Self::Database => "database",
            Self::Dvcqg => "dvcqg",
        }
    }

    /// Whether who receives it says something in words.
    pub(super) fn is_answered(self) -> bool {
        matches!(self, Self::Rest | Self::Soap)
    }
}

/// A transport with what it wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// By HTTP POST.
    Rest,
    /// As files.
    File,
    /// By calls of a web service.
    Soap(Call),
    /// Published to a broker.
    Amqp(PublishSettings),
    /// As rows of a table.
    Database(InsertSettings),
    /// As the national portal takes it.
    Dvcqg(Portal),
}

impl Sending {
    /// The word for its transport.
    pub fn name(&self) -> &'static str {
        let sent = match self {
            Self::Rest => Sent::Rest,
            Self::File => Sent::File,
            Self::Soap(_) => Sent::Soap,
            Self::Amqp(_) => Sent::Amqp,
            Self::Database(_) => Sent::Database,
            Self::Dvcqg(_) => Sent::Dvcqg,
        };
        sent.name()
    }
}

/// `[outbound.CHANNEL.soap]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoapTold {
    /// `1.1` unless told, or `1.2`.
    version: Option<Spanned<String>>,
    /// What `SOAPAction` says.
    #[serde(default)]
    action: String,
    /// The namespace of the Body's element.
    namespace: Option<String>,
}

/// `[outbound.CHANNEL.amqp]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishTold {
    /// The exchange; without one, `key` is a queue.
    exchange: Option<Spanned<String>>,
    /// The routing key.
    key: Spanned<String>,
}

/// `[outbound.CHANNEL.database]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsertTold {
    /// The table.
    table: Spanned<String>,
    /// The column of the message's id.
    message: Spanned<String>,
}

/// `[outbound.CHANNEL.dvcqg]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalTold {
    /// `DongBoHoSoMC` or `CapNhatTienDoHoSoMC`.
    service: Spanned<String>,
    /// `madonvi`.
    office: String,
    /// The header `dstcode`.
    destination: Option<String>,
    /// Codes of an error after which the same is to come again.
    #[serde(default = "later_codes")]
    later_codes: Vec<String>,
}

/// What a hub of our make says when it cannot take anything now.
fn later_codes() -> Vec<String> {
    vec!["-5".to_owned()]
}

/// What is wrong, where, and how to mend it.
type Fault = Box<mappings::Diagnostic>;

/// How a channel is sent.
///
/// # Errors
/// A table of another transport, one that is missing, what is wrong in it.
pub(super) fn read(
    source: &Source<'_>,
    settings: &OutboundSettings,
    timeout: Duration,
) -> Result<Sending, Fault> {
    let tables = [
        (Sent::Soap, settings.soap.as_ref().map(Spanned::span)),
        (Sent::Amqp, settings.amqp.as_ref().map(Spanned::span)),
        (Sent::Database, settings.database.as_ref().map(Spanned::span)),
        (Sent::Dvcqg, settings.dvcqg.as_ref().map(Spanned::span)),
    ];
    for (transport, span) in tables {
        if let Some(span) = span.filter(|_| transport != settings.transport) {
            let message = format!("`{}` is said of another transport", transport.name());
            let advice = "write that transport, or leave the table out";
            return Err(source.fault(&span, message, advice));
        }
    }
    Ok(match settings.transport {
        Sent::Rest => Sending::Rest,
        Sent::File => Sending::File,
        Sent::Soap => Sending::Soap(call(source, settings)?),
        Sent::Amqp => {
            let told = told_of(source, settings.amqp.as_ref(), "amqp")?;
            let exchange = told.exchange.as_ref().map(|told| name(source, told)).transpose()?;
            let key = name(source, &told.key)?;
            Sending::Amqp(PublishSettings { exchange: exchange.unwrap_or_default(), key })
        }
        Sent::Database => {
            let told = told_of(source, settings.database.as_ref(), "database")?;
            let (table, message) = (name(source, &told.table)?, name(source, &told.message)?);
            Sending::Database(InsertSettings { table, message, timeout })
        }
        Sent::Dvcqg => {
            let told = told_of(source, settings.dvcqg.as_ref(), "dvcqg")?;
            Sending::Dvcqg(portal(source, told)?)
        }
    })
}

/// The table that a transport needs.
fn told_of<'a, T>(
    source: &Source<'_>,
    told: Option<&'a Spanned<T>>,
    table: &str,
) -> Result<&'a T, Fault> {
    let told = told.map(Spanned::get_ref);
    told.ok_or_else(|| {
        let word = format!("transport = \"{table}\"");
        let span = source.text.find(&word).map_or(0..0, |at| at..at + word.len());
        let message = format!("a channel with {word} does not say where it goes");
        source.fault(&span, message, "write the table [outbound.NAME.…] of that transport")
    })
}

/// A name that brokers and databases take.
fn name(source: &Source<'_>, told: &Spanned<String>) -> Result<String, Fault> {
    match told.get_ref().len() {
        1..=NAME_BYTES_MAX => Ok(told.get_ref().clone()),
        bytes => {
            let message = format!("a name of {bytes} bytes: 1 to {NAME_BYTES_MAX} fit");
            Err(source.fault(&told.span(), message, "write the name as it is there"))
        }
    }
}

fn call(source: &Source<'_>, settings: &OutboundSettings) -> Result<Call, Fault> {
    let told = settings.soap.as_ref().map(|told| told.get_ref().clone()).unwrap_or_default();
    let version = match &told.version {
        None => Version::V11,
        Some(told) => match told.get_ref().as_str() {
            "1.1" => Version::V11,
            "1.2" => Version::V12,
            other => {
                let message = format!("there is no SOAP {other}");
                return Err(source.fault(&told.span(), message, "write \"1.1\" or \"1.2\""));
            }
        },
    };
    Ok(Call { version, action: told.action, namespace: told.namespace })
}

fn portal(source: &Source<'_>, told: &PortalTold) -> Result<Portal, Fault> {
    let all = [Service::Dossiers, Service::Progress];
    let service = all.into_iter().find(|one| one.name() == told.service.get_ref());
    let Some(service) = service else {
        let message = format!("there is no service `{}`", told.service.get_ref());
        let advice = "write \"DongBoHoSoMC\" or \"CapNhatTienDoHoSoMC\"";
        return Err(source.fault(&told.service.span(), message, advice));
    };
    Ok(Portal {
        service,
        office: told.office.clone(),
        destination: told.destination.clone(),
        later_codes: told.later_codes.clone(),
    })
}
