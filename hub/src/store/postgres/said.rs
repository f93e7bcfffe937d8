//! Reading what was said under names. Each step is asked of its index, whatever the planner thinks
//! of sizes (`OFFSET 0`): it would rather read a whole table in the order of its key.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    failure::Failure,
    session::{self, signed, unsigned},
};
use crate::{
    registry::Observation,
    store::{
        decode::{self, Stored},
        short::Name,
    },
};

/// Observations by the number of their name, in journal order.
type Said = HashMap<u64, Vec<Observation>>;

const WHOLE: &str = "
    SELECT e.position, e.kind, e.text, e.public, w.member
    FROM unnest($1::bigint[]) w (member)
    CROSS JOIN LATERAL (SELECT position FROM observations
                        WHERE member = w.member AND position < $2 OFFSET 0) o
    CROSS JOIN LATERAL (SELECT position, kind, text, public FROM entries
                        WHERE position = o.position OFFSET 0) e";

const SHORT: &str = "
    SELECT w.member, o.position, o.short
    FROM unnest($1::bigint[]) w (member)
    CROSS JOIN LATERAL (SELECT position, short FROM observations
                        WHERE member = w.member OFFSET 0) o";

const AT: &str = "
    SELECT e.position, e.kind, e.text, e.public, w.member
    FROM unnest($1::bigint[], $2::bigint[]) w (member, position)
    CROSS JOIN LATERAL (SELECT position, kind, text, public FROM entries
                        WHERE position = w.position OFFSET 0) e";

/// Position, kind, text, public text and member, in this order; `None` for what is not about a
/// dossier.
fn read(row: &Row) -> Result<Option<(u64, decode::Read)>, Failure> {
    let stored = Stored {
        position: unsigned(row.try_get(0)?),
        kind: row.try_get(1)?,
        text: row.try_get(2)?,
        public: row.try_get(3)?,
    };
    let member = unsigned(row.try_get(4)?);
    Ok(decode::observation(&stored)?.map(|one| (member, one)))
}

/// All observations of names before a position, whole.
pub(super) async fn whole(
    client: &impl GenericClient,
    members: &[i64],
    before: Option<u64>,
) -> Result<Said, Failure> {
    let end = before.map_or(i64::MAX, signed);
    in_order(&session::rows(client, WHOLE, &[&members, &end]).await?)
}

/// The observations of some rows: position, kind, text, public text and member each.
pub(super) fn in_order(rows: &[Row]) -> Result<Said, Failure> {
    let mut all: HashMap<u64, Vec<decode::Read>> = HashMap::new();
    for row in rows {
        if let Some((member, one)) = read(row)? {
            all.entry(member).or_default().push(one);
        }
    }
    let in_order = |mut read: Vec<decode::Read>| {
        read.sort_by_key(|one| one.observation.position);
        decode::resolve(read)
    };
    Ok(all.into_iter().map(|(member, read)| (member, in_order(read))).collect())
}

/// What a fold needs of the observations of names: the latest snapshot of each is whole, earlier
/// ones are in short. All are whole where one takes the place of another, be it of another name:
/// any may be the latest then.
pub(super) async fn in_short(
    client: &impl GenericClient,
    members: &[i64],
) -> Result<Said, Failure> {
    let mut names: HashMap<u64, Name> = HashMap::new();
    for row in session::rows(client, SHORT, &[&members]).await? {
        let name = names.entry(unsigned(row.try_get(0)?)).or_default();
        name.add(unsigned(row.try_get(1)?), row.try_get(2)?)?;
    }
    let (mut of, mut at): (Vec<i64>, Vec<i64>) = Default::default();
    for (member, name) in &names {
        for position in name.wanted() {
            of.push(signed(*member));
            at.push(signed(position));
        }
    }
    let mut wanted: HashMap<u64, Vec<Observation>> = HashMap::new();
    for row in session::rows(client, AT, &[&of, &at]).await? {
        let Some((member, one)) = read(&row)? else { continue };
        if one.supersedes.is_some() {
            return whole(client, members, None).await;
        }
        wanted.entry(member).or_default().push(one.observation);
    }
    let said = names.into_iter().map(|(member, name)| {
        (member, name.observations(wanted.remove(&member).unwrap_or_default()))
    });
    Ok(said.collect())
}
