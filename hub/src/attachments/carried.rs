//! Attachments beside a backup, and back.

use std::path::Path;

use super::file::{INCOMING, copy, fault, place};
use crate::store::StoreError;

/// Faults that are named.
const NAMED_MAX: usize = 10;

/// A file that a store names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `sha256:` and the SHA-256 of its bytes.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// Copies files from one folder of attachments to another, each read whole and compared with its
/// digest; gives how many there are. What is in its place already stays.
///
/// # Errors
/// When one is missing or damaged, all others having been copied; when there is no folder for them.
pub async fn carry(
    files: Vec<Listed>,
    (from, to): (Option<&Path>, Option<&Path>),
) -> Result<u64, StoreError> {
    if files.is_empty() {
        return Ok(0);
    }
    let (Some(from), Some(to)) = (from, to) else {
        let reason = "there are attachments, but hub.toml names no folder of them: write \
                      [attachments] with folder";
        return Err(StoreError::fault(reason));
    };
    let (from, to) = (from.to_owned(), to.to_owned());
    let carrying = tokio::task::spawn_blocking(move || all(&files, &from, &to));
    carrying.await.map_err(|error| StoreError::fault(error.to_string()))?
}

fn all(files: &[Listed], from: &Path, to: &Path) -> Result<u64, StoreError> {
    let mut faults = Vec::new();
    for Listed { digest, size } in files {
        if fault(to, digest, *size).is_none() {
            continue;
        }
        faults.extend(fault(from, digest, *size).or_else(|| {
            let (old, new) = place(from, digest).zip(place(to, digest))?;
            let copied = copy(&old, (&to.join(INCOMING), &new));
            let told = |error| format!("the attachment {digest} cannot be copied: {error}");
            copied.err().map(told).or_else(|| fault(to, digest, *size))
        }));
    }
    match faults.len() {
        0 => Ok(files.len() as u64),
        count => {
            faults.truncate(NAMED_MAX);
            let told = faults.join("\n");
            Err(StoreError::fault(format!("{told}\n{count} attachments could not be copied")))
        }
    }
}
