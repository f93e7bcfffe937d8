//! `lienthong key`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use super::{Exit, journal};
use crate::{
    auth::{self, Principal, Scopes},
    hub::configuration,
    store::{ApiKey, Store, StoreError},
};

/// Days that a key lasts where nothing else is said.
const DAYS_DEFAULT: u16 = 365;

/// Days that a key may last.
const DAYS_MAX: i64 = 3_650;

/// Days that a key and the one in its place may both be in force.
const OVERLAP_DAYS_MAX: i64 = 30;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make a key; it is shown this once.
    New {
        /// Whose: agency:ID, portal, reporting:NAME or operator.
        principal: String,
        /// What it is for, in words of one's own.
        #[arg(long)]
        name: Option<String>,
        /// One scope that it has; again for more. Without: all that its principal may do.
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// Days until it ends by itself.
        #[arg(long, default_value_t = DAYS_DEFAULT,
              value_parser = clap::value_parser!(u16).range(1..=DAYS_MAX))]
        days: u16,
        /// A file with the certificate that bears it (PEM), instead of a secret.
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
    },
    /// Make a key that takes the place of another; both are in force for a while.
    Rotate {
        /// The public part of the one that is to end.
        id: String,
        /// Days until that one ends; 0 for at once.
        #[arg(long, default_value_t = 7,
              value_parser = clap::value_parser!(u16).range(0..=OVERLAP_DAYS_MAX))]
        overlap_days: u16,
        /// Days until the new one ends by itself.
        #[arg(long, default_value_t = DAYS_DEFAULT,
              value_parser = clap::value_parser!(u16).range(1..=DAYS_MAX))]
        days: u16,
        /// A file with the certificate that bears the new one (PEM), instead of a secret.
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
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
    /// List keys, without their secrets: id, principal, state, scopes, last use, name, and the
    /// thumbprint (SHA-256) of the certificate that bears it.
    List,
}

pub(super) fn run(
    config: &Path,
    action: &Action,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let work = async |store: Arc<dyn Store>| done(action, &*store).await;
    let done = match journal::with_store(config, err, work)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    match done {
        Ok(text) => {
            writeln!(out, "{text}")?;
            if let Some(warning) = of_nobody(config, action) {
                writeln!(err, "{warning}")?;
            }
            Ok(Exit::Done)
        }
        Err(error) => {
            writeln!(err, "{}", error.reason)?;
            Ok(Exit::Faulty)
        }
    }
}

/// What is told beside a key of an agency that the hub has no folder of: it may come later, and
/// may be misspelt.
fn of_nobody(config: &Path, action: &Action) -> Option<String> {
    let Action::New { principal, .. } = action else { return None };
    let Ok(Principal::Agency(id)) = principal.parse() else { return None };
    let agencies = configuration(config).ok()?.agencies;
    (!agencies.join(&id).is_dir()).then(|| {
        let folder = agencies.display();
        format!(
            "warning: {folder} has no folder `{id}`, so there is no channel by which this key \
             could send: look whether the agency is spelt so"
        )
    })
}

/// So many days from now.
fn after(days: u16) -> Timestamp {
    let hours = SignedDuration::from_hours(i64::from(days) * 24);
    Timestamp::now().checked_add(hours).unwrap_or(Timestamp::MAX)
}

async fn done(action: &Action, store: &dyn Store) -> Result<String, StoreError> {
    let missing = |id: &str| StoreError::fault(format!("there is no key `{id}`"));
    match action {
        Action::New { principal, name, scopes, days, certificate } => {
            let principal =
                principal.parse().map_err(|error| StoreError::fault(format!("{error}")))?;
            let scopes = granted(&principal, scopes)?;
            let (key, shown) = made(store, &principal, certificate.as_deref(), None).await?;
            let (name, expires_at) = (name.clone(), Some(after(*days)));
            store.add_key(ApiKey { name, scopes, expires_at, ..key }).await?;
            Ok(shown)
        }
        Action::Rotate { id, overlap_days, days, certificate } => {
            let old = in_force(store, id).await?;
            let principal: Principal =
                old.principal.parse().map_err(|error| StoreError::fault(format!("{error}")))?;
            if old.certificate.is_some() && certificate.is_none() {
                let told = "a certificate bears it: name the next one by --certificate";
                return Err(StoreError::fault(told.to_owned()));
            }
            let (key, shown) = made(store, &principal, certificate.as_deref(), Some(id)).await?;
            let (name, scopes, expires_at) = (old.name, old.scopes, Some(after(*days)));
            let key = ApiKey { name, scopes, expires_at, ..key };
            match store.rotate_key(id.clone(), key, after(*overlap_days)).await? {
                true => Ok(shown),
                false => Err(missing(id)),
            }
        }
        Action::Revoke { id } => {
            let found = store.revoke_key(id.clone(), Timestamp::now()).await?;
            if found { Ok(format!("{id} is revoked")) } else { Err(missing(id)) }
        }
        Action::Digest { id } => Ok(auth::digest_password(store, &in_force(store, id).await?)),
        Action::List => {
            let (keys, now) = (store.keys().await?, Timestamp::now());
            Ok(keys.iter().map(|key| line(key, now)).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// A new key, and what is shown of it: its secret, or which certificate bears it. One certificate
/// bears one key at a time, but for the one whose place it takes.
async fn made(
    store: &dyn Store,
    principal: &Principal,
    certificate: Option<&Path>,
    instead: Option<&String>,
) -> Result<(ApiKey, String), StoreError> {
    let Some(file) = certificate else { return auth::new_key(principal) };
    let told = |why: String| StoreError::fault(format!("{}: {why}", file.display()));
    let pem = fs::read(file).map_err(|error| told(format!("it cannot be read: {error}")))?;
    let key = auth::new_key_of_certificate(principal, &pem).map_err(|error| told(error.reason))?;
    let (now, keys) = (Timestamp::now(), store.keys().await?);
    let mut others = keys.iter().filter(|one| one.in_force(now) && Some(&one.id) != instead);
    if let Some(other) = others.find(|one| one.certificate == key.certificate) {
        return Err(told(format!("the key {} is borne by it: revoke that first", other.id)));
    }
    let print = key.certificate.clone().unwrap_or_default();
    let shown = format!("{} is borne by the certificate {print}", key.id);
    Ok((key, shown))
}

/// The scopes that are granted, as they are stored; nothing for all.
fn granted(principal: &Principal, scopes: &[String]) -> Result<Option<String>, StoreError> {
    if scopes.is_empty() {
        return Ok(None);
    }
    let told: Scopes =
        scopes.join(" ").parse().map_err(|error| StoreError::fault(format!("{error}")))?;
    let most = Scopes::of_principal(principal);
    match told.within(most) {
        true => Ok(Some(told.to_string())),
        false => Err(StoreError::fault(format!("{principal} may have these scopes: {most}"))),
    }
}

async fn in_force(store: &dyn Store, id: &str) -> Result<ApiKey, StoreError> {
    let keys = store.keys().await?;
    let found = keys.into_iter().find(|key| key.id == id && key.in_force(Timestamp::now()));
    found.ok_or_else(|| StoreError::fault(format!("there is no key `{id}` in force")))
}

/// A key on one line, with tabs between.
fn line(key: &ApiKey, now: Timestamp) -> String {
    let state = match (&key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(end)) if end <= now => format!("over since {end}"),
        (None, Some(end)) => format!("in force until {end}"),
        (None, None) => "in force".to_owned(),
    };
    let used = key.used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {at}"));
    let scopes = key.scopes.as_deref().unwrap_or("all");
    let name = key.name.as_deref().unwrap_or("-");
    let certificate = key.certificate.as_deref().unwrap_or("-");
    [&key.id, &key.principal, &state, scopes, &used, name, certificate].join("\t")
}
