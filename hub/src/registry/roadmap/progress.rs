//! How far each agency is in each wave: completion, slip, forecast.

use jiff::civil::Date;
use serde::Serialize;

use super::{facts::Facts, plan::Wave};

/// How one agency stands in one wave on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = WaveProgress)]
pub struct Progress {
    /// The wave.
    pub wave: String,
    /// The agency.
    pub agency: String,
    /// Procedures that it has.
    pub procedures: u32,
    /// Of these, those that have the wave's level.
    pub reached: u32,
    /// The same in tenths of a percent; absent where it has no procedure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permille: Option<u32>,
    /// What the plan's straight line says for that day, in tenths of a percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_permille: Option<u32>,
    /// Days behind the line; less than 0: ahead of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slip_days: Option<i32>,
    /// When all that the wave asks was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub completed_on: Option<Date>,
    /// When it will be there, at the pace since the wave began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub forecast: Option<Date>,
}

/// Days from one to another.
pub(super) fn days(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// A day so many later; none where the calendar ends before it.
fn later(from: Date, days: i64) -> Option<Date> {
    let days = i32::try_from(days).ok()?;
    from.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// `a · b / c`, rounded down.
fn share(a: u32, b: u32, c: u32) -> u32 {
    let whole = u64::from(a) * u64::from(b) / u64::from(c.max(1));
    u32::try_from(whole).unwrap_or(u32::MAX)
}

/// How an agency stands in a wave.
pub(super) fn progress(facts: &Facts<'_>, wave: &Wave, agency: &str, on: Date) -> Progress {
    let procedures = facts.procedures(agency, on);
    let reached = procedures.iter().filter(|one| one.step(on) >= wave.step).count();
    let counted = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (all, reached) = (counted(procedures.len()), counted(reached));
    let mut told = Progress {
        wave: wave.id.clone(),
        agency: agency.to_owned(),
        procedures: all,
        reached,
        permille: (all > 0).then(|| share(reached, 1_000, all)),
        planned_permille: None,
        slip_days: None,
        completed_on: None,
        forecast: None,
    };
    let Some(percent) = wave.percent.filter(|percent| *percent > 0 && all > 0) else { return told };
    // The first and the last day of a wave belong to it.
    let length = days(wave.from, wave.to).max(0) + 1;
    let elapsed = days(wave.from, on) + 1;
    let within = u32::try_from(elapsed.clamp(0, length)).unwrap_or(0);
    told.planned_permille = Some(share(percent * 10, within, length.unsigned_abs()));
    let wanted = (u64::from(all) * u64::from(percent)).div_ceil(100);
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
    if reached >= wanted {
        let mut days_of: Vec<Date> =
            procedures.iter().filter_map(|one| one.reached(wave.step, on)).collect();
        days_of.sort_unstable();
        // Of levels whose first day nobody told, the day is not known.
        let last = usize::try_from(wanted).ok().and_then(|wanted| wanted.checked_sub(1));
        told.completed_on = last.and_then(|last| days_of.get(last).copied());
        told.slip_days = told.completed_on.map_or(Some(0), |day| Some(days(wave.to, day)));
        return told;
    }
    if elapsed <= 0 {
        return told;
    }
    // The day on which the line stood where the agency stands.
    let there = share(length.unsigned_abs(), reached, wanted);
    told.slip_days = Some(elapsed - i32::try_from(there).unwrap_or(i32::MAX));
    let (left, pace_days) = (i64::from(wanted - reached), i64::from(elapsed));
    if reached > 0 {
        let needed = (left * pace_days).div_euclid(i64::from(reached))
            + i64::from((left * pace_days) % i64::from(reached) != 0);
        told.forecast = later(on, needed);
    }
    told
}
