//! One agency that holds all its places with requests that never end takes none of another's.

use std::{fs, time::Duration};

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

use crate::{
    backend::Backend,
    harness::{Hub, Sender},
    lienthong::stderr,
};

const PLACES: usize = 3;
const HOLDER: &str = "ubnd-bien-hoa";
const OTHER: &str = "so-giao-thong-van-tai";

/// Begins a request whose body never comes to its end.
async fn begins(sender: &Sender) -> TcpStream {
    let host = sender.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /v1/channels/{HOLDER}.ho-so/messages HTTP/1.1\r\nHost: {host}\r\n\
         Authorization: Bearer {}\r\nContent-Length: 1000\r\n\r\n{{",
        sender.key()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_agency_that_holds_its_places_is_told_so_and_others_are_served() {
    let folder = Backend::Sqlite.folder("quota");
    let file = folder.path().join(format!("agencies/{HOLDER}/agency.toml"));
    let text = fs::read_to_string(&file).unwrap();
    let with = |number: &str| format!("requests_at_once = {number}\n{text}");
    for number in ["0", "1025", "\"3\""] {
        fs::write(&file, with(number)).unwrap();
        let told = folder.run(&["check"]);
        let words = stderr(&told);
        assert_eq!(told.status.code(), Some(1), "{words}");
        assert!(words.contains("agency.toml:1:20"), "{words}");
    }
    fs::write(&file, with(&PLACES.to_string())).unwrap();
    let (holder, other) =
        (folder.key(&format!("agency:{HOLDER}")), folder.key(&format!("agency:{OTHER}")));
    let hub = Hub::start(&folder).await;
    let (holder, other) = (hub.sender(&holder), hub.sender(&other));
    let (mut held, mut told) = (Vec::new(), None);
    // One that comes while there is no place is told so and closed: more of them come until all
    // places are held.
    for _ in 0..100 {
        held.push(begins(&holder).await);
        let answer = holder.post(&format!("{HOLDER}.ho-so"), Some("m-1"), b"{}").await.unwrap();
        if answer.status() == 429 {
            told = Some(answer);
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let told = told.unwrap();
    assert_eq!(told.headers()["retry-after"], "1");
    assert_eq!(told.headers()["content-type"], "application/problem+json");
    let problem: serde_json::Value = told.json().await.unwrap();
    assert_eq!(
        (&problem["code"], &problem["requests_at_once"]),
        (&json!("too-many-at-once"), &json!(PLACES))
    );
    assert_eq!(problem["detail"], "Cơ quan được gửi tối đa 3 yêu cầu cùng lúc.");
    // Whoever has not shown who it is takes no place, and none of the other's is taken.
    let list = br#"{"DuLieu":[]}"#;
    let (status, receipt) = other.push(&format!("{OTHER}.ho-so"), Some("m"), list).await.unwrap();
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    let stranger = Sender { key: "ltk_nobody".to_owned(), ..holder.clone() };
    let answer = stranger.post(&format!("{HOLDER}.ho-so"), None, b"{}").await.unwrap();
    assert_eq!(answer.status(), 401);
    // A place comes back when its request ends, however it does.
    drop(held);
    let mut status = 429;
    for _ in 0..100 {
        let answer = holder.post(&format!("{HOLDER}.ho-so"), Some("m-2"), b"{}").await.unwrap();
        status = answer.status().as_u16();
        if status != 429 {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status, 422);
    hub.stop();
}
