//! Asking a server for files: one question at a time, but contents, which are asked for ahead.

use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::wire::{
    self, AT_THE_END, About, Entry, Kind, NO_RIGHT, NOT_THERE, OK, Packet, Reply, TO_READ,
    TO_WRITE_ANEW,
};
use crate::reading::Trouble;

/// Bytes asked for or written at a time: every server takes so many.
const STEP_BYTES: u32 = 32 * 1024;

/// Parts of a file asked for ahead.
const AHEAD: usize = 16;

/// The extension by which a file is made durable.
const DURABLE: &[u8] = b"fsync@openssh.com";

/// The extension by which a name is given to another file in one step.
const REPLACE: &[u8] = b"posix-rename@openssh.com";

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is nothing of that name.
    NotThere,
    /// The account may not.
    NoRight,
    /// The server does not do it; its words.
    Told(String),
    /// The line is lost, or what comes is no SFTP.
    Lost(Trouble),
}

/// A line on which files are asked for.
pub(super) struct Talk<S> {
    line: S,
    answer_max: Duration,
    host: String,
    last: u32,
    can_make_durable: bool,
    can_replace: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// Greets the server.
    pub(super) async fn open(
        (line, answer_max): (S, Duration),
        host: &str,
    ) -> Result<Self, Trouble> {
        let host = host.to_owned();
        let (can_make_durable, can_replace) = (false, false);
        let mut talk = Self { line, answer_max, host, last: 0, can_make_durable, can_replace };
        talk.send(Packet::new(Kind::Init, wire::VERSION)).await?;
        match talk.next().await? {
            (_, Reply::Version(_, extensions)) => {
                talk.can_make_durable = extensions.iter().any(|name| *name == DURABLE);
                talk.can_replace = extensions.iter().any(|name| *name == REPLACE);
                Ok(talk)
            }
            _ => Err(talk.lost("no SFTP")),
        }
    }

    fn lost(&self, why: &str) -> Trouble {
        Trouble::broke_off(&self.host, why)
    }

    async fn send(&mut self, packet: Packet) -> Result<(), Trouble> {
        let packet = packet.into_bytes();
        let sending = async {
            self.line.write_all(&packet).await?;
            self.line.flush().await
        };
        match timeout(self.answer_max, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&error.to_string())),
            Err(_) => Err(self.lost("timeout")),
        }
    }

    /// The next answer, whatever it answers.
    async fn next(&mut self) -> Result<(u32, Reply), Trouble> {
        let line = &mut self.line;
        let reading = async {
            let bytes = line.read_u32().await?;
            if bytes > wire::PACKET_BYTES_MAX {
                return Ok(None);
            }
            let mut packet = BytesMut::zeroed(bytes as usize);
            line.read_exact(&mut packet).await?;
            Ok::<_, std::io::Error>(wire::read(packet.freeze()))
        };
        match timeout(self.answer_max, reading).await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None)) => Err(self.lost("an answer that is no SFTP")),
            Ok(Err(error)) => Err(self.lost(&error.to_string())),
            Err(_) => Err(self.lost("timeout")),
        }
    }

    /// A request's beginning.
    fn request(&mut self, kind: Kind) -> Packet {
        self.last = self.last.wrapping_add(1);
        Packet::new(kind, self.last)
    }

    /// Asks, and gives the answer; a status other than "done" is a fault.
    async fn ask(&mut self, packet: Packet) -> Result<Reply, Fault> {
        self.send(packet).await.map_err(Fault::Lost)?;
        match self.next().await.map_err(Fault::Lost)? {
            (id, _) if id != self.last => Err(self.strange()),
            (_, Reply::Status(OK, _)) => Ok(Reply::Status(OK, String::new())),
            (_, Reply::Status(NOT_THERE, _)) => Err(Fault::NotThere),
            (_, Reply::Status(NO_RIGHT, _)) => Err(Fault::NoRight),
            (_, Reply::Status(AT_THE_END, words)) => Ok(Reply::Status(AT_THE_END, words)),
            (_, Reply::Status(code, words)) => Err(Fault::Told(format!("{words} ({code})"))),
            (_, reply) => Ok(reply),
        }
    }

    fn strange(&self) -> Fault {
        Fault::Lost(self.lost("an answer to nothing that was asked"))
    }

    /// Asks for something to be done.
    async fn done(&mut self, packet: Packet) -> Result<(), Fault> {
        match self.ask(packet).await? {
            Reply::Status(OK, _) => Ok(()),
            _ => Err(self.strange()),
        }
    }

    async fn handle(&mut self, packet: Packet) -> Result<Bytes, Fault> {
        match self.ask(packet).await? {
            Reply::Handle(handle) => Ok(handle),
            _ => Err(self.strange()),
        }
    }

    async fn about(&mut self, packet: Packet) -> Result<About, Fault> {
        match self.ask(packet).await? {
            Reply::About(about) => Ok(about),
            _ => Err(self.strange()),
        }
    }

    async fn close(&mut self, handle: &Bytes) -> Result<(), Fault> {
        let packet = self.request(Kind::Close).text(handle);
        self.done(packet).await
    }

    /// Shows all that lies in a folder, part by part, until told that it is enough.
    pub(super) async fn list(
        &mut self,
        path: &[u8],
        mut each: impl FnMut(Entry) -> bool,
    ) -> Result<(), Fault> {
        let packet = self.request(Kind::OpenFolder).text(path);
        let handle = self.handle(packet).await?;
        let mut goes_on = true;
        while goes_on {
            let packet = self.request(Kind::ReadFolder).text(&handle);
            match self.ask(packet).await? {
                Reply::Entries(entries) if !entries.is_empty() => {
                    // A name that is a way would lead elsewhere.
                    let plain = |one: &Entry| {
                        !matches!(&one.name[..], b"" | b"." | b"..")
                            && !one.name.iter().any(|byte| matches!(byte, b'/' | 0))
                    };
                    goes_on = entries.into_iter().filter(plain).all(&mut each);
                }
                Reply::Entries(_) | Reply::Status(AT_THE_END, _) => break,
                _ => return Err(self.strange()),
            }
        }
        self.close(&handle).await
    }

    /// What there is under a name, not following it; nothing where there is nothing.
    pub(super) async fn look(&mut self, path: &[u8]) -> Result<Option<About>, Fault> {
        let packet = self.request(Kind::Look).text(path);
        match self.about(packet).await {
            Ok(about) => Ok(Some(about)),
            Err(Fault::NotThere) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Renames, and never over something. Nothing where the old name is gone, false where the new
    /// one is taken.
    pub(super) async fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<Option<bool>, Fault> {
        let packet = self.request(Kind::Rename).text(from).text(to);
        match self.done(packet).await {
            Ok(()) => Ok(Some(true)),
            Err(Fault::NotThere) => match self.look(from).await? {
                None => Ok(None),
                // It is the new one's folder that is not there.
                Some(_) => Err(Fault::NotThere),
            },
            // That is all that version 3 has for a name that is taken.
            Err(Fault::Told(words)) => match self.look(to).await? {
                Some(_) => Ok(Some(false)),
                None => Err(Fault::Told(words)),
            },
            Err(fault) => Err(fault),
        }
    }

    /// Renames in one step, over what has the name if the server can. Nothing where the old name is
    /// gone, false where the new one is taken and stays so.
    pub(super) async fn replace(&mut self, from: &[u8], to: &[u8]) -> Result<Option<bool>, Fault> {
        if !self.can_replace {
            return self.rename(from, to).await;
        }
        let packet = self.request(Kind::Extended).text(REPLACE).text(from).text(to);
        match self.done(packet).await {
            Ok(()) => Ok(Some(true)),
            Err(Fault::NotThere) if self.look(from).await?.is_none() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Makes a folder, where there is none.
    pub(super) async fn make_folder(&mut self, path: &[u8]) -> Result<(), Fault> {
        let packet = self.request(Kind::MakeFolder).text(path).number(0);
        match self.done(packet).await {
            Err(Fault::Told(words)) => match self.look(path).await? {
                Some(about) if about.is_folder() => Ok(()),
                _ => Err(Fault::Told(words)),
            },
            done => done,
        }
    }

    /// Removes an empty folder.
    pub(super) async fn remove_folder(&mut self, path: &[u8]) -> Result<(), Fault> {
        let packet = self.request(Kind::RemoveFolder).text(path);
        self.done(packet).await
    }

    /// Removes a file.
    pub(super) async fn remove(&mut self, path: &[u8]) -> Result<(), Fault> {
        let packet = self.request(Kind::Remove).text(path);
        self.done(packet).await
    }

    /// A file's content, of so many bytes as were told of it; nothing if it is another by now, or
    /// changes while it is read.
    pub(super) async fn read(&mut self, path: &[u8], told: &About) -> Result<Option<Bytes>, Fault> {
        let packet = self.request(Kind::Open).text(path).number(TO_READ).number(0);
        let handle = self.handle(packet).await?;
        let read = self.content(&handle, told).await;
        // The line is of no use any more where it is lost.
        if !matches!(read, Err(Fault::Lost(_))) {
            self.close(&handle).await?;
        }
        read
    }

    async fn is_still(&mut self, handle: &Bytes, told: &About) -> Result<bool, Fault> {
        let packet = self.request(Kind::LookAtOpen).text(handle);
        let now = self.about(packet).await?;
        Ok((now.bytes, now.written) == (told.bytes, told.written))
    }

    async fn content(&mut self, handle: &Bytes, told: &About) -> Result<Option<Bytes>, Fault> {
        if !self.is_still(handle, told).await? {
            return Ok(None);
        }
        let room = usize::try_from(told.bytes).unwrap_or(usize::MAX);
        let mut content = Vec::new();
        content.try_reserve_exact(room).map_err(|error| Fault::Told(error.to_string()))?;
        content.resize(room, 0);
        let whole = self.parts(handle, &mut content).await?;
        let whole = whole && self.is_still(handle, told).await?;
        Ok(whole.then(|| Bytes::from(content)))
    }

    /// Fills a content in, asking ahead; false where the file ends before it.
    async fn parts(&mut self, handle: &Bytes, content: &mut [u8]) -> Result<bool, Fault> {
        let mut asked: VecDeque<(u32, usize, usize)> = VecDeque::new();
        let (mut next, mut whole) = (0, true);
        loop {
            while whole && next < content.len() && asked.len() < AHEAD {
                let bytes = (content.len() - next).min(STEP_BYTES as usize);
                self.ask_part(handle, (next, bytes), &mut asked).await?;
                next += bytes;
            }
            if asked.is_empty() {
                return Ok(whole);
            }
            let (id, reply) = self.next().await.map_err(Fault::Lost)?;
            let place = asked.iter().position(|(one, ..)| *one == id);
            let Some((_, from, bytes)) = place.and_then(|at| asked.remove(at)) else {
                return Err(self.strange());
            };
            match reply {
                Reply::Content(part) if (1..=bytes).contains(&part.len()) => {
                    content[from..from + part.len()].copy_from_slice(&part);
                    // A server may give less than was asked for.
                    if part.len() < bytes {
                        let rest = (from + part.len(), bytes - part.len());
                        self.ask_part(handle, rest, &mut asked).await?;
                    }
                }
                Reply::Status(AT_THE_END, _) => whole = false,
                Reply::Status(code, words) => {
                    // The other answers are still to come: this line cannot be used any more.
                    return Err(Fault::Lost(self.lost(&format!("{words} ({code})"))));
                }
                _ => return Err(self.strange()),
            }
        }
    }

    async fn ask_part(
        &mut self,
        handle: &Bytes,
        (from, bytes): (usize, usize),
        asked: &mut VecDeque<(u32, usize, usize)>,
    ) -> Result<(), Fault> {
        let packet = self.request(Kind::Read).text(handle).offset(from as u64);
        let packet = packet.number(u32::try_from(bytes).unwrap_or(STEP_BYTES));
        asked.push_back((self.last, from, bytes));
        self.send(packet).await.map_err(Fault::Lost)
    }

    /// Writes a file anew; durably where the server can.
    pub(super) async fn write(&mut self, path: &[u8], content: &[u8]) -> Result<(), Fault> {
        let packet = self.request(Kind::Open).text(path).number(TO_WRITE_ANEW).number(0);
        let handle = self.handle(packet).await?;
        let written = self.fill(&handle, content).await;
        if matches!(written, Err(Fault::Lost(_))) {
            return written;
        }
        // What is not written whole is left as well: an open file keeps its room.
        let closed = self.close(&handle).await;
        written.and(closed)
    }

    async fn fill(&mut self, handle: &Bytes, content: &[u8]) -> Result<(), Fault> {
        for (at, part) in content.chunks(STEP_BYTES as usize).enumerate() {
            let offset = at as u64 * u64::from(STEP_BYTES);
            let packet = self.request(Kind::Write).text(handle).offset(offset).text(part);
            self.done(packet).await?;
        }
        if self.can_make_durable {
            let packet = self.request(Kind::Extended).text(DURABLE).text(handle);
            self.done(packet).await?;
        }
        Ok(())
    }
}
