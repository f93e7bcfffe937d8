//! The roadmap's money by year: what the plan estimates, what was estimated since, approved, spent.
//! The four are never added to one another.

use std::collections::BTreeMap;

use contracts::budget::BudgetKind;
use jiff::civil::Date;
use serde::Serialize;

use super::{facts::Facts, plan::Plan};

/// The money of one year, in đồng.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct YearMoney {
    /// The year.
    pub year: i16,
    /// What the plan estimates; of the province as a whole.
    pub planned: u64,
    /// What was estimated since.
    pub estimated: u64,
    /// What was approved.
    pub approved: u64,
    /// What was spent.
    pub spent: u64,
}

/// The money up to a day, by year, of an agency or of all.
pub(super) fn money(
    plan: &Plan,
    facts: &Facts<'_>,
    only: Option<&str>,
    on: Date,
) -> Vec<YearMoney> {
    let mut years: BTreeMap<i16, YearMoney> = BTreeMap::new();
    let mut of = |year: i16, add: &dyn Fn(&mut YearMoney)| {
        add(years.entry(year).or_insert(YearMoney { year, ..YearMoney::default() }));
    };
    // The plan says nothing of single agencies.
    for wave in plan.wave.iter().filter(|_| only.is_none()) {
        if let Some(estimate) = wave.estimate {
            of(wave.from.year(), &|money| money.planned = money.planned.saturating_add(estimate));
        }
    }
    for one in &facts.budgets {
        let told = one.at.is_none_or(|at| at.day() <= on);
        if !told || only.is_some_and(|only| only != one.agency) {
            continue;
        }
        of(one.year, &|money| {
            let held = match one.kind {
                BudgetKind::Estimate => &mut money.estimated,
                BudgetKind::Approved => &mut money.approved,
                BudgetKind::Spent => &mut money.spent,
            };
            *held = held.saturating_add(one.amount);
        });
    }
    years.into_values().collect()
}
