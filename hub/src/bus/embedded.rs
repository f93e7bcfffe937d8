//! Without a broker: the journal itself is followed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use adapters::reading::{Pace, Trouble};
use contracts::problem::Bilingual;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::{Bus, Followed, Follower, Line, Start};
use crate::{
    feeds::{Outgoing, outgoing},
    store::{Store, StoreError},
};

/// How often the journal's end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Entries read at once.
const ROWS: u32 = 500;

/// The bus of a hub without a broker.
pub struct Embedded {
    store: Arc<dyn Store>,
}

impl Embedded {
    /// Of a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }
}

impl Bus for Embedded {
    fn open(&self) -> BoxFuture<'_, Result<Option<Box<dyn Line>>, Trouble>> {
        Box::pin(async { Ok(None) })
    }

    fn follow(&self, from: Start) -> BoxFuture<'_, Result<Box<dyn Follower>, Trouble>> {
        let at = match from {
            Start::First => 0,
            Start::At(offset) => offset,
        };
        let store = self.store.clone();
        Box::pin(async move {
            let following = Following { store, at, ready: VecDeque::new() };
            Ok(Box::new(following) as Box<dyn Follower>)
        })
    }
}

/// Who follows a journal.
struct Following {
    store: Arc<dyn Store>,
    at: u64,
    ready: VecDeque<Outgoing>,
}

impl Following {
    async fn read(&mut self) -> Result<Followed, Trouble> {
        loop {
            if let Some(one) = self.ready.pop_front() {
                return Ok(Followed { offset: one.position, id: one.id, text: one.text });
            }
            let read = outgoing(&*self.store, self.at, ROWS).await;
            let (events, next) = read.map_err(|error| unanswered(&error))?;
            if next == self.at {
                sleep(LOOK_EVERY).await;
            }
            self.at = next;
            self.ready = events.into();
        }
    }
}

impl Follower for Following {
    fn next(&mut self) -> BoxFuture<'_, Result<Followed, Trouble>> {
        Box::pin(self.read())
    }
}

/// The store does not answer.
pub(super) fn unanswered(error: &StoreError) -> Trouble {
    let (vi, en) = (
        format!("Kho dữ liệu chưa trả lời ({error}); hệ thống tự thử lại."),
        format!("The store does not answer ({error}); the hub tries again by itself."),
    );
    Trouble { code: "store-away", told: Bilingual { vi, en }, pace: Pace::Soon }
}
