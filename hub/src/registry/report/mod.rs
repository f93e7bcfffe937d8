//! Reports: forms filled with numbers of a period, frozen, and compared with what is now. Pure.
//!
//! A form is dated data of the catalogue: its columns, headings, rows and the identities that must
//! hold between columns. What a column counts is one of the [`Figure`]s, which are code.

mod assertion;
mod difference;
mod few;
mod figure;
mod fill;
mod filled;
mod form;
mod freeze;
mod period;
#[cfg(test)]
mod tests;

pub use assertion::{Asserted, AssertedOf, Assertion};
pub use difference::{Difference, DifferenceRow};
pub use figure::{Figure, Numbers};
pub use fill::{Cells, Filling, fill};
pub use filled::{Check, Fault, Heading, Named, Note, Report, ReportPeriod, ReportRow, RowKind};
pub use form::{Column, Form, Forms, Identity, Level, Rows};
pub use freeze::{FreezeText, Frozen};
pub use period::{NotAPeriod, Period, ReportCalendar, day_vi};
