//! What PostgreSQL answers when it does not do what it was asked.

use std::time::Duration;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::{Error, error::SqlState};

use super::session::CONNECTION_WAIT;
use crate::store::{StoreError, Trouble};

/// Why work was not done, and whether the same again may be.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: StoreError,
    /// Whether nothing was kept for certain, and the whole transaction may succeed if it is run
    /// once more at once.
    pub(super) again: bool,
}

impl Failure {
    /// The server did not answer in time. Nobody knows what it did; it is not asked again at once,
    /// for whoever waits has waited long enough.
    pub(super) fn silent(wait: Duration) -> Self {
        let error = StoreError::away(format!("PostgreSQL did not answer within {wait:?}"));
        Self { error, again: false }
    }

    /// The same of a commit of which nobody knows whether it was kept: the sender tries again, and
    /// is told.
    pub(super) fn in_doubt(mut self) -> Self {
        self.again = false;
        if self.error.trouble == Trouble::Fault {
            self.error.trouble = Trouble::Away;
        }
        self.error.reason.push_str("; whether the commit was kept is not known");
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, again: false }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Two transactions were in each other's way, and one was taken back whole.
fn collided(code: &SqlState) -> bool {
    *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
}

/// The server ended the connection, or is about to end or to start.
fn ended(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_SESSION_TIMEOUT]
            .contains(code)
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
}

fn trouble(code: &SqlState) -> Trouble {
    let away = [
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IO_ERROR,
        SqlState::INTERNAL_ERROR,
        SqlState::DATA_CORRUPTED,
        SqlState::INDEX_CORRUPTED,
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INVALID_CATALOG_NAME,
        SqlState::UNDEFINED_TABLE,
    ];
    let busy = [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED];
    match code {
        code if *code == SqlState::DISK_FULL => Trouble::Full,
        code if ended(code) || away.contains(code) => Trouble::Away,
        // Connections, memory, locks: whatever there is not enough of.
        code if busy.contains(code) || collided(code) || code.code().starts_with("53") => {
            Trouble::Busy
        }
        _ => Trouble::Fault,
    }
}

/// An error in words. Only the code and the first message: what the server adds to it may quote
/// values of agencies.
fn reason(error: &Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("PostgreSQL {}: {}", told.code().code(), told.message()),
        // What stands behind it is of the connection; it knows no values.
        None => match std::error::Error::source(error) {
            Some(source) => format!("PostgreSQL: {error}: {source}"),
            None => format!("PostgreSQL: {error}"),
        },
    }
}

/// Whether an error without a code is of the connection; others are of values that do not fit.
fn of_the_connection(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    error.is_closed() || source.is_none_or(|source| source.is::<std::io::Error>())
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let reason = reason(&error);
        let (trouble, again) = match error.code() {
            Some(code) => (trouble(code), collided(code) || ended(code)),
            None if of_the_connection(&error) => (Trouble::Away, true),
            None => (Trouble::Fault, false),
        };
        Self { error: StoreError { trouble, reason }, again }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Failure::from(error).error
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::from(error),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
                Self::silent(CONNECTION_WAIT)
            }
            PoolError::Timeout(TimeoutType::Wait) => Self {
                error: StoreError {
                    trouble: Trouble::Busy,
                    reason: "no connection to PostgreSQL became free".to_owned(),
                },
                again: false,
            },
            _ => StoreError::away(format!("PostgreSQL: {error}")).into(),
        }
    }
}

/// What a COMMIT came to that was not answered with success: in doubt, unless the server itself
/// says that it took everything back.
pub(super) fn of_commit(error: Error) -> Failure {
    let took_back = error.code().is_some_and(collided);
    let failure = Failure::from(error);
    if took_back { failure } else { failure.in_doubt() }
}

/// How often a whole transaction was run again.
#[derive(Default)]
pub(super) struct Tries(usize);

impl Tries {
    /// Rests before each further attempt, in milliseconds.
    const RESTS: [u64; 3] = [10, 100, 400];

    /// Whether it may be run once more after a failure; rests before it says so.
    pub(super) async fn again(&mut self, failure: &Failure) -> bool {
        let Some(rest) = Self::RESTS.get(self.0).filter(|_| failure.again) else { return false };
        tracing::warn!(error = %failure.error, "a transaction is run again");
        tokio::time::sleep(std::time::Duration::from_millis(*rest)).await;
        self.0 += 1;
        true
    }
}
