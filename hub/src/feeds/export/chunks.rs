//! The way from a writer that may wait to a reader that must not: a few chunks at a time. That the
//! end is reached is said; a writer that ends without saying so has broken off.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

/// Bytes of a chunk.
const CHUNK_BYTES: usize = 64 * 1024;

/// Chunks on their way to a reader that is slower than they come.
const AHEAD: usize = 4;

enum Chunk {
    Bytes(Bytes),
    Whole,
}

/// Where a writer writes.
pub struct Chunks {
    chunk: Vec<u8>,
    sent: mpsc::Sender<Chunk>,
}

/// Says that all was written.
pub struct Ending(mpsc::Sender<Chunk>);

/// Where it arrives.
pub struct Arriving(mpsc::Receiver<Chunk>);

/// A way.
pub fn chunks() -> (Chunks, Ending, Arriving) {
    let (sent, arriving) = mpsc::channel(AHEAD);
    (Chunks { chunk: Vec::new(), sent: sent.clone() }, Ending(sent), Arriving(arriving))
}

fn gone<T>(_: T) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "its reader has left")
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        self.sent.blocking_send(Chunk::Bytes(chunk.into())).map_err(gone)
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.capacity() == 0 {
            self.chunk.reserve_exact(CHUNK_BYTES);
        }
        let room = CHUNK_BYTES.saturating_sub(self.chunk.len()).min(bytes.len());
        self.chunk.extend(bytes.iter().take(room));
        if self.chunk.len() >= CHUNK_BYTES {
            self.send()?;
        }
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() { Ok(()) } else { self.send() }
    }
}

impl Ending {
    /// All was written.
    ///
    /// # Errors
    /// When the reader has left.
    pub fn whole(self) -> io::Result<()> {
        self.0.blocking_send(Chunk::Whole).map_err(gone)
    }
}

impl Arriving {
    /// What arrives, for the body of an answer. It ends in an error where the writer has broken
    /// off, so that who reads it sees that it is not whole. `reading` is dropped with it.
    pub fn stream(self, reading: DropGuard) -> impl Stream<Item = io::Result<Bytes>> {
        stream::unfold(Some((self.0, reading)), |line| async {
            let (mut arriving, reading) = line?;
            match arriving.recv().await {
                Some(Chunk::Bytes(bytes)) => Some((Ok(bytes), Some((arriving, reading)))),
                Some(Chunk::Whole) => None,
                None => Some((Err(io::Error::other("the export broke off")), None)),
            }
        })
    }
}
