//! Leases: work that one process at a time does, and another one when that is gone.
//!
//! A lease has a name, a token that only grows, and an end by the server's clock. Whatever is
//! written under it is written by a transaction that [`Lease::begin`] gives: it has proved that the
//! token is in force, and holds the lease's row until it ends, so that nobody takes the lease over
//! meanwhile. Who was stopped for longer than the lease finds, on waking, that it is another's.

use std::time::Duration;

use deadpool_postgres::{GenericClient, Object, Transaction};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    failure::Failure,
    session::{self, Sessions, Value},
};

/// How long a lease lasts that is not renewed. Longer than the server lets a transaction stand
/// idle, so that by then none holds the row of one who was stopped.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// A lease is renewed when so much of it has passed.
const RENEW_AFTER: Duration = Duration::from_secs(3);

/// How often a process that does not have a lease asks whether it is free.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How long work rests after it could not be done.
const REST: Duration = Duration::from_secs(2);

/// How long a turn may take: one that waits for a frozen server would never end.
const TURN_WAIT: Duration = Duration::from_secs(60);

/// A lease that was taken. It may have been lost since: only [`Lease::begin`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    name: &'static str,
    token: i64,
}

/// The end of a lease that begins now.
const FROM_NOW: &str = "clock_timestamp() + make_interval(secs => $3::float8)";

/// Whose lease it is, for operators. Nothing hangs on it.
const HOLDER: &str =
    "'process ' || $2::text || ' at ' || coalesce(host(inet_client_addr()), 'this machine')";

impl Lease {
    /// Its place in the order of all that ever bore its name.
    pub(super) fn token(&self) -> i64 {
        self.token
    }

    /// Takes a lease; none where it is another's.
    pub(super) async fn take(
        client: &impl GenericClient,
        name: &'static str,
        length: Duration,
    ) -> Result<Option<Self>, Failure> {
        let again = format!(
            "UPDATE leases SET holder = {HOLDER}, token = token + 1, ends_at = {FROM_NOW}
             WHERE name = $1 AND ends_at <= clock_timestamp() RETURNING token"
        );
        let first = format!(
            "INSERT INTO leases (name, holder, token, ends_at)
             VALUES ($1, {HOLDER}, 1, {FROM_NOW}) ON CONFLICT (name) DO NOTHING RETURNING token"
        );
        let (process, seconds) = (std::process::id().to_string(), length.as_secs_f64());
        let values: [Value<'_>; 3] = [&name, &process, &seconds];
        for sql in [again, first] {
            if let Some(row) = session::row(client, &sql, &values).await? {
                return Ok(Some(Self { name, token: row.try_get(0)? }));
            }
        }
        Ok(None)
    }

    /// Proves that it is in force, and renews it; false where it is another's or has run out. In a
    /// transaction it cannot be lost before that ends.
    pub(super) async fn renew(
        &self,
        client: &impl GenericClient,
        length: Duration,
    ) -> Result<bool, Failure> {
        let sql = format!(
            "UPDATE leases SET ends_at = {FROM_NOW}
             WHERE name = $1 AND token = $2 AND ends_at > clock_timestamp() RETURNING token"
        );
        let values: [Value<'_>; 3] = [&self.name, &self.token, &length.as_secs_f64()];
        Ok(session::row(client, &sql, &values).await?.is_some())
    }

    /// Begins a transaction that may write under it; none where it is lost.
    pub(super) async fn begin<'a>(
        &self,
        client: &'a mut Object,
    ) -> Result<Option<Transaction<'a>>, Failure> {
        let transaction = client.transaction().await?;
        Ok(self.renew(&transaction, LEASE).await?.then_some(transaction))
    }

    /// Gives it up, so that another process need not wait for its end.
    pub(super) async fn give_up(&self, client: &impl GenericClient) -> Result<(), Failure> {
        let sql = "UPDATE leases SET ends_at = clock_timestamp()
                   WHERE name = $1 AND token = $2 AND ends_at > clock_timestamp()";
        session::rows(client, sql, &[&self.name, &self.token]).await.map(drop)
    }
}

/// Work that one process at a time does.
pub(super) trait Work: Send {
    /// The name of its lease.
    const LEASE: &'static str;

    /// Waits until there may be something to do. It may be dropped and called again.
    fn due(&self) -> impl Future<Output = ()> + Send;

    /// Does it, or some of it; false where the lease is lost. It may be dropped in the middle.
    fn turn(&mut self, lease: &Lease) -> impl Future<Output = Result<bool, Failure>> + Send;
}

/// Does work whenever its lease is this process's, until told to stop.
pub(super) async fn once<W: Work>(sessions: Sessions, mut work: W, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match session::soon(taken(&sessions, W::LEASE)).await {
            Ok(Some(lease)) => {
                tracing::info!(lease = lease.name, token = lease.token(), "the lease is taken");
                hold(&sessions, &mut work, &lease, &stop).await;
                if stop.is_cancelled() {
                    given_up(&sessions, &lease).await;
                    return;
                }
                tracing::warn!(lease = lease.name, token = lease.token(), "the lease is lost");
            }
            Ok(None) => {}
            Err(failure) => not_done(W::LEASE, &failure),
        }
        stop.run_until_cancelled(sleep(ASK_EVERY)).await;
    }
}

async fn taken(sessions: &Sessions, name: &'static str) -> Result<Option<Lease>, Failure> {
    Lease::take(&sessions.writer().await?, name, LEASE).await
}

async fn renewed(sessions: &Sessions, lease: &Lease) -> Result<bool, Failure> {
    lease.renew(&sessions.writer().await?, LEASE).await
}

async fn given_up(sessions: &Sessions, lease: &Lease) {
    let giving = async { lease.give_up(&sessions.writer().await?).await };
    if let Err(failure) = giving.await {
        tracing::warn!(lease = lease.name, error = %failure.error, "the lease runs out by itself");
    }
}

fn not_done(lease: &str, failure: &Failure) {
    tracing::warn!(lease, error = %failure.error, "work waits; it is tried again");
}

/// Works and renews the lease, until it is lost or the process is told to stop.
async fn hold<W: Work>(sessions: &Sessions, work: &mut W, lease: &Lease, stop: &CancellationToken) {
    let mut renew_at = Instant::now() + RENEW_AFTER;
    loop {
        let renewing = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep_until(renew_at) => true,
            () = work.due() => false,
        };
        let done = async {
            if renewing { renewed(sessions, lease).await } else { work.turn(lease).await }
        };
        match stop.run_until_cancelled(session::within(TURN_WAIT, done)).await {
            Some(Ok(true)) if renewing => renew_at = Instant::now() + RENEW_AFTER,
            Some(Ok(true)) => {}
            Some(Ok(false)) | None => return,
            // The lease may well be in force still: whatever is written proves it.
            Some(Err(failure)) => {
                not_done(lease.name, &failure);
                stop.run_until_cancelled(sleep(REST)).await;
            }
        }
    }
}
