//! Files that are sealed later than they came, and whose keys are wrapped anew.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Seek, SeekFrom},
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA256};

use super::{
    PAGE,
    file::{INCOMING, Incoming, digest_of, finished, opened, place, settle},
    sealed::{Begun, Reading, Writing, beginning, damaged},
};
use crate::{
    journal::merkle::Digest,
    store::{
        Store, StoreError,
        at_rest::{Beginning, Head, SealedBy, Turned, keys},
        attachments::Remove,
    },
};

/// What was done, and what could not be.
#[derive(Debug, Default)]
pub struct Sealed {
    /// How many files were sealed, and of how many the key was wrapped anew.
    pub turned: Turned,
    /// How many files could not be, of which some are named, and why.
    pub faulty: u64,
    /// What is told of the first of them.
    pub faults: Vec<String>,
    /// Whether some were not there, so that nobody knows what they are sealed by.
    pub some_are_missing: bool,
}

impl Sealed {
    fn add(&mut self, fault: String) {
        self.faulty += 1;
        if self.faults.len() < NAMED_MAX {
            self.faults.push(fault);
        }
    }
}

/// Faults that are named.
const NAMED_MAX: usize = 10;

/// What is to be done with a file: what takes its place is written already.
enum Anew {
    Stays,
    Missing,
    Sealed(Incoming),
    Wrapped(Incoming),
}

/// Seals a file that is not sealed.
fn seal(mut from: Reading, digest: Digest, folder: &Path) -> io::Result<Incoming> {
    let (incoming, file) = Incoming::begin(folder)?;
    let (mut writing, mut context) = (Writing::begin(file)?, Context::new(&SHA256));
    while let Some(bytes) = from.next()? {
        context.update(&bytes);
        writing.write(&bytes)?;
    }
    let found = finished(context);
    if found != digest {
        return Err(damaged(&format!("its digest is sha256:{found}")));
    }
    writing.end(digest)?;
    Ok(incoming)
}

/// Puts another head before the pieces of a file.
fn wrap(mut from: File, (head, digest): (&Head, Digest), folder: &Path) -> io::Result<Incoming> {
    let key = keys().file_opened(digest, head).map_err(|_| damaged("its head cannot be opened"))?;
    let other = keys().head(digest, &key).map_err(io::Error::other)?;
    let (incoming, mut file) = Incoming::begin(folder)?;
    io::copy(&mut &other.bytes()[..], &mut file)?;
    from.seek(SeekFrom::Start(head.length() as u64))?;
    io::copy(&mut from, &mut file)?;
    file.sync_all()?;
    Ok(incoming)
}

/// Writes a file as the first key seals it beside its place, where it does not.
fn anew(folder: &Path, digest: &str) -> io::Result<Anew> {
    let Some(file) = opened(folder, digest)? else { return Ok(Anew::Missing) };
    let (incoming, digest) = (folder.join(INCOMING), digest_of(digest)?);
    match beginning(&file)? {
        Beginning::Sealed(head) if keys().first() == Some(&*head.key_id) => Ok(Anew::Stays),
        Beginning::Sealed(head) if !keys().has(&head.key_id) => Err(locked(&head.key_id)),
        Beginning::Sealed(head) => wrap(file, (&head, digest), &incoming).map(Anew::Wrapped),
        Beginning::Damaged => Err(damaged("its head cannot be read")),
        Beginning::Plain => match Reading::begin(file, digest)? {
            Begun::Reading(from) => seal(from, digest, &incoming).map(Anew::Sealed),
            Begun::Locked(key, _) => Err(locked(&key)),
        },
    }
}

fn locked(key: &str) -> io::Error {
    io::Error::other(format!("it is sealed by the key `{key}`, which is not here"))
}

/// Has the first key seal every file that somebody has, one by one: each is written beside its
/// place and renamed into it while nobody removes it. It may be ended anywhere and begun again.
///
/// # Errors
/// When the store cannot answer, or takes part in a move.
pub async fn seal_all(store: &dyn Store, folder: Option<&Path>) -> Result<Sealed, StoreError> {
    let (mut done, mut after) = (Sealed::default(), String::new());
    loop {
        let page = store.files(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(done) };
        after = last.clone();
        let Some(folder) = folder else {
            done.add("no folder of attachments is configured".to_owned());
            done.some_are_missing = true;
            return Ok(done);
        };
        for (digest, _) in page {
            seal_one(store, folder, digest, &mut done).await?;
        }
    }
}

async fn seal_one(
    store: &dyn Store,
    folder: &Path,
    digest: String,
    done: &mut Sealed,
) -> Result<(), StoreError> {
    let (from, of) = (folder.to_owned(), digest.clone());
    let written = tokio::task::spawn_blocking(move || anew(&from, &of)).await;
    let written = written.map_err(|error| StoreError::fault(error.to_string()))?;
    let place = place(folder, &digest);
    let put = |written| -> Option<Remove> {
        place.map(|place| -> Remove { Box::new(move || settle(&written, &place)) })
    };
    match written {
        Ok(Anew::Stays) => {}
        // It may have gone since it was named.
        Ok(Anew::Missing) if store.replace(digest.clone(), Box::new(|| Ok(()))).await? => {
            done.some_are_missing = true;
            done.add(format!("the attachment {digest} is missing"));
        }
        Ok(Anew::Missing) => {}
        Ok(Anew::Sealed(written)) => {
            if let Some(put) = put(written) {
                done.turned.sealed += u64::from(store.replace(digest, put).await?);
            }
        }
        Ok(Anew::Wrapped(written)) => {
            if let Some(put) = put(written) {
                done.turned.wrapped += u64::from(store.replace(digest, put).await?);
            }
        }
        Err(error) => done.add(format!("the attachment {digest} stays as it is: {error}")),
    }
    Ok(())
}

/// The name of the key that a file is sealed by; nothing where it is not there.
fn key_of(folder: &Path, digest: &str) -> io::Result<Option<Option<String>>> {
    let Some(file) = opened(folder, digest)? else { return Ok(None) };
    Ok(Some(match beginning(&file)? {
        Beginning::Sealed(head) => Some(head.key_id),
        Beginning::Plain | Beginning::Damaged => None,
    }))
}

/// How many files each key seals, by their heads; those that are not there are not counted.
///
/// # Errors
/// When the store cannot answer, a file cannot be read, or there are files and no folder of them.
pub async fn sealed_by(
    store: &dyn Store,
    folder: Option<&Path>,
) -> Result<Vec<SealedBy>, StoreError> {
    let (mut counts, mut after) = (BTreeMap::<Option<String>, u64>::new(), String::new());
    loop {
        let page = store.files(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(counts.into_iter().collect()) };
        after = last.clone();
        let Some(folder) = folder.map(ToOwned::to_owned) else {
            let reason = "there are attachments, but hub.toml names no folder of them: write \
                          [attachments] with folder";
            return Err(StoreError::fault(reason));
        };
        let read = tokio::task::spawn_blocking(move || {
            let told = |digest: &str, error| format!("the attachment {digest}: {error}");
            let key = |digest: &str| key_of(&folder, digest).map_err(|error| told(digest, error));
            page.iter().map(|(digest, _)| key(digest)).collect::<Result<Vec<_>, String>>()
        });
        let read = read.await.map_err(|error| StoreError::fault(error.to_string()))?;
        for key in read.map_err(StoreError::fault)?.into_iter().flatten() {
            *counts.entry(key).or_default() += 1;
        }
    }
}
