//! `bench read` (P7, P8): look-ups, the public's too, statistics and a page of a feed, beside a
//! bare server that answers the same bytes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use super::{
    BenchError, DOSSIERS, Table, applicants,
    bare::Bare,
    fill::{self, Filled, VERSIONS},
    load::{self, Load, Script, Taken, Watched},
    note_others, note_unseen, seconds, seed,
    statements::Lookups,
    storage::Place,
    surroundings::Surroundings,
    wire,
    workload::{AGENCY, Random, Workload, YEAR},
};

/// Pages of the feed among which readers choose.
const PAGES: usize = 20;
/// Positions among which readers choose who ask for numbers as of one.
const POSITIONS: usize = 64;
/// The question of one dossier.
const LOOK_UP: &str = "dossier";
/// Parts into which the time of a question is split, so that sizes are measured in turn.
const PARTS: u32 = 2;

/// How much, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Dossiers in the store.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(DOSSIERS))]
    pub(crate) dossiers: u64,
    /// Connections, each with one question under way.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=900))]
    pub(crate) connections: u32,
    /// Seconds for each question and size.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Fill this file and leave it, or use it where it was filled so before; with --compare, one
    /// file for each size, which is added to the name. Or the server of postgres://ROLE:PASSWORD@…
    /// (@FILE holds such an address): in databases of its own, dropped at the end.
    #[arg(long, value_name = "FILE|ADDRESS")]
    pub(crate) store: Option<String>,
    /// Measure these sizes in turn instead, and their ratio to the first: 10000,1000000.
    #[arg(long, value_name = "SIZES", value_delimiter = ',', conflicts_with = "dossiers")]
    pub(crate) compare: Vec<u64>,
    /// A catalogue's folder with forms of reports: they are asked for too.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) catalogue: Option<PathBuf>,
}

/// A question, and the requests that ask it of one store.
struct Question {
    name: &'static str,
    script: Arc<Script>,
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let load = Arc::new(Workload::new(seed)?);
    let compare = options.compare.len() > 1;
    let sizes = if compare { options.compare.clone() } else { vec![options.dossiers] };
    if sizes.contains(&0) {
        return Err(BenchError::Input("a store of no dossiers answers nothing".to_owned()));
    }
    let place = Place::told(options.store.as_deref())?;
    let catalogue = options.catalogue.clone();
    let surroundings = Surroundings { catalogue, ..Surroundings::default() };
    let mut stores = Vec::new();
    for size in &sizes {
        let filled = match compare {
            true => fill::fill(&load, *size, &place.of_size(*size), &surroundings)?,
            false => fill::fill(&load, *size, &place, &surroundings)?,
        };
        let mut asked = questions(&load, &filled)?;
        if options.catalogue.is_some() {
            asked.extend(reports(seed, &filled));
        }
        stores.push((asked, filled));
    }
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    let mut table = Table::new(format!(
        "bench read: {} dossiers of {VERSIONS} versions, {}, {} connections, \
         {:.1} s a question, seed {seed}",
        sizes.join(" and "),
        place.kind(),
        options.connections,
        options.seconds
    ));
    for (_, filled) in &stores {
        if filled.seconds > 0.0 {
            let name = format!("filling with {} dossiers, POST of 500", filled.dossiers);
            table.line(name, filled.records as f64 / filled.seconds, "records/s");
        }
    }
    let mut others: f64 = 0.0;
    for name in stores.first().into_iter().flat_map(|(asked, _)| asked).map(|one| one.name) {
        let asked: Vec<(&Question, &Filled)> = stores
            .iter()
            .filter_map(|(asked, filled)| {
                Some((asked.iter().find(|one| one.name == name)?, filled))
            })
            .collect();
        others = others.max(question(&mut table, options, &asked)?);
    }
    if stores.iter().any(|(_, filled)| filled.seeded) {
        seed::note_seeded(&mut table);
    }
    let unseen = |(_, filled): &(_, Filled)| {
        filled.storage.database().is_some() && filled.storage.server_process().is_none()
    };
    if stores.iter().any(unseen) {
        note_unseen(&mut table);
    }
    note_others(&mut table, others);
    Ok(table)
}

/// The questions with the addresses of one store.
fn questions(load: &Workload, filled: &Filled) -> Result<Vec<Question>, BenchError> {
    let (seed, dossiers) = (load.seed, filled.dossiers);
    let key = filled.hub.keys.portal.clone();
    // Those that have their texts.
    let every = if filled.seeded { seed::KEPT_EVERY } else { 1 };
    let code = move |number: u64| {
        let at = Random::new(seed, number).below(dossiers.div_ceil(every)) * every;
        format!("/v1/dossiers/{}", Workload::code(at))
    };
    let script: Arc<Script> = {
        let key = key.clone();
        Arc::new(move |number, out| wire::get(&code(number), &key, out))
    };
    let public = applicants::script(load, (dossiers, every), key.clone());
    let mut questions = vec![
        Question { name: LOOK_UP, script },
        Question { name: "look-up by its applicant", script: public },
    ];
    for (name, by) in [("statistics by agency", "agency"), ("statistics by procedure", "procedure")]
    {
        let path = format!("/v1/statistics?from={YEAR}-01-01&to={YEAR}-12-31&by={by}");
        questions.push(Question { name, script: choose(vec![path], seed, &key) });
    }
    questions.extend(numbers(seed, filled)?);
    if filled.seeded {
        return Ok(questions);
    }
    let pages = pages(filled)?;
    questions.push(Question { name: "feed page of 100", script: choose(pages, seed, &key) });
    Ok(questions)
}

/// Statistics of every grouping that sums are kept for, of a year, by day, and filtered; as of any
/// position; and by the hub's own due dates.
fn numbers(seed: u64, filled: &Filled) -> Result<Vec<Question>, BenchError> {
    let key = &filled.hub.keys.portal;
    let year = format!("/v1/statistics?from={YEAR}-01-01&to={YEAR}-12-31");
    let month = format!("/v1/statistics?from={YEAR}-06-01&to={YEAR}-06-30");
    let within = ["", "procedure", "field", "commune"];
    let mut listed = Vec::new();
    for inner in within {
        listed.push(format!("{year}&by={inner}"));
        listed.push(format!("{month}&by={inner},day").replace("by=,", "by="));
        listed.push(format!("{year}&by=agency,{inner}").trim_end_matches(',').to_owned());
        listed.push(format!("{month}&by={inner}&agency={AGENCY}"));
    }
    let (status, _, body) = filled.hub.get("/v1/feeds")?;
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(size) = told["size"].as_u64().filter(|_| status == 200) else {
        return Err(BenchError::Refused(format!("{status} {}", String::from_utf8_lossy(&body))));
    };
    let mut random = Random::new(seed, size);
    let old = (0..POSITIONS).map(|at| {
        let by = if at % 2 == 0 { "" } else { "agency" };
        format!("{year}&by={by}&as_of={}", random.below(size.max(1)))
    });
    let mut asked = vec![
        ("statistics, every listed grouping", listed),
        ("statistics as of any position", old.collect()),
    ];
    if !filled.seeded {
        let own = format!("{year}&by=agency&promise=hub");
        asked.push(("statistics by the hub's due dates", vec![own]));
    }
    let question = |(name, paths): (&'static str, Vec<String>)| Question {
        name,
        script: choose(paths, seed, key),
    };
    Ok(asked.into_iter().map(question).collect())
}

/// Forms of the catalogue that the hub has, of the year of the dossiers.
fn reports(seed: u64, filled: &Filled) -> Vec<Question> {
    let key = &filled.hub.keys.portal;
    let forms = [
        ("report by field", "II.06a", "json"),
        ("report by agency", "II.06c", "json"),
        ("report by field, xlsx", "II.06a", "xlsx"),
    ];
    let question = |(name, form, format)| {
        let path = format!("/v1/reports/{form}?period={YEAR}&calendar=plan&format={format}");
        Question { name, script: choose(vec![path], seed, key) }
    };
    forms.into_iter().map(question).collect()
}

/// Requests for one of some paths, by number.
fn choose(paths: Vec<String>, seed: u64, key: &Arc<str>) -> Arc<Script> {
    let key = key.clone();
    Arc::new(move |number, out| {
        let at = Random::new(seed, number).below(paths.len() as u64) as usize;
        wire::get(paths.get(at).map_or("/", String::as_str), &key, out);
    })
}

/// The first full pages of the feed of records, as a reader that follows finds them.
fn pages(filled: &Filled) -> Result<Vec<String>, BenchError> {
    let mut path = "/v1/feeds/records?limit=100".to_owned();
    let mut pages = Vec::new();
    let full = (filled.dossiers * VERSIONS / 100).max(1) as usize;
    for _ in 0..full.min(PAGES) {
        let (status, head, body) = filled.hub.get(&path)?;
        if status != 200 {
            let told = String::from_utf8_lossy(&body).into_owned();
            return Err(BenchError::Refused(format!("{status} {told}")));
        }
        pages.push(path.clone());
        let link = head.lines().find_map(|line| line.strip_prefix("link: <"));
        let next = link.and_then(|link| link.split_once('>')).map(|(next, _)| next.to_owned());
        let Some(next) = next.filter(|next| *next != path) else { break };
        path = next;
    }
    Ok(pages)
}

/// What was measured of one question.
struct Measured {
    name: &'static str,
    /// Bytes of the answer.
    bytes: usize,
    bare: Taken,
    /// In the first store, where the question is one that the statements answer and PostgreSQL
    /// keeps the store.
    lookups: Option<Lookups>,
    /// Of each store: its dossiers, whether PostgreSQL is seen at work, and the answers.
    stores: Vec<(u64, bool, Taken)>,
}

/// Measures one question at every size in turn; gives how busy the machine was otherwise.
fn question(
    table: &mut Table,
    options: &Options,
    asked: &[(&Question, &Filled)],
) -> Result<f64, BenchError> {
    let Some((question, filled)) = asked.first() else { return Ok(0.0) };
    let mut request = Vec::new();
    (question.script)(0, &mut request);
    let (status, _, body) = filled.hub.ask(&request)?;
    if status != 200 {
        let told = String::from_utf8_lossy(&body).into_owned();
        return Err(BenchError::Refused(format!("{}: {status} {told}", question.name)));
    }
    let (name, bytes, bare) = (question.name, body.len(), Taken::default());
    let database = filled.storage.database().filter(|_| name == LOOK_UP);
    let lookups = database.map(|_| Lookups::default());
    let store = |(_, filled): &(_, &Filled)| {
        (filled.dossiers, filled.storage.server_process().is_some(), Taken::default())
    };
    let stores = asked.iter().map(store).collect();
    let mut measured = Measured { name, bytes, bare, lookups, stores };
    let server = Bare::start(body)?;
    let time = seconds(options.seconds);
    let ask = |address, time: Duration, question: &Question, first| Load {
        addresses: vec![address],
        connections: options.connections,
        warm: (time / 5).min(Duration::from_millis(500)),
        time,
        first,
        end: None,
        script: question.script.clone(),
    };
    for _ in 0..PARTS {
        let load = ask(server.address, time / (2 * PARTS), question, 0);
        measured.bare.add(load::run(load, &Watched::default(), &mut |_| {})?);
        if let Some((lookups, database)) = measured.lookups.as_mut().zip(database) {
            lookups.measure(database, time / (2 * PARTS))?;
        }
        for ((question, filled), (_, _, taken)) in asked.iter().zip(&mut measured.stores) {
            let load = ask(filled.hub.address, time / PARTS, question, taken.next);
            match load::run(load, &filled.hub.watched(&filled.storage), &mut |_| {}) {
                Ok(more) => taken.add(more),
                // The other questions can be measured all the same.
                Err(BenchError::Refused(told)) => taken.refusal = Some(told),
                Err(error) => return Err(error),
            }
        }
    }
    drop(server);
    tell(table, &measured);
    Ok(measured.stores.iter().map(|(_, _, taken)| taken.others).fold(0.0, f64::max))
}

/// The figures of one question.
fn tell(table: &mut Table, measured: &Measured) {
    let Measured { name, bytes, bare, lookups, stores } = measured;
    table.line(format!("bare axum, {bytes} bytes"), bare.rate(), "req/s");
    table.line(format!("bare axum, {bytes} bytes, p99"), bare.quantile(0.99), "ms");
    let mut floors = vec![("bare axum", bare.rate())];
    if let Some(Lookups { single, pipelined }) = lookups {
        floors.push(("PostgreSQL, 64 × 1 look-ups", single.each_second()));
        floors.push(("PostgreSQL, 4 × 16 look-ups", pipelined.each_second()));
    }
    for (floor, rate) in floors.iter().skip(1) {
        table.line(*floor, *rate, "/s");
    }
    let mut first: Option<(String, f64, f64, f64)> = None;
    for (dossiers, server_seen, taken) in stores {
        let name =
            if stores.len() > 1 { format!("{name}, {dossiers}") } else { (*name).to_owned() };
        let (p50, p99) = (taken.quantile(0.5), taken.quantile(0.99));
        let p99_name = format!("{name}, p99");
        for floor in &floors {
            table.against((&name, taken.rate(), "req/s"), *floor);
        }
        match &first {
            None => {
                table.line(format!("{name}, p50"), p50, "ms");
                table.against((&p99_name, p99, "ms"), ("bare axum, p99", bare.quantile(0.99)));
            }
            Some((of, rate, first_p50, first_p99)) => {
                table.against((&name, taken.rate(), "req/s"), (of, *rate));
                let (of_p50, of_p99) = (format!("{of}, p50"), format!("{of}, p99"));
                table.against((&format!("{name}, p50"), p50, "ms"), (&of_p50, *first_p50));
                table.against((&p99_name, p99, "ms"), (&of_p99, *first_p99));
            }
        }
        let cpu = taken.each(taken.hub.cpu_seconds * 1e6);
        table.line(format!("{name}, CPU of the hub"), cpu, "µs/req");
        if *server_seen {
            let cpu = taken.each(taken.server_cpu_seconds * 1e6);
            // Less than the tick in which the system counts: most answers are given without it.
            if cpu > 0.0 {
                table.line(format!("{name}, CPU of PostgreSQL"), cpu, "µs/req");
            }
        }
        if let Some(refusal) = &taken.refusal {
            table.note(format!("{name}: {} answers other than 200: {refusal}", taken.refused));
        }
        first.get_or_insert((name, taken.rate(), p50, p99));
    }
}
