//! Feedback of citizens and businesses: read by the agency that it is about, answered by it, summed
//! up for all.

use std::collections::{BTreeMap, HashMap};

use contracts::{
    feedback::{Feedback, FeedbackAnswer},
    schema,
    votes::Votes,
};
use serde::Serialize;
use serde_json::Value;

use super::{Operations, roadmap::body};
use crate::{
    auth::Principal,
    registry::feedback::{Row, Summary},
    store::{
        StoreError,
        records::{RecordFound, RecordQuery},
    },
};

/// Pages of the store read for one page of an answer, where most of what they hold is not asked
/// for.
const SCANS_MAX: usize = 16;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct FeedbackQuestion {
    /// Only what is about this agency.
    pub agency: Option<String>,
    /// Only what is about this procedure.
    pub procedure: Option<String>,
    /// Only what is answered, or what is not.
    pub answered: Option<bool>,
    /// First and last day on which it was sent.
    pub days: Option<(i32, i32)>,
    /// Behind this day and position.
    pub after: Option<(i32, u64)>,
    /// Items on the page.
    pub limit: u32,
}

/// One feedback.
#[derive(Debug, Serialize)]
pub struct FeedbackItem {
    /// `feedback/1`; personal members for its agency alone.
    pub feedback: Value,
    /// `feedback-answer/1`, where it was answered; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// `open` or `answered`.
    pub state: &'static str,
    /// The position of its entry.
    pub position: u64,
}

/// A page of feedback, by day.
#[derive(Debug, Serialize)]
pub struct FeedbackPage {
    /// The feedback.
    pub items: Vec<FeedbackItem>,
    /// Where the next page begins, where there may be one.
    #[serde(skip)]
    pub next: Option<(i32, u64)>,
    /// The position all of it is true at.
    pub as_of: u64,
}

/// A summary of some days.
#[derive(Debug, Serialize)]
pub struct FeedbackSummary {
    /// By agency, and procedure where it is asked.
    pub rows: Vec<Row>,
    /// The position all of it is true at.
    pub as_of: u64,
}

/// A feedback with its answer.
type Pair = (RecordFound, Option<RecordFound>);

impl Operations {
    /// The answers to some feedback, beside it.
    async fn answered(&self, found: Vec<RecordFound>, as_of: u64) -> Result<Vec<Pair>, StoreError> {
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in &found {
            keys.entry(one.agency.clone()).or_default().push(one.key.clone());
        }
        let mut answers: HashMap<(String, String), RecordFound> = HashMap::new();
        for (agency, keys) in keys {
            let found = self.store.named("feedback-answer/1", agency, keys, Some(as_of)).await?;
            answers
                .extend(found.into_iter().map(|one| ((one.agency.clone(), one.key.clone()), one)));
        }
        let mut pair = |one: RecordFound| {
            let answer = answers.remove(&(one.agency.clone(), one.key.clone()));
            (one, answer)
        };
        Ok(found.into_iter().map(&mut pair).collect())
    }

    /// A page of feedback. Personal members are told to the agency that it is about, alone.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn feedback(
        &self,
        who: &Principal,
        question: &FeedbackQuestion,
    ) -> Result<FeedbackPage, StoreError> {
        let as_of = self.store.head().await?.tree.size;
        let (mut chosen, mut next) = (Vec::new(), question.after);
        let limit = question.limit as usize;
        for _ in 0..SCANS_MAX {
            let query = RecordQuery {
                contract: "feedback/1",
                agency: question.agency.clone(),
                days: question.days,
                as_of: Some(as_of),
                after: next,
                limit: question.limit,
            };
            let found = self.store.records(query).await?;
            let last = found.len() < limit;
            for (one, answer) in self.answered(found, as_of).await? {
                if chosen.len() == limit {
                    break;
                }
                next = Some((one.day, one.position));
                let told: Feedback = body(&one)?;
                let fits = question.answered.is_none_or(|wanted| wanted == answer.is_some())
                    && (question.procedure.is_none() || question.procedure == told.procedure);
                if fits {
                    chosen.push((one, answer));
                }
            }
            if last && chosen.len() < limit {
                next = None;
            }
            if next.is_none() || chosen.len() == limit {
                break;
            }
        }
        let mut items = Vec::with_capacity(chosen.len());
        for (one, answer) in chosen {
            let state = if answer.is_some() { "answered" } else { "open" };
            let position = one.position;
            let answer = match answer {
                Some(answer) => Some(self.whole(who, &answer).await?),
                None => None,
            };
            let feedback = self.whole(who, &one).await?;
            items.push(FeedbackItem { feedback, answer, state, position });
        }
        Ok(FeedbackPage { items, next, as_of })
    }

    /// A record as it is the asker's to see.
    async fn whole(&self, who: &Principal, one: &RecordFound) -> Result<Value, StoreError> {
        let public: Value = body(one)?;
        let own = matches!(who, Principal::Agency(agency) if *agency == one.agency);
        if !own {
            return Ok(public);
        }
        let texts = self.store.personal(vec![one.position]).await?;
        let Some((_, text)) = texts.first() else { return Ok(public) };
        let damaged = |error: serde_json::Error| StoreError::fault(error.to_string());
        Ok(schema::join(public, serde_json::from_slice(text).map_err(damaged)?))
    }

    /// Feedback and votes of some days, summed up.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn feedback_summary(
        &self,
        agency: Option<&str>,
        days: (i32, i32),
        by_procedure: bool,
    ) -> Result<FeedbackSummary, StoreError> {
        let as_of = self.store.head().await?.tree.size;
        let mut summary = Summary::new(by_procedure);
        let query = |contract| RecordQuery {
            contract,
            agency: agency.map(ToOwned::to_owned),
            days: Some(days),
            as_of: Some(as_of),
            after: None,
            limit: super::PAGE_MAX,
        };
        let mut asked = query("feedback/1");
        loop {
            let page = self.store.records(asked.clone()).await?;
            let last = page.len() < super::PAGE_MAX as usize;
            asked.after = page.last().map(|one| (one.day, one.position));
            for (one, answer) in self.answered(page, as_of).await? {
                let answer = answer.as_ref().map(body::<FeedbackAnswer>).transpose()?;
                summary.feedback(&body(&one)?, answer.as_ref());
            }
            if last {
                break;
            }
        }
        self.current(query("votes/1"), &mut |found| {
            summary.votes(&body::<Votes>(&found)?);
            Ok(())
        })
        .await?;
        Ok(FeedbackSummary { rows: summary.close(), as_of })
    }
}
