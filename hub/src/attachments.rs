//! The attachment store: files in a folder, each under the SHA-256 of its bytes.
//!
//! A file is written beside its place, and renamed into it when all of it is on the disk; what is
//! cut short leaves nothing. Where this process has keys it is sealed as it comes ([`sealed`]), and
//! nothing of it ever lies there unsealed. Who has which file stands in the store. No more than a
//! few chunks of a file are in memory at a time, in either direction.

mod carried;
mod file;
mod inline;
mod parting;
mod sealed;
mod sealing;

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, timeout, timeout_at},
};

pub use carried::{Carried, Listed, carry};
pub use inline::Inline;
pub use parting::clear;
pub use sealing::{Sealed, seal_all, sealed_by};

use file::{Found, INCOMING, Written, digest_of, found, opened, place, read, settle, sweep, write};
use sealed::{Begun, Reading};

use crate::{
    config::AttachmentSettings,
    store::{Store, StoreError, at_rest, attachments::HeldFile},
};

/// Chunks of one file in memory.
const CHUNKS_AHEAD: usize = 4;

/// Files that are sent at the same time, at most.
const AT_ONCE_MAX: usize = 32;

/// How long no byte of a file may come, and how long it may take altogether.
const IDLE: Duration = Duration::from_secs(10);
const ALTOGETHER: Duration = Duration::from_secs(600);

/// Files whose holders are read at a time.
const PAGE: u32 = 500;

/// How files of a type begin.
const BEGINNINGS: [(&str, &[&[u8]]); 7] = [
    ("application/pdf", &[b"%PDF-"]),
    ("application/vnd.oasis.opendocument.text", &[b"PK\x03\x04"]),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &[b"PK\x03\x04"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &[b"PK\x03\x04"]),
    ("image/jpeg", &[b"\xff\xd8\xff"]),
    ("image/png", &[b"\x89PNG\r\n\x1a\n"]),
    ("image/tiff", &[b"II*\x00", b"MM\x00*"]),
];

/// Why a file was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// It is larger than a file may be: bytes, at most.
    TooLarge(u64),
    /// Files of its type are not taken: those that are.
    Type(Vec<String>),
    /// It is no file of the type that was said.
    NotOfItsType,
    /// Its sender has sent as much as it may: bytes, at most.
    Quota(u64),
    /// It broke off.
    CutShort,
    /// Its bytes came too slowly.
    Slow,
    /// It cannot be kept now.
    Later(String),
}

impl From<StoreError> for NotTaken {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "an attachment waits for the store");
        Self::Later(error.later().reason)
    }
}

impl From<io::Error> for NotTaken {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "an attachment cannot be written");
        Self::Later("the attachment store cannot be written".to_owned())
    }
}

/// The attachment store.
pub struct Attachments {
    settings: AttachmentSettings,
    store: Arc<dyn Store>,
    room: Semaphore,
}

impl Attachments {
    /// Over a folder that need not be there yet.
    pub fn new(settings: AttachmentSettings, store: Arc<dyn Store>) -> Self {
        sweep(&settings.folder.join(INCOMING));
        Self { settings, store, room: Semaphore::new(AT_ONCE_MAX) }
    }

    /// Takes a file from who sends it; gives its claim check, but for its name.
    ///
    /// # Errors
    /// Why it was not taken: then nothing of it is left.
    pub async fn take(
        &self,
        holder: &str,
        media_type: &str,
        (declared, body): (Option<u64>, Body),
    ) -> Result<HeldFile, NotTaken> {
        let Ok(_room) = self.room.try_acquire() else {
            return Err(NotTaken::Later("too many files are sent at once".to_owned()));
        };
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let media_type = media_type.to_ascii_lowercase();
        if !self.settings.types.contains(&media_type) {
            return Err(NotTaken::Type(self.settings.types.clone()));
        }
        if declared.is_some_and(|bytes| bytes > self.settings.file_bytes_max) {
            return Err(NotTaken::TooLarge(self.settings.file_bytes_max));
        }
        let written = self.write(body).await?;
        let of_type = BEGINNINGS.iter().find(|(known, _)| *known == media_type);
        if of_type.is_some_and(|(_, all)| !all.iter().any(|one| written.beginning.starts_with(one)))
        {
            return Err(NotTaken::NotOfItsType);
        }
        self.keep(written, holder, media_type).await
    }

    /// Writes a body beside its place.
    async fn write(&self, body: Body) -> Result<Written, NotTaken> {
        let folder = self.settings.folder.join(INCOMING);
        let (send, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let writing = tokio::task::spawn_blocking(move || write(&folder, chunks));
        let (deadline, mut size) = (Instant::now() + ALTOGETHER, 0_u64);
        let mut body = body.into_data_stream();
        let ended = loop {
            let next = timeout_at(deadline, timeout(IDLE, body.next())).await;
            let Ok(Ok(data)) = next else { break Err(NotTaken::Slow) };
            let data = match data {
                None => break Ok(()),
                Some(Err(_)) => break Err(NotTaken::CutShort),
                Some(Ok(data)) => data,
            };
            size += data.len() as u64;
            if size > self.settings.file_bytes_max {
                break Err(NotTaken::TooLarge(self.settings.file_bytes_max));
            }
            // Where the disk takes nothing more, the writer has ended and says why.
            if send.send(data).await.is_err() {
                break Ok(());
            }
        };
        drop(send);
        let written = writing.await.map_err(|error| io::Error::other(error.to_string()))??;
        ended?;
        // Unsealed it could not be told from one that is sealed.
        match at_rest::keys().first().is_none() && written.beginning == at_rest::MAGIC {
            true => Err(NotTaken::NotOfItsType),
            false => Ok(written),
        }
    }

    /// Puts what was written in its place, and notes who has it.
    async fn keep(
        &self,
        written: Written,
        holder: &str,
        media_type: String,
    ) -> Result<HeldFile, NotTaken> {
        let Written { incoming, digest, size, .. } = written;
        let file = HeldFile { digest, holder: holder.to_owned(), size, media_type };
        let Some(place) = place(&self.settings.folder, &file.digest) else {
            return Err(NotTaken::Later("no place for an attachment".to_owned()));
        };
        let to = place.clone();
        let moved = tokio::task::spawn_blocking(move || settle(&incoming, &to)).await;
        moved.map_err(|error| io::Error::other(error.to_string()))??;
        if !self.store.hold(file.clone(), self.settings.sender_bytes_max).await? {
            // Others may have the same file.
            if !self.is_held(&file.digest).await? {
                let _ = fs::remove_file(&place);
            }
            return Err(NotTaken::Quota(self.settings.sender_bytes_max));
        }
        // Somebody who was refused the same file may just have removed it.
        match place.exists() {
            true => Ok(file),
            false => Err(NotTaken::Later("the attachment was removed meanwhile".to_owned())),
        }
    }

    async fn is_held(&self, digest: &str) -> Result<bool, StoreError> {
        let mut before = digest.to_owned();
        before.pop();
        let found = self.store.files(before, 16).await?;
        Ok(found.iter().any(|(known, _)| known == digest))
    }

    /// A file of who has it, and its bytes as they are read: they end in an error where they are
    /// not what they were.
    ///
    /// # Errors
    /// When the store cannot answer, or the file is sealed and cannot be opened; nothing where the
    /// asker has no such file, or it is not there.
    pub async fn open(
        &self,
        digest: &str,
        holder: &str,
    ) -> Result<Option<(HeldFile, Body)>, StoreError> {
        let held = self.store.held(digest.to_owned(), holder.to_owned()).await?;
        let Some(held) = held else { return Ok(None) };
        let (folder, digest) = (self.settings.folder.clone(), held.digest.clone());
        let begun = tokio::task::spawn_blocking(move || {
            let Some(file) = opened(&folder, &digest)? else { return Ok(None) };
            Reading::begin(file, digest_of(&digest)?).map(Some)
        });
        let begun = begun.await.map_err(|error| StoreError::fault(error.to_string()))?;
        let of =
            |what: String| StoreError::fault(format!("the attachment {}: {what}", held.digest));
        let reading = match begun.map_err(|error| of(error.to_string()))? {
            Some(Begun::Reading(reading)) => reading,
            Some(Begun::Locked(key, _)) => {
                return Err(of(format!("it is sealed by the key `{key}`, which is not here")));
            }
            None => {
                tracing::error!(digest = held.digest, "an attachment is missing");
                return Ok(None);
            }
        };
        let (send, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let expected = held.digest.clone();
        tokio::task::spawn_blocking(move || read(reading, &expected, &send));
        Ok(Some((held, Body::from_stream(received(chunks)))))
    }
}

/// What a thread sends, as a stream.
fn received(
    chunks: mpsc::Receiver<io::Result<Bytes>>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(chunks, async |mut chunks| chunks.recv().await.map(|one| (one, chunks)))
}

/// What was found when files were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many files somebody has.
    pub count: u64,
    /// How many of them are sealed by keys that are not here: of these the length was compared.
    pub unread: u64,
    /// What is wrong.
    pub faults: Vec<String>,
}

/// Reads every file that somebody has.
///
/// # Errors
/// When the store cannot answer.
pub async fn verify(store: &dyn Store, folder: Option<&Path>) -> Result<Verified, StoreError> {
    let (mut verified, mut after) = (Verified::default(), String::new());
    let marks = store.key_marks().await?;
    loop {
        let page = store.files(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(verified) };
        after = last.clone();
        verified.count += page.len() as u64;
        let Some(folder) = folder else {
            verified.faults = vec!["no folder of attachments is configured".to_owned()];
            continue;
        };
        for (digest, size) in &page {
            match found(folder, digest, *size) {
                Found::Whole => {}
                Found::Unread(key) if marks.iter().any(|(id, _)| *id == key) => {
                    verified.unread += 1;
                }
                Found::Unread(key) => {
                    let by = format!("sealed by a key `{key}` that this store does not name");
                    verified.faults.push(format!("the attachment {digest} is {by}"));
                }
                Found::Faulty(fault) => verified.faults.push(fault),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;

    fn files(folder: &Path) -> usize {
        let all = fs::read_dir(folder).into_iter().flatten().flatten().map(|one| one.path());
        all.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }

    #[tokio::test]
    async fn what_is_above_a_quota_leaves_nothing_but_what_others_hold() {
        let name = format!("lienthong-{}-attachments", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.join("hub.db")).unwrap());
        let settings = AttachmentSettings {
            folder: folder.join("tep"),
            file_bytes_max: 100,
            sender_bytes_max: 10,
            types: vec!["text/plain".to_owned()],
        };
        let place = settings.folder.clone();
        let kept = Attachments::new(settings, store.clone());
        let take = async |holder: &str, text: &str| {
            let body = (None, Body::from(text.to_owned()));
            kept.take(holder, "text/plain; charset=utf-8", body).await
        };
        let first = take("so-a", "123456").await.unwrap();
        assert_eq!(take("so-a", "654321").await, Err(NotTaken::Quota(10)));
        assert_eq!(files(&place), 1);
        take("so-b", "abcde").await.unwrap();
        assert_eq!(take("so-a", "abcde").await, Err(NotTaken::Quota(10)));
        assert_eq!(files(&place), 2, "another has it");
        assert_eq!(take("so-a", &"x".repeat(101)).await, Err(NotTaken::TooLarge(100)));
        assert_eq!(take("so-a", "123456").await, Ok(first), "what it has takes no more room");
        assert_eq!(files(&place), 2);
        let two = Verified { count: 2, ..Verified::default() };
        assert_eq!(verify(&*store, Some(&place)).await.unwrap(), two);
        drop((kept, store));
        fs::remove_dir_all(&folder).unwrap();
    }
}
