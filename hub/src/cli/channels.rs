//! `lienthong channels` and `control`: how channels stand, and what they have beside the hub.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{Configured, Exit, dead::with_operations};
use crate::{
    auth::Principal,
    catalog,
    journal::entry::Mode,
    operations::{Control, KEYS_MAX, Keys},
    store::StoreError,
};

/// A control of keys.
#[derive(Debug, clap::Args)]
pub(super) struct ControlOptions {
    /// Channel, as agency.channel.
    channel: String,
    /// A file with a key a line: all that the agency has, from the first to the last of them.
    file: PathBuf,
    /// Whose keys they are; the agency's id where it is not told.
    #[arg(long)]
    source: Option<String>,
    #[command(flatten)]
    configured: Configured,
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or("–".to_owned(), |at| at.strftime("%Y-%m-%dT%H:%MZ").to_string())
}

/// Channels of a hub.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    configured: Configured,
}

/// What to do with one.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a channel in trial or backfill live: in its agency.toml, of which a hub that runs takes
    /// it within ten seconds.
    Promote {
        /// Channel, as agency.channel.
        channel: String,
    },
}

/// How every channel stands and the alerts that are open, or the promotion of one.
pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let config = &options.configured.config;
    match &options.action {
        None => stand(config, out, err),
        Some(Action::Promote { channel }) => promoted(config, channel, out, err),
    }
}

/// Promotes a channel, and says what is open there.
fn promoted(
    config: &Path,
    channel: &str,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    with_operations(config, (out, err), async |operations| {
        let Some(found) = operations.catalog.channels.get(channel) else {
            return Ok((format!("there is no channel `{channel}`\n"), Exit::Faulty));
        };
        let who = Principal::Operator;
        let all = operations.standings(&who, None, Timestamp::now()).await?;
        let open = all.iter().find(|one| one.heard.channel == channel);
        let open = open.map_or(0, |one| one.open_refusals);
        let from = match catalog::promote(found) {
            Ok(Mode::Live) => return Ok((format!("{channel}: live already\n"), Exit::Done)),
            Ok(from) => from,
            Err(error) => {
                return Ok((format!("agency.toml of {channel}: {error}\n"), Exit::Faulty));
            }
        };
        let mut text = format!("{channel}: {} -> live\n", from.as_str());
        text.push_str(&format!("open refusals: {open}\n"));
        text.push_str(
            "Hệ thống đang chạy áp dụng trong 10 giây. / A hub that runs takes it in 10 seconds.\n",
        );
        if from == Mode::Trial {
            text.push_str(
                "Dữ liệu đã gửi khi thử không được tính cho đến khi gửi lại. / What was sent in \
                 trial counts when it is sent again.\n",
            );
        }
        Ok((text, Exit::Done))
    })
}

fn stand(config: &Path, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    with_operations(config, (out, err), async |operations| {
        let who = Principal::Operator;
        operations.published.refresh(&*operations.store).await?;
        let mut text = "channel\tmode\tlast heard\tdue\topen refusals\tconformance\n".to_owned();
        for one in operations.standings(&who, None, Timestamp::now()).await? {
            let (heard, score) = (&one.heard, one.conformance.score);
            let score = score.map_or("–".to_owned(), |score| score.to_string());
            let silent = if heard.silent { " silent" } else { "" };
            let (last, due) = (time(heard.last_at), time(heard.due_at));
            text.push_str(&format!(
                "{}\t{}\t{last}\t{due}{silent}\t{}\t{score}\n",
                heard.channel,
                heard.mode.as_str(),
                one.open_refusals
            ));
        }
        for alert in operations.alerts(&who).await? {
            text.push_str(&format!(
                "{} {}: {}\n  {}\n",
                alert.channel, alert.kind, alert.told.vi, alert.told.en
            ));
        }
        Ok((text, Exit::Done))
    })
}

/// Compares a file of keys with what the hub has. Ends as partly refused where they differ.
pub(super) fn control(
    options: &ControlOptions,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let text = match fs::read_to_string(&options.file) {
        Ok(text) => text,
        Err(error) => {
            writeln!(err, "{}: {error}", options.file.display())?;
            return Ok(Exit::Faulty);
        }
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<String> = lines.map(ToOwned::to_owned).collect();
    if keys.is_empty() || keys.len() > KEYS_MAX {
        writeln!(err, "a control has from 1 to {KEYS_MAX} keys, this one {}", keys.len())?;
        return Ok(Exit::Faulty);
    }
    let mut differs = false;
    let told = with_operations(&options.configured.config, (out, err), async |operations| {
        let channel = &options.channel;
        if operations.catalog.channel(channel).is_none() {
            return Err(StoreError::fault(format!("there is no channel `{channel}`")));
        }
        let keys = Keys { keys, source: options.source.clone(), ..Keys::default() };
        let done = operations.control(channel, Control::Keys(keys), Timestamp::now()).await?;
        let lines = |word: &str, keys: &[String]| -> String {
            keys.iter().map(|key| format!("{word}\t{key}\n")).collect()
        };
        differs = done.kept.missing > 0 || done.kept.extra > 0;
        let mut text = lines("missing", &done.missing_keys) + &lines("extra", &done.extra_keys);
        let kept = done.kept;
        text.push_str(&format!(
            "{} keys told, {} missing, {} extra\n",
            kept.told, kept.missing, kept.extra
        ));
        Ok((text, Exit::Done))
    })?;
    Ok(if differs && told == Exit::Done { Exit::PartlyRefused } else { told })
}
