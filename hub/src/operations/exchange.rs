//! Requests and applications: how they stand, for who sent them and who was sent them.

mod list;

use std::collections::{BTreeSet, HashMap};

use contracts::{
    exchange::{Acknowledgement, Application, Reply, ReplyOutcome, Request, Taken},
    problem::Bilingual,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

pub use list::{ExchangeItem, ExchangePage, ExchangeQuestion, Sent};

use super::{Operations, Persons, Reader, agency_of, listing::Opening, roadmap::body};
use crate::{
    auth::Principal,
    catalog::{APPLICATIONS, REQUESTS},
    registry::exchange::{
        ACKNOWLEDGEMENT, APPLICATION, PORTAL, REPLY, REQUEST, Standing, reply_key, sent_by,
    },
    store::{
        StoreError,
        deliveries::Course,
        records::{AgencyKey, RecordFound},
    },
};

/// Agencies that one request asks, at most: what one answer holds.
const PARTS_MAX: u32 = 100;

/// How a request stands at one agency, or an application at its agency.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExchangePart {
    /// The agency.
    pub agency: String,
    /// How it stands.
    pub state: Standing,
    /// What that means, and what hinders it.
    #[schema(value_type = crate::described::Bilingual)]
    pub told: Bilingual,
    /// The position of its entry.
    pub position: u64,
    /// When its system had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<String>,
    /// Its answer: `reply/1` or `acknowledgement/1`, as the asker may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub answer: Option<Value>,
    /// The position of the answer's entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_position: Option<u64>,
    /// The position of the hub's own answer, that the time had passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timed_out_position: Option<u64>,
    /// Whether the answer came after that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// What was sent to it, as the asker may see it.
    #[serde(skip)]
    pub sent: Value,
}

/// A request or application with all that has become of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExchangeStanding {
    /// Its id.
    pub id: String,
    /// What was sent: `request/1` or `application/1`; of several agencies' the first.
    #[schema(value_type = Object)]
    pub sent: Value,
    /// How it stands at each agency that the asker may see.
    pub parts: Vec<ExchangePart>,
    /// What became of personal members.
    pub personal: Persons,
    /// Whether nothing more is waited for.
    pub complete: bool,
    /// The position all of it is true at; what has become of deliveries is as of now.
    pub as_of: u64,
}

/// What is addressed to somebody, and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What one agency asks another.
    Request,
    /// What the portal hands to an agency's system.
    Application,
}

impl Kind {
    /// Its contract, and that of its answers.
    fn contracts(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => (REQUEST, REPLY),
            Self::Application => (APPLICATION, ACKNOWLEDGEMENT),
        }
    }
}

fn both((vi, en): (&str, &str)) -> Bilingual {
    Bilingual { vi: vi.to_owned(), en: en.to_owned() }
}

fn time(millis: u64) -> Option<String> {
    let at = i64::try_from(millis).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    at.map(|at| at.to_string())
}

impl Operations {
    /// How a request stands: for who asked all of it, for an agency that was asked its own part;
    /// nothing for all others.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn request(
        &self,
        reader: &Reader,
        id: &str,
    ) -> Result<Option<ExchangeStanding>, StoreError> {
        let Some((asks, key)) = sent_by(id) else { return Ok(None) };
        let channel = format!("{asks}.{REQUESTS}");
        self.standing(reader, (Kind::Request, id), (&channel, key)).await
    }

    /// How an application stands: for the portal and its agency.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn application(
        &self,
        reader: &Reader,
        id: &str,
    ) -> Result<Option<ExchangeStanding>, StoreError> {
        let Some((PORTAL, key)) = sent_by(id) else { return Ok(None) };
        self.standing(reader, (Kind::Application, id), (APPLICATIONS, key)).await
    }

    async fn standing(
        &self,
        reader: &Reader,
        (kind, id): (Kind, &str),
        (channel, key): (&str, &str),
    ) -> Result<Option<ExchangeStanding>, StoreError> {
        let as_of = self.store.head().await?.tree.size;
        // The agencies that it went to stand in the entries of its message.
        let all = self.store.messages(Some(channel.to_owned()), key.to_owned()).await?;
        let stored = |name: &Option<String>| matches!(name.as_deref(), Some("stored" | "partial"));
        let Some(message) = all.into_iter().find(|one| stored(&one.outcome)) else {
            return Ok(None);
        };
        let (Some(first), Some(last)) = (message.first_position, message.last_position) else {
            return Ok(None);
        };
        let rows = u32::try_from(last - first + 1).unwrap_or(PARTS_MAX).min(PARTS_MAX + 1);
        let entries = self.store.entries(first, rows).await?;
        let mut asked: Vec<(String, RecordFound)> = Vec::new();
        for entry in entries.into_iter().filter(|one| one.position <= last) {
            let Some(agency) = addressee(kind, &entry.public) else { continue };
            if !sees(reader.who(), channel, &agency) {
                continue;
            }
            let position = entry.position;
            let found =
                RecordFound { position, day: 0, agency, key: id.to_owned(), public: entry.public };
            // An agency that stands twice in a request is asked once.
            if !asked.iter().any(|(_, one)| one.agency == found.agency) {
                asked.push((id.to_owned(), found));
            }
        }
        let parts = self.parts(reader, kind, asked).await?;
        let parts: Vec<ExchangePart> = parts.into_iter().map(|(_, part)| part).collect();
        let Some(first) = parts.first() else { return Ok(None) };
        let mut sent = first.sent.clone();
        if let (true, Some(members)) = (parts.len() > 1, sent.as_object_mut()) {
            // Each part says whom it is to.
            members.remove("agency");
        }
        let complete = parts.iter().all(|one| one.state.is_final());
        let personal = match persons(reader) {
            Persons::Withheld => Persons::Withheld,
            _ if self.is_erased((kind, id), &parts).await? => Persons::Erased,
            persons => persons,
        };
        Ok(Some(ExchangeStanding { id: id.to_owned(), sent, parts, personal, complete, as_of }))
    }

    /// Whether the persons of what was sent are erased.
    async fn is_erased(
        &self,
        (kind, id): (Kind, &str),
        parts: &[ExchangePart],
    ) -> Result<bool, StoreError> {
        let (contract, _) = kind.contracts();
        let names = parts.iter().map(|one| format!("{}/{contract}/{id}", one.agency));
        Ok(self.store.erased(names.collect()).await?.is_some())
    }

    /// How some requests or applications stand at their agencies, each with its id: the store is
    /// asked once for all of their answers, and once for all of their deliveries.
    async fn parts(
        &self,
        reader: &Reader,
        kind: Kind,
        all: Vec<(String, RecordFound)>,
    ) -> Result<Vec<(String, ExchangePart)>, StoreError> {
        let (contract, answers) = kind.contracts();
        let mut names = BTreeSet::new();
        let mut lines = Vec::with_capacity(all.len());
        for (id, found) in &all {
            names.extend([false, true].map(|hub| (found.agency.clone(), reply_key(id, hub))));
            let to = self.catalog.taking(&found.agency, contract).map(|one| one.id.to_string());
            let line = format!("{contract}/{}/{id}", found.agency);
            lines.push((to.unwrap_or_default(), line, found.position));
        }
        let told = self.store.named(answers, names.into_iter().collect(), None).await?;
        let mut told: HashMap<AgencyKey, RecordFound> =
            told.into_iter().map(|one| ((one.agency.clone(), one.key.clone()), one)).collect();
        let sent: Vec<bool> = lines.iter().map(|(to, _, _)| !to.is_empty()).collect();
        let courses = self.store.courses(lines).await?;
        let mut answered = Vec::with_capacity(all.len());
        for (id, found) in all {
            let mut answer = |hub| told.remove(&(found.agency.clone(), reply_key(&id, hub)));
            let answers = (answer(false), answer(true));
            answered.push((id, found, answers));
        }
        let own = answered.iter().flat_map(|(_, found, (answer, _))| {
            [Some((contract, found)), answer.as_ref().map(|answer| (answers, answer))]
        });
        let all: Vec<Opening<'_>> =
            own.flatten().map(|(contract, one)| opening(reader.who(), contract, one)).collect();
        let mut opened = self.opened(reader, &all).await?;
        let mut parts = Vec::with_capacity(answered.len());
        for (((id, found, answers), course), is_sent) in answered.into_iter().zip(courses).zip(sent)
        {
            parts.push((id, part(kind, (found, answers), (course, is_sent), &mut opened)?));
        }
        Ok(parts)
    }
}

/// How one stands, by its answers, the agency's and the hub's, and by its delivery; of `opened` is
/// taken what is shown of them.
fn part(
    kind: Kind,
    (found, (answer, timed_out)): (RecordFound, (Option<RecordFound>, Option<RecordFound>)),
    (course, is_sent): (Course, bool),
    opened: &mut HashMap<u64, Value>,
) -> Result<ExchangePart, StoreError> {
    let state = match (&timed_out, &answer) {
        (Some(_), _) => Standing::TimedOut,
        (None, Some(answer)) => answered(kind, answer)?,
        (None, None) => Standing::Waiting,
    };
    let (state, told, delivered_at) = explained(state, course, is_sent);
    let late = answer.is_some() && timed_out.is_some();
    Ok(ExchangePart {
        told,
        state,
        position: found.position,
        delivered_at,
        answer_position: answer.as_ref().map(|one| one.position),
        answer: answer.and_then(|answer| opened.remove(&answer.position)),
        timed_out_position: timed_out.map(|one| one.position),
        late,
        sent: opened.remove(&found.position).unwrap_or_default(),
        agency: found.agency,
    })
}

/// A record as who is a party to it sees it: the operator without persons.
fn opening<'a>(who: &Principal, contract: &'static str, one: &'a RecordFound) -> Opening<'a> {
    let sender = sent_by(&one.key).map(|(sender, _)| sender);
    Opening { one, contract, sender, sees_persons: *who != Principal::Operator }
}

/// What becomes of personal members of what a reader is a party to.
fn persons(reader: &Reader) -> Persons {
    match reader.who() {
        Principal::Operator => Persons::Withheld,
        _ => reader.persons(),
    }
}

/// Whom an entry's public text is addressed to, where it is what is asked about: a message that
/// was refused in part has other entries too.
fn addressee(kind: Kind, public: &[u8]) -> Option<String> {
    match kind {
        Kind::Request => serde_json::from_slice::<Request>(public).ok().map(|one| one.agency),
        Kind::Application => {
            serde_json::from_slice::<Application>(public).ok().map(|one| one.agency)
        }
    }
}

/// Whether somebody is a party to what came by a channel for an agency.
fn sees(who: &Principal, channel: &str, agency: &str) -> bool {
    let sender = agency_of(channel);
    match who {
        Principal::Operator => true,
        Principal::Portal => sender == PORTAL,
        Principal::Reporting(_) => false,
        Principal::Agency(own) => own == sender || own == agency,
    }
}

/// How something stands by its answers and what has become of its delivery, in words, and when it
/// was delivered.
fn explained(
    state: Standing,
    course: Course,
    is_sent: bool,
) -> (Standing, Bilingual, Option<String>) {
    let waits = state == Standing::Waiting;
    let (vi, en) = state.words();
    let more = |vi: &str, en: &str, more: (String, String)| Bilingual {
        vi: format!("{vi} {}", more.0),
        en: format!("{en} {}", more.1),
    };
    match course {
        Course::Settled { at } if waits => {
            (Standing::Delivered, both(Standing::Delivered.words()), time(at))
        }
        Course::Settled { at } => (state, both((vi, en)), time(at)),
        Course::Buried { cause, .. } if waits => {
            let (vi, en) = Standing::Undeliverable.words();
            let cause = (format!("Nguyên nhân: {cause}."), format!("Cause: {cause}."));
            (Standing::Undeliverable, more(vi, en, cause), None)
        }
        Course::Waiting { attempts, told: Some(_) } if waits => {
            let tried = (format!("Đã thử {attempts} lần."), format!("Tried {attempts} times."));
            (state, more(vi, en, tried), None)
        }
        Course::None if waits && !is_sent => {
            let told = (
                "Cơ quan này tự đọc yêu cầu; hệ thống không gửi đến.",
                "This agency fetches what it is asked; nothing is sent to it.",
            );
            (state, both(told), None)
        }
        _ => (state, both((vi, en)), None),
    }
}

fn answered(kind: Kind, answer: &RecordFound) -> Result<Standing, StoreError> {
    Ok(match kind {
        Kind::Request => match body::<Reply>(answer)?.outcome {
            ReplyOutcome::Answered => Standing::Answered,
            ReplyOutcome::Declined => Standing::Declined,
            ReplyOutcome::TimedOut => Standing::TimedOut,
        },
        Kind::Application => match body::<Acknowledgement>(answer)?.outcome {
            Taken::Accepted => Standing::Answered,
            Taken::Refused => Standing::Declined,
        },
    })
}
