//! `bench export`: a whole feed as one file in every format, beside the same read page by page.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use reqwest::{Client, header::LINK};

use super::{
    BenchError, DOSSIERS, Table,
    child::{self, Hub, Keys, Scratch},
    clock,
    fill::{self, Filled, VERSIONS},
    stop,
    storage::{Place, Storage},
    surroundings::Surroundings,
    workload::Workload,
};
use crate::feeds::export::Format;

/// Longer than any export takes; then what is wrong must be seen.
const READING_MAX: Duration = Duration::from_secs(3_600);

/// How much.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Dossiers in the store; the feed of records has three records of each.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(DOSSIERS))]
    pub(crate) dossiers: u64,
    /// Fill this file and leave it, or use it where it was filled so before. Or the server of
    /// postgres://ROLE:PASSWORD@… (@FILE holds such an address): in a database of its own.
    #[arg(long, value_name = "FILE|ADDRESS")]
    pub(crate) store: Option<String>,
}

/// What was read, and what that took.
struct Read {
    bytes: f64,
    lines: f64,
    seconds: f64,
    cpu_seconds: f64,
    /// The most memory that the hub had until then, in megabytes.
    memory_peak: f64,
}

fn unreachable(error: reqwest::Error) -> BenchError {
    BenchError::Unreachable(error.to_string())
}

/// A reader of one hub.
struct Reader<'a> {
    client: Client,
    hub: &'a Hub,
}

impl Reader<'_> {
    /// Reads an address to its end; gives bytes, line breaks, and the address that follows.
    async fn all(&self, path: &str) -> Result<(f64, f64, Option<String>), BenchError> {
        let url = format!("http://{}{path}", self.hub.address);
        let request = self.client.get(url).bearer_auth(&self.hub.keys.portal);
        let mut answer = request.send().await.map_err(unreachable)?;
        if answer.status() != 200 {
            let status = answer.status().as_u16();
            let told = answer.text().await.unwrap_or_default();
            return Err(BenchError::Refused(format!("{path}: {status} {told}")));
        }
        let link = answer.headers().get(LINK).and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| link.strip_prefix('<')?.split_once('>'));
        let next = next.map(|(next, _)| next.to_owned());
        let (mut bytes, mut lines) = (0, 0);
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            stop::check()?;
            bytes += chunk.len();
            lines += memchr::memchr_iter(b'\n', &chunk).count();
        }
        Ok((bytes as f64, lines as f64, next))
    }

    /// An export.
    async fn export(&self, format: Format) -> Result<(f64, f64), BenchError> {
        let path = format!("/v1/exports/records.{}", format.name());
        self.all(&path).await.map(|(bytes, lines, _)| (bytes, lines))
    }

    /// The feed, page by page.
    async fn pages(&self) -> Result<(f64, f64), BenchError> {
        let (mut path, mut bytes) = ("/v1/feeds/records?limit=1000".to_owned(), 0.0);
        loop {
            let (more, _, next) = self.all(&path).await?;
            bytes += more;
            match next.filter(|next| *next != path) {
                Some(next) => path = next,
                None => return Ok((bytes, 0.0)),
            }
        }
    }
}

/// What is read, of a hub that has just begun: its memory tells of nothing else.
fn read(
    (scratch, storage): (&Scratch, &Storage),
    keys: &Keys,
    format: Option<Format>,
) -> Result<Read, BenchError> {
    let hub = Hub::start(&scratch.folder, storage, keys)?;
    let client = Client::builder().no_proxy().timeout(READING_MAX).build().map_err(unreachable)?;
    let reader = Reader { client, hub: &hub };
    let (began, before) = (Instant::now(), clock::usage(hub.process()).cpu_seconds);
    let (bytes, lines) = child::wait(async {
        match format {
            Some(format) => reader.export(format).await,
            None => reader.pages().await,
        }
    })??;
    let seconds = began.elapsed().as_secs_f64().max(1e-9);
    let cpu_seconds = clock::usage(hub.process()).cpu_seconds - before;
    let memory_peak = clock::memory_peak(hub.process());
    Ok(Read { bytes, lines, seconds, cpu_seconds, memory_peak })
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let load = Arc::new(Workload::new(seed)?);
    let place = Place::told(options.store.as_deref())?;
    let Filled { hub, storage, scratch, seeded, .. } =
        fill::fill(&load, options.dossiers, &place, &Surroundings::default())?;
    if seeded {
        let told = "--store was seeded: most of its dossiers have no records to export";
        return Err(BenchError::Input(told.to_owned()));
    }
    let (keys, of) = (hub.keys.clone(), (&scratch, &storage));
    drop(hub);
    let pages = read(of, &keys, None)?;
    let mut table = Table::new(format!(
        "bench export: {} dossiers of {VERSIONS} versions, {}, one reader, seed {seed}",
        options.dossiers,
        place.kind()
    ));
    let mut rows = 0.0;
    let mut floor = 0.0;
    for format in Format::ALL {
        let taken = read(of, &keys, Some(format))?;
        if format == Format::Ndjson {
            rows = taken.lines;
            floor = rows / pages.seconds;
            table.line("rows", rows, "rows");
            table.line("pages of 1000", floor, "rows/s");
            table.line("pages of 1000, memory of the hub, peak", pages.memory_peak, "MB");
        }
        let name = format.name();
        table.against((name, rows / taken.seconds, "rows/s"), ("pages of 1000", floor));
        table.line(format!("{name}, CPU of the hub"), taken.cpu_seconds * 1e6 / rows, "us/row");
        table.line(format!("{name}, size"), taken.bytes / rows, "bytes/row");
        table.line(format!("{name}, memory of the hub, peak"), taken.memory_peak, "MB");
    }
    Ok(table)
}
