//! The way of a look's files: fetched in groups ahead of their turn, handed to the inbox in their
//! order, put away in groups. A group is one piece of work on the disk, off the threads on which
//! everything else runs.

use std::{collections::HashMap, ffi::OsString, io, iter::Peekable, sync::Arc, vec};

use contracts::Later;
use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{FuturesOrdered, FuturesUnordered},
};
use tokio::{
    sync::SemaphorePermit,
    task::{spawn_blocking, yield_now},
};
use tokio_util::sync::CancellationToken;

use super::{
    DropFolder,
    archive::Said,
    folder::Folder,
    settle::Candidate,
    take::{Fetched, Read},
};
use crate::inbound::{Arrival, Inbox};

/// Files fetched in one piece of work, and their bytes; one that is larger goes by itself.
const GROUP_FILES_MAX: usize = 16;
const GROUP_BYTES_MAX: u64 = 1 << 20;

/// What became of one file.
#[derive(Debug)]
pub(super) enum Taken {
    /// It was put away.
    Done,
    /// It has changed or vanished, or one of its name is under way: the next look tells.
    Left,
    /// The hub cannot take it now.
    Later(Later),
    /// It could not be worked with.
    Trouble(io::Error),
}

/// A file that was fetched, and its share of the memory for all.
type Shared<'a> = (OsString, Fetched, Option<SemaphorePermit<'a>>);

/// The files of one look on their way.
pub(super) struct Way<'a> {
    settings: &'a Arc<DropFolder>,
    folder: &'a Arc<Folder>,
    inbox: &'a dyn Inbox,
    stop: &'a CancellationToken,
    /// How often files were put off before.
    put_off: &'a HashMap<OsString, u32>,
    coming: Peekable<vec::IntoIter<Candidate>>,
    fetching: FuturesOrdered<BoxFuture<'a, Vec<Shared<'a>>>>,
    fetched: vec::IntoIter<Shared<'a>>,
    /// Files fetched or being fetched that are not handed over.
    ahead: usize,
    accepting: FuturesUnordered<BoxFuture<'a, (OsString, Result<Said, Later>)>>,
    said: Vec<(OsString, Said)>,
    putting: Option<BoxFuture<'a, Vec<(OsString, Taken)>>>,
    putting_away: usize,
    /// The first that is put off ends it, since those behind it may be about the same dossiers and
    /// must not overtake it.
    over: bool,
    ended: Vec<(OsString, Taken)>,
}

impl<'a> Way<'a> {
    pub(super) fn new(
        settings: &'a Arc<DropFolder>,
        folder: &'a Arc<Folder>,
        (inbox, stop): (&'a dyn Inbox, &'a CancellationToken),
        (files, put_off): (Vec<Candidate>, &'a HashMap<OsString, u32>),
    ) -> Self {
        Self {
            settings,
            folder,
            inbox,
            stop,
            put_off,
            coming: files.into_iter().peekable(),
            fetching: FuturesOrdered::new(),
            fetched: Vec::new().into_iter(),
            ahead: 0,
            accepting: FuturesUnordered::new(),
            said: Vec::new(),
            putting: None,
            putting_away: 0,
            over: false,
            ended: Vec::new(),
        }
    }

    /// Takes files until the last, or one that is put off, or told to stop; those handed over come
    /// to their end. Says what became of each that was handed over.
    pub(super) async fn run(mut self) -> Vec<(OsString, Taken)> {
        loop {
            self.hand_over();
            self.fetch();
            self.put_away();
            let nothing = async { Vec::new() };
            tokio::select! {
                // Where no more is taken they stay claimed, for the next look.
                Some(files) = self.fetching.next(),
                    if self.is_over() || self.fetched.as_slice().is_empty() =>
                {
                    self.fetched = files.into_iter();
                }
                Some((name, said)) = self.accepting.next() => {
                    self.heard(name, said);
                    // Those that were written together are told together, one after the other.
                    yield_now().await;
                    while let Some(Some((name, said))) = self.accepting.next().now_or_never() {
                        self.heard(name, said);
                    }
                }
                ended = async {
                    match &mut self.putting {
                        Some(putting) => putting.await,
                        None => nothing.await,
                    }
                }, if self.putting.is_some() => {
                    self.putting = None;
                    self.putting_away = 0;
                    self.ended.extend(ended);
                }
                else => return self.ended,
            }
        }
    }

    /// Whether no more is taken.
    fn is_over(&self) -> bool {
        self.over || self.stop.is_cancelled()
    }

    fn heard(&mut self, name: OsString, said: Result<Said, Later>) {
        match said {
            Ok(said) => self.said.push((name, said)),
            Err(later) => self.puts_off(name, Taken::Later(later)),
        }
    }

    /// One that was put off so often that it must be its own fault ends nothing any more.
    fn puts_off(&mut self, name: OsString, taken: Taken) {
        let before = self.put_off.get(&name).copied().unwrap_or(0);
        self.over |= before < self.settings.limits.attempts_in_order;
        self.ended.push((name, taken));
    }

    /// Hands over what was fetched, in its order, as long as there are turns.
    fn hand_over(&mut self) {
        let settings = self.settings;
        while !self.is_over()
            && self.accepting.len() < settings.at_once.max(1)
            && self.said.len() + self.putting_away < settings.limits.putting_away_max
        {
            let Some((name, fetched, share)) = self.fetched.next() else { return };
            self.ahead -= 1;
            match fetched {
                Fetched::Read(read) => self.accepting.push(self.accepted(name, read, share)),
                Fetched::Untaken(said) => self.said.push((name, said)),
                Fetched::Left => self.ended.push((name, Taken::Left)),
                Fetched::Trouble(error) => self.puts_off(name, Taken::Trouble(error)),
            }
        }
    }

    fn accepted(
        &self,
        name: OsString,
        mut read: Read,
        share: Option<SemaphorePermit<'a>>,
    ) -> BoxFuture<'a, (OsString, Result<Said, Later>)> {
        let (payload, key) = (std::mem::take(&mut read.payload), Some(read.id().to_owned()));
        let arrival = Arrival { payload, key, ..Arrival::default() };
        let accepted = self.inbox.accept(&self.settings.channel, arrival);
        Box::pin(async move {
            let receipt = accepted.await;
            drop(share);
            (name, receipt.map(|receipt| read.said(&receipt)))
        })
    }

    /// Has groups fetched, so that whoever has a turn need not wait for the disk.
    fn fetch(&mut self) {
        while !self.is_over() && self.ahead < self.settings.at_once + GROUP_FILES_MAX {
            let Some(first) = self.coming.peek() else { return };
            let bytes = first.stamp.bytes;
            let (settings, folder) = (self.settings, self.folder.clone());
            match self.share(bytes) {
                Some(share) => {
                    let group = self.group(share);
                    self.ahead += group.len();
                    self.fetching.push_back(Box::pin(fetched(settings, folder, group)));
                }
                // Whoever waits for memory holds none that others wait for.
                None if self.ahead + self.accepting.len() == 0 => {
                    let Some(file) = self.coming.next() else { return };
                    self.ahead += 1;
                    self.fetching.push_back(Box::pin(async move {
                        let share = settings.room.share(bytes).await;
                        fetched(settings, folder, vec![(file, share)]).await
                    }));
                }
                None => return,
            }
        }
    }

    /// A share of the memory that a file takes, which is none where it is not read; nothing where
    /// there is too little now.
    fn share(&self, bytes: u64) -> Option<Option<SemaphorePermit<'a>>> {
        let settings = self.settings;
        if settings.fits(bytes) { settings.room.free_share(bytes).map(Some) } else { Some(None) }
    }

    /// The next files that are fetched together, the first having its share.
    fn group(&mut self, mut share: Option<SemaphorePermit<'a>>) -> Vec<(Candidate, Share<'a>)> {
        let (mut group, mut bytes) = (Vec::new(), 0);
        while let Some(file) = self.coming.next() {
            bytes += file.stamp.bytes;
            group.push((file, share));
            let Some(next) = self.coming.peek() else { break };
            if group.len() == GROUP_FILES_MAX || bytes + next.stamp.bytes > GROUP_BYTES_MAX {
                break;
            }
            let next_bytes = next.stamp.bytes;
            match self.share(next_bytes) {
                Some(its) => share = its,
                None => break,
            }
        }
        group
    }

    /// Has put away all that is said by now, unless some of it is being put away.
    fn put_away(&mut self) {
        if self.said.is_empty() || self.putting.is_some() {
            return;
        }
        let (names, said): (Vec<OsString>, Vec<Said>) = self.said.drain(..).unzip();
        self.putting_away = said.len();
        let (ready, folder) = (self.settings.ready, self.folder.clone());
        self.putting = Some(Box::pin(async move {
            let put = blocking(move || Ok(folder.put_away(ready, &said))).await;
            let put = put.unwrap_or_else(|error| {
                names.iter().map(|_| Err(io::Error::other(error.to_string()))).collect()
            });
            let taken = put.into_iter().map(|put| match put {
                Ok(()) => Taken::Done,
                Err(error) => Taken::Trouble(error),
            });
            names.into_iter().zip(taken).collect()
        }));
    }
}

type Share<'a> = Option<SemaphorePermit<'a>>;

/// Fetches a group.
async fn fetched<'a>(
    settings: &'a Arc<DropFolder>,
    folder: Arc<Folder>,
    group: Vec<(Candidate, Share<'a>)>,
) -> Vec<Shared<'a>> {
    let (files, shares): (Vec<Candidate>, Vec<Share<'a>>) = group.into_iter().unzip();
    let names: Vec<OsString> = files.iter().map(|file| file.name.clone()).collect();
    let settings = settings.clone();
    let fetched = blocking(move || Ok(settings.fetch(&folder, files))).await;
    let fetched = fetched.unwrap_or_else(|error| {
        let failed = || Fetched::Trouble(io::Error::other(error.to_string()));
        names.into_iter().map(|name| (name, failed())).collect()
    });
    fetched.into_iter().zip(shares).map(|((name, one), share)| (name, one, share)).collect()
}

/// Work with files, where it holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    // It is not joined only when it panicked or the runtime ends.
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
