//! `lienthong key`.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use clap::Subcommand;

use super::{Exit, journal};
use crate::{
    auth::{self, Principal},
    store::{ApiKey, Store, StoreError},
};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make a key; it is shown this once.
    New {
        /// Whose: agency:<id>, portal or operator.
        principal: String,
    },
    /// Revoke a key.
    Revoke {
        /// Its public part: the letters between the two underscores.
        id: String,
    },
    /// Show the password by which a key's bearer makes digests (WS-Security PasswordDigest).
    Digest {
        /// Its public part: the letters between the two underscores.
        id: String,
    },
    /// List keys, without their secrets.
    List,
}

pub(super) fn run(
    config: &Path,
    action: &Action,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let work = async |store: Arc<dyn Store>| -> Result<String, StoreError> {
        match action {
            Action::New { principal } => {
                let principal: Principal =
                    principal.parse().map_err(|error| StoreError::fault(format!("{error}")))?;
                let (key, shown) = auth::new_key(&principal)?;
                store.add_key(key).await?;
                Ok(shown)
            }
            Action::Revoke { id } => {
                let found = store.revoke_key(id.clone(), jiff::Timestamp::now()).await?;
                let missing = || StoreError::fault(format!("there is no key `{id}`"));
                if found { Ok(format!("{id} is revoked")) } else { Err(missing()) }
            }
            Action::Digest { id } => {
                let keys = store.keys().await?;
                let live = |key: &&ApiKey| key.id == *id && key.revoked_at.is_none();
                let missing = || StoreError::fault(format!("there is no key `{id}` in force"));
                let key = keys.iter().find(live).ok_or_else(missing)?;
                Ok(auth::digest_password(&*store, key))
            }
            Action::List => {
                let keys = store.keys().await?;
                let line = |key: &ApiKey| {
                    let state = key.revoked_at.as_deref().unwrap_or("in force");
                    format!("{}\t{}\t{state}", key.id, key.principal)
                };
                Ok(keys.iter().map(line).collect::<Vec<_>>().join("\n"))
            }
        }
    };
    let done = match journal::with_store(config, err, work)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    match done {
        Ok(text) => {
            writeln!(out, "{text}")?;
            Ok(Exit::Done)
        }
        Err(error) => {
            writeln!(err, "{}", error.reason)?;
            Ok(Exit::Faulty)
        }
    }
}
