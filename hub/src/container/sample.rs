//! A sample that holds files: what is proposed of its sheet, or of the files in it.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use mappings::{
    format::{Fault, sheet::Choice},
    infer::{NotUnderstood, Proposal, infer as infer_bytes, infer_sheet},
};

use super::{archive, workbook};

/// What every archive begins with, and so every workbook.
const ARCHIVE: &[u8] = b"PK";
/// What an archive has that is a workbook.
const OF_WORKBOOK: &str = "[Content_Types].xml";

/// Proposes a mapping for an agency's sample, also for a workbook or an archive of like files; of a
/// database's tables the one named.
///
/// # Errors
/// Why nothing can be proposed.
pub(crate) fn infer(
    payload: &[u8],
    agency: &str,
    table: Option<&str>,
) -> Result<Proposal, NotUnderstood> {
    if !payload.starts_with(ARCHIVE) {
        return infer_bytes(payload, agency, table);
    }
    let archive = archive::Archive::open(payload).map_err(|fault| unread(&fault))?;
    if archive.entries().any(|(name, _)| name == OF_WORKBOOK) {
        return of_workbook(payload, agency);
    }
    let mut files: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, _) in archive.entries().filter(|(name, _)| !name.ends_with('/')) {
        files.entry(pattern(name)).or_default().push(name);
    }
    let most = files.iter().max_by_key(|(_, names)| names.len());
    let (members, first) = most
        .and_then(|(members, names)| Some((members.clone(), *names.first()?)))
        .ok_or_else(|| {
            NotUnderstood(
                ["Tệp zip mẫu không có tệp nào.", "The archive has no file."].map(str::to_owned),
            )
        })?;
    let entry = archive.entries().find(|(name, _)| *name == first).map(|(_, entry)| entry);
    let bytes = match entry {
        Some(Ok(entry)) => archive.unpack(entry).map_err(|fault| unread(&fault))?,
        Some(Err(fault)) => return Err(unread(fault)),
        None => Vec::new(),
    };
    let found = match bytes.starts_with(ARCHIVE) {
        true => of_workbook(&bytes, agency)?,
        false => infer_bytes(&bytes, agency, table)?,
    };
    // Rows of a database are read from it, whatever the dump came in.
    if found.transport.is_some() {
        return Ok(found);
    }
    let others: BTreeSet<String> = files.into_keys().filter(|one| *one != members).collect();
    Ok(found.in_archive(first, &members, &others))
}

/// The first sheet of a workbook.
fn of_workbook(bytes: &[u8], agency: &str) -> Result<Proposal, NotUnderstood> {
    let (stopped, mut found) = (Cell::new(false), None);
    archive::check_workbook(bytes)
        .and_then(|()| {
            workbook::open(bytes, &Choice::Number(1), &stopped, &mut |sheet| {
                found = Some(infer_sheet(sheet, agency));
            })
        })
        .map_err(|fault| unread(&fault))?;
    found.unwrap_or_else(|| {
        Err(unread(&archive::fault(mappings::format::FaultKind::NotTheFormat, "no sheet")))
    })
}

/// The names of files that end as this one does.
fn pattern(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    match (name.starts_with("__MACOSX/"), last.rsplit_once('.')) {
        (true, _) => "__MACOSX/*".to_owned(),
        (false, Some((_, ending))) => format!("*.{ending}"),
        (false, None) => last.to_owned(),
    }
}

fn unread(fault: &Fault) -> NotUnderstood {
    let detail = &fault.detail;
    NotUnderstood([
        format!("Không mở được tệp mẫu: {detail}."),
        format!("The sample cannot be opened: {detail}."),
    ])
}
