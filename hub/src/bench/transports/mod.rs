//! `bench transports`: the same dossiers, one a message, by every transport that can carry the same
//! bytes; each beside pushes over HTTP.
//!
//! What is compared is CPU of the hub for a message: who sends, and how many at once, is another
//! for each. A page of an API is read when the one before is durable, so it is compared with
//! pushes from one connection, whose messages share no commit either. Rows of a database come some
//! hundred in a message: they are compared with pushes of the same rows, by the row.

mod files;
mod pages;
mod queue;
mod rows;

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use tokio::runtime::Runtime;

use super::{
    BenchError, DOSSIERS, Table,
    child::{Hub, Keys, Scratch},
    clock,
    load::{self, Load, Script},
    note_others, stop,
    storage::Storage,
    surroundings::Surroundings,
    wire, workload,
    workload::Workload,
};
use pages::Pages;
use rows::Foreign;

/// How many, and which broker.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Messages by each transport, each with a dossier of its own.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u64).range(DOSSIERS))]
    pub(crate) messages: u64,
    /// A broker, amqp://USER:PASSWORD@HOST/…: then messages come by a queue there too.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) amqp: Option<String>,
    /// The server of postgres://ROLE:PASSWORD@… (@FILE holds such an address) whose rows are read,
    /// in a database of their own, dropped at the end. Without, a file of SQLite.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) database: Option<String>,
}

/// Connections, files and messages of a queue under way at the same time.
const AT_ONCE: u32 = 16;
/// Connections of a sender that waits for each answer.
const ONE_BY_ONE: u32 = 1;
/// How long one transport may take.
const WITHIN: Duration = Duration::from_secs(600);
/// A hub that has used less than a tick of CPU for so long has finished what it put off.
const QUIET: Duration = Duration::from_millis(500);

/// What the agency has beside its channels of the load; the holes are filled in.
const CHANNELS: &str = include_str!("../agency/transports.toml");
/// A queue, where there is a broker.
const QUEUE: &str = include_str!("../agency/queue.toml");

/// Messages of one transport, by their numbers from 0 on.
#[derive(Clone)]
struct Batch {
    load: Arc<Workload>,
    first: u64,
    count: u64,
}

impl Batch {
    fn message(&self, number: u64) -> String {
        let (mut text, dossier) = (String::with_capacity(3_072), self.first + number);
        self.load.message(dossier..dossier + 1, 0, &mut text);
        text
    }
}

/// One transport's figures.
struct Figures {
    name: &'static str,
    /// Milliseconds of the hub's CPU for a message.
    cpu: f64,
    rate: f64,
    others: f64,
}

/// A hub, and what is beside it.
struct Bench {
    hub: Hub,
    foreign: Foreign,
    scratch: Scratch,
    load: Arc<Workload>,
    pages: Pages,
    runtime: Runtime,
    messages: u64,
    done: u64,
    taken: Vec<Figures>,
}

impl Bench {
    fn start(seed: u64, options: &Options) -> Result<Self, BenchError> {
        let (scratch, runtime) = (Scratch::new(None)?, Runtime::new()?);
        let storage = Storage::File(scratch.folder.join("hub.db"));
        let keys = Keys::add(&storage)?;
        let pages = Pages::serve(&runtime)?;
        let drops = scratch.folder.join("drops");
        fs::create_dir_all(&drops)?;
        let queue = options.amqp.as_ref().map_or("", |_| QUEUE);
        let foreign =
            Foreign::make(options.database.as_deref(), scratch.folder.join("foreign.db"))?;
        let secret = |text: &str| toml::Value::String(text.to_owned());
        let broker = secret(options.amqp.as_deref().unwrap_or_default());
        let database = secret(&foreign.address());
        super::child::write_secret(
            &scratch.folder.join("secrets.toml"),
            &format!("hang-doi = {broker}\ncsdl = {database}\n"),
        )?;
        let surroundings = Surroundings {
            channels: format!("{}{queue}", CHANNELS.replace("PORT", &pages.port.to_string())),
            mappings: vec![("dong.toml", rows::mapping())],
            lines: "drops = \"drops\"\nsecrets = \"secrets.toml\"\n\
                    private_networks = [\"127.0.0.1\"]\nlog = \"warn\"\n"
                .to_owned(),
            ..Surroundings::default()
        };
        let hub = Hub::start_among(&surroundings, &scratch.folder, &storage, &keys)?;
        let load = Arc::new(Workload::new(seed)?);
        let (messages, done, taken) = (options.messages, 0, Vec::new());
        Ok(Self { hub, foreign, scratch, load, pages, runtime, messages, done, taken })
    }

    fn batch(&mut self) -> Batch {
        let batch = Batch { load: self.load.clone(), first: self.done, count: self.messages };
        self.done += self.messages;
        batch
    }

    /// Has something done, and notes what it cost the hub, until that has nothing left to do.
    fn measure(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&Self) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        self.measure_each((name, self.messages), work)
    }

    /// The same, for so many.
    fn measure_each(
        &mut self,
        (name, messages): (&'static str, u64),
        work: impl FnOnce(&Self) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        let process = self.hub.process();
        let cpu = || clock::usage(process).cpu_seconds;
        let (began, before, machine) = (Instant::now(), cpu(), clock::machine_cpu_seconds());
        let own = clock::usage(std::process::id()).cpu_seconds;
        work(self)?;
        let took = began.elapsed().as_secs_f64();
        let mut last = cpu();
        loop {
            stop::check()?;
            thread::sleep(QUIET);
            let now = cpu();
            if now - last < 0.02 || began.elapsed() > WITHIN {
                last = now;
                break;
            }
            last = now;
        }
        let own = clock::usage(std::process::id()).cpu_seconds - own;
        let others = clock::machine_cpu_seconds() - machine - own - (last - before);
        let others = (others / began.elapsed().as_secs_f64()).max(0.0);
        let messages = messages as f64;
        let cpu = (last - before) * 1e3 / messages;
        self.taken.push(Figures { name, cpu, rate: messages / took, others });
        Ok(())
    }

    /// Messages over HTTP.
    fn sent(
        &self,
        (connections, messages): (u32, u64),
        script: Arc<Script>,
    ) -> Result<(), BenchError> {
        let load = Load {
            addresses: vec![self.hub.address],
            connections,
            warm: Duration::ZERO,
            time: WITHIN,
            first: 0,
            end: Some(messages),
            script,
        };
        let taken = load::run(load, &load::Watched::default(), &mut |_| {})?;
        match taken.refusal {
            None if taken.answers == messages => Ok(()),
            told => Err(BenchError::Refused(told.unwrap_or_else(|| "too little".to_owned()))),
        }
    }

    fn push(&mut self, name: &'static str, connections: u32) -> Result<(), BenchError> {
        let (batch, key) = (self.batch(), self.hub.keys.agency.clone());
        self.measure(name, |bench| {
            let script = move |number: u64, request: &mut Vec<u8>| {
                let (id, text) = (format!("{}", batch.first + number), batch.message(number));
                wire::post(workload::CHANNEL, &key, &id, &text, request);
            };
            bench.sent((connections, bench.messages), Arc::new(script))
        })
    }

    fn soap(&mut self) -> Result<(), BenchError> {
        let (batch, key) = (self.batch(), self.hub.keys.agency.clone());
        self.measure("soap", |bench| {
            let script = move |number, request: &mut Vec<u8>| call(&batch, &key, number, request);
            bench.sent((AT_ONCE, bench.messages), Arc::new(script))
        })
    }
}

/// A call over SOAP 1.1: the id tells whose it is, and the element is what a push would carry.
fn call(batch: &Batch, key: &str, number: u64, request: &mut Vec<u8>) {
    const SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/\
                            oasis-200401-wss-wssecurity-secext-1.0.xsd";
    let mut parts = key.splitn(3, '_').skip(1);
    let (id, secret) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let message = batch.message(number);
    let element = message.split_once("?>").map_or(&*message, |(_, element)| element);
    let text = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
         <w:Security xmlns:w=\"{SECURITY}\"><w:UsernameToken><w:Username>{id}</w:Username>\
         <w:Password>{secret}</w:Password></w:UsernameToken></w:Security></s:Header>\
         <s:Body>{element}</s:Body></s:Envelope>"
    );
    let head = format!(
        "POST /soap/{}.goi HTTP/1.1\r\nHost: hub\r\nContent-Type: text/xml; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n",
        workload::AGENCY,
        text.len()
    );
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(text.as_bytes());
}

/// Waits until something is so.
fn until(mut so: impl FnMut() -> Result<bool, BenchError>) -> Result<(), BenchError> {
    let began = Instant::now();
    while !so()? {
        stop::check()?;
        if began.elapsed() > WITHIN {
            return Err(BenchError::Refused(format!("not all within {WITHIN:?}")));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    const PUSH: &str = "push, 16 connections";
    const ALONE: &str = "push, one connection";
    let mut bench = Bench::start(seed, options)?;
    // The first fills caches and is not counted.
    bench.push("warm", AT_ONCE)?;
    bench.taken.clear();
    bench.push(PUSH, AT_ONCE)?;
    bench.soap()?;
    let bare = bench.bare_files()?;
    bench.files()?;
    let bare = bare.zip(bench.bare_files()?).map(|(before, after)| (before + after) / 2.0);
    if let Some(address) = &options.amqp {
        bench.queue(address)?;
    }
    bench.push(ALONE, ONE_BY_ONE)?;
    let bare_pages = bench.pages()?;
    let bare_rows = bench.rows()?;
    bench.push(PUSH, AT_ONCE)?;
    let mut table = Table::new(format!(
        "bench transports: {} messages of one dossier by each, SQLite, seed {seed}",
        options.messages
    ));
    let of = |name: &str| {
        let all: Vec<f64> =
            bench.taken.iter().filter(|one| one.name == name).map(|one| one.cpu).collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    };
    for one in &bench.taken {
        let cpu = (&*format!("{}, CPU of the hub", one.name), one.cpu * 1e3, "µs");
        let floor = match one.name {
            ALONE | PUSH | rows::PUSHED => None,
            pages::READ => Some(ALONE),
            rows::READ => Some(rows::PUSHED),
            _ => Some(PUSH),
        };
        match floor {
            Some(floor) => table.against(cpu, (floor, of(floor) * 1e3)),
            None => table.line(cpu.0, cpu.1, cpu.2),
        }
        let rows = [rows::PUSHED, rows::READ].contains(&one.name);
        let (what, unit) = if rows { ("rows", "rows/s") } else { ("messages", "msg/s") };
        table.line(format!("{}, {what}", one.name), one.rate, unit);
        let (bare, what, rest, floor) = match one.name {
            "file" => (bare, "the same operations on files, bare", "file, but for those", PUSH),
            pages::READ => {
                (bare_pages, "the same pages fetched, bare", "poll, but for that", ALONE)
            }
            rows::READ => {
                (bare_rows, "the same rows read, bare", "rows, but for that", rows::PUSHED)
            }
            _ => continue,
        };
        if let Some(bare) = bare {
            table.line(what, bare * 1e3, "µs");
            table.against((rest, (one.cpu - bare) * 1e3, "µs"), (floor, of(floor) * 1e3));
        }
    }
    note_others(&mut table, bench.taken.iter().map(|one| one.others).fold(0.0, f64::max));
    Ok(table)
}
