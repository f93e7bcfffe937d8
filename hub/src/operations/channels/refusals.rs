//! Refusals that an agency has yet to mend.

use contracts::problem::{Bilingual, CATALOGUE};
use serde::Serialize;

use super::super::Operations;
use crate::store::{
    StoreError,
    refusals::{ANY_CODE, RefusalPlace, RefusalQuery, RefusalRow},
};

/// Which open refusals are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusalQuestion {
    /// The channel: whoever asks may see it.
    pub channel: String,
    /// Only those with a problem of this code.
    pub rule: Option<String>,
    /// Only those told before this one.
    pub before: Option<RefusalPlace>,
    /// How many at most.
    pub limit: u32,
}

/// How many open refusals break a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RuleCount {
    /// The code of the problem.
    pub rule: String,
    /// How many refusals have it; one may have several.
    pub refusals: u64,
    /// What is wrong with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Bilingual>)]
    pub detail: Option<Bilingual>,
}

/// Open refusals of a channel, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OpenRefusals {
    /// The channel.
    pub channel: String,
    /// How many are open, whatever was asked for.
    pub open: u64,
    /// How many break which rule, most first.
    pub by_rule: Vec<RuleCount>,
    /// Those asked for.
    pub refusals: Vec<RefusalRow>,
    /// The last one, where more may follow.
    #[serde(skip)]
    pub next: Option<RefusalPlace>,
}

impl Operations {
    /// Some refusals of a channel that are open, and how many there are.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn open_refusals(
        &self,
        question: RefusalQuestion,
    ) -> Result<OpenRefusals, StoreError> {
        let RefusalQuestion { channel, rule, before, limit } = question;
        let code = rule.unwrap_or_else(|| ANY_CODE.to_owned());
        let query = RefusalQuery { channel: channel.clone(), code, before, limit };
        let refusals = self.store.open_refusals(query).await?;
        let counts = self.store.refusal_counts(Some(channel.clone())).await?;
        let (all, rules): (Vec<_>, Vec<_>) =
            counts.into_iter().partition(|count| count.code == ANY_CODE);
        let told = |code: &str| {
            let kind = CATALOGUE.iter().find(|kind| kind.code == code)?;
            let (vi, en) = kind.detail;
            Some(Bilingual { vi: vi.to_owned(), en: en.to_owned() })
        };
        let mut by_rule: Vec<RuleCount> = rules
            .into_iter()
            .map(|count| RuleCount {
                detail: told(&count.code),
                rule: count.code,
                refusals: count.refusals,
            })
            .collect();
        by_rule.sort_by_key(|count| std::cmp::Reverse(count.refusals));
        let last = refusals.last().map(|row| (row.position, row.place));
        let next = last.filter(|_| refusals.len() == limit as usize);
        let open = all.first().map_or(0, |count| count.refusals);
        Ok(OpenRefusals { channel, open, by_rule, refusals, next })
    }

    /// Settles all open refusals of a message by hand: what they were about was mended otherwise,
    /// or is not to be. Gives how many there were.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn settle_refusals(&self, channel: &str, id: &str) -> Result<u64, StoreError> {
        let settled = self.store.settle_refusals(channel.to_owned(), id.to_owned()).await?;
        if settled > 0 {
            tracing::info!(channel.id = channel, settled, "refusals are settled by hand");
        }
        Ok(settled)
    }
}
