//! Pages, watermarks, and what is not taken twice.

use serde_json::json;

use super::{Paging, Server, desk, listed, page, status, with};

/// Rows of a version.
fn rows(told: &[(u32, &str)]) -> String {
    let row = |(key, at): &(u32, &str)| json!({ "ma": key, "sua": at });
    serde_json::Value::from(told.iter().map(row).collect::<Vec<_>>()).to_string()
}

#[tokio::test]
async fn pages_by_number_end_with_one_that_is_empty() {
    let server = Server::of([
        page(rows(&[(1, "2026-01-01T08:00:00"), (2, "2026-01-01T08:01:00")])),
        page(rows(&[(3, "2026-01-01T08:02:00")])),
    ])
    .await;
    let mut settings = server.settings("/ho-so?tu={since}&trang={page}");
    settings.listed = listed();
    settings.since = Some("2013-01-01T00:00:00".to_owned());
    settings.paging = Paging::Number { first: 0 };
    let desk = desk(settings);
    assert_eq!(desk.turn().await.unwrap().taken, 3);
    desk.turn().await.unwrap();
    assert_eq!(
        server.uris(),
        [
            "/ho-so?tu=2012-12-31T23%3A59%3A00&trang=0",
            "/ho-so?tu=2012-12-31T23%3A59%3A00&trang=1",
            "/ho-so?tu=2012-12-31T23%3A59%3A00&trang=2",
            "/ho-so?tu=2026-01-01T08%3A01%3A00&trang=0",
        ]
    );
    assert_eq!(
        desk.inbox.arrivals()[0].1.payload,
        rows(&[(1, "2026-01-01T08:00:00"), (2, "2026-01-01T08:01:00")]).replace("},", "},\n")
            + "\n"
    );
}

/// What overlaps is read again and taken once; a row that changes, and changes back, is new.
#[tokio::test]
async fn what_is_read_again_is_taken_once_and_what_changes_each_time() {
    let early = "2026-01-01T08:00:00";
    let server = Server::of([
        page(rows(&[(1, early), (2, early)])),
        page(rows(&[(2, early), (1, early), (2, early)])),
        page(rows(&[(1, "2026-01-01T09:00:00"), (2, early)])),
        page(rows(&[(1, early)])),
    ])
    .await;
    let mut settings = server.settings("/ho-so?tu={since}");
    settings.listed = listed();
    settings.since = Some("2013-01-01".to_owned());
    let desk = desk(settings);
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(desk.turn().await.unwrap().taken);
    }
    assert_eq!(taken, [2, 0, 1, 1]);
    let ids: Vec<_> = desk.inbox.arrivals().into_iter().map(|(_, one)| one.key.unwrap()).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn pages_are_followed_by_the_body_and_by_links_and_never_elsewhere() {
    let server = Server::start(|asked| match asked.uri.as_str() {
        "/a?c=" => page(r#"{"ds":[{"ma":1}],"tiep":"x y"}"#),
        "/a?c=x%20y" => page(r#"{"ds":[{"ma":2}],"tiep":null}"#),
        "/b" => with(page(r#"{"ds":[{"ma":3}]}"#), "link", "</b?trang=2>; rel=\"next\""),
        "/b?trang=2" => page(r#"{"ds":[{"ma":4}]}"#),
        "/c" => page(r#"{"ds":[{"ma":5}],"tiep":"http://127.0.0.1:1/c"}"#),
        "/d" => page(r#"{"ds":[{"ma":6}],"tiep":"/d"}"#),
        _ => status(404),
    })
    .await;
    let settings = |path: &str, paging: Paging| {
        let mut settings = server.settings(path);
        settings.listed = listed();
        settings.listed.as_mut().unwrap().items = "ds".parse().unwrap();
        settings.paging = paging;
        settings
    };
    let body = || Paging::Body { next: "tiep".parse().unwrap() };
    for (path, paging) in [("/a?c={cursor}", body()), ("/b", Paging::Link)] {
        let desk = desk(settings(path, paging));
        assert_eq!(desk.turn().await.unwrap().taken, 2, "{path}");
        assert_eq!(desk.rows().len(), 2);
    }
    let elsewhere = desk(settings("/c", body()));
    let trouble = elsewhere.turn().await.unwrap_err();
    assert!(trouble.told.en.contains("does not follow"), "{trouble:?}");
    assert_eq!(elsewhere.rows(), [] as [serde_json::Value; 0]);
    let round = desk(settings("/d", body()));
    let trouble = round.turn().await.unwrap_err();
    assert!(trouble.told.en.contains("leads back"), "{trouble:?}");
}

#[tokio::test]
async fn a_server_that_pages_for_ever_is_stopped_and_goes_on_where_it_was() {
    let mut number = 0;
    let server = Server::start(move |_| {
        number += 1;
        page(format!(r#"[{{"ma":{number}}}]"#))
    })
    .await;
    let mut settings = server.settings("/ho-so?trang={page}");
    settings.listed = listed();
    settings.paging = Paging::Number { first: 1 };
    settings.limits.pages_max = 3;
    let desk = desk(settings);
    assert_eq!(desk.turn().await.unwrap_err().code, "limit-exceeded");
    assert_eq!(desk.turn().await.unwrap_err().code, "limit-exceeded");
    assert_eq!(server.uris()[3], "/ho-so?trang=4");
    assert_eq!(desk.rows().len(), 6);
}

/// A server that knows no pages gives the same one under every number.
#[tokio::test]
async fn a_page_like_the_one_before_is_the_last() {
    let server = Server::start(|_| page(r#"[{"ma":1}]"#)).await;
    let mut settings = server.settings("/ho-so?trang={page}");
    settings.listed = listed();
    settings.paging = Paging::Number { first: 1 };
    let desk = desk(settings);
    assert_eq!(desk.turn().await.unwrap().taken, 1);
    assert_eq!(server.uris().len(), 2);
}

#[tokio::test]
async fn a_row_with_a_date_far_ahead_does_not_hide_those_after_it() {
    let server =
        Server::of([page(rows(&[(1, "2099-01-01T00:00:00"), (2, "2020-05-05T05:05:05")]))]);
    let server = server.await;
    let mut settings = server.settings("/ho-so?tu={since}");
    settings.listed = listed();
    settings.since = Some("2013-01-01T00:00:00".to_owned());
    let desk = desk(settings);
    desk.turn().await.unwrap();
    desk.turn().await.unwrap();
    let asked = server.uris().pop().unwrap();
    assert!(asked.starts_with("/ho-so?tu=20") && !asked.contains("=209"), "{asked}");
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = Server::start(|asked| match asked.etag.as_deref() {
        Some("\"v1\"") => status(304),
        _ => with(page("<hoSo/>"), "etag", "\"v1\""),
    })
    .await;
    let desk = desk(server.settings("/ho-so.xml"));
    assert_eq!(desk.turn().await.unwrap().taken, 1);
    assert_eq!(desk.turn().await.unwrap().taken, 0);
    assert_eq!(server.asked()[1].etag.as_deref(), Some("\"v1\""));
    server.says(|_| page("<hoSo/>"));
    assert_eq!(desk.turn().await.unwrap().taken, 0, "equal bytes are nothing new");
    server.says(|_| page("<hoSo>2</hoSo>"));
    assert_eq!(desk.turn().await.unwrap().taken, 1);
    assert_eq!(desk.inbox.arrivals()[1].1.payload, "<hoSo>2</hoSo>");
}

#[tokio::test]
async fn many_rows_are_several_messages_and_one_without_a_key_goes_along() {
    let rows: Vec<String> = (0..1_201).map(|key| format!(r#"{{"ma":{key}}}"#)).collect();
    let text = format!("[{},{{\"x\":1}},null]", rows.join(","));
    let server = Server::start(move |_| page(text.clone())).await;
    let mut settings = server.settings("/ho-so");
    settings.listed = listed();
    let desk = desk(settings);
    assert_eq!(desk.turn().await.unwrap().taken, 1_203);
    let sizes: Vec<usize> = desk
        .inbox
        .arrivals()
        .iter()
        .map(|(_, one)| one.payload.iter().filter(|byte| **byte == b'\n').count())
        .collect();
    assert_eq!(sizes, [500, 500, 203]);
    assert_eq!(desk.turn().await.unwrap().taken, 0);
}
