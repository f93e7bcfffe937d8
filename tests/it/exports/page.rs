//! The page that an analyst reads: its commands and queries run as they stand, and its table of
//! columns is that of the files.

use std::{env, fs, process::Command};

use serde_json::Value;

use super::{exported, province, read_by_others};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Sender},
    lienthong::{binary, root, stderr, stdout},
};

on_each_store!(the_page_leads_an_analyst_from_a_file_to_figures);

/// The part of the page about exports.
fn page() -> String {
    let page = fs::read_to_string(root().join("docs/reporting.md")).unwrap();
    page.split_once("\n## Exports\n").unwrap().1.to_owned()
}

/// Its blocks in order: the fence's word, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let fenced = page.split("```").skip(1).step_by(2);
    let block = |text: &str| {
        let (word, text) = text.split_once('\n').unwrap();
        (word.to_owned(), text.to_owned())
    };
    fenced.map(block).collect()
}

/// Runs a script as a person would type it, in the hub's folder.
fn types(folder: &Folder, reader: &Sender, script: &str) {
    let script = script.replace("http://127.0.0.1:8080", &reader.url);
    let path = format!("{}:{}", binary().parent().unwrap().display(), env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-euc", &script]).current_dir(folder.path()).env("KEY", reader.key());
    let output = command.env("PATH", path).env("HOME", folder.path()).output().unwrap();
    assert!(output.status.success(), "{script}\n{}{}", stdout(&output), stderr(&output));
}

async fn the_page_leads_an_analyst_from_a_file_to_figures(backend: Backend) {
    let (folder, hub, [_, portal, _]) = province(backend, "exports-page").await;
    let mut answers = Vec::new();
    for (word, text) in blocks(&page()) {
        match word.as_str() {
            "sh" => types(&folder, &portal, &text),
            "sql" => answers.push(read_by_others(folder.path(), &["sql"], &text)),
            word => panic!("a block of {word}"),
        }
    }
    let [by_agency, steps, numbers, states] = &answers[..] else { panic!("{answers:?}") };
    let accepted: i64 =
        by_agency.as_array().unwrap().iter().map(|row| row[2].as_i64().unwrap()).sum();
    let path = "/v1/statistics?from=2024-01-01&to=2024-12-31&by=";
    let told = portal.found(path).await;
    let measures = &told["rows"][0]["measures"];
    assert_eq!(measures["accepted"], accepted, "{by_agency}");
    let sum = |at: usize| -> i64 {
        let rows = numbers.as_array().unwrap().iter();
        rows.map(|row| row[at].as_i64().unwrap_or(0)).sum()
    };
    for (at, measure) in [(2, "accepted"), (3, "finished-late"), (4, "open")] {
        assert_eq!(measures[measure], sum(at), "{measure}: {numbers}");
    }
    let text = fs::read_to_string(folder.path().join("tiep-nhan-2024.txt")).unwrap();
    assert_eq!(text.trim(), accepted.to_string());
    assert!(folder.path().join("so-lieu.ods").is_file());
    assert_eq!(steps.as_array().unwrap().len(), 20);
    let states: i64 = states.as_array().unwrap().iter().map(|row| row[1].as_i64().unwrap()).sum();
    assert_eq!(states, 65);
    // A spreadsheet program reads the workbook, and finds no formula in it.
    types(
        &folder,
        &portal,
        "soffice --headless --convert-to xlsx:'Calc MS Excel 2007 XML' --outdir doc ho-so.ods",
    );
    let cells = read_by_others(folder.path(), &["cells", "doc/ho-so.xlsx"], "");
    assert_eq!(cells[0][0], "Dữ liệu");
    assert_eq!(cells[0][1].as_array().unwrap().len(), 66);
    assert!(cells.to_string().contains("\"=1+1\""), "{cells}");
    columns_are_told(&portal, &folder).await;
    hub.stop();
}

/// The names of a file's columns.
async fn names(reader: &Sender, folder: &Folder, of: (&str, &str)) -> Vec<String> {
    let (read, _) = exported(reader, folder, of).await;
    let types: &Value = &read["types"];
    types.as_object().unwrap().keys().cloned().collect()
}

async fn columns_are_told(portal: &Sender, folder: &Folder) {
    let page = page();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let told = |what: &str| {
        let row = rows.iter().find(|row| row.starts_with(&format!("| `{what}` |")));
        let row = row.unwrap_or_else(|| panic!("the page has no columns of {what}"));
        row.split('|').nth(2).unwrap().replace('`', "").trim().to_owned()
    };
    let envelope = names(portal, folder, ("records", "")).await;
    for (what, of, skipped) in [
        ("records", ("records", ""), 8),
        ("dossier/1", ("records", "?contract=dossier/1"), 8),
        ("budget/1", ("records", "?contract=budget/1"), 8),
        ("votes/1", ("records", "?contract=votes/1"), 8),
        ("findings", ("findings", ""), 0),
        ("catalogue", ("catalogue", ""), 0),
        ("statistics", ("statistics", ""), 0),
    ] {
        let found = names(portal, folder, of).await;
        assert_eq!(found[..skipped], envelope[..skipped]);
        assert_eq!(told(what), found[skipped..].join(" "), "{what}");
    }
}
