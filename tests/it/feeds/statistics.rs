//! The feed of statistics: who adds its events up holds what `GET /v1/statistics` answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ids;
use crate::{
    backend::{Backend, on_each_store},
    follow::Reader,
    harness::{Hub, Sender},
    permutations::{AGENCY, CHANNEL, dossier, send_all},
};

on_each_store!(who_adds_changes_up_holds_the_numbers_of_every_position);

/// Numbers by agency, procedure, measure and day.
pub(super) type Table = BTreeMap<[String; 4], i64>;

/// The days that are asked about: all that the messages speak of, and those ahead.
const DAYS: &str = "from=2023-12-01&to=2026-12-31";

/// Adds events to a table, as a subscriber would.
pub(super) fn added(table: &mut Table, events: &[Value]) {
    for event in events {
        let data = &event["data"];
        let text = |name: &str| data[name].as_str().unwrap().to_owned();
        for (measure, n) in data["changes"].as_object().unwrap() {
            let cell = [text("agency"), text("procedure"), measure.clone(), text("day")];
            *table.entry(cell).or_default() += n.as_i64().unwrap();
        }
    }
    table.retain(|_, n| *n != 0);
}

fn is_gauge(measure: &str) -> bool {
    let gauges = ["open", "paused", "overdue", "paused-overdue"];
    gauges.contains(&measure) || measure.starts_with("in-status-")
}

/// The table as an answer of `by=agency,procedure,day` tells it: of gauges what they are on each
/// day on which anything changes at their place, which is their sum up to then.
fn standing(table: &Table) -> Table {
    let mut days: BTreeMap<[String; 2], Vec<String>> = BTreeMap::new();
    for [agency, procedure, _, day] in table.keys() {
        days.entry([agency.clone(), procedure.clone()]).or_default().push(day.clone());
    }
    let mut told = Table::new();
    for ([agency, procedure, measure, day], n) in table {
        let of_place = &days[&[agency.clone(), procedure.clone()]];
        let later = of_place.iter().filter(|one| is_gauge(measure) && *one > day);
        let all: std::collections::BTreeSet<&String> = later.chain([day]).collect();
        for day in all {
            let cell = [agency.clone(), procedure.clone(), measure.clone(), day.clone()];
            *told.entry(cell).or_default() += n;
        }
    }
    told.retain(|_, n| *n != 0);
    told
}

/// What the hub answers as of a position.
async fn answered(sender: &Sender, position: u64) -> Table {
    let path = format!("/v1/statistics?{DAYS}&by=agency,procedure,day&as_of={position}");
    let answer = sender.found(&path).await;
    assert_eq!(answer["as_of"], position);
    let mut table = Table::new();
    for row in answer["rows"].as_array().unwrap() {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        for (measure, n) in row["measures"].as_object().unwrap() {
            let cell = [text("agency"), text("procedure"), measure.clone(), text("day")];
            table.insert(cell, n.as_i64().unwrap());
        }
    }
    table
}

/// Whether a table is what the hub answers as of a position.
pub(super) async fn is_answered(sender: &Sender, table: &Table, position: u64) {
    let (own, hubs) = (standing(table), answered(sender, position).await);
    assert!(!hubs.is_empty());
    let differ: Vec<_> = own
        .iter()
        .filter(|(cell, n)| hubs.get(*cell) != Some(*n))
        .chain(hubs.iter().filter(|(cell, n)| own.get(*cell) != Some(*n)))
        .take(5)
        .collect();
    assert!(differ.is_empty(), "as of {position}: {differ:?}");
}

fn position(event: &Value) -> u64 {
    event["sequence"].as_str().unwrap().parse().unwrap()
}

async fn who_adds_changes_up_holds_the_numbers_of_every_position(backend: Backend) {
    let folder = backend.folder("feeds-statistics");
    let keys = [AGENCY, "portal", "agency:so-y-te"].map(|one| folder.key(one));
    let hub = Hub::start(&folder).await;
    let [agency, portal, other] = keys.map(|key| hub.sender(&key));
    let mut stream = Reader::open(&portal, "statistics", "?after=end", None).await;
    send_all(&agency, (0..40).flat_map(|one| dossier(51, one)).collect(), 4).await;
    let events = portal.feed("statistics", 7).await;
    let known = ids(&events);
    assert!(events.iter().any(|one| one["data"]["changes"]["open"] == -1));
    assert_eq!(ids(&stream.events(events.len()).await), known, "the stream tells the same");
    // Whatever the pages, the events are the same; of an agency they are its own.
    assert_eq!(ids(&portal.feed("statistics", 500).await), known);
    assert_eq!(ids(&agency.feed("statistics", 100).await), known);
    assert!(other.feed("statistics", 100).await.is_empty(), "they are another agency's");
    let size = size_of(&portal).await;
    let (mut table, mut left) = (Table::new(), events.as_slice());
    for as_of in [size / 3, size / 2, size - 1, size] {
        let until = left.iter().take_while(|event| position(event) < as_of).count();
        let (now, later) = left.split_at(until);
        added(&mut table, now);
        is_answered(&portal, &table, as_of).await;
        left = later;
    }
    assert!(left.is_empty());
    // The file is the feed, up to where it says; CSV has a column for each measure.
    let file = async |path: &str| {
        let request = portal.client.get(format!("{}/v1/exports/{path}", hub.url));
        let answer = request.bearer_auth(portal.key()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    let (mut whole, csv) = (Table::new(), file("statistics.csv").await);
    let lines = file("statistics.ndjson").await;
    let told: Vec<Value> = lines.lines().map(|one| serde_json::from_str(one).unwrap()).collect();
    added(&mut whole, &told);
    assert_eq!(whole, table);
    let names: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let at = names.iter().position(|name| *name == "accepted").unwrap();
    // No value before it holds a comma but quoted ones, and those are procedures' names.
    let accepted = |line: &str| {
        let cells: Vec<&str> = line.rsplit('"').next().unwrap().split(',').collect();
        cells[cells.len() + at - names.len()].parse::<i64>().unwrap_or(0)
    };
    let of =
        |([_, _, measure, _], n): (&[String; 4], &i64)| if measure == "accepted" { *n } else { 0 };
    let sum: i64 = csv.lines().skip(1).map(accepted).sum();
    assert_eq!(sum, table.iter().map(of).sum::<i64>());
    hub.stop();
    // Counted otherwise from an entry on: that entry changes the numbers of all dossiers at once.
    let folder = folder.with_lines("[counting]\nstopped = \"paused\"\n");
    let hub = Hub::start(&folder).await;
    let portal = hub.sender(portal.key());
    let again = portal.feed("statistics", 3).await;
    assert_eq!(ids(&again)[..known.len()], known, "what was told stands");
    let more = &again[known.len()..];
    assert!(!more.is_empty() && more.iter().all(|one| position(one) == size), "{}", more.len());
    added(&mut table, more);
    is_answered(&portal, &table, size_of(&portal).await).await;
    hub.stop();
    folder.verify();
}

/// Entries of the journal.
pub(super) async fn size_of(portal: &Sender) -> u64 {
    portal.found("/v1/feeds").await["size"].as_u64().unwrap()
}

/// A message more of what the first test sends.
pub(super) async fn told_more(agency: &Sender, number: u64) {
    for message in dossier(52, number) {
        let (status, _) = agency.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        assert_eq!(status, 200);
    }
}
