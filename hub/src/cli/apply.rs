//! `lienthong apply`: one native file through its channel's mapping and contracts. What may be
//! doubted of a record that is accepted is told beside it.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use contracts::{Contracts, Draft, Problem, problem};
use mappings::{
    Origin, Outcome,
    quality::{self, Doubted},
};
use serde_json::{Value, json};

use super::{Exit, find};
use crate::{
    catalog::{self, Catalog, Channel},
    container::{self, Told},
};

/// Applies a mapping and seals its drafts: a record is accepted whole or refused whole. What has no
/// record is why the payload, or a file of it, could not be read to its end.
pub(super) fn sealed(
    channel: &Channel,
    contracts: &Contracts,
    payload: &[u8],
    on_outcome: &mut dyn FnMut(Option<&Origin<'_>>, Outcome<'_>),
) -> io::Result<()> {
    let gazetteer = catalog::gazetteer().map_err(io::Error::other)?;
    container::apply(&channel.mapping, payload, &gazetteer, &mut |told| {
        match told {
            Told::Fault(problem) => on_outcome(None, Err(vec![*problem])),
            Told::Record(origin, outcome) => {
                let outcome = outcome.and_then(|drafts| seal(contracts, drafts, origin));
                on_outcome(Some(origin), outcome);
            }
        }
        true
    });
    Ok(())
}

fn seal<'a>(contracts: &Contracts, drafts: Vec<Draft<'a>>, origin: &Origin<'_>) -> Outcome<'a> {
    let mut problems = Vec::new();
    for draft in &drafts {
        let mut found = contracts.seal(draft).err().unwrap_or_default();
        found.iter_mut().for_each(|problem| origin.locate(&draft.contract, problem));
        problems.extend(found);
    }
    if problems.is_empty() { Ok(drafts) } else { Err(problems) }
}

/// Largest payload accepted whole, in bytes.
const PAYLOAD_BYTES_MAX: u64 = 64 << 20;

/// A file's bytes, or the problem that it is too large; the limit is enforced before reading.
fn payload(file: &Path) -> io::Result<Result<Vec<u8>, Box<Problem>>> {
    let file = fs::File::open(file)?;
    let mut bytes = Vec::new();
    let length = file.metadata()?.len();
    // A pipe or a growing file shows its length only by being read.
    if length <= PAYLOAD_BYTES_MAX {
        // At once: a buffer that grows has what it was and what it becomes, side by side.
        let room = usize::try_from(length).unwrap_or_default() + 1;
        bytes.try_reserve_exact(room).map_err(|_| io::ErrorKind::OutOfMemory)?;
        file.take(PAYLOAD_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    }
    if length.max(bytes.len() as u64) <= PAYLOAD_BYTES_MAX {
        return Ok(Ok(bytes));
    }
    let rule = format!("payload_bytes_max = {PAYLOAD_BYTES_MAX}");
    Ok(Err(Box::new(Problem::new(&problem::LIMIT_EXCEEDED).by_rule(rule))))
}

pub(super) fn run(
    catalog: &Catalog,
    contracts: &Contracts,
    channel: &str,
    file: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let Some(channel) = find(catalog, channel, err)? else { return Ok(Exit::Faulty) };
    let payload = match payload(file) {
        Ok(payload) => payload,
        Err(error) => {
            writeln!(err, "failed to read {}: {error}", file.display())?;
            return Ok(Exit::Faulty);
        }
    };
    let mut exit = Exit::Done;
    let mut told = Ok(());
    let mut on_outcome = |origin: Option<&Origin<'_>>, outcome: Outcome<'_>| {
        if outcome.is_err() {
            exit = Exit::PartlyRefused;
        }
        if told.is_ok() {
            told = tell(origin, &outcome, out, err);
        }
    };
    match payload {
        Ok(payload) => sealed(channel, contracts, &payload, &mut on_outcome)?,
        Err(problem) => on_outcome(None, Err(vec![*problem])),
    }
    told?;
    Ok(exit)
}

fn tell(
    origin: Option<&Origin<'_>>,
    outcome: &Outcome<'_>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<()> {
    let record = origin.map(|origin| origin.record);
    let drafts = match outcome {
        Ok(drafts) => drafts,
        Err(problems) => {
            return writeln!(err, "{}", json!({ "record": record, "problems": problems }));
        }
    };
    for draft in drafts {
        serde_json::to_writer(&mut *out, draft)?;
        writeln!(out)?;
    }
    let mut doubted = origin.map(Origin::doubts).unwrap_or_default();
    doubted.extend(drafts.iter().flat_map(quality::of_draft));
    if doubted.is_empty() {
        return Ok(());
    }
    let warning = |(doubt, path): &Doubted| {
        let detail = doubt.detail();
        json!({ "code": doubt.code, "path": path, "detail": detail })
    };
    let warnings: Vec<Value> = doubted.iter().map(warning).collect();
    writeln!(err, "{}", json!({ "record": record, "warnings": warnings }))
}
