//! A line between a hub and its server that can be frozen, slow, deaf, mute and cut, also at the
//! very moment of a commit. The server may be a PostgreSQL or a RabbitMQ.

use std::{
    collections::VecDeque,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// What the line does with what comes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// It carries everything.
    Whole,
    /// It carries nothing, and tells nobody.
    Frozen,
    /// It carries nothing of the hub's, and tells nobody: the server is heard, and hears nothing.
    Deaf,
    /// It carries nothing of the server's, and tells nobody: the hub hears nothing.
    Mute,
    /// It carries everything, late and in small pieces.
    Slow,
    /// A connection ends when so many bytes more of the server's were carried.
    EndsAfter(u64),
    /// Every connection ends, and every new one at once.
    Cut,
    /// A connection ends when the hub asks to commit: the server never hears of it.
    LosesCommits,
    /// A connection ends when the server says that it has committed: the hub never hears of it.
    LosesReplies,
}

/// `COMMIT` as the hub asks PostgreSQL for it: a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// The server's word that it is done: a command's completion.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";
/// How late a slow line is, each way, and how much it carries at a time.
const LATE: Duration = Duration::from_millis(200);
const PIECE_BYTES: usize = 64;
/// Pieces that are on their way, at most.
const UNDER_WAY_MAX: usize = 256;

/// What became of connections.
#[derive(Debug, Default)]
struct Counts {
    turned_away: AtomicU64,
    ended: AtomicU64,
}

/// The line; it ends with its owner.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    server: u16,
    line: watch::Sender<Line>,
    /// What a new connection listens to.
    seen: Arc<RwLock<watch::Receiver<Line>>>,
    /// Lines that nobody changes any more: their connections stay as they are.
    stranded: Vec<watch::Sender<Line>>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A whole line to a port of this machine.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (line, seen) = watch::channel(Line::Whole);
        let seen = Arc::new(RwLock::new(seen));
        let counts = Arc::<Counts>::default();
        let (now, counted) = (seen.clone(), counts.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let line = now.read().unwrap().clone();
                tokio::spawn(converse(stream, server, line, counted.clone()));
            }
        });
        Self { port, server, line, seen, stranded: Vec::new(), counts, accepting }
    }

    /// A whole line to the server of an address, and the address by way of it.
    pub(crate) async fn before(address: &str) -> (Self, String) {
        let (before, _) = address.rsplit_once('/').unwrap();
        let (_, port) = before.rsplit_once(':').unwrap();
        let proxy = Self::to(port.parse().unwrap()).await;
        let by_way = proxy.by_way(address);
        (proxy, by_way)
    }

    /// An address of the server, by way of this line.
    pub(crate) fn by_way(&self, address: &str) -> String {
        let (from, to) = (format!(":{}/", self.server), format!(":{}/", self.port));
        let changed = address.replacen(&from, &to, 1);
        assert_ne!(changed, address);
        changed
    }

    /// From now on.
    pub(crate) fn is(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Connections that came while the line was cut.
    pub(crate) fn turned_away(&self) -> u64 {
        self.counts.turned_away.load(Ordering::Relaxed)
    }

    /// Connections that ended after so many bytes.
    pub(crate) fn ended(&self) -> u64 {
        self.counts.ended.load(Ordering::Relaxed)
    }

    /// Leaves every connection there is as it is now, for ever, and carries new ones.
    pub(crate) fn strand(&mut self) {
        let (line, seen) = watch::channel(Line::Whole);
        *self.seen.write().unwrap() = seen;
        self.stranded.push(std::mem::replace(&mut self.line, line));
    }

    /// Ends every connection, and carries new ones.
    pub(crate) async fn hiccup(&self) {
        self.is(Line::Cut);
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.is(Line::Whole);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One way of a connection: when it carries nothing, and what words end it on which line.
struct Way {
    silent: Line,
    loses: (Line, &'static [u8]),
    counts: Arc<Counts>,
}

impl Way {
    fn is_held(&self, now: Line) -> bool {
        now == Line::Frozen || now == self.silent
    }

    fn is_lost(&self, now: Line, chunk: &[u8]) -> bool {
        let (line, words) = self.loses;
        now == line && chunk.windows(words.len()).any(|part| part == words)
    }

    /// How much of a chunk is carried before the connection ends, so much having been since the
    /// line became what it is; none where it goes on.
    fn ends_within(&self, now: Line, carried: u64, chunk: &[u8]) -> Option<usize> {
        let Line::EndsAfter(bytes) = now else { return None };
        let left = usize::try_from(bytes.saturating_sub(carried)).unwrap_or(usize::MAX);
        (self.silent == Line::Mute && left <= chunk.len()).then_some(left)
    }
}

/// One connection, until one of its ends or the line ends it.
async fn converse(
    hub: TcpStream,
    server: u16,
    mut line: watch::Receiver<Line>,
    counts: Arc<Counts>,
) {
    if *line.borrow() == Line::Cut {
        counts.turned_away.fetch_add(1, Ordering::Relaxed);
        return;
    }
    // A frozen line does not even let a connection through.
    if line.wait_for(|now| *now != Line::Frozen).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let _ = (hub.set_nodelay(true), server.set_nodelay(true));
    let ((hub_reads, hub_writes), (server_reads, server_writes)) =
        (hub.into_split(), server.into_split());
    let way = |silent, loses| Way { silent, loses, counts: counts.clone() };
    let there = way(Line::Deaf, (Line::LosesCommits, COMMIT));
    let back = way(Line::Mute, (Line::LosesReplies, COMMITTED));
    tokio::select! {
        () = relay(hub_reads, server_writes, line.clone(), there) => {}
        () = relay(server_reads, hub_writes, line, back) => {}
    }
}

/// Carries bytes one way.
async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    way: Way,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut under_way: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let (mut is_over, mut was, mut carried) = (false, Line::Whole, 0_u64);
    loop {
        let now = *line.borrow_and_update();
        if now == Line::Cut || (is_over && under_way.is_empty()) {
            return;
        }
        carried = if now == was { carried } else { 0 };
        was = now;
        let next = under_way.front().map(|(due, _)| *due).filter(|_| !way.is_held(now));
        if next.is_some_and(|due| due <= Instant::now()) {
            let Some((_, chunk)) = under_way.pop_front() else { return };
            if let Some(left) = way.ends_within(now, carried, &chunk) {
                let _ = to.write_all(&chunk[..left]).await;
                way.counts.ended.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if way.is_lost(now, &chunk) || to.write_all(&chunk).await.is_err() {
                return;
            }
            carried += chunk.len() as u64;
            continue;
        }
        let open = !is_over && under_way.len() < UNDER_WAY_MAX;
        let later = Instant::now() + Duration::from_secs(3_600);
        tokio::select! {
            changed = line.changed() => if changed.is_err() { return },
            () = sleep_until(next.unwrap_or(later)) => {}
            read = from.read(&mut buffer), if open => match read {
                Ok(count @ 1..) => {
                    let (late, bytes) = match now {
                        Line::Slow => (LATE, PIECE_BYTES),
                        _ => (Duration::ZERO, count),
                    };
                    let due = Instant::now() + late;
                    under_way.extend(buffer[..count].chunks(bytes).map(|one| (due, one.to_vec())));
                }
                _ => is_over = true,
            },
        }
    }
}
