//! An agency's folder on its server: what lies in it, and how a file is claimed and put away.
//!
//! A claim lies in `claimed/TURN/`, under the number of the turn that took it. A later turn moves
//! it into its own folder first: whoever was held up in the middle, and wakes, finds nothing there
//! to move any more. So two turns never put one file away, nor one that only one of them has read.

use std::{
    collections::HashMap,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    talk::{Fault, Talk},
    wire::{About, Entry},
};
use crate::file::{
    MARKERS, Ready,
    answer::{Answer, Verdict, message_of},
    archive::{PLACES_MAX, place_of},
    folder::{CLAIMED, DONE, DRAFT, KNOWN, REFUSED, TEXT_BYTES_MAX},
    settle::{Candidate, Stamp, Whereabouts, Window, left_alone},
};

/// Things in one folder, at most: more are a fault of whoever shows them.
const ENTRIES_MAX: u64 = 1_000_000;

/// Markers of one folder that are remembered during a look.
const MARKERS_MAX: usize = 65_536;

/// Folders of earlier turns, with what they claimed, taken over at a time.
const TURNS_MAX: usize = 256;
const CLAIMS_MAX: usize = 4_096;

/// What came of an attempt to claim a file.
pub(super) enum Claimed {
    /// It lies with this turn's claims; what there is to say of it.
    Ours(About),
    /// It has changed or vanished, or one of its name is under way.
    Left,
}

/// A folder, and the turn that works in it.
pub(super) struct Folder<S> {
    pub(super) talk: Talk<S>,
    path: Vec<u8>,
    turn: String,
    /// Whether this turn's folder for claims is there.
    claims: bool,
    /// Whether there is a place for what is put away.
    places: bool,
    drafts: u64,
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&b'/')
}

fn beside(name: &[u8], ending: &str) -> Vec<u8> {
    [name, ending.as_bytes()].concat()
}

/// What tells whether somebody has touched a file: a server tells seconds alone, and no number.
fn stamp(about: &About) -> Stamp {
    let written = (about.written, 0);
    Stamp { file: 0, bytes: about.bytes, written, touched: written }
}

fn candidate(place: Whereabouts, entry: &Entry, whole: bool) -> Candidate {
    let name = OsString::from_vec(entry.name.to_vec());
    let (stamp, plain) = (stamp(&entry.about), entry.about.is_file());
    Candidate { place, name, stamp, plain, whole }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Folder<S> {
    pub(super) fn new(talk: Talk<S>, path: &str, turn: u64) -> Self {
        let (path, turn) = (path.as_bytes().to_vec(), turn.to_string());
        Self { talk, path, turn, claims: false, places: false, drafts: 0 }
    }

    fn at(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut all = vec![&self.path[..]];
        all.extend_from_slice(parts);
        join(&all)
    }

    fn claim_at(&self, name: &[u8]) -> Vec<u8> {
        self.at(&[CLAIMED.as_bytes(), self.turn.as_bytes(), name])
    }

    /// Makes this turn's folder for claims.
    async fn make_claims(&mut self) -> Result<(), Fault> {
        if !self.claims {
            let (all, own) = (self.at(&[CLAIMED.as_bytes()]), self.claim_at(b""));
            self.talk.make_folder(&all).await?;
            self.talk.make_folder(&own[..own.len() - 1]).await?;
            self.claims = true;
        }
        Ok(())
    }

    /// Takes over what earlier turns have claimed and not put away, the oldest turn's first.
    pub(super) async fn take_over(&mut self) -> Result<(), Fault> {
        let mut turns: Vec<(u64, Vec<u8>)> = Vec::new();
        let all = self.at(&[CLAIMED.as_bytes()]);
        let listed = self.talk.list(&all, |entry| {
            let number = str::from_utf8(&entry.name).ok().and_then(|name| name.parse().ok());
            if let Some(number) = number.filter(|_| entry.about.is_folder()) {
                turns.push((number, entry.name.to_vec()));
            }
            turns.len() < TURNS_MAX
        });
        match listed.await {
            Err(Fault::NotThere) => return Ok(()),
            listed => listed?,
        }
        // This turn's own, where it was begun before.
        self.claims = turns.iter().any(|(_, name)| name == self.turn.as_bytes());
        turns.retain(|(_, name)| name != self.turn.as_bytes());
        turns.sort_unstable();
        for (_, turn) in turns {
            let from = self.at(&[CLAIMED.as_bytes(), &turn]);
            let mut names = Vec::new();
            let listed = self.talk.list(&from, |entry| {
                names.push(entry.name.to_vec());
                names.len() < CLAIMS_MAX
            });
            match listed.await {
                Err(Fault::NotThere) => continue,
                listed => listed?,
            }
            for name in names {
                let old = join(&[&from, &name]);
                if name.starts_with(DRAFT.as_bytes()) {
                    // Of no use to anybody.
                    ignored(self.talk.remove(&old).await)?;
                } else {
                    self.make_claims().await?;
                    let new = self.claim_at(&name);
                    self.talk.rename(&old, &new).await?;
                }
            }
            // Not while something is in it: then the next turn comes to it.
            ignored(self.talk.remove_folder(&from).await)?;
        }
        Ok(())
    }

    /// Offers all that may be taken to a window.
    pub(super) async fn scan(&mut self, ready: Ready, window: &mut Window) -> Result<(), Fault> {
        if self.claims {
            let own = self.claim_at(b"");
            let offer = |entry: Entry| {
                if !left_alone(&entry.name, ready) {
                    let whole = ready != Ready::Stable;
                    window.offer(candidate(Whereabouts::Claimed, &entry, whole));
                }
                true
            };
            self.talk.list(&own[..own.len() - 1], offer).await?;
        }
        let marked = if ready == Ready::Marker { self.markers().await? } else { HashMap::new() };
        let path = self.path.clone();
        let mut entries = 0;
        let offer = |entry: Entry| {
            entries += 1;
            let own = [CLAIMED, DONE, REFUSED, KNOWN].map(str::as_bytes).contains(&&entry.name[..]);
            if own || left_alone(&entry.name, ready) {
                return entries < ENTRIES_MAX;
            }
            if entry.about.is_folder() {
                window.strange += 1;
                return entries < ENTRIES_MAX;
            }
            // A marker that is older than its file was for a file before it.
            let told = marked.get(&entry.name[..]).is_some_and(|at| *at >= entry.about.written);
            if told || ready != Ready::Marker {
                let whole = told || ready == Ready::Rename;
                window.offer(candidate(Whereabouts::Dropped, &entry, whole));
            }
            entries < ENTRIES_MAX
        };
        self.talk.list(&path, offer).await
    }

    /// The names that a marker stands beside, and when it was written.
    async fn markers(&mut self) -> Result<HashMap<Vec<u8>, i64>, Fault> {
        let mut marked = HashMap::new();
        let note = |entry: Entry| {
            for ending in MARKERS {
                let name = entry.name.strip_suffix(ending.as_bytes());
                if let Some(name) = name.filter(|_| entry.about.is_file()) {
                    let at = marked.entry(name.to_vec()).or_insert(entry.about.written);
                    *at = entry.about.written.max(*at);
                }
            }
            marked.len() < MARKERS_MAX
        };
        let path = self.path.clone();
        self.talk.list(&path, note).await?;
        Ok(marked)
    }

    /// Claims a file that was found.
    pub(super) async fn claim(
        &mut self,
        candidate: &Candidate,
        ready: Ready,
    ) -> Result<Claimed, Fault> {
        let name = candidate.name.as_bytes();
        if candidate.place == Whereabouts::Dropped {
            self.make_claims().await?;
            let (from, to) = (self.at(&[name]), self.claim_at(name));
            if self.talk.rename(&from, &to).await? != Some(true) {
                return Ok(Claimed::Left);
            }
            if ready == Ready::Marker {
                for ending in MARKERS {
                    let marker = beside(name, ending);
                    let (from, to) = (self.at(&[&marker]), self.claim_at(&marker));
                    // One of them is there. Left behind, it is too old for the next file.
                    ignored(self.talk.rename(&from, &to).await)?;
                }
            }
        }
        // What was renamed may be what took the place of what was found: then it is looked at anew.
        let about = self.talk.look(&self.claim_at(name)).await?;
        let same = about.filter(|about| stamp(about).same_content(&candidate.stamp));
        Ok(same.map_or(Claimed::Left, Claimed::Ours))
    }

    /// The content of a claimed file; nothing if it is still changing.
    pub(super) async fn read(
        &mut self,
        name: &[u8],
        about: &About,
    ) -> Result<Option<bytes::Bytes>, Fault> {
        let path = self.claim_at(name);
        self.talk.read(&path, about).await
    }

    /// Moves a claimed file to its place, its texts first: where a file lies, its texts lie. False
    /// where it is this turn's no longer.
    pub(super) async fn put_away(
        &mut self,
        name: &[u8],
        about: &About,
        answer: &Answer,
    ) -> Result<bool, Fault> {
        if !self.places {
            for place in [DONE, REFUSED] {
                let place = self.at(&[place.as_bytes()]);
                self.talk.make_folder(&place).await?;
            }
            self.places = true;
        }
        let into = match answer.verdict {
            Verdict::Done => DONE.as_bytes(),
            Verdict::Refused => REFUSED.as_bytes(),
        };
        let place = self.free_place(into, name, about, answer).await?;
        for (ending, text) in &answer.texts {
            let to = self.at(&[into, &beside(&place, ending)]);
            // One that is there is ours, from before a crash. It told the first outcome.
            if self.talk.look(&to).await?.is_none() {
                self.drafts += 1;
                let draft = self.claim_at(format!("{DRAFT}{}", self.drafts).as_bytes());
                self.talk.write(&draft, text).await?;
                self.talk.rename(&draft, &to).await?;
            }
        }
        for ending in MARKERS {
            let marker = beside(name, ending);
            let to = self.at(&[into, &beside(&place, ending)]);
            self.talk.rename(&self.claim_at(&marker), &to).await?;
        }
        let to = self.at(&[into, &place]);
        Ok(self.talk.rename(&self.claim_at(name), &to).await? == Some(true))
    }

    /// The first name under which neither a file lies nor a text about another message.
    async fn free_place(
        &mut self,
        into: &[u8],
        name: &[u8],
        about: &About,
        answer: &Answer,
    ) -> Result<Vec<u8>, Fault> {
        let name = OsString::from_vec(name.to_vec());
        for number in 0..PLACES_MAX {
            let place = place_of(&name, about.written, number).into_vec();
            let path = self.at(&[into, &place]);
            if self.talk.look(&path).await?.is_none() && self.is_free(&path, answer).await? {
                return Ok(place);
            }
        }
        Err(Fault::Told("too many files of one name are there: take some away".to_owned()))
    }

    /// Whether what lies beside a place leaves it free for a file with that answer.
    async fn is_free(&mut self, path: &[u8], answer: &Answer) -> Result<bool, Fault> {
        for (ending, _) in &answer.texts {
            let beside = beside(path, ending);
            let Some(about) = self.talk.look(&beside).await? else { continue };
            if !about.is_file() || about.bytes > TEXT_BYTES_MAX {
                return Ok(false);
            }
            let text = self.talk.read(&beside, &about).await?;
            let about = text.and_then(|text| message_of(&text));
            if about.is_none() || about != answer.id {
                return Ok(false);
            }
        }
        for ending in MARKERS {
            if self.talk.look(&beside(path, ending)).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Leaves nothing of this turn's behind but what it could not put away.
    pub(super) async fn leave(&mut self) -> Result<(), Fault> {
        if self.claims {
            let own = self.claim_at(b"");
            ignored(self.talk.remove_folder(&own[..own.len() - 1]).await)?;
            self.claims = false;
        }
        Ok(())
    }
}

/// What may fail without harm; a line that is lost is none of it.
fn ignored<T>(done: Result<T, Fault>) -> Result<(), Fault> {
    match done {
        Err(Fault::Lost(trouble)) => Err(Fault::Lost(trouble)),
        _ => Ok(()),
    }
}
