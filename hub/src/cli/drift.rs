//! `lienthong drift`: what has changed in what channels send, and what holds them.

use std::io::{self, Write};

use jiff::{Timestamp, tz};
use mappings::profile::{Field, Use};

use super::{
    Configured, Exit,
    dead::{Done, with_operations},
};
use crate::{
    auth::Principal,
    holding::HoldState,
    operations::{ChannelDrift, Drift, Hold, Operations},
    store::StoreError,
};

/// What is asked.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
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

/// What is decided.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Accept the changes that hold a channel: a hub that runs takes what it sends again within
    /// seconds, and reads it by the mapping as it stands.
    Accept {
        /// Channel, as agency.channel.
        channel: String,
        /// Who accepts it; kept with the change.
        #[arg(long, default_value = "operator")]
        by: String,
    },
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
    let config = &options.configured.config;
    with_operations(config, (out, err), async |operations| match &options.action {
        Some(Action::Accept { channel, by }) => accept(operations, channel, by).await,
        None => asked(operations, options).await,
    })
}

/// Accepts what holds a channel, and tells it.
async fn accept(operations: &Operations, channel: &str, by: &str) -> Done {
    if !operations.catalog.channels.contains_key(channel) {
        return Ok((format!("there is no channel `{channel}`\n"), Exit::Faulty));
    }
    let accepted = operations.accept_drift(channel, by).await?;
    if accepted.is_empty() {
        return Ok((format!("{channel}: nothing holds it\n"), Exit::Done));
    }
    let mut text = Vec::new();
    for hold in &accepted {
        of_hold(hold, &mut text).map_err(unwritten)?;
    }
    let told = String::from_utf8_lossy(&text);
    let end = "Hệ thống đang chạy nhận lại trong vài giây. / A hub that runs takes it again in \
               seconds.";
    Ok((format!("{channel}: {} accepted by {by}\n{told}{end}\n", accepted.len()), Exit::Done))
}

async fn asked(operations: &Operations, options: &Options) -> Done {
    let channel = options.channel.as_deref();
    let drift = operations.drift(&Principal::Operator, channel, options.profile).await?;
    if let Some(channel) = channel.filter(|_| drift.channels.is_empty()) {
        let told = format!("nothing that `{channel}` sent has been looked at yet\n");
        return Ok((told, Exit::Faulty));
    }
    let mut text = Vec::new();
    match options.format {
        Format::Json => {
            let told = serde_json::to_string_pretty(&drift);
            let told = told.map_err(|error| StoreError::fault(error.to_string()))?;
            writeln!(text, "{told}").map_err(unwritten)?;
        }
        Format::Text => tell(&drift, &mut text).map_err(unwritten)?,
    }
    Ok((String::from_utf8_lossy(&text).into_owned(), Exit::Done))
}

/// Writing into memory does not fail.
fn unwritten(error: io::Error) -> StoreError {
    StoreError::fault(error.to_string())
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
    for hold in &channel.holds {
        of_hold(hold, out)?;
    }
    if channel.holds.iter().any(|hold| hold.state == HoldState::Held) {
        writeln!(out, "  → lienthong drift accept {}", channel.channel)?;
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

/// One line for each language: what held the channel, since when, and who let it pass.
fn of_hold(hold: &Hold, out: &mut impl Write) -> io::Result<()> {
    let (since, detail) = (time(hold.held_at), &hold.change.detail);
    let accepted = hold.accepted.as_ref();
    let accepted = accepted.map(|one| format!("{} {}", time(one.at), one.by)).unwrap_or_default();
    let (vi, en) = match hold.state {
        HoldState::Held => ("ĐANG TẠM GIỮ".to_owned(), "HELD".to_owned()),
        HoldState::Accepted => (format!("đã chấp nhận {accepted}"), format!("accepted {accepted}")),
        HoldState::Mended => ("quy tắc đã sửa".to_owned(), "its rules were mended".to_owned()),
        HoldState::Passed => ("kênh cho qua".to_owned(), "the channel lets it pass".to_owned()),
    };
    writeln!(out, "  {since} {vi}: {}\n  {since} {en}: {}", detail.vi, detail.en)
}

/// A time as people of the province write it.
fn time(millis: i64) -> String {
    let local = Timestamp::from_millisecond(millis).map(|at| tz::offset(7).to_datetime(at));
    local.map(|at| at.strftime("%H:%M %d/%m/%Y").to_string()).unwrap_or_default()
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
