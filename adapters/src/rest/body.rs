//! Reading a request's body within its limits, before anyone parses it.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use flate2::bufread::GzDecoder;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::intake::Limits;

/// Inflated at a time.
const STEP_BYTES: usize = 64 * 1024;

/// A payload that is larger than this is given its whole room at once. What is not written of it
/// costs nothing, and one that grows is copied, and held twice meanwhile.
const SMALL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How the bytes of a body are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is, or becomes when inflated, larger than one payload may be.
    TooLarge,
    /// It inflates further than honest data does.
    Inflates,
    /// It has more gzip members than we open.
    TooManyMembers,
    /// No bytes came for too long.
    Idle,
    /// Bytes came, but it took too long altogether.
    Slow,
    /// It broke off.
    CutShort,
    /// It is not gzip to its last byte.
    BrokenGzip,
    /// Too many payloads are held at this moment.
    Crowded,
}

/// A body that was not taken.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) why: Unread,
    /// What came, where it came whole; `share` stands for its memory.
    pub(crate) packed: Bytes,
    pub(crate) share: Share,
}

/// Bytes of payloads held at one time by all requests together.
#[derive(Debug)]
pub(crate) struct Room {
    held_bytes: AtomicUsize,
    bytes_max: usize,
}

impl Room {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { held_bytes: AtomicUsize::new(0), bytes_max })
    }
}

/// What one request holds of the room; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Arc<Room>,
    bytes: usize,
}

impl Share {
    pub(crate) fn none_of(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), bytes: 0 }
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Unread> {
        let bytes_max = self.room.bytes_max;
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= bytes_max);
        let held = &self.room.held_bytes;
        held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .map_err(|_| Unread::Crowded)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The payload in a body; `share` stands for its memory.
pub(crate) async fn read(
    body: Body,
    encoding: Encoding,
    limits: &Limits,
    mut share: Share,
) -> Result<(Bytes, Share), Turned> {
    let packed = match collect(body, limits, &mut share).await {
        Ok(packed) => packed,
        Err(why) => return Err(Turned { why, packed: Bytes::new(), share }),
    };
    match encoding {
        Encoding::Identity => Ok((packed, share)),
        Encoding::Gzip => {
            let (limits, nothing) = (limits.clone(), Share::none_of(&share.room));
            let inflating =
                tokio::task::spawn_blocking(move || match inflate(&packed, &limits, &mut share) {
                    Ok(payload) => Ok((payload, share)),
                    Err(why) => Err(Turned { why, packed, share }),
                });
            // The task ends without a result only when the runtime stops.
            let ended =
                |_| Err(Turned { why: Unread::Crowded, packed: Bytes::new(), share: nothing });
            inflating.await.unwrap_or_else(ended)
        }
    }
}

/// The body's bytes as sent. Never reserves on the word of a Content-Length.
async fn collect(mut body: Body, limits: &Limits, share: &mut Share) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > u64::try_from(limits.payload_bytes_max).unwrap_or(u64::MAX) {
        return Err(Unread::TooLarge);
    }
    let deadline = Instant::now() + limits.body_timeout;
    let mut bytes = BytesMut::new();
    loop {
        let next = timeout_at(deadline, timeout(limits.body_idle_timeout, body.frame()));
        let frame = match next.await.map_err(|_| Unread::Slow)?.map_err(|_| Unread::Idle)? {
            None => return Ok(bytes.freeze()),
            Some(frame) => frame.map_err(|_| Unread::CutShort)?,
        };
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limits.payload_bytes_max - bytes.len() {
            return Err(Unread::TooLarge);
        }
        share.grow(data.len())?;
        if bytes.len() + data.len() > SMALL_BYTES_MAX {
            bytes.reserve(limits.payload_bytes_max - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
}

/// What is packed in bytes that came whole, and its share of the room.
///
/// # Errors
/// As for a body.
pub(crate) fn unpacked(
    packed: &[u8],
    limits: &Limits,
    room: &Arc<Room>,
) -> Result<(Bytes, Share), Unread> {
    let mut share = Share::none_of(room);
    Ok((inflate(packed, limits, &mut share)?, share))
}

/// All gzip members, joined; anything after the last one is an error.
fn inflate(packed: &[u8], limits: &Limits, share: &mut Share) -> Result<Bytes, Unread> {
    let honest = packed.len().saturating_mul(limits.inflation_max);
    let honest = honest.max(limits.inflation_free_bytes);
    let mut payload = Vec::new();
    let mut step = vec![0; STEP_BYTES];
    let mut rest = packed;
    for _ in 0..limits.gzip_members_max {
        let mut member = GzDecoder::new(&mut rest);
        loop {
            let read = match member.read(&mut step) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Err(Unread::BrokenGzip),
            };
            let bytes = payload.len() + read;
            if bytes > honest {
                return Err(Unread::Inflates);
            }
            if bytes > limits.payload_bytes_max {
                return Err(Unread::TooLarge);
            }
            share.grow(read)?;
            if bytes > SMALL_BYTES_MAX {
                payload.reserve_exact(limits.payload_bytes_max - payload.len());
            }
            payload.extend_from_slice(&step[..read]);
        }
        if rest.is_empty() {
            return Ok(Bytes::from(payload));
        }
    }
    Err(Unread::TooManyMembers)
}
