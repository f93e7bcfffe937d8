//! The way of one file: claimed, read, handed to the inbox, put away.

use std::{io, sync::Arc};

use bytes::Bytes;
use contracts::Later;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use super::{
    DropFolder,
    answer::Answer,
    archive::NAME_BYTES_MAX,
    claim::{Claim, Claimed},
    folder::{Folder, Known},
    kinds,
    settle::Candidate,
};
use crate::inbound::{Arrival, Inbox};

/// What became of one file.
#[derive(Debug)]
pub(super) enum Taken {
    /// It was put away.
    Done,
    /// It has changed or vanished, or one of its name is under way: the next look tells.
    Left,
    /// The hub cannot take it now.
    Later(Later),
    /// It could not be worked with.
    Trouble(io::Error),
}

/// A file read, and what it is.
struct Read {
    claim: Claim,
    payload: Bytes,
    known: Known,
    /// Whether that is still to be noted.
    to_note: bool,
}

/// One file's way, and what it needs.
pub(super) struct Taking {
    pub(super) settings: Arc<DropFolder>,
    pub(super) folder: Arc<Folder>,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) candidate: Candidate,
}

impl Taking {
    /// Takes the file. `turn` is given back when the inbox has answered: from then on the next
    /// file may be handed over.
    pub(super) async fn run(
        self,
        turn: OwnedSemaphorePermit,
        put_off: impl FnOnce() + Send,
    ) -> Taken {
        let ended = self.handed_over().await;
        if matches!(ended, Err(Taken::Later(_) | Taken::Trouble(_))) {
            put_off();
        }
        drop(turn);
        let (claim, answer) = match ended {
            Ok(ended) => ended,
            Err(taken) => return taken,
        };
        let folder = self.folder;
        match blocking(move || folder.put_away(&claim, &answer)).await {
            Ok(()) => Taken::Done,
            Err(error) => Taken::Trouble(error),
        }
    }

    /// The claim on the file, and what is to be said of it.
    async fn handed_over(&self) -> Result<(Claim, Answer), Taken> {
        let (folder, candidate) = (self.folder.clone(), self.candidate.clone());
        let ready = self.settings.ready;
        let claim = match blocking(move || folder.claim(&candidate, ready)).await {
            Ok(Claimed::Ours(claim)) => claim,
            Ok(Claimed::Faulty(claim, kind)) => return Ok((claim, Answer::untaken(kind, None))),
            Ok(Claimed::Left) => return Err(Taken::Left),
            Err(error) => return Err(Taken::Trouble(error)),
        };
        let bytes_max = self.settings.limits.payload_bytes_max;
        if usize::try_from(claim.stamp.bytes).map_or(true, |bytes| bytes > bytes_max) {
            let vi = format!("Tối đa {bytes_max} byte.");
            let en = format!("At most {bytes_max} bytes.");
            return Ok((claim, Answer::untaken(&kinds::TOO_LARGE, Some((vi, en)))));
        }
        // Held until the inbox is done with the payload.
        let _share = self.settings.room.share(claim.stamp.bytes).await;
        let (folder, settings) = (self.folder.clone(), self.settings.clone());
        let read = match blocking(move || read(&folder, &settings, claim)).await {
            Ok(Some(read)) => read,
            Ok(None) => return Err(Taken::Left),
            Err(error) => return Err(Taken::Trouble(error)),
        };
        let key = Some(read.known.id.clone());
        let arrival = Arrival { payload: read.payload, key, ..Arrival::default() };
        let receipt = self.inbox.accept(&self.settings.channel, arrival).await;
        let receipt = receipt.map_err(Taken::Later)?;
        if read.to_note {
            let (folder, name, known) = (self.folder.clone(), read.claim.name.clone(), read.known);
            blocking(move || folder.note(&name, &known)).await.map_err(Taken::Trouble)?;
        }
        Ok((read.claim, Answer::of(&receipt)))
    }
}

/// Reads a claimed file and finds out which message it is; nothing if it is still changing.
fn read(folder: &Folder, settings: &DropFolder, claim: Claim) -> io::Result<Option<Read>> {
    let Some(payload) = claim.read()? else { return Ok(None) };
    let content = settings.identity.content(&payload);
    let before = folder.known(&claim.name, &payload, &content)?;
    // The same as the last of its name: it was sent again. Else it is new, also where it returns
    // to what an earlier one was: a status may go from 4 to 5 and back to 4.
    let again = before.as_ref().is_some_and(|before| before.content == content);
    // A first file of its name that keeps it where it is put needs no note.
    let to_note = !again && (before.is_some() || claim.name.len() > NAME_BYTES_MAX);
    let known = match before {
        Some(before) if again => before,
        before => {
            let previous = before.as_ref().map(|before| before.id.as_str());
            let id = settings.identity.message(&claim.name, &content, previous);
            Known { content, id }
        }
    };
    Ok(Some(Read { claim, payload, known, to_note }))
}

/// Work with files, where it holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    // It is not joined only when it panicked or the runtime ends.
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
