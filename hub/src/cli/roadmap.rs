//! `lienthong roadmap`: how far each agency is on the plan.

use std::{
    io::{self, Write},
    sync::Arc,
};

use jiff::civil::Date;

use super::{Configured, Exit, drift::Format, journal};
use crate::{
    api,
    operations::{Operations, RoadmapStanding},
    registry::roadmap::{AgencyStanding, Duty, State},
    store::{Store, StoreError},
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only this agency, by its id.
    #[arg(long)]
    agency: Option<String>,
    /// The day, as YYYY-MM-DD; today where none is given.
    #[arg(long)]
    as_of_date: Option<Date>,
    /// How it is told.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    configured: Configured,
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let ask = async |store: Arc<dyn Store>| -> Result<Option<RoadmapStanding>, StoreError> {
        let operations = Operations::of(store);
        let on = options.as_of_date.unwrap_or_else(api::today);
        operations.roadmap(options.agency.as_deref(), on, None).await
    };
    let told = match journal::with_store(&options.configured.config, err, ask)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    match told {
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(journal::exit_of(&error))
        }
        Ok(None) => {
            writeln!(
                err,
                "the store has no roadmap: put roadmap.toml into the catalogue's folder"
            )?;
            Ok(Exit::Faulty)
        }
        Ok(Some(standing)) => {
            match options.format {
                Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&standing)?)?,
                Format::Text => tell(&standing, out)?,
            }
            Ok(Exit::Done)
        }
    }
}

fn tell(standing: &RoadmapStanding, out: &mut impl Write) -> io::Result<()> {
    let roadmap = &standing.roadmap;
    writeln!(out, "{} / {}", roadmap.plan.vi, roadmap.plan.en)?;
    writeln!(out, "{} (nhật ký / journal: {})", roadmap.as_of_date, standing.as_of)?;
    for wave in &roadmap.waves {
        let (reached, all) = (wave.reached, wave.procedures);
        writeln!(
            out,
            "{} {}…{}: {reached}/{all} thủ tục / procedures, {}/{} cơ quan / agencies",
            wave.name.vi, wave.from, wave.to, wave.complete, wave.agencies
        )?;
    }
    for agency in &roadmap.agencies {
        of_agency(agency, out)?;
    }
    for duty in roadmap.reports.iter().chain(&roadmap.milestones).filter(|duty| late(duty)) {
        let period = duty.period.as_deref().unwrap_or_default();
        let days = duty.days_late.unwrap_or_default();
        writeln!(
            out,
            "{} {period} {}: trễ / late {days}, hạn / due {}",
            duty.agency, duty.name.vi, duty.due
        )?;
    }
    for note in roadmap.notes.iter().filter(|note| !note.agrees) {
        writeln!(out, "≠ {}\n  {}", note.words.vi, note.words.en)?;
    }
    Ok(())
}

fn late(duty: &Duty) -> bool {
    matches!(duty.state, State::Late | State::Overdue)
}

fn of_agency(agency: &AgencyStanding, out: &mut impl Write) -> io::Result<()> {
    let points = agency.score.tenths;
    write!(out, "{}. {} {}.{}", agency.score.rank, agency.agency, points / 10, points % 10)?;
    for wave in &agency.waves {
        write!(out, "  {}: {}/{}", wave.wave, wave.reached, wave.procedures)?;
        if let Some(days) = wave.slip_days {
            write!(out, " {days:+}d")?;
        }
    }
    writeln!(out)
}
