//! Who may send, under which key, and what goes along.

use super::{Rig, problem, request_line};
use crate::suite::CHANNEL;

#[tokio::test]
async fn nobody_is_heard_before_the_door_opens() {
    let rig = Rig::small().await;
    let asking = "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let answer = rig.raw(format!("{}{asking}", request_line())).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let answer = rig.post_to(CHANNEL).bearer_auth("wrong").body("x").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(answer).await["code"], "unauthenticated");
    let twice = rig.post().header("Authorization", "Bearer right").body("x").send().await;
    assert_eq!(twice.unwrap().status(), 401);
    let other = rig.post_to("so-y-te.dossiers").bearer_auth("right").send().await.unwrap();
    assert_eq!(other.status(), 403);
    assert_eq!(problem(other).await["code"], "forbidden");
    let bytes = rig.post_to("%FF").bearer_auth("right").send().await.unwrap();
    assert_eq!(problem(bytes).await["code"], "bad-request");
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn a_sender_may_ask_before_it_sends_the_body() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rig = Rig::small().await;
    let mut stream = rig.connect().await;
    let head = "Connection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(rig.head(head).as_bytes()).await.unwrap();
    let mut go = [0; 25];
    tokio::time::timeout(super::PATIENCE, stream.read_exact(&mut go)).await.unwrap().unwrap();
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let answer = super::to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(rig.inbox.arrivals()[0].1.payload, "hello");
}

#[tokio::test]
async fn a_key_is_plain_and_not_endless() {
    let rig = Rig::small().await;
    let end = "Connection: close\r\nContent-Length: 0\r\n\r\n";
    for key in ["k".repeat(300), "k".repeat(256), "a b".into(), "khóa".into(), String::new()] {
        let head = rig.head(&format!("Idempotency-Key: {key}\r\n{end}"));
        let answer = rig.raw(head).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("bad-key"), "{answer}");
    }
    let twice = rig.head(&format!("Idempotency-Key: a\r\nIdempotency-Key: a\r\n{end}"));
    assert!(rig.raw(twice).await.contains("bad-key"));
    rig.takes_two_good_ones().await;
    let longest = "~".repeat(255);
    let answer = rig.post().header("Idempotency-Key", &longest).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(rig.inbox.arrivals()[2].1.key.as_ref(), Some(&longest));
    assert_eq!(rig.post().send().await.unwrap().status(), 200);
    assert_eq!(rig.inbox.arrivals()[3].1.key, None);
}

#[tokio::test]
async fn headers_cannot_smuggle_others_in() {
    let rig = Rig::small().await;
    let end = "Content-Length: 0\r\n\r\n";
    for evil in [
        "Idempotency-Key: a\rX-Evil: 1\r\n",
        "Idempotency-Key: a\0b\r\n",
        "Idempotency-Key: a\r\n folded\r\n",
        "Idempotency-Key : a\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: gzip\r\n",
    ] {
        let answer = rig.raw(rig.head(&format!("{evil}{end}"))).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{evil:?}: {answer}");
    }
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn what_goes_along_is_listed_and_never_a_credential() {
    let rig = Rig::small().await;
    let request = rig
        .post()
        .header("Content-Type", "application/xml; charset=utf-8")
        .header("Idempotency-Key", "k-1")
        .header("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("User-Agent", "mot-cua/2")
        .header("X-Request-Id", "r-1")
        .header("Date", "Tue, 24 Nov 2026 00:00:00 GMT")
        .header("Cookie", "secret")
        .header("X-Other", "other");
    assert_eq!(request.body("<a/>").send().await.unwrap().status(), 200);
    let arrival = rig.inbox.arrivals().remove(0).1;
    assert_eq!(arrival.content_type.as_deref(), Some("application/xml; charset=utf-8"));
    assert_eq!(arrival.key.as_deref(), Some("k-1"));
    assert_eq!(arrival.cursor, None);
    let names: Vec<_> = arrival.headers.iter().map(|(name, _)| name.as_str()).collect();
    let kept =
        ["content-type", "idempotency-key", "traceparent", "user-agent", "x-request-id", "date"];
    assert_eq!(names, kept);
}
