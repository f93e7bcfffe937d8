//! Taking a file out of its sender's hands, and reading it.
//!
//! A claim is the file itself, renamed into `claimed/` on the same file system, and never over
//! another: from then on its name is free for the next one, which waits until the claim has ended.
//! After a crash the claim is there and is taken up again.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
};

use bytes::Bytes;
use contracts::problem::Kind;
use rustix::{
    fd::OwnedFd,
    fs::{self, FileType},
    io::Errno,
};

use super::{
    folder::{Folder, beside, look, move_to, open_file, stamp_of},
    kinds,
    settle::{Candidate, MARKERS, Ready, Stamp, Whereabouts},
};

/// A file that this process may take.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) name: OsString,
    pub(super) stamp: Stamp,
    /// The file, open; nothing where it cannot be opened.
    file: Option<File>,
}

/// What came of an attempt to claim a file.
#[derive(Debug)]
pub(super) enum Claimed {
    /// It is ours.
    Ours(Claim),
    /// It is ours, and nothing that can be read.
    Faulty(Claim, &'static Kind),
    /// It has changed or vanished, or one of its name is under way.
    Left,
}

/// What there is under a name.
enum Opened {
    File(File),
    Faulty(&'static Kind),
    Left,
}

/// Opens what was found, if it is still what was found.
fn open(folder: &OwnedFd, candidate: &Candidate) -> io::Result<Opened> {
    if !candidate.plain {
        return Ok(Opened::Faulty(&kinds::NOT_A_FILE));
    }
    let file = match open_file(folder, &candidate.name) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(Opened::Left),
        Err(Errno::ACCESS | Errno::PERM) => return Ok(Opened::Faulty(&kinds::UNREADABLE_FILE)),
        Err(error) => return Err(error.into()),
    };
    let stat = fs::fstat(&file)?;
    let same = stamp_of(&stat) == candidate.stamp;
    match same && FileType::from_raw_mode(stat.st_mode).is_file() {
        true => Ok(Opened::File(file)),
        false => Ok(Opened::Left),
    }
}

impl Folder {
    /// Claims a file, or takes up a claim that was left behind.
    pub(super) fn claim(&self, candidate: &Candidate, ready: Ready) -> io::Result<Claimed> {
        match candidate.place {
            Whereabouts::Claimed => {
                let opened = open(&self.claimed, candidate)?;
                Ok(held(candidate, candidate.stamp, opened))
            }
            Whereabouts::Dropped => self.take(candidate, ready),
        }
    }

    fn take(&self, candidate: &Candidate, ready: Ready) -> io::Result<Claimed> {
        let name = &candidate.name;
        let opened = open(&self.dropped, candidate)?;
        if matches!(opened, Opened::Left) {
            return Ok(Claimed::Left);
        }
        match move_to(&self.dropped, name, &self.claimed, name) {
            Ok(()) => {}
            Err(Errno::EXIST | Errno::NOENT) => return Ok(Claimed::Left),
            Err(error) => return Err(error.into()),
        }
        if ready == Ready::Marker {
            for ending in MARKERS {
                let marker = beside(name, ending);
                // One of them is there. Left behind by a crash, it is too old for the next file.
                let _ = move_to(&self.dropped, &marker, &self.claimed, &marker);
            }
        }
        // What was renamed may be what took the place of what was opened: then it is looked at
        // anew, as any claim.
        let moved = look(&self.claimed, name)?.map(|stat| stamp_of(&stat));
        let same = moved.filter(|stamp| stamp.same_content(&candidate.stamp));
        Ok(same.map_or(Claimed::Left, |stamp| held(candidate, stamp, opened)))
    }
}

fn held(candidate: &Candidate, stamp: Stamp, opened: Opened) -> Claimed {
    let name = candidate.name.clone();
    match opened {
        Opened::Left => Claimed::Left,
        Opened::Faulty(kind) => Claimed::Faulty(Claim { name, stamp, file: None }, kind),
        Opened::File(file) => Claimed::Ours(Claim { name, stamp, file: Some(file) }),
    }
}

impl Claim {
    /// All of the file; nothing if it changed while it was read, or since it was found whole.
    pub(super) fn read(&self) -> io::Result<Option<Bytes>> {
        let Some(file) = &self.file else { return Ok(None) };
        let room = usize::try_from(self.stamp.bytes).unwrap_or(usize::MAX);
        let mut payload = Vec::new();
        payload.try_reserve_exact(room).map_err(io::Error::other)?;
        file.take(self.stamp.bytes.saturating_add(1)).read_to_end(&mut payload)?;
        let unchanged = stamp_of(&fs::fstat(file)?) == self.stamp && payload.len() == room;
        Ok(unchanged.then(|| Bytes::from(payload)))
    }
}
