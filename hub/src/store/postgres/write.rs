//! Writing what a batch changes: one statement a table, whatever the number of rows.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
};

use contracts::Outcome;
use deadpool_postgres::GenericClient;

use super::{
    attachments, deliveries,
    failure::Failure,
    message::{channels, open_refusals},
    pollers, records,
    session::{self, Rows, signed},
    texts,
};
use crate::{
    journal::merkle::Digest,
    registry::Place,
    store::{
        StoreError,
        batch::{Changes, Delta, NewEntry, Tip, Written},
    },
};

/// Numbers of places seen; more than these are asked for again.
const PLACES_SEEN_MAX: usize = 65_536;

/// The numbers of places already known. A number is never given twice or taken back, so what one
/// process has seen holds for as long as it runs.
#[derive(Default)]
pub(super) struct PlacesSeen(Mutex<HashMap<Arc<Place>, i64>>);

/// The numbers of the places of some deltas.
pub(super) type Places = HashMap<Arc<Place>, i64>;

fn mark(place: &Place) -> Digest {
    let Place { agency, procedure, field, channel, commune, finishing_agency } = place;
    let mut names = Vec::new();
    let other = Some(finishing_agency).filter(|one| *one != agency);
    for name in [agency, procedure, field, channel, commune].into_iter().chain(other) {
        names.extend_from_slice(&(name.len() as u64).to_be_bytes());
        names.extend_from_slice(name.as_bytes());
    }
    Digest::of(&names)
}

impl PlacesSeen {
    /// The numbers of the places of some deltas; new ones are given the next. The journal's end
    /// is held, so nobody else gives numbers.
    pub(super) async fn numbers(
        &self,
        client: &impl GenericClient,
        deltas: impl Iterator<Item = &Delta>,
    ) -> Result<Places, Failure> {
        let mut numbers = Places::new();
        let mut unknown: BTreeMap<Digest, Arc<Place>> = BTreeMap::new();
        {
            let seen = self.0.lock().map_err(|_| StoreError::fault("a thread broke down"))?;
            let places: HashSet<&Arc<Place>> = deltas.map(|delta| &delta.place).collect();
            for place in places {
                match seen.get(place) {
                    Some(number) => drop(numbers.insert(place.clone(), *number)),
                    None => drop(unknown.insert(mark(place), place.clone())),
                }
            }
        }
        let known = "SELECT p.mark, p.place FROM unnest($1::bytea[]) w (mark)
                     JOIN places p ON p.mark = w.mark";
        let fresh = "INSERT INTO places (mark, agency, procedure, field, channel, commune,
                                         finishing_agency)
                     SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[],
                                          $5::text[], $6::text[], $7::text[])
                     RETURNING mark, place";
        for sql in [known, fresh] {
            if unknown.is_empty() {
                break;
            }
            let marks: Vec<&[u8]> = unknown.keys().map(|mark| mark.as_bytes().as_slice()).collect();
            let column = |name: fn(&Place) -> &str| -> Vec<&str> {
                unknown.values().map(|place| name(place)).collect()
            };
            let found = if sql == known {
                session::rows(client, sql, &[&marks]).await?
            } else {
                let (agency, procedure) = (column(|p| &p.agency), column(|p| &p.procedure));
                let (field, channel) = (column(|p| &p.field), column(|p| &p.channel));
                let (commune, finishing) =
                    (column(|p| &p.commune), column(|p| &p.finishing_agency));
                let values: [session::Value<'_>; 7] =
                    [&marks, &agency, &procedure, &field, &channel, &commune, &finishing];
                session::rows(client, sql, &values).await?
            };
            for row in found {
                let mark = Digest::from_bytes(session::hash(&row, 0)?);
                if let Some(place) = unknown.remove(&mark) {
                    numbers.insert(place, row.try_get(1)?);
                }
            }
        }
        Ok(numbers)
    }

    /// Remembers numbers whose transaction was committed.
    pub(super) fn remember(&self, numbers: Places) {
        if let Ok(mut seen) = self.0.lock() {
            if seen.len() + numbers.len() > PLACES_SEEN_MAX {
                seen.clear();
            }
            seen.extend(numbers);
        }
    }
}

/// Everything a batch changes; the head last.
pub(super) fn batch<'a>(
    changes: &'a Changes,
    places: &Places,
) -> Result<Vec<Rows<'a>>, StoreError> {
    let mut all = attempts(&changes.attempts)?;
    all.extend(entries(&changes.entries));
    all.push(texts::personal(&changes.entries)?);
    all.push(attachments::named(&changes.entries));
    all.push(attachments::doubt(&changes.doubted));
    all.extend(folds(&[changes], places));
    all.extend(records::rows(&changes.records, &changes.replaced));
    all.push(channels::added(&changes.attempts));
    all.push(channels::counted(&changes.attempts));
    all.extend(open_refusals::rows(&changes.refused));
    all.extend(deliveries::added(&changes.outgoing));
    all.extend(pollers::moved(&changes.moved));
    all.push(head(&changes.tip));
    Ok(all)
}

pub(super) fn head(tip: &Tip) -> Rows<'static> {
    let sql = "UPDATE head SET size = w.size, recorded_at = w.recorded_at, peaks = w.peaks,
                   messages = w.messages, rules = w.rules
               FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bytea[])
                   w (size, recorded_at, peaks, messages, rules)
               WHERE one = 1";
    Rows::new(sql, 1)
        .with(vec![signed(tip.next())])
        .with(vec![tip.recorded_at.map(|at| at.to_string())])
        .with(vec![tip.peaks()])
        .with(vec![signed(tip.messages)])
        .with(vec![tip.rules.map(|hash| hash.as_bytes().to_vec())])
}

fn attempts(all: &[Written]) -> Result<Vec<Rows<'_>>, StoreError> {
    let fresh: Vec<&Written> = all.iter().filter(|one| one.payload.is_some()).collect();
    let known: Vec<&Written> = all.iter().filter(|one| one.payload.is_none()).collect();
    let mut rows = vec![messages(&fresh), advanced(&known), withheld(&known)];
    rows.extend(texts::payloads(&fresh)?);
    // Of several attempts under one id the last decides.
    let deciding: BTreeMap<(&str, &str), i64> = fresh
        .iter()
        .filter(|one| !one.is_conflict())
        .map(|one| (key(one), signed(one.attempt.message)))
        .collect();
    let (keys, messages): (Vec<_>, Vec<i64>) = deciding.into_iter().unzip();
    let (channels, ids): (Vec<&str>, Vec<&str>) = keys.into_iter().unzip();
    let sql = "INSERT INTO message_keys (channel, id, message)
               SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
               ON CONFLICT (channel, id) DO UPDATE SET message = excluded.message";
    rows.push(Rows::new(sql, ids.len()).with(channels).with(ids).with(messages));
    let conflicts: Vec<&&Written> = fresh.iter().filter(|one| one.is_conflict()).collect();
    let sql = "INSERT INTO message_conflicts (channel, id, dedup, message)
               SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[])";
    let conflicts = Rows::new(sql, conflicts.len())
        .with(conflicts.iter().map(|one| one.attempt.channel.as_str()).collect())
        .with(conflicts.iter().map(|one| one.attempt.id.as_str()).collect())
        .with(conflicts.iter().map(|one| one.attempt.dedup.as_bytes().as_slice()).collect())
        .with(conflicts.iter().map(|one| signed(one.attempt.message)).collect());
    rows.push(conflicts);
    Ok(rows)
}

fn key(written: &Written) -> (&str, &str) {
    (&written.attempt.channel, &written.attempt.id)
}

fn outcome(written: &Written) -> Option<&'static str> {
    written.attempt.outcome.map(Outcome::as_str)
}

fn messages<'a>(fresh: &[&'a Written]) -> Rows<'a> {
    let sql = "INSERT INTO messages (message, channel, id, previous, dedup, mode, mapping,
                   content_type, recorded_at, next_chunk, outcome, records, refused,
                   first_position, last_position, erased, dropped)
               SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[],
                   $5::bytea[], $6::text[], $7::bytea[], $8::text[], $9::text[], $10::bigint[],
                   $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                   $16::bigint[], $17::bigint[])";
    let all = || fresh.iter().map(|one| &one.attempt);
    let content_type = |one: &&'a Written| {
        one.payload.as_ref().and_then(|payload| payload.content_type.as_deref())
    };
    Rows::new(sql, fresh.len())
        .with(all().map(|one| signed(one.message)).collect())
        .with(all().map(|one| one.channel.as_str()).collect())
        .with(all().map(|one| one.id.as_str()).collect())
        .with(all().map(|one| one.previous.map(signed)).collect())
        .with(all().map(|one| one.dedup.as_bytes().as_slice()).collect())
        .with(all().map(|one| one.mode.as_str()).collect())
        .with(all().map(|one| one.mapping.as_bytes().as_slice()).collect())
        .with(fresh.iter().map(content_type).collect())
        .with(all().map(|one| one.recorded_at.to_string()).collect())
        .with(all().map(|one| i64::from(one.next_chunk)).collect())
        .with(fresh.iter().map(|one| outcome(one)).collect())
        .with(all().map(|one| signed(one.records)).collect())
        .with(all().map(|one| signed(one.refused)).collect())
        .with(all().map(|one| one.positions.map(|(first, _)| signed(first))).collect())
        .with(all().map(|one| one.positions.map(|(_, last)| signed(last))).collect())
        .with(all().map(|one| one.erased.map(signed)).collect())
        .with(all().map(|one| signed(one.dropped)).collect())
}

fn advanced<'a>(known: &[&'a Written]) -> Rows<'a> {
    let sql = "UPDATE messages m SET next_chunk = w.next_chunk, outcome = w.outcome,
                   records = w.records, refused = w.refused,
                   first_position = w.first_position, last_position = w.last_position,
                   erased = w.erased, dropped = w.dropped
               FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[],
                           $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
                   w (message, next_chunk, outcome, records, refused, first_position,
                      last_position, erased, dropped)
               WHERE m.message = w.message";
    let all = || known.iter().map(|one| &one.attempt);
    Rows::new(sql, known.len())
        .with(all().map(|one| signed(one.message)).collect())
        .with(all().map(|one| i64::from(one.next_chunk)).collect())
        .with(known.iter().map(|one| outcome(one)).collect())
        .with(all().map(|one| signed(one.records)).collect())
        .with(all().map(|one| signed(one.refused)).collect())
        .with(all().map(|one| one.positions.map(|(first, _)| signed(first))).collect())
        .with(all().map(|one| one.positions.map(|(_, last)| signed(last))).collect())
        .with(all().map(|one| one.erased.map(signed)).collect())
        .with(all().map(|one| signed(one.dropped)).collect())
}

/// Raw bytes that were kept before an erased name was read in their message.
fn withheld<'a>(known: &[&'a Written]) -> Rows<'a> {
    let erased = known.iter().map(|one| &one.attempt).filter(|one| one.erased.is_some());
    let messages: Vec<i64> = erased.map(|one| signed(one.message)).collect();
    Rows::new("SELECT drop_erased($1::bigint[])", messages.len()).with(messages)
}

/// Entries without their personal texts, which [`texts::personal`] writes.
pub(super) fn entries(all: &[NewEntry]) -> Vec<Rows<'_>> {
    let sql = "INSERT INTO entries (position, message, record, kind, mode, text, public)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[],
                                    $5::text[], $6::bytea[], $7::bytea[])";
    let bytes = all.iter().map(|one| one.text.len() + one.public.len()).sum();
    let entries = Rows::new(sql, all.len())
        .with(all.iter().map(|one| signed(one.position)).collect())
        .with(all.iter().map(|one| one.message.map(signed)).collect())
        .with(all.iter().map(|one| one.record.map(i64::from)).collect())
        .with(all.iter().map(|one| one.kind.as_str()).collect())
        .with(all.iter().map(|one| one.mode.as_str()).collect())
        .with(all.iter().map(|one| one.text.as_bytes()).collect())
        .with(all.iter().map(|one| one.public.as_bytes()).collect())
        .of_bytes(bytes);
    vec![entries]
}

/// Names, observations, dossiers and numbers, of one batch or of many stories at once.
pub(super) fn folds<'a>(all: &[&'a Changes], places: &Places) -> Vec<Rows<'a>> {
    let members = || all.iter().flat_map(|one| &one.members);
    let sql = "INSERT INTO members (member, source, source_code, code, dossier)
               SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[],
                                    $5::bigint[])
               ON CONFLICT (member) DO UPDATE SET code = excluded.code, dossier = excluded.dossier";
    let rows = Rows::new(sql, members().count())
        .with(members().map(|row| signed(row.member)).collect())
        .with(members().map(|row| row.membership.identity.source.as_str()).collect())
        .with(members().map(|row| row.membership.identity.source_code.as_str()).collect())
        .with(members().map(|row| row.membership.code.as_deref()).collect())
        .with(members().map(|row| signed(row.dossier)).collect());
    let mut written = vec![rows];
    let heard = all.iter().flat_map(|one| &one.observations);
    let mut heard: Vec<_> = heard.collect();
    heard.sort_unstable_by_key(|row| (row.member, row.position));
    let sql = "INSERT INTO observations (member, position, short)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])";
    let observations = Rows::new(sql, heard.len())
        .with(heard.iter().map(|row| signed(row.member)).collect())
        .with(heard.iter().map(|row| signed(row.position)).collect())
        .with(heard.iter().map(|row| row.short.as_deref()).collect());
    written.push(observations);
    written.extend(dossiers(all));
    let mut deltas: Vec<(&Delta, i64)> = all
        .iter()
        .flat_map(|one| &one.deltas)
        .filter_map(|delta| Some((delta, *places.get(&delta.place)?)))
        .collect();
    deltas.sort_unstable_by_key(|(one, place)| (one.position, *place, one.measure, one.day));
    let sql = "INSERT INTO deltas (position, day, place, measure, n)
               SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[],
                                    $5::bigint[])";
    let rows = Rows::new(sql, deltas.len())
        .with(deltas.iter().map(|(one, _)| signed(one.position)).collect())
        .with(deltas.iter().map(|(one, _)| one.day).collect())
        .with(deltas.iter().map(|(_, place)| *place).collect())
        .with(deltas.iter().map(|(one, _)| one.measure).collect())
        .with(deltas.iter().map(|(one, _)| one.n).collect());
    written.push(rows);
    written
}

fn dossiers<'a>(all: &[&'a Changes]) -> [Rows<'a>; 2] {
    let mut rows: Vec<_> = all.iter().flat_map(|one| one.dossiers.values()).collect();
    rows.sort_unstable_by_key(|row| row.dossier);
    let bytes = rows.iter().filter_map(|row| row.public.as_ref()).map(String::len).sum();
    let sql = "INSERT INTO dossiers (dossier, position, public)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
               ON CONFLICT (dossier)
               DO UPDATE SET position = excluded.position, public = excluded.public";
    let dossiers = Rows::new(sql, rows.len())
        .with(rows.iter().map(|row| signed(row.dossier)).collect())
        .with(rows.iter().map(|row| signed(row.position)).collect())
        .with(rows.iter().map(|row| row.public.as_deref().map(str::as_bytes)).collect())
        .of_bytes(bytes);
    let mut changed: Vec<(u64, u64)> =
        all.iter().flat_map(|one| one.changed.iter().copied()).collect();
    changed.sort_unstable();
    changed.dedup();
    let (positions, numbers): (Vec<i64>, Vec<i64>) =
        changed.into_iter().map(|(a, b)| (signed(a), signed(b))).unzip();
    let sql = "INSERT INTO changes (position, dossier)
               SELECT * FROM unnest($1::bigint[], $2::bigint[])";
    [dossiers, Rows::new(sql, positions.len()).with(positions).with(numbers)]
}
