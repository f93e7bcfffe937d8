//! A hub as readers see it, for their tests: an inbox that answers from a script, and what the
//! store would keep, kept in memory.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use contracts::{Later, Receipt};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{Ended, Memory, Reader, Trouble, Turn};
use crate::{
    inbound::{Arrival, Inbox, Mark},
    suite::{CHANNEL, PATIENCE, Scripted, Told},
};

/// What is kept between turns.
#[derive(Default)]
pub(crate) struct Notebook {
    polled: Mutex<HashMap<Mark, Mark>>,
    cursor: Mutex<Option<String>>,
    /// What the next message is called, where a test says so.
    name: Mutex<Option<String>>,
    /// Stands in for a turn that has passed on.
    lost: Mutex<bool>,
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

impl Memory for Notebook {
    fn mark(&self, bytes: &[u8]) -> Mark {
        let mut mark = Mark::default();
        mark[..8].copy_from_slice(&hash(bytes).to_be_bytes());
        mark
    }

    fn message(&self, described: &[u8]) -> String {
        let name = self.name.lock().unwrap().clone();
        name.unwrap_or_else(|| format!("{:016x}", hash(described)))
    }

    fn polled(
        &self,
        _: &str,
        keys: Vec<Mark>,
    ) -> BoxFuture<'static, Result<Vec<(Mark, Mark)>, Later>> {
        let polled = self.polled.lock().unwrap();
        let found = keys.iter().filter_map(|key| Some((*key, *polled.get(key)?))).collect();
        Box::pin(async { Ok(found) })
    }

    fn keep(&self, _: &str, _: u64, cursor: String) -> BoxFuture<'static, Result<bool, Later>> {
        let kept = !*self.lost.lock().unwrap();
        if kept {
            *self.cursor.lock().unwrap() = Some(cursor);
        }
        Box::pin(async move { Ok(kept) })
    }
}

/// An inbox that notes, as the store does in one transaction, what it accepts.
struct Keeping {
    inbox: Arc<Scripted>,
    notebook: Arc<Notebook>,
}

impl Inbox for Keeping {
    fn accept(
        &self,
        channel: &str,
        arrival: Arrival,
    ) -> BoxFuture<'static, Result<Receipt, Later>> {
        let (advance, notebook) = (arrival.cursor.clone(), self.notebook.clone());
        let accepted = self.inbox.accept(channel, arrival);
        Box::pin(async move {
            let receipt = accepted.await?;
            if let Some(advance) = advance {
                notebook.polled.lock().unwrap().extend(advance.polled);
                *notebook.cursor.lock().unwrap() = Some(advance.cursor);
            }
            Ok(receipt)
        })
    }
}

/// One channel and what reads it.
pub(crate) struct Desk {
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) inbox: Arc<Scripted>,
    pub(crate) notebook: Arc<Notebook>,
    pub(crate) stop: CancellationToken,
    /// Whether the last turn moved the cursor.
    pub(crate) moved: Arc<AtomicBool>,
    under_way: tokio::sync::Mutex<()>,
}

impl Desk {
    pub(crate) fn new(reader: Arc<dyn Reader>, inbox: Arc<Scripted>) -> Self {
        let (notebook, stop) = (Arc::default(), CancellationToken::new());
        let (moved, under_way) = (Arc::default(), tokio::sync::Mutex::default());
        Self { reader, inbox, notebook, stop, moved, under_way }
    }

    /// One turn.
    pub(crate) async fn turn(&self) -> Result<Ended, Trouble> {
        let _turn = self.under_way.lock().await;
        self.moved.store(false, Ordering::Release);
        let keeping = Keeping { inbox: self.inbox.clone(), notebook: self.notebook.clone() };
        let turn = Turn {
            channel: CHANNEL.to_owned(),
            token: 1,
            cursor: self.cursor(),
            inbox: Arc::new(keeping),
            memory: self.notebook.clone(),
            stop: self.stop.clone(),
            well: Arc::default(),
            moved: self.moved.clone(),
        };
        let turn = self.reader.clone().turn(turn);
        tokio::time::timeout(PATIENCE, turn).await.expect("a turn hangs")
    }

    /// One turn, and what a sender would be told of the one message it is about.
    pub(crate) async fn told(&self, name: &str) -> Told {
        if self.stop.is_cancelled() {
            return Told::Nothing;
        }
        *self.notebook.name.lock().unwrap() = Some(name.to_owned());
        match self.turn().await {
            Ok(Ended { last: Some(receipt), .. }) => match receipt.first_outcome() {
                contracts::Outcome::Conflict => Told::Conflict(receipt),
                contracts::Outcome::Refused => Told::Refused(receipt),
                _ => Told::Taken(receipt),
            },
            Ok(_) => Told::Nothing,
            Err(trouble) => match trouble.pace {
                super::Pace::After(wait) => Told::Later(wait.as_secs() as u32),
                _ => panic!("{trouble:?}"),
            },
        }
    }

    pub(crate) async fn stopped(&self) {
        self.stop.cancel();
        let _turn = self.under_way.lock().await;
    }

    pub(crate) fn cursor(&self) -> Option<String> {
        self.notebook.cursor.lock().unwrap().clone()
    }

    /// From now on the turn is another's.
    pub(crate) fn lose(&self) {
        *self.notebook.lost.lock().unwrap() = true;
    }

    /// What arrived, as JSON: every row of every message.
    pub(crate) fn rows(&self) -> Vec<serde_json::Value> {
        let arrivals = self.inbox.arrivals();
        let rows = arrivals.iter().flat_map(|(_, arrival)| {
            serde_json::from_slice::<Vec<serde_json::Value>>(&arrival.payload).unwrap()
        });
        rows.collect()
    }
}

impl Desk {
    /// What an earlier program, or another kind of reader, has left.
    pub(crate) fn notebook_cursor(&self, cursor: &str) {
        *self.notebook.cursor.lock().unwrap() = Some(cursor.to_owned());
    }
}
