//! Where a record stands in its payload, worked out only for those that are refused.

use std::cell::{Cell, OnceCell};

use contracts::{ContractId, Place, Problem};

use crate::mapping::Mapping;

/// Line starts of a text, so that placing a thousand problems reads the text once.
pub(crate) struct Lines<'a> {
    source: &'a str,
    starts: OnceCell<Vec<usize>>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, starts: OnceCell::new() }
    }

    /// The line and column of an offset, from 1.
    pub(crate) fn place(&self, offset: usize) -> (u32, u32) {
        let starts = self.starts.get_or_init(|| {
            let breaks = self.source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
        });
        let line = starts.partition_point(|start| *start <= offset);
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.source.get(start..offset).unwrap_or("");
        (clamp(line), clamp(before.chars().count() + 1))
    }
}

fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// One record's place in its payload.
pub struct Origin<'a> {
    /// Its number, from 1.
    pub record: u32,
    pub(crate) offset: usize,
    pub(crate) mapping: &'a Mapping,
    pub(crate) lines: &'a Lines<'a>,
    pub(crate) stopped: &'a Cell<bool>,
}

impl Origin<'_> {
    /// Places a problem that sealing found: where its record begins, and which native field feeds
    /// the member concerned.
    pub fn locate(&self, contract: &ContractId, problem: &mut Problem) {
        let (line, column) = self.lines.place(self.offset);
        problem.place = Place {
            line: Some(line),
            column: Some(column),
            path: self.mapping.field_of(contract, &problem.pointer),
            record: Some(self.record),
        };
    }

    /// Asks for no more records: those that follow are neither mapped nor handed over.
    pub fn stop(&self) {
        self.stopped.set(true);
    }
}
