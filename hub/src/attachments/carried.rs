//! Attachments beside a backup, and back.

use std::path::Path;

use super::file::{Found, INCOMING, copy, found, place};
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

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// How many files there are.
    pub files: u64,
    /// How many of them are sealed by keys that are not here: of these the length was compared.
    pub unread: u64,
}

/// Copies files from one folder of attachments to another as they lie, sealed or not, each read
/// whole and compared with its digest where it can be. What is in its place already stays.
///
/// # Errors
/// When one is missing or damaged, all others having been copied; when there is no folder for them.
pub async fn carry(
    files: Vec<Listed>,
    (from, to): (Option<&Path>, Option<&Path>),
) -> Result<Carried, StoreError> {
    if files.is_empty() {
        return Ok(Carried::default());
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

/// Copies one, but for what is there and can be read; gives how it is there.
fn one(Listed { digest, size }: &Listed, from: &Path, to: &Path) -> Found {
    if found(to, digest, *size) == Found::Whole {
        return Found::Whole;
    }
    let Some((old, new)) = place(from, digest).zip(place(to, digest)) else {
        return Found::Faulty(format!("the attachment {digest} has no digest for its name"));
    };
    match found(from, digest, *size) {
        Found::Faulty(fault) => Found::Faulty(fault),
        Found::Whole | Found::Unread(_) => match copy(&old, (&to.join(INCOMING), &new)) {
            Ok(()) => found(to, digest, *size),
            Err(error) => {
                Found::Faulty(format!("the attachment {digest} cannot be copied: {error}"))
            }
        },
    }
}

fn all(files: &[Listed], from: &Path, to: &Path) -> Result<Carried, StoreError> {
    let (mut carried, mut faults) = (Carried::default(), Vec::new());
    for listed in files {
        match one(listed, from, to) {
            Found::Faulty(fault) => faults.push(fault),
            Found::Unread(_) => carried.unread += 1,
            Found::Whole => {}
        }
        carried.files += 1;
    }
    match faults.len() {
        0 => Ok(carried),
        count => {
            faults.truncate(NAMED_MAX);
            let told = faults.join("\n");
            Err(StoreError::fault(format!("{told}\n{count} attachments could not be copied")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::journal::merkle::Digest;

    #[tokio::test]
    async fn all_that_can_be_copied_is_and_what_cannot_is_named() {
        let name = format!("lienthong-{}-carried", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let (from, to) = (folder.join("from"), folder.join("to"));
        let listed = |text: &str| Listed {
            digest: format!("sha256:{}", Digest::of(text.as_bytes())),
            size: text.len() as u64,
        };
        let whole = ["đơn", "ảnh", "giấy phép"];
        for text in whole {
            let place = place(&from, &listed(text).digest).unwrap();
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        let all: Vec<Listed> = whole.map(listed).into();
        let ways = (Some(&*from), Some(&*to));
        assert_eq!(carry(all.clone(), ways).await.unwrap(), Carried { files: 3, unread: 0 });
        let there = |text: &str| found(&to, &listed(text).digest, text.len() as u64);
        let is_there = |text: &str| there(text) == Found::Whole;
        assert!(whole.iter().all(|text| is_there(text)));
        // Damaged at its place, it is copied anew; what is damaged where it comes from is named,
        // and so is what is missing there, the others being copied all the same.
        fs::write(place(&to, &all[0].digest).unwrap(), "khác").unwrap();
        fs::remove_file(place(&to, &all[1].digest).unwrap()).unwrap();
        fs::write(place(&from, &all[1].digest).unwrap(), "khác").unwrap();
        let more = [vec![listed("mất")], all.clone()].concat();
        let told = carry(more, ways).await.unwrap_err().reason;
        assert!(told.contains(&format!("the attachment {} is missing", listed("mất").digest)));
        assert!(told.contains(&format!("the attachment {} is damaged", all[1].digest)), "{told}");
        assert!(told.ends_with("2 attachments could not be copied"), "{told}");
        assert!(is_there("đơn") && !is_there("ảnh"));
        let nowhere = carry(all, (Some(&from), None)).await.unwrap_err().reason;
        assert!(nowhere.contains("[attachments]"), "{nowhere}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
