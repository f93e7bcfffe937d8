//! What is done with one file on the disk. It waits for the disk: on threads of its own.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    digest::{Context, SHA256},
    rand,
};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::sealed::{Begun, Reading, Writing, damaged};
use crate::journal::merkle::Digest;

/// Bytes by which a file's type is known.
const BEGINNING_BYTES: usize = 8;

/// Where files are written.
pub(super) const INCOMING: &str = "incoming";

/// What lies longer than this among what is being written was cut short by a kill.
const LEFT_BEHIND: Duration = Duration::from_secs(3_600);

/// A file that is being written; gone where it is not kept.
pub(super) struct Incoming(PathBuf);

impl Drop for Incoming {
    fn drop(&mut self) {
        // It is there no more where it was kept.
        let _ = fs::remove_file(&self.0);
    }
}

impl Incoming {
    /// A new file in the folder where files are written.
    pub(super) fn begin(folder: &Path) -> io::Result<(Self, File)> {
        fs::create_dir_all(folder)?;
        let mut name = [0; 16];
        rand::fill(&mut name).map_err(|_| io::Error::other("no randomness"))?;
        let incoming = Self(folder.join(hex(&name)));
        let file = File::options().write(true).create_new(true).open(&incoming.0)?;
        Ok((incoming, file))
    }
}

/// What was written.
pub(super) struct Written {
    pub(super) incoming: Incoming,
    pub(super) digest: String,
    pub(super) size: u64,
    pub(super) beginning: Vec<u8>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digits of a digest, where it is one.
fn digits(digest: &str) -> Option<&str> {
    let digits = digest.strip_prefix("sha256:")?;
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (digits.len() == 64 && digits.bytes().all(lower)).then_some(digits)
}

/// Where a file lies.
pub(super) fn place(folder: &Path, digest: &str) -> Option<PathBuf> {
    let digits = digits(digest)?;
    Some(folder.join(digits.get(..2)?).join(digits))
}

/// Removes what was cut short by a kill.
pub(super) fn sweep(incoming: &Path) {
    let Ok(all) = fs::read_dir(incoming) else { return };
    for one in all.flatten() {
        let since = one.metadata().and_then(|told| told.modified()).ok();
        let age = since.and_then(|since| SystemTime::now().duration_since(since).ok());
        if age.is_some_and(|age| age > LEFT_BEHIND) {
            let _ = fs::remove_file(one.path());
        }
    }
}

/// The digest of what was gone through.
pub(super) fn finished(context: Context) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    Digest::from_bytes(bytes)
}

/// A digest by its name.
pub(super) fn digest_of(digest: &str) -> io::Result<Digest> {
    let found = digits(digest).and_then(|digits| digits.parse().ok());
    found.ok_or_else(|| damaged("its name is no digest"))
}

/// Writes what comes beside its place, sealed where this process has a key.
pub(super) fn write(folder: &Path, mut chunks: mpsc::Receiver<Bytes>) -> io::Result<Written> {
    let (incoming, file) = Incoming::begin(folder)?;
    let mut file = Writing::begin(file)?;
    let (mut context, mut size) = (Context::new(&SHA256), 0);
    let mut beginning = Vec::with_capacity(BEGINNING_BYTES);
    while let Some(chunk) = chunks.blocking_recv() {
        file.write(&chunk)?;
        context.update(&chunk);
        size += chunk.len() as u64;
        let more = BEGINNING_BYTES.saturating_sub(beginning.len()).min(chunk.len());
        beginning.extend_from_slice(chunk.get(..more).unwrap_or_default());
    }
    let digest = finished(context);
    file.end(digest)?;
    Ok(Written { incoming, digest: format!("sha256:{digest}"), size, beginning })
}

/// Copies a file into its place, as it lies, by way of the folder where files are written.
pub(super) fn copy(from: &Path, (incoming, to): (&Path, &Path)) -> io::Result<()> {
    let (incoming, mut file) = Incoming::begin(incoming)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()?;
    settle(&incoming, to)
}

/// Renames a file into its place, for good.
pub(super) fn settle(incoming: &Incoming, place: &Path) -> io::Result<()> {
    let Some(folder) = place.parent() else { return Err(io::ErrorKind::NotFound.into()) };
    fs::create_dir_all(folder)?;
    // The same bytes under the same name: whichever stays is the right one.
    fs::rename(&incoming.0, place)?;
    File::open(folder)?.sync_all()?;
    folder.parent().map_or(Ok(()), |above| File::open(above)?.sync_all())
}

/// Removes a file for good; one that is not there is removed already.
pub(super) fn remove(place: &Path) -> io::Result<()> {
    match fs::remove_file(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => place.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()),
    }
}

/// A file; nothing where it is not there.
pub(super) fn opened(folder: &Path, digest: &str) -> io::Result<Option<File>> {
    let place = place(folder, digest).ok_or_else(|| damaged("its name is no digest"))?;
    match File::open(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Reads a file chunk by chunk; the last one is kept back until all of them are what they were.
pub(super) fn read(mut file: Reading, expected: &str, send: &mpsc::Sender<io::Result<Bytes>>) {
    let mut context = Context::new(&SHA256);
    let mut kept: Option<Bytes> = None;
    let ended = loop {
        let chunk = match file.next() {
            Ok(None) => break Ok(()),
            Ok(Some(chunk)) => chunk,
            Err(error) => break Err(error),
        };
        context.update(&chunk);
        let before = kept.replace(chunk.into());
        if before.is_some_and(|before| send.blocking_send(Ok(before)).is_err()) {
            return;
        }
    };
    let whole = ended.and_then(|()| match format!("sha256:{}", finished(context)) == expected {
        true => Ok(kept.unwrap_or_default()),
        false => Err(damaged("its digest is another")),
    });
    if let Err(error) = &whole {
        tracing::error!(digest = expected, %error, "an attachment is damaged");
    }
    let _ = send.blocking_send(whole);
}

/// How a file of the store is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// As it was.
    Whole,
    /// Sealed by a key of this name, which is not here, and as long as it was.
    Unread(String),
    /// Not so: what is wrong.
    Faulty(String),
}

/// How a file of the store is, read whole where it can be.
pub(super) fn found(folder: &Path, digest: &str, size: u64) -> Found {
    let told = |what: String| Found::Faulty(format!("the attachment {digest} {what}"));
    let file = match opened(folder, digest) {
        Ok(Some(file)) => file,
        Ok(None) => return told("is missing".to_owned()),
        Err(error) => return told(format!("cannot be read: {error}")),
    };
    match compared(file, digest, size) {
        Ok(Ok(found)) => found,
        Ok(Err(what)) => told(what),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            told(format!("is damaged: {error}"))
        }
        Err(error) => told(format!("cannot be read: {error}")),
    }
}

/// Compares a file with its digest and size, or says what of it is otherwise.
fn compared(file: File, digest: &str, size: u64) -> io::Result<Result<Found, String>> {
    let expected = digest_of(digest)?;
    let (read, found) = match Reading::begin(file, expected)? {
        Begun::Locked(key, bytes) => (bytes, Err(key)),
        Begun::Reading(mut file) => {
            let (mut context, mut read) = (Context::new(&SHA256), 0);
            while let Some(chunk) = file.next()? {
                context.update(&chunk);
                read += chunk.len() as u64;
            }
            (read, Ok(finished(context)))
        }
    };
    Ok(match found {
        _ if read != size => Err(format!("has {read} bytes, not {size}")),
        Err(key) => Ok(Found::Unread(key)),
        Ok(found) if found == expected => Ok(Found::Whole),
        Ok(found) => Err(format!("is damaged: its digest is sha256:{found}")),
    })
}
