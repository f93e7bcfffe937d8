//! Findings, and what is kept to judge on.

use deadpool_postgres::GenericClient;
use jiff::civil::Date;
use tokio_postgres::Row as Found;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, Rows, Value, signed, soon, unsigned},
    timeliness,
};
use crate::{
    registry::{
        Identity,
        finding::{Finding, Of, TallyKey},
    },
    store::{
        Answer, StoreError,
        findings::{
            AllJudged, COLUMNS, CodeTold, FindingQuery, Findings, Row, TallyText, Text, Turn,
            tally_day,
        },
    },
};

pub(super) async fn judged(client: &impl GenericClient) -> Result<u64, Failure> {
    let row = session::row(client, "SELECT next FROM judged", &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map_or(0, unsigned))
}

fn in_order(rows: &[Found]) -> Result<Vec<Text>, Failure> {
    let text = |row: &Found| {
        Ok(Text {
            position: unsigned(row.try_get(0)?),
            kind: row.try_get(1)?,
            text: row.try_get(2)?,
            public: row.try_get(3)?,
        })
    };
    rows.iter().map(text).collect()
}

async fn texts(client: &impl GenericClient, from: u64, limit: u32) -> Result<Vec<Text>, Failure> {
    // Refusals may be long, and nothing is asked about them.
    let sql = "SELECT position, kind, text,
                   CASE kind WHEN 'refusal' THEN ''::bytea ELSE public END
               FROM entries WHERE position >= $1 ORDER BY position LIMIT $2";
    in_order(&session::rows(client, sql, &[&signed(from), &i64::from(limit)]).await?)
}

async fn told(
    client: &impl GenericClient,
    names: Vec<Identity>,
    before: u64,
) -> Result<Vec<Text>, Failure> {
    // Each step is asked of its index, whatever the planner thinks of sizes.
    let sql = "SELECT e.position, e.kind, e.text, e.public
               FROM unnest($1::text[], $2::text[]) w (source, source_code)
               CROSS JOIN LATERAL (SELECT member FROM members
                   WHERE source_code = w.source_code AND source = w.source OFFSET 0) m
               CROSS JOIN LATERAL (SELECT position FROM observations
                   WHERE member = m.member AND position < $3 OFFSET 0) o
               CROSS JOIN LATERAL (SELECT position, kind, text, public FROM entries
                   WHERE position = o.position OFFSET 0) e";
    let (sources, codes): (Vec<String>, Vec<String>) =
        names.into_iter().map(|name| (name.source, name.source_code)).unzip();
    in_order(&session::rows(client, sql, &[&sources, &codes, &signed(before)]).await?)
}

async fn names(client: &impl GenericClient, codes: Vec<String>) -> Result<Vec<CodeTold>, Failure> {
    let sql = "SELECT code, source, source_code FROM judged_codes WHERE code = ANY ($1)";
    let name = |row: Found| {
        let name = Identity { source: row.try_get(1)?, source_code: row.try_get(2)? };
        Ok((row.try_get(0)?, name))
    };
    session::rows(client, sql, &[&codes]).await?.into_iter().map(name).collect()
}

/// A small number of the hub's as it is stored.
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn row(row: &Found) -> Result<Row, Failure> {
    Ok(Row {
        opened: unsigned(row.try_get(0)?),
        number: small(row.try_get(1)?),
        opened_at: row.try_get(2)?,
        changed: unsigned(row.try_get(3)?),
        turn: small(row.try_get(4)?),
        closed: row.try_get::<_, Option<i64>>(5)?.map(unsigned),
        closed_at: row.try_get(6)?,
        rule: row.try_get(7)?,
        agency: row.try_get(8)?,
        dossier: row.try_get(9)?,
        of_what: row.try_get(10)?,
        day: row.try_get(11)?,
        catalogue: row.try_get(12)?,
        edition: unsigned(row.try_get(13)?),
        body: row.try_get(14)?,
    })
}

async fn found(
    client: &impl GenericClient,
    rest: &str,
    values: &[Value<'_>],
) -> Result<Vec<Finding>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM findings {rest}");
    let rows = session::rows(client, &sql, values).await?;
    rows.iter().map(|found| Ok(row(found)?.finding()?)).collect()
}

async fn tallies(
    client: &impl GenericClient,
    keys: Vec<TallyKey>,
) -> Result<Vec<TallyText>, Failure> {
    let sql = "SELECT w.place, t.tally
               FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
                   w (place, agency, code, day)
               CROSS JOIN LATERAL (SELECT tally FROM judged_tallies
                   WHERE agency = w.agency AND code = w.code AND day = w.day OFFSET 0) t";
    let places: Vec<i64> = (0..).take(keys.len()).collect();
    let (mut agencies, mut codes, mut days) = (Vec::new(), Vec::new(), Vec::new());
    for key in &keys {
        agencies.push(key.agency.clone());
        codes.push(key.code.clone());
        days.push(key.day.to_string());
    }
    let mut all = Vec::new();
    for row in session::rows(client, sql, &[&places, &agencies, &codes, &days]).await? {
        let place = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX);
        let Some(key) = keys.get(place) else { continue };
        all.push((key.clone(), row.try_get(1)?));
    }
    Ok(all)
}

async fn between(
    client: &impl GenericClient,
    of: Of,
    (first, last): (Date, Date),
) -> Result<Vec<TallyText>, Failure> {
    let sql = "SELECT agency, code, day, tally FROM judged_tallies
               WHERE day BETWEEN $1 AND $2 AND (code = '') = $3";
    let (first, last, finished) = (first.to_string(), last.to_string(), of == Of::Finished);
    let tally = |row: Found| {
        let day = tally_day(row.try_get(2)?)?;
        Ok((TallyKey { agency: row.try_get(0)?, code: row.try_get(1)?, day }, row.try_get(3)?))
    };
    session::rows(client, sql, &[&first, &last, &finished]).await?.into_iter().map(tally).collect()
}

/// Forgets all that was judged: it is made anew from the first entry on.
pub(super) async fn forget(client: &impl GenericClient) -> Result<(), Failure> {
    let sql = "DELETE FROM findings; DELETE FROM judged_codes; DELETE FROM judged_tallies;
               DELETE FROM timeliness; DELETE FROM timeliness_years; DELETE FROM judged";
    Ok(client.batch_execute(sql).await?)
}

const TALLIES: &str = "INSERT INTO judged_tallies (agency, code, day, tally)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
    ON CONFLICT (agency, code, day) DO UPDATE SET tally = excluded.tally";

const CODES: &str = "INSERT INTO judged_codes (code, source, source_code)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING";

const FINDINGS: &str = "INSERT INTO findings (opened, number, opened_at, changed, turn, closed,
        closed_at, rule, agency, dossier, of_what, day, catalogue, edition, body, about)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[],
        $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
        $13::text[], $14::bigint[], $15::text[], $16::text[])
    ON CONFLICT (opened, number) DO UPDATE SET changed = excluded.changed, turn = excluded.turn,
        closed = excluded.closed, closed_at = excluded.closed_at, day = excluded.day,
        catalogue = excluded.catalogue, edition = excluded.edition, body = excluded.body";

/// The rows of findings, as columns.
fn columns(findings: Vec<Finding>) -> Rows<'static> {
    let about: Vec<String> = findings.iter().map(|one| one.subject.about()).collect();
    let rows: Vec<Row> = findings.into_iter().map(Row::of).collect();
    let bytes = rows.iter().map(|row| row.body.len()).sum();
    macro_rules! column {
        ($row:ident => $value:expr) => {
            rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
    Rows::new(FINDINGS, rows.len())
        .with(column!(row => signed(row.opened)))
        .with(column!(row => i64::from(row.number)))
        .with(column!(row => row.opened_at.clone()))
        .with(column!(row => signed(row.changed)))
        .with(column!(row => i64::from(row.turn)))
        .with(column!(row => row.closed.map(signed)))
        .with(column!(row => row.closed_at.clone()))
        .with(column!(row => row.rule.clone()))
        .with(column!(row => row.agency.clone()))
        .with(column!(row => row.dossier.clone()))
        .with(column!(row => row.of_what.clone()))
        .with(column!(row => row.day.clone()))
        .with(column!(row => row.catalogue.clone()))
        .with(column!(row => signed(row.edition)))
        .with(column!(row => row.body.clone()))
        .with(about)
        .of_bytes(bytes)
}

async fn settle(client: &impl GenericClient, turn: Turn) -> Result<bool, Failure> {
    // Whoever settles beside this one waits for the row, and finds it moved on.
    let sql = "INSERT INTO judged AS j (one, next)
               SELECT 1, $2::bigint FROM head WHERE leaving IS NULL AND arriving IS NULL
                   AND ($1::bigint = 0 OR EXISTS (SELECT FROM judged))
               ON CONFLICT (one) DO UPDATE SET next = excluded.next WHERE j.next = $1::bigint
               RETURNING next";
    let ends: [Value<'_>; 2] = [&signed(turn.from), &signed(turn.to)];
    if session::row(client, sql, &ends).await?.is_none() {
        return Ok(false);
    }
    let (mut codes, mut sources, mut source_codes) = (Vec::new(), Vec::new(), Vec::new());
    for (code, name) in turn.codes {
        codes.push(code);
        sources.push(name.source);
        source_codes.push(name.source_code);
    }
    let codes = Rows::new(CODES, codes.len()).with(codes).with(sources).with(source_codes);
    let (mut agencies, mut own, mut days, mut texts) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (key, tally) in turn.tallies {
        agencies.push(key.agency);
        own.push(key.code);
        days.push(key.day.to_string());
        texts.push(tally);
    }
    let tallies = Rows::new(TALLIES, texts.len()).with(agencies).with(own).with(days).with(texts);
    session::write(client, vec![codes, tallies, columns(turn.findings)]).await?;
    timeliness::settle(client, turn.timeliness, turn.years).await?;
    Ok(true)
}

async fn asked(client: &impl GenericClient, query: FindingQuery) -> Result<Vec<Finding>, Failure> {
    let (mut wanted, mut values): (
        Vec<String>,
        Vec<Box<dyn tokio_postgres::types::ToSql + Sync + Send>>,
    ) = (Vec::new(), Vec::new());
    let named = [
        ("agency", query.agency),
        ("rule", query.rule.map(|rule| rule.name().to_owned())),
        ("dossier", query.dossier),
    ];
    for (column, value) in named {
        if let Some(value) = value {
            values.push(Box::new(value));
            wanted.push(format!("{column} = ${}", values.len()));
        }
    }
    if let Some(open) = query.open {
        wanted.push(format!("closed IS {}NULL", if open { "" } else { "NOT " }));
    }
    if let Some((opened, last)) = query.before {
        values.push(Box::new(signed(opened)));
        values.push(Box::new(i64::from(last)));
        wanted.push(format!("(opened, number) < (${}, ${})", values.len() - 1, values.len()));
    }
    values.push(Box::new(i64::from(query.limit)));
    let wanted = if wanted.is_empty() { "true".to_owned() } else { wanted.join(" AND ") };
    let order = format!("ORDER BY opened DESC, number DESC LIMIT ${}", values.len());
    let values: Vec<Value<'_>> = values.iter().map(|value| &**value as Value<'_>).collect();
    found(client, &format!("WHERE {wanted} {order}"), &values).await
}

async fn from(
    client: &impl GenericClient,
    (position, turn): (u64, u32),
    limit: u32,
) -> Result<Vec<Finding>, Failure> {
    let rest = "WHERE (changed, turn) >= ($1, $2) ORDER BY changed, turn LIMIT $3";
    found(client, rest, &[&signed(position), &i64::from(turn), &i64::from(limit)]).await
}

impl Findings for PostgresStore {
    fn judged(&self) -> Answer<'_, Result<u64, StoreError>> {
        Box::pin(soon(async { Ok(judged(&self.sessions.reader().await?).await?) }))
    }

    fn texts(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<Text>, StoreError>> {
        Box::pin(soon(async move { Ok(texts(&self.sessions.reader().await?, from, limit).await?) }))
    }

    fn told(&self, names: Vec<Identity>, before: u64) -> Answer<'_, Result<Vec<Text>, StoreError>> {
        Box::pin(soon(
            async move { Ok(told(&self.sessions.reader().await?, names, before).await?) },
        ))
    }

    fn names(&self, codes: Vec<String>) -> Answer<'_, Result<Vec<CodeTold>, StoreError>> {
        Box::pin(soon(async move { Ok(names(&self.sessions.reader().await?, codes).await?) }))
    }

    fn open(&self, about: Vec<String>) -> Answer<'_, Result<Vec<Finding>, StoreError>> {
        Box::pin(soon(async move {
            let rest = "WHERE about = ANY ($1) AND closed IS NULL";
            Ok(found(&self.sessions.reader().await?, rest, &[&about]).await?)
        }))
    }

    fn tallies(&self, keys: Vec<TallyKey>) -> Answer<'_, Result<Vec<TallyText>, StoreError>> {
        Box::pin(soon(async move { Ok(tallies(&self.sessions.reader().await?, keys).await?) }))
    }

    fn tallies_between(
        &self,
        of: Of,
        days: (Date, Date),
    ) -> Answer<'_, Result<Vec<TallyText>, StoreError>> {
        Box::pin(soon(async move { Ok(between(&self.sessions.reader().await?, of, days).await?) }))
    }

    fn settle_findings(&self, turn: Turn) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.writer().await?;
                let transaction = session::begin(&mut client).await?;
                let kept = soon(settle(&transaction, turn)).await?;
                session::commit(transaction).await?;
                Ok::<_, Failure>(kept)
            };
            work.await.map_err(StoreError::from)
        })
    }

    fn findings(&self, query: FindingQuery) -> Answer<'_, Result<Vec<Finding>, StoreError>> {
        Box::pin(soon(async move { Ok(asked(&self.sessions.reader().await?, query).await?) }))
    }

    fn findings_from(
        &self,
        position: u64,
        turn: u32,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Finding>, StoreError>> {
        Box::pin(soon(async move {
            Ok(from(&self.sessions.reader().await?, (position, turn), limit).await?)
        }))
    }

    fn all_judged(&self) -> Answer<'_, Result<AllJudged, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.reader().await?;
                let moment = session::at_one_moment(&mut client).await?;
                let findings = found(&moment, "ORDER BY opened, number", &[]).await?;
                Ok::<_, Failure>(AllJudged { next: judged(&moment).await?, findings })
            };
            work.await.map_err(StoreError::from)
        })
    }
}
