//! An agency that is sent messages over HTTP: it answers, is slow, fails, lies and drops the line,
//! as a test wants it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn id(&self) -> &str {
        self.header("idempotency-key")
    }

    /// The dossier that it is about.
    pub(crate) fn subject(&self) -> &str {
        self.header("ce-subject")
    }
}

/// What it does with a message.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Takes it, or says why not: status, further headers, text.
    Says(u16, &'static str, &'static str),
    /// Takes it after a while.
    After(Duration),
    /// Takes it and drops the line before it is told.
    TakesAndDrops,
}

impl Reply {
    pub(crate) const TAKEN: Self = Self::Says(200, "", "{}");

    fn takes(&self) -> bool {
        matches!(self, Self::Says(200..300, ..) | Self::After(_) | Self::TakesAndDrops)
    }
}

/// What it does, by the message and how often the same has come.
type Behaviour = Box<dyn FnMut(&Seen, usize) -> Reply + Send>;

#[derive(Default)]
struct Book {
    counts: BTreeMap<String, usize>,
    all: Vec<Seen>,
    taken: Vec<Seen>,
}

/// The agency.
pub(crate) struct Agency {
    pub(crate) url: String,
    book: Arc<Mutex<Book>>,
    behaviour: Arc<Mutex<Behaviour>>,
    accepting: JoinHandle<()>,
}

impl Drop for Agency {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Agency {
    pub(crate) async fn new(behaviour: impl FnMut(&Seen, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Mutex::new(Book::default()));
        let behaviour: Arc<Mutex<Behaviour>> = Arc::new(Mutex::new(Box::new(behaviour)));
        let (books, does) = (book.clone(), behaviour.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(served(line, books.clone(), does.clone()));
            }
        });
        Self { url, book, behaviour, accepting }
    }

    /// Behaves otherwise from now on.
    pub(crate) fn does(&self, behaviour: impl FnMut(&Seen, usize) -> Reply + Send + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    /// All that came, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.book.lock().unwrap().all.clone()
    }

    /// What it took, each message as often as it took it.
    pub(crate) fn taken(&self) -> Vec<Seen> {
        self.book.lock().unwrap().taken.clone()
    }

    /// How many different messages it has taken.
    pub(crate) fn count(&self) -> usize {
        let book = self.book.lock().unwrap();
        let ids: std::collections::BTreeSet<&str> = book.taken.iter().map(Seen::id).collect();
        ids.len()
    }

    /// Waits until it has taken so many different messages.
    pub(crate) async fn takes(&self, count: usize, within: Duration) {
        let began = Instant::now();
        while self.count() < count {
            let (has, seen) = (self.count(), self.seen().len());
            assert!(began.elapsed() < within, "{has} of {count} were taken, {seen} came");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn served(mut line: TcpStream, book: Arc<Mutex<Book>>, does: Arc<Mutex<Behaviour>>) {
    let mut bytes = Vec::new();
    while let Some(seen) = request(&mut line, &mut bytes).await {
        let reply = {
            let mut book = book.lock().unwrap();
            let count = book.counts.entry(seen.id().to_owned()).or_default();
            let before = *count;
            *count += 1;
            book.all.push(seen.clone());
            let reply = does.lock().unwrap()(&seen, before);
            if reply.takes() {
                book.taken.push(seen);
            }
            reply
        };
        let (status, headers, text) = match reply {
            Reply::TakesAndDrops => return,
            Reply::After(wait) => {
                tokio::time::sleep(wait).await;
                (200, "", "{}")
            }
            Reply::Says(status, headers, text) => (status, headers, text),
        };
        let length = text.len();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n");
        if line.write_all(format!("{head}{text}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request of a line; none where it ends.
async fn request(line: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Seen> {
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.lines();
            let path = lines.next()?.split(' ').nth(1)?.to_owned();
            let headers: BTreeMap<String, String> = lines
                .filter_map(|one| one.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.get("content-length").and_then(|text| text.parse().ok());
            let whole = end + 4 + length.unwrap_or(0_usize);
            if bytes.len() >= whole {
                let body = String::from_utf8_lossy(&bytes[end + 4..whole]).into_owned();
                bytes.drain(..whole);
                return Some(Seen { path, headers, body, at: Instant::now() });
            }
        }
        match line.read(&mut buffer).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}
