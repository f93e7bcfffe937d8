//! Dialects that systems of agencies speak already: to the hub they are one more way in.
//!
//! [`lgsp`] is what agencies push to their provincial hub, [`dvcqg`] what they push to the national
//! portal. Here the agency comes from the credential, and the channel from what is called. What
//! goes on to the inbox is what was sent, but for credentials and files in it.

pub mod dvcqg;
mod inline;
pub mod lgsp;
#[cfg(test)]
mod tests;

pub use inline::{Claim, Files};

use contracts::{Problem, Receipt};

use crate::rest::problem::ProblemResponse;
use crate::rest::push::Denied;

/// Problems that an answer tells, of all that there are.
const PROBLEMS_MAX: usize = 20;

/// Which channel of which agency is meant.
pub trait Desk: Send + Sync + 'static {
    /// The channel by which the bearer's agency is received when it calls `operation` of a dialect.
    ///
    /// # Errors
    ///
    /// Why there is none. An operation that the agency has no channel for is
    /// [`Denied::Forbidden`].
    fn channel(
        &self,
        dialect: &str,
        operation: &str,
        authorization: Option<&str>,
    ) -> Result<String, Denied>;
}

/// What was taken, in one sentence for a person.
fn taken(receipt: &Receipt) -> String {
    let Receipt { records, refused, outcome, .. } = receipt;
    let outcome = outcome.as_str();
    let told = format!("{records} bản ghi ({outcome}) / {records} records ({outcome})");
    match refused {
        0 => told,
        _ => format!("{told}. {refused} bị từ chối / refused: {}", refusals(receipt)),
    }
}

/// What was not taken, for a person: what is wrong, what to do, and each refusal.
fn not_taken(problem: &ProblemResponse) -> String {
    let text = |vi: &str, en: &str| format!("{} / {}", problem.text(vi), problem.text(en));
    let mut told = format!("{}: {}", problem.text("code"), text("title", "title_en"));
    if !problem.text("detail").is_empty() {
        told.push_str(&format!(" {}", text("detail", "detail_en")));
    }
    match problem.receipt().filter(|receipt| !receipt.refusals.is_empty()) {
        Some(receipt) => told.push_str(&format!(" {}", refusals(receipt))),
        None => told.push_str(&format!(" {}", text("advice", "advice_en"))),
    }
    told
}

/// The first refusals of a receipt.
fn refusals(receipt: &Receipt) -> String {
    let all = receipt
        .refusals
        .iter()
        .flat_map(|refusal| refusal.problems.iter().map(|problem| (refusal.record, problem)));
    let mut told: Vec<String> =
        all.clone().take(PROBLEMS_MAX).map(|(record, problem)| one(record, problem)).collect();
    if all.count() > PROBLEMS_MAX {
        told.push("…".to_owned());
    }
    told.join("; ")
}

fn one(record: Option<u32>, problem: &Problem) -> String {
    let mut told = record.map(|record| format!("[{record}] ")).unwrap_or_default();
    told.push_str(&problem.code);
    for part in [problem.place.path.as_ref(), problem.value.as_ref()].into_iter().flatten() {
        told.push_str(&format!(" {part}"));
    }
    let detail = (&problem.detail, &problem.advice);
    let (vi, en) = ((&detail.0.vi, &detail.1.vi), (&detail.0.en, &detail.1.en));
    told.push_str(&format!(": {} {} / {} {}", vi.0, vi.1, en.0, en.1));
    told
}
