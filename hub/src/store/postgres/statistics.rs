//! Numbers from the rollups; the deltas that they lack, or hold too many of, make them exact.

use deadpool_postgres::Object;
use futures_util::future::try_join;

use super::{
    failure::Failure,
    rolling,
    session::{self, Value, signed, unsigned},
};
use crate::store::{CellQuery, CellRow, StoreError, numbers::Sums};

/// Measures and agencies there are on a level. Hops from one to the next in the key: few rows are
/// read.
const ASKED: &str = "
    WITH RECURSIVE asked (measure, outer_key) AS (
        (SELECT measure, outer_key FROM rollups WHERE level = $1 AND span = 2
         ORDER BY measure, outer_key LIMIT 1)
        UNION ALL
        SELECT n.measure, n.outer_key FROM asked a CROSS JOIN LATERAL (
            SELECT r.measure, r.outer_key FROM rollups r
            WHERE r.level = $1 AND r.span = 2
              AND (r.measure, r.outer_key) > (a.measure, a.outer_key)
            ORDER BY r.measure, r.outer_key LIMIT 1) n)
    SELECT measure, outer_key FROM asked";

/// The sums of every stretch that is asked for, each a range of the key.
const RUNS: &str = "
    SELECT w.measure, w.outer_key, r.inner_key, r.day, r.n
    FROM unnest($3::text[], $4::text[], $5::smallint[], $6::integer[], $7::integer[],
                $8::boolean[]) w (measure, outer_key, span, first, last, by_day)
    CROSS JOIN LATERAL (
        SELECT inner_key, CASE WHEN w.by_day THEN day ELSE w.last END AS day, sum(n)::bigint AS n
        FROM rollups
        WHERE level = $1 AND span = w.span AND measure = w.measure
          AND outer_key = w.outer_key AND day BETWEEN w.first AND w.last
          AND ($2::text IS NULL OR inner_key = $2)
        GROUP BY 1, 2) r";

/// Numbers by day, or over all days asked for. Read as of one moment, so that the position is the
/// one they are true at.
pub(super) async fn rows(
    client: &mut Object,
    query: &CellQuery,
) -> Result<(u64, Vec<CellRow>), Failure> {
    let transaction = session::at_one_moment(client).await?;
    let level = i16::from(query.level());
    // On the level of both the agency is the outer key. One that is named need not be looked for:
    // then the measures are those of the level of all.
    let only = query.agency.as_deref().filter(|_| level == 3);
    let measured_on = if only.is_some() { 0_i16 } else { level };
    let ends = "SELECT h.size, r.position FROM head h, rolled r";
    let values: [Value<'_>; 1] = [&measured_on];
    let (ends, asked) = try_join(
        session::row(&transaction, ends, &[]),
        session::rows(&transaction, ASKED, &values),
    )
    .await?;
    let ends = ends.ok_or_else(|| StoreError::fault("the journal's head is lost"))?;
    let (size, rolled) = (unsigned(ends.try_get(0)?), unsigned(ends.try_get(1)?));
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let mut wanted = Wanted::default();
    for row in &asked {
        let outer: &str = row.try_get(1)?;
        wanted.add(query, row.try_get(0)?, only.unwrap_or(outer));
    }
    let inner = query.inner();
    let values: [Value<'_>; 8] = [
        &level,
        &inner,
        &wanted.measures,
        &wanted.outers,
        &wanted.spans,
        &wanted.firsts,
        &wanted.lasts,
        &wanted.by_day,
    ];
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
        let (measure, outer) = (row.try_get(0)?, row.try_get(1)?);
        sums.rolled(measure, outer, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    }
    for row in deltas {
        sums.delta(&rolling::delta(&row)?, sign);
    }
    Ok((as_of, sums.rows()))
}

/// Stretches to read, a column each.
#[derive(Default)]
struct Wanted<'a> {
    measures: Vec<&'a str>,
    outers: Vec<&'a str>,
    spans: Vec<i16>,
    firsts: Vec<i32>,
    lasts: Vec<i32>,
    by_day: Vec<bool>,
}

impl<'a> Wanted<'a> {
    fn add(&mut self, query: &CellQuery, measure: &'a str, outer: &'a str) {
        for ((span, first, last), by_day) in query.runs(measure) {
            self.measures.push(measure);
            self.outers.push(outer);
            self.spans.push(span as i16);
            self.firsts.push(first);
            self.lasts.push(last);
            self.by_day.push(by_day);
        }
    }
}
