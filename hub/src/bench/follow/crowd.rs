//! Readers of one stream of server-sent events, all on one thread.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::super::{BenchError, stop};

/// How long all may take to be let in, and the last of all to hear of the last event.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether all have, or whether to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Who may be on their way in at once: queues before a listening socket are short.
const ENTERING: usize = 32;
/// What an event has and a sign of life has not.
const DATA: &[u8] = b"\ndata: ";
/// What a frame ends with.
const END: &[u8] = b"\n\n";
/// Room for one read.
const READ_BYTES: usize = 4 * 1024;

/// An event, as all hear of it.
#[derive(Default)]
struct Event {
    count: AtomicU32,
    last: OnceLock<Instant>,
}

struct Shared {
    subscribers: u32,
    open: AtomicU32,
    entering: Semaphore,
    events: Vec<Event>,
    /// One of the frames, as it was read.
    frame: OnceLock<Vec<u8>>,
}

/// Readers that have been let in.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    readers: JoinSet<io::Result<()>>,
}

impl Crowd {
    /// Lets so many in by a request, each to hear so many events.
    ///
    /// # Errors
    /// One is not let in, or not in time.
    pub(super) async fn open(
        address: SocketAddr,
        request: Vec<u8>,
        (subscribers, events): (u32, u32),
    ) -> Result<Self, BenchError> {
        let shared = Arc::new(Shared {
            subscribers,
            open: AtomicU32::new(0),
            entering: Semaphore::new(ENTERING),
            events: (0..events).map(|_| Event::default()).collect(),
            frame: OnceLock::new(),
        });
        let request: Arc<[u8]> = request.into();
        let mut readers = JoinSet::new();
        for _ in 0..subscribers {
            readers.spawn(read(shared.clone(), address, request.clone()));
        }
        let mut crowd = Self { shared, readers };
        crowd.until("let in", |shared| shared.open.load(Ordering::Relaxed) == subscribers).await?;
        Ok(crowd)
    }

    /// Waits for a moment.
    ///
    /// # Errors
    /// One of them has been left, or it is told to end.
    pub(super) async fn rest_until(&mut self, moment: Instant) -> Result<(), BenchError> {
        self.look()?;
        sleep(moment.saturating_duration_since(Instant::now())).await;
        Ok(())
    }

    /// Milliseconds from the sending of each event until the last had heard it; and one as it came.
    ///
    /// # Errors
    /// Somebody does not hear of it in time.
    pub(super) async fn heard(
        &mut self,
        sent: &[Instant],
    ) -> Result<(Vec<f64>, Vec<u8>), BenchError> {
        self.until("heard", |shared| shared.events.iter().all(|event| event.last.get().is_some()))
            .await?;
        let both = self.shared.events.iter().zip(sent);
        let heard = both.filter_map(|(event, sent)| {
            let last = event.last.get()?;
            Some(last.saturating_duration_since(*sent).as_secs_f64() * 1e3)
        });
        Ok((heard.collect(), self.shared.frame.get().cloned().unwrap_or_default()))
    }

    async fn until(
        &mut self,
        what: &str,
        done: impl Fn(&Shared) -> bool,
    ) -> Result<(), BenchError> {
        let began = Instant::now();
        while !done(&self.shared) {
            self.look()?;
            if began.elapsed() > PATIENCE {
                let told = format!("not all have {what} after {} s", PATIENCE.as_secs());
                return Err(BenchError::Unreachable(told));
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// None of them ends well before all is heard.
    fn look(&mut self) -> Result<(), BenchError> {
        stop::check()?;
        while let Some(ended) = self.readers.try_join_next() {
            ended.map_err(|error| io::Error::other(error.to_string()))??;
        }
        Ok(())
    }
}

/// One reader's way.
async fn read(shared: Arc<Shared>, address: SocketAddr, request: Arc<[u8]>) -> io::Result<()> {
    let mut reader = {
        // Never closed.
        let _entering = shared.entering.acquire().await;
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&request).await?;
        let mut reader = Reader { stream, kept: Vec::new() };
        let head = timeout(PATIENCE, reader.until(b"\r\n\r\n")).await??;
        if !head.starts_with(b"HTTP/1.1 200 ") {
            return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
        }
        // The first frame says when to come again.
        timeout(PATIENCE, reader.until(END)).await??;
        reader
    };
    shared.open.fetch_add(1, Ordering::Relaxed);
    for event in &shared.events {
        let frame = loop {
            let frame = reader.until(END).await?;
            if memchr::memmem::find(&frame, DATA).is_some() {
                break frame;
            }
        };
        if event.count.fetch_add(1, Ordering::Relaxed) + 1 == shared.subscribers {
            let _ = event.last.set(Instant::now());
        }
        shared.frame.get_or_init(|| frame);
    }
    Ok(())
}

struct Reader {
    stream: TcpStream,
    kept: Vec<u8>,
}

impl Reader {
    /// All up to a mark, with it.
    async fn until(&mut self, mark: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.kept, mark) {
                let rest = self.kept.split_off(at + mark.len());
                return Ok(std::mem::replace(&mut self.kept, rest));
            }
            self.kept.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.kept).await? == 0 {
                return Err(io::Error::other("a stream has ended"));
            }
        }
    }
}
