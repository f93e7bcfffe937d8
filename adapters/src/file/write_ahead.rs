//! The write-ahead log of a folder: what is said of files is on the disk before any of it lies
//! beside them. One sync is for a group of files, and their texts need none of their own: what a
//! power cut leaves of these is made whole from the log when the folder is opened next.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::ffi::{OsStrExt, OsStringExt},
    time::{Duration, Instant},
};

use rustix::{
    fd::OwnedFd,
    fs::{self, FileType, OFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    answer::Verdict,
    folder::{FILE_MODE, Folder, TEXT_BYTES_MAX, beside, look, move_to, read},
    settle::{RECEIPT, REFUSALS},
};

/// Who has this file in `claimed/` locked takes the folder's files; in it is the log.
const FILE: &str = ".lock";

/// Bytes after which the log begins anew.
const BYTES_MAX: u64 = 8 << 20;
/// The same, for what another process has left: a group's texts may be long.
const LEFT_BYTES_MAX: u64 = 256 << 20;
/// How long a log grows before it begins anew. Systems write what was changed within half a minute
/// by themselves, so there is little left to wait for then.
const AGE_MAX: Duration = Duration::from_secs(60);

/// What is said of one file, and where it goes: a line of the log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    into: Verdict,
    /// The name of its place, in hexadecimal: a name may be no text.
    place: String,
    /// Endings, and texts.
    texts: Vec<(String, String)>,
}

impl Line {
    pub(super) fn new(into: Verdict, place: &OsStr, texts: &[(&'static str, Vec<u8>)]) -> Self {
        let place = place.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        // They are JSON, and so text.
        let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        let texts = texts.iter().map(|(ending, told)| ((*ending).to_owned(), text(told)));
        Self { into, place, texts: texts.collect() }
    }

    /// The name of the place; nothing where it is none that a file of the folder can have.
    fn place(&self) -> Option<OsString> {
        let mut bytes = Vec::with_capacity(self.place.len() / 2);
        for at in (0..self.place.len()).step_by(2) {
            bytes.push(u8::from_str_radix(self.place.get(at..at + 2)?, 16).ok()?);
        }
        let plain = !bytes.is_empty() && !bytes.starts_with(b".") && !bytes.contains(&b'/');
        (plain && !bytes.contains(&0)).then(|| OsString::from_vec(bytes))
    }
}

/// How a process has left the log of a folder.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Left {
    bytes: u64,
    /// When it was empty last.
    since: Option<Instant>,
}

/// The log, open.
#[derive(Debug)]
pub(super) struct WriteAhead(File);

impl WriteAhead {
    /// Opens the log in `claimed/`, and makes it where it is missing.
    pub(super) fn open(claimed: &OwnedFd) -> Result<Self, (String, io::Error)> {
        let how = OFlags::RDWR
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        let told = |error: io::Error| (FILE.to_owned(), error);
        let file: File =
            fs::openat(claimed, FILE, how, FILE_MODE).map_err(|error| told(error.into()))?.into();
        let stat = fs::fstat(&file).map_err(|error| told(error.into()))?;
        // What is linked elsewhere too may be anything's own, and this file is written to.
        match FileType::from_raw_mode(stat.st_mode).is_file() && stat.st_nlink <= 1 {
            true => Ok(Self(file)),
            false => Err(told(io::Error::other("it is no plain file of the hub's"))),
        }
    }

    /// Makes this process the one that takes the folder's files; false where another is at it.
    pub(super) fn lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// All lines that are whole. What is no line was never followed by what it was to say.
    fn lines(&self) -> io::Result<Vec<Line>> {
        let (mut text, mut file) = (Vec::new(), &self.0);
        file.seek(SeekFrom::Start(0))?;
        file.take(LEFT_BYTES_MAX).read_to_end(&mut text)?;
        let lines = text.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

impl Folder {
    /// Takes up the log as it was left: what another process has left in it is made whole first,
    /// and one that is old or long begins anew.
    pub(super) fn take_up(&self, left: Left) -> io::Result<()> {
        let bytes = self.log.bytes()?;
        if bytes != left.bytes {
            for line in self.log.lines()? {
                self.mend(&line)?;
            }
        }
        let old = left.since.is_none_or(|since| since.elapsed() >= AGE_MAX);
        if bytes > 0 && (bytes != left.bytes || old) { self.begin_anew() } else { Ok(()) }
    }

    /// How the log stands, having stood like that before.
    pub(super) fn leave(&self, before: Left) -> Left {
        // What cannot be told is looked through.
        let bytes = self.log.bytes().unwrap_or(u64::MAX);
        let since = before.since.filter(|_| bytes >= before.bytes && before.bytes > 0);
        Left { bytes, since: (bytes > 0).then(|| since.unwrap_or_else(Instant::now)) }
    }

    /// Says on the disk what will lie beside files.
    pub(super) fn write_ahead(&self, lines: &[Line]) -> io::Result<()> {
        let bytes = self.log.bytes()?;
        if bytes > BYTES_MAX {
            self.begin_anew()?;
        }
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        let mut file = &self.log.0;
        file.write_all(&text)?;
        file.sync_data()?;
        if bytes == 0 {
            // That it is there, too.
            fs::fsync(&self.claimed)?;
        }
        Ok(())
    }

    /// Empties the log, once all that it speaks of is on the disk.
    fn begin_anew(&self) -> io::Result<()> {
        fs::syncfs(&self.claimed)?;
        self.log.0.set_len(0)
    }

    /// Makes the texts of one file whole. What is whole stays, whoever wrote it.
    fn mend(&self, line: &Line) -> io::Result<()> {
        let Some(place) = line.place() else { return Ok(()) };
        let into = self.folder_of(line.into);
        for (ending, text) in &line.texts {
            if ![RECEIPT, REFUSALS].contains(&&**ending) {
                continue;
            }
            let name = beside(&place, ending);
            let torn = match read(into, &name, TEXT_BYTES_MAX)? {
                Some(told) => serde_json::from_slice::<IgnoredAny>(&told).is_err(),
                None => false,
            };
            if torn {
                let draft = self.draft(text.as_bytes())?;
                fs::renameat(&self.claimed, draft, into, &name)?;
            } else if look(into, &place)?.is_some() {
                let draft = self.draft(text.as_bytes())?;
                match move_to(&self.claimed, draft.as_ref(), into, &name) {
                    Ok(()) => {}
                    Err(Errno::EXIST) => self.drop_draft(&draft),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}
