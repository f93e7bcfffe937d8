//! A derived feed whose fold is another than that by which somebody read it before: a client that
//! does what the answer says ends with what the hub answers.

use serde_json::{Value, json};

use super::statistics::{Table, added, is_answered, size_of, told_more};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Folder, Hub, Sender},
    people::altered,
    permutations::AGENCY,
    webhooks::subscribe,
};

on_each_store!(who_follows_a_refolded_feed_begins_anew_from_its_snapshot);

/// Cursors of feeds as a program of another version had given them: where subscriptions stand that
/// it has sent so far.
async fn of_another_fold<const N: usize>(
    (backend, folder): (Backend, &Folder),
    (hub, operator): (Hub, &Sender),
    feeds: [&str; N],
) -> (Hub, [String; N]) {
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let mut ids = Vec::new();
    for feed in feeds {
        ids.push(subscribe(operator, &receiver.url, json!({ "feed": feed })).await.0);
    }
    hub.stop();
    let lienthong = if backend == Backend::Postgres { "lienthong." } else { "" };
    altered(backend, folder, &format!("UPDATE {lienthong}subscriptions SET fold = 99"));
    let hub = Hub::start(folder).await;
    let operator = operator.clone().at(&hub.url);
    let mut cursors = Vec::new();
    for id in ids {
        let one = operator.found(&format!("/v1/subscriptions/{id}")).await;
        cursors.push(one["after"].as_str().unwrap().to_owned());
    }
    (hub, cursors.try_into().unwrap())
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
    let lines = "private_networks = [\"127.0.0.1\"]\n";
    let folder = backend.folder("feeds-refolded").with_lines(lines);
    let keys = [AGENCY, "portal", "operator"].map(|one| folder.key(one));
    let hub = Hub::start(&folder).await;
    let [agency, portal, operator] = keys.map(|key| hub.sender(&key));
    for number in 0..4 {
        told_more(&agency, number).await;
    }
    let feeds = ["statistics", "findings", "dossiers"];
    let (hub, [before, older, other]) =
        of_another_fold((backend, &folder), (hub, &operator), feeds).await;
    let [agency, portal] = [agency, portal].map(|who| who.at(&hub.url));
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
    let (status, body) = portal.get(&format!("/v1/feeds/findings?after={older}")).await;
    let told = body["snapshot"].as_str().unwrap_or_default();
    assert_eq!(status, 410, "{body}");
    assert!(told.starts_with("/v1/exports/findings.ndjson?until="), "{body}");
    let (_, _, end) = portal.page("/v1/feeds/dossiers?after=end").await;
    let (status, body) = portal.get(&format!("/v1/feeds/dossiers?after={other}")).await;
    assert_eq!((status, &body["code"]), (410, &"feed-refolded".into()), "{body}");
    assert_eq!(body["after"], cursor(&end.unwrap()).as_str());
    hub.stop();
}
