//! `lienthong drift`: what has changed in what channels send.

use std::{
    io::{self, Write},
    sync::Arc,
};

use mappings::profile::{Field, Use};

use super::{Configured, Exit, journal};
use crate::{
    auth::Principal,
    operations::{ChannelDrift, Drift, Operations},
    store::Store,
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Channel, as agency.channel; all where none is named.
    channel: Option<String>,
    /// Show what the channels send as well: fields, types, forms, codes.
    #[arg(long)]
    profile: bool,
    /// How it is told.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    configured: Configured,
}

/// How something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// In words.
    Text,
    /// As JSON.
    Json,
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let ask = async |store: Arc<dyn Store>| {
        Operations::of(store)
            .drift(&Principal::Operator, options.channel.as_deref(), options.profile)
            .await
    };
    let told = match journal::with_store(&options.configured.config, err, ask)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    let drift = match told {
        Ok(drift) => drift,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(journal::exit_of(&error));
        }
    };
    if let Some(channel) = options.channel.as_ref().filter(|_| drift.channels.is_empty()) {
        writeln!(err, "nothing that `{channel}` sent has been looked at yet")?;
        return Ok(Exit::Faulty);
    }
    match options.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&drift)?)?,
        Format::Text => tell(&drift, out)?,
    }
    Ok(Exit::Done)
}

fn tell(drift: &Drift, out: &mut impl Write) -> io::Result<()> {
    for channel in &drift.channels {
        of_channel(channel, out)?;
    }
    writeln!(out, "{} of {} messages counted", drift.counted, drift.messages)
}

fn of_channel(channel: &ChannelDrift, out: &mut impl Write) -> io::Result<()> {
    let ChannelDrift { messages, looked, records, unreadable, missed, .. } = channel;
    let (first, last) = &channel.periods;
    write!(out, "{} {first}…{last}: looked at {looked} of {messages} messages, ", channel.channel)?;
    write!(out, "{records} records")?;
    if *unreadable > 0 {
        write!(out, "; {unreadable} messages could not be read")?;
    }
    if *missed > 0 {
        write!(out, "; {missed} could not be looked at")?;
    }
    writeln!(out)?;
    if channel.changes.is_empty() {
        writeln!(out, "  không có thay đổi / no change")?;
    }
    for change in &channel.changes {
        writeln!(out, "  {} {} {}", change.since, change.records, change.path)?;
        writeln!(out, "    {}\n    {}", change.detail.vi, change.detail.en)?;
        writeln!(out, "    → {}\n    → {}", change.advice.vi, change.advice.en)?;
    }
    for (records, fields) in channel.profile.iter().flat_map(|profile| &profile.0) {
        writeln!(out, "  {records}: {} records", fields.records)?;
        for (path, field) in &fields.fields {
            of_field(path, field, out)?;
        }
        if fields.more > 0 {
            writeln!(out, "    and {} more, of too many or too long names", fields.more)?;
        }
    }
    Ok(())
}

fn of_field(path: &str, field: &Field, out: &mut impl Write) -> io::Result<()> {
    let used = match field.used {
        Use::Unread => "unread",
        Use::Text => "text",
        Use::Number => "number",
        Use::Date => "date",
        Use::Code => "code",
    };
    write!(out, "    {path}\t{used}\tin {}, filled in {}", field.present, field.filled)?;
    let counts = |counts: &std::collections::BTreeMap<String, u64>| {
        counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    };
    let all = [&field.types, &field.forms, &field.codes, &field.strange];
    for (name, told) in ["types", "forms", "codes", "not in the table"].iter().zip(all) {
        if !told.is_empty() {
            write!(out, "\t{name}: {}", counts(told))?;
        }
    }
    if field.hidden > 0 {
        write!(out, "\tnot shown: {}", field.hidden)?;
    }
    writeln!(out)
}
