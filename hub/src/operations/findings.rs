//! What there is to ask about dossiers and agencies.

use serde_json::value::RawValue;

use super::Operations;
use crate::{
    auth::Principal,
    registry::finding::{Finding, RuleName},
    store::{StoreError, findings::FindingQuery},
};

/// Which findings are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingQuestion {
    /// Of this agency alone.
    pub agency: Option<String>,
    /// Of this rule alone.
    pub rule: Option<RuleName>,
    /// About this dossier alone, by its key.
    pub dossier: Option<String>,
    /// Only those that are open, or closed.
    pub open: Option<bool>,
    /// Only those opened before this one: its position and its number there.
    pub before: Option<(u64, u32)>,
    /// How many at most.
    pub limit: u32,
}

/// Findings, the latest opened first.
#[derive(Debug)]
pub struct FindingPage {
    /// Each as JSON.
    pub findings: Vec<Box<RawValue>>,
    /// The last one, where more may follow: its position and its number there.
    pub next: Option<(u64, u32)>,
    /// The entry that is judged next: all before it are.
    pub judged: u64,
}

/// A finding as it is served.
pub(crate) fn told(finding: &Finding) -> Result<Box<RawValue>, StoreError> {
    RawValue::from_string(finding.text()).map_err(|error| {
        StoreError::fault(format!("the finding {} is damaged: {error}", finding.id()))
    })
}

impl Operations {
    /// Findings as far as they are the asker's to see: an agency sees those of its own.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn findings(
        &self,
        who: &Principal,
        question: FindingQuestion,
    ) -> Result<FindingPage, StoreError> {
        let FindingQuestion { mut agency, rule, dossier, open, before, limit } = question;
        if let Principal::Agency(own) = who {
            agency = Some(own.clone());
        }
        // Before the findings: what is judged meanwhile is only more.
        let judged = self.store.judged().await?;
        let query = FindingQuery { agency, rule, dossier, open, before, limit };
        let found = self.store.findings(query).await?;
        let last = found.last().map(|one| (one.opened.position, one.number));
        let next = last.filter(|_| found.len() == limit as usize);
        Ok(FindingPage {
            findings: found.iter().map(told).collect::<Result<_, _>>()?,
            next,
            judged,
        })
    }
}
