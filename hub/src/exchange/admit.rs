//! What may be told of what is addressed to somebody, or said of them, before it is written; and
//! whom it goes to.
//!
//! Requests and applications come by the hub's own channels alone, so that their ids are theirs.
//! Answers come by any channel of the agency that was asked, and only under an id that it was sent.
//! What was sent before under the same id keeps its outcome, whatever is decided here.

use std::sync::Arc;

use contracts::{
    Later, Moment, Problem,
    exchange::Attachment,
    problem::{
        CONTRACT_BROKEN, DUE_OUT_OF_BOUNDS, LIMIT_EXCEEDED, MEMBER_DISAGREES, MISSING_MEMBER,
        NOT_ADDRESSED, NOT_IN_ITS_NAME, NOT_OFFERED_ONLINE, UNKNOWN_ADDRESSEE, UNKNOWN_AGENCY,
        UNKNOWN_ATTACHMENT,
    },
};
use jiff::{SignedDuration, Timestamp, tz};
use serde::Deserialize;

use crate::{
    catalog::{APPLICATIONS, Catalog, FEEDBACK, REQUESTS},
    catalogue::Held,
    operations::agency_of,
    registry::exchange::{
        ACKNOWLEDGEMENT, APPLICATION, DEADLINES, PORTAL, REPLY, REQUEST, id, sent_by,
    },
    store::{
        Item, Prepared, Store, StoreError, Submission,
        attachments::{self, HeldFile},
        deliveries::Destination,
        erasures::related::names_of,
    },
};

/// How far ahead the time to answer by may lie.
const DUE_MAX: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Agencies that one request asks, at most.
const ADDRESSEES_MAX: usize = 100;

/// The public members that decide.
#[derive(Deserialize)]
struct Public {
    id: Option<String>,
    from: Option<String>,
    agency: String,
    due_at: Option<Moment>,
    procedure: Option<String>,
    request: Option<String>,
    application: Option<String>,
    outcome: Option<String>,
}

/// The personal ones.
#[derive(Default, Deserialize)]
struct Personal {
    #[serde(default)]
    attachments: Vec<Attachment>,
}

/// What a record is told by: the sender, its channel's name, and the message's id.
struct By<'a> {
    channel: &'a str,
    message: &'a str,
}

impl By<'_> {
    fn sender(&self) -> &str {
        agency_of(self.channel)
    }
}

/// Decides on what is addressed to somebody.
pub struct Exchange {
    catalog: Arc<Catalog>,
    store: Arc<dyn Store>,
    published: Held,
}

/// Where a record goes and who else is a party to it, or why it may not be told.
type Way = Result<(Vec<Destination>, String), Box<Problem>>;

/// Where a record goes beside its routes, or why it may not be told.
type Judged = Result<Result<Vec<Destination>, Box<Problem>>, StoreError>;

impl Exchange {
    /// Over what is declared, kept and published.
    pub fn new(catalog: Arc<Catalog>, store: Arc<dyn Store>, published: Held) -> Self {
        Self { catalog, store, published }
    }

    /// Looks at the records of a chunk: what may not be told becomes a refusal, what may knows
    /// where it goes.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn admit(&self, chunk: &mut Submission) -> Result<(), Later> {
        let asks = chunk.channel.split_once('.').is_some_and(|(_, name)| name == REQUESTS);
        if asks && chunk.items.is_empty() {
            let problem = Problem::new(&MISSING_MEMBER).at("/to").by_rule("to: 1–100");
            chunk.items = refused(problem);
        }
        if asks && chunk.items.len() > ADDRESSEES_MAX {
            let rule = format!("addressees_max = {ADDRESSEES_MAX}");
            let problem = Problem::new(&LIMIT_EXCEEDED).at("/to").by_rule(rule);
            chunk.items = refused(problem);
        }
        let by = By { channel: &chunk.channel, message: &chunk.id };
        let looked_at = |one: &Prepared| one.telling.is_some() || names_files(one);
        if !chunk.items.iter().flat_map(|item| item.outcome.iter().flatten()).any(looked_at) {
            return Ok(());
        }
        for item in Arc::make_mut(&mut chunk.items) {
            let Ok(records) = &mut item.outcome else { continue };
            let mut problems = Vec::new();
            for one in records.iter_mut().filter(|one| looked_at(one)) {
                let judged = match addressed(one) {
                    Some(contract) => self.judge(contract, one, &by).await,
                    None if by.channel == FEEDBACK => Ok(self.feedback(one)),
                    None => self.with_files(one, by.sender()).await,
                };
                match judged.map_err(|error| error.later())? {
                    Ok(destinations) => one.destinations.extend(destinations),
                    Err(problem) => problems.push(*problem),
                }
            }
            if !problems.is_empty() {
                item.outcome = Err(problems);
            }
        }
        Ok(())
    }

    /// Whether the files that a record names are its sender's: then whom it is routed to, persons
    /// and all, has them too.
    async fn with_files(&self, one: &Prepared, sender: &str) -> Judged {
        if !names_files(one) {
            return Ok(Ok(Vec::new()));
        }
        let whole = one.destinations.iter().filter(|to| to.personal);
        let counterparts: Vec<&str> = whole.map(|to| agency_of(&to.channel)).collect();
        let wrong = self.attachments(one, sender, &counterparts).await?;
        Ok(wrong.map_or(Ok(Vec::new()), |problem| Err(problem.into())))
    }

    async fn judge(&self, contract: &'static str, one: &Prepared, by: &By<'_>) -> Judged {
        let Ok(public) = serde_json::from_str::<Public>(&one.public) else {
            return Ok(Err(Problem::new(&CONTRACT_BROKEN).into()));
        };
        let judged = match contract {
            REQUEST => self.request(&public, by),
            APPLICATION => self.application(&public, by),
            REPLY => self.reply(&public, by).await?,
            _ => self.acknowledgement(&public, by).await?,
        };
        let (destinations, counterpart) = match judged {
            Ok(judged) => judged,
            Err(problem) => return Ok(Err(problem)),
        };
        let wrong = self.attachments(one, by.sender(), &[&counterpart]).await?;
        Ok(wrong.map_or(Ok(destinations), |problem| Err(problem.into())))
    }

    /// Where what is addressed to an agency goes.
    fn to(&self, agency: &str, contract: &str) -> Vec<Destination> {
        let channel = self.catalog.taking(agency, contract);
        let to = channel.map(|one| Destination { channel: one.id.clone(), personal: true });
        to.into_iter().collect()
    }

    /// Whether something begun is by its own channel, under the id of its message, to an agency
    /// that there is.
    fn begun(&self, public: &Public, by: &By<'_>, channel: &str) -> Result<(), Box<Problem>> {
        let own = public.id.as_deref() == Some(id(by.sender(), by.message).as_str());
        if by.channel != channel || !own {
            return Err(Problem::new(&NOT_IN_ITS_NAME).at("/id").into());
        }
        let agency = &public.agency;
        if *agency == by.sender() || !self.catalog.agencies.iter().any(|one| one.id == *agency) {
            let problem = Problem::new(&UNKNOWN_ADDRESSEE).at("/agency");
            return Err(problem.with_value(agency, false).into());
        }
        Ok(())
    }

    fn request(&self, public: &Public, by: &By<'_>) -> Way {
        self.begun(public, by, &format!("{}.{REQUESTS}", by.sender()))?;
        if public.from.as_deref() != Some(by.sender()) {
            return Err(Problem::new(&NOT_IN_ITS_NAME).at("/from").into());
        }
        let now = Timestamp::now();
        let last = now.saturating_add(DUE_MAX).unwrap_or(Timestamp::MAX);
        if let Some(due) = public.due_at.filter(|due| due.latest() <= now || due.latest() > last) {
            let rule = format!("{now} < due_at ≤ {last}");
            let problem = Problem::new(&DUE_OUT_OF_BOUNDS).at("/due_at").by_rule(rule);
            return Err(problem.with_value(&due.to_string(), false).into());
        }
        let mut destinations = self.to(&public.agency, REQUEST);
        destinations.push(Destination { channel: DEADLINES.into(), personal: false });
        Ok((destinations, public.agency.clone()))
    }

    fn application(&self, public: &Public, by: &By<'_>) -> Way {
        self.begun(public, by, APPLICATIONS)?;
        let (agency, procedure) = (&public.agency, public.procedure.as_deref().unwrap_or_default());
        let today = tz::offset(7).to_datetime(Timestamp::now()).date();
        let directory = self.published.get();
        let offered = directory.is_some_and(|directory| {
            directory.edition.offers().takes_online((agency, procedure), today)
        });
        if !offered {
            let rule = format!("{procedure} @ {agency}: online_level ≥ 3");
            let problem = Problem::new(&NOT_OFFERED_ONLINE).at("/procedure").by_rule(rule);
            return Err(problem.with_value(procedure, false).into());
        }
        Ok((self.to(agency, APPLICATION), agency.clone()))
    }

    /// Whether feedback is about an agency that anybody knows: what is about none, nobody reads.
    /// Where no catalogue says which there are, all are taken.
    fn feedback(&self, one: &Prepared) -> Result<Vec<Destination>, Box<Problem>> {
        let Some(agency) = one.telling.as_ref().map(|telling| &telling.name.agency) else {
            return Ok(Vec::new());
        };
        let is_connected = self.catalog.agencies.iter().any(|one| one.id == *agency);
        let is_told = self.published.get().is_none_or(|directory| {
            directory.edition.catalogue.agencies.iter().any(|one| one.id == *agency)
        });
        if is_connected || is_told {
            return Ok(Vec::new());
        }
        Err(Problem::new(&UNKNOWN_AGENCY).at("/agency").with_value(agency, false).into())
    }

    /// Whether an agency was sent what it answers.
    async fn was_sent(
        &self,
        contract: &'static str,
        agency: &str,
        id: &str,
    ) -> Result<bool, StoreError> {
        let name = (agency.to_owned(), id.to_owned());
        Ok(!self.store.named(contract, vec![name], None).await?.is_empty())
    }

    async fn reply(&self, public: &Public, by: &By<'_>) -> Result<Way, StoreError> {
        let hub = by.channel == DEADLINES;
        let timed_out = public.outcome.as_deref() == Some("timed_out");
        if hub != timed_out || !(hub || public.agency == by.sender()) {
            let member = if timed_out { "/outcome" } else { "/agency" };
            return Ok(Err(Problem::new(&NOT_IN_ITS_NAME).at(member).into()));
        }
        let request = public.request.as_deref().unwrap_or_default();
        let asks = sent_by(request).map(|(asks, _)| asks);
        match asks {
            Some(asks) if self.was_sent(REQUEST, &public.agency, request).await? => {
                Ok(Ok((self.to(asks, REPLY), asks.to_owned())))
            }
            _ => Ok(Err(not_addressed("/request", request))),
        }
    }

    async fn acknowledgement(&self, public: &Public, by: &By<'_>) -> Result<Way, StoreError> {
        if public.agency != by.sender() {
            return Ok(Err(Problem::new(&NOT_IN_ITS_NAME).at("/agency").into()));
        }
        let application = public.application.as_deref().unwrap_or_default();
        if !self.was_sent(APPLICATION, &public.agency, application).await? {
            return Ok(Err(not_addressed("/application", application)));
        }
        Ok(Ok((Vec::new(), PORTAL.to_owned())))
    }

    /// Whether persons of a record were erased: it is kept without what it says of them.
    async fn is_erased(&self, one: &Prepared) -> Result<bool, StoreError> {
        Ok(self.store.erased(erasable_names(one)).await?.is_some())
    }

    /// What is wrong with the files that a record names; else whom it goes to has them from now
    /// on.
    async fn attachments(
        &self,
        one: &Prepared,
        sender: &str,
        counterparts: &[&str],
    ) -> Result<Option<Problem>, StoreError> {
        let personal = one.personal.as_ref().map(|personal| serde_json::from_str(&personal.text));
        let Personal { attachments } = personal.transpose().ok().flatten().unwrap_or_default();
        let mut shared = Vec::with_capacity(attachments.len());
        for (at, claim) in attachments.iter().enumerate() {
            let held = self.store.held(claim.digest.clone(), sender.to_owned()).await?;
            if held.is_none() && self.is_erased(one).await? {
                // It went with the person, and what is told of them is kept without the rest of it.
                return Ok(None);
            }
            let wrong = match &held {
                None => Some(("digest", UNKNOWN_ATTACHMENT)),
                Some(held) if held.size != claim.size => Some(("size", MEMBER_DISAGREES)),
                Some(held) if held.media_type != claim.media_type => {
                    Some(("media_type", MEMBER_DISAGREES))
                }
                Some(_) => None,
            };
            if let Some((member, kind)) = wrong {
                return Ok(Some(Problem::new(&kind).at(format!("/attachments/{at}/{member}"))));
            }
            if let Some(held) = held {
                let to = |who: &&str| HeldFile { holder: (*who).to_owned(), ..held.clone() };
                shared.extend(counterparts.iter().map(to));
            }
        }
        for file in shared {
            self.store.share(file).await?;
        }
        Ok(None)
    }
}

/// The names that persons of a record stay erased by.
fn erasable_names(one: &Prepared) -> Vec<String> {
    let dossier = one.content.as_ref().map(|content| content.identity().key());
    let other = one.telling.iter().flat_map(|telling| names_of(&telling.name));
    dossier.into_iter().chain(other).collect()
}

/// What a message is that is refused as a whole.
fn refused(problem: Problem) -> Arc<Vec<Item>> {
    Arc::new(vec![Item { record: None, key: None, outcome: Err(vec![problem]) }])
}

/// Whether a record names files.
fn names_files(one: &Prepared) -> bool {
    let personal = one.personal.as_ref();
    personal.is_some_and(|personal| attachments::names_files(personal.text.as_bytes()))
}

fn not_addressed(member: &str, value: &str) -> Box<Problem> {
    Box::new(Problem::new(&NOT_ADDRESSED).at(member).with_value(value, false))
}

/// The contract of a record that is addressed to somebody.
fn addressed(one: &Prepared) -> Option<&'static str> {
    if one.contract.major() != 1 {
        return None;
    }
    match one.contract.name() {
        "request" => Some(REQUEST),
        "reply" => Some(REPLY),
        "application" => Some(APPLICATION),
        "acknowledgement" => Some(ACKNOWLEDGEMENT),
        _ => None,
    }
}
