//! What the hub does by itself in a demo: reads what agencies lay out, sends what routes say, tries
//! again what failed, and sends again what an operator replays.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    super::{door::Tally, offered::OFFERED, simulate, system::Systems},
    DemoError,
};
use crate::{
    auth::Principal,
    catalog::How,
    hub::Hub,
    operations::Pace,
    store::{StoreError, deliveries::DeadQuery},
};

/// How long reading and delivering may take.
const WITHIN: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Messages looked through for those of channels that are read.
const MESSAGES_MAX: u32 = 1_000;
/// Dead letters put back in a second.
const PER_SECOND: u32 = 100;

/// Whether an agency lays out a channel's messages, as far as its tally tells.
fn laid(tally: &Tally) -> u64 {
    tally.outcomes.get(OFFERED).copied().unwrap_or(0)
}

/// Waits until the hub has read what was laid out: two turns of an API or a database that both
/// began later, all different messages of a queue.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn read(hub: &Hub, channel: &str, ids: u64) -> Result<(), StoreError> {
    let operations = &hub.operations;
    let read = operations.catalog.channels.get(channel).and_then(|one| one.read.as_ref());
    let Some(read) = read else { return Ok(()) };
    let (began, mut turns, mut last) = (Instant::now(), 0, None);
    while began.elapsed() < WITHIN {
        let over = match read.how {
            How::Amqp(_) => {
                let all = operations.outcomes(&Principal::Operator).await?;
                let own = all.iter().filter(|one| one.channel == channel && one.outcome.is_some());
                own.map(|one| one.messages).sum::<u64>() >= ids
            }
            How::Rest(_) | How::Database(_) | How::Sftp(_) => {
                let all = operations.pollers(&Principal::Operator).await?;
                let own = all.iter().find(|one| one.channel == channel);
                let ended = own.and_then(|own| own.succeeded_at);
                turns += u32::from(ended != last && began.elapsed() > LOOK_EVERY);
                last = ended;
                turns > 2
            }
        };
        if over {
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// What became of a channel's messages that the hub has read, in place of what its agency knows.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn taken(hub: &Hub, channel: &str, tally: &Tally) -> Result<Tally, StoreError> {
    if laid(tally) == 0 {
        return Ok(tally.clone());
    }
    let traces = hub.operations.latest(&Principal::Operator, MESSAGES_MAX, 0).await?;
    let mut own = Tally::default();
    for message in traces.iter().map(|trace| &trace.message) {
        let Some(outcome) = message.outcome.clone().filter(|_| message.channel == channel) else {
            continue;
        };
        own.sent += 1;
        *own.outcomes.entry(outcome).or_default() += 1;
        own.records += message.records;
        own.refused += message.refused;
    }
    Ok(own)
}

/// Waits until nothing waits to be delivered.
async fn delivered(hub: &Hub) -> Result<bool, StoreError> {
    let began = Instant::now();
    while began.elapsed() < WITHIN {
        let all = hub.operations.outbox(&Principal::Operator).await?;
        if all.iter().all(|one| one.waiting == 0) {
            return Ok(true);
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(false)
}

/// Waits until all is delivered or dead, replays what is dead, and says what became of all.
///
/// # Errors
/// When the store cannot answer, or nothing can be written.
pub(super) async fn deliveries(
    hub: &Hub,
    systems: &Systems,
    out: &mut impl Write,
) -> Result<(), DemoError> {
    delivered(hub).await?;
    let query = DeadQuery { limit: MESSAGES_MAX, ..DeadQuery::default() };
    let dead = hub.operations.dead(&Principal::Operator, query.clone()).await?.letters;
    let pace = Pace { dry_run: false, per_second: PER_SECOND };
    let reason = "người nhận đã sửa; the receiver has mended it";
    hub.operations.replay_all(query.clone(), reason, pace).await?;
    delivered(hub).await?;
    let after = hub.operations.dead(&Principal::Operator, query).await?.letters;
    let received = systems.received();
    table_head(out)?;
    for one in hub.operations.outbox(&Principal::Operator).await? {
        // To a channel of the hub's own nothing is sent.
        let Some(channel) = hub.operations.catalog.outbound.get(&one.channel) else { continue };
        let transport = channel.sending.name();
        let buried = dead.iter().filter(|letter| letter.channel == one.channel).count();
        let replayed = after
            .iter()
            .filter(|letter| letter.channel == one.channel && letter.state == "replayed")
            .count();
        let (told, waiting) = (format!("{} ({transport})", one.channel), one.waiting);
        match received.get(&one.channel) {
            Some(own) => {
                let (attempts, taken, failed) = (own.attempts, own.taken.len(), own.failed);
                write!(out, "{told:<52}{attempts:>9}{taken:>7}{failed:>8}")?;
            }
            // Nobody answers there: how often it was tried is the hub's own to know.
            None => write!(out, "{told:<52}{:>9}{:>7}{:>8}", "–", "–", "–")?,
        }
        writeln!(out, "{waiting:>9}{buried:>6}{replayed:>10}")?;
    }
    out.flush()?;
    Ok(())
}

fn table_head(out: &mut impl Write) -> io::Result<()> {
    let [channel, attempts, taken, failed] = ["deliveries", "attempts", "taken", "failed"];
    let [waiting, dead, replayed] = ["waiting", "dead", "replayed"];
    writeln!(out)?;
    write!(out, "{channel:<52}{attempts:>9}{taken:>7}{failed:>8}")?;
    writeln!(out, "{waiting:>9}{dead:>6}{replayed:>10}")
}

/// The rows of the table of samples.
///
/// # Errors
/// When the store cannot answer, or nothing can be written.
pub(super) async fn rows(
    hub: &Hub,
    tallies: impl IntoIterator<Item = (&String, &Tally)>,
    out: &mut impl Write,
) -> Result<(), DemoError> {
    simulate::head(out)?;
    for (id, tally) in tallies {
        let channel = hub.operations.catalog.channels.get(id);
        let transport = channel.map_or("", |channel| channel.transport());
        let tally = taken(hub, id, tally).await?;
        simulate::row(&format!("{id} ({transport})"), &tally, out)?;
    }
    Ok(())
}
