//! An agency that is sent something, played: it takes it, fails, refuses or lies.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use jiff::Timestamp;

use super::{
    Exit, block_on,
    system::{self, Systems},
};
use crate::{
    catalog::OutboundChannel,
    simulation::{self, Act, Asked, Conduct},
};

/// News that are not told yet, at most.
const NEWS_MAX: usize = 1_024;

/// Plays an agency that is sent something: takes it, fails, refuses or lies.
pub(super) fn run(
    channel: &OutboundChannel,
    (told, seed): (&Conduct, u64),
    (address, most): (SocketAddr, u64),
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let conduct = match simulation::receiving(&channel.folder, &channel.id) {
        Ok(conduct) => told.or(&conduct),
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    let (tells, mut news) = tokio::sync::mpsc::channel(NEWS_MAX);
    let systems = Systems::with_news(tells);
    if !systems.take(channel, Asked::new(conduct, seed, &channel.id)) {
        writeln!(err, "{} is sent nothing over HTTP: nobody is to answer", channel.id)?;
        return Ok(Exit::Faulty);
    }
    block_on(async {
        let (listener, address) = system::listener(address).await?;
        let place = channel.id.replacen('.', "/", 1);
        writeln!(out, "http://{address}/{place}")?;
        out.flush()?;
        let serving = systems.clone().serve(listener);
        let mut left = most;
        let telling = async {
            while left > 0 {
                let Some((channel, act, id)) = news.recv().await else { break };
                let at = Timestamp::now().strftime("%H:%M:%S").to_string();
                let did = match act {
                    Act::Answers => "taken",
                    Act::Fails => "failed",
                    Act::Refuses => "refused",
                    Act::Lies => "lied",
                };
                let (took, not) = if act == Act::Answers { (1, 0) } else { (0, 1) };
                writeln!(out, "{at}  {channel:<32} {did:<9}{took:>4}{not:>4}  {id}")?;
                out.flush()?;
                left -= u64::from(act == Act::Answers);
            }
            Ok(())
        };
        tokio::select! {
            ended = serving => ended,
            told = telling => told,
            told = tokio::signal::ctrl_c() => told,
        }
    })??;
    Ok(Exit::Done)
}
