//! Payloads that hold files: an archive with the channel's files, a workbook with its sheet.
//!
//! An archive is taken apart here, every bound being ours. A workbook is opened by a process of its
//! own, which may be made to abort by a kilobyte.

mod archive;
mod cells;
pub(crate) mod reader;
pub(crate) mod sample;
mod workbook;

pub(crate) use workbook::SUBCOMMAND;

use std::cell::Cell;

use contracts::{Place, Problem, problem};
use mappings::{
    Content, File, Gazetteer, Mapping, Origin, Outcome, apply_file,
    archive::Member,
    format::{Fault, FaultKind},
    profile::Gatherer,
};

/// What is told of a payload, in its order.
pub(crate) enum Told<'a, 'o> {
    /// What became of a record.
    Record(&'a Origin<'a>, Outcome<'o>),
    /// Why the payload, or a file of it, was not read, or not to its end.
    Fault(Box<Problem>),
}

/// Receives what is told, and answers whether to go on.
pub(crate) type OnTold<'a> = dyn FnMut(Told<'_, '_>) -> bool + 'a;

/// Whether payloads of a mapping take a while of their own, whatever their size.
pub(crate) fn is_for(mapping: &Mapping) -> bool {
    mapping.archive().is_some() || mapping.sheet().is_some()
}

/// Translates a payload: itself, or the files in it one after the other.
pub(crate) fn apply(
    mapping: &Mapping,
    payload: &[u8],
    gazetteer: &Gazetteer,
    on_told: &mut OnTold<'_>,
) {
    let (mut records, mut wanted) = (0, true);
    walk(mapping, payload, &mut |found| {
        let read = match found {
            Found::Fault(problem) => Err(problem),
            Found::File(file, stopped) => {
                let file = File { before: records, ..file };
                apply_file(mapping, file, gazetteer, &mut |origin, outcome| {
                    records = origin.record;
                    wanted = wanted && on_told(Told::Record(origin, outcome));
                    if !wanted {
                        origin.stop();
                        stopped.set(true);
                    }
                })
            }
        };
        if let Err(problem) = read {
            wanted = wanted && on_told(Told::Fault(problem));
        }
        wanted
    });
}

/// Reads a payload into a profile, as far as the profile wants it. Gives whether all of it that was
/// wanted could be read.
pub(crate) fn gather(mapping: &Mapping, payload: &[u8], gatherer: &mut Gatherer<'_>) -> bool {
    let mut sound = true;
    walk(mapping, payload, &mut |found| {
        sound &= match found {
            Found::Fault(_) => false,
            Found::File(file, stopped) => gatherer.file(file, stopped),
        };
        !gatherer.is_full()
    });
    sound
}

/// What is found in a payload: a file, which stops being read once it is told so, or why there is
/// none.
enum Found<'a> {
    File(File<'a>, &'a Cell<bool>),
    Fault(Box<Problem>),
}

/// Receives what is found, and answers whether to go on.
type OnFound<'a> = dyn FnMut(Found<'_>) -> bool + 'a;

/// Hands over the files of a payload one after the other: itself, or those in it.
fn walk(mapping: &Mapping, payload: &[u8], on_found: &mut OnFound<'_>) {
    let Some(declared) = mapping.archive() else {
        file(mapping, None, payload, on_found);
        return;
    };
    let archive = match archive::Archive::open(payload) {
        Ok(archive) => archive,
        Err(fault) => {
            on_found(Found::Fault(refusal(&fault, "archive")));
            return;
        }
    };
    for (name, entry) in archive.entries() {
        let unpacked = match (declared.member(name), entry) {
            (Member::Ignored, _) => continue,
            (_, Err(fault)) => Err(fault.clone()),
            (Member::Unknown, _) => {
                let detail = "no file of that name is declared in [zip]";
                Err(archive::fault(FaultKind::NotTheFormat, detail))
            }
            (Member::Wanted, Ok(entry)) => archive.unpack(entry),
        };
        let wanted = match unpacked {
            Ok(bytes) => file(mapping, Some(name), &bytes, on_found),
            Err(fault) => on_found(Found::Fault(refusal(&fault, name))),
        };
        if !wanted {
            return;
        }
    }
}

/// Hands over one file; a workbook with its sheet open.
fn file(mapping: &Mapping, member: Option<&str>, bytes: &[u8], on_found: &mut OnFound<'_>) -> bool {
    let stopped = Cell::new(false);
    let Some(options) = mapping.sheet() else {
        let content = Content::Bytes(bytes);
        return on_found(Found::File(File { member, before: 0, content }, &stopped));
    };
    let mut wanted = true;
    let opened = archive::check_workbook(bytes).and_then(|()| {
        workbook::open(bytes, &options.sheet, &stopped, &mut |sheet| {
            let content = Content::Sheet(sheet);
            wanted = on_found(Found::File(File { member, before: 0, content }, &stopped));
        })
    });
    match opened {
        Ok(()) => wanted,
        Err(fault) => {
            wanted && on_found(Found::Fault(refusal(&fault, member.unwrap_or("workbook"))))
        }
    }
}

/// The refusal of a whole file.
fn refusal(fault: &Fault, file: &str) -> Box<Problem> {
    let kind = match fault.kind {
        FaultKind::LimitExceeded { .. } => &problem::LIMIT_EXCEEDED,
        _ => &problem::NOT_THE_FORMAT,
    };
    let place = Place { path: Some(file.to_owned()), ..Place::default() };
    Box::new(Problem::new(kind).in_place(place).by_rule(fault.detail.clone()))
}
