//! Files claimed and read, a group at a time: what that finds of each.

use std::{ffi::OsString, io};

use bytes::Bytes;

use super::{
    DropFolder,
    answer::Answer,
    archive::{NAME_BYTES_MAX, Said},
    claim::{Claim, Claimed},
    folder::{Folder, Known},
    kinds,
    settle::Candidate,
};
use contracts::Receipt;

/// What there is to a file that was found.
#[derive(Debug)]
pub(super) enum Fetched {
    /// It is a message.
    Read(Read),
    /// It is none, and all is said of it.
    Untaken(Said),
    /// It has changed or vanished, or one of its name is under way: the next look tells.
    Left,
    /// It could not be worked with.
    Trouble(io::Error),
}

/// A file that was read, and which message it is.
#[derive(Debug)]
pub(super) struct Read {
    claim: Claim,
    pub(super) payload: Bytes,
    known: Known,
    /// Whether that is still to be noted.
    to_note: bool,
}

impl Read {
    /// The message's id.
    pub(super) fn id(&self) -> &str {
        &self.known.id
    }

    /// All that is said of it, once it has its receipt.
    pub(super) fn said(self, receipt: &Receipt) -> Said {
        let note = self.to_note.then_some(self.known);
        Said { claim: self.claim, answer: Answer::of(receipt), note }
    }
}

impl DropFolder {
    /// Claims and reads files, in their order.
    pub(super) fn fetch(&self, folder: &Folder, files: Vec<Candidate>) -> Vec<(OsString, Fetched)> {
        let fetched = |file: Candidate| {
            let fetched = self.fetched(folder, &file).unwrap_or_else(Fetched::Trouble);
            (file.name, fetched)
        };
        files.into_iter().map(fetched).collect()
    }

    fn fetched(&self, folder: &Folder, file: &Candidate) -> io::Result<Fetched> {
        let untaken = |claim, kind, detail| {
            let answer = Answer::untaken(kind, detail);
            Ok(Fetched::Untaken(Said { claim, answer, note: None }))
        };
        let claim = match folder.claim(file, self.ready)? {
            Claimed::Ours(claim) => claim,
            Claimed::Faulty(claim, kind) => return untaken(claim, kind, None),
            Claimed::Left => return Ok(Fetched::Left),
        };
        if !self.fits(claim.stamp.bytes) {
            let bytes_max = self.limits.payload_bytes_max;
            let vi = format!("Tối đa {bytes_max} byte.");
            let en = format!("At most {bytes_max} bytes.");
            return untaken(claim, &kinds::TOO_LARGE, Some((vi, en)));
        }
        let Some(payload) = claim.read()? else { return Ok(Fetched::Left) };
        self.read(folder, claim, payload).map(Fetched::Read)
    }

    /// Whether a file of that size is read at all.
    pub(super) fn fits(&self, bytes: u64) -> bool {
        usize::try_from(bytes).is_ok_and(|bytes| bytes <= self.limits.payload_bytes_max)
    }

    /// Finds out which message a file is.
    fn read(&self, folder: &Folder, claim: Claim, payload: Bytes) -> io::Result<Read> {
        let content = self.identity.content(&payload);
        let before = folder.known(&claim.name, &payload, &content)?;
        // The same as the last of its name: it was sent again. Else it is new, also where it
        // returns to what an earlier one was: a status may go from 4 to 5 and back to 4.
        let again = before.as_ref().is_some_and(|before| before.content == content);
        // A first file of its name that keeps it where it is put needs no note.
        let to_note = !again && (before.is_some() || claim.name.len() > NAME_BYTES_MAX);
        let known = match before {
            Some(before) if again => before,
            before => {
                let previous = before.as_ref().map(|before| before.id.as_str());
                let id = self.identity.message(&claim.name, &content, previous);
                Known { content, id }
            }
        };
        Ok(Read { claim, payload, known, to_note })
    }
}
