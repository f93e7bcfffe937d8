//! Files on a server of the agency's, over SFTP: an agency's folder is read like a drop folder; and
//! files put into one ([`SftpSend`]).
//!
//! A turn connects, looks, takes all that is whole, and leaves. What a folder's files become and
//! where they go is as in [`crate::file`]; what a file of a name was before, the store keeps in the
//! transaction that accepts it, and nothing of it lies on the agency's server.
//!
//! | Verdict | Where the file goes | What is written beside it |
//! |---|---|---|
//! | stored, or a duplicate of that | `done/` | its receipt |
//! | partial, or a duplicate of one | `done/` | its receipt, and the reasons |
//! | conflict, refused, or a duplicate of that | `refused/` | the reasons |
//! | later | it stays in `claimed/` | – |
//! | connection lost | it stays in `claimed/`; the next turn begins with it | – |

mod folder;
mod send;
mod session;
mod talk;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    collections::HashMap,
    ffi::OsString,
    os::unix::ffi::OsStrExt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use contracts::Receipt;
use futures_util::future::BoxFuture;
use russh::{ChannelStream, client::Msg};

use crate::{
    file::{
        Limits, Ready, Room,
        answer::Answer,
        kinds,
        settle::{Candidate, Looks, Window},
    },
    inbound::{Advance, Arrival, Mark},
    reach::Reach,
    reading::{Ended, Pace, Reader, Trouble, Turn},
};

pub use send::SftpSend;
pub use session::{Credential, HostKey, NoCredential, NoHostKey, Server};

use folder::{Claimed, Folder};
use session::Session;
use talk::{Fault, Talk};

/// Where a folder is, and how its files are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The server.
    pub server: Server,
    /// The folder, from the account's own or from the server's root.
    pub folder: String,
    /// How a sender shows that a file is whole.
    pub ready: Ready,
    /// For how long a file must have been unchanged: what lies between two turns.
    pub unchanged_for: Duration,
    /// Limits on its files.
    pub limits: Limits,
}

/// One channel whose files lie on a server.
pub struct SftpFolder {
    settings: Settings,
    credential: Credential,
    reach: Arc<Reach>,
    room: Arc<Room>,
    memory: Mutex<Memory>,
}

/// What is remembered from one turn to the next.
#[derive(Default)]
struct Memory {
    looks: Looks,
    /// How often files were put off that are in the way still.
    put_off: HashMap<OsString, u32>,
}

type Line = ChannelStream<Msg>;

/// What became of one file.
enum Taken {
    /// It was put away; what it became, where an inbox was asked.
    Done(Option<Receipt>),
    /// It has changed or vanished, or one of its name is under way: the next look tells.
    Left,
}

impl SftpFolder {
    /// Puts settings to work; the room is what files of all such channels may take at one time.
    pub fn new(
        settings: Settings,
        credential: Credential,
        reach: Arc<Reach>,
        room: Arc<Room>,
    ) -> Arc<Self> {
        Arc::new(Self { settings, credential, reach, room, memory: Mutex::default() })
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, mut turn: Turn) -> Result<Ended, Trouble> {
        let session = Session::open(&self.settings.server, &self.credential, &self.reach).await?;
        let read = self.files(&session, &mut turn).await;
        session.close().await;
        read
    }

    async fn files(&self, session: &Session, turn: &mut Turn) -> Result<Ended, Trouble> {
        let line = (session.files().await?, self.settings.server.answer_max);
        let talk = Talk::open(line, &session.host).await?;
        let mut folder = Folder::new(talk, &self.settings.folder, turn.token);
        let host = session.host.as_str();
        let taken = self.rounds(&mut folder, turn, host).await;
        let left = folder.leave().await.map_err(|fault| self.trouble(host, fault));
        let ended = taken?;
        left.map(|()| ended)
    }

    /// Looks and takes, until a look finds nothing that can be taken.
    async fn rounds(
        &self,
        folder: &mut Folder<Line>,
        turn: &mut Turn,
        host: &str,
    ) -> Result<Ended, Trouble> {
        let told = |fault| self.trouble(host, fault);
        let mut ended = Ended::default();
        folder.take_over().await.map_err(told)?;
        loop {
            let mut window = Window::new(self.settings.limits.files_max);
            folder.scan(self.settings.ready, &mut window).await.map_err(told)?;
            let files = window.into_files();
            let whole = {
                let mut memory = self.remembered();
                memory.put_off.retain(|name, _| files.iter().any(|file| file.name == *name));
                memory.looks.whole(files, Instant::now(), self.settings.unchanged_for)
            };
            let before = ended.taken;
            let failure = self.take_all(folder, turn, (whole, host), &mut ended).await;
            if let Some(trouble) = failure {
                return Err(trouble);
            }
            if ended.taken == before || turn.stop.is_cancelled() {
                return Ok(ended);
            }
        }
    }

    /// Takes files in their order. The first that is put off ends the turn, since those behind it
    /// may be about the same dossiers and must not overtake it; unless it was put off so often that
    /// it must be the file's own fault.
    async fn take_all(
        &self,
        folder: &mut Folder<Line>,
        turn: &mut Turn,
        (whole, host): (Vec<Candidate>, &str),
        ended: &mut Ended,
    ) -> Option<Trouble> {
        let mut failure = None;
        for candidate in whole {
            if turn.stop.is_cancelled() {
                break;
            }
            let trouble = match self.take(folder, turn, &candidate).await {
                Ok(Taken::Done(receipt)) => {
                    ended.taken += 1;
                    ended.last = receipt.or(ended.last.take());
                    continue;
                }
                Ok(Taken::Left) => continue,
                Err(Stopped::Line(trouble)) => return Some(trouble),
                Err(Stopped::Hub(trouble)) => trouble,
                Err(Stopped::File(fault)) => self.trouble(host, fault),
            };
            failure = Some(trouble);
            let mut memory = self.remembered();
            let put_off = memory.put_off.entry(candidate.name).or_default();
            *put_off += 1;
            if *put_off <= self.settings.limits.attempts_in_order {
                break;
            }
        }
        failure
    }

    async fn take(
        &self,
        folder: &mut Folder<Line>,
        turn: &mut Turn,
        candidate: &Candidate,
    ) -> Result<Taken, Stopped> {
        let claimed = folder.claim(candidate, self.settings.ready).await?;
        let Claimed::Ours(about) = claimed else { return Ok(Taken::Left) };
        let name = candidate.name.as_bytes();
        let bytes_max = self.settings.limits.payload_bytes_max;
        let untaken = if !about.is_file() {
            Some(Answer::untaken(&kinds::NOT_A_FILE, None))
        } else if usize::try_from(about.bytes).map_or(true, |bytes| bytes > bytes_max) {
            let vi = format!("Tối đa {bytes_max} byte.");
            let en = format!("At most {bytes_max} bytes.");
            Some(Answer::untaken(&kinds::TOO_LARGE, Some((vi, en))))
        } else {
            None
        };
        if let Some(answer) = untaken {
            folder.put_away(name, &about, &answer).await?;
            return Ok(Taken::Done(None));
        }
        // Held until the inbox is done with the payload.
        let share = self.room.share(about.bytes).await;
        let payload = match folder.read(name, &about).await {
            Ok(Some(payload)) => payload,
            Ok(None) | Err(Fault::NotThere) => return Ok(Taken::Left),
            Err(Fault::NoRight) => {
                let answer = Answer::untaken(&kinds::UNREADABLE_FILE, None);
                folder.put_away(name, &about, &answer).await?;
                return Ok(Taken::Done(None));
            }
            Err(fault) => return Err(fault.into()),
        };
        let receipt = turn.file(name, payload).await.map_err(Stopped::Hub)?;
        drop(share);
        match folder.put_away(name, &about, &Answer::of(&receipt)).await? {
            true => Ok(Taken::Done(Some(receipt))),
            false => Ok(Taken::Left),
        }
    }

    /// What is wrong, for people.
    fn trouble(&self, host: &str, fault: Fault) -> Trouble {
        let folder = &self.settings.folder;
        let (pace, vi, en) = match fault {
            Fault::Lost(trouble) => return trouble,
            Fault::NotThere => {
                (Pace::Mended, "không có thư mục".to_owned(), "there is no such folder".to_owned())
            }
            Fault::NoRight => {
                (Pace::Mended, "không có quyền".to_owned(), "no right to do it".to_owned())
            }
            Fault::Told(words) => (Pace::Soon, words.clone(), words),
        };
        Trouble::new(
            "folder-faulty",
            pace,
            format!(
                "Không làm việc được với thư mục `{folder}` ở {host} ({vi}). Tài khoản cần quyền \
                 đọc, ghi, đổi tên và tạo thư mục con ở đó; hệ thống tự thử lại."
            ),
            format!(
                "The folder `{folder}` at {host} cannot be worked with ({en}). The account needs \
                 the right to read, write, rename and make folders there; the hub tries again by \
                 itself."
            ),
        )
    }
}

/// Why a file was not taken.
enum Stopped {
    /// Nothing more can be asked of the server.
    Line(Trouble),
    /// The hub cannot take it now.
    Hub(Trouble),
    /// The file could not be worked with.
    File(Fault),
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Lost(trouble) => Self::Line(trouble),
            fault => Self::File(fault),
        }
    }
}

impl Turn {
    /// Hands a file over: the same message as the last of its name where its content is the same,
    /// else a new one, also where it returns to what an earlier one was.
    async fn file(&mut self, name: &[u8], payload: Bytes) -> Result<Receipt, Trouble> {
        let mark = |what: &str, told: &[u8]| {
            self.memory.mark(&[format!("sftp/v1 {what} ").as_bytes(), told].concat())
        };
        let (of_content, of_chain) = (mark("content", name), mark("before", name));
        let known = self.memory.polled(&self.channel, vec![of_content, of_chain]).await;
        let known = known.map_err(|later| Trouble::hub(&later))?;
        let last = |key: Mark| known.iter().find(|(one, _)| *one == key).map(|(_, last)| *last);
        let content = mark("payload", &payload);
        // What was there before a file of this name: its content and what was before it.
        let chain = match (last(of_content), last(of_chain)) {
            (Some(last), Some(chain)) if last == content => chain,
            (Some(last), chain) => mark("chain", &[last, chain.unwrap_or_default()].concat()),
            (None, _) => Mark::default(),
        };
        let mut described = format!("sftp/v1 {} {} ", self.channel, name.len()).into_bytes();
        described.extend_from_slice(&[name, &content[..], &chain[..]].concat());
        let id = self.memory.message(&described);
        let polled = vec![(of_content, content), (of_chain, chain)];
        let advance = Advance { token: self.token, cursor: id.clone(), polled };
        let (key, cursor) = (Some(id.clone()), Some(advance));
        let arrival = Arrival { payload, key, cursor, ..Arrival::default() };
        let receipt = self.inbox.accept(&self.channel, arrival).await;
        let receipt = receipt.map_err(|later| Trouble::hub(&later))?;
        self.cursor = Some(id);
        Ok(receipt)
    }
}

impl Reader for SftpFolder {
    fn turn(self: Arc<Self>, turn: Turn) -> BoxFuture<'static, Result<Ended, Trouble>> {
        Box::pin(async move { self.read(turn).await })
    }
}
