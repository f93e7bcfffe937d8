//! Group commit: what is queued while the store is at work is written together next.

use std::sync::Arc;

use contracts::Later;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use crate::store::{Reply, Store, Submission};

/// Chunks in one transaction.
const BATCH_CHUNKS_MAX: usize = 256;

/// Records in one transaction, roughly: the chunk that passes it is the last.
const BATCH_RECORDS_MAX: usize = 2_048;

/// Chunks waiting; beyond it senders wait, and their connections with them.
const QUEUE_MAX: usize = 1_024;

type Waiting = (Submission, oneshot::Sender<Result<Reply, Later>>);

/// A chunk that is queued, and will be made durable whoever waits for it.
pub(super) struct Pending(oneshot::Receiver<Result<Reply, Later>>);

impl Pending {
    /// What the store answers.
    pub(super) async fn reply(self) -> Result<Reply, Later> {
        self.0.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// The queue before the store.
#[derive(Clone)]
pub(super) struct Committer {
    queue: mpsc::Sender<Waiting>,
}

fn stopped() -> Later {
    Later { reason: "the hub is stopping".to_owned(), retry_after_seconds: 5 }
}

impl Committer {
    /// Starts the task that commits. `appended` is told of every commit.
    pub(super) fn start(store: Arc<dyn Store>, appended: Arc<Notify>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(store, appended, waiting));
        Self { queue }
    }

    /// Queues a chunk to be made durable. No timer: a line that is idle commits at once.
    pub(super) async fn hand_over(&self, chunk: Submission) -> Result<Pending, Later> {
        let (reply, answer) = oneshot::channel();
        self.queue.send((chunk, reply)).await.map_err(|_| stopped())?;
        Ok(Pending(answer))
    }
}

async fn run(store: Arc<dyn Store>, appended: Arc<Notify>, mut waiting: mpsc::Receiver<Waiting>) {
    let lanes = Arc::new(Semaphore::new(store.lanes()));
    while let Some(first) = waiting.recv().await {
        // Only `close` could fail it, and nobody closes it.
        let Ok(lane) = lanes.clone().acquire_owned().await else { return };
        let mut records = first.0.items.len();
        let (mut batch, mut replies) = (vec![first.0], vec![first.1]);
        while batch.len() < BATCH_CHUNKS_MAX && records < BATCH_RECORDS_MAX {
            let Ok((chunk, reply)) = waiting.try_recv() else { break };
            records += chunk.items.len();
            batch.push(chunk);
            replies.push(reply);
        }
        let (store, appended) = (store.clone(), appended.clone());
        tokio::spawn(async move {
            answer(store.commit(batch).await, replies);
            appended.notify_one();
            drop(lane);
        });
    }
}

/// Tells every sender its part; one that has gone away is served all the same.
fn answer(
    answers: Result<Vec<Result<Reply, Later>>, Later>,
    replies: Vec<oneshot::Sender<Result<Reply, Later>>>,
) {
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(answer);
            }
        }
        Err(later) => {
            for reply in replies {
                let _ = reply.send(Err(later.clone()));
            }
        }
    }
}
