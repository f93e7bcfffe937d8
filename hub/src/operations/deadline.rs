//! When a dossier is due: what its agency promised, and beside it what the hub reckons.

use contracts::{Moment, Status};
use jiff::civil::Date;
use serde::Serialize;

use super::{Heard, Operations, Sought, folded};
use crate::{
    auth::Principal,
    catalogue::Edition,
    registry::{
        DossierState, Extension, Promise, Settings,
        calendar::At,
        deadline::{Computed, Due, Explained, Left, Limit, NoDeadline, Resume, Supplement},
        finding::Stamp,
    },
    store::{DossierRow, StoreError, decode},
};

/// What the agency promised: as told, never altered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PromisedDates)]
struct Promised {
    /// The date in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    due_at: Option<Moment>,
    /// The first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    first_due_at: Option<Moment>,
    /// All of them, in the order they took force.
    promises: Vec<Promise>,
    /// The extensions told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<Extension>,
}

/// The dossier that is asked for, in brief.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DossierBrief)]
pub struct Brief {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    agency: String,
    #[schema(value_type = crate::described::Status)]
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    accepted_at: Option<Moment>,
    promised: Promised,
}

/// The hub's own deadline.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OwnDeadline)]
pub struct Own {
    /// Absent while the dossier waits for its applicant, and where there is no time limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    due_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Waiting>,
    limit: Limit,
    rule: String,
    resume: Resume,
    /// How far the agency's date lies from the hub's.
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<Difference>,
    /// Requests for more papers, with the time that the rule gives for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    supplements: Vec<Supplement>,
    steps: Vec<Explained>,
    calendar: CalendarVersion,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadlineWaiting)]
struct Waiting {
    #[schema(value_type = crate::described::Moment)]
    since: Moment,
    left: Left,
}

/// Days that the agency's date lies behind the hub's, and in words.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadlineDifference)]
struct Difference {
    days: i32,
    vi: String,
    en: String,
}

/// Which version of the calendar was used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CalendarVersion {
    /// The hash of its content.
    version: String,
    #[schema(value_type = String, format = Date)]
    first_day: Date,
    #[schema(value_type = String, format = Date)]
    last_day: Date,
    /// The position of the entry that put it in force, with the catalogue it came in.
    position: u64,
}

/// How a dossier stands with its deadlines, as of a position.
#[derive(Debug)]
pub struct Standing {
    /// The dossier, and what its agency promised.
    pub dossier: Brief,
    /// The hub's own deadline, or why there is none.
    pub hub: Result<Own, NoDeadline>,
    /// The journal position the answer is true at.
    pub as_of: u64,
}

/// What a look-up of a deadline finds.
#[derive(Debug)]
pub enum DeadlineLookup {
    /// One dossier's.
    One(Box<Standing>),
    /// Several dossiers bear that code.
    Several(Vec<DossierRow>),
    /// None that the asker may see.
    Nothing,
}

impl Operations {
    /// When the dossier that bears a code is due, as it stands on a day: today, or as of an earlier
    /// position the day on which that was reached. An agency finds only its own.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn deadline(
        &self,
        who: &Principal,
        code: &str,
        source: Option<&str>,
        as_of: Option<u64>,
        today: Date,
    ) -> Result<DeadlineLookup, StoreError> {
        let sought = as_of;
        let heard = match self.sought(who, code, source, as_of).await? {
            Sought::One(heard) => heard,
            Sought::Several(rows) => return Ok(DeadlineLookup::Several(rows)),
            Sought::Nothing => return Ok(DeadlineLookup::Nothing),
        };
        let Heard { key, observations, as_of, rules, .. } = heard;
        let Some((state, _)) = folded(&observations, &key, &rules) else {
            return Ok(DeadlineLookup::Nothing);
        };
        let on = match sought {
            Some(_) => self.day_of(as_of).await?.unwrap_or(today),
            None => today,
        };
        let edition = self.published.edition(&*self.store, Some(as_of)).await?;
        let hub = match &edition {
            None => Err(NoDeadline::NoCalendar),
            Some(edition) => own(&state, edition, &rules.settings, on),
        };
        Ok(DeadlineLookup::One(Box::new(Standing { dossier: brief(state), hub, as_of })))
    }
}

impl Operations {
    /// The day in Vietnam of the last entry before a position.
    async fn day_of(&self, position: u64) -> Result<Option<Date>, StoreError> {
        let Some(last) = position.checked_sub(1) else { return Ok(None) };
        let entries = self.store.texts(last, 1).await?;
        let Some(entry) = entries.first() else { return Ok(None) };
        let recorded_at = decode::recorded_at(&entry.stored())?;
        Ok(Some(Stamp { position: last, at: recorded_at }.day()))
    }
}

fn brief(state: DossierState) -> Brief {
    let promised = Promised {
        due_at: state.promises.last().map(|promise| promise.due_at),
        first_due_at: state.first_due_at,
        promises: state.promises,
        extensions: state.extensions,
    };
    let DossierState { key, code, agency, status, accepted_at, .. } = state;
    Brief { key, code, agency, status, accepted_at, promised }
}

fn own(
    state: &DossierState,
    edition: &Edition,
    settings: &Settings,
    on: Date,
) -> Result<Own, NoDeadline> {
    let (position, deadlines) = (&edition.position, edition.deadlines());
    let (calendar, version) = deadlines.calendar().ok_or(NoDeadline::NoCalendar)?;
    let Computed { due, limit, rule, supplements, steps } =
        deadlines.explain(state, settings, on)?;
    let (due_at, waiting) = match due {
        Due::At(due) => (Some(due), None),
        Due::Waiting { since, left } => (None, Some(Waiting { since, left })),
        Due::Unlimited => (None, None),
    };
    let promise = state.promises.last().map(|promise| promise.due_at);
    Ok(Own {
        due_at,
        waiting,
        limit,
        rule: rule.name.clone(),
        resume: rule.resume,
        differs: due_at.zip(promise).map(|(hub, agency)| differs(hub, agency)),
        supplements,
        steps,
        calendar: CalendarVersion {
            version: version.to_owned(),
            first_day: calendar.first_day,
            last_day: calendar.last_day,
            position: *position,
        },
    })
}

fn differs(hub: Moment, agency: Moment) -> Difference {
    let days = At::of(agency).day.saturating_sub(At::of(hub).day);
    let n = days.unsigned_abs();
    let (vi, en) = match days {
        0 => ("cùng ngày".to_owned(), "the same day".to_owned()),
        1.. => (
            format!("ngày hẹn của cơ quan sau {n} ngày"),
            format!("the agency's date is later by {n} days"),
        ),
        _ => (
            format!("ngày hẹn của cơ quan trước {n} ngày"),
            format!("the agency's date is earlier by {n} days"),
        ),
    };
    Difference { days, vi, en }
}
