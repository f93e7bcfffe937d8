//! `lienthong test`: the fixtures beside the mappings, through the object that serves.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use contracts::Contracts;
use serde_json::{Value, json};

use super::{Exit, apply::sealed};
use crate::catalog::{Catalog, Channel};

/// What is asked of the fixtures.
pub(super) struct Asked {
    /// Agencies by id; all where none is named.
    pub(super) agencies: Vec<String>,
    /// Whether rules that no fixture uses are told.
    pub(super) coverage: bool,
    /// Whether what comes out is kept as what is expected.
    pub(super) accept: bool,
}

pub(super) fn run(
    catalog: &Catalog,
    contracts: &Contracts,
    Asked { agencies, coverage, accept }: &Asked,
    out: &mut impl Write,
) -> io::Result<Exit> {
    let (mut passed, mut failed) = (0, 0);
    for agency in agencies {
        if !catalog.agencies.iter().any(|known| known.id == *agency) {
            writeln!(out, "there is no agency `{agency}`")?;
            failed += 1;
        }
    }
    for channel in catalog.channels.values() {
        let named = |agency: &String| channel.id.split('.').next() == Some(agency);
        if !agencies.is_empty() && !agencies.iter().any(named) {
            continue;
        }
        let cases = cases(channel)?;
        if cases.is_empty() {
            writeln!(out, "{}: no fixture", channel.id)?;
            failed += 1;
        }
        for case in cases {
            match differences(channel, contracts, &case, *accept)? {
                None => passed += 1,
                Some(words) => {
                    failed += 1;
                    writeln!(out, "{}: {}\n{words}", channel.id, case.display())?;
                }
            }
        }
        if *coverage {
            unused(channel, out)?;
        }
    }
    writeln!(out, "{passed} fixtures passed, {failed} failed")?;
    Ok(if failed == 0 { Exit::Done } else { Exit::Faulty })
}

/// The `*.in.*` files of a channel, in order.
fn cases(channel: &Channel) -> io::Result<Vec<PathBuf>> {
    let folder = channel.folder.join("fixtures").join(&channel.name);
    let mut cases = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.file_name().and_then(|name| name.to_str()).is_some_and(|n| n.contains(".in.")) {
                cases.push(path);
            }
        }
    }
    cases.sort();
    Ok(cases)
}

/// What a case gives against what its files expect; `None` when equal, or when it was kept.
fn differences(
    channel: &Channel,
    contracts: &Contracts,
    case: &Path,
    accept: bool,
) -> io::Result<Option<String>> {
    let (mut drafts, mut problems) = (Vec::new(), Vec::new());
    sealed(channel, contracts, &fs::read(case)?, &mut |_, outcome| match outcome {
        Ok(found) => drafts.extend(found.iter().map(|draft| json!(draft))),
        Err(found) => problems.extend(found),
    })?;
    let mut words = String::new();
    for (ending, got) in [("out", json!(drafts)), ("refused", json!(problems))] {
        let want = expected(case, ending)?;
        if got != want && accept {
            keep(case, ending, &got)?;
        } else if got != want {
            words.push_str(&format!("  {ending}.json expects {want}\n  but it gives  {got}\n"));
        }
    }
    Ok((!words.is_empty()).then_some(words))
}

/// The file beside a case that expects something of it.
fn beside(case: &Path, ending: &str) -> PathBuf {
    let name = case.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let stem = name.split(".in.").next().unwrap_or(name);
    case.with_file_name(format!("{stem}.{ending}.json"))
}

/// Keeps what a case gives as what is expected of it; a file that expects nothing is none.
pub(super) fn keep(case: &Path, ending: &str, got: &Value) -> io::Result<()> {
    let file = beside(case, ending);
    if got.as_array().is_some_and(Vec::is_empty) {
        return match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    fs::write(file, serde_json::to_string_pretty(got)? + "\n")
}

/// The expectation beside a case; a file that is not there expects nothing.
fn expected(case: &Path, ending: &str) -> io::Result<Value> {
    match fs::read(beside(case, ending)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(json!([])),
        Err(error) => Err(error),
    }
}

fn unused(channel: &Channel, out: &mut impl Write) -> io::Result<()> {
    for rule in channel.mapping.coverage() {
        if rule.used == 0 {
            writeln!(out, "{}: never used: {} = {}", channel.id, rule.target, rule.rule)?;
        }
    }
    Ok(())
}
