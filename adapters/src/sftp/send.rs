//! To an agency as files in a folder on its server: each is written under a name that is left
//! alone, made durable where the server can, and whole from the moment that it has its own.
//!
//! | What happens | What it is |
//! |---|---|
//! | another host key, account refused, address not allowed | denied: nothing is sent |
//! | no folder, no right in it | denied: somebody must set it right first |
//! | the server away; the disk full; the line lost while writing | it cannot be there |
//! | the line lost while the file gets its name | nobody knows |
//! | another file has the name, on a server that does not replace | refused |

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use russh::{ChannelStream, client::Msg};

use super::{
    session::{Credential, Server, Session},
    talk::{Fault, Talk},
};
use crate::{
    outbound::{Answer, Class, Failure, Message, Outbound, Secret, file::plain},
    reach::Reach,
};

/// A connection, and the line on it.
struct Line {
    /// Ends with it.
    _session: Session,
    talk: Talk<ChannelStream<Msg>>,
}

/// What a file is put on a server for.
enum Step {
    Writing,
    Naming,
}

/// Why a file was not put there.
enum Stopped {
    /// The server, or the line to it.
    Fault(Step, Fault),
    /// Another file has its name.
    Taken,
}

impl Stopped {
    /// Whether the line is of no use any more.
    fn is_lost(&self) -> bool {
        matches!(self, Self::Fault(_, Fault::Lost(_)))
    }
}

/// The way to a folder on a server. Connections are kept from one message to the next, as many as
/// messages are under way together; one that is lost is made anew.
pub struct SftpSend {
    server: Server,
    folder: String,
    secret: Secret,
    reach: Reach,
    kept: Mutex<Vec<Line>>,
}

impl SftpSend {
    /// Puts settings to work; connects to nothing. The secret is the account's password or private
    /// key; the folder is told from the account's own, or from the server's root.
    pub fn new(server: Server, folder: String, secret: Secret, reach: Reach) -> Self {
        Self { server, folder, secret, reach, kept: Mutex::default() }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Line>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn line(&self) -> Result<Line, Failure> {
        let credential: Credential = self.secret.read()?.parse().map_err(|_| {
            Failure::new(Class::Denied, "the secret begins like a private key and is none")
        })?;
        let session = Session::open(&self.server, &credential, &self.reach).await?;
        let line = (session.files().await?, self.server.answer_max);
        let talk = Talk::open(line, &session.host).await?;
        Ok(Line { _session: session, talk })
    }

    async fn put(&self, message: &Message) -> Result<Answer, Failure> {
        let name = plain(&message.name);
        let kept = self.kept().pop();
        if let Some(mut line) = kept {
            match put(&mut line.talk, (&self.folder, &name), &message.payload).await {
                // It was lost while nothing went by it, and the others most likely with it: the
                // same file again, on a new one, is the same file.
                Err(stopped) if stopped.is_lost() => self.kept().clear(),
                done => return self.ended(line, done),
            }
        }
        let mut line = self.line().await?;
        let done = put(&mut line.talk, (&self.folder, &name), &message.payload).await;
        self.ended(line, done)
    }

    fn ended(&self, line: Line, done: Result<(), Stopped>) -> Result<Answer, Failure> {
        if !done.as_ref().is_err_and(Stopped::is_lost) {
            self.kept().push(line);
        }
        done.map(|()| Answer::default()).map_err(|stopped| self.failure(stopped))
    }

    fn failure(&self, stopped: Stopped) -> Failure {
        let (host, folder) = (&self.server.host, &self.folder);
        let at = |class, why: &str| Failure::new(class, format!("`{folder}` at {host}: {why}"));
        match stopped {
            Stopped::Taken => {
                at(Class::Refused, "another file has its name, and the server does not replace it")
            }
            Stopped::Fault(_, Fault::NotThere) => at(Class::Denied, "there is no such folder"),
            Stopped::Fault(_, Fault::NoRight) => {
                at(Class::Denied, "the account has no right to write and rename there")
            }
            Stopped::Fault(_, Fault::Told(words)) => {
                at(Class::Unavailable, &format!("{words}: is its disk full?"))
            }
            Stopped::Fault(Step::Writing, Fault::Lost(trouble)) => {
                Failure::new(Class::Unavailable, trouble.told.en)
            }
            Stopped::Fault(Step::Naming, Fault::Lost(trouble)) => {
                Failure::new(Class::Unknown, trouble.told.en)
            }
        }
    }
}

/// Writes a file beside its place and gives it its name. The same again is the same file.
async fn put<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    talk: &mut Talk<S>,
    (folder, name): (&str, &str),
    payload: &[u8],
) -> Result<(), Stopped> {
    let writing = |fault| Stopped::Fault(Step::Writing, fault);
    let naming = |fault| Stopped::Fault(Step::Naming, fault);
    let (part, whole) = (format!("{folder}/.{name}.part"), format!("{folder}/{name}"));
    if let Err(fault) = talk.write(part.as_bytes(), payload).await {
        if matches!(fault, Fault::Told(_)) {
            // Half a file takes room that its disk may lack; where that fails, the next one tries.
            let removed = talk.remove(part.as_bytes()).await;
            removed.or_else(lost).map_err(writing)?;
        }
        return Err(writing(fault));
    }
    let named = talk.replace(part.as_bytes(), whole.as_bytes()).await.map_err(naming)?;
    if named == Some(true) {
        return Ok(());
    }
    // Either it was there before, by an attempt whose answer was lost; or an attempt that was given
    // up has just given it its name.
    let is_there = is(talk, whole.as_bytes(), payload).await.map_err(naming)?;
    if named == Some(false) {
        talk.remove(part.as_bytes()).await.or_else(lost).map_err(naming)?;
    }
    match (is_there, named) {
        (true, _) => Ok(()),
        (false, Some(_)) => Err(Stopped::Taken),
        (false, None) => Err(naming(Fault::Told("it vanished before it had its name".to_owned()))),
    }
}

/// Whether a file has a content.
async fn is<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    talk: &mut Talk<S>,
    path: &[u8],
    payload: &[u8],
) -> Result<bool, Fault> {
    match talk.look(path).await? {
        Some(about) if about.is_file() && about.bytes == payload.len() as u64 => {
            Ok(talk.read(path, &about).await?.is_some_and(|content| content == payload))
        }
        _ => Ok(false),
    }
}

/// A fault that matters though what failed does not: the line's own.
fn lost(fault: Fault) -> Result<(), Fault> {
    if matches!(fault, Fault::Lost(_)) { Err(fault) } else { Ok(()) }
}

impl Outbound for SftpSend {
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move { self.put(&message).await })
    }
}
