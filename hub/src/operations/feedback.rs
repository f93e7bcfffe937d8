//! Feedback of citizens and businesses: read by the agency that it is about, answered by it, summed
//! up for all.

use contracts::{
    feedback::{Feedback, FeedbackAnswer},
    votes::Votes,
};
use serde::Serialize;
use serde_json::Value;

use super::{
    Operations, Persons, Reader,
    listing::{Opening, Scan},
    roadmap::body,
    statistics::hides,
};
use crate::{
    auth::Principal,
    registry::feedback::{Row, Summary},
    store::{
        StoreError,
        records::{Place, RecordFound, RecordQuery},
    },
};

const FEEDBACK: &str = "feedback/1";
const ANSWER: &str = "feedback-answer/1";

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
    pub after: Option<Place>,
    /// Items on the page.
    pub limit: u32,
}

/// One feedback.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FeedbackItem {
    /// `feedback/1`; personal members for its agency alone.
    #[schema(value_type = Object)]
    pub feedback: Value,
    /// `feedback-answer/1`, where it was answered; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub answer: Option<Value>,
    /// `open` or `answered`.
    pub state: &'static str,
    /// The position of its entry.
    pub position: u64,
}

/// A page of feedback, by day.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FeedbackPage {
    /// The feedback.
    pub items: Vec<FeedbackItem>,
    /// What became of personal members.
    pub personal: Persons,
    /// Where the next page begins, where there may be one.
    #[serde(skip)]
    pub next: Option<Place>,
    /// The position all of it is true at.
    pub as_of: u64,
}

/// A summary of some days.
#[derive(Debug, Serialize)]
pub struct FeedbackSummary {
    /// By agency, and procedure where it is asked.
    pub rows: Vec<Row>,
    /// What is out of fewer is left out of them.
    pub suppressed_below: Option<u32>,
    /// The position all of it is true at.
    pub as_of: u64,
}

impl Operations {
    /// A page of feedback. Personal members are told to the agency that it is about, alone.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn feedback(
        &self,
        reader: &Reader,
        question: &FeedbackQuestion,
    ) -> Result<FeedbackPage, StoreError> {
        let who = reader.who();
        let as_of = self.store.head().await?.tree.size;
        let mut scan = Scan::new(RecordQuery {
            contract: FEEDBACK,
            agency: question.agency.clone(),
            days: question.days,
            as_of: Some(as_of),
            after: question.after,
            limit: question.limit,
            ..RecordQuery::default()
        });
        let own = |one: &RecordFound| matches!(who, Principal::Agency(id) if *id == one.agency);
        let mut chosen = Vec::new();
        while let Some(found) = scan.more(&*self.store).await? {
            for (one, answer) in self.answered(ANSWER, found, as_of).await? {
                let told: Feedback = body(&one)?;
                let fits = question.answered.is_none_or(|wanted| wanted == answer.is_some())
                    && (question.procedure.is_none() || question.procedure == told.procedure);
                if scan.takes(&one, fits) {
                    chosen.push((one, answer));
                }
            }
        }
        let opening =
            |contract, one| Opening { one, contract, sender: None, sees_persons: own(one) };
        let all: Vec<Opening<'_>> = chosen
            .iter()
            .flat_map(|(one, answer)| {
                [Some((FEEDBACK, one)), answer.as_ref().map(|one| (ANSWER, one))]
            })
            .flatten()
            .map(|(contract, one)| opening(contract, one))
            .collect();
        let personal = match who {
            Principal::Agency(_) => reader.persons(),
            _ => Persons::Withheld,
        };
        let mut opened = self.opened(reader, &all).await?;
        let items = chosen.iter().map(|(one, answer)| FeedbackItem {
            feedback: opened.remove(&one.position).unwrap_or_default(),
            answer: answer.as_ref().and_then(|answer| opened.remove(&answer.position)),
            state: if answer.is_some() { "answered" } else { "open" },
            position: one.position,
        });
        Ok(FeedbackPage { items: items.collect(), personal, next: scan.next(), as_of })
    }

    /// Feedback and votes of some days, summed up. The portal is told what everybody may see.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn feedback_summary(
        &self,
        who: &Principal,
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
            limit: super::PAGE_MAX,
            ..RecordQuery::default()
        };
        let mut asked = query(FEEDBACK);
        loop {
            let page = self.store.records(asked.clone()).await?;
            let last = page.len() < super::PAGE_MAX as usize;
            asked.after = page.last().map(|one| (one.day, one.position));
            for (one, answer) in self.answered(ANSWER, page, as_of).await? {
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
        let suppressed_below = hides(who, self.few);
        Ok(FeedbackSummary { rows: summary.close(suppressed_below), suppressed_below, as_of })
    }
}
