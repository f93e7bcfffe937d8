//! A look-up: three statements on their way together, one answer.

use deadpool_postgres::GenericClient;
use futures_util::future::try_join3;

use super::{
    failure::Failure,
    known::{self, RulesSeen},
    read::dossier_row,
    said,
    session::{self, Value},
};
use crate::store::{Found, batch::code_of_text};

/// Numbers of the dossiers that bear a code: national in canonical spelling, or a source's own.
macro_rules! bearing {
    () => {
        "(SELECT dossier FROM members WHERE code = $1 AND ($3::text IS NULL OR source = $3)
          UNION
          SELECT dossier FROM members
          WHERE source_code = $2 AND ($3::text IS NULL OR source = $3))"
    };
}

const DOSSIERS: &str = concat!(
    "SELECT k.source, k.source_code, d.position, d.public
     FROM ",
    bearing!(),
    " m JOIN dossiers d ON d.dossier = m.dossier JOIN members k ON k.member = m.dossier
     WHERE d.public IS NOT NULL
     ORDER BY k.source, k.source_code LIMIT 50"
);

/// What was said of the first two: of one more than there mostly is, to be left out then.
const SAID: &str = concat!(
    "SELECT e.position, e.kind, e.text, e.public, n.member
     FROM (SELECT m.dossier FROM ",
    bearing!(),
    " m JOIN dossiers d ON d.dossier = m.dossier WHERE d.public IS NOT NULL LIMIT 2) w
     CROSS JOIN LATERAL (SELECT member FROM members WHERE dossier = w.dossier OFFSET 0) n
     CROSS JOIN LATERAL (SELECT position FROM observations WHERE member = n.member OFFSET 0) o
     CROSS JOIN LATERAL (SELECT position, kind, text, public FROM entries
                         WHERE position = o.position OFFSET 0) e"
);

/// What bears a code. The journal's end is read first, so that what was said before it is all
/// there; what came after it is left out.
pub(super) async fn found(
    client: &impl GenericClient,
    rules: &RulesSeen,
    code: &str,
    source: Option<&str>,
) -> Result<Found, Failure> {
    let canonical = code_of_text(code).unwrap_or_else(|| code.to_owned());
    let values: [Value<'_>; 3] = [&canonical, &code, &source];
    let (tip, rows, told) = try_join3(
        known::tip(client),
        session::rows(client, DOSSIERS, &values),
        session::rows(client, SAID, &values),
    )
    .await?;
    let dossiers = rows.iter().map(dossier_row).collect::<Result<Vec<_>, _>>()?;
    let mut observations = Vec::new();
    if dossiers.len() == 1 {
        observations.extend(said::in_order(&told)?.into_values().flatten());
        observations.retain(|one| one.position < tip.next());
        observations.sort_by_key(|one| one.position);
    }
    let rules = rules.at(client, tip.rules).await?;
    let (size, erasures, log_id) = (tip.next(), tip.erased.is_some(), tip.log.id);
    Ok(Found { size, log_id, rules, dossiers, observations, erasures, moment: Some(size) })
}
