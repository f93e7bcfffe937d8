//! The page's tables of columns are those of the files: of each feed and each contract, in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use super::{FORMATS, fetched, read_by_others};
use crate::harness::{Folder, Sender};

/// Every export that there is: its row in the table, its query, and the feed.
struct Listed {
    row: String,
    feed: String,
    query: String,
}

/// What the hub says can be exported.
async fn all(portal: &Sender) -> Vec<Listed> {
    let (_, problem) = portal.get("/v1/exports/x").await;
    let feeds = problem["feeds"].as_array().unwrap().iter();
    let feeds = feeds.map(|feed| feed.as_str().unwrap().to_owned());
    let feed = |feed: String| Listed { row: feed.clone(), feed, query: String::new() };
    let (_, problem) = portal.get("/v1/exports/records.csv?contract=x").await;
    let told = problem["advice_en"].as_str().unwrap();
    let contracts = told.strip_prefix("Write one of: ").unwrap().trim_end_matches('.');
    let contract = |id: &str| Listed {
        row: id.to_owned(),
        feed: "records".to_owned(),
        query: format!("?contract={id}"),
    };
    feeds.map(feed).chain(contracts.split(", ").map(contract)).collect()
}

/// The columns of each export, of all formats alike, with more in its query.
async fn found(
    reader: &Sender,
    folder: &Folder,
    listed: &[Listed],
    more: &str,
) -> BTreeMap<String, Vec<String>> {
    let place = folder.path().join("cot");
    fs::create_dir_all(&place).unwrap();
    let mut names = vec!["same".to_owned()];
    for one in listed {
        let name = one.row.replace('/', "-");
        let join = if one.query.is_empty() { "?" } else { "&" };
        for format in FORMATS {
            let Listed { feed, query, .. } = one;
            let path = format!("/v1/exports/{feed}.{format}{query}{join}{more}");
            fs::write(place.join(format!("{name}.{format}")), fetched(reader, &path).await.0)
                .unwrap();
        }
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let read = read_by_others(&place, &names, "");
    let columns = |read: &Value| read["types"].as_object().unwrap().keys().cloned().collect();
    let rows = listed.iter().map(|one| one.row.clone());
    rows.zip(read.as_array().unwrap().iter().map(columns)).collect()
}

/// The names between backticks.
fn names(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// The rows of the table with this head: the first cell, and the names in the second.
fn table(page: &str, head: &str) -> Vec<(String, Vec<String>)> {
    let (_, table) = page.split_once(&format!("\n{head}\n|---|---|\n")).unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        (cells[1].trim().trim_matches('`').to_owned(), names(cells[2]))
    };
    rows.map(row).collect()
}

/// What the page says that all records begin with.
fn envelope(page: &str) -> Vec<String> {
    let (_, said) = page.split_once("\nRecords begin with ").unwrap();
    names(said.split_once(" (whether").unwrap().0)
}

/// The page's tables are what an agency and the portal find in their files.
pub(super) async fn are_told(page: &str, [agency, portal]: [&Sender; 2], folder: &Folder) {
    let listed = all(portal).await;
    assert!(listed.len() > 19, "{}", listed.len());
    let envelope = envelope(page);
    let told: BTreeMap<_, _> = table(page, "| Of | Columns |").into_iter().collect();
    // All that is in the files is in the table, and nothing else.
    let mut files = found(portal, folder, &listed, "from=2020-01-01").await;
    let of_records: Vec<Listed> = listed.into_iter().filter(|one| one.feed == "records").collect();
    for one in &of_records {
        let columns = files.get_mut(&one.row).unwrap();
        assert!(columns.starts_with(&envelope), "{}: {columns:?}", one.row);
        columns.drain(..envelope.len());
    }
    assert!(told.keys().eq(files.keys()), "{:?}\n{:?}", told.keys(), files.keys());
    for (row, columns) in &told {
        assert_eq!(columns, &files[row], "{row}");
    }
    let persons: Vec<String> =
        table(page, "| Of persons | Columns |").into_iter().flat_map(|(_, names)| names).collect();
    let mut shown = BTreeSet::new();
    for (row, columns) in found(agency, folder, &of_records, "purpose=inspection").await {
        let public = [&envelope[..], &files[&row]].concat();
        let more = columns.strip_prefix(&public[..]).unwrap();
        let [first, of_persons @ .., last] = more else { panic!("{row}: {more:?}") };
        assert_eq!((first.as_str(), last.as_str()), ("personal", "reason"), "{row}");
        let in_order = persons.iter().filter(|name| of_persons.contains(name));
        assert!(in_order.eq(of_persons), "{row}: {of_persons:?}");
        match row.as_str() {
            "records" => assert_eq!(of_persons, persons),
            _ => shown.extend(of_persons.iter().cloned()),
        }
    }
    assert_eq!(shown, persons.into_iter().collect());
}
