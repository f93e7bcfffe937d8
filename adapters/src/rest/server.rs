//! Connections: accepted, limited, and ended in good order.
//!
//! An accept loop of our own, because `axum::serve` has neither timeouts nor a cap: a header sent
//! by half would hold its connection for ever. A server may speak TLS (`tls.rs`): agreeing on it is
//! part of a connection, held to the same time as its first request.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::{self, Client, Thumbprint};
use super::intake;
use super::tls::{self, Tls};
use super::wire::Wire;

/// After an error in accepting, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Read from a connection at most at a time.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Limits on connections, whatever is sent over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// Open connections. Above that, a new one takes the place of the one that has been open
    /// longest without having carried a request; where all have, it waits.
    pub connections_max: usize,
    /// Bytes of a request's first line and headers together; more is answered 431.
    pub header_bytes_max: usize,
    /// Headers of a request; more is answered 431.
    pub headers_max: usize,
    /// From the moment a connection may carry a request until all its headers are there. So it
    /// also ends a connection that stays idle between two requests.
    pub header_timeout: Duration,
    /// How long a peer may take nothing of an answer.
    pub write_timeout: Duration,
    /// How long what a peer still sends is dropped after the last answer, so that it can read it.
    pub linger: Duration,
    /// How long requests under way may take once told to stop; what is not answered by then is
    /// told to come again.
    pub finish_timeout: Duration,
    /// How long connections may last once told to stop; then they are cut.
    pub stop_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            header_bytes_max: 16 * 1024,
            headers_max: 64,
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            finish_timeout: Duration::from_secs(6),
            stop_timeout: Duration::from_secs(8),
        }
    }
}

/// What a server answers with. It may be changed while it serves: each request is answered by what
/// is here when its headers have come, also on a connection that has carried others before.
#[derive(Clone)]
pub struct App(Arc<RwLock<Router>>);

impl From<Router> for App {
    fn from(router: Router) -> Self {
        Self(Arc::new(RwLock::new(router)))
    }
}

impl App {
    /// Answers with another from the next request on; those under way finish with the one before.
    pub fn change(&self, to: Router) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = to;
    }

    fn now(&self) -> Router {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A server at its address: what it listens with, and the connections that it has.
///
/// Taking connections ([`Self::accept`]) and ending ([`Self::end`]) are two, so that whoever keeps
/// the first going can begin it again: the connections that are there stay, and stay counted.
pub struct Server {
    listener: TcpListener,
    tls: Option<Tls>,
    app: App,
    limits: ServerLimits,
    address: SocketAddr,
    slots: Arc<Semaphore>,
    connections: TaskTracker,
    silent: Arc<Silent>,
    ending: Ending,
    cut: CancellationToken,
}

impl Server {
    /// A server that answers with `app` over HTTP/1.1, by TLS where it is told how. Whatever comes
    /// after `stop` is told to come again (503, `Retry-After`).
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn new(
        (listener, tls): (TcpListener, Option<Tls>),
        app: impl Into<App>,
        limits: ServerLimits,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        tracing::info!(%address, tls = tls.is_some(), "listening");
        let slots = Arc::new(Semaphore::new(limits.connections_max));
        let ending = Ending { stop, hurry: CancellationToken::new() };
        Ok(Self {
            listener,
            tls,
            app: app.into(),
            limits,
            address,
            slots,
            connections: TaskTracker::new(),
            silent: Arc::default(),
            ending,
            cut: CancellationToken::new(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes connections, without end. An error in accepting is logged and never ends it; it may be
    /// dropped and begun again.
    pub async fn accept(&self) -> Infallible {
        loop {
            let stream = accept(&self.listener).await;
            if self.slots.available_permits() == 0 {
                self.silent.cut_first();
            }
            // Only `close` could fail it, and nobody closes it.
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { continue };
            let cut = self.cut.child_token();
            let unheard = self.silent.enter(cut.clone());
            let answering = (self.app.clone(), self.ending.clone());
            let stream = (stream, self.tls.clone());
            let conversation = converse(stream, answering, unheard, self.limits.clone());
            self.connections.spawn(async move {
                cut.run_until_cancelled(conversation).await;
                drop(slot);
            });
        }
    }

    /// Listens no more and lets requests under way finish; what is not answered within
    /// `finish_timeout` is told to come again. Returns when every connection has ended, at the
    /// latest after `stop_timeout`.
    pub async fn end(self) {
        let Self { listener, limits, address, connections, ending, cut, .. } = self;
        drop(listener);
        connections.close();
        let finishing = limits.finish_timeout.min(limits.stop_timeout);
        if timeout(finishing, connections.wait()).await.is_ok() {
            return;
        }
        ending.hurry.cancel();
        if timeout(limits.stop_timeout - finishing, connections.wait()).await.is_err() {
            tracing::warn!(%address, open = connections.len(), "connections cut at the deadline");
            cut.cancel();
            connections.wait().await;
        }
    }
}

/// Serves until `stop`, then ends: see [`Server`].
///
/// # Errors
///
/// Only at once, when the listener has no address.
pub async fn serve(
    listener: (TcpListener, Option<Tls>),
    app: impl Into<App>,
    limits: ServerLimits,
    stop: CancellationToken,
) -> io::Result<()> {
    let server = Server::new(listener, app, limits, stop.clone())?;
    stop.run_until_cancelled(server.accept()).await;
    server.end().await;
    Ok(())
}

/// Connections that have not carried a request yet, in the order in which they came. Whoever opens
/// thousands and says nothing would otherwise keep those out who have something to say.
#[derive(Default)]
struct Silent {
    came: AtomicU64,
    open: Mutex<BTreeMap<u64, CancellationToken>>,
}

impl Silent {
    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, CancellationToken>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection among them that can be cut; until it is heard of, or ends.
    fn enter(self: &Arc<Self>, cut: CancellationToken) -> Unheard {
        let number = self.came.fetch_add(1, Ordering::Relaxed);
        self.open().insert(number, cut);
        Unheard { silent: self.clone(), number }
    }

    /// Cuts the one that came first.
    fn cut_first(&self) {
        if let Some((_, cut)) = self.open().pop_first() {
            cut.cancel();
        }
    }
}

/// A connection's place among the silent.
struct Unheard {
    silent: Arc<Silent>,
    number: u64,
}

impl Drop for Unheard {
    fn drop(&mut self) {
        self.silent.open().remove(&self.number);
    }
}

/// What ends a server: told to stop, and no patience left with what is still under way.
#[derive(Clone)]
struct Ending {
    stop: CancellationToken,
    hurry: CancellationToken,
}

/// Passes a request on, unless the server is ending.
async fn answer_or_end(
    ending: Ending,
    app: Router,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let answered = match ending.stop.is_cancelled() {
        true => None,
        false => {
            let answering = TowerToHyperService::new(app).call(request);
            ending.hurry.run_until_cancelled(answering).await
        }
    };
    answered.unwrap_or_else(|| {
        Ok(intake::not_now(&intake::later("the hub is stopping")).into_response())
    })
}

/// The next connection, however many attempts fail before it.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // The peer left while it waited: its own affair.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection; trying again");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// All requests of one connection.
async fn converse(
    (stream, tls): (TcpStream, Option<Tls>),
    answering: (App, Ending),
    unheard: Unheard,
    limits: ServerLimits,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection keeps small packets back");
    }
    let peer = stream.peer_addr().ok().map(|peer| Client(peer.ip()));
    let wire = Wire::new(stream, limits.write_timeout, limits.linger);
    let Some(tls) = tls else {
        return exchange(wire, (peer, None), answering, unheard, limits).await;
    };
    let stop = answering.1.stop.clone();
    let agreeing = timeout(limits.header_timeout, tls.agree(wire));
    match stop.run_until_cancelled(agreeing).await {
        Some(Ok(Ok(stream))) => {
            let shown = tls::shown(&stream).map(Thumbprint::of);
            exchange(stream, (peer, shown), answering, unheard, limits).await;
        }
        Some(Ok(Err(error))) => tracing::debug!(%error, "no TLS is agreed on"),
        Some(Err(_)) | None => {}
    }
}

/// The requests of a connection that can carry them.
async fn exchange(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    (peer, shown): (Option<Client>, Option<Thumbprint>),
    (app, ending): (App, Ending),
    unheard: Unheard,
    limits: ServerLimits,
) {
    let credential = shown.and_then(Thumbprint::credential);
    let stop = ending.stop.clone();
    let unheard = Mutex::new(Some(unheard));
    let heard = service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        client::credit(request.headers_mut(), credential.as_ref());
        drop(unheard.lock().unwrap_or_else(PoisonError::into_inner).take());
        answer_or_end(ending.clone(), app.now(), request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.header_bytes_max)
        .max_headers(limits.headers_max)
        .max_buf_size(BUFFER_BYTES_MAX.max(limits.header_bytes_max))
        .serve_connection(TokioIo::new(io), heard);
    let mut connection = pin!(connection);
    let ended = match stop.run_until_cancelled(connection.as_mut()).await {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
