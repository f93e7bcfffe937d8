//! Whether a text lies anywhere in a store: in all bytes of a SQLite file and of what lies beside
//! it, in a dump of all that a PostgreSQL database has.

use std::{fs, process::Command};

use crate::{backend::Backend, harness::Folder, lienthong::stderr};

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Whether it is there: as text, or as PostgreSQL writes bytes.
pub(super) fn is_there(backend: Backend, folder: &Folder, text: &str) -> bool {
    match backend {
        Backend::Sqlite => ["hub.db", "hub.db-wal"].iter().any(|name| {
            let bytes = fs::read(folder.path().join(name)).unwrap_or_default();
            holds(&bytes, text)
        }),
        Backend::Postgres => {
            let dump = Command::new("pg_dump").args(["-d", folder.address()]).output().unwrap();
            assert!(dump.status.success(), "{}", stderr(&dump));
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            holds(&dump.stdout, text) || holds(&dump.stdout, &hex)
        }
    }
}
