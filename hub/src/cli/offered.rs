//! What an agency's system lays out for a hub that reads: items of its API, rows of its table,
//! messages of its queue.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use adapters::{
    amqp::{AmqpPublish, PublishSettings},
    outbound::{Class, Message, Outbound, Secret},
    reach::Reach,
};
use bytes::Bytes;
use tokio::time::sleep;

use super::door::{ASK_EVERY, Answer, DoorError, PATIENCE};
use crate::simulation::{Book, DeclaredTable, Table};

/// What becomes of a message as its agency sees it: whether it was read, the hub knows.
pub(super) const OFFERED: &str = "offered";

/// A book that a server shows.
pub(super) type Shown = Arc<Mutex<Book>>;

/// Where an agency's system lays out what is read of it.
pub(super) enum Offered {
    /// Items that its API shows.
    Items(Shown),
    /// Rows of its table.
    Rows(Table),
    /// Messages of its queue.
    Queue(Arc<AmqpPublish>),
}

impl Offered {
    /// A table of a file.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn rows(declared: &DeclaredTable, file: &Path) -> Result<Self, DoorError> {
        let opened = Table::open(declared.clone(), file);
        opened.map(Self::Rows).map_err(|error| DoorError::Strange(error.to_string()))
    }

    /// A queue at an address that somebody has named: it may lie anywhere.
    pub(super) fn queue(address: &str, queue: &str) -> Self {
        let settings = PublishSettings { exchange: String::new(), key: queue.to_owned() };
        let address = address.to_owned();
        let secret = Secret::new("--amqp", move || Ok(address.clone()));
        Self::Queue(Arc::new(AmqpPublish::new(settings, secret, anywhere())))
    }

    /// Lays out a message.
    ///
    /// # Errors
    /// [`DoorError`].
    pub(super) async fn lay(&mut self, id: &str, payload: Vec<u8>) -> Result<Answer, DoorError> {
        let strange = |why: String| DoorError::Strange(format!("{id}: {why}"));
        let records = match self {
            Self::Items(book) => {
                let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                book.put(&payload).map_err(strange)?
            }
            Self::Rows(table) => table.put(&payload).map_err(strange)?,
            Self::Queue(way) => {
                publish(way, id, payload).await?;
                1
            }
        };
        Ok(Answer {
            id: id.to_owned(),
            outcome: OFFERED.to_owned(),
            records: records as u64,
            refused: 0,
        })
    }
}

/// Everywhere.
fn anywhere() -> Reach {
    Reach { private: ["0.0.0.0/0", "::/0"].iter().filter_map(|all| all.parse().ok()).collect() }
}

/// Publishes until it is confirmed: the queue may not be there yet.
async fn publish(way: &Arc<AmqpPublish>, id: &str, payload: Vec<u8>) -> Result<(), DoorError> {
    let message = Message {
        id: id.to_owned(),
        content_type: "application/octet-stream".to_owned(),
        payload: Bytes::from(payload),
        ..Message::default()
    };
    let began = Instant::now();
    loop {
        match way.clone().send(message.clone()).await {
            Ok(_) => return Ok(()),
            Err(failure) if failure.class == Class::Denied || began.elapsed() > PATIENCE => {
                return Err(DoorError::Later(failure.told));
            }
            Err(_) => sleep(ASK_EVERY).await,
        }
    }
}
