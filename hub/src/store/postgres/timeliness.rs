//! How dossiers stand by the hub's own due date, and the sums of it.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::Failure,
    findings::judged,
    session::{self, Rows, soon},
};
use crate::store::{
    Answer, CellQuery, Cells, StoreError,
    numbers::Sums,
    timeliness::{AddedUp, Judged, Kept, Timely, Year, YearKey, parts, unpacked},
};

fn told(row: &Row) -> Result<Kept, Failure> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}

async fn of(
    client: &impl GenericClient,
    dossiers: Vec<String>,
) -> Result<(u64, Vec<Kept>), Failure> {
    let sql = "SELECT dossier, told FROM timeliness WHERE dossier = ANY ($1)";
    let rows = session::rows(client, sql, &[&dossiers]).await?;
    Ok((judged(client).await?, rows.iter().map(told).collect::<Result<_, _>>()?))
}

async fn cells(client: &impl GenericClient, query: &CellQuery) -> Result<Cells, Failure> {
    let mut sums = Sums::new(query);
    let sql = "SELECT outside, inside, n, days FROM timeliness_years
               WHERE level = $1 AND measure = $2 AND year BETWEEN $3 AND $4
                   AND ($5::text IS NULL OR outside = $5) AND ($6::text IS NULL OR inside = $6)";
    let of_one = "SELECT outside, inside, n, days FROM timeliness_years
               WHERE level = $1 AND measure = $2 AND year BETWEEN $3 AND $4
                   AND outside = $5::text AND ($6::text IS NULL OR inside = $6)";
    for part in parts(query) {
        let (level, number) = (part.level, i16::from(part.level.number));
        let outer = if level.outer.is_none() { Some("") } else { query.only(level.outer) };
        let sql = if outer.is_some() { of_one } else { sql };
        let (first, last) = (part.years.first, part.years.last);
        let inner = query.only(level.inner);
        let values: [session::Value<'_>; 6] =
            [&number, &part.measure, &first, &last, &outer, &inner];
        for row in session::rows(client, sql, &values).await? {
            let names = (row.try_get(0)?, row.try_get(1)?);
            part.add(&mut sums, names, (row.try_get(2)?, row.try_get(3)?))?;
        }
    }
    Ok(Cells { as_of: judged(client).await?, scanned: false, rows: sums.rows() })
}

const KEEP: &str = "INSERT INTO timeliness (dossier, told)
    SELECT * FROM unnest($1::text[], $2::text[])
    ON CONFLICT (dossier) DO UPDATE SET told = excluded.told";

const FORGET: &str = "DELETE FROM timeliness WHERE dossier IN (SELECT unnest($1::text[]))";

const YEARS: &str = "INSERT INTO timeliness_years
        (level, measure, outside, year, inside, n, days)
    SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::smallint[], $5::text[],
        $6::bigint[], $7::bytea[])
    ON CONFLICT (level, measure, outside, year, inside) DO UPDATE
    SET n = excluded.n, days = excluded.days";

const EMPTY: &str = "DELETE FROM timeliness_years y
    USING unnest($1::smallint[], $2::text[], $3::text[], $4::smallint[], $5::text[])
        w (level, measure, outside, year, inside)
    WHERE y.level = w.level AND y.measure = w.measure AND y.outside = w.outside
        AND y.year = w.year AND y.inside = w.inside";

/// Rows of sums that are read or written by one statement.
const ROWS_AT_ONCE: usize = 4_096;

/// Keeps what a turn has judged.
pub(super) async fn settle(
    client: &impl GenericClient,
    dossiers: Vec<Judged>,
    mut years: Vec<Year>,
) -> Result<(), Failure> {
    let (mut kept, mut texts, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for (dossier, told) in dossiers {
        match told {
            Some(told) => {
                kept.push(dossier);
                texts.push(told);
            }
            None => gone.push(dossier),
        }
    }
    let kept = Rows::new(KEEP, kept.len()).with(kept).with(texts);
    let gone = Rows::new(FORGET, gone.len()).with(gone);
    session::write(client, vec![kept, gone]).await?;
    for years in years.chunks_mut(ROWS_AT_ONCE) {
        add_held(client, years).await?;
        let (empty, full): (Vec<&Year>, Vec<&Year>) =
            years.iter().partition(|(_, sums)| sums.is_empty());
        let full = keys(YEARS, &full)
            .with(full.iter().map(|(_, sums)| sums.total()).collect())
            .with(full.iter().map(|(_, sums)| sums.packed()).collect());
        session::write(client, vec![full, keys(EMPTY, &empty)]).await?;
    }
    Ok(())
}

/// Rows of which the first columns are the keys of some years.
fn keys<'a>(sql: &'static str, years: &[&'a Year]) -> Rows<'a> {
    macro_rules! column {
        ($key:ident => $value:expr) => {
            years.iter().map(|($key, _)| $value).collect::<Vec<_>>()
        };
    }
    Rows::new(sql, years.len())
        .with(column!(key => i16::from(key.level)))
        .with(column!(key => key.measure.as_str()))
        .with(column!(key => key.outer.as_str()))
        .with(column!(key => key.year))
        .with(column!(key => key.inner.as_str()))
}

/// Adds what is kept already of some years to them.
async fn add_held(client: &impl GenericClient, years: &mut [Year]) -> Result<(), Failure> {
    let sql = "SELECT w.at, y.days
               FROM unnest($1::smallint[], $2::text[], $3::text[], $4::smallint[], $5::text[])
                   WITH ORDINALITY w (level, measure, outside, year, inside, at)
               CROSS JOIN LATERAL (SELECT days FROM timeliness_years
                   WHERE level = w.level AND measure = w.measure AND outside = w.outside
                       AND year = w.year AND inside = w.inside OFFSET 0) y";
    let levels: Vec<i16> = years.iter().map(|(key, _)| i16::from(key.level)).collect();
    let measures: Vec<&str> = years.iter().map(|(key, _)| key.measure.as_str()).collect();
    let outers: Vec<&str> = years.iter().map(|(key, _)| key.outer.as_str()).collect();
    let of: Vec<i16> = years.iter().map(|(key, _)| key.year).collect();
    let inners: Vec<&str> = years.iter().map(|(key, _)| key.inner.as_str()).collect();
    let values: [session::Value<'_>; 5] = [&levels, &measures, &outers, &of, &inners];
    for held in session::rows(client, sql, &values).await? {
        let at = usize::try_from(held.try_get::<_, i64>(0)? - 1).ok();
        if let Some((_, sums)) = at.and_then(|at| years.get_mut(at)) {
            sums.add(&unpacked(held.try_get(1)?)?);
        }
    }
    Ok(())
}

/// Rows of dossiers that are held at a time.
const DOSSIERS_AT_ONCE: u32 = 4_096;

async fn after(
    client: &impl GenericClient,
    key: &str,
    limit: u32,
) -> Result<(u64, Vec<Kept>), Failure> {
    let sql = "SELECT dossier, told FROM timeliness WHERE dossier > $1 ORDER BY dossier LIMIT $2";
    let rows = session::rows(client, sql, &[&key, &i64::from(limit)]).await?;
    Ok((judged(client).await?, rows.iter().map(told).collect::<Result<_, _>>()?))
}

async fn faults(client: &impl GenericClient) -> Result<Vec<String>, Failure> {
    let (mut added, mut last) = (AddedUp::default(), String::new());
    loop {
        let (_, rows) = after(client, &last, DOSSIERS_AT_ONCE).await?;
        for kept in &rows {
            added.add(kept)?;
        }
        let Some((key, _)) = rows.into_iter().next_back() else { break };
        last = key;
    }
    let mut expected = added.close();
    let sql = "SELECT level, measure, outside, year, inside, days FROM timeliness_years";
    let mut faults = Vec::new();
    for row in session::rows(client, sql, &[]).await? {
        let key = YearKey {
            level: u8::try_from(row.try_get::<_, i16>(0)?).unwrap_or(u8::MAX),
            measure: row.try_get(1)?,
            outer: row.try_get(2)?,
            year: row.try_get(3)?,
            inner: row.try_get(4)?,
        };
        faults.extend(expected.differs(&(key, unpacked(row.try_get(5)?)?)));
    }
    faults.extend(expected.missing());
    Ok(faults)
}

impl Timely for PostgresStore {
    fn timeliness(
        &self,
        dossiers: Vec<String>,
    ) -> Answer<'_, Result<(u64, Vec<Kept>), StoreError>> {
        Box::pin(soon(async move {
            let mut client = self.sessions.reader().await?;
            let moment = session::at_one_moment(&mut client).await?;
            Ok(of(&moment, dossiers).await?)
        }))
    }

    fn timely_cells(&self, query: CellQuery) -> Answer<'_, Result<Cells, StoreError>> {
        Box::pin(soon(async move {
            let mut client = self.sessions.reader().await?;
            let moment = session::at_one_moment(&mut client).await?;
            Ok(cells(&moment, &query).await?)
        }))
    }

    fn timeliness_after(
        &self,
        key: String,
        limit: u32,
    ) -> Answer<'_, Result<(u64, Vec<Kept>), StoreError>> {
        Box::pin(soon(async move {
            let mut client = self.sessions.reader().await?;
            let moment = session::at_one_moment(&mut client).await?;
            Ok(after(&moment, &key, limit).await?)
        }))
    }

    fn timely_faults(&self) -> Answer<'_, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.reader().await?;
                let moment = session::at_one_moment(&mut client).await?;
                faults(&moment).await
            };
            work.await.map_err(StoreError::from)
        })
    }
}
