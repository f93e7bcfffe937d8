//! Many rows: what they cost, and readers who are slow or go away in their midst.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::fetched;
use crate::{
    bench::{figures, told},
    harness::{Folder, Hub, Sender},
};

/// Dossiers, of three records each: more bytes than lines between two processes hold.
const DOSSIERS: &str = "3000";
const ROWS: usize = 9_000;
/// Exports at once in one process.
const EXPORTS_MAX: usize = 4;
/// How long the hub may take to see that a reader has left.
const SOON: Duration = Duration::from_secs(20);
/// What a hub may hold, a million rows or these.
const MEMORY_MAX_KIB: u64 = 200 * 1024;

/// A reader that asks and reads no more than the beginning.
fn stalled(reader: &Sender, path: &str) -> TcpStream {
    let address = reader.url.strip_prefix("http://").unwrap();
    let mut line = TcpStream::connect(address).unwrap();
    let key = reader.key();
    write!(line, "GET {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {key}\r\n\r\n")
        .unwrap();
    let mut begun = [0; 12];
    line.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    line
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_flat_and_readers_that_leave_end_the_work() {
    let folder = Folder::new("exports-large");
    let store = folder.path().join("nhieu.db").display().to_string();
    let names = figures(&["export", "--dossiers", DOSSIERS, "--seed", "11", "--store", &store]);
    told(&names, &["rows", "pages of 1000", "ndjson", "csv", "xlsx", "parquet"]);
    told(&names, &["parquet, memory of the hub, peak", "csv, CPU of the hub", "xlsx, size"]);
    let folder = folder.with_store(format!("sqlite:{store}"));
    let key = folder.key("operator");
    let hub = Hub::start_among(&folder, &[("LIENTHONG_LOG", "info".as_ref())]).await;
    let operator = hub.sender(&key);
    for format in ["ndjson", "csv", "xlsx", "parquet"] {
        let (bytes, _) = fetched(&operator, &format!("/v1/exports/records.{format}")).await;
        if format == "ndjson" {
            assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), ROWS);
        }
    }
    assert!(hub.peak_kib() < MEMORY_MAX_KIB, "{} KiB", hub.peak_kib());
    let line = "who=operator feed=\"records\" format=\"parquet\" rows=9000";
    let began = Instant::now();
    while !plain(&folder.log()).contains(line) {
        assert!(began.elapsed() < SOON, "{}", folder.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    left(&folder, &operator).await;
    hub.stop();
}

/// The log without colours.
fn plain(log: &str) -> String {
    let mut parts = log.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.filter_map(|part| part.split_once('m')).map(|(_, text)| text).collect::<String>()
}

/// As many slow readers as there is room for; then they go.
async fn left(folder: &Folder, operator: &Sender) {
    let before = folder.log().matches("an export was left").count();
    let path = "/v1/exports/records.ndjson";
    let lines: Vec<TcpStream> = (0..EXPORTS_MAX).map(|_| stalled(operator, path)).collect();
    let (status, problem) = operator.get(path).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("too-many-exports")));
    // Who asks for anything else is answered meanwhile.
    assert_eq!(operator.status("/v1/feeds/records?limit=1").await, 200);
    drop(lines);
    let began = Instant::now();
    while folder.log().matches("an export was left").count() < before + EXPORTS_MAX {
        assert!(began.elapsed() < SOON, "{}", folder.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (bytes, _) = fetched(operator, "/v1/exports/dossiers.csv").await;
    assert!(!bytes.is_empty());
    assert!(fs::metadata(folder.path().join("nhieu.db")).is_ok());
}
