//! The chunks of one message on their way into the store, in order, some of them at once: while
//! one is written, what the next ones need is read, and what waits is written together.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use contracts::{Later, Receipt};

use super::{Journey, commit::Pending, route};
use crate::store::{Item, Reply, Submission};

/// Chunks of one message under way at once. More would only make others wait for longer commits.
const UNDER_WAY_MAX: usize = 4;

/// How often one chunk is sent again because it was overtaken.
const AGAIN_MAX: u32 = 8;

/// A chunk that was sent.
struct UnderWay {
    chunk: Submission,
    pending: Pending,
    destinations: BTreeSet<Arc<str>>,
    again: u32,
}

/// Sends the chunks of one message.
pub(super) struct Sender<'j> {
    journey: &'j Journey,
    /// What all chunks have in common.
    first: Submission,
    /// The number of the next one.
    number: u32,
    /// The number that the store wants; it may be ahead, where the message was begun before.
    wanted: u32,
    under_way: VecDeque<UnderWay>,
}

/// Why a message gets no outcome here: whoever sends it again gets it.
pub(super) fn moved_on() -> Later {
    Later { reason: "the message moved on".to_owned(), retry_after_seconds: 1 }
}

impl<'j> Sender<'j> {
    pub(super) fn new(journey: &'j Journey, first: Submission) -> Self {
        Self { journey, first, number: 0, wanted: 0, under_way: VecDeque::new() }
    }

    /// Sends the next chunk; gives the receipt where the message turns out to have its outcome.
    pub(super) async fn send(
        &mut self,
        items: Vec<Item>,
        last: bool,
    ) -> Result<Option<Receipt>, Later> {
        let chunk = self.number;
        self.number += 1;
        // One that is durable already is not sent again; the last one asks for the receipt.
        if chunk >= self.wanted || last {
            let items = Arc::new(items);
            let mut chunk = Submission { chunk, last, items, ..self.first.clone() };
            self.journey.exchange.admit(&mut chunk).await?;
            let sent = self.hand_over(chunk, 0).await?;
            self.under_way.push_back(sent);
        }
        while self.under_way.len() >= UNDER_WAY_MAX {
            if let Some(receipt) = self.next().await? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    /// Sends the last chunk and waits for the receipt.
    pub(super) async fn finish(&mut self, items: Vec<Item>) -> Result<Receipt, Later> {
        let mut receipt = self.send(items, true).await?;
        while receipt.is_none() && !self.under_way.is_empty() {
            receipt = self.next().await?;
        }
        receipt.ok_or_else(moved_on)
    }

    async fn hand_over(&self, chunk: Submission, again: u32) -> Result<UnderWay, Later> {
        let destinations = route::destinations(&chunk.items);
        let pending = self.journey.committer.hand_over(chunk.clone()).await?;
        Ok(UnderWay { chunk, pending, destinations, again })
    }

    /// Waits for the first of those under way, and wakes who delivers what it made. Where it was
    /// overtaken, so were those behind it: all of them go once more at once, and so in their order.
    /// One by one they would overtake each other for ever.
    async fn next(&mut self) -> Result<Option<Receipt>, Later> {
        let mut overtaken = Vec::new();
        while let Some(UnderWay { chunk, pending, destinations, again }) =
            self.under_way.pop_front()
        {
            match pending.reply().await? {
                Reply::Done(receipt) => {
                    self.journey.routes.wake(&destinations);
                    return Ok(Some(receipt));
                }
                Reply::Next(wanted) if wanted > chunk.chunk => {
                    self.journey.routes.wake(&destinations);
                    self.wanted = self.wanted.max(wanted);
                }
                // All before it are durable, so it is wanted.
                Reply::Next(_) if again < AGAIN_MAX => overtaken.push((chunk, again + 1)),
                Reply::Next(_) => return Err(moved_on()),
            }
            if overtaken.is_empty() {
                return Ok(None);
            }
        }
        for (chunk, again) in overtaken {
            let sent = self.hand_over(chunk, again).await?;
            self.under_way.push_back(sent);
        }
        Ok(None)
    }
}
