//! What people of simulated agencies reply to what they were sent, each some time later and by a
//! channel of its own.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    door::{Answer, Door, Tally},
    offered::Offered,
    simulate::{self, Way},
    system::Systems,
};
use crate::{
    catalog::Channel,
    simulation::{Reply, Simulation},
};

/// Replies under way, at most; whoever is asked more does not reply.
const WAITING_MAX: usize = 1_024;

/// A reply, and when it goes.
type Due = (Instant, Reply);

/// Where replies are handed in.
#[derive(Clone)]
pub(super) struct Desk(mpsc::Sender<Due>);

impl Desk {
    /// Hands in a reply.
    pub(super) fn put(&self, reply: Reply) {
        // What is one too many is not replied to: a simulation may.
        drop(self.0.try_send((Instant::now() + reply.after, reply)));
    }
}

/// What became of replies, by channel.
#[derive(Clone, Default)]
pub(super) struct Replied(Arc<Mutex<BTreeMap<String, Tally>>>);

impl Replied {
    /// What became of all so far.
    pub(super) fn tallies(&self) -> BTreeMap<String, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, channel: &str, answer: &Answer) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.entry(channel.to_owned()).or_default().count(answer);
    }
}

/// The way of replies by a channel: as its agency sends them, or as the hub reads them.
///
/// # Errors
/// A sentence: what is to be said of it.
pub(super) fn door(
    channel: &Channel,
    way: &Way<'_>,
    systems: (&Systems, u64),
) -> Result<Door, String> {
    // What its system shows already, it goes on showing.
    if let Some(book) = systems.0.shown(&channel.id) {
        return Ok(Door::Offered(Offered::Items(book)));
    }
    let simulation = Simulation::load(&channel.folder, &channel.id, systems.1);
    let simulation = simulation.map_err(|error| error.to_string())?;
    simulate::door(channel, simulation.as_ref(), way, systems)
}

/// Replies that wait to be sent.
pub(super) struct Replies(mpsc::Receiver<Due>);

/// Where replies are handed in, and who sends them.
pub(super) fn desk() -> (Desk, Replies) {
    let (desk, replies) = mpsc::channel(WAITING_MAX);
    (Desk(desk), Replies(replies))
}

impl Replies {
    /// Sends each when it is due, through the door of its channel, until nobody hands in any more;
    /// `tell` is told every answer, and why there is none.
    ///
    /// # Errors
    /// What `tell` says.
    pub(super) async fn send(
        mut self,
        mut doors: BTreeMap<String, Door>,
        replied: Replied,
        mut tell: impl FnMut(&str, Result<&Answer, String>) -> io::Result<()>,
    ) -> io::Result<()> {
        while let Some((at, reply)) = self.0.recv().await {
            sleep_until(at).await;
            let channel = &reply.channel;
            let Some(door) = doors.get_mut(channel) else {
                tell(channel, Err(format!("{channel}: no way to the hub is known")))?;
                continue;
            };
            match door.send(&reply.id, reply.payload).await {
                Ok(answers) => answers.iter().try_for_each(|answer| {
                    replied.count(channel, answer);
                    tell(channel, Ok(answer))
                })?,
                // One reply that is lost stops no other.
                Err(error) => tell(channel, Err(format!("{channel}: {error}")))?,
            }
        }
        Ok(())
    }
}
