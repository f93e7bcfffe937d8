//! What is done with one file on the disk. It waits for the disk: on threads of its own.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    digest::{Context, SHA256},
    rand,
};
use bytes::Bytes;
use tokio::sync::mpsc;

/// Bytes by which a file's type is known.
const BEGINNING_BYTES: usize = 8;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

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

pub(super) fn write(folder: &Path, mut chunks: mpsc::Receiver<Bytes>) -> io::Result<Written> {
    fs::create_dir_all(folder)?;
    let mut name = [0; 16];
    rand::fill(&mut name).map_err(|_| io::Error::other("no randomness"))?;
    let incoming = Incoming(folder.join(hex(&name)));
    let mut file = File::options().write(true).create_new(true).open(&incoming.0)?;
    let (mut context, mut size) = (Context::new(&SHA256), 0);
    let mut beginning = Vec::with_capacity(BEGINNING_BYTES);
    while let Some(chunk) = chunks.blocking_recv() {
        file.write_all(&chunk)?;
        context.update(&chunk);
        size += chunk.len() as u64;
        let more = BEGINNING_BYTES.saturating_sub(beginning.len()).min(chunk.len());
        beginning.extend_from_slice(chunk.get(..more).unwrap_or_default());
    }
    file.sync_all()?;
    let digest = format!("sha256:{}", hex(context.finish().as_ref()));
    Ok(Written { incoming, digest, size, beginning })
}

/// Copies a file into its place, by way of the folder where files are written.
pub(super) fn copy(from: &Path, (incoming, to): (&Path, &Path)) -> io::Result<()> {
    fs::create_dir_all(incoming)?;
    let mut name = [0; 16];
    rand::fill(&mut name).map_err(|_| io::Error::other("no randomness"))?;
    let incoming = Incoming(incoming.join(hex(&name)));
    fs::copy(from, &incoming.0)?;
    File::open(&incoming.0)?.sync_all()?;
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

/// Reads a file chunk by chunk; the last one is kept back until all of them are what they were.
pub(super) fn read(mut file: File, expected: &str, send: &mpsc::Sender<io::Result<Bytes>>) {
    let mut context = Context::new(&SHA256);
    let mut kept: Option<Bytes> = None;
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let count = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = send.blocking_send(Err(error));
                return;
            }
        };
        chunk.truncate(count);
        context.update(&chunk);
        let before = kept.replace(chunk.into());
        if before.is_some_and(|before| send.blocking_send(Ok(before)).is_err()) {
            return;
        }
    }
    let last = if format!("sha256:{}", hex(context.finish().as_ref())) == expected {
        Ok(kept.unwrap_or_default())
    } else {
        tracing::error!(digest = expected, "an attachment is damaged");
        Err(io::Error::from(io::ErrorKind::InvalidData))
    };
    let _ = send.blocking_send(last);
}

/// What is wrong with a file of the store.
pub(super) fn fault(folder: &Path, digest: &str, size: u64) -> Option<String> {
    let told = |what: &str| Some(format!("the attachment {digest} {what}"));
    let Some(place) = place(folder, digest) else { return told("has no digest for its name") };
    let Ok(mut file) = File::open(place) else { return told("is missing") };
    let (mut context, mut read) = (Context::new(&SHA256), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => {
                context.update(chunk.get(..count).unwrap_or_default());
                read += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return told(&format!("cannot be read: {error}")),
        }
    }
    if read != size {
        return told(&format!("has {read} bytes, not {size}"));
    }
    let found = format!("sha256:{}", hex(context.finish().as_ref()));
    if found == digest { None } else { told(&format!("is damaged: its digest is {found}")) }
}
