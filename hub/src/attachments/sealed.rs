//! The bytes of one file on the disk: as they are, or sealed piece by piece. It waits for the disk.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
};

use crate::{
    journal::merkle::Digest,
    store::at_rest::{Beginning, FileKey, HEAD_BYTES_MAX, Head, PIECE_BYTES, PIECE_MORE, keys},
};

/// Bytes of a piece as it lies on the disk.
const SEALED_BYTES: usize = PIECE_BYTES + PIECE_MORE;

/// What is told of bytes that are not those that were written.
pub(super) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// What seals a file while it is written.
struct Sealing {
    key: FileKey,
    /// Bytes that wait until it is known whether more come.
    piece: Vec<u8>,
    number: u64,
}

/// A file that is being written: sealed where this process has a key. Its head comes last, when its
/// digest is known; one without a head can be opened by nobody.
pub(super) struct Writing {
    file: File,
    sealing: Option<Sealing>,
}

impl Writing {
    /// Begins with an empty file.
    pub(super) fn begin(mut file: File) -> io::Result<Self> {
        let key = keys().file_key().map_err(io::Error::other)?;
        if key.is_some() {
            file.write_all(&vec![0; keys().head_bytes()])?;
        }
        let piece = || Vec::with_capacity(SEALED_BYTES);
        let sealing = key.map(|key| Sealing { key, piece: piece(), number: 0 });
        Ok(Self { file, sealing })
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Self { file, sealing } = self;
        let Some(sealing) = sealing else { return file.write_all(bytes) };
        while !bytes.is_empty() {
            if sealing.piece.len() == PIECE_BYTES {
                sealing.put(file, false)?;
            }
            let room = PIECE_BYTES - sealing.piece.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            sealing.piece.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Ends a file whose bytes have this digest; all of it is on the disk then.
    pub(super) fn end(self, digest: Digest) -> io::Result<()> {
        let Self { mut file, sealing } = self;
        if let Some(mut sealing) = sealing {
            sealing.put(&mut file, true)?;
            let head = keys().head(digest, &sealing.key).map_err(io::Error::other)?;
            file.write_all_at(&head.bytes(), 0)?;
        }
        file.sync_all()
    }
}

impl Sealing {
    fn put(&mut self, file: &mut File, is_last: bool) -> io::Result<()> {
        self.key.seal(self.number, is_last, &mut self.piece).map_err(io::Error::other)?;
        file.write_all(&self.piece)?;
        self.piece.clear();
        self.number += 1;
        Ok(())
    }
}

/// How a file begins; it is read from its first byte on afterwards.
pub(super) fn beginning(file: &File) -> io::Result<Beginning> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES_MAX);
    let mut from = file;
    from.take(HEAD_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    from.seek(SeekFrom::Start(0))?;
    Ok(Head::read(&bytes))
}

/// A file that is being read.
pub(super) struct Reading {
    file: File,
    opening: Option<Opening>,
}

/// What opens a file while it is read.
struct Opening {
    key: FileKey,
    number: u64,
    /// Bytes of pieces that were not read yet.
    left: u64,
}

/// What a file is to who reads it.
pub(super) enum Begun {
    /// It can be read.
    Reading(Reading),
    /// It is sealed by a key of this name, which is not here; so many bytes are in it.
    Locked(String, u64),
}

/// How many bytes are in pieces of so many; nothing where there are no such pieces.
fn bytes_in(pieces: u64) -> Option<u64> {
    let count = pieces.div_ceil(SEALED_BYTES as u64);
    let more = count * PIECE_MORE as u64;
    let last = pieces.checked_sub(count.checked_sub(1)? * SEALED_BYTES as u64)?;
    (last >= PIECE_MORE as u64).then(|| pieces - more)
}

impl Reading {
    /// Begins to read a file of a digest.
    pub(super) fn begin(mut file: File, digest: Digest) -> io::Result<Begun> {
        let head = match beginning(&file)? {
            Beginning::Plain => return Ok(Begun::Reading(Self { file, opening: None })),
            Beginning::Damaged => return Err(damaged("its head cannot be read")),
            Beginning::Sealed(head) => head,
        };
        let length = head.length() as u64;
        let left = file.metadata()?.len().saturating_sub(length);
        let bytes = bytes_in(left).ok_or_else(|| damaged("its end is missing"))?;
        if !keys().has(&head.key_id) {
            return Ok(Begun::Locked(head.key_id, bytes));
        }
        let key = keys().file_opened(digest, &head);
        let key = key.map_err(|_| damaged("its head cannot be opened"))?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Begun::Reading(Self { file, opening: Some(Opening { key, number: 0, left }) }))
    }

    /// The next bytes, of what is sealed those of a whole piece that is as it was; nothing at the
    /// end.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(opening) = &mut self.opening else {
            let mut chunk = vec![0; PIECE_BYTES];
            let count = loop {
                match self.file.read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
            chunk.truncate(count);
            return Ok((count > 0).then_some(chunk));
        };
        if opening.left == 0 {
            return Ok(None);
        }
        let count = opening.left.min(SEALED_BYTES as u64);
        let mut piece = vec![0; usize::try_from(count).unwrap_or(SEALED_BYTES)];
        self.file.read_exact(&mut piece)?;
        opening.left -= count;
        let number = opening.number;
        if !opening.key.open(number, opening.left == 0, &mut piece) {
            return Err(damaged(&format!("its piece {number} cannot be opened")));
        }
        opening.number += 1;
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_is_in_pieces_is_told_by_their_length() {
        let (piece, more) = (PIECE_BYTES as u64, PIECE_MORE as u64);
        assert_eq!(bytes_in(more), Some(0), "an empty file has one piece");
        assert_eq!(bytes_in(more + 1), Some(1));
        assert_eq!(bytes_in(piece + more), Some(piece), "its last piece may be full");
        assert_eq!(bytes_in(piece + 2 * more + 1), Some(piece + 1));
        for cut in [0, more - 1, piece + more + 1, piece + 2 * more - 1] {
            assert_eq!(bytes_in(cut), None, "{cut}");
        }
    }
}
