//! An event of a feed as cells. It is read as its readers get it, so nothing can stand in a cell
//! that is not in the feed.

use std::{borrow::Cow, cell::OnceCell};

use contracts::Status;
use jiff::{Timestamp, civil::Date, tz};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    Unwritten,
    columns::{Column, Kind, Origin},
};
use crate::{
    feeds::{Feed, record},
    operations::agency_of,
    store::StoreError,
};

/// The contract of agencies.
const AGENCY: &str = "agency/1";

/// What one column holds of one event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Absent,
    Whole(i64),
    Number(f64),
    Flag(bool),
    Day(Date),
    /// No finer than microseconds, which all formats hold.
    Moment(Timestamp),
    Text(Cow<'a, str>),
}

/// The members of a CloudEvent that columns are made of.
#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    dataschema: Cow<'a, str>,
    time: Option<Timestamp>,
    #[serde(borrow)]
    dataref: Option<&'a RawValue>,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
    /// What became of personal members, where the reader asked for them.
    #[serde(borrow, default)]
    personal: Option<Cow<'a, str>>,
    #[serde(default)]
    data: Value,
}

/// One event, read where something of it is asked for.
pub(super) struct Event<'a> {
    text: &'a [u8],
    read: OnceCell<Envelope<'a>>,
}

/// The day in Vietnam of a moment as contracts write it: a day, or an instant.
fn day_of(text: &str) -> Option<Date> {
    if text.len() == "2024-02-29".len() {
        return text.parse().ok();
    }
    text.parse().ok().map(day_in_vietnam)
}

/// The day in Vietnam of an instant.
fn day_in_vietnam(at: Timestamp) -> Date {
    tz::offset(7).to_datetime(at).date()
}

fn microseconds(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_microsecond(at.as_microsecond()).ok()
}

/// A member by its path, such as `result.number`.
fn member<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(data, |value, name| value.get(name))
}

/// A member as what its column holds; absent where it is something else.
fn coerced(kind: Kind, value: &Value) -> Cell<'_> {
    let cell = match kind {
        Kind::Whole => value.as_i64().map(Cell::Whole),
        Kind::Number => value.as_f64().map(Cell::Number),
        Kind::Flag => value.as_bool().map(Cell::Flag),
        Kind::Day => value.as_str().and_then(day_of).map(Cell::Day),
        Kind::Moment => {
            let at = value.as_str().and_then(|text| text.parse().ok());
            at.and_then(microseconds).map(Cell::Moment)
        }
        // CSV and sheets cannot tell an empty text from none: no format does.
        Kind::Text => {
            let told = value.as_str().filter(|text| !text.is_empty());
            told.map(|text| Cell::Text(text.into()))
        }
    };
    cell.unwrap_or(Cell::Absent)
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
    Cell::Text(text.into())
}

impl<'a> Envelope<'a> {
    /// `agency.channel`; none for what the hub itself says.
    fn channel(&self) -> Option<String> {
        let rest = self.source.strip_prefix("/agencies/")?;
        Some(match rest.split_once("/channels/") {
            Some((agency, channel)) => format!("{agency}.{channel}"),
            None => rest.to_owned(),
        })
    }

    /// The contract that the schema's address ends with.
    fn contract(&self) -> &str {
        self.dataschema.rsplit_once("/contracts/").map_or("", |(_, contract)| contract)
    }

    /// Whether its type has such a word before its version.
    fn says(&self, word: &str) -> bool {
        self.kind.rsplit('.').nth(1) == Some(word)
    }

    fn text(&self, name: &str) -> Option<String> {
        member(&self.data, name).and_then(Value::as_str).map(ToOwned::to_owned)
    }

    fn status(&self) -> Option<Status> {
        let code = u8::try_from(member(&self.data, "status")?.as_u64()?).ok()?;
        code.try_into().ok()
    }

    fn cell(&self, column: &Column) -> Cell<'_> {
        let cell = match column.from {
            Origin::Position => self.sequence.parse().ok().map(Cell::Whole),
            Origin::RecordedAt => self.time.and_then(microseconds).map(Cell::Moment),
            Origin::Contract => Some(text(self.contract())),
            Origin::Key => Some(text(&*self.subject)),
            Origin::Source => self.subject.split_once('/').map(|(source, _)| text(source)),
            Origin::SourceCode => self.subject.split_once('/').map(|(_, code)| text(code)),
            Origin::Channel => self.channel().map(text),
            Origin::Agency => self.channel().map(|channel| text(agency_of(&channel).to_owned())),
            Origin::Says(word) => Some(Cell::Flag(self.says(word))),
            Origin::HasPersonal => Some(Cell::Flag(self.dataref.is_some())),
            Origin::Persons => self.personal.as_deref().map(text),
            Origin::Count(list) => {
                let list = member(&self.data, list).and_then(Value::as_array);
                list.and_then(|list| i64::try_from(list.len()).ok()).map(Cell::Whole)
            }
            Origin::Sum(list, name) => {
                let list = member(&self.data, list).and_then(Value::as_array);
                let numbers = |list: &Vec<Value>| {
                    list.iter()
                        .filter_map(|one| one.get(name)?.as_i64())
                        .try_fold(0, i64::checked_add)
                };
                list.and_then(numbers).map(Cell::Whole)
            }
            Origin::StatusVi => self.status().map(|status| text(status.name_vi())),
            Origin::StatusEn => self.status().map(|status| text(status.name_en())),
            Origin::Member(path) => member(&self.data, path).map(|one| coerced(column.kind, one)),
        };
        cell.unwrap_or(Cell::Absent)
    }
}

impl<'a> Event<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, read: OnceCell::new() }
    }

    /// The event as the feed has it.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    fn envelope(&self) -> Result<&Envelope<'a>, Unwritten> {
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let read = serde_json::from_slice(self.text)
            .map_err(|error| StoreError::fault(format!("an event is damaged: {error}")))?;
        Ok(self.read.get_or_init(|| read))
    }

    /// What a column holds of it.
    pub(super) fn cell(&self, column: &Column) -> Result<Cell<'_>, Unwritten> {
        Ok(self.envelope()?.cell(column))
    }

    /// The position in the journal.
    pub(super) fn position(&self) -> Result<u64, Unwritten> {
        let read = self.envelope()?;
        let damaged = |error| StoreError::fault(format!("an event is damaged: {error}"));
        Ok(read.sequence.parse().map_err(damaged)?)
    }

    /// Whether there are personal members to be had.
    pub(super) fn has_personal(&self) -> Result<bool, Unwritten> {
        Ok(self.envelope()?.dataref.is_some())
    }

    /// What the log of accesses calls the record.
    pub(super) fn about(&self) -> Result<String, Unwritten> {
        let read = self.envelope()?;
        Ok(record::subject(read.contract(), &read.subject, &read.data))
    }

    /// The contract that it is under.
    pub(super) fn contract(&self) -> Result<&str, Unwritten> {
        Ok(self.envelope()?.contract())
    }

    /// What the column `agency` of its feed holds.
    pub(super) fn agency(&self, feed: Feed) -> Result<Option<String>, Unwritten> {
        let read = self.envelope()?;
        Ok(match feed {
            Feed::Records => read.channel().map(|channel| agency_of(&channel).to_owned()),
            Feed::Dossiers | Feed::Findings | Feed::Statistics | Feed::Notices => {
                read.text("agency")
            }
            // An agency is told under its own id.
            Feed::Catalogue if read.contract() == AGENCY => read.text("id"),
            Feed::Catalogue => read.text("agency"),
        })
    }

    /// The day in Vietnam that it is chosen by.
    pub(super) fn day(&self, feed: Feed) -> Result<Option<Date>, Unwritten> {
        let read = self.envelope()?;
        let told = |path| member(&read.data, path).and_then(Value::as_str).and_then(day_of);
        Ok(match feed {
            Feed::Records | Feed::Catalogue => read.time.map(day_in_vietnam),
            Feed::Dossiers | Feed::Notices => told("accepted_at"),
            Feed::Findings => told("opened.at"),
            Feed::Statistics => told("day"),
        })
    }
}
