//! An agency that is sent something, played: it takes it, fails, refuses or lies.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{self, Write},
    net::SocketAddr,
};

use jiff::Timestamp;

use super::{
    Exit, block_on,
    replies::{self, Replied},
    simulate::{self, Told, Way},
    system::{self, Systems},
};
use crate::{
    catalog::{Catalog, OutboundChannel},
    operations::agency_of,
    simulation::{Act, Asked, Conduct, Receiving},
};

/// News that are not told yet, at most.
const NEWS_MAX: usize = 1_024;

/// Plays an agency that is sent something: takes it, fails, refuses or lies; and its people reply,
/// where they do and a way to the hub is told.
pub(super) fn run(
    (catalog, channel): (&Catalog, &OutboundChannel),
    (told, seed): (&Conduct, u64),
    (address, most, way): (SocketAddr, u64, &Way<'_>),
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let receiving = match Receiving::load(&channel.folder, &channel.id, seed) {
        Ok(receiving) => receiving,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    let (tells, mut news) = tokio::sync::mpsc::channel(NEWS_MAX);
    let (desk, replies) = replies::desk();
    let systems = Systems::replying(desk).with_news(tells);
    let by = receiving.replies_by().map(|name| format!("{}.{name}", agency_of(&channel.id)));
    let asked = Asked::new(told.or(&receiving.conduct), seed, &channel.id);
    if !systems.take(channel, receiving, asked) {
        writeln!(err, "{} is sent nothing over HTTP: nobody is to answer", channel.id)?;
        return Ok(Exit::Faulty);
    }
    let mut doors = BTreeMap::new();
    if let Some(by) = by.as_deref().and_then(|id| catalog.channels.get(id)) {
        match replies::door(by, way, (&systems, seed)) {
            Ok(door) => _ = doors.insert(by.id.clone(), door),
            Err(why) => writeln!(err, "{}: nobody replies: {why}", by.id)?,
        }
    }
    block_on(async {
        let (listener, address) = system::listener(address).await?;
        let place = channel.id.replacen('.', "/", 1);
        writeln!(out, "http://{address}/{place}")?;
        out.flush()?;
        let serving = systems.clone().serve(listener);
        let out = RefCell::new(out);
        let mut left = most;
        let telling = async {
            while left > 0 {
                let Some((channel, act, id)) = news.recv().await else { break };
                let at = Timestamp::now().strftime("%H:%M:%S").to_string();
                let did = word(act);
                let (took, not) = if act == Act::Answers { (1, 0) } else { (0, 1) };
                let mut out = out.borrow_mut();
                writeln!(out, "{at}  {channel:<32} {did:<9}{took:>4}{not:>4}  {id}")?;
                out.flush()?;
                left -= u64::from(act == Act::Answers);
            }
            Ok(())
        };
        let replying = replies.send(doors, Replied::default(), |channel, answer| {
            let out = &mut **out.borrow_mut();
            match answer {
                Ok(answer) => simulate::line(channel, &Told::of(answer), out),
                Err(why) => writeln!(out, "{why}"),
            }
        });
        tokio::select! {
            replied = replying => replied,
            ended = serving => ended,
            told = telling => told,
            told = tokio::signal::ctrl_c() => told,
        }
    })??;
    Ok(Exit::Done)
}

/// The word for what was done.
fn word(act: Act) -> &'static str {
    match act {
        Act::Answers => "taken",
        Act::Fails => "failed",
        Act::Refuses => "refused",
        Act::Lies => "lied",
    }
}
