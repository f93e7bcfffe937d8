//! What is refused before it is translated: broken HTTP, of which nothing is kept, and bodies that
//! are too much or not packed as is said, which are kept as refused. Its sender is told.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use super::{BIEN_HOA, Siege, good};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Everything a connection answers until it closes or falls silent.
fn converse(url: &str, sent: &[u8], hang_up: bool) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The hub may answer and close before all is sent: then the rest is not wanted.
    let _ = stream.write_all(sent);
    if hang_up {
        return String::new();
    }
    let mut told = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        told.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&told);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok()
            });
            length.is_some_and(|length| body.len() >= length)
        });
        if whole {
            break;
        }
    }
    String::from_utf8_lossy(&told).into_owned()
}

fn gzip(name: &str) -> Vec<u8> {
    let path = crate::lienthong::root().join("tests/corpus/packed").join(name);
    std::fs::read(path).unwrap()
}

/// The codes of what is kept, and the rule that it breaks.
const KEPT: &[(&str, &str)] = &[
    ("payload-too-large", "payload_bytes_max = "),
    ("inflates-too-far", "inflation_max = "),
    ("broken-gzip", "Content-Encoding: gzip"),
];

type Refused = (&'static str, String, Vec<u8>, u16, &'static str);

/// Name, headers after the credential, body, status, code; no code where HTTP itself is broken.
fn refused(small: &[u8]) -> Vec<Refused> {
    let mut all = headers(small);
    let chunked = |more: &str| format!("Transfer-Encoding: chunked\r\n{more}");
    let chunk = [format!("{:x}\r\n", small.len()).as_bytes(), small, b"\r\n0\r\n\r\n"].concat();
    let megabytes = [b"1000000\r\n".to_vec(), vec![b' '; 1 << 24], b"\r\n".to_vec()].concat();
    let cut = "payload-cut-short";
    let two = chunked("Transfer-Encoding: identity\r\n");
    all.push(("endless-chunks", chunked(""), megabytes.repeat(5), 413, "payload-too-large"));
    all.push(("two-codings", two, chunk, 400, ""));
    all.push(("chunk-too-long", chunked(""), b"fffffffffffffffff\r\n".to_vec(), 400, cut));
    all.push(("chunk-no-number", chunked(""), b"zz\r\n".to_vec(), 400, cut));
    for (name, status, code) in [
        ("garbage-after.gz", 400, "broken-gzip"),
        ("truncated.gz", 400, "broken-gzip"),
        ("not-gzip.gz", 400, "broken-gzip"),
        ("wrong-checksum.gz", 400, "broken-gzip"),
        ("bomb.gz", 413, "inflates-too-far"),
    ] {
        let (headers, body) = packed(name);
        all.push((name, headers, body, status, code));
    }
    all
}

/// A sound body behind headers that are not.
fn headers(small: &[u8]) -> Vec<Refused> {
    let length = small.len();
    let plain = |more: &str| format!("Content-Length: {length}\r\n{more}");
    let long_key = format!("Idempotency-Key: {}\r\n", "9".repeat(300));
    let long = format!("X-Y: {}\r\n", "a".repeat(70_000));
    let gigabyte = "Content-Length: 1073741824\r\n".to_owned();
    let negative = "Content-Length: -1\r\n".to_owned();
    let odd = "Content-Encoding: br\r\n";
    [
        ("one-gigabyte", gigabyte, 413, "payload-too-large"),
        ("two-ids", plain("Idempotency-Key: another\r\n"), 400, "bad-key"),
        ("long-id", plain(&long_key), 400, "bad-key"),
        ("unknown-packing", plain(odd), 415, "unknown-encoding"),
        ("two-lengths", plain("Content-Length: 3\r\n"), 400, ""),
        ("negative-length", negative, 400, ""),
        ("space-before-colon", plain("X-Y : 1\r\n"), 400, ""),
        ("folded-header", plain("X-Y: 1\r\n 2\r\n"), 400, ""),
        ("nul-in-header", plain("X-Y: a\0b\r\n"), 400, ""),
        ("huge-header", plain(&long), 431, ""),
    ]
    .map(|(name, headers, status, code)| (name, headers, small.to_vec(), status, code))
    .into()
}

/// The headers and the body of a packed payload.
fn packed(name: &str) -> (String, Vec<u8>) {
    let body = gzip(name);
    (format!("Content-Length: {}\r\nContent-Encoding: gzip\r\n", body.len()), body)
}

fn head(siege: &Siege, id: &str, headers: &str) -> String {
    let key = siege.sender(BIEN_HOA).key();
    format!(
        "POST /v1/channels/{BIEN_HOA}/messages HTTP/1.1\r\nHost: hub\r\n\
         Authorization: Bearer {key}\r\nIdempotency-Key: {id}\r\n{headers}\r\n"
    )
}

/// Plays all of it; gives what differs.
pub(super) async fn play(siege: &mut Siege) -> Vec<String> {
    let mut wrong = Vec::new();
    let small = good(BIEN_HOA);
    for (name, headers, body, status, code) in refused(&small) {
        let id = format!("door-{name}");
        let mut request = head(siege, &id, &headers).into_bytes();
        request.extend_from_slice(&body);
        let url = siege.hub.url.clone();
        let told = tokio::task::spawn_blocking(move || converse(&url, &request, false));
        let told = told.await.unwrap();
        if !told.starts_with(&format!("HTTP/1.1 {status} ")) {
            let line = told.lines().next().unwrap_or("nothing");
            wrong.push(format!("{name}: it is answered {line}, not {status}"));
        }
        let body = told.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let problem: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        if problem["code"].as_str().unwrap_or_default() != code {
            wrong.push(format!("{name}: its code is {}, not {code}", problem["code"]));
        }
        let silent = |member: &&str| problem[*member].as_str().is_none_or(str::is_empty);
        if !code.is_empty() && ["title", "title_en", "advice", "advice_en"].iter().any(silent) {
            wrong.push(format!("{name}: no advice in two languages: {problem}"));
        }
        match KEPT.iter().find(|(kept, _)| *kept == code) {
            Some((_, rule)) => wrong.extend(recorded(siege, &id, (rule, &problem)).await),
            None => wrong.extend(unrecorded(siege, &id).await),
        }
        siege.next_is_accepted(BIEN_HOA, name).await;
    }
    wrong.extend(left_half_sent(siege, &small).await);
    wrong.extend(smuggled(siege, &small).await);
    let (headers, body) = packed("two-members.gz");
    let mut request = head(siege, "door-two-members", &headers).into_bytes();
    request.extend_from_slice(&body);
    let url = siege.hub.url.clone();
    let told = tokio::task::spawn_blocking(move || converse(&url, &request, false)).await.unwrap();
    if !told.starts_with("HTTP/1.1 200 ") {
        wrong.push(format!("gzip of several members is one payload: {told}"));
    }
    wrong.extend(sent_well_after_all(siege).await);
    wrong
}

/// Bytes without an id that were said to be packed, twice, are one refused message; sent as they
/// are, they are another, which is taken.
async fn sent_well_after_all(siege: &Siege) -> Vec<String> {
    let sender = siege.sender(BIEN_HOA);
    let mut told = Vec::new();
    for packing in [Some("gzip"), Some("gzip"), None] {
        let address = format!("{}/v1/channels/{BIEN_HOA}/messages", siege.hub.url);
        let mut request = sender.client.post(address).bearer_auth(&sender.key);
        if let Some(packing) = packing {
            request = request.header("Content-Encoding", packing);
        }
        let answer = request.body(good(BIEN_HOA)).send().await.unwrap();
        let is_marked = answer.headers().contains_key("x-request-id")
            && answer.headers()["x-content-type-options"] == "nosniff";
        assert!(is_marked, "{:?}", answer.headers());
        let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
        let receipt = if status == 200 { &body } else { &body["receipt"] };
        let outcome = receipt["outcome"].as_str().unwrap_or_default().to_owned();
        told.push((status, outcome, receipt["id"].clone()));
    }
    let outcomes: Vec<_> = told.iter().map(|(status, outcome, _)| (*status, &**outcome)).collect();
    let wanted = [(400, "refused"), (400, "duplicate"), (200, "stored")];
    let is_so = outcomes == wanted && told[0].2 == told[1].2 && told[1].2 != told[2].2;
    (!is_so).then(|| format!("sent well after all: {told:?}")).into_iter().collect()
}

/// What is kept of what is too much, or is not packed as is said: its refusal by this rule, told
/// with the answer and ever after.
async fn recorded(siege: &Siege, id: &str, (rule, problem): (&str, &Value)) -> Option<String> {
    let path = format!("/v1/messages/{id}?channel={BIEN_HOA}");
    let (_, told) = siege.sender(BIEN_HOA).get(&path).await;
    let fault = &told["messages"][0]["refusals"][0]["problems"][0];
    let receipt = &problem["receipt"];
    let is_told = receipt["id"] == id
        && receipt["outcome"] == "refused"
        && fault["rule"].as_str().is_some_and(|told| told.starts_with(rule))
        && receipt["refusals"][0]["problems"][0] == *fault
        && ["vi", "en"].iter().all(|language| fault["advice"][language].is_string());
    (!is_told).then(|| format!("{id}: kept as {told}, answered {problem}"))
}

/// Nothing is kept of what is no message.
async fn unrecorded(siege: &Siege, id: &str) -> Option<String> {
    let (status, told) = siege.sender(BIEN_HOA).get(&format!("/v1/messages/{id}")).await;
    (status != 404).then(|| format!("{id}: something was recorded: {told}"))
}

/// Senders that fall silent or hang up in the middle hold up nobody.
async fn left_half_sent(siege: &mut Siege, small: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let whole = head(siege, "door-half", &format!("Content-Length: {}\r\n", small.len()));
    let half_body = [whole.as_bytes(), &small[..small.len() / 2]].concat();
    let address = siege.hub.url.strip_prefix("http://").unwrap().to_owned();
    let mut open = Vec::new();
    for part in [&whole.as_bytes()[..40], &half_body] {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(part).unwrap();
        open.push(stream);
        converse(&siege.hub.url, part, true);
    }
    siege.next_is_accepted(BIEN_HOA, "half-sent requests").await;
    wrong.extend(unrecorded(siege, "door-half").await);
    wrong
}

/// A second request hidden in the body of a first one is never a request of its own.
async fn smuggled(siege: &mut Siege, small: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let length = format!("Content-Length: {}\r\n", small.len());
    let inner = [head(siege, "door-smuggled", &length).as_bytes(), small].concat();
    for (name, framing) in [
        ("chunked-and-length", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        ("odd-coding", "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n"),
        ("tabbed-coding", "Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n"),
    ] {
        let outer = head(siege, &format!("door-{name}"), framing);
        let request = [outer.as_bytes(), b"0\r\n\r\n", &inner[..]].concat();
        let url = siege.hub.url.clone();
        let told = tokio::task::spawn_blocking(move || converse(&url, &request, false)).await;
        let told = told.unwrap();
        if !told.starts_with("HTTP/1.1 4") {
            wrong.push(format!("{name}: {}", told.lines().next().unwrap_or("nothing")));
        }
        wrong.extend(unrecorded(siege, "door-smuggled").await);
        siege.next_is_accepted(BIEN_HOA, name).await;
    }
    wrong
}
