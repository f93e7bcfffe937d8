//! A derived feed whose fold is another than that by which somebody read it before: a client that
//! does what the answer says ends with what the hub answers.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::statistics::{Table, added, is_answered, size_of, told_more};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender},
    lienthong::stderr,
    permutations::AGENCY,
};

on_each_store!(who_follows_a_refolded_feed_begins_anew_from_its_snapshot);

/// A cursor as a program of another version had given it: the same, of another fold.
fn of_another_fold(cursor: &str, (now, before): (&str, &str)) -> String {
    let byte = |at: usize| u8::from_str_radix(&cursor[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..cursor.len()).step_by(2).map(byte).collect();
    let text = String::from_utf8(bytes[..bytes.len() - 8].to_vec()).unwrap();
    let text = text.replacen(&format!("\n{now}\n"), &format!("\n{before}\n"), 1);
    let mut command = Command::new("sha256sum");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    hex + std::str::from_utf8(&output.stdout[..16]).unwrap()
}

/// The cursor of an address.
fn cursor(address: &str) -> String {
    address.split("after=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

/// A client of the feed: what it holds, and where it goes on.
struct Client<'a> {
    sender: &'a Sender,
    after: String,
    held: Table,
    begun_anew: usize,
}

impl Client<'_> {
    /// Reads to the end; where the answer is 410, does what it says.
    async fn reads(&mut self) {
        loop {
            let path = format!("/v1/feeds/statistics?limit=50&after={}", self.after);
            let (status, body, next) = self.sender.page(&path).await;
            match status {
                200 => added(&mut self.held, body.as_array().unwrap()),
                410 => {
                    assert_eq!(body["code"], "feed-refolded", "{body}");
                    self.held.clear();
                    let text = |name: &str| body[name].as_str().unwrap().to_owned();
                    let address = format!("{}{}", self.sender.url, text("snapshot"));
                    let request = self.sender.client.get(address);
                    let answer = request.bearer_auth(self.sender.key()).send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                    let lines = answer.text().await.unwrap();
                    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
                    added(&mut self.held, &lines.collect::<Vec<Value>>());
                    self.after = text("after");
                    self.begun_anew += 1;
                    assert!(self.begun_anew < 3, "it is told so again and again");
                    continue;
                }
                _ => panic!("{status}: {body}"),
            }
            let next = cursor(&next.unwrap());
            if next == self.after {
                return;
            }
            self.after = next;
        }
    }
}

async fn who_follows_a_refolded_feed_begins_anew_from_its_snapshot(backend: Backend) {
    let folder = backend.folder("feeds-refolded");
    let keys = [AGENCY, "portal"].map(|one| folder.key(one));
    let hub = Hub::start(&folder).await;
    let [agency, portal] = keys.map(|key| hub.sender(&key));
    for number in 0..4 {
        told_more(&agency, number).await;
    }
    let (_, _, end) = portal.page("/v1/feeds/statistics?after=end").await;
    let end = cursor(&end.unwrap());
    let before = of_another_fold(&end, ("statistics.1", "statistics.0"));
    // What it holds was counted otherwise.
    let wrong = ["so-y-te".to_owned(), String::new(), "open".to_owned(), "2024-01-01".to_owned()];
    let held = Table::from([(wrong, 7)]);
    let mut client = Client { sender: &portal, after: before.clone(), held, begun_anew: 0 };
    client.reads().await;
    let size = size_of(&portal).await;
    is_answered(&portal, &client.held, size).await;
    // It goes on from there as if nothing had been.
    told_more(&agency, 5).await;
    client.reads().await;
    let size = size_of(&portal).await;
    is_answered(&portal, &client.held, size).await;
    assert_eq!(client.begun_anew, 1);
    // Streams and exports are told the same; a cursor of another feed is none.
    for path in ["/v1/feeds/statistics/stream", "/v1/exports/statistics.csv"] {
        let (status, body) = portal.get(&format!("{path}?after={before}")).await;
        assert_eq!((status, &body["code"]), (410, &"feed-refolded".into()), "{path}: {body}");
    }
    let (status, body) = portal.get(&format!("/v1/feeds/catalogue?after={before}")).await;
    assert_eq!((status, &body["code"]), (400, &"bad-cursor".into()), "{body}");
    let older = of_another_fold(&end, ("statistics.1", "findings.1"));
    let (status, body) = portal.get(&format!("/v1/feeds/findings?after={older}")).await;
    let told = body["snapshot"].as_str().unwrap_or_default();
    assert_eq!(status, 410, "{body}");
    assert!(told.starts_with("/v1/exports/findings.ndjson?until="), "{body}");
    // The first version of dossiers was given without a number; what is read from them goes by it.
    for feed in ["dossiers", "notices"] {
        let (_, _, end) = portal.page(&format!("/v1/feeds/{feed}?after=end")).await;
        let end = cursor(&end.unwrap());
        assert_eq!(end, of_another_fold(&end, (feed, feed)), "{feed}");
        let other = of_another_fold(&end, (feed, &format!("{feed}.2")));
        let (status, body) = portal.get(&format!("/v1/feeds/{feed}?after={other}")).await;
        assert_eq!((status, &body["code"]), (410, &"feed-refolded".into()), "{feed}: {body}");
        assert_eq!(body["after"], end.as_str());
    }
    hub.stop();
}
