//! Connections that want to be held for ever, and how they end.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::{PATIENCE, Rig, SHORT, server_limits, small_limits, to_end};
use crate::rest::server::ServerLimits;
use crate::suite::Scripted;

async fn impatient() -> Rig {
    let limits = ServerLimits { header_timeout: SHORT, ..server_limits() };
    Rig::start(small_limits(), limits).await
}

#[tokio::test]
async fn a_half_sent_header_is_given_up() {
    let rig = impatient().await;
    for half in ["", "POST /v1/chan", "POST / HTTP/1.1\r\nHost: hub\r\nX-Ha"] {
        let begun = Instant::now();
        rig.raw(half).await;
        let held = begun.elapsed();
        assert!(held >= SHORT && held < PATIENCE / 2, "{half:?} was held for {held:?}");
    }
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn a_header_in_drops_is_given_up() {
    let rig = impatient().await;
    let mut stream = rig.connect().await;
    let begun = Instant::now();
    stream.write_all(b"POST / HTTP/1.1\r\nX-Drops: ").await.unwrap();
    while stream.write_all(b"x").await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "held for as long as drops came");
        sleep(Duration::from_millis(20)).await;
    }
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let rig = impatient().await;
    let begun = Instant::now();
    let answer = rig.raw(rig.head("Content-Length: 0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let rig = Rig::small().await;
    let next = rig.head("Content-Length: 2\r\n\r\nok");
    let last = rig.head("Connection: close\r\nContent-Length: 2\r\n\r\nok");
    let answers = rig.raw(next.repeat(3) + &last).await;
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 4, "{answers}");
    assert_eq!(rig.inbox.arrivals().len(), 4);
}

#[tokio::test]
async fn headers_are_limited_in_size_and_number() {
    let rig = Rig::small().await;
    let large = rig.head(&format!("X-Large: {}\r\n\r\n", "x".repeat(16 * 1024)));
    let many = rig.head(&("X-Many: x\r\n".repeat(64) + "\r\n"));
    let endless = rig.head(&format!("X-Endless: {}", "x".repeat(1 << 20)));
    for hostile in [large, many, endless] {
        let answer = rig.raw(hostile).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn above_the_cap_connections_wait_their_turn() {
    let limits = ServerLimits { connections_max: 2, ..server_limits() };
    let rig = Rig::start(small_limits(), limits).await;
    rig.inbox.hold();
    let request = rig.head("Connection: close\r\nContent-Length: 2\r\n\r\nok");
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = rig.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        held.push(stream);
    }
    rig.inbox.has(2).await;
    sleep(SHORT).await;
    assert_eq!(rig.inbox.arrivals().len(), 2, "the third was taken above the cap");
    rig.inbox.release();
    for mut stream in held {
        assert!(to_end(&mut stream).await.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(rig.inbox.arrivals().len(), 3);
}

#[tokio::test]
async fn who_says_nothing_gives_its_place_to_who_comes() {
    let limits =
        ServerLimits { connections_max: 2, header_timeout: 4 * PATIENCE, ..server_limits() };
    let rig = Rig::start(small_limits(), limits).await;
    rig.inbox.hold();
    let mut heard = rig.connect().await;
    heard.write_all(rig.head("Content-Length: 2\r\n\r\nok").as_bytes()).await.unwrap();
    rig.inbox.has(1).await;
    let mut silent = Vec::new();
    for half in ["", "POST / HTTP/1.1\r\nX-Ha", "G"] {
        let mut stream = rig.connect().await;
        stream.write_all(half.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    let mut last = rig.connect().await;
    let request = rig.head("Connection: close\r\nContent-Length: 2\r\n\r\nok");
    last.write_all(request.as_bytes()).await.unwrap();
    rig.inbox.has(2).await;
    for stream in &mut silent {
        assert_eq!(to_end(stream).await, "");
    }
    rig.inbox.release();
    assert!(to_end(&mut last).await.starts_with("HTTP/1.1 200 "));
    // The first had its place all the time, for something is being done for it.
    heard.write_all(request.as_bytes()).await.unwrap();
    let answers = to_end(&mut heard).await;
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 2, "{answers}");
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_given_up() {
    let answer = || async { vec![b'x'; 64 << 20] };
    let app = Router::new().route("/large", get(answer));
    let limits = ServerLimits { connections_max: 1, write_timeout: SHORT, ..server_limits() };
    let rig = Rig::serving(Scripted::new([]), app, limits).await;
    let mut stream = rig.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: hub\r\n\r\n").await.unwrap();
    // The one place is free again without the first having read a byte.
    let url = format!("http://{}/large", rig.address);
    let answer = rig.client.get(url).send().await.unwrap();
    assert_eq!(answer.bytes().await.unwrap().len(), 64 << 20);
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("never closed");
    assert!(rest.len() < 64 << 20);
}

#[tokio::test]
async fn stopping_does_not_wait_for_the_idle_and_takes_no_new_ones() {
    let rig = Rig::small().await;
    let mut idle = rig.connect().await;
    let head = rig.head("Content-Length: 0\r\n\r\n");
    idle.write_all(head.as_bytes()).await.unwrap();
    rig.inbox.has(1).await;
    let begun = Instant::now();
    rig.stopped().await;
    assert!(begun.elapsed() < server_limits().header_timeout / 2);
    assert!(to_end(&mut idle).await.starts_with("HTTP/1.1 200 "));
    assert!(tokio::net::TcpStream::connect(rig.address).await.is_err());
}

#[tokio::test]
async fn who_still_sends_after_its_answer_is_not_reset_at_once() {
    let limits = ServerLimits { linger: PATIENCE, ..server_limits() };
    let rig = Rig::start(small_limits(), limits).await;
    let mut stream = rig.connect().await;
    let head = rig.head("Content-Length: 1000000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = to_end(&mut stream).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    for _ in 0..3 {
        stream.write_all(&[b'x'; 1000]).await.unwrap();
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn stopping_has_a_deadline() {
    let limits = ServerLimits { stop_timeout: SHORT, header_timeout: PATIENCE, ..server_limits() };
    let rig = Rig::start(small_limits(), limits).await;
    let mut stream = rig.connect().await;
    stream.write_all(rig.head("X-Half: a").as_bytes()).await.unwrap();
    sleep(SHORT).await;
    let begun = Instant::now();
    rig.stopped().await;
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < PATIENCE / 2);
    assert_eq!(to_end(&mut stream).await, "");
}

fn tells_to_come_again(answer: &str) {
    let lower = answer.to_ascii_lowercase();
    assert!(lower.starts_with("http/1.1 503 "), "{answer}");
    for told in ["\r\nretry-after: ", "application/problem+json", "\"code\":\"later\""] {
        assert!(lower.contains(told), "{told} in {answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_in_time_when_stopping_is_told_to_come_again() {
    let limits = ServerLimits { finish_timeout: SHORT, ..server_limits() };
    let rig = Rig::start(small_limits(), limits).await;
    rig.inbox.hold();
    let mut stuck = rig.connect().await;
    stuck.write_all(rig.head("Content-Length: 2\r\n\r\nok").as_bytes()).await.unwrap();
    rig.inbox.has(1).await;
    let mut unread = rig.connect().await;
    unread.write_all(rig.head("Content-Length: 20\r\n\r\nhalf").as_bytes()).await.unwrap();
    sleep(SHORT).await;
    rig.stopped().await;
    for stream in [&mut stuck, &mut unread] {
        tells_to_come_again(&to_end(stream).await);
    }
}

#[tokio::test]
async fn when_stopping_what_is_under_way_is_answered_and_what_still_comes_is_put_off() {
    let rig = Rig::small().await;
    rig.inbox.hold();
    let mut under_way = rig.connect().await;
    under_way.write_all(rig.head("Content-Length: 2\r\n\r\nok").as_bytes()).await.unwrap();
    rig.inbox.has(1).await;
    let mut coming = rig.connect().await;
    coming.write_all(rig.head("X-Half: a").as_bytes()).await.unwrap();
    sleep(SHORT).await;
    rig.stop.cancel();
    coming.write_all(b"\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    tells_to_come_again(&to_end(&mut coming).await);
    rig.inbox.release();
    assert!(to_end(&mut under_way).await.starts_with("HTTP/1.1 200 "));
    rig.stopped().await;
    assert_eq!(rig.inbox.arrivals().len(), 1);
}
