//! Answers wait until all that they rest on is on the disk.
//!
//! A commit puts its pages into the WAL and does not wait for the disk; a thread of its own has
//! the disk take them, and only then is anybody answered. So the next transaction is written while
//! the disk takes the last one, and one sync serves all that was committed before it began. The
//! WAL keeps the order: whatever is on the disk, all before it is too.

use std::{
    ffi::OsString,
    fs::File,
    io,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use rusqlite::Connection;

use crate::store::StoreError;

/// Transactions that may be committed and not on the disk when the next one begins: one that the
/// disk takes, and one that waits for it.
const UNDER_WAY_MAX: u64 = 2;

/// Who is answered, and hears whether the disk has it.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What committing, answering and syncing share.
#[derive(Default)]
struct Progress {
    /// Transactions whose commit this process has begun since it opened the store.
    begun: AtomicU64,
    /// How many of them had ended when the writer last looked.
    ended: AtomicU64,
    /// How many of them are surely on the disk.
    synced: AtomicU64,
    /// Why the disk does not take them; once that is so, it remains so.
    failed: OnceLock<StoreError>,
    /// What the writer waits by.
    turn: Mutex<()>,
    synced_more: Condvar,
}

impl Progress {
    fn state(&self) -> Result<(), StoreError> {
        self.failed.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// The disk has taken so many, or has not.
    fn note(&self, ended: u64, outcome: io::Result<()>) {
        match outcome {
            Ok(()) if self.failed.get().is_none() => {
                self.synced.store(ended, Ordering::SeqCst);
            }
            Ok(()) => {}
            Err(error) => {
                // What the disk has lost, a second sync would not bring back, and would not tell.
                let error = StoreError::away(format!(
                    "the disk did not take what was written ({error}): repair it, then start \
                     again; nothing was answered that rests on it"
                ));
                tracing::error!(error = %error, "the store answers nothing any more");
                let _ = self.failed.set(error);
            }
        }
        drop(self.turn.lock().unwrap_or_else(PoisonError::into_inner));
        self.synced_more.notify_all();
    }
}

/// Where answers wait. Its last clone ends its thread.
#[derive(Clone)]
pub(super) struct Barrier {
    progress: Arc<Progress>,
    waiting: mpsc::Sender<Answer>,
}

impl Barrier {
    /// For the store in a file whose WAL is there, that is, which has been read by a connection
    /// that stays open: while it does, the WAL remains the same file.
    pub(super) fn of(path: &Path, writer: &mut Connection) -> Result<Self, StoreError> {
        let mut wal = OsString::from(path);
        wal.push("-wal");
        let wal = File::open(&wal)
            .map_err(|error| StoreError::away(format!("the WAL cannot be opened: {error}")))?;
        let barrier = Self::start(move || wal.sync_data())?;
        let progress = barrier.progress.clone();
        // Before readers can see it: who has read it finds that it is counted.
        writer.commit_hook(Some(move || {
            progress.begun.fetch_add(1, Ordering::SeqCst);
            false
        }))?;
        writer.execute_batch("PRAGMA synchronous = NORMAL")?;
        Ok(barrier)
    }

    fn start(sync: impl FnMut() -> io::Result<()> + Send + 'static) -> Result<Self, StoreError> {
        let (waiting, answers) = mpsc::channel();
        let progress = Arc::<Progress>::default();
        let shared = progress.clone();
        thread::Builder::new()
            .name("lienthong-sync".to_owned())
            .spawn(move || work(&shared, &answers, sync))
            .map_err(|error| StoreError::away(format!("the sync does not start: {error}")))?;
        Ok(Self { progress, waiting })
    }

    /// No commit is under way: called by the writer, between two.
    pub(super) fn ended(&self) {
        let Progress { begun, ended, .. } = &*self.progress;
        ended.store(begun.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Answers when all that could be read until now is on the disk: at once where it is.
    pub(super) fn then(&self, answer: impl FnOnce(Result<(), StoreError>) + Send + 'static) {
        let Progress { begun, synced, failed, .. } = &*self.progress;
        if begun.load(Ordering::SeqCst) <= synced.load(Ordering::SeqCst) || failed.get().is_some() {
            return answer(self.progress.state());
        }
        if let Err(mpsc::SendError(answer)) = self.waiting.send(Box::new(answer)) {
            answer(Err(StoreError::away("the sync has stopped")));
        }
    }

    /// Whether all that was committed is on the disk.
    #[cfg(test)]
    pub(super) fn is_quiet(&self) -> bool {
        let Progress { begun, synced, .. } = &*self.progress;
        begun.load(Ordering::SeqCst) <= synced.load(Ordering::SeqCst)
    }

    /// Waits while so much is under way that the disk would fall behind.
    pub(super) fn pace(&self) {
        self.ended();
        let Progress { ended, synced, failed, turn, synced_more, .. } = &*self.progress;
        let behind = || {
            let ended = ended.load(Ordering::SeqCst);
            ended >= synced.load(Ordering::SeqCst) + UNDER_WAY_MAX && failed.get().is_none()
        };
        if !behind() {
            return;
        }
        // What has no answer waiting would not be synced.
        let _ = self.waiting.send(Box::new(|_| {}));
        let mut turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        while behind() {
            turn = synced_more.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn work(
    progress: &Progress,
    answers: &mpsc::Receiver<Answer>,
    mut sync: impl FnMut() -> io::Result<()>,
) {
    while let Ok(first) = answers.recv() {
        let mut ready = vec![first];
        ready.extend(answers.try_iter());
        // What each rests on was in the WAL when it was sent, whether that commit has ended or not.
        let ended = progress.ended.load(Ordering::SeqCst);
        if progress.failed.get().is_none() {
            progress.note(ended, sync());
        }
        let state = progress.state();
        ready.into_iter().for_each(|answer| answer(state.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::tests::Folder, *};
    use crate::{
        journal::merkle::Digest,
        store::{ApiKey, Store, suite},
    };

    /// How long a thread that should not answer is given to do so all the same.
    const MOMENT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(10);

    type Outcome = io::Result<()>;

    /// A disk that takes what it is told to; what it is asked comes out, what it answers goes in.
    fn disk() -> (Barrier, mpsc::Receiver<()>, mpsc::Sender<Outcome>) {
        let ((asks, asked), (tell, told)) = (mpsc::channel(), mpsc::channel::<Outcome>());
        let sync = move || {
            asks.send(()).map_err(io::Error::other)?;
            told.recv().map_err(io::Error::other)?
        };
        (Barrier::start(sync).expect("starts"), asked, tell)
    }

    fn commit(barrier: &Barrier) {
        barrier.progress.begun.fetch_add(1, Ordering::SeqCst);
        barrier.ended();
    }

    fn ask(barrier: &Barrier) -> mpsc::Receiver<Result<(), StoreError>> {
        let (send, answer) = mpsc::channel();
        barrier.then(move |on_disk| send.send(on_disk).expect("somebody waits"));
        answer
    }

    #[test]
    fn who_rests_on_a_commit_is_answered_when_the_disk_has_it() {
        let (barrier, asked, tell) = disk();
        assert_eq!(ask(&barrier).try_recv(), Ok(Ok(())), "nothing is to be waited for");
        commit(&barrier);
        let first = ask(&barrier);
        asked.recv_timeout(LONG).expect("the disk is asked");
        assert!(first.recv_timeout(MOMENT).is_err(), "answered before the disk has it");
        // A sync that had begun before does not serve what is committed meanwhile.
        commit(&barrier);
        let second = ask(&barrier);
        tell.send(Ok(())).expect("tells");
        assert_eq!(first.recv_timeout(LONG), Ok(Ok(())));
        asked.recv_timeout(LONG).expect("the disk is asked once more");
        assert!(second.recv_timeout(MOMENT).is_err(), "answered by a sync that came too early");
        tell.send(Ok(())).expect("tells");
        assert_eq!(second.recv_timeout(LONG), Ok(Ok(())));
        assert_eq!(ask(&barrier).try_recv(), Ok(Ok(())), "all of it is on the disk");
    }

    #[test]
    fn who_may_have_read_a_commit_that_has_not_ended_waits_too() {
        let (barrier, asked, tell) = disk();
        barrier.progress.begun.fetch_add(1, Ordering::SeqCst);
        let read = ask(&barrier);
        asked.recv_timeout(LONG).expect("the disk is asked");
        tell.send(Ok(())).expect("tells");
        assert_eq!(read.recv_timeout(LONG), Ok(Ok(())));
        barrier.ended();
        let wrote = ask(&barrier);
        asked.recv_timeout(LONG).expect("the sync before may have come too early for it");
        tell.send(Ok(())).expect("tells");
        assert_eq!(wrote.recv_timeout(LONG), Ok(Ok(())));
    }

    #[test]
    fn the_writer_goes_on_while_one_sync_is_under_way_and_waits_at_the_second() {
        let (barrier, asked, tell) = disk();
        commit(&barrier);
        barrier.pace();
        commit(&barrier);
        let paced = thread::spawn({
            let barrier = barrier.clone();
            move || barrier.pace()
        });
        asked.recv_timeout(LONG).expect("the disk is asked");
        thread::sleep(MOMENT);
        assert!(!paced.is_finished(), "the disk falls behind");
        tell.send(Ok(())).expect("tells");
        paced.join().expect("goes on");
    }

    #[test]
    fn after_a_failure_nothing_is_answered_any_more() {
        let (barrier, asked, tell) = disk();
        commit(&barrier);
        let answer = ask(&barrier);
        asked.recv_timeout(LONG).expect("the disk is asked");
        tell.send(Err(io::Error::from_raw_os_error(5))).expect("tells");
        let error = answer.recv_timeout(LONG).expect("answered").expect_err("it failed");
        assert!(error.to_string().contains("repair it"), "{error}");
        assert_eq!(ask(&barrier).try_recv(), Ok(Err(error.clone())), "not asked a second time");
        commit(&barrier);
        commit(&barrier);
        barrier.pace();
        assert_eq!(ask(&barrier).try_recv(), Ok(Err(error)));
        assert!(asked.try_recv().is_err());
    }

    /// Whoever is answered, whatever for, what that rests on is on the disk.
    #[tokio::test]
    async fn nobody_is_answered_before_the_disk_has_it() {
        let folder = Folder::new("barrier");
        let store = folder.open();
        for number in 0..20 {
            let id = format!("o-{number}");
            let record = suite::snapshot(&id, 1, 4);
            let message = suite::message(&store, &id, &id, vec![Ok(vec![record])]);
            assert!(
                store.commit(vec![message]).await.unwrap()[0].is_ok() && store.barrier.is_quiet()
            );
            let (hash, principal) = (Digest::of(id.as_bytes()), "portal".to_owned());
            store.add_key(ApiKey::new(id, hash, principal)).await.unwrap();
            assert!(store.barrier.is_quiet());
        }
        let (done, committed) = mpsc::channel();
        // Committed, and not on the disk: who reads it waits.
        let job = move |writer: &mut super::super::Writer| {
            let all = writer.connection.execute("UPDATE api_keys SET principal = 'operator'", []);
            // Or a sync that is quicker than the end of this job leaves it to the next one.
            writer.barrier.ended();
            done.send(all.unwrap()).unwrap();
        };
        store.tasks.send(super::super::Task::Aside(Box::new(job))).unwrap();
        assert_eq!(committed.recv().unwrap(), 20);
        assert!(!store.barrier.is_quiet());
        let keys = store.keys().await.unwrap();
        assert!(keys.iter().all(|key| key.principal == "operator") && store.barrier.is_quiet());
    }
}
