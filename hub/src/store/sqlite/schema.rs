//! The schema of a file: how far it is, and the next step.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{open, portable, rebuild};
use crate::store::{
    StoreError,
    schema::{self, Applied, Migration, Outlook},
};

/// All versions, in order; the file notes how many it has, and the hash of each.
static MIGRATIONS: [Migration; 35] = [
    Migration { name: "first", sql: include_str!("../../../migrations/sqlite/0001_first.sql") },
    Migration {
        name: "rollups_by_number",
        sql: include_str!("../../../migrations/sqlite/0002_rollups_by_number.sql"),
    },
    Migration { name: "moves", sql: include_str!("../../../migrations/sqlite/0003_moves.sql") },
    Migration { name: "prune", sql: include_str!("../../../migrations/sqlite/0004_prune.sql") },
    Migration {
        name: "observations_in_short",
        sql: include_str!("../../../migrations/sqlite/0005_observations_in_short.sql"),
    },
    Migration {
        name: "catalogues",
        sql: include_str!("../../../migrations/sqlite/0006_catalogues.sql"),
    },
    Migration {
        name: "profiles",
        sql: include_str!("../../../migrations/sqlite/0007_profiles.sql"),
    },
    Migration {
        name: "rollups_by_field_and_commune",
        sql: include_str!("../../../migrations/sqlite/0008_rollups_by_field_and_commune.sql"),
    },
    Migration { name: "reports", sql: include_str!("../../../migrations/sqlite/0009_reports.sql") },
    Migration { name: "records", sql: include_str!("../../../migrations/sqlite/0010_records.sql") },
    Migration {
        name: "findings",
        sql: include_str!("../../../migrations/sqlite/0011_findings.sql"),
    },
    Migration {
        name: "numbers_in_few_rows",
        sql: include_str!("../../../migrations/sqlite/0012_numbers_in_few_rows.sql"),
    },
    Migration {
        name: "deliveries",
        sql: include_str!("../../../migrations/sqlite/0013_deliveries.sql"),
    },
    Migration { name: "pollers", sql: include_str!("../../../migrations/sqlite/0014_pollers.sql") },
    Migration {
        name: "days_and_finishers",
        sql: include_str!("../../../migrations/sqlite/0015_days_and_finishers.sql"),
    },
    Migration {
        name: "agency_view",
        sql: include_str!("../../../migrations/sqlite/0016_agency_view.sql"),
    },
    Migration {
        name: "exchange",
        sql: include_str!("../../../migrations/sqlite/0017_exchange.sql"),
    },
    Migration {
        name: "timeliness",
        sql: include_str!("../../../migrations/sqlite/0018_timeliness.sql"),
    },
    Migration {
        name: "channel_outcomes",
        sql: include_str!("../../../migrations/sqlite/0019_channel_outcomes.sql"),
    },
    Migration {
        name: "promises",
        sql: include_str!("../../../migrations/sqlite/0020_promises.sql"),
    },
    Migration {
        name: "drift_holds",
        sql: include_str!("../../../migrations/sqlite/0021_drift_holds.sql"),
    },
    Migration {
        name: "published",
        sql: include_str!("../../../migrations/sqlite/0022_published.sql"),
    },
    Migration {
        name: "restored",
        sql: include_str!("../../../migrations/sqlite/0023_restored.sql"),
    },
    Migration {
        name: "subscriptions",
        sql: include_str!("../../../migrations/sqlite/0024_subscriptions.sql"),
    },
    Migration { name: "keys", sql: include_str!("../../../migrations/sqlite/0025_keys.sql") },
    Migration {
        name: "certificates",
        sql: include_str!("../../../migrations/sqlite/0026_certificates.sql"),
    },
    Migration { name: "visits", sql: include_str!("../../../migrations/sqlite/0027_visits.sql") },
    Migration {
        name: "personal",
        sql: include_str!("../../../migrations/sqlite/0028_personal.sql"),
    },
    Migration {
        name: "erasures",
        sql: include_str!("../../../migrations/sqlite/0029_erasures.sql"),
    },
    Migration { name: "watches", sql: include_str!("../../../migrations/sqlite/0030_watches.sql") },
    Migration {
        name: "leases_by_channel",
        sql: include_str!("../../../migrations/sqlite/0031_leases_by_channel.sql"),
    },
    Migration {
        name: "folds_of_places",
        sql: include_str!("../../../migrations/sqlite/0032_folds_of_places.sql"),
    },
    Migration { name: "at_rest", sql: include_str!("../../../migrations/sqlite/0033_at_rest.sql") },
    Migration {
        name: "subscribed_dossiers",
        sql: include_str!("../../../migrations/sqlite/0034_subscribed_dossiers.sql"),
    },
    Migration {
        name: "named_files",
        sql: include_str!("../../../migrations/sqlite/0035_named_files.sql"),
    },
];

const APPLIED: &str = "CREATE TABLE IF NOT EXISTS migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    applied_at TEXT NOT NULL
) STRICT";

fn exists(connection: &Connection, what: &str) -> Result<bool, StoreError> {
    Ok(connection.query_row(&format!("SELECT EXISTS ({what})"), [], |row| row.get(0))?)
}

fn applied(connection: &Connection) -> Result<Vec<Applied>, StoreError> {
    if !exists(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'migrations'")? {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare("SELECT number, hash FROM migrations ORDER BY number")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn of(connection: &Connection) -> Result<Outlook, StoreError> {
    let have = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Outlook::new(&MIGRATIONS, have, &applied(connection)?)
}

fn note(
    transaction: &Transaction<'_>,
    (number, migration): (usize, &Migration),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO migrations (number, name, hash, applied_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (number) DO NOTHING";
    let now = jiff::Timestamp::now().to_string();
    transaction.execute(sql, params![number, migration.name, migration.hash(), now])?;
    Ok(())
}

fn apply(
    transaction: &Transaction<'_>,
    (number, migration): (usize, &Migration),
) -> Result<(), StoreError> {
    transaction.execute_batch(APPLIED)?;
    // A store from before hashes were noted has the texts that are known.
    for before in (1..number).zip(&MIGRATIONS) {
        note(transaction, before)?;
    }
    transaction.execute_batch(migration.sql)?;
    note(transaction, (number, migration))?;
    transaction.pragma_update(None, "user_version", number)?;
    Ok(())
}

/// Makes the schema of a new file; refuses one whose schema is another than the program's.
pub(super) fn made(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outlook = of(&transaction)?;
    if outlook.is_new()? {
        outlook.missing().try_for_each(|next| apply(&transaction, next))?;
    }
    transaction.commit()?;
    // Whoever migrated it may have been stopped before this.
    rebuild::due(connection)
}

/// How far a file is.
pub(super) fn outlook(path: &Path) -> Result<Outlook, StoreError> {
    match path.exists() {
        true => of(&open::reader(path)?),
        false => Outlook::new(&MIGRATIONS, 0, &[]),
    }
}

/// Applies the next migration, if there is one.
pub(super) fn next(path: &Path) -> Result<Option<(usize, &'static Migration)>, StoreError> {
    let mut connection = open::connection(path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(next) = of(&transaction)?.next() else {
        transaction.rollback()?;
        return rebuild::due(&mut connection).map(|()| None);
    };
    if portable::is_marked(&transaction)? {
        return Err(schema::moving());
    }
    apply(&transaction, next)?;
    let whole = of(&transaction)?.next().is_none();
    transaction.commit()?;
    // Folds are made by a program of the whole schema.
    if whole {
        rebuild::due(&mut connection)?;
    }
    Ok(Some(next))
}
