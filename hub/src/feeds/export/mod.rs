//! Exports: a feed as one file, for programs that analyse.
//!
//! An export reads a feed from a place to where it ended when the export began, page by page, so
//! that no transaction of the store lasts as long as it does, and hands each event to one
//! [`Writer`]. Memory is that of a page and of what the format holds back, whatever the size. It
//! shows what the feed shows its asker: public texts; of records, whoever says what for is given
//! the personal members of its own besides.

mod archive;
mod chunks;
mod columns;
mod csv;
mod event;
mod ndjson;
mod parquet;
mod persons;
#[cfg(test)]
mod tests;
mod ways;
mod workbook;

use std::io::{self, Write};

use jiff::civil::Date;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Feed, Place};
use crate::{
    cursor,
    journal::log::Log,
    operations::{Operations, PAGE_MAX, Reader},
    store::StoreError,
};

pub use chunks::{Arriving, Chunks, chunks};
pub use columns::{Column, Kind, columns, contracts, personal_columns};
pub use ways::Format;

use event::Event;

/// Which events of a feed; what is absent leaves none out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those whose column `agency` holds this id.
    pub agency: Option<String>,
    /// Records of this contract, such as `dossier/1`.
    pub contract: Option<String>,
    /// Days in Vietnam, the first and the last: of records and of changes of the catalogue when
    /// they were recorded, of dossiers when they were accepted, of findings when they were opened,
    /// of statistics the day that they are of.
    pub days: (Option<Date>, Option<Date>),
}

impl Filter {
    fn takes(&self, feed: Feed, event: &Event<'_>) -> Result<bool, Unwritten> {
        if let Some(agency) = &self.agency
            && event.agency(feed)?.as_deref() != Some(agency)
        {
            return Ok(false);
        }
        if let Some(contract) = &self.contract
            && event.contract()? != *contract
        {
            return Ok(false);
        }
        let (from, to) = self.days;
        if from.is_none() && to.is_none() {
            return Ok(true);
        }
        let day = event.day(feed)?;
        Ok(day.is_some_and(|day| {
            from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
        }))
    }
}

/// What is exported.
#[derive(Debug, Clone)]
pub struct Export {
    /// The feed.
    pub feed: Feed,
    /// How it is written.
    pub format: Format,
    /// Who reads it, and what for where personal members are asked for: of records alone.
    pub reader: Reader,
    /// The log whose places these are.
    pub log: Log,
    /// The place to begin at.
    pub from: Place,
    /// The place to end at: where the feed ended when the export began, or earlier.
    pub end: Place,
    /// Which events.
    pub filter: Filter,
}

/// What was exported: told in files that have room for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The feed.
    pub feed: Feed,
    /// The name of the log.
    pub log_id: String,
    /// The journal position that the export is true at.
    pub position: u64,
    /// The cursor to go on from.
    pub next: String,
    /// Rows written.
    pub rows: u64,
}

impl Told {
    /// All of it by name, for files that have room for it.
    fn named(&self) -> [(&'static str, String); 5] {
        [
            ("feed", self.feed.name().to_owned()),
            ("position", self.position.to_string()),
            ("rows", self.rows.to_string()),
            ("log_id", self.log_id.clone()),
            ("next", self.next.clone()),
        ]
    }
}

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// The store could not answer, or what it holds is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is written goes nowhere: the reader has left, or the disk is full.
    #[error("the export cannot be written: {0}")]
    Out(#[from] io::Error),
    /// It was told to stop.
    #[error("the export was told to stop")]
    Stopped,
    /// The format has no room for so much.
    #[error(
        "a workbook has room for no more than 4 GB: export as Parquet, or fewer days at a time"
    )]
    TooLarge,
}

/// Writes events in one format.
trait Writer {
    /// Writes one event.
    fn row(&mut self, event: &Event<'_>) -> Result<(), Unwritten>;

    /// Writes what stands at the end, and all that was held back.
    fn end(self: Box<Self>, told: &Told) -> Result<(), Unwritten>;
}

impl Export {
    /// The cursor to go on from: after it lies exactly what this export has not read. A dossier or
    /// a finding that changes while the export is under way lies after it, too.
    pub fn next(&self) -> String {
        let end = (&self.from).max(&self.end);
        cursor::write(&self.log.id, &self.feed.list(), end)
    }

    /// The journal position that it is true at.
    pub fn position(&self) -> u64 {
        self.end.0
    }

    /// Whether personal members are among the others.
    fn has_persons(&self) -> bool {
        self.feed == Feed::Records && self.reader.states()
    }

    /// A name for its file.
    pub fn file_name(&self) -> String {
        let contract =
            self.filter.contract.as_ref().map(|one| format!("-{}", one.replace('/', "-")));
        let (feed, contract) = (self.feed.name(), contract.unwrap_or_default());
        let persons = if self.has_persons() { "-personal" } else { "" };
        let format = self.format.name();
        format!("lienthong-{feed}{contract}{persons}-{}.{format}", self.position())
    }

    /// Writes it. It waits for the store and for `out`, so it is for a thread that may wait.
    ///
    /// # Errors
    /// [`Unwritten`]; what was written is no whole file then.
    pub fn write(
        &self,
        operations: &Operations,
        stop: &CancellationToken,
        out: Box<dyn Write + Send>,
    ) -> Result<Told, Unwritten> {
        let contract = self.filter.contract.as_deref();
        let mut shown = columns(self.feed, contract);
        if self.has_persons() {
            shown.extend(personal_columns(contract));
        }
        let mut writer = self.format.writer(shown, out)?;
        let (runtime, mut place, mut rows) = (Handle::current(), self.from.clone(), 0);
        while place < self.end {
            let page =
                stop.run_until_cancelled(self.feed.scan(operations, &self.log, &place, PAGE_MAX));
            let (fed, next) = runtime.block_on(page).ok_or(Unwritten::Stopped)??;
            let mut taken = Vec::new();
            for one in &fed {
                if one.after > self.end || !one.audience.admits(self.reader.who()) {
                    continue;
                }
                let event = Event::new(&one.text);
                if self.filter.takes(self.feed, &event)? {
                    taken.push((one, event));
                    rows += 1;
                }
            }
            if self.has_persons() {
                let lines = persons::joined(operations, &self.reader, &taken);
                let lines = runtime.block_on(stop.run_until_cancelled(lines));
                for line in lines.ok_or(Unwritten::Stopped)?? {
                    writer.row(&Event::new(&line))?;
                }
            } else {
                for (_, event) in taken {
                    writer.row(&event)?;
                }
            }
            if next == place {
                break;
            }
            place = next;
        }
        let (feed, log_id) = (self.feed, self.log.id.clone());
        let told = Told { feed, log_id, position: self.position(), next: self.next(), rows };
        writer.end(&told)?;
        Ok(told)
    }
}
