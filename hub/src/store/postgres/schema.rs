//! The schema of a database: how far it is, and the next step.

use deadpool_postgres::Transaction;
use tokio_postgres::Config;

use super::{
    failure::{self, Failure},
    open,
    portable::Marks,
    rebuild,
    session::Sessions,
};
use crate::store::schema::{self, Applied, Migration, Outlook};

/// All versions, in order; the table `schema` notes how many there are, `migrations` the hash of
/// each.
static MIGRATIONS: [Migration; 37] = [
    Migration { name: "first", sql: include_str!("../../../migrations/postgres/0001_first.sql") },
    Migration { name: "leases", sql: include_str!("../../../migrations/postgres/0002_leases.sql") },
    Migration { name: "moves", sql: include_str!("../../../migrations/postgres/0003_moves.sql") },
    Migration {
        name: "reporting",
        sql: include_str!("../../../migrations/postgres/0004_reporting.sql"),
    },
    Migration { name: "prune", sql: include_str!("../../../migrations/postgres/0005_prune.sql") },
    Migration {
        name: "rollups_by_number",
        sql: include_str!("../../../migrations/postgres/0006_rollups_by_number.sql"),
    },
    Migration {
        name: "observations_in_short",
        sql: include_str!("../../../migrations/postgres/0007_observations_in_short.sql"),
    },
    Migration {
        name: "catalogues",
        sql: include_str!("../../../migrations/postgres/0008_catalogues.sql"),
    },
    Migration {
        name: "profiles",
        sql: include_str!("../../../migrations/postgres/0009_profiles.sql"),
    },
    Migration {
        name: "rollups_by_field_and_commune",
        sql: include_str!("../../../migrations/postgres/0010_rollups_by_field_and_commune.sql"),
    },
    Migration {
        name: "reports",
        sql: include_str!("../../../migrations/postgres/0011_reports.sql"),
    },
    Migration {
        name: "records",
        sql: include_str!("../../../migrations/postgres/0012_records.sql"),
    },
    Migration {
        name: "findings",
        sql: include_str!("../../../migrations/postgres/0013_findings.sql"),
    },
    Migration {
        name: "rollups_by_year",
        sql: include_str!("../../../migrations/postgres/0014_rollups_by_year.sql"),
    },
    Migration {
        name: "deliveries",
        sql: include_str!("../../../migrations/postgres/0015_deliveries.sql"),
    },
    Migration {
        name: "pollers",
        sql: include_str!("../../../migrations/postgres/0016_pollers.sql"),
    },
    Migration {
        name: "days_and_finishers",
        sql: include_str!("../../../migrations/postgres/0017_days_and_finishers.sql"),
    },
    Migration {
        name: "agency_view",
        sql: include_str!("../../../migrations/postgres/0018_agency_view.sql"),
    },
    Migration {
        name: "exchange",
        sql: include_str!("../../../migrations/postgres/0019_exchange.sql"),
    },
    Migration {
        name: "timeliness",
        sql: include_str!("../../../migrations/postgres/0020_timeliness.sql"),
    },
    Migration {
        name: "channel_outcomes",
        sql: include_str!("../../../migrations/postgres/0021_channel_outcomes.sql"),
    },
    Migration {
        name: "promises",
        sql: include_str!("../../../migrations/postgres/0022_promises.sql"),
    },
    Migration {
        name: "drift_holds",
        sql: include_str!("../../../migrations/postgres/0023_drift_holds.sql"),
    },
    Migration {
        name: "published",
        sql: include_str!("../../../migrations/postgres/0024_published.sql"),
    },
    Migration {
        name: "restored",
        sql: include_str!("../../../migrations/postgres/0025_restored.sql"),
    },
    Migration {
        name: "subscriptions",
        sql: include_str!("../../../migrations/postgres/0026_subscriptions.sql"),
    },
    Migration { name: "keys", sql: include_str!("../../../migrations/postgres/0027_keys.sql") },
    Migration {
        name: "certificates",
        sql: include_str!("../../../migrations/postgres/0028_certificates.sql"),
    },
    Migration { name: "visits", sql: include_str!("../../../migrations/postgres/0029_visits.sql") },
    Migration {
        name: "personal",
        sql: include_str!("../../../migrations/postgres/0030_personal.sql"),
    },
    Migration {
        name: "erasures",
        sql: include_str!("../../../migrations/postgres/0031_erasures.sql"),
    },
    Migration {
        name: "watches",
        sql: include_str!("../../../migrations/postgres/0032_watches.sql"),
    },
    Migration {
        name: "leases_by_channel",
        sql: include_str!("../../../migrations/postgres/0033_leases_by_channel.sql"),
    },
    Migration {
        name: "folds_of_places",
        sql: include_str!("../../../migrations/postgres/0034_folds_of_places.sql"),
    },
    Migration {
        name: "at_rest",
        sql: include_str!("../../../migrations/postgres/0035_at_rest.sql"),
    },
    Migration {
        name: "subscribed_dossiers",
        sql: include_str!("../../../migrations/postgres/0036_subscribed_dossiers.sql"),
    },
    Migration {
        name: "named_files",
        sql: include_str!("../../../migrations/postgres/0037_named_files.sql"),
    },
];

/// Only one process at a time changes the schema.
const MIGRATION_LOCK: i64 = 0x6c69_656e_7468_6f6e;

const VERSION: &str = "CREATE SCHEMA IF NOT EXISTS lienthong;
    CREATE TABLE schema (version integer NOT NULL); INSERT INTO schema VALUES (0)";

const APPLIED: &str = "CREATE TABLE IF NOT EXISTS migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    hash       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now())";

async fn exists(transaction: &Transaction<'_>, table: &str) -> Result<bool, Failure> {
    let sql = "SELECT to_regclass('lienthong.' || $1::text) IS NOT NULL";
    Ok(transaction.query_one(sql, &[&table]).await?.try_get(0)?)
}

fn count(number: i32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

async fn of(transaction: &Transaction<'_>) -> Result<Outlook, Failure> {
    let mut have = 0;
    if exists(transaction, "schema").await? {
        let row = transaction.query_one("SELECT version FROM schema", &[]).await?;
        have = count(row.try_get(0)?);
    }
    let mut applied: Vec<Applied> = Vec::new();
    if exists(transaction, "migrations").await? {
        let sql = "SELECT number, hash FROM migrations ORDER BY number";
        for row in transaction.query(sql, &[]).await? {
            applied.push((count(row.try_get(0)?), row.try_get(1)?));
        }
    }
    Ok(Outlook::new(&MIGRATIONS, have, &applied)?)
}

async fn note(
    transaction: &Transaction<'_>,
    (number, migration): (usize, &Migration),
) -> Result<(), Failure> {
    let sql = "INSERT INTO migrations (number, name, hash) VALUES ($1, $2, $3)
               ON CONFLICT (number) DO NOTHING";
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    transaction.execute(sql, &[&number, &migration.name, &migration.hash()]).await?;
    Ok(())
}

async fn apply(
    transaction: &Transaction<'_>,
    (number, migration): (usize, &Migration),
) -> Result<(), Failure> {
    if number == 1 {
        transaction.batch_execute(VERSION).await?;
    }
    transaction.batch_execute(APPLIED).await?;
    // A store from before hashes were noted has the texts that are known.
    for before in (1..number).zip(&MIGRATIONS) {
        note(transaction, before).await?;
    }
    transaction.batch_execute(migration.sql).await?;
    note(transaction, (number, migration)).await?;
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    transaction.execute("UPDATE schema SET version = $1", &[&number]).await?;
    Ok(())
}

async fn lock(transaction: &Transaction<'_>) -> Result<(), Failure> {
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
    Ok(())
}

/// Makes the schema of a new database; refuses one whose schema is another than the program's.
pub(super) async fn made(transaction: &Transaction<'_>) -> Result<(), Failure> {
    lock(transaction).await?;
    let outlook = of(transaction).await?;
    if outlook.is_new()? {
        for next in outlook.missing() {
            apply(transaction, next).await?;
        }
    }
    Ok(())
}

/// How far a database is.
pub(super) async fn outlook(address: &Config) -> Result<Outlook, Failure> {
    let mut client = Sessions::new(address)?.reader().await?;
    of(&client.transaction().await?).await
}

/// Applies the next migration, if there is one.
pub(super) async fn next(address: &Config) -> Result<Option<(usize, &'static Migration)>, Failure> {
    let mut client = Sessions::new(address)?.writer().await?;
    open::server(&client).await?;
    let transaction = client.transaction().await?;
    lock(&transaction).await?;
    // It takes as long as it takes; but whoever holds a table is not waited for without end.
    transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
    let Some(next) = of(&transaction).await?.next() else { return Ok(None) };
    if Marks::of_any_schema(&transaction).await?.is_any() {
        return Err(schema::moving().into());
    }
    apply(&transaction, next).await?;
    // Folds are made by a program of the whole schema.
    if of(&transaction).await?.next().is_none() {
        rebuild::due(&transaction).await?;
    }
    transaction.commit().await.map_err(failure::of_commit)?;
    Ok(Some(next))
}
