//! `lienthong lineage`: which native field feeds which canonical member, which members nothing
//! feeds, and which native fields nothing reads.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::PathBuf,
};

use contracts::{ContractId, Contracts};
use mappings::{
    lineage::Lineage,
    profile::{Fields, Gatherer, Profile, Use},
};
use serde_json::json;

use super::{Exit, Folder, drift::Format, find, test};
use crate::{
    catalog::{Catalog, Channel},
    container,
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Channel, as agency.channel.
    channel: String,
    /// A file as the agency sends it: which of its fields nothing reads. Without it the fixtures
    /// are looked at.
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    /// How it is told.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    pub(super) folder: Folder,
}

pub(super) fn run(
    catalog: &Catalog,
    contracts: &Contracts,
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let Some(channel) = find(catalog, &options.channel, err)? else { return Ok(Exit::Faulty) };
    let files = match &options.sample {
        Some(sample) => vec![sample.clone()],
        None => test::cases(channel)?,
    };
    let mut profile = Profile::default();
    for file in files {
        match fs::read(&file) {
            Ok(bytes) => profile.merge(&sent(channel, &bytes)),
            Err(error) => {
                writeln!(err, "failed to read {}: {error}", file.display())?;
                return Ok(Exit::Faulty);
            }
        }
    }
    let lines = channel.mapping.lineage();
    let (unfed, unread) = (unfed(contracts, &lines), unread(&profile));
    if options.format == Format::Json {
        let told = json!({ "fed": lines, "unfed": unfed, "unread": unread });
        writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?;
        return Ok(Exit::Done);
    }
    for line in lines {
        let functions = line.functions.join(" | ");
        let target = if line.target.is_empty() { "(record)" } else { &line.target };
        write!(out, "{}\t{target}\t{}\t{functions}", line.contract, line.source)?;
        match line.when {
            Some(when) => writeln!(out, "\twhen {when}")?,
            None => writeln!(out)?,
        }
    }
    for (contract, member) in unfed {
        writeln!(out, "{contract}\t{member}\t-\tno rule")?;
    }
    for (records, path) in unread {
        writeln!(out, "{records}\t-\t{path}\tunread")?;
    }
    Ok(Exit::Done)
}

/// What a file holds.
fn sent(channel: &Channel, bytes: &[u8]) -> Profile {
    let mut gatherer = Gatherer::new(&channel.mapping);
    container::gather(&channel.mapping, bytes, &mut gatherer);
    gatherer.finish().0
}

/// Members of the contracts that no rule feeds, by contract.
fn unfed(contracts: &Contracts, lines: &[Lineage]) -> Vec<(String, String)> {
    let fed: BTreeSet<&str> = lines.iter().map(|line| line.contract.as_str()).collect();
    let mut unfed = Vec::new();
    for contract in fed {
        let Ok(id) = contract.parse::<ContractId>() else { continue };
        let own = lines.iter().filter(|line| line.contract == contract);
        let targets: Vec<String> = own.map(|line| line.target.replace("[0]", "[]")).collect();
        let members = contracts.members(&id);
        // What holds members is fed by them.
        let holds = |path: &str| {
            let within = |other: &str| {
                other.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            members.iter().any(|member| within(&member.path))
                || targets.iter().any(|target| within(target))
        };
        for member in members {
            if !targets.contains(&member.path) && !holds(&member.path) {
                unfed.push((contract.to_owned(), member.path.clone()));
            }
        }
    }
    unfed
}

/// Fields that hold a value and that no rule reads, by kind of record. What a field holds is told,
/// not the field that holds it.
fn unread(profile: &Profile) -> Vec<(String, String)> {
    let of = |(records, fields): (&String, &Fields)| {
        let plain = fields
            .fields
            .iter()
            .filter(|(_, field)| field.used == Use::Unread && !field.types.contains_key("nested"));
        plain.map(|(path, _)| (records.clone(), path.clone())).collect::<Vec<_>>()
    };
    profile.0.iter().flat_map(of).collect()
}
