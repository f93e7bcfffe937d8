//! Looking at a folder, and handing out its files, oldest first.

use std::{
    collections::HashMap,
    ffi::OsString,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    DropFolder, Standing, Trouble,
    folder::Folder,
    settle::{Candidate, Looks, Window},
    take::{Taken, Taking, blocking},
};
use crate::inbound::Inbox;

/// Waiting grows at most to so many times its first length.
const DOUBLINGS_MAX: u32 = 6;

/// What a folder's task remembers from one round to the next.
#[derive(Default)]
struct Memory {
    looks: Looks,
    /// How often files were put off that are in the way still.
    put_off: HashMap<OsString, u32>,
    /// Rounds in a row that put something off.
    rounds_put_off: u32,
}

/// How one round ended.
struct Round {
    taken: u64,
    trouble: Option<Trouble>,
}

impl DropFolder {
    /// Takes files until told to stop; then those under way come to their end. Whatever happens to
    /// the folder, it is tried again: this returns for nothing else.
    pub async fn run(self: Arc<Self>, inbox: Arc<dyn Inbox>, stop: CancellationToken) {
        let mut memory = Memory::default();
        while !stop.is_cancelled() {
            let round = match self.round(&mut memory, &inbox, &stop).await {
                Ok(round) => round,
                Err(error) => Round { taken: 0, trouble: Some(Trouble::Folder(error.to_string())) },
            };
            let pause = self.pause(&mut memory, &round);
            self.tell(round.trouble);
            stop.run_until_cancelled(sleep(pause)).await;
        }
    }

    /// How long to wait after a round.
    fn pause(&self, memory: &mut Memory, round: &Round) -> Duration {
        if round.trouble.is_none() {
            memory.rounds_put_off = 0;
            // There may be more than one look can hold.
            return if round.taken > 0 { Duration::ZERO } else { self.look_every };
        }
        let asked = match &round.trouble {
            Some(Trouble::Later(later)) => Duration::from_secs(later.retry_after_seconds.into()),
            _ => self.look_every,
        };
        let factor = 1 << memory.rounds_put_off.min(DOUBLINGS_MAX);
        memory.rounds_put_off += 1;
        (asked * factor).min(self.limits.retry_max)
    }

    /// Says how the folder stands; in the log when that changes, and no sooner.
    fn tell(&self, trouble: Option<Trouble>) {
        let channel = &self.channel;
        let before = self.standing.borrow().trouble.clone();
        if before == trouble {
            return;
        }
        match &trouble {
            Some(trouble) => tracing::warn!(channel, "drop folder: {}", trouble.told().en),
            None => tracing::info!(channel, "drop folder: its files are taken again"),
        }
        self.standing.send_modify(|standing| standing.trouble = trouble);
    }

    async fn round(
        self: &Arc<Self>,
        memory: &mut Memory,
        inbox: &Arc<dyn Inbox>,
        stop: &CancellationToken,
    ) -> io::Result<Round> {
        let settings = self.clone();
        let Some((folder, window)) = blocking(move || settings.look()).await? else {
            self.standing.send_replace(Standing { elsewhere: true, ..Standing::default() });
            return Ok(Round { taken: 0, trouble: None });
        };
        let standing = Standing {
            elsewhere: false,
            waiting: window.found,
            oldest: window.oldest_written.and_then(|(seconds, nanoseconds)| {
                Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()
            }),
            strange: window.strange,
            trouble: self.standing.borrow().trouble.clone(),
        };
        self.note_strange(standing.strange);
        self.standing.send_replace(standing);
        let files = window.into_files();
        memory.put_off.retain(|name, _| files.iter().any(|file| file.name == *name));
        let whole = memory.looks.whole(files, Instant::now(), self.look_every);
        Ok(self.take_all(whole, Arc::new(folder), memory, inbox, stop).await)
    }

    /// Opens the folder anew, since a disk may be mounted over it at any time, and looks; nothing
    /// where another process is at it.
    fn look(&self) -> io::Result<Option<(Folder, Window)>> {
        let folder = Folder::open(&self.root, &self.path).map_err(io::Error::other)?;
        if !folder.lock()? {
            return Ok(None);
        }
        let mut window = Window::new(self.limits.files_max);
        folder.scan(self.ready, &mut window)?;
        Ok(Some((folder, window)))
    }

    fn note_strange(&self, strange: u64) {
        if strange > self.standing.borrow().strange {
            let channel = &self.channel;
            tracing::warn!(channel, strange, "drop folder: folders lie in it, which nobody takes");
        }
    }

    /// Hands files over in their order. The first that is put off ends the round, since those
    /// behind it may be about the same dossiers and must not overtake it; unless it was put off so
    /// often that it must be the file's own fault.
    async fn take_all(
        self: &Arc<Self>,
        whole: Vec<Candidate>,
        folder: Arc<Folder>,
        memory: &mut Memory,
        inbox: &Arc<dyn Inbox>,
        stop: &CancellationToken,
    ) -> Round {
        let turns = Arc::new(Semaphore::new(self.at_once.max(1)));
        let over = Arc::new(AtomicBool::new(false));
        let under_way_max = self.at_once + self.limits.putting_away_max;
        let mut under_way = JoinSet::new();
        let mut round = Round { taken: 0, trouble: None };
        for candidate in whole {
            while under_way.len() >= under_way_max {
                if let Some(ended) = under_way.join_next().await {
                    round.note(memory, ended);
                }
            }
            let turn = stop.run_until_cancelled(turns.clone().acquire_owned()).await;
            let Some(Ok(turn)) = turn else { break };
            if over.load(Ordering::Acquire) || stop.is_cancelled() {
                break;
            }
            let name = candidate.name.clone();
            let put_off = memory.put_off.get(&name).copied().unwrap_or(0);
            let in_order = put_off < self.limits.attempts_in_order;
            let (settings, folder) = (self.clone(), folder.clone());
            let taking = Taking { settings, folder, inbox: inbox.clone(), candidate };
            let over = over.clone();
            under_way.spawn(async move {
                let end = move || {
                    over.fetch_or(in_order, Ordering::Release);
                };
                (name, taking.run(turn, end).await)
            });
        }
        while let Some(ended) = under_way.join_next().await {
            round.note(memory, ended);
        }
        round
    }
}

impl Round {
    fn note(
        &mut self,
        memory: &mut Memory,
        ended: Result<(OsString, Taken), tokio::task::JoinError>,
    ) {
        let (name, taken) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                self.trouble = Some(Trouble::Folder(error.to_string()));
                return;
            }
        };
        match taken {
            Taken::Done => self.taken += 1,
            Taken::Left => {}
            Taken::Later(later) => {
                *memory.put_off.entry(name).or_default() += 1;
                self.trouble = Some(Trouble::Later(later));
            }
            Taken::Trouble(error) => {
                *memory.put_off.entry(name).or_default() += 1;
                self.trouble = Some(Trouble::Folder(error.to_string()));
            }
        }
    }
}
