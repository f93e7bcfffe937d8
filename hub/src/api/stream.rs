//! `GET /v1/feeds/{feed}/stream`: a feed as server-sent events (WHATWG HTML, 9.2).
//!
//! Each event is one CloudEvent; its id is the cursor after it, the same as a page's. A reader that
//! comes again with `Last-Event-ID` goes on where it was, in whichever process; `after` does the
//! same for the first time, `after=end` for what comes from now on. While nothing comes, a comment
//! with the present cursor shows every few seconds that the line is alive.

use std::{convert::Infallible, sync::Arc, time::Duration};

use adapters::rest::problem::ProblemResponse;
use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
    response::Response,
};
use bytes::Bytes;
use futures_util::stream;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast::error::RecvError, mpsc},
    time::{Instant, timeout_at},
};

use super::{
    Api, Asker, Means,
    answer::{Reading, Stop},
    feeds::{feed_in_path, named, place},
    kinds,
    params::Params,
    watch::authorization,
};
use crate::api::document::{
    answers::Gone,
    params::{asked, cursor as cursor_of, header},
    tags,
};
use crate::{
    auth::Principal,
    cursor,
    feeds::{Feed, Place, frame},
    journal::log::Log,
    store::StoreError,
};

/// Streams and pages that are waited for at once in one process; above that, readers are told to
/// come again. Far fewer than
/// connections there may be, so that agencies that send always find one.
pub const STREAMS_MAX: usize = 2_048;

/// Without an event for so long, a comment goes out, and the key is looked at again.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// When a reader whose stream has ended may come again.
const RETRY: &str = "retry: 2000\n\n";

/// When a reader that found no room may come again, in seconds.
const CROWDED_SECONDS: u32 = 10;

/// Events read from the store at once.
const PAGE: u32 = 200;

/// Frames on their way to a reader that is slower than they come.
const AHEAD: usize = 16;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Room for streams.
#[derive(Debug, Clone)]
pub struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

impl Streams {
    /// How many are open.
    pub fn open(&self) -> usize {
        STREAMS_MAX.saturating_sub(self.0.available_permits())
    }

    /// Room for one more who waits, until it is dropped.
    pub(super) fn one(&self) -> Result<OwnedSemaphorePermit, ProblemResponse> {
        self.0.clone().try_acquire_owned().map_err(|_| {
            ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, &kinds::CROWDED)
                .header(RETRY_AFTER, HeaderValue::from(CROWDED_SECONDS))
        })
    }
}

/// A feed as a stream.
#[utoipa::path(
    get, path = "/v1/feeds/{feed}/stream",
    tag = tags::FEEDS, operation_id = "streamFeed",
    summary = "A feed as server-sent events",
    description = "Dòng sự kiện theo Server-Sent Events: mỗi sự kiện là một CloudEvent, id là \
                   con trỏ. Nối lại với Last-Event-ID để đọc tiếp.",
    params(StreamAsked),
    responses(
        (status = 200, description = "Luồng không kết thúc.\n\n\
            A stream without an end.", content((String = "text/event-stream"))),
        Gone,
    ),
)]
pub(super) async fn stream(
    State(api): State<Api>,
    Asker(who): Asker,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let feed = named(name)?;
    let params = Params::read(&uri, &["after"])?;
    let last = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty());
    // What is no text is no cursor either, and refused as one.
    let last = last.map(|id| id.to_str().unwrap_or("?"));
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let place = place(&api, &reading, feed, last.or_else(|| params.text("after"))).await?;
    let permit = api.streams.one()?;
    let credential = authorization(&headers).map(ToOwned::to_owned);
    let (frames, sent) = mpsc::channel(AHEAD);
    let log = reading.head.log.clone();
    let means = Means { operations: api.operations.unconfigured(), ..Means::clone(&api) };
    let api = Api::from(means);
    let follower = Follower { api, who, credential, feed, log, place, frames };
    tokio::spawn(async move {
        follower.follow().await;
        drop(permit);
    });
    let frames = stream::unfold(sent, |mut sent| async {
        let frame: Bytes = sent.recv().await?;
        Some((Ok::<_, Infallible>(frame), sent))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers before they pass them on are told not to.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// One reader's way through a feed.
struct Follower {
    api: Api,
    who: Principal,
    credential: Option<String>,
    feed: Feed,
    log: Log,
    place: Place,
    frames: mpsc::Sender<Bytes>,
}

/// Why a stream ends: its reader has gone, its key is no more, or the hub stops.
struct Over;

impl Follower {
    async fn follow(mut self) {
        let stop = self.api.live.stop().clone();
        // The reader hears that the line stands before there is anything to tell.
        let begun = self.send(Bytes::from_static(RETRY.as_bytes())).await;
        if begun.is_ok() {
            // However it ends, the reader comes again.
            let _ = stop.run_until_cancelled(self.live()).await;
        }
    }

    async fn send(&self, frame: Bytes) -> Result<(), Over> {
        self.frames.send(frame).await.map_err(|_| Over)
    }

    /// Follows what is appended; reads the store where that does not follow on what was sent.
    async fn live(&mut self) -> Result<(), Over> {
        let mut batches = self.api.live.follow(self.feed);
        self.catch_up().await?;
        let mut beat = Instant::now() + HEARTBEAT;
        loop {
            match timeout_at(beat, batches.recv()).await {
                Ok(Ok(batch)) => {
                    if batch.from > self.place {
                        self.catch_up().await?;
                    }
                    if batch.to > self.place {
                        let frames = batch.frames(&self.who, &self.place);
                        let frames: Vec<Bytes> = frames.collect();
                        for frame in frames {
                            self.send(frame).await?;
                        }
                        self.place = batch.to.clone();
                    }
                }
                Ok(Err(RecvError::Lagged(_))) => self.catch_up().await?,
                Ok(Err(RecvError::Closed)) => return Ok(()),
                Err(_) => {}
            }
            if Instant::now() >= beat {
                self.beat().await?;
                beat = Instant::now() + HEARTBEAT;
            }
        }
    }

    /// Shows that the line is alive and up to where it has been read, while the key is in force.
    async fn beat(&self) -> Result<(), Over> {
        if self.api.keys.principal(self.credential.as_deref()).as_ref() != Some(&self.who) {
            return Err(Over);
        }
        let cursor = cursor::write(&self.log.id, &self.feed.list(), &self.place);
        self.send(Bytes::from(format!(": còn nối\nid: {cursor}\n\n"))).await
    }

    /// Sends what the store holds after the place, up to its end.
    async fn catch_up(&mut self) -> Result<(), Over> {
        loop {
            let (operations, log) = (&self.api.operations, &self.log);
            let page = self.feed.page(operations, log, &self.who, &self.place, PAGE).await;
            let (fed, next) = page.map_err(|error: StoreError| {
                tracing::warn!(%error, "a stream ends: the store cannot answer");
                Over
            })?;
            let frames = fed.iter().map(|one| frame(&log.id, self.feed, one));
            let frames = frames.fold(Vec::new(), |mut all: Vec<u8>, one| {
                all.extend_from_slice(&one);
                all
            });
            if !frames.is_empty() {
                self.send(frames.into()).await?;
            }
            if next == self.place {
                return Ok(());
            }
            self.place = next;
        }
    }
}

asked! {
    /// From where on.
    StreamAsked: [
        feed_in_path(),
        cursor_of("after"),
        header("Last-Event-ID", "^[ -~]*$",
            "Con trỏ của sự kiện cuối đã nhận; trình duyệt tự gửi khi nối lại.",
            "The cursor of the last event that was read; browsers send it by themselves."),
    ];
}
