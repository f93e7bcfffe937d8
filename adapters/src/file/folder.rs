//! A drop folder on the disk: what lies in it. Everything is done relative to folders held open, so
//! that nothing which is put in the way meanwhile leads out of it.

use std::{
    ffi::{CStr, OsStr, OsString},
    fs::File,
    io::{self, Read, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat},
    io::Errno,
};

use super::{
    answer::{Verdict, message_of},
    place::{self, DropPath, NotOpened},
    settle::{
        Candidate, MARKERS, RECEIPT, REFUSALS, Ready, Stamp, Whereabouts, Window, left_alone,
    },
    write_ahead::WriteAhead,
};

/// Where files lie while they are being taken.
pub(crate) const CLAIMED: &str = "claimed";
/// Where files lie that were taken, with their receipts.
pub(crate) const DONE: &str = "done";
/// Where files lie that were not taken, with the reasons.
pub(crate) const REFUSED: &str = "refused";
/// What the last file of a name was, for names that came more than once.
pub(crate) const KNOWN: &str = "known";

/// Texts are written under such names, in `claimed/`, before they are put in place whole. No file
/// is claimed whose name begins with a dot.
pub(crate) const DRAFT: &str = ".draft-";

/// What the process's own mask leaves of it decides who else may read.
pub(super) const FILE_MODE: Mode = Mode::from_raw_mode(0o666);

/// A note of what a file was is a line; a text beside a file holds a hundred refusals.
const NOTE_BYTES_MAX: u64 = 4 * 1024;
pub(crate) const TEXT_BYTES_MAX: u64 = 16 << 20;

/// Compared at a time.
const STEP_BYTES: usize = 64 * 1024;

/// A drop folder and those within it that are the hub's.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) dropped: OwnedFd,
    pub(super) claimed: OwnedFd,
    done: OwnedFd,
    refused: OwnedFd,
    known: OwnedFd,
    pub(super) log: WriteAhead,
}

/// What the last file of a name was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) content: String,
    pub(super) id: String,
}

impl Folder {
    /// Opens a drop folder, and makes what is missing of it.
    pub(super) fn open(root: &Path, path: &DropPath) -> Result<Self, NotOpened> {
        let dropped = place::open(root, path)?;
        let claimed = place::within(&dropped, CLAIMED)?;
        let log = WriteAhead::open(&claimed)
            .map_err(|(name, error)| NotOpened::Io { place: format!("{CLAIMED}/{name}"), error })?;
        Ok(Self {
            claimed,
            log,
            done: place::within(&dropped, DONE)?,
            refused: place::within(&dropped, REFUSED)?,
            known: place::within(&dropped, KNOWN)?,
            dropped,
        })
    }

    /// Makes this process the one that takes the folder's files, until the folder is closed: one
    /// alone keeps their order. False where another is at it; the system takes the right away from
    /// one that dies.
    pub(super) fn lock(&self) -> io::Result<bool> {
        self.log.lock()
    }

    /// Where files of a verdict go.
    pub(super) fn folder_of(&self, verdict: Verdict) -> &OwnedFd {
        match verdict {
            Verdict::Done => &self.done,
            Verdict::Refused => &self.refused,
        }
    }

    /// Offers all that may be taken to a window.
    pub(super) fn scan(&self, ready: Ready, window: &mut Window) -> io::Result<()> {
        self.scan_claimed(ready, window)?;
        for entry in Dir::read_from(&self.dropped)? {
            let entry = entry?;
            let name = entry.file_name();
            let bytes = name.to_bytes();
            let hub_s = [CLAIMED, DONE, REFUSED, KNOWN].iter().any(|one| bytes == one.as_bytes());
            if hub_s || left_alone(bytes, ready) {
                continue;
            }
            let Some(stat) = look(&self.dropped, name)? else { continue };
            if FileType::from_raw_mode(stat.st_mode).is_dir() {
                window.strange += 1;
                continue;
            }
            let mut file = candidate(Whereabouts::Dropped, name, &stat);
            match ready {
                Ready::Stable => {}
                Ready::Rename => file.whole = true,
                Ready::Marker if self.is_marked(name, &file.stamp)? => file.whole = true,
                Ready::Marker => continue,
            }
            window.offer(file);
        }
        Ok(())
    }

    /// Claims that a crash or the hub's own "later" has left behind; and drafts, which are of no
    /// use to anybody.
    fn scan_claimed(&self, ready: Ready, window: &mut Window) -> io::Result<()> {
        for entry in Dir::read_from(&self.claimed)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_bytes().starts_with(DRAFT.as_bytes()) {
                let _ = fs::unlinkat(&self.claimed, name, AtFlags::empty());
            }
            if left_alone(name.to_bytes(), ready) {
                continue;
            }
            let Some(stat) = look(&self.claimed, name)? else { continue };
            if FileType::from_raw_mode(stat.st_mode).is_dir() {
                window.strange += 1;
                continue;
            }
            let mut file = candidate(Whereabouts::Claimed, name, &stat);
            file.whole = ready != Ready::Stable;
            window.offer(file);
        }
        Ok(())
    }

    /// Whether a marker stands beside a file, no older than it: one that is older was for a file
    /// before this one.
    fn is_marked(&self, name: &CStr, stamp: &Stamp) -> io::Result<bool> {
        for ending in MARKERS {
            let marker = beside(OsStr::from_bytes(name.to_bytes()), ending);
            if let Some(stat) = look(&self.dropped, &marker)?
                && FileType::from_raw_mode(stat.st_mode).is_file()
                && stamp_of(&stat).written >= stamp.written
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the last file of a name was, this one having that content. A name that came once has
    /// no note: its file lies in its place, and its answer beside it.
    pub(super) fn known(
        &self,
        name: &OsStr,
        payload: &[u8],
        content: &str,
    ) -> io::Result<Option<Known>> {
        if let Some(note) = read(&self.known, name, NOTE_BYTES_MAX)? {
            let note = String::from_utf8(note).unwrap_or_default();
            let parts = note.strip_suffix('\n').and_then(|line| line.split_once(' '));
            let (content, id) = parts.unwrap_or_default();
            return Ok(Some(Known { content: content.to_owned(), id: id.to_owned() }));
        }
        for (folder, ending) in [(&self.done, RECEIPT), (&self.refused, REFUSALS)] {
            let text = read(folder, beside(name, ending), TEXT_BYTES_MAX)?;
            let Some(id) = text.and_then(|text| message_of(&text)) else { continue };
            if let Some(same) = is(folder, name, payload)? {
                let content = if same { content.to_owned() } else { String::new() };
                return Ok(Some(Known { content, id }));
            }
        }
        Ok(None)
    }

    /// Takes note of what a file is.
    pub(super) fn note(&self, name: &OsStr, known: &Known) -> io::Result<()> {
        let draft = self.draft(format!("{} {}\n", known.content, known.id).as_bytes())?;
        Ok(fs::renameat(&self.claimed, draft, &self.known, name)?)
    }

    /// Writes a text under a name that no other has, and gives that.
    pub(super) fn draft(&self, text: &[u8]) -> io::Result<String> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{DRAFT}{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let how =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file: File = fs::openat(&self.claimed, &name, how, FILE_MODE)?.into();
        file.write_all(text)?;
        Ok(name)
    }

    /// Removes a text that finds no place. One that stays is removed at the next look.
    pub(super) fn drop_draft(&self, name: &str) {
        let _ = fs::unlinkat(&self.claimed, name, AtFlags::empty());
    }
}

/// The name of what lies beside a file.
pub(super) fn beside(name: &OsStr, ending: &str) -> OsString {
    let mut beside = name.to_owned();
    beside.push(ending);
    beside
}

/// Renames, and never over something. A file system that cannot promise that is looked at first.
pub(super) fn move_to(
    from: &OwnedFd,
    name: &OsStr,
    into: &OwnedFd,
    place: &OsStr,
) -> Result<(), Errno> {
    match fs::renameat_with(from, name, into, place, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match look(into, place)? {
            Some(_) => Err(Errno::EXIST),
            None => fs::renameat(from, name, into, place),
        },
        moved => moved,
    }
}

/// Whether a file is these bytes; nothing where it is no file or is not there.
fn is(folder: &OwnedFd, name: &OsStr, payload: &[u8]) -> io::Result<Option<bool>> {
    let mut file = match open_file(folder, name) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = fs::fstat(&file)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Ok(None);
    }
    if stamp_of(&stat).bytes != payload.len() as u64 {
        return Ok(Some(false));
    }
    let (mut step, mut rest) = (vec![0; STEP_BYTES.min(payload.len().max(1))], payload);
    loop {
        let read = file.read(&mut step)?;
        match (read, rest.split_at_checked(read)) {
            (0, _) => return Ok(Some(rest.is_empty())),
            (_, Some((same, behind))) if same == &step[..read] => rest = behind,
            _ => return Ok(Some(false)),
        }
    }
}

fn candidate(place: Whereabouts, name: &CStr, stat: &Stat) -> Candidate {
    Candidate {
        place,
        name: OsStr::from_bytes(name.to_bytes()).to_owned(),
        stamp: stamp_of(stat),
        plain: FileType::from_raw_mode(stat.st_mode).is_file(),
        whole: false,
    }
}

/// What is under a name, not following it; nothing where it has vanished.
pub(super) fn look(folder: impl AsFd, name: impl rustix::path::Arg) -> Result<Option<Stat>, Errno> {
    match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        // A marker's name may be longer than any name can be.
        Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(None),
        Err(error) => Err(error),
    }
}

#[allow(clippy::unnecessary_cast, reason = "the types of these members differ between machines")]
pub(super) fn stamp_of(stat: &Stat) -> Stamp {
    Stamp {
        file: stat.st_ino as u64,
        bytes: u64::try_from(stat.st_size).unwrap_or(0),
        written: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        touched: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

/// Opens a file for reading, without following it and without waiting for whoever may be at the
/// other end of a pipe.
pub(super) fn open_file(folder: impl AsFd, name: impl rustix::path::Arg) -> Result<File, Errno> {
    let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::openat(folder, name, how, Mode::empty()).map(Into::into)
}

/// A short text of the hub's own; nothing where it is missing, no file, or longer than it may be.
pub(super) fn read(
    folder: impl AsFd,
    name: impl rustix::path::Arg,
    bytes_max: u64,
) -> io::Result<Option<Vec<u8>>> {
    let file = match open_file(folder, name) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::NAMETOOLONG) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = fs::fstat(&file)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() || stamp_of(&stat).bytes > bytes_max {
        return Ok(None);
    }
    let mut text = Vec::new();
    file.take(bytes_max).read_to_end(&mut text)?;
    Ok(Some(text))
}
