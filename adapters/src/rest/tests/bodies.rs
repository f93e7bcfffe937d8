//! Bodies that are too large, too slow or never complete.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::{Later, Receipt};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::{OneKey, PATIENCE, Rig, SHORT, problem, server_limits, small_limits, to_end};
use crate::inbound::{Arrival, Inbox};
use crate::rest::intake::Limits;
use crate::rest::tests::router;
use crate::suite::Scripted;

#[tokio::test]
async fn a_half_sent_body_is_given_up() {
    let limits = Limits { body_idle_timeout: SHORT, ..small_limits() };
    let rig = Rig::start(limits, server_limits()).await;
    let begun = Instant::now();
    let answer = rig.raw(rig.head("Content-Length: 100\r\n\r\n0123456789")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("payload-too-slow") && answer.contains("300ms"), "{answer}");
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < PATIENCE / 2);
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn a_body_in_drops_is_given_up_although_never_idle() {
    let limits = Limits { body_timeout: Duration::from_millis(600), ..small_limits() };
    let rig = Rig::start(limits, server_limits()).await;
    let mut stream = rig.connect().await;
    stream.write_all(rig.head("Content-Length: 1000\r\n\r\n").as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let drops = tokio::spawn(async move {
        while to.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, from.read_to_end(&mut answer)).await;
    drops.abort();
    read.expect("never closed").ok();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("600ms"), "{answer}");
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn a_body_declared_too_large_is_refused_unread() {
    let rig = Rig::small().await;
    let head = rig.head("Content-Length: 4194305\r\nExpect: 100-continue\r\n\r\n");
    let answer = rig.raw(head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("payload-too-large") && answer.contains("4194304"), "{answer}");
    assert_eq!(rig.refused(), [("payload_bytes_max = 4194304".to_owned(), Vec::new())]);
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn who_uploads_too_much_reads_why() {
    let rig = Rig::small().await;
    for _ in 0..5 {
        let answer = rig.post().body(vec![b'x'; 32 << 20]).send().await.unwrap();
        assert_eq!(answer.status(), 413);
        let problem = problem(answer).await;
        assert!(problem["detail"].as_str().unwrap().contains("4194304"));
        assert!(problem["detail_en"].as_str().unwrap().contains("4194304"));
    }
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn a_chunked_body_is_cut_off_at_the_limit() {
    let rig = Rig::small().await;
    let mut stream = rig.connect().await;
    stream.write_all(rig.head("Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
    let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 0x10000], b"\r\n"].concat();
    // Sixteen times what is allowed, and no last chunk.
    for _ in 0..1024 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let answer = to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn the_largest_payload_is_taken_and_one_byte_more_is_not() {
    let rig = Rig::small().await;
    let largest = rig.post().body(vec![b'x'; 4 << 20]).send().await.unwrap();
    assert_eq!(largest.status(), 200);
    assert_eq!(rig.inbox.arrivals()[0].1.payload.len(), 4 << 20);
    let more = rig.post().body(vec![b'x'; (4 << 20) + 1]).send().await.unwrap();
    assert_eq!(more.status(), 413);
}

#[tokio::test]
async fn who_hangs_up_within_a_body_has_sent_nothing() {
    let rig = Rig::small().await;
    let chunked = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for rest in ["Content-Length: 100\r\n\r\nhello", chunked] {
        let mut stream = rig.connect().await;
        stream.write_all(rig.head(rest).as_bytes()).await.unwrap();
        sleep(Duration::from_millis(30)).await;
        drop(stream);
    }
    sleep(SHORT * 2).await;
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn a_chunked_body_is_joined() {
    let rig = Rig::small().await;
    let head = rig.head("Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    let answer = rig.raw(head + "5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(rig.inbox.arrivals()[0].1.payload, "hello world");
}

#[tokio::test]
async fn payloads_together_have_a_limit_and_leave_room_when_done() {
    let limits = Limits { payloads_bytes_max: 5 << 20, ..small_limits() };
    let rig = Rig::start(limits, server_limits()).await;
    rig.inbox.hold();
    let request = rig.post().body(vec![b'x'; 3 << 20]);
    let first = tokio::spawn(request.send());
    rig.inbox.has(1).await;
    let answer = rig.post().body(vec![b'x'; 3 << 20]).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "5");
    assert_eq!(problem(answer).await["code"], "later");
    rig.inbox.release();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    let again = rig.post().body(vec![b'x'; 3 << 20]).send().await.unwrap();
    assert_eq!(again.status(), 200);
}

#[tokio::test]
async fn a_payload_whose_sender_left_still_counts_until_it_is_taken() {
    let limits = Limits { payloads_bytes_max: 5 << 20, ..small_limits() };
    let rig = Rig::start(limits, server_limits()).await;
    rig.inbox.hold();
    let mut stream = rig.connect().await;
    let head = rig.head("Content-Length: 3145728\r\n\r\n");
    stream.write_all(&[head.as_bytes(), &vec![b'x'; 3 << 20]].concat()).await.unwrap();
    rig.inbox.has(1).await;
    drop(stream);
    sleep(SHORT).await;
    let answer = rig.post().body(vec![b'x'; 3 << 20]).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    rig.inbox.release();
    sleep(SHORT).await;
    let answer = rig.post().body(vec![b'x'; 3 << 20]).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// An inbox with a bug.
struct Broken;

impl Inbox for Broken {
    fn accept(&self, _: &str, _: Arrival) -> BoxFuture<'static, Result<Receipt, Later>> {
        Box::pin(async { panic!("a bug, on purpose") })
    }
}

#[tokio::test]
async fn a_bug_beyond_the_door_means_later() {
    let app = router(Arc::new(Broken), Arc::new(OneKey), small_limits());
    let rig = Rig::serving(Scripted::new([]), app, server_limits()).await;
    let answer = rig.post().body("x").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(problem(answer).await["code"], "later");
}
