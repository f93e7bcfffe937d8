//! Numbers from the rollups; the deltas that they lack, or hold too many of, make them exact.

use deadpool_postgres::Object;
use futures_util::future::{try_join, try_join3};

use super::{
    failure::Failure,
    rolling,
    session::{self, Value, signed, unsigned},
};
use crate::store::{
    CellQuery, CellRow, StoreError,
    batch::{rollups::Span, slot::Slot},
    numbers::Sums,
};

/// Measures and agencies there are between two slots. Hops from one to the next in the key, past
/// all days of each: few rows are read.
const ASKED: &str = "
    WITH RECURSIVE asked (slot) AS (
        (SELECT slot FROM rollups WHERE slot BETWEEN $1 AND $2 ORDER BY slot LIMIT 1)
        UNION ALL
        SELECT n.slot FROM asked a CROSS JOIN LATERAL (
            SELECT r.slot FROM rollups r
            WHERE r.slot >= ((a.slot >> 22) + 1) << 22 AND r.slot <= $2
            ORDER BY r.slot LIMIT 1) n)
    SELECT a.slot, m.text, o.text FROM asked a JOIN measures m ON m.measure = (a.slot >> 53 & 63)
    JOIN names o ON o.name = (a.slot >> 22 & 2147483647)";

/// The sums of every stretch that is asked for, each a range of the key.
const RUNS: &str = "
    SELECT w.at, i.text, r.slot, r.n
    FROM unnest($2::bigint[], $3::bigint[], $4::boolean[]) WITH ORDINALITY
        w (first, last, by_day, at)
    CROSS JOIN LATERAL (
        SELECT inside, CASE WHEN w.by_day THEN slot ELSE w.last END AS slot, sum(n)::bigint AS n
        FROM rollups
        WHERE slot BETWEEN w.first AND w.last
          AND ($1::text IS NULL OR inside = (SELECT name FROM names WHERE text = $1))
        GROUP BY 1, 2) r
    JOIN names i ON i.name = r.inside";

/// Numbers by day, or over all days asked for. Read as of one moment, so that the position is the
/// one they are true at.
pub(super) async fn rows(
    client: &mut Object,
    query: &CellQuery,
) -> Result<(u64, Vec<CellRow>), Failure> {
    let transaction = session::at_one_moment(client).await?;
    // On the level of both the agency is the outer name. One that is named need not be looked for:
    // then the measures are those of the level of all.
    let only = query.agency.as_deref().filter(|_| query.level() == 3);
    let (first, last) = all_years(if only.is_some() { 0 } else { query.level() });
    let ends = "SELECT h.size, r.position FROM head h, rolled r";
    let named = "SELECT name FROM names WHERE text = $1";
    let between: [Value<'_>; 2] = [&first, &last];
    let name: [Value<'_>; 1] = [&only];
    let (ends, asked, named) = try_join3(
        session::row(&transaction, ends, &[]),
        session::rows(&transaction, ASKED, &between),
        session::row(&transaction, named, &name),
    )
    .await?;
    let ends = ends.ok_or_else(|| StoreError::fault("the journal's head is lost"))?;
    let (size, rolled) = (unsigned(ends.try_get(0)?), unsigned(ends.try_get(1)?));
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let named: Option<i64> = named.map(|row| row.try_get(0)).transpose()?;
    let mut wanted = Wanted::default();
    // A name without a number is borne by no rollup.
    for row in asked.iter().filter(|_| only.is_none() || named.is_some()) {
        let damaged = || StoreError::fault("a rollup has a slot that no hub writes");
        let slot = Slot::of(row.try_get(0)?).ok_or_else(damaged)?;
        let slot = Slot { level: query.level(), outer: named.unwrap_or(slot.outer), ..slot };
        wanted.add(query, slot, (row.try_get(1)?, only.unwrap_or(row.try_get(2)?)));
    }
    let inner = query.inner();
    let values: [Value<'_>; 4] = [&inner, &wanted.firsts, &wanted.lasts, &wanted.by_day];
    let (from, to, sign) = if as_of >= rolled { (rolled, as_of, 1) } else { (as_of, rolled, -1) };
    let (from, to) = (signed(from), signed(to));
    let between: [Value<'_>; 2] = [&from, &to];
    let (runs, deltas) = try_join(
        session::rows(&transaction, RUNS, &values),
        session::rows(&transaction, rolling::DELTAS, &between),
    )
    .await?;
    let mut sums = Sums::new(query);
    for row in runs {
        let at = usize::try_from(row.try_get::<_, i64>(0)? - 1).ok();
        let stretch = at.and_then(|at| wanted.stretches.get(at));
        let slot = Slot::of(row.try_get(2)?);
        let Some(((measure, outer), slot)) = stretch.zip(slot) else { continue };
        sums.rolled(measure, outer, row.try_get(1)?, slot.day, row.try_get(3)?);
    }
    for row in deltas {
        sums.delta(&rolling::delta(&row)?, sign);
    }
    Ok((as_of, sums.rows()))
}

/// The first and the last slot of the years of a level.
fn all_years(level: u8) -> (i64, i64) {
    let first = Slot { level, span: Span::Year, measure: 0, outer: 0, day: Slot::DAY_MIN };
    let (measure, outer, day) = (Slot::MEASURE_MAX, Slot::OUTER_MAX, Slot::DAY_MAX);
    let last = Slot { measure, outer, day, ..first };
    (first.number().unwrap_or(0), last.number().unwrap_or(0))
}

/// Stretches to read, a column each.
#[derive(Default)]
struct Wanted<'a> {
    /// Measure and outer name.
    stretches: Vec<(&'a str, &'a str)>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
    by_day: Vec<bool>,
}

impl<'a> Wanted<'a> {
    fn add(&mut self, query: &CellQuery, of: Slot, (measure, outer): (&'a str, &'a str)) {
        for ((span, first, last), by_day) in query.runs(measure) {
            let at = |day: i32| {
                Slot { span, day: day.clamp(Slot::DAY_MIN, Slot::DAY_MAX), ..of }.number()
            };
            let Some((first, last)) = at(first).zip(at(last)) else { continue };
            self.stretches.push((measure, outer));
            self.firsts.push(first);
            self.lasts.push(last);
            self.by_day.push(by_day);
        }
    }
}
