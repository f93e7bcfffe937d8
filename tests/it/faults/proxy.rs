//! A line between hub and server that can be frozen and cut, also at the very moment of a commit.

use std::{
    sync::{Arc, RwLock},
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
};

/// What the line does with what comes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// It carries everything.
    Whole,
    /// It carries nothing, and tells nobody.
    Frozen,
    /// Every connection ends, and every new one at once.
    Cut,
    /// A connection ends when the hub asks to commit: the server never hears of it.
    LosesCommits,
    /// A connection ends when the server says that it has committed: the hub never hears of it.
    LosesReplies,
}

/// `COMMIT` as the hub asks for it: a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// The server's word that it is done: a command's completion.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

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
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A whole line to a port of this machine.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (line, seen) = watch::channel(Line::Whole);
        let seen = Arc::new(RwLock::new(seen));
        let now = seen.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let line = now.read().unwrap().clone();
                tokio::spawn(converse(stream, server, line));
            }
        });
        Self { port, server, line, seen, stranded: Vec::new(), accepting }
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

/// One connection, until one of its ends or the line ends it.
async fn converse(hub: TcpStream, server: u16, mut line: watch::Receiver<Line>) {
    if *line.borrow() == Line::Cut {
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
    tokio::select! {
        () = relay(hub_reads, server_writes, line.clone(), (Line::LosesCommits, COMMIT)) => {}
        () = relay(server_reads, hub_writes, line, (Line::LosesReplies, COMMITTED)) => {}
    }
}

/// Carries bytes one way. On a line that is `loses.0` it ends before `loses.1` is carried.
async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    (loses, words): (Line, &[u8]),
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            changed = line.changed() => match changed {
                Ok(()) if *line.borrow_and_update() != Line::Cut => continue,
                _ => return,
            },
            read = from.read(&mut buffer) => read,
        };
        let Ok(count @ 1..) = read else { return };
        let chunk = &buffer[..count];
        let Ok(now) = line.wait_for(|now| *now != Line::Frozen).await.map(|now| *now) else {
            return;
        };
        let lost = now == loses && chunk.windows(words.len()).any(|part| part == words);
        if now == Line::Cut || lost || to.write_all(chunk).await.is_err() {
            return;
        }
    }
}
