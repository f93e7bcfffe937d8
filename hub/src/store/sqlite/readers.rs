//! Readers beside the writer: a few threads, each with a connection that stays open.
//!
//! Most questions take a few look-ups. Opening a connection for one, or waking a thread for each,
//! would cost several times the answer; so a reader that is awake takes what has come meanwhile
//! before it sleeps again.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use rusqlite::Connection;

use super::open;
use crate::store::StoreError;

/// Readers at least, so that a few long questions do not hold up the short ones; and at most.
const READERS_MIN: usize = 4;
const READERS_MAX: usize = 8;

/// What is asked. It gets the connection, or hears why there is none.
pub(super) type Question = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;

#[derive(Default)]
struct Waiting {
    questions: VecDeque<Question>,
    asleep: usize,
    over: bool,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    come: Condvar,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next question, when there is one; `None` at the end.
    fn next(&self) -> Option<Question> {
        let mut waiting = self.waiting();
        loop {
            if let Some(question) = waiting.questions.pop_front() {
                return Some(question);
            }
            if waiting.over {
                return None;
            }
            waiting.asleep += 1;
            waiting = self.come.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.asleep -= 1;
        }
    }
}

/// The readers; they end with it, when what was asked has been answered.
pub(super) struct Readers(Arc<Queue>);

impl Readers {
    /// Starts the readers. Each opens the file when it is first asked.
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let readers = Self(Arc::default());
        let cores = thread::available_parallelism().map_or(1, Into::into);
        for number in 1..=cores.clamp(READERS_MIN, READERS_MAX) {
            let (queue, path) = (readers.0.clone(), path.to_owned());
            thread::Builder::new()
                .name(format!("lienthong-read-{number}"))
                .spawn(move || work(&queue, &path))
                .map_err(|error| StoreError::away(format!("a reader does not start: {error}")))?;
        }
        Ok(readers)
    }

    /// Has a question answered.
    pub(super) fn ask(&self, question: Question) {
        let mut waiting = self.0.waiting();
        waiting.questions.push_back(question);
        let asleep = waiting.asleep > 0;
        drop(waiting);
        if asleep {
            self.0.come.notify_one();
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.0.waiting().over = true;
        self.0.come.notify_all();
    }
}

fn work(queue: &Queue, path: &Path) {
    let mut open = None;
    while let Some(question) = queue.next() {
        let connection = match open.take() {
            Some(connection) => Ok(connection),
            None => open::reader(path),
        };
        match connection {
            Ok(connection) => {
                let answer = AssertUnwindSafe(|| question(Ok(&connection)));
                // A fault of the program ends that question alone, and its connection.
                open = panic::catch_unwind(answer).is_ok().then_some(connection);
            }
            Err(error) => question(Err(error)),
        }
    }
}
