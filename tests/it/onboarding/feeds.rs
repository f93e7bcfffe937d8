//! The page of whoever follows feeds, run as it stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use super::{Newcomer, laid_out};
use crate::{fenced::page, lienthong::root};

/// What the commands of the page have left.
struct Left<'a>(&'a Newcomer);

impl Left<'_> {
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.0.join(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// The events of a stream: where each leads on, and itself.
    fn stream(&self, name: &str) -> Vec<(String, Value)> {
        let text = self.text(name);
        let of = |word: &str| {
            let lines = text.lines().filter_map(move |line| line.strip_prefix(word));
            lines.map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        let data = of("data: ").into_iter().map(|data| serde_json::from_str(&data).unwrap());
        of("id: ").into_iter().zip(data).collect()
    }
}

/// The codes of dossiers that events speak of.
fn subjects<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<&'a str> {
    events.into_iter().map(|event| event["subject"].as_str().unwrap()).collect()
}

#[test]
fn the_page_of_feeds_leads_from_a_page_to_a_stream() {
    let newcomer = Newcomer::new("feeds-page");
    std::os::unix::fs::symlink(root().join("examples"), newcomer.0.join("examples")).unwrap();
    newcomer.types(&laid_out(&newcomer, "feeds.md").concat());
    let left = Left(&newcomer);
    let feeds = left.json("dong.json");
    assert_eq!(feeds["ended_logs"].as_array().map(Vec::len), Some(0), "{feeds}");
    every_feed_is_told(&feeds);
    let pages: Vec<Value> =
        left.text("trang.txt").lines().map(|page| serde_json::from_str(page).unwrap()).collect();
    let sizes: Vec<usize> = pages.iter().map(|page| page.as_array().unwrap().len()).collect();
    assert_eq!(sizes, [2, 1, 0], "the last is empty: its address leads to itself");
    let paged: Vec<Value> =
        pages.iter().flat_map(|page| page.as_array().unwrap().clone()).collect();
    // In the order in which they came.
    let three = ["BH.HKD.13.002201", "BH.XD.14.000873", "BH.XD.14.000873"];
    assert_eq!(subjects(&paged), three);
    let log = feeds["log_id"].as_str().unwrap();
    assert!(paged.iter().all(|event| event["id"].as_str().unwrap().starts_with(log)));
    numbers_add_up(&left);
    the_catalogue_is_whole(&left.json("danh-muc.json"));
    let record = ["day-du.json", "khong-neu.json", "cua-cong.json"].map(|name| left.json(name));
    let personal = record.each_ref().map(|record| record["personal"].as_str().unwrap());
    assert_eq!(personal, ["included", "unasked", "withheld"]);
    assert_eq!(record[0]["data"]["applicant"]["name"], "Quách Thị Thùy Dương");
    assert!(record[1..].iter().all(|record| !record.to_string().contains("Quách")));
    let waited = left.json("cho.json");
    assert_eq!(subjects(waited.as_array().unwrap()), ["BH.HKD.13.002201"]);
    let live = left.stream("luong.txt");
    assert_eq!(subjects(live.iter().map(|(_, event)| event)), ["BH.HT.14.001560"]);
    // Resumed behind the first, it is the rest under the same cursors.
    let (all, rest) = (left.stream("tu-dau.txt"), left.stream("noi-tiep.txt"));
    assert_eq!((all.len(), &all[1..], &all[4..]), (5, &rest[..], &live[..]));
    assert!(all.iter().map(|(_, event)| event).take(3).eq(&paged));
}

/// The page's table has the feeds that there are.
fn every_feed_is_told(feeds: &Value) {
    let page = page("feeds.md");
    let (_, table) = page.split_once("|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let told: Vec<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    let names = feeds["feeds"].as_array().unwrap().iter();
    assert_eq!(told, names.map(|feed| feed["name"].as_str().unwrap()).collect::<Vec<_>>());
}

/// The changes, added up, are the numbers of the days; and the page's example is one of them.
fn numbers_add_up(left: &Left<'_>) {
    let (changes, numbers) = (left.json("thay-doi.json"), left.json("so-lieu.json"));
    let (mut changes, as_of) = (changes.as_array().unwrap().clone(), numbers["as_of"].as_u64());
    let shown = left.json("mot-thay-doi.json");
    let found = changes.iter().any(|event| event["data"] == shown);
    assert!(found, "the page's example is no event: {changes:#?}");
    let sequence = |event: &Value| event["sequence"].as_str().unwrap().parse::<u64>().ok();
    changes.retain(|event| sequence(event) < as_of);
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let place = |of: &Value| ["agency", "procedure"].map(|name| text(of, name));
    let mut added: BTreeMap<_, i64> = BTreeMap::new();
    for data in changes.iter().map(|event| &event["data"]) {
        for (measure, n) in data["changes"].as_object().unwrap() {
            let key = (place(data), measure.clone(), text(data, "day"));
            *added.entry(key).or_default() += n.as_i64().unwrap();
        }
    }
    let mut days = 0;
    for row in numbers["rows"].as_array().unwrap() {
        for (measure, n) in row["measures"].as_object().unwrap() {
            let gauges = ["open", "paused", "overdue", "paused-overdue"];
            let is_gauge = gauges.contains(&&**measure) || measure.starts_with("in-status-");
            let day = text(row, "day");
            let counts = |of: &&String| if is_gauge { **of <= day } else { **of == day };
            let sum: i64 = added
                .iter()
                .filter(|((at, of, on), _)| *at == place(row) && of == measure && counts(&on))
                .map(|(_, n)| n)
                .sum();
            assert_eq!(n.as_i64(), Some(sum), "{measure} of {row}");
            days += 1;
        }
    }
    assert!(days > 10, "{numbers}");
}

/// Its first page holds every agency of the folder, and each event what its subject says.
fn the_catalogue_is_whole(events: &Value) {
    let mut agencies = BTreeSet::new();
    for event in events.as_array().unwrap() {
        let (subject, data) = (event["subject"].as_str().unwrap(), &event["data"]);
        let text = |name: &str| data[name].as_str().unwrap_or_default();
        let (subject, from) = subject.split_once('@').unwrap_or((subject, ""));
        assert_eq!(from, text("valid_from"), "{event}");
        match event["type"].as_str().unwrap().rsplit('.').nth(1).unwrap() {
            "agency" => {
                assert_eq!(subject, text("id"));
                agencies.insert(subject.to_owned());
            }
            "procedure" => {
                let name = if text("code").is_empty() { text("name") } else { text("code") };
                let wanted = format!("{}/{}/{name}", text("agency"), text("level"));
                assert!(subject.starts_with(&wanted), "{event}");
            }
            kind => assert_eq!(kind, "unit", "{event}"),
        }
    }
    let listed = fs::read_to_string(root().join("examples/dong-nai/agencies.csv")).unwrap();
    let listed = listed.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned());
    assert_eq!(agencies, listed.collect());
}
