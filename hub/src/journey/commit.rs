//! Group commit: what is queued while the store is at work is written together next.

use std::{sync::Arc, task::Poll};

use contracts::Later;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, Notify, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    lasting::{Lasting, Work},
    store::{Reply, Store, Submission},
};

/// Chunks in one transaction.
const BATCH_CHUNKS_MAX: usize = 256;

/// Records in one transaction, roughly: the chunk that passes it is the last.
const BATCH_RECORDS_MAX: usize = 2_048;

/// Chunks waiting; beyond it senders wait, and their connections with them.
const QUEUE_MAX: usize = 1_024;

type Waiting = (Submission, oneshot::Sender<Result<Reply, Later>>);

/// What a store says of chunks: of each by itself, unless all have to come again.
type Answers = Result<Vec<Result<Reply, Later>>, Later>;

/// How it is kept going, and under what name that is told.
const COMMIT: Work<'_> = Work { task: "commit", channel: "" };

/// A chunk that is queued, and will be made durable whoever waits for it.
pub(super) struct Pending(oneshot::Receiver<Result<Reply, Later>>);

impl Pending {
    /// What the store answers.
    pub(super) async fn reply(self) -> Result<Reply, Later> {
        self.0.await.unwrap_or_else(|_| Err(broken()))
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

/// Nobody knows whether it was written: sent again, it is found or not.
fn broken() -> Later {
    Later { reason: "a fault of the hub: its log says more".to_owned(), retry_after_seconds: 5 }
}

impl Committer {
    /// Starts the task that commits, which goes on, whatever breaks down in it, as long as anybody
    /// has something to hand over: also when the hub has been told to stop. `appended` is told of
    /// every commit.
    pub(super) fn start(store: Arc<dyn Store>, appended: Arc<Notify>, lasting: &Lasting) -> Self {
        let lanes = store.lanes();
        let commit = move |batch| {
            let store = store.clone();
            Box::pin(async move { store.commit(batch).await }) as BoxFuture<'static, Answers>
        };
        Self::by(commit, lanes, appended, lasting)
    }

    fn by(
        commit: impl Fn(Vec<Submission>) -> BoxFuture<'static, Answers> + Send + Sync + 'static,
        lanes: usize,
        appended: Arc<Notify>,
        lasting: &Lasting,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let lasting = lasting.until(CancellationToken::new()).resting_little();
        let (waiting, lanes) = (Arc::new(Mutex::new(waiting)), Arc::new(Semaphore::new(lanes)));
        let (keeping, commit) = (lasting.clone(), Arc::new(commit));
        let work = move |_| {
            let (commit, lanes) = (commit.clone(), lanes.clone());
            let (appended, waiting, lasting) = (appended.clone(), waiting.clone(), lasting.clone());
            async move { run(&*commit, lanes, appended, &waiting, &lasting).await }
        };
        tokio::spawn(async move { keeping.keep_telling(COMMIT, work, || ()).await });
        Self { queue }
    }

    /// Queues a chunk to be made durable. No timer: a line that is idle commits at once.
    pub(super) async fn hand_over(&self, chunk: Submission) -> Result<Pending, Later> {
        let (reply, answer) = oneshot::channel();
        self.queue.send((chunk, reply)).await.map_err(|_| stopped())?;
        Ok(Pending(answer))
    }
}

async fn run(
    commit: &(impl Fn(Vec<Submission>) -> BoxFuture<'static, Answers> + Send + Sync),
    lanes: Arc<Semaphore>,
    appended: Arc<Notify>,
    waiting: &Mutex<mpsc::Receiver<Waiting>>,
    lasting: &Lasting,
) {
    let mut waiting = waiting.lock().await;
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
        let (committing, appended, lasting) = (commit(batch), appended.clone(), lasting.clone());
        let mut done: BoxFuture<'_, Option<Answers>> =
            Box::pin(async move { lasting.caught(COMMIT, committing).await });
        // Begun here: the tasks that end it may overtake each other, and what a message goes on
        // with must not come before its beginning.
        let begun = futures_util::poll!(&mut done);
        tokio::spawn(async move {
            let done: Option<Answers> = match begun {
                Poll::Ready(done) => done,
                Poll::Pending => done.await,
            };
            answer(done.unwrap_or_else(|| Err(broken())), replies);
            appended.notify_one();
            drop(lane);
        });
    }
}

/// Tells every sender its part; one that has gone away is served all the same.
fn answer(answers: Answers, replies: Vec<oneshot::Sender<Result<Reply, Later>>>) {
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

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use super::*;
    use crate::{
        store::{
            sqlite::SqliteStore,
            suite::{message, snapshot},
        },
        telemetry::Telemetry,
    };

    /// Batches begin in the order in which they were handed over, though many are under way.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn batches_come_to_the_store_in_their_order() {
        let folder = std::env::temp_dir().join(format!("lienthong-order-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.join("hub.db")).unwrap());
        let (began, order) = std::sync::mpsc::channel();
        let commit = move |batch: Vec<Submission>| {
            let began = began.clone();
            Box::pin(async move {
                for chunk in &batch {
                    began.send(chunk.chunk).unwrap();
                }
                tokio::task::yield_now().await;
                Ok(batch.iter().map(|chunk| Ok(Reply::Next(chunk.chunk + 1))).collect())
            }) as BoxFuture<'static, Answers>
        };
        let lasting = Lasting::new(Telemetry::shared(), CancellationToken::new());
        let committer = Committer::by(commit, 64, Arc::default(), &lasting);
        let first = message(&*store, "a", "a", vec![Ok(vec![snapshot("a", 1, 4)])]);
        let mut pending = Vec::new();
        for chunk in 0..500 {
            let chunk = Submission { chunk, last: false, ..first.clone() };
            pending.push(committer.hand_over(chunk).await.unwrap());
            tokio::task::yield_now().await;
        }
        for one in pending {
            one.reply().await.unwrap();
        }
        let order: Vec<u32> = order.try_iter().collect();
        assert_eq!(order, (0..500).collect::<Vec<u32>>());
        fs::remove_dir_all(&folder).unwrap();
    }

    /// Wherever it breaks down, who waited is told to come again, and those who come next are
    /// served.
    #[tokio::test]
    async fn what_commits_goes_on_after_a_fault_and_nobody_waits_for_ever() {
        let folder = std::env::temp_dir().join(format!("lienthong-commits-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.join("hub.db")).unwrap());
        let (real, times) = (store.clone(), AtomicU32::new(0));
        let commit = move |batch: Vec<Submission>| {
            let (store, time) = (real.clone(), times.fetch_add(1, Ordering::Relaxed));
            assert_ne!(time, 0, "where chunks are taken together");
            Box::pin(async move {
                assert_ne!(time, 1, "where they are written");
                store.commit(batch).await
            }) as BoxFuture<'static, Answers>
        };
        let (telemetry, stop) = (Telemetry::shared(), CancellationToken::new());
        let lasting = Lasting::new(telemetry.clone(), stop.clone());
        let committer = Committer::by(commit, 1, Arc::default(), &lasting);
        // It serves also what comes after the hub was told to stop.
        stop.cancel();
        let sending = async {
            let mut said = Vec::new();
            for id in ["a", "b", "c"] {
                let chunk = message(&*store, id, id, vec![Ok(vec![snapshot(id, 1, 4)])]);
                said.push(committer.hand_over(chunk).await.unwrap().reply().await.is_ok());
            }
            said
        };
        let said = tokio::time::timeout(Duration::from_secs(30), sending).await.unwrap();
        assert_eq!(said, [false, false, true]);
        assert_eq!(store.head().await.unwrap().tree.size, 1);
        let told = telemetry.text();
        assert!(told.contains("lienthong_faults_total{task=\"commit\",channel=\"\"} 2"), "{told}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
