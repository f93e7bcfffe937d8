//! Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), which every server speaks. Pure.
//!
//! Names are bytes: what an old system writes in a legacy charset is found and moved under the very
//! name that it has.

use bytes::{Buf, Bytes};

/// The version that is spoken.
pub(super) const VERSION: u32 = 3;

/// Bytes of one packet of a server's, at most: OpenSSH's own limit.
pub(super) const PACKET_BYTES_MAX: u32 = 256 * 1024;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Kind {
    Init = 1,
    Open = 3,
    Close = 4,
    Read = 5,
    Write = 6,
    Look = 7,
    LookAtOpen = 8,
    OpenFolder = 11,
    ReadFolder = 12,
    Remove = 13,
    MakeFolder = 14,
    RemoveFolder = 15,
    Rename = 18,
    Extended = 200,
}

/// Ways to open a file.
pub(super) const TO_READ: u32 = 0x01;
pub(super) const TO_WRITE_ANEW: u32 = 0x02 | 0x08 | 0x10;

/// A packet that is being written.
pub(super) struct Packet(Vec<u8>);

impl Packet {
    /// A request; the number is its id, or the version.
    pub(super) fn new(kind: Kind, number: u32) -> Self {
        let mut packet = vec![0; 4];
        packet.push(kind as u8);
        packet.extend_from_slice(&number.to_be_bytes());
        Self(packet)
    }

    pub(super) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(super) fn offset(mut self, offset: u64) -> Self {
        self.0.extend_from_slice(&offset.to_be_bytes());
        self
    }

    /// A name, a handle or content.
    pub(super) fn text(self, text: &[u8]) -> Self {
        let mut packet = self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        packet.0.extend_from_slice(text);
        packet
    }

    /// The whole packet, with its length in front.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        let bytes = u32::try_from(self.0.len() - 4).unwrap_or(u32::MAX);
        self.0[..4].copy_from_slice(&bytes.to_be_bytes());
        self.0
    }
}

/// What a server says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct About {
    pub(super) bytes: u64,
    /// Kind and rights, as `st_mode`; nothing where the server does not tell.
    pub(super) mode: Option<u32>,
    /// Seconds since 1970.
    pub(super) written: i64,
}

impl About {
    const KIND: u32 = 0o170_000;

    /// Whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.mode.is_some_and(|mode| mode & Self::KIND == 0o040_000)
    }

    /// Whether it is a file: not a link, a pipe or a device. A server that tells no kinds has none.
    pub(super) fn is_file(&self) -> bool {
        self.mode.is_none_or(|mode| mode & Self::KIND == 0o100_000)
    }
}

/// What lies in a folder, under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Bytes,
    pub(super) about: About,
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// It speaks this version, with these extensions.
    Version(u32, Vec<Bytes>),
    Status(u32, String),
    Handle(Bytes),
    Content(Bytes),
    Entries(Vec<Entry>),
    About(About),
    /// An answer to something that is not asked here.
    Other,
}

/// Statuses.
pub(super) const OK: u32 = 0;
pub(super) const AT_THE_END: u32 = 1;
pub(super) const NOT_THERE: u32 = 2;
pub(super) const NO_RIGHT: u32 = 3;

fn text(packet: &mut Bytes) -> Option<Bytes> {
    let bytes = usize::try_from(packet.try_get_u32().ok()?).ok()?;
    (bytes <= packet.len()).then(|| packet.split_to(bytes))
}

fn about(packet: &mut Bytes) -> Option<About> {
    let mut about = About::default();
    let told = packet.try_get_u32().ok()?;
    if told & 0x01 != 0 {
        about.bytes = packet.try_get_u64().ok()?;
    }
    if told & 0x02 != 0 {
        packet.try_get_u64().ok()?;
    }
    if told & 0x04 != 0 {
        about.mode = Some(packet.try_get_u32().ok()?);
    }
    if told & 0x08 != 0 {
        packet.try_get_u32().ok()?;
        about.written = packet.try_get_u32().ok()?.into();
    }
    if told & 0x8000_0000 != 0 {
        for _ in 0..packet.try_get_u32().ok()? {
            text(packet)?;
            text(packet)?;
        }
    }
    Some(about)
}

/// The id that a packet answers, and what it says; nothing where it is none.
pub(super) fn read(mut packet: Bytes) -> Option<(u32, Reply)> {
    let kind = packet.try_get_u8().ok()?;
    let id = packet.try_get_u32().ok()?;
    let reply = match kind {
        2 => {
            let mut extensions = Vec::new();
            while !packet.is_empty() {
                extensions.push(text(&mut packet)?);
                text(&mut packet)?;
            }
            Reply::Version(id, extensions)
        }
        101 => {
            let status = packet.try_get_u32().ok()?;
            let words = text(&mut packet).unwrap_or_default();
            Reply::Status(status, String::from_utf8_lossy(&words).into_owned())
        }
        102 => Reply::Handle(text(&mut packet)?),
        103 => Reply::Content(text(&mut packet)?),
        104 => {
            let mut entries = Vec::new();
            for _ in 0..packet.try_get_u32().ok()? {
                let name = text(&mut packet)?;
                // The same as `ls -l` writes it: for people.
                text(&mut packet)?;
                entries.push(Entry { name, about: about(&mut packet)? });
            }
            Reply::Entries(entries)
        }
        105 => Reply::About(about(&mut packet)?),
        _ => Reply::Other,
    };
    Some((id, reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reply as a server writes it, without its length.
    fn reply(kind: u8, write: impl Fn(Packet) -> Packet) -> Bytes {
        let mut packet = write(Packet::new(Kind::Init, 7)).into_bytes();
        packet[4] = kind;
        Bytes::from(packet).slice(4..)
    }

    #[test]
    fn names_are_bytes_and_lengths_are_checked() {
        let legacy: &[u8] = b"h\xe5 s\xac.csv";
        let names = reply(104, |packet| {
            let packet = packet.number(1).text(legacy).text(b"-rw-r--r--").number(0x0d);
            packet.offset(12).number(0o100_644).number(5).number(1_383_553_530)
        });
        let about = About { bytes: 12, mode: Some(0o100_644), written: 1_383_553_530 };
        let name = Bytes::from_static(legacy);
        assert_eq!(read(names.clone()), Some((7, Reply::Entries(vec![Entry { name, about }]))));
        assert!(about.is_file() && !about.is_folder());
        // Whatever is cut off, or longer than it is: no answer, and no panic.
        for end in 0..names.len() {
            assert_eq!(read(names.slice(..end)), None, "{end}");
        }
        let boasting = reply(103, |packet| packet.number(u32::MAX));
        assert_eq!(read(boasting), None);
        assert_eq!(read(reply(104, |packet| packet.number(u32::MAX))), None);
        assert_eq!(read(reply(201, |packet| packet.text(b"?"))), Some((7, Reply::Other)));
    }

    #[test]
    fn a_status_has_words_or_none() {
        let told = reply(101, |packet| packet.number(NOT_THERE).text(b"No such file").text(b""));
        assert_eq!(read(told), Some((7, Reply::Status(2, "No such file".to_owned()))));
        let bare = reply(101, |packet| packet.number(NO_RIGHT));
        assert_eq!(read(bare), Some((7, Reply::Status(3, String::new()))));
        let version = reply(2, |packet| packet.text(b"fsync@openssh.com").text(b"1"));
        let fsync = Bytes::from_static(b"fsync@openssh.com");
        assert_eq!(read(version), Some((7, Reply::Version(7, vec![fsync]))));
    }
}
