//! The points of a year, by which agencies are put in order (plan, reference S27).

use serde::Serialize;

use super::{
    duties::{Duty, State},
    plan::{Plan, Score},
    progress::Progress,
};

/// Points in tenths, of what could be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RoadmapPoints)]
pub struct Points {
    /// Points in tenths.
    pub tenths: u32,
    /// Tenths that there were to be had.
    pub of: u32,
}

/// The points of one agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RoadmapScore)]
pub struct Scored {
    /// Procedures that reached their wave's level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<Points>,
    /// Being on schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Points>,
    /// Reports sent in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<Points>,
    /// An active officer of the one-stop section.
    pub officer: Points,
    /// All of it, in tenths of a point of a hundred.
    pub tenths: u32,
    /// The place among all agencies; equal points have equal places.
    pub rank: u32,
}

fn part(points: u32, got: u64, of: u64) -> Points {
    let tenths = u64::from(points) * 10 * got / of.max(1);
    Points { tenths: u32::try_from(tenths).unwrap_or(u32::MAX), of: points * 10 }
}

/// The points of an agency by its waves that have begun, its reports of the year and its officers.
/// What cannot be judged yet is left out, and the rest counted as a hundred. The rank is given
/// later.
pub(super) fn scored(
    plan: &Plan,
    waves: &[&Progress],
    reports: &[&Duty],
    officers: Option<usize>,
) -> Scored {
    let Score { completion, schedule, slip_days_max, reports: reported, officer } = plan.score;
    let judged: Vec<_> =
        waves.iter().filter(|one| one.planned_permille.is_some_and(|line| line > 0)).collect();
    let of = judged.iter().map(|one| u64::from(one.procedures)).sum::<u64>();
    let got = judged.iter().map(|one| u64::from(one.reached)).sum::<u64>();
    let most = u64::from(slip_days_max.max(1));
    let slip = judged.iter().filter_map(|one| one.slip_days).max();
    let left = slip.map(|slip| most.saturating_sub(u64::try_from(slip).unwrap_or(0)));
    let due: Vec<_> = reports.iter().filter(|one| one.state != State::Ahead).collect();
    let in_time = due.iter().filter(|one| one.state == State::OnTime).count();
    let mut all = Scored {
        completion: (of > 0).then(|| part(completion, got, of)),
        schedule: left.map(|left| part(schedule, left, most)),
        reports: (!due.is_empty()).then(|| part(reported, in_time as u64, due.len() as u64)),
        officer: part(officer, u64::from(officers.is_some_and(|count| count > 0)), 1),
        tenths: 0,
        rank: 0,
    };
    let parts = [all.completion, all.schedule, all.reports, Some(all.officer)];
    let (got, of) = parts.iter().flatten().fold((0_u64, 0_u64), |(got, of), part| {
        (got + u64::from(part.tenths), of + u64::from(part.of))
    });
    all.tenths = u32::try_from(got * 1_000 / of.max(1)).unwrap_or(0);
    all
}

/// Gives places: one more than there are with more points.
pub(super) fn rank(all: &mut [&mut Scored]) {
    let points: Vec<u32> = all.iter().map(|one| one.tenths).collect();
    for one in all {
        let before = points.iter().filter(|other| **other > one.tenths).count();
        one.rank = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
    }
}
