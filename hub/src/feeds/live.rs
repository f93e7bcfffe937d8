//! The live end of the feeds: what is appended is read once for all who follow.
//!
//! One task looks at the journal's end: at once when this process has appended, and every little
//! while for what others have. While anybody follows a feed it reads what is new and hands it out.
//! Who is behind, for having just come or for being slow, reads the store until it has caught up;
//! a [`Batch`] says what it follows on, so nobody takes one with a gap before it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{Notify, broadcast, watch},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Audience, Fed, Feed, Place};
use crate::{
    auth::Principal, cursor, journal::log::Log, lasting::Lasting, operations::Operations,
    store::StoreError,
};

/// How often the journal's end is looked at for what other processes have appended.
const OTHERS_EVERY: Duration = Duration::from_millis(500);

/// The least between two looks: under load, what came in meanwhile is read together.
const REST: Duration = Duration::from_millis(20);

/// After the store could not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Rows read at once.
const ROWS_MAX: u32 = 500;

/// Batches kept for who is slow; who falls further behind reads the store.
const BATCHES_MAX: usize = 64;

/// What was appended between two places of a feed.
#[derive(Debug)]
pub struct Batch {
    /// The place that it follows on.
    pub from: Place,
    /// The place after it.
    pub to: Place,
    frames: Vec<(Place, Audience, Bytes)>,
}

impl Batch {
    fn new(log: &Log, feed: Feed, (from, to): (Place, Place), fed: Vec<Fed>) -> Self {
        let framed = |one: Fed| {
            let frame = frame(&log.id, feed, &one);
            (one.after, one.audience, frame)
        };
        Self { from, to, frames: fed.into_iter().map(framed).collect() }
    }

    /// The frames of its events after a place that someone may read.
    pub fn frames<'a>(
        &'a self,
        who: &'a Principal,
        place: &'a Place,
    ) -> impl Iterator<Item = Bytes> + 'a {
        let wanted = move |(after, audience, _): &&(Place, Audience, Bytes)| {
            after > place && audience.admits(who)
        };
        self.frames.iter().filter(wanted).map(|(.., frame)| frame.clone())
    }
}

/// An event as a frame of `text/event-stream` (WHATWG HTML, server-sent events): its id is the
/// cursor after it.
pub fn frame(log_id: &str, feed: Feed, fed: &Fed) -> Bytes {
    let cursor = cursor::write(log_id, &feed.list(), &fed.after);
    let mut frame = Vec::with_capacity(cursor.len() + fed.text.len() + 16);
    frame.extend_from_slice(b"id: ");
    frame.extend_from_slice(cursor.as_bytes());
    // A line each: a stored text that held a line break would end the frame before its time.
    for line in fed.text.split(|byte| *byte == b'\n') {
        frame.extend_from_slice(b"\ndata: ");
        frame.extend_from_slice(line);
    }
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

/// One feed's live end.
#[derive(Debug)]
struct End {
    feed: Feed,
    batches: broadcast::Sender<Arc<Batch>>,
}

/// Up to where each feed was handed out, while it is followed.
type Places = [Option<Place>; Feed::ALL.len()];

/// The live end of every feed.
#[derive(Debug, Clone)]
pub struct Live {
    size: watch::Sender<u64>,
    ends: Arc<[End; Feed::ALL.len()]>,
    stop: CancellationToken,
}

impl Live {
    /// Starts the task that looks at the journal's end, until told to stop. `appended` is told
    /// when this process has appended.
    pub fn start(operations: Operations, appended: Arc<Notify>, lasting: Lasting) -> Self {
        let end = |feed| End { feed, batches: broadcast::channel(BATCHES_MAX).0 };
        let ends = Arc::new(Feed::ALL.map(end));
        let stop = lasting.stop().clone();
        let live = Self { size: watch::channel(0).0, ends, stop };
        let watching = live.clone();
        tokio::spawn(lasting.keep("feeds", move |stop| {
            let (live, operations, appended) =
                (watching.clone(), operations.clone(), appended.clone());
            async move {
                stop.run_until_cancelled(live.watch(&operations, &appended)).await;
            }
        }));
        live
    }

    /// Told when the hub stops: nobody is to be held then.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// What is appended from now on.
    pub fn follow(&self, feed: Feed) -> broadcast::Receiver<Arc<Batch>> {
        let [records, dossiers, findings, catalogue, statistics, notices] = &*self.ends;
        let end = match feed {
            Feed::Records => records,
            Feed::Dossiers => dossiers,
            Feed::Findings => findings,
            Feed::Catalogue => catalogue,
            Feed::Statistics => statistics,
            Feed::Notices => notices,
        };
        end.batches.subscribe()
    }

    /// Tells the journal's size as it grows, as far as it is looked at.
    pub fn size(&self) -> watch::Receiver<u64> {
        self.size.subscribe()
    }

    async fn watch(&self, operations: &Operations, appended: &Notify) {
        let mut places: Places = Default::default();
        loop {
            // Also after nothing was heard: other processes append too.
            let _ = timeout(OTHERS_EVERY, appended.notified()).await;
            let rest = match self.look(operations, &mut places).await {
                Ok(()) => REST,
                Err(error) => {
                    tracing::warn!(%error, "who follows a feed waits for the store");
                    PATIENCE
                }
            };
            sleep(rest).await;
        }
    }

    /// Looks at the journal's end, and hands out what is new to who follows.
    async fn look(&self, operations: &Operations, places: &mut Places) -> Result<(), StoreError> {
        let followed = self.ends.iter().any(|end| end.batches.receiver_count() > 0);
        if !followed && self.size.receiver_count() == 0 {
            *places = Default::default();
            return Ok(());
        }
        let head = operations.store.head().await?;
        for (end, place) in self.ends.iter().zip(places) {
            if end.batches.receiver_count() == 0 {
                *place = None;
                continue;
            }
            let from = match place {
                Some(place) => place,
                None => {
                    let from = place.insert(end.feed.end(operations, head.tree.size).await?);
                    // Who has come since the last look may have read the store before what is
                    // before this place was there: they are told of it, and read again.
                    let told = Batch { from: from.clone(), to: from.clone(), frames: Vec::new() };
                    let _ = end.batches.send(Arc::new(told));
                    from
                }
            };
            hand_out(operations, &head.log, end, from).await?;
        }
        self.size.send_if_modified(|size| {
            let grown = *size != head.tree.size;
            *size = head.tree.size;
            grown
        });
        Ok(())
    }
}

/// Reads a feed from a place to its end, and hands it out.
async fn hand_out(
    operations: &Operations,
    log: &Log,
    end: &End,
    place: &mut Place,
) -> Result<(), StoreError> {
    loop {
        let (fed, to) = end.feed.scan(operations, log, place, ROWS_MAX).await?;
        if to == *place {
            return Ok(());
        }
        let from = std::mem::replace(place, to.clone());
        // All may have gone meanwhile.
        let _ = end.batches.send(Arc::new(Batch::new(log, end.feed, (from, to), fed)));
    }
}
