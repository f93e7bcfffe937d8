//! The thread that writes: it takes what is ready, one after the other.

use std::{sync::mpsc, time::Duration};

use rusqlite::Connection;

use super::{
    ahead::Group, barrier::Barrier, beside, checkpoint, deltas, known, rolling, submit, touched,
};

/// Batches and records in one transaction; the group that passes one of them is the last.
const GROUPS_MAX: usize = 256;
const RECORDS_MAX: usize = 2_048;

/// After so long without work, the writer does what can wait.
pub(super) const QUIET: Duration = Duration::from_millis(200);

/// Work for the writer's thread.
pub(super) enum Task {
    /// Batches to be written.
    Group(Box<Group>),
    /// Anything else, in a transaction of its own.
    Job(Job),
    /// The same, of what no batch and no look-up reads.
    Aside(Job),
}

pub(super) type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// The only connection that writes, and what its thread remembers between transactions.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) rules: known::RulesSeen,
    pub(super) numbers: deltas::NumbersSeen,
    pub(super) rolling: rolling::Rolling,
    pub(super) touched: touched::Touched,
    pub(super) wal: checkpoint::WalPages,
    pub(super) barrier: Barrier,
}

/// Batches that go together, and the job that ended the taking of them.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) groups: Vec<Group>,
    pub(super) records: usize,
    pub(super) job: Option<Task>,
}

impl Taken {
    fn add(&mut self, task: Task) {
        match task {
            Task::Job(_) | Task::Aside(_) => self.job = Some(task),
            Task::Group(group) => {
                self.records += group.records();
                self.groups.push(*group);
            }
        }
    }

    /// Takes what is ready, until there are so many records.
    pub(super) fn fill(&mut self, tasks: &mpsc::Receiver<Task>, records_max: usize) {
        while self.records < records_max && self.groups.len() < GROUPS_MAX && self.job.is_none() {
            let Ok(task) = tasks.try_recv() else { return };
            self.add(task);
        }
    }

    /// Waits for one task, for so long.
    pub(super) fn await_one(&mut self, tasks: &mpsc::Receiver<Task>, long: Duration) {
        if let Ok(task) = tasks.recv_timeout(long) {
            self.add(task);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.job.is_none()
    }
}

impl Writer {
    /// Does tasks until there is none to come; between them, when it is quiet, rolls up.
    pub(super) fn work(mut self, tasks: &mpsc::Receiver<Task>) {
        loop {
            match tasks.recv_timeout(QUIET) {
                Ok(task) => {
                    self.task(task, tasks);
                    self.wal.relieve(&self.connection);
                    self.barrier.pace();
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.settle(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.settle(),
            }
        }
    }

    /// Writes all batches that are ready together, up to a limit; a job goes alone.
    fn task(&mut self, task: Task, tasks: &mpsc::Receiver<Task>) {
        let mut taken = Taken::default();
        taken.add(task);
        if taken.records < beside::RECORDS_MIN {
            taken.fill(tasks, RECORDS_MAX);
        }
        let mut job = taken.job.take();
        if taken.records >= beside::RECORDS_MIN && job.is_none() {
            job = beside::groups(self, taken.groups, tasks);
        } else if !taken.groups.is_empty() {
            submit::groups(self, taken.groups);
        }
        match job {
            Some(Task::Aside(job)) => {
                job(self);
                // It may never be quiet.
                self.look();
            }
            Some(Task::Job(job)) => {
                job(self);
                // What was read meanwhile may be of folds that are no more.
                if let Err(error) = self.touched.anything(&self.connection) {
                    tracing::warn!(error = %error, "the journal's end could not be read");
                }
            }
            Some(Task::Group(_)) | None => {}
        }
    }

    /// Rows were taken back, perhaps: nothing of them must be remembered.
    pub(super) fn taken_back(&mut self) {
        self.numbers.forget();
        self.rolling.forget();
        if let Err(error) = self.touched.anything(&self.connection) {
            tracing::warn!(error = %error, "the journal's end could not be read");
        }
    }

    fn look(&mut self) {
        if let Err(error) = self.touched.look(&self.connection, &mut self.numbers) {
            tracing::warn!(error = %error, "unknown whether another process has written");
        }
    }

    fn settle(&mut self) {
        self.look();
        if let Err(error) = self.rolling.settle(&mut self.connection) {
            tracing::warn!(error = %error, "the rollups stay behind; readers add what they lack");
            self.rolling.forget();
        }
        self.barrier.ended();
        self.barrier.then(drop);
    }
}
