//! Payloads that hold files: an archive with the channel's files, a workbook with its sheet.
//!
//! An archive is taken apart here, every bound being ours. A workbook is opened by a process of its
//! own, which may be made to abort by a kilobyte.

mod archive;
mod cells;
pub(crate) mod reader;
mod workbook;

pub(crate) use workbook::SUBCOMMAND;

use std::cell::Cell;

use contracts::{Place, Problem, problem};
use mappings::{
    Content, File, Gazetteer, Mapping, Origin, Outcome, apply_file,
    archive::Member,
    format::{Fault, FaultKind},
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
    let mut run = Run { mapping, gazetteer, on_told, records: 0, wanted: true };
    match mapping.archive() {
        None => run.file(None, payload),
        Some(_) => run.archive(payload),
    }
}

/// A payload under way.
struct Run<'a, 'f> {
    mapping: &'a Mapping,
    gazetteer: &'a Gazetteer,
    on_told: &'a mut OnTold<'f>,
    records: u32,
    wanted: bool,
}

impl Run<'_, '_> {
    fn fault(&mut self, problem: Box<Problem>) {
        self.wanted = self.wanted && (self.on_told)(Told::Fault(problem));
    }

    fn file(&mut self, member: Option<&str>, bytes: &[u8]) {
        let Some(options) = self.mapping.sheet() else {
            return self.content(member, Content::Bytes(bytes), &Cell::new(false));
        };
        let stopped = Cell::new(false);
        let opened = archive::check_workbook(bytes).and_then(|()| {
            workbook::open(bytes, &options.sheet, &stopped, &mut |sheet| {
                self.content(member, Content::Sheet(sheet), &stopped);
            })
        });
        if let Err(fault) = opened {
            self.fault(refusal(&fault, member.unwrap_or("workbook")));
        }
    }

    fn content<'c>(&mut self, member: Option<&'c str>, content: Content<'c>, stopped: &Cell<bool>) {
        let Self { mapping, gazetteer, on_told, records, wanted } = self;
        let file = File { member, before: *records, content };
        let read = apply_file(mapping, file, gazetteer, &mut |origin, outcome| {
            *records = origin.record;
            *wanted = *wanted && on_told(Told::Record(origin, outcome));
            if !*wanted {
                origin.stop();
                stopped.set(true);
            }
        });
        if let Err(problem) = read {
            self.fault(problem);
        }
    }

    fn archive(&mut self, payload: &[u8]) {
        let Some(declared) = self.mapping.archive() else { return };
        let listed = archive::Archive::open(payload);
        let archive = match listed {
            Ok(archive) => archive,
            Err(fault) => return self.fault(refusal(&fault, "archive")),
        };
        for (name, entry) in archive.entries() {
            if !self.wanted {
                return;
            }
            let unpacked = match (declared.member(name), entry) {
                (Member::Ignored, _) => continue,
                (_, Err(fault)) => Err(fault.clone()),
                (Member::Unknown, _) => {
                    let detail = "no file of that name is declared in [zip]";
                    Err(archive::fault(FaultKind::NotTheFormat, detail))
                }
                (Member::Wanted, Ok(entry)) => archive.unpack(entry),
            };
            match unpacked {
                Ok(bytes) => self.file(Some(name), &bytes),
                Err(fault) => self.fault(refusal(&fault, name)),
            }
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
