//! `lienthong report`: a report out of the store, and freezing one, without a running hub.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::ValueEnum;

use super::{Configured, Exit, journal};
use crate::{
    api::today,
    auth::Principal,
    operations::{Figures, NoReport, Operations, ReportAnswer, ReportQuestion},
    registry::report::Period,
    report::{self, Format},
    store::Store,
};

/// Which report, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The form, such as II.06a.
    form: String,
    /// The period: 2026, 2026-H1, 2026-9M, 2026-Q2, 2026-05, or FIRST..LAST.
    #[arg(long)]
    period: String,
    /// The calendar of reporting periods, such as nd09 or plan; the catalogue's first if left out.
    #[arg(long)]
    calendar: Option<String>,
    /// Only this agency, by its id.
    #[arg(long)]
    agency: Option<String>,
    /// Only what the journal held before this position.
    #[arg(long)]
    as_of: Option<u64>,
    /// Which figures; the frozen ones, if there are, when left out.
    #[arg(long)]
    figures: Option<Chosen>,
    /// Freeze the report as it is now. One that was frozen before stays as it is.
    #[arg(long, conflicts_with_all = ["as_of", "figures"])]
    freeze: bool,
    /// How it is written.
    #[arg(long, default_value = "json")]
    format: Written,
    /// The file to write; standard output if left out.
    #[arg(short, long)]
    output: Option<PathBuf>,
    #[command(flatten)]
    configured: Configured,
}

/// Which figures.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Chosen {
    /// Those of now.
    Now,
    /// Those that were frozen.
    Frozen,
    /// Both, cell by cell.
    Difference,
}

/// A format.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    /// JSON.
    Json,
    /// Comma-separated values.
    Csv,
    /// A workbook.
    Xlsx,
    /// A page to print.
    Html,
}

impl From<Written> for Format {
    fn from(written: Written) -> Self {
        match written {
            Written::Json => Self::Json,
            Written::Csv => Self::Csv,
            Written::Xlsx => Self::Xlsx,
            Written::Html => Self::Html,
        }
    }
}

impl Options {
    fn question(&self, period: Period) -> ReportQuestion {
        ReportQuestion {
            form: self.form.clone(),
            period,
            calendar: self.calendar.clone(),
            agency: self.agency.clone(),
            as_of: self.as_of,
            figures: match self.figures {
                None => Figures::Standing,
                Some(Chosen::Now) => Figures::Now,
                Some(Chosen::Frozen) => Figures::Frozen,
                Some(Chosen::Difference) => Figures::Difference,
            },
        }
    }
}

/// What was done: the freeze, where one was asked for, and the report.
type Done = (Option<String>, ReportAnswer);

async fn made(options: &Options, period: Period, store: Arc<dyn Store>) -> Result<Done, NoReport> {
    let operations = Operations::of(store);
    let (who, question, today) = (Principal::Operator, options.question(period), today());
    let mut told = None;
    if options.freeze {
        let (freeze, is_new) = operations.freeze(&who, &question, today).await?;
        let (position, at) = (freeze.position, freeze.recorded_at);
        told = Some(match is_new {
            true => format!("frozen at position {position}"),
            false => format!("already frozen at position {position}, on {at}: that stands"),
        });
    }
    Ok((told, operations.report(&who, &question, today).await?))
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let period = match options.period.parse::<Period>() {
        Ok(period) => period,
        Err(error) => {
            writeln!(err, "{}", error.vi())?;
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    let work = async |store: Arc<dyn Store>| made(options, period, store).await;
    let (told, answer) = match journal::with_store(&options.configured.config, err, work)? {
        Err(exit) => return Ok(exit),
        Ok(Ok(done)) => done,
        Ok(Err(NoReport::Store(error))) => {
            writeln!(err, "{error}")?;
            return Ok(journal::exit_of(&error));
        }
        Ok(Err(none)) => {
            let (vi, en) = none.words();
            writeln!(err, "{vi}\n{en}")?;
            return Ok(Exit::Faulty);
        }
    };
    if let Some(told) = told {
        writeln!(err, "{told}")?;
    }
    let written = report::write(&answer, options.format.into()).map_err(io::Error::other)?;
    match &options.output {
        None => out.write_all(&written)?,
        Some(file) => {
            if let Err(error) = std::fs::write(file, &written) {
                writeln!(err, "{} cannot be written: {error}", file.display())?;
                return Ok(Exit::Faulty);
            }
            writeln!(out, "{}: {} bytes", file.display(), written.len())?;
        }
    }
    Ok(Exit::Done)
}
