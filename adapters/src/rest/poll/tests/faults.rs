//! Servers that fail, lie or refuse: each a status of its own, and reading goes on where it was.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Server, desk, listed, loopback, page, status, with};
use crate::{
    reach::Reach,
    reading::{Pace, fixture::Desk},
    rest::poll::{Credentials, OAuth, Paging, RestPoll},
    suite::Scripted,
};

#[tokio::test]
async fn every_failure_has_its_name_and_its_pace() {
    let minute = Pace::After(Duration::from_secs(60));
    for (answer, code, pace) in [
        (status(401), "credentials-refused", Pace::Mended),
        (status(403), "credentials-refused", Pace::Mended),
        (status(404), "request-refused", Pace::Mended),
        (status(500), "server-failed", Pace::Soon),
        (status(503), "server-failed", Pace::Soon),
        (status(429), "asked-to-wait", minute),
        (
            with(status(429), "retry-after", "7"),
            "asked-to-wait",
            Pace::After(Duration::from_secs(7)),
        ),
        (with(status(503), "retry-after", "60"), "asked-to-wait", minute),
        (with(status(302), "location", "http://127.0.0.1/"), "moved", Pace::Mended),
        (page("<html>"), "answer-not-understood", Pace::Mended),
        (page("{\"ds\":[]}"), "answer-not-understood", Pace::Mended),
    ] {
        let server = Server::of([answer, page(r#"[{"ma":1}]"#)]).await;
        let mut settings = server.settings("/ho-so");
        settings.listed = listed();
        let desk = desk(settings);
        let trouble = desk.turn().await.unwrap_err();
        assert_eq!((trouble.code, trouble.pace), (code, pace), "{trouble:?}");
        assert!(!trouble.told.vi.is_empty() && trouble.told.vi != trouble.told.en);
        assert_eq!(desk.turn().await.unwrap().taken, 1, "after {code}");
    }
}

#[tokio::test]
async fn a_time_to_come_back_is_heeded() {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(90);
    let at = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap();
    let server = Server::of([with(status(503), "retry-after", &at)]).await;
    let trouble = desk(server.settings("/")).turn().await.unwrap_err();
    let Pace::After(wait) = trouble.pace else { panic!("{trouble:?}") };
    assert!((85..=91).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test]
async fn bodies_have_a_limit_told_and_untold() {
    for body in ["x".repeat(5_000), "x".repeat(400_000)] {
        let server = Server::start(move |_| page(body.clone())).await;
        let mut settings = server.settings("/");
        settings.limits.body_bytes_max = 4_000;
        let trouble = desk(settings).turn().await.unwrap_err();
        assert_eq!(trouble.code, "limit-exceeded");
        assert!(trouble.told.en.contains("body_bytes_max = 4000"), "{trouble:?}");
    }
}

/// A socket that says something by hand.
async fn raw(answer: &'static [u8], linger: Duration) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4_096]).await;
                let _ = socket.write_all(answer).await;
                tokio::time::sleep(linger).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[{\"ma\":1}]";
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n[{\"ma\":1\r\n";
    let bits: [(&'static [u8], Duration); 4] = [
        (half, Duration::ZERO),
        (chunked, Duration::ZERO),
        (b"", Duration::ZERO),
        (half, Duration::from_secs(60)),
    ];
    for (answer, linger) in bits {
        let address = raw(answer, linger).await;
        let server = Server::of([]).await;
        let mut settings = server.settings("/");
        settings.url = format!("http://{address}/").parse().unwrap();
        settings.limits.answer_max = Duration::from_secs(1);
        let desk = desk(settings);
        let trouble = desk.turn().await.unwrap_err();
        assert_eq!((trouble.code, trouble.pace), ("connection-lost", Pace::Soon), "{trouble:?}");
        assert_eq!(desk.inbox.arrivals().len(), 0);
    }
}

#[tokio::test]
async fn nobody_there_is_told() {
    let server = Server::of([]).await;
    let mut settings = server.settings("/");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    settings.url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    assert_eq!(desk(settings).turn().await.unwrap_err().code, "cannot-connect");
}

/// What an address is, is judged, by whatever name it goes; nothing is sent there.
#[tokio::test]
async fn private_addresses_are_reached_only_where_they_are_named() {
    let server = Server::of([]).await;
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let mut settings = server.settings("/");
        settings.url = format!("http://{host}:{port}/").parse().unwrap();
        let reader = RestPoll::new(settings, Arc::new(Reach::default())).unwrap();
        let trouble = Desk::new(reader, Scripted::new([])).turn().await.unwrap_err();
        assert_eq!(trouble.code, "address-not-allowed", "{host}: {trouble:?}");
    }
    assert_eq!(server.asked().len(), 0);
    let mut settings = server.settings("/");
    settings.url = format!("http://localhost:{port}/").parse().unwrap();
    assert!(desk(settings).turn().await.is_ok(), "a name of an address that is allowed");
}

#[tokio::test]
async fn the_hub_says_who_it_is() {
    let secret = || "mật khẩu".to_owned();
    let header = || "k-1".to_owned();
    for (credentials, expected) in [
        (Credentials::Basic { user: "dn".to_owned(), secret: secret() }, "Basic "),
        (Credentials::Header { name: "x-api-key".to_owned(), secret: header() }, "k-1"),
    ] {
        assert!(!format!("{credentials:?}").contains("k-1"), "no secret in what is shown");
        let server = Server::of([]).await;
        let mut settings = server.settings("/");
        settings.credentials = credentials;
        desk(settings).turn().await.unwrap();
        let asked = server.asked().remove(0);
        let told = asked.authorization.or(asked.key).unwrap();
        assert!(told.starts_with(expected), "{told}");
    }
}

/// A token is asked for once, and again when it is refused before its time.
#[tokio::test]
async fn a_token_is_given_used_and_renewed() {
    let mut given = 0;
    let mut refuse_first = true;
    let server = Server::start(move |asked| {
        if asked.uri == "/token" {
            given += 1;
            return page(format!(r#"{{"access_token":"t-{given}","expires_in":"3600"}}"#));
        }
        if asked.authorization.as_deref() == Some("Bearer t-1") && !refuse_first {
            return status(401);
        }
        refuse_first = false;
        page(format!("[{given}]"))
    })
    .await;
    let mut settings = server.settings("/ho-so");
    let token_url = format!("http://{}/token", server.address);
    let (client, secret) = ("hub".to_owned(), "s-1".to_owned());
    settings.credentials =
        Credentials::OAuth(OAuth { token_url, client, secret, scope: Some("ho-so".to_owned()) });
    let desk = desk(settings);
    for _ in 0..3 {
        desk.turn().await.unwrap();
    }
    assert_eq!(server.uris(), ["/token", "/ho-so", "/ho-so", "/token", "/ho-so", "/ho-so"]);
    assert!(server.asked()[0].authorization.as_ref().unwrap().starts_with("Basic "));
    server.says(|_| status(400));
    let mut settings = server.settings("/ho-so");
    let token_url = format!("http://{}/token", server.address);
    let (client, secret) = ("hub".to_owned(), "s-2".to_owned());
    settings.credentials = Credentials::OAuth(OAuth { token_url, client, secret, scope: None });
    let trouble = super::desk(settings).turn().await.unwrap_err();
    assert_eq!(trouble.code, "credentials-refused");
    assert!(!format!("{trouble:?}").contains("s-2"));
}

/// Whether a turn that failed had got on is known: it goes on behind the last page that was read.
#[tokio::test]
async fn a_turn_that_read_a_page_before_it_failed_has_moved() {
    let server = Server::of([page(r#"[{"ma":1}]"#), status(500), status(500)]).await;
    let mut settings = server.settings("/?trang={page}");
    settings.listed = listed();
    settings.paging = Paging::Number { first: 1 };
    let desk = desk(settings);
    for moved in [true, false] {
        assert_eq!(desk.turn().await.unwrap_err().code, "server-failed");
        assert_eq!(desk.moved.load(Ordering::Acquire), moved);
    }
    assert_eq!(server.uris(), ["/?trang=1", "/?trang=2", "/?trang=2"]);
}

/// A turn that has passed to another process moves nothing.
#[tokio::test]
async fn a_lost_turn_moves_nothing() {
    let server = Server::of([with(page(""), "etag", "\"a\"")]).await;
    let mut settings = server.settings("/?trang={page}");
    settings.listed = listed();
    settings.paging = Paging::Number { first: 1 };
    let desk = desk(settings);
    desk.lose();
    assert_eq!(desk.turn().await.unwrap_err().code, "turn-lost");
    assert_eq!(desk.cursor(), None);
    let reader = RestPoll::new(server.settings("/"), loopback()).unwrap();
    let strange = Desk::new(reader, Scripted::new([]));
    strange.notebook_cursor("not ours");
    assert_eq!(strange.turn().await.unwrap_err().code, "cursor-unreadable");
}
