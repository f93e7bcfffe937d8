//! Numbers from the rollups; the deltas that they lack, or hold too many of, make them exact. What
//! no rollup is kept for is summed from all deltas.

use std::fmt::Write as _;

use deadpool_postgres::{Object, Transaction};
use futures_util::future::{try_join, try_join3};

use super::{
    failure::Failure,
    rolling, scan,
    session::{self, Value, signed, unsigned},
};
use crate::{
    registry::{Dimension, Place, measure::gauge_names},
    store::{
        CellQuery, Cells, StoreError,
        batch::{Level, slot::Slot},
        numbers::Sums,
        strides,
    },
};

/// Measures and outer names there are between two slots. Hops from one to the next in the key, past
/// all years of each: few rows are read.
const ASKED: &str = "
    WITH RECURSIVE asked (slot) AS (
        (SELECT slot FROM rollups WHERE slot BETWEEN $1 AND $2 ORDER BY slot LIMIT 1)
        UNION ALL
        SELECT n.slot FROM asked a CROSS JOIN LATERAL (
            SELECT r.slot FROM rollups r
            WHERE r.slot >= ((a.slot >> 15) + 1) << 15 AND r.slot <= $2
            ORDER BY r.slot LIMIT 1) n)
    SELECT a.slot, m.text, o.text FROM asked a JOIN measures m ON m.measure = (a.slot >> 45 & 255)
    JOIN names o ON o.name = (a.slot >> 15 & 1073741823)";

/// What every run of years that is asked for comes to: their totals, or the days of them.
const YEARS: &str = "
    SELECT w.at, i.text, s.day, s.n
    FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::integer[], $6::boolean[])
        WITH ORDINALITY w (first, last, since, until, by_day, at)
    CROSS JOIN LATERAL (
        SELECT r.inside, NULL::integer AS day, sum(r.n)::bigint AS n FROM rollups r
        WHERE w.since IS NULL AND r.slot BETWEEN w.first AND w.last
          AND ($1::text IS NULL OR r.inside = (SELECT name FROM names WHERE text = $1))
        GROUP BY r.inside
        UNION ALL
        SELECT r.inside, CASE WHEN w.by_day THEN d.day END, sum(d.n)::bigint
        FROM rollups r CROSS JOIN LATERAL unnest(r.days, r.counts) d (day, n)
        WHERE d.day BETWEEN w.since AND w.until AND r.slot BETWEEN w.first AND w.last
          AND ($1::text IS NULL OR r.inside = (SELECT name FROM names WHERE text = $1))
        GROUP BY 1, 2) s
    JOIN names i ON i.name = s.inside";

const ENDS: &str = "SELECT h.size, r.position, s.made FROM head h, rolled r, strided s";

/// Numbers by day, or over all days asked for. Read as of one moment, so that the position is the
/// one they are true at.
pub(super) async fn cells(client: &mut Object, query: &CellQuery) -> Result<Cells, Failure> {
    let transaction = session::at_one_moment(client).await?;
    match query.level() {
        Some(level) => rolled(&transaction, query, level).await,
        None => scanned(&transaction, query).await,
    }
}

/// Where the journal and the rollups end, and how many strides are made.
fn ends(row: Option<&tokio_postgres::Row>) -> Result<(u64, u64, u64), Failure> {
    let row = row.ok_or_else(|| StoreError::fault("the journal's head is lost"))?;
    Ok((unsigned(row.try_get(0)?), unsigned(row.try_get(1)?), unsigned(row.try_get(2)?)))
}

async fn rolled(
    transaction: &Transaction<'_>,
    query: &CellQuery,
    level: &'static Level,
) -> Result<Cells, Failure> {
    // An outer name that is asked for need not be looked for: then the measures are those of the
    // level of all.
    let only = query.only(level.outer);
    let (first, last) = ends_of(if only.is_some() { 0 } else { level.number });
    let named = "SELECT name FROM names WHERE text = $1";
    let between: [Value<'_>; 2] = [&first, &last];
    let name: [Value<'_>; 1] = [&only];
    let (ended, asked, named) = try_join3(
        session::row(transaction, ENDS, &[]),
        session::rows(transaction, ASKED, &between),
        session::row(transaction, named, &name),
    )
    .await?;
    let (size, rolled, made) = ends(ended.as_ref())?;
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let named: Option<i64> = named.map(|row| row.try_get(0)).transpose()?;
    let way = strides::way(as_of, rolled, made);
    let deltas = (signed(way.deltas.0), signed(way.deltas.1));
    let between: [Value<'_>; 2] = [&deltas.0, &deltas.1];
    if let Some(all) = &way.strides {
        let mut sums = Sums::new(query);
        // A name without a number is borne by nothing.
        if only.is_none() || named.is_some() {
            super::strides::add(transaction, (query, level), named, all, &mut sums).await?;
        }
        for row in session::rows(transaction, rolling::DELTAS, &between).await? {
            sums.delta(&rolling::delta(&row)?, way.sign)?;
        }
        return Ok(Cells { as_of, scanned: false, rows: sums.rows() });
    }
    let mut wanted = Wanted::default();
    // A name without a number is borne by no rollup.
    for row in asked.iter().filter(|_| only.is_none() || named.is_some()) {
        let damaged = || StoreError::fault("a rollup has a slot that no hub writes");
        let slot = Slot::of(row.try_get(0)?).ok_or_else(damaged)?;
        let slot = Slot { level: level.number, outer: named.unwrap_or(slot.outer), ..slot };
        wanted.add(query, slot, (row.try_get(1)?, only.unwrap_or(row.try_get(2)?)));
    }
    let inner = query.only(level.inner);
    let Wanted { firsts, lasts, since, until, by_day, .. } = &wanted;
    let values: [Value<'_>; 6] = [&inner, firsts, lasts, since, until, by_day];
    let (years, deltas) = try_join(
        session::rows(transaction, YEARS, &values),
        session::rows(transaction, rolling::DELTAS, &between),
    )
    .await?;
    let mut sums = Sums::new(query);
    let mut met = None;
    for row in &years {
        let at = usize::try_from(row.try_get::<_, i64>(0)? - 1).ok();
        let Some((measure, outer, last)) = at.and_then(|at| wanted.of.get(at)) else { continue };
        let (counts, inner): (_, &str) = (sums.measure(measure)?, row.try_get(1)?);
        let at = match met {
            Some((met, at)) if met == (*outer, inner) => at,
            _ => sums.named(level, (outer, inner)),
        };
        met = Some(((*outer, inner), at));
        let day: Option<i32> = row.try_get(2)?;
        sums.rolled(at, counts, day.unwrap_or(*last), row.try_get(3)?);
    }
    for row in deltas {
        sums.delta(&rolling::delta(&row)?, way.sign)?;
    }
    Ok(Cells { as_of, scanned: false, rows: sums.rows() })
}

/// The sums of all deltas before a position, added up by the server.
async fn scanned(transaction: &Transaction<'_>, query: &CellQuery) -> Result<Cells, Failure> {
    scan::whole_tables(transaction).await?;
    let ended = session::row(transaction, ENDS, &[]).await?;
    let (size, ..) = ends(ended.as_ref())?;
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let gauges: Vec<&str> = gauge_names().collect();
    let (before, only) = (signed(as_of), Dimension::ALL.map(|one| query.only(Some(one))));
    let mut values: Vec<Value<'_>> = vec![&before, &query.from, &query.to, &gauges, &query.by_day];
    values.extend(only.iter().map(|value| -> Value<'_> { value }));
    let mut sums = Sums::new(query);
    for row in session::rows(transaction, &scanning(query), &values).await? {
        let mut place = Place::default();
        for (at, dimension) in Dimension::ALL.into_iter().enumerate() {
            dimension.set(&mut place, row.try_get(3 + at)?);
        }
        sums.summed(row.try_get(0)?, &place, (row.try_get(1)?, row.try_get(2)?))?;
    }
    Ok(Cells { as_of, scanned: true, rows: sums.rows() })
}

/// The statement that sums all deltas: there are as many as sets of dimensions, so each stays
/// prepared.
fn scanning(query: &CellQuery) -> String {
    let mut sql = "SELECT d.measure,
        CASE WHEN $5 THEN greatest(d.day, $2::integer - 1) ELSE $3::integer END AS shown,
        sum(d.n)::bigint"
        .to_owned();
    let mut asked = String::new();
    for (at, dimension) in Dimension::ALL.into_iter().enumerate() {
        let (name, value) = (dimension.name(), 6 + at);
        let kept = query.by.contains(&dimension) || query.only.contains_key(&dimension);
        // Writing to a text cannot fail.
        let _ = match kept {
            true => write!(sql, ", p.{name}"),
            false => write!(sql, ", '' AS {name}"),
        };
        let _ = write!(asked, " AND (${value}::text IS NULL OR p.{name} = ${value})");
    }
    sql + " FROM deltas d JOIN places p ON p.place = d.place
        WHERE d.position < $1 AND d.day <= $3 AND (d.day >= $2 OR d.measure = ANY ($4))"
        + &asked
        + " GROUP BY 1, 2, 4, 5, 6, 7, 8, 9 HAVING sum(d.n) <> 0"
}

/// The first and the last slot of a level.
fn ends_of(level: u8) -> (i64, i64) {
    let first = Slot { level, measure: 0, outer: 0, year: Slot::YEAR_MIN };
    let (measure, outer, year) = (Slot::MEASURE_MAX, Slot::OUTER_MAX, Slot::YEAR_MAX);
    let last = Slot { measure, outer, year, ..first };
    (first.number().unwrap_or(0), last.number().unwrap_or(0))
}

/// Years to read, a column each.
#[derive(Default)]
struct Wanted<'a> {
    /// Measure, outer name, and the last day.
    of: Vec<(&'a str, &'a str, i32)>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
    since: Vec<Option<i32>>,
    until: Vec<Option<i32>>,
    by_day: Vec<bool>,
}

impl<'a> Wanted<'a> {
    fn add(&mut self, query: &CellQuery, of: Slot, (measure, outer): (&'a str, &'a str)) {
        for (years, by_day) in query.years(measure) {
            let at = |year: i16| Slot { year, ..of }.number();
            let Some((first, last)) = at(years.first).zip(at(years.last)) else { continue };
            let (since, until) = years.days.unzip();
            self.of.push((measure, outer, years.last_day()));
            self.firsts.push(first);
            self.lasts.push(last);
            self.since.push(since);
            self.until.push(until);
            self.by_day.push(by_day);
        }
    }
}
