//! `lienthong apply`: one native file through its channel's mapping and contracts.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use contracts::{Contracts, Problem, problem};
use mappings::apply::Refusal;
use serde_json::json;

use super::{Outcome, find};
use crate::catalog::{self, Catalog, Channel};

/// Applies a mapping and seals its drafts; a draft its contract refuses becomes a refusal.
pub(super) fn sealed(
    channel: &Channel,
    contracts: &Contracts,
    payload: &[u8],
) -> io::Result<mappings::Applied> {
    let gazetteer = catalog::gazetteer().map_err(io::Error::other)?;
    let mut applied = mappings::apply(&channel.mapping, payload, &gazetteer);
    let mut refusals = std::mem::take(&mut applied.refusals);
    applied.drafts.retain(|(record, draft)| match contracts.seal(draft.clone()) {
        Ok(_) => true,
        Err(mut problems) => {
            for problem in &mut problems {
                problem.place.record = Some(*record);
            }
            refusals.push(Refusal { record: *record, problems });
            false
        }
    });
    refusals.sort_by_key(|refusal| refusal.record);
    applied.refusals = refusals;
    Ok(applied)
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
) -> io::Result<Outcome> {
    let Some(channel) = find(catalog, channel, err)? else { return Ok(Outcome::Faulty) };
    let applied = match payload(file) {
        Ok(Ok(payload)) => sealed(channel, contracts, &payload)?,
        Ok(Err(problem)) => {
            mappings::Applied { unreadable: Some(*problem), ..mappings::Applied::default() }
        }
        Err(error) => {
            writeln!(err, "failed to read {}: {error}", file.display())?;
            return Ok(Outcome::Faulty);
        }
    };
    for (_, draft) in &applied.drafts {
        writeln!(out, "{}", serde_json::to_string(draft)?)?;
    }
    for Refusal { record, problems } in &applied.refusals {
        writeln!(err, "{}", json!({ "record": record, "problems": problems }))?;
    }
    if let Some(problem) = &applied.unreadable {
        writeln!(err, "{}", json!({ "record": null, "problems": [problem] }))?;
    }
    let whole = applied.refusals.is_empty() && applied.unreadable.is_none();
    Ok(if whole { Outcome::Done } else { Outcome::PartlyRefused })
}
