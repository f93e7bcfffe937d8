//! `lienthong test`: the fixtures beside the mappings, through the object that serves.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use contracts::Contracts;
use mappings::coverage::Coverage;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Exit, apply::sealed};
use crate::catalog::{Catalog, Channel};

/// What is told of what the fixtures use.
#[derive(Debug, clap::Args)]
pub(super) struct CoverageOptions {
    /// Show which rules, sides of conditions and rows of code tables no fixture uses.
    #[arg(long)]
    coverage: bool,
    /// Tell the coverage as JSON.
    #[arg(long, requires = "coverage")]
    json: bool,
    /// Fail where less of a channel is used, in hundredths.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
}

/// How much of one channel's mapping the fixtures use.
#[derive(Debug, Serialize)]
struct Used {
    channel: String,
    used: usize,
    parts: usize,
    percent: usize,
    unused: Vec<Coverage>,
}

/// What is asked of the fixtures.
pub(super) struct Asked {
    /// Agencies by id; all where none is named.
    pub(super) agencies: Vec<String>,
    /// What is told of what the fixtures use.
    pub(super) coverage: CoverageOptions,
    /// Whether what comes out is kept as what is expected.
    pub(super) accept: bool,
}

pub(super) fn run(
    catalog: &Catalog,
    contracts: &Contracts,
    Asked { agencies, coverage, accept }: &Asked,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let (mut passed, mut failed, mut used) = (0, 0, Vec::new());
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
        used.push(of_channel(channel));
    }
    if coverage.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&used)?)?;
    } else {
        if coverage.coverage {
            used.iter().try_for_each(|used| tell(used, out))?;
        }
        writeln!(out, "{passed} fixtures passed, {failed} failed")?;
    }
    for used in &used {
        let least = usize::from(coverage.min_coverage.unwrap_or(0));
        if used.percent < least {
            let Used { channel, percent, .. } = used;
            writeln!(err, "{channel}: {percent} % is used, less than {least} %")?;
            failed += 1;
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Faulty })
}

/// The `*.in.*` files of a channel, in order.
pub(super) fn cases(channel: &Channel) -> io::Result<Vec<PathBuf>> {
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

/// How much of a channel's mapping was used.
fn of_channel(channel: &Channel) -> Used {
    let all = channel.mapping.coverage();
    let parts = all.len();
    let unused: Vec<Coverage> = all.into_iter().filter(|part| part.used == 0).collect();
    let used = parts - unused.len();
    let percent = (used * 100).checked_div(parts).unwrap_or(100);
    Used { channel: channel.id.clone(), used, parts, percent, unused }
}

fn tell(told: &Used, out: &mut impl Write) -> io::Result<()> {
    let Used { channel, used, parts, percent, unused } = told;
    writeln!(out, "{channel}: {used} of {parts} parts used, {percent} %")?;
    for Coverage { contract, target, rule, .. } in unused {
        let target = if target.is_empty() { contract } else { target };
        writeln!(out, "{channel}: never used: {target} = {rule}")?;
    }
    Ok(())
}
