//! `GET /v1/feeds…`: public texts in journal order, as CloudEvents in JSON batches.
//!
//! With `wait` a page that would be empty is kept until something comes, for so many seconds at
//! most: a reader that cannot keep a stream open hears of it as soon.

use std::time::Duration;

use adapters::rest::problem::ProblemResponse;
use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CONTENT_TYPE, LINK},
    },
    response::Response,
};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};
use utoipa::ToSchema;

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, bad_cursor, nothing},
    kinds,
    params::Params,
};
use crate::api::document::{
    answers::{Gone, Unchanged},
    params::{asked, cursor as cursor_of, limit as limit_of, named_of, seconds},
    tags,
};
use crate::{
    auth::Principal,
    cursor::{self, Astray},
    feeds::{Event, Fed, Feed, Place},
    journal::log::{EndedLog, Log},
    operations::PAGE_MAX,
    store::StoreError,
};
use utoipa::openapi::path::Parameter;

const BATCH: &str = "application/cloudevents-batch+json";
const PAGE_DEFAULT: u32 = 100;

/// How long a page may be waited for, in seconds.
const WAIT_SECONDS_MAX: u32 = 60;

/// How often a feed that follows behind the journal is looked at for who waits.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a reader writes for the place after everything there is.
const END: &str = "end";

/// A feed.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ListedFeed {
    /// Its name.
    name: &'static str,
    /// Where its pages are.
    href: String,
    /// Where it is as a stream.
    stream: String,
    /// What it carries, in Vietnamese.
    description: &'static str,
    /// The same in English.
    description_en: &'static str,
}

/// The feeds, and the log that they are of.
#[derive(Debug, Serialize, ToSchema)]
struct Feeds {
    /// The feeds.
    feeds: Vec<ListedFeed>,
    /// The log's name.
    log_id: String,
    /// Logs before it, which ended when the hub was restored from a backup.
    ended_logs: Vec<EndedLog>,
    /// Entries of the journal.
    size: u64,
}

/// Which feeds there are.
#[utoipa::path(
    get, path = "/v1/feeds",
    tag = tags::FEEDS, operation_id = "listFeeds",
    summary = "Which feeds there are",
    description = "Các dòng sự kiện.",
    responses(
        (status = 200, description = "Danh sách.\n\nThe list.", body = Feeds),
        Unchanged,
    ),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Asker(_): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let reading = Reading::begin(&api, &headers, "").await?;
    let feed = |feed: Feed| {
        let name = feed.name();
        let (vi, en) = match feed {
            Feed::Records => (
                "Mọi bản ghi các cơ quan gửi, theo thứ tự nhật ký.",
                "All that agencies sent, in journal order.",
            ),
            Feed::Dossiers => (
                "Trạng thái hiện tại của từng hồ sơ, theo lần thay đổi cuối.",
                "The present state of every dossier, in the order of the last change.",
            ),
            Feed::Findings => (
                "Các phát hiện cần hỏi lại, theo lần thay đổi cuối.",
                "What there is to ask about, in the order of the last change.",
            ),
            Feed::Catalogue => (
                "Cơ quan, thủ tục và đơn vị hành chính thay đổi theo từng bản danh mục.",
                "Agencies, procedures and units, as each edition of the catalogue changes them.",
            ),
            Feed::Statistics => (
                "Số liệu tăng giảm theo từng bút toán, theo ngày, cơ quan và thủ tục.",
                "By how much each entry changes numbers, by day, agency and procedure.",
            ),
            Feed::Notices => (
                "Thay đổi của hồ sơ mà người nộp theo dõi qua khóa này.",
                "What changes of dossiers that their applicants follow by this key.",
            ),
        };
        ListedFeed {
            name,
            href: format!("/v1/feeds/{name}"),
            stream: format!("/v1/feeds/{name}/stream"),
            description: vi,
            description_en: en,
        }
    };
    let Log { id, ended } = &reading.head.log;
    let body = Feeds {
        feeds: Feed::ALL.map(feed).to_vec(),
        log_id: id.clone(),
        ended_logs: ended.clone(),
        size: reading.head.tree.size,
    };
    reading.json(StatusCode::OK, JSON, &body, None)
}

/// The feed of an address; an unknown one is no address.
pub(super) fn named(path: Result<Path<String>, PathRejection>) -> Result<Feed, Stop> {
    let name = path.map_err(|_| nothing())?;
    Feed::from_name(&name).ok_or_else(nothing)
}

/// The answer to a cursor that lies in what was lost: what of it is gone, and where to go on.
fn lost(log: &Log, list: &str, old: &EndedLog) -> ProblemResponse {
    let from = cursor::write(&log.id, list, &(old.size, String::new()));
    let EndedLog { log_id, size, .. } = old;
    ProblemResponse::new(StatusCode::GONE, &kinds::LOG_RESTORED)
        .detail(
            format!("Con trỏ thuộc nhật ký {log_id}, chỉ còn {size} bút toán sau khi khôi phục."),
            format!("The cursor is of the log {log_id}, of which {size} entries were restored."),
        )
        .member("log_id", log_id.as_str().into())
        .member("size", (*size).into())
        .member("after", from.into())
}

/// The answer to a cursor of another version of a feed's fold: the whole feed as it is now, and
/// where to go on after it.
fn refolded(log: &Log, feed: Feed, end: &Place) -> ProblemResponse {
    let (name, until) = (feed.name(), end.0);
    ProblemResponse::new(StatusCode::GONE, &kinds::FEED_REFOLDED)
        .member("feed", name.into())
        .member("snapshot", format!("/v1/exports/{name}.ndjson?until={until}").into())
        .member("after", cursor::write(&log.id, &feed.list(), end).into())
}

/// The place that a reader names: a cursor, the end, or the beginning where it names none.
pub(super) async fn place(
    api: &Api,
    reading: &Reading,
    feed: Feed,
    text: Option<&str>,
) -> Result<Place, Stop> {
    match text {
        None => Ok((0, String::new())),
        Some(END) => Ok(feed.end(&api.operations, reading.head.tree.size).await?),
        Some(text) => {
            let (log, list) = (&reading.head.log, feed.list());
            match cursor::follow(log, &list, text) {
                Ok(place) => Ok(place),
                Err(Astray::NotOurs) => Err(bad_cursor().into()),
                Err(Astray::Lost(old)) => Err(lost(log, &list, &old).into()),
                Err(Astray::Refolded) => {
                    let end = feed.end(&api.operations, reading.head.tree.size).await?;
                    Err(refolded(log, feed, &end).into())
                }
            }
        }
    }
}

/// A page of a feed.
#[utoipa::path(
    get, path = "/v1/feeds/{feed}",
    tag = tags::FEEDS, operation_id = "readFeed",
    summary = "A page of a feed, as a batch of CloudEvents",
    description = "Một trang sự kiện CloudEvents. Trang nào cũng có Link tới trang sau; khi \
                   Link trỏ lại chính địa chỉ vừa gọi là đã hết, gọi lại sau hoặc thêm wait \
                   để chờ.",
    params(PageAsked),
    responses(
        (status = 200, description = "Một trang.\n\n\
            A page.", body = Vec<Event>, content_type = BATCH),
        Unchanged,
        Gone,
    ),
)]
pub(super) async fn page(
    State(api): State<Api>,
    Asker(who): Asker,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let feed = named(name)?;
    let params = Params::read(&uri, &["after", "limit", "wait"])?;
    let limit = params.limit(PAGE_DEFAULT, PAGE_MAX)?;
    let wait = params.seconds("wait", WAIT_SECONDS_MAX)?;
    // Who waits holds a connection that agencies that send may want, as a stream does.
    let _room = wait.map(|_| api.streams.one()).transpose()?;
    // Who waits asks for what is not there yet, so nothing is unchanged; nor is what follows behind
    // a journal that stands still.
    let none = HeaderMap::new();
    let known = if wait.is_none() && !feed.is_behind() { &headers } else { &none };
    let reading = Reading::begin(&api, known, "").await?;
    let from = place(&api, &reading, feed, params.text("after")).await?;
    let deadline = wait.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
    let of = (feed, &who, &from, limit);
    // What follows behind is true up to where it has come: before it is read.
    let behind = match feed.is_behind() {
        true => Some(api.operations.store.judged().await?),
        false => None,
    };
    let (reading, fed, next) = wanted((&api, reading), of, deadline).await?;
    answer((&reading, behind), (feed, limit, wait), &fed, &next)
}

/// A page, as soon as it holds something or the deadline has come.
async fn wanted(
    (api, mut reading): (&Api, Reading),
    (feed, who, from, limit): (Feed, &Principal, &Place, u32),
    deadline: Option<Instant>,
) -> Result<(Reading, Vec<Fed>, Place), Stop> {
    // Listened to before the first look: what comes after it is not missed.
    let mut size = api.live.size();
    let mut place = from.clone();
    loop {
        let log = &reading.head.log;
        let (fed, next) = feed.page(&api.operations, log, who, &place, limit).await?;
        let moved = next != place;
        place = next;
        let Some(deadline) = deadline.filter(|_| fed.is_empty()) else {
            return Ok((reading, fed, place));
        };
        if moved {
            continue;
        }
        let stopped = api.live.stop().cancelled();
        let heard = async {
            tokio::select! {
                heard = size.changed() => heard.is_ok(),
                () = stopped => false,
                () = sleep(LOOK_AGAIN), if feed.is_behind() => true,
            }
        };
        if !timeout_at(deadline, heard).await.unwrap_or(false) {
            return Ok((reading, fed, place));
        }
        reading = Reading::begin(api, &HeaderMap::new(), "").await?;
    }
}

fn answer(
    (reading, position): (&Reading, Option<u64>),
    (feed, limit, wait): (Feed, u32, Option<u32>),
    fed: &[Fed],
    next: &Place,
) -> Result<Response, Stop> {
    let texts: Vec<&[u8]> = fed.iter().map(|one| one.text.as_slice()).collect();
    let body = [b"[".as_slice(), &texts.join(b",".as_slice()), b"]"].concat();
    let mut response = Response::new(Body::from(body));
    reading.put(response.headers_mut(), position);
    let cursor = cursor::write(&reading.head.log.id, &feed.list(), next);
    let wait = wait.map(|seconds| format!("&wait={seconds}")).unwrap_or_default();
    let name = feed.name();
    let link = format!("</v1/feeds/{name}?after={cursor}&limit={limit}{wait}>; rel=\"next\"");
    let link =
        HeaderValue::from_str(&link).map_err(|error| StoreError::fault(error.to_string()))?;
    response.headers_mut().insert(LINK, link);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(BATCH));
    Ok(response)
}

/// The feed in the path.
pub(super) fn feed_in_path() -> Parameter {
    named_of("feed", &Feed::ALL.map(Feed::name), "Dòng sự kiện.", "The feed.")
}

asked! {
    /// A page.
    PageAsked: [
        feed_in_path(),
        cursor_of("after"),
        limit_of(PAGE_DEFAULT, PAGE_MAX),
        seconds("wait", WAIT_SECONDS_MAX,
            "Chờ tối đa số giây này khi chưa có gì mới.",
            "Wait so many seconds at most for what is new."),
    ];
}
