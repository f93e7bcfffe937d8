//! How many connections the process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Connections at most: all the streams there may be, and as many again for who sends and asks.
const CONNECTIONS_MAX: u64 = 4_096;

/// Descriptors for everything else: the store, its readers, folders, the log.
const OTHERS: u64 = 256;

/// Connections where the system does not say how many there may be.
const CONNECTIONS_MIN: u64 = 512;

/// Asks the system for as many descriptors as are wanted, or as it allows, and gives how many
/// connections that leaves. Systems commonly begin with 1,024 and allow far more.
pub(crate) fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = CONNECTIONS_MAX + OTHERS;
    let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let mut have = limit.current.unwrap_or(wanted);
    if have < allowed {
        match setrlimit(
            Resource::Nofile,
            rustix::process::Rlimit { current: Some(allowed), ..limit },
        ) {
            Ok(()) => have = allowed,
            Err(error) => tracing::warn!(%error, have, "no more descriptors are to be had"),
        }
    }
    let connections = have.saturating_sub(OTHERS).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX);
    if connections < CONNECTIONS_MAX {
        tracing::warn!(connections, "fewer connections than wanted; raise the limit of open files");
    }
    usize::try_from(connections).unwrap_or(usize::MAX)
}
