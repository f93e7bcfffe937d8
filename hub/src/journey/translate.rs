//! From native bytes to what the store writes: mapped, sealed, hashed.

use contracts::{Contracts, Draft, Moment, Problem, Record, problem};
use jiff::{SignedDuration, Timestamp};
use mappings::{Gazetteer, Origin};

use crate::{
    catalog::Channel,
    container::{self, Told},
    journal::{
        commitment::{Salt, commit},
        merkle::Digest,
    },
    registry::{Content, Telling},
    store::{Item, Personal, Prepared, decode},
};

/// How far an agency's clock may be ahead of the hub's.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Records of one message that may be refused. Each leaves its problems behind, far larger than
/// itself: a file of the wrong kind must not fill the disk.
const REFUSED_RECORDS_MAX: u32 = 10_000;

/// Translates a payload record by record; `take` answers whether to go on.
pub(crate) fn translate(
    channel: &Channel,
    contracts: &Contracts,
    gazetteer: &Gazetteer,
    payload: &[u8],
    clock: Timestamp,
    take: &mut dyn FnMut(Item) -> bool,
) {
    let mut refused = 0;
    container::apply(&channel.mapping, payload, gazetteer, &mut |told| {
        let (origin, outcome) = match told {
            Told::Record(origin, outcome) => (origin, outcome),
            Told::Fault(problem) => {
                return take(Item { record: None, key: None, outcome: Err(vec![*problem]) });
            }
        };
        let sealed = |drafts: Vec<Draft<'_>>| {
            seal(contracts, &drafts, origin, clock)
                .map_err(|problems| (drafts.first().map(|draft| draft.key.to_string()), problems))
        };
        let known = |problems| (origin.key.map(ToOwned::to_owned), problems);
        let (key, outcome) = match outcome.map_err(known).and_then(sealed) {
            Ok(prepared) => (None, Ok(prepared)),
            Err((key, problems)) => (key, Err(problems)),
        };
        refused += u32::from(outcome.is_err());
        let wanted = take(Item { record: Some(origin.record), key, outcome });
        if wanted && refused >= REFUSED_RECORDS_MAX {
            let rule = format!("refused_records_max = {REFUSED_RECORDS_MAX}");
            let mut problem = Problem::new(&problem::LIMIT_EXCEEDED).by_rule(rule);
            problem.place.record = Some(origin.record);
            take(Item { record: None, key: None, outcome: Err(vec![problem]) });
            return false;
        }
        wanted
    });
}

/// Seals all drafts of one record, or refuses the record with every problem of all of them.
fn seal(
    contracts: &Contracts,
    drafts: &[Draft<'_>],
    origin: &Origin<'_>,
    clock: Timestamp,
) -> Result<Vec<Prepared>, Vec<Problem>> {
    let mut sealed = Vec::with_capacity(drafts.len());
    let mut problems = Vec::new();
    for draft in drafts {
        match prepare(contracts, draft, clock) {
            Ok(prepared) => sealed.push(prepared),
            Err(mut found) => {
                found.iter_mut().for_each(|problem| origin.locate(&draft.contract, problem));
                problems.extend(found);
            }
        }
    }
    if problems.is_empty() { Ok(sealed) } else { Err(problems) }
}

fn prepare(
    contracts: &Contracts,
    draft: &Draft<'_>,
    clock: Timestamp,
) -> Result<Prepared, Vec<Problem>> {
    let record = contracts.seal(draft)?;
    let content = content(contracts, draft, &record);
    if let Some(content) = &content {
        not_in_future(content, clock)?;
    }
    let telling = telling(&record);
    if let Some(telling) = &telling {
        told_in_future(telling, clock)?;
    }
    let (contract, key, public, personal) = record.into_parts();
    let personal = match personal {
        None => None,
        Some(text) => {
            let salt = Salt::random().map_err(|_| vec![Problem::new(&problem::CONTRACT_BROKEN)])?;
            let commitment = commit(&salt, text.as_bytes());
            Some(Personal { salt, commitment, text })
        }
    };
    let public_hash = Digest::of(public.as_bytes());
    Ok(Prepared {
        contract,
        key,
        public_hash,
        public,
        personal,
        content,
        telling,
        destinations: Vec::new(),
        supersedes: None,
    })
}

/// What the fold takes from a sealed record: what its public text says.
fn content(contracts: &Contracts, draft: &Draft<'_>, record: &Record) -> Option<Content> {
    match (record.contract().name(), record.contract().major(), record.retracts()) {
        ("dossier", 1, false) => contracts.public(draft).ok().map(Content::Snapshot),
        ("dossier", 1, true) => decode::retraction(record.public_text().as_bytes()).ok(),
        ("progress", 1, false) => contracts.public(draft).ok().map(Content::Event),
        _ => None,
    }
}

/// What a sealed record tells where it is about no dossier.
fn telling(record: &Record) -> Option<Telling> {
    let (contract, public) = (record.contract(), record.public_text());
    if matches!((contract.name(), contract.major()), ("dossier" | "progress", 1)) {
        return None;
    }
    // A sealed text reads as its contract says: nothing can fail.
    let told =
        Telling::read(&contract.to_string(), record.key(), record.retracts(), public.as_bytes());
    told.ok().flatten()
}

/// A version that is a time ahead would stay in the place of all that follows it.
fn told_in_future(telling: &Telling, clock: Timestamp) -> Result<(), Vec<Problem>> {
    let limit = clock.saturating_add(AHEAD_MAX).unwrap_or(Timestamp::MAX);
    let version = telling.version.as_deref().and_then(|text| text.parse::<Moment>().ok());
    let Some(at) = version.filter(|at| at.earliest() > limit) else { return Ok(()) };
    let member = if telling.withdraws { "at" } else { "source_version" };
    let fault = Problem::new(&problem::TIME_IN_FUTURE).at(format!("/{member}"));
    Err(vec![fault.by_rule(format!("{member} ≤ {limit}")).with_value(&at.to_string(), false)])
}

/// A time that lies ahead would win over all that follows it: it is refused.
fn not_in_future(content: &Content, clock: Timestamp) -> Result<(), Vec<Problem>> {
    let none = ("", None);
    let told: [(&str, Option<Moment>); 6] = match content {
        Content::Snapshot(body) => [
            ("source_version", body.source_version.as_deref().and_then(|text| text.parse().ok())),
            ("submitted_at", body.submitted_at),
            ("accepted_at", body.accepted_at),
            ("status_at", body.status_at),
            ("finished_at", body.finished_at),
            ("returned_at", body.returned_at),
        ],
        Content::Event(body) => [
            ("at", Some(body.at)),
            ("finished_at", body.finished_at),
            ("returned_at", body.returned_at),
            none,
            none,
            none,
        ],
        Content::Retraction { at, .. } => [("at", Some(*at)), none, none, none, none, none],
        // What arrives is whole.
        Content::Past(_) => return Ok(()),
    };
    let limit = clock.saturating_add(AHEAD_MAX).unwrap_or(Timestamp::MAX);
    let mut problems = Vec::new();
    for (member, at) in told {
        if let Some(at) = at.filter(|at| at.earliest() > limit) {
            let fault = Problem::new(&problem::TIME_IN_FUTURE).at(format!("/{member}"));
            problems.push(
                fault.by_rule(format!("{member} ≤ {limit}")).with_value(&at.to_string(), false),
            );
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
