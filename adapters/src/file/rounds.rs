//! Looking at a folder, and handing out its files, oldest first.

use std::{
    collections::HashMap,
    ffi::OsString,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    DropFolder, Standing, Trouble,
    folder::Folder,
    settle::{Looks, Window},
    way::{Taken, Way, blocking},
    write_ahead::Left,
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
    /// How the write-ahead log was left.
    log: Left,
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
        let (settings, log) = (self.clone(), memory.log);
        let Some((folder, window)) = blocking(move || settings.look(log)).await? else {
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
        let folder = Arc::new(folder);
        let way = Way::new(self, &folder, (&**inbox, stop), (whole, &memory.put_off));
        let mut round = Round { taken: 0, trouble: None };
        for (name, taken) in way.run().await {
            round.note(memory, name, taken);
        }
        memory.log = folder.leave(memory.log);
        Ok(round)
    }

    /// Opens the folder anew, since a disk may be mounted over it at any time, and looks; nothing
    /// where another process is at it.
    fn look(&self, log: Left) -> io::Result<Option<(Folder, Window)>> {
        let folder = Folder::open(&self.root, &self.path).map_err(io::Error::other)?;
        if !folder.lock()? {
            return Ok(None);
        }
        folder.take_up(log)?;
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
}

impl Round {
    fn note(&mut self, memory: &mut Memory, name: OsString, taken: Taken) {
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
