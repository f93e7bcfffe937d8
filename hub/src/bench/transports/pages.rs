//! Pages of an API, and beside them a client that asks for as many and does nothing with them.

use std::{
    hint::black_box,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use axum::{Router, extract::Path as Asked, extract::State, routing::get};
use tokio::{net::TcpListener, runtime::Runtime};

use super::{Batch, Bench, BenchError, clock, stop, until};

/// What its figures are called.
pub(super) const READ: &str = "poll, a page a message";

/// An API whose pages are a dossier each, once it is open.
#[derive(Default)]
struct Api {
    open: AtomicBool,
    /// The page asked for last: what was before it is durable.
    asked: AtomicU64,
    batch: OnceLock<Batch>,
}

/// Where it answers.
pub(super) struct Pages {
    api: Arc<Api>,
    pub(super) port: u16,
}

async fn page(State(api): State<Arc<Api>>, Asked(page): Asked<u64>) -> String {
    let open = api.open.load(Ordering::Acquire);
    if !open {
        return String::new();
    }
    api.asked.fetch_max(page, Ordering::AcqRel);
    api.page(page)
}

/// The same for who is not the hub.
async fn bare(State(api): State<Arc<Api>>, Asked(page): Asked<u64>) -> String {
    api.page(page)
}

impl Api {
    fn page(&self, page: u64) -> String {
        let batch = self.batch.get().filter(|batch| page <= batch.count);
        batch.map(|batch| batch.message(page - 1)).unwrap_or_default()
    }
}

impl Pages {
    /// Answers as long as the runtime is there.
    pub(super) fn serve(runtime: &Runtime) -> Result<Self, BenchError> {
        let api: Arc<Api> = Arc::default();
        let routes = Router::new().route("/{page}", get(page)).route("/bare/{page}", get(bare));
        let routes = routes.with_state(api.clone());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { api, port })
    }

    /// Milliseconds of CPU that asking for them takes, for each, one after the other; nothing where
    /// the system does not tell.
    fn bare(&self) -> Result<Option<f64>, BenchError> {
        let count = self.api.batch.get().map_or(0, |batch| batch.count);
        let asking = || -> Result<Option<u64>, BenchError> {
            // On this thread alone, whose CPU is told.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let failed = |error: reqwest::Error| BenchError::Refused(error.to_string());
            let client = reqwest::Client::builder().no_proxy().build().map_err(failed)?;
            let before = clock::thread_nanos();
            for number in 1..=count {
                stop::check()?;
                let address = format!("http://127.0.0.1:{}/bare/{number}", self.port);
                let body = runtime
                    .block_on(async { client.get(address).send().await?.bytes().await })
                    .map_err(failed)?;
                black_box(body);
            }
            Ok(clock::thread_nanos().zip(before).map(|(after, before)| after - before))
        };
        let used = thread::scope(|scope| scope.spawn(asking).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(used.map(|nanos| nanos as f64 / 1e6 / count.max(1) as f64))
    }
}

impl Bench {
    /// A page is asked for when what the one before brought is durable. Gives what asking takes.
    pub(super) fn pages(&mut self) -> Result<Option<f64>, BenchError> {
        let batch = self.batch();
        let all = batch.count;
        // Nobody else sets it.
        let _ = self.pages.api.batch.set(batch);
        self.measure(READ, |bench| {
            let api = &bench.pages.api;
            api.open.store(true, Ordering::Release);
            until(|| Ok(api.asked.load(Ordering::Acquire) > all))?;
            api.open.store(false, Ordering::Release);
            Ok(())
        })?;
        self.pages.bare()
    }
}
