//! What a column of a form counts: named by data, computed here.

use serde::{Deserialize, Serialize};

use crate::registry::Measure;

/// The numbers of one row of a form: flows of the period, gauges at its end, and what was open the
/// day before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    carried: i64,
    accepted: i64,
    accepted_online: i64,
    accepted_post: i64,
    early: i64,
    on_time: i64,
    late: i64,
    withdrawn: i64,
    open: i64,
    overdue: i64,
    paused: i64,
    paused_overdue: i64,
    /// Procedures by level: province, district, commune.
    procedures: [i64; 3],
    /// Those that are done at one-stop offices.
    one_stop: Told,
    /// Those for which an internal process is issued.
    internal: Told,
}

/// How many procedures something is said of, by level, and of how many it is said or denied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    so: [i64; 3],
    told: i64,
}

impl Told {
    fn add(&mut self, level: usize, is_so: Option<bool>) {
        self.told += i64::from(is_so.is_some());
        if let Some(count) = self.so.get_mut(level) {
            *count += i64::from(is_so == Some(true));
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.told += other.told;
        for (own, n) in self.so.iter_mut().zip(other.so) {
            *own += n;
        }
    }

    /// How many on some levels; none where there is one of which nobody tells.
    fn of(&self, levels: &[usize], procedures: [i64; 3]) -> Option<i64> {
        let all: i64 = procedures.iter().sum();
        let so = levels.iter().filter_map(|level| self.so.get(*level)).sum();
        (self.told == all).then_some(so)
    }
}

impl Numbers {
    /// What it is made of.
    pub const MEASURES: [Measure; 11] = [
        Measure::Accepted,
        Measure::AcceptedOnline,
        Measure::AcceptedPost,
        Measure::FinishedEarly,
        Measure::FinishedOnTime,
        Measure::FinishedLate,
        Measure::Withdrawn,
        Measure::Open,
        Measure::Overdue,
        Measure::Paused,
        Measure::PausedOverdue,
    ];

    /// Adds a measure of the period: a flow of its days, or a gauge at its end.
    pub fn add(&mut self, measure: &str, n: i64) {
        let place = match crate::registry::measure::counted_by(measure).map(|(one, _)| one) {
            Some(Measure::Accepted) => &mut self.accepted,
            Some(Measure::AcceptedOnline) => &mut self.accepted_online,
            Some(Measure::AcceptedPost) => &mut self.accepted_post,
            Some(Measure::FinishedEarly) => &mut self.early,
            Some(Measure::FinishedOnTime) => &mut self.on_time,
            Some(Measure::FinishedLate) => &mut self.late,
            Some(Measure::Withdrawn) => &mut self.withdrawn,
            Some(Measure::Open) => &mut self.open,
            Some(Measure::Overdue) => &mut self.overdue,
            Some(Measure::Paused) => &mut self.paused,
            Some(Measure::PausedOverdue) => &mut self.paused_overdue,
            _ => return,
        };
        *place += n;
    }

    /// Adds a measure as it stood the day before the period.
    pub fn add_before(&mut self, measure: &str, n: i64) {
        if measure == Measure::Open.name() {
            self.carried += n;
        }
    }

    /// Adds one procedure of a level: 0 province, 1 district, 2 commune; whether it is done at
    /// one-stop offices, and whether an internal process is issued, as far as that is told.
    pub fn add_procedure(
        &mut self,
        level: usize,
        (one_stop, internal): (Option<bool>, Option<bool>),
    ) {
        self.one_stop.add(level, one_stop);
        self.internal.add(level, internal);
        if let Some(count) = self.procedures.get_mut(level) {
            *count += 1;
        }
    }

    /// Adds the numbers of another row.
    pub fn add_all(&mut self, other: &Self) {
        self.carried += other.carried;
        self.accepted += other.accepted;
        self.accepted_online += other.accepted_online;
        self.accepted_post += other.accepted_post;
        self.early += other.early;
        self.on_time += other.on_time;
        self.late += other.late;
        self.withdrawn += other.withdrawn;
        self.open += other.open;
        self.overdue += other.overdue;
        self.paused += other.paused;
        self.paused_overdue += other.paused_overdue;
        for (own, n) in self.procedures.iter_mut().zip(other.procedures) {
            *own += n;
        }
        self.one_stop.add_all(&other.one_stop);
        self.internal.add_all(&other.internal);
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Carried over and received.
    ToHandle,
    /// Came under work in the period.
    Received,
    /// The same, filed online.
    ReceivedOnline,
    /// The same, filed in another way than online, or in none that is told.
    ReceivedOffline,
    /// The same, filed by post.
    ReceivedPost,
    /// The same, filed neither online nor by post.
    ReceivedCounter,
    /// Open the day before the period.
    Carried,
    /// Finished in the period, withdrawn ones with them.
    Finished,
    /// Finished before the due day.
    FinishedEarly,
    /// Finished on the due day, without one, or withdrawn.
    FinishedOnTime,
    /// Finished after the due day.
    FinishedLate,
    /// Open at the end of the period.
    Open,
    /// Open and not overdue, those that wait for their applicants with them.
    OpenInTime,
    /// Open and overdue; what waits for its applicant is not.
    OpenLate,
    /// Open, and not waiting for the applicant.
    Active,
    /// The same, not overdue.
    ActiveInTime,
    /// Waiting for the applicant.
    Paused,
    /// The same, the due day not over.
    PausedInTime,
    /// The same, the due day over.
    PausedLate,
    /// Procedures in the catalogue.
    Procedures,
    /// The same of the province's level.
    ProceduresProvince,
    /// The same of the districts' level.
    ProceduresDistrict,
    /// The same of the communes' level.
    ProceduresCommune,
    /// Procedures done at one-stop offices; of no number while the catalogue does not tell it of
    /// each procedure of the row.
    OneStop,
    /// The same of the province's level.
    OneStopProvince,
    /// The same of the districts' level.
    OneStopDistrict,
    /// The same of the communes' level.
    OneStopCommune,
    /// Procedures for which an internal process is issued, likewise.
    Internal,
    /// The same of the province's level.
    InternalProvince,
    /// The same of the districts' level.
    InternalDistrict,
    /// The same of the communes' level.
    InternalCommune,
    /// What nobody tells the hub.
    Unknown,
}

impl Figure {
    /// Its value in a row; none where nobody tells the hub.
    pub fn of(self, row: &Numbers) -> Option<i64> {
        let [province, district, commune] = row.procedures;
        Some(match self {
            Self::ToHandle => row.carried + row.accepted,
            Self::Received => row.accepted,
            Self::ReceivedOnline => row.accepted_online,
            Self::ReceivedOffline => row.accepted - row.accepted_online,
            Self::ReceivedPost => row.accepted_post,
            Self::ReceivedCounter => row.accepted - row.accepted_online - row.accepted_post,
            Self::Carried => row.carried,
            Self::Finished => row.early + row.on_time + row.late + row.withdrawn,
            Self::FinishedEarly => row.early,
            Self::FinishedOnTime => row.on_time + row.withdrawn,
            Self::FinishedLate => row.late,
            Self::Open => row.open,
            Self::OpenInTime => row.open - row.overdue,
            Self::OpenLate => row.overdue,
            Self::Active => row.open - row.paused,
            Self::ActiveInTime => row.open - row.paused - row.overdue,
            Self::Paused => row.paused,
            Self::PausedInTime => row.paused - row.paused_overdue,
            Self::PausedLate => row.paused_overdue,
            Self::Procedures => province + district + commune,
            Self::ProceduresProvince => province,
            Self::ProceduresDistrict => district,
            Self::ProceduresCommune => commune,
            Self::OneStop => return row.one_stop.of(&[0, 1, 2], row.procedures),
            Self::OneStopProvince => return row.one_stop.of(&[0], row.procedures),
            Self::OneStopDistrict => return row.one_stop.of(&[1], row.procedures),
            Self::OneStopCommune => return row.one_stop.of(&[2], row.procedures),
            Self::Internal => return row.internal.of(&[0, 1, 2], row.procedures),
            Self::InternalProvince => return row.internal.of(&[0], row.procedures),
            Self::InternalDistrict => return row.internal.of(&[1], row.procedures),
            Self::InternalCommune => return row.internal.of(&[2], row.procedures),
            Self::Unknown => return None,
        })
    }

    /// Whether it counts what the catalogue publishes rather than dossiers.
    pub fn is_of_catalogue(self) -> bool {
        let known = [
            Self::Procedures,
            Self::ProceduresProvince,
            Self::ProceduresDistrict,
            Self::ProceduresCommune,
            Self::OneStop,
            Self::OneStopProvince,
            Self::OneStopDistrict,
            Self::OneStopCommune,
            Self::Internal,
            Self::InternalProvince,
            Self::InternalDistrict,
            Self::InternalCommune,
        ];
        known.contains(&self)
    }
}
