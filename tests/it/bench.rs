//! The benchmarks run to their end and tell every figure; how large it is, is no test's business.

mod faults;
mod reads;
mod seeded;

use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    cluster::{self, psql},
    lienthong::{binary, root, run, stderr, stdout},
};

/// How long the benchmark may take to start its hub, and to end when told to.
const PATIENCE: Duration = Duration::from_secs(20);

/// The figures of a table by what they are of; each must be positive, and each ratio too.
#[track_caller]
pub(crate) fn figures(arguments: &[&str]) -> Vec<String> {
    let output = run(&[&["bench"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.starts_with(&format!("# bench {}", arguments[0])), "{told}");
    assert!(told.contains(", seed 11"), "{told}");
    let mut names = Vec::new();
    for line in told.lines().skip(2).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let cells: Vec<&str> =
            line.split("  ").map(str::trim).filter(|one| !one.is_empty()).collect();
        let number = |at: usize| {
            let cell = cells.get(at).unwrap_or_else(|| panic!("too few cells: {line}"));
            cell.parse::<f64>().unwrap_or_else(|_| panic!("`{cell}` is no number: {line}"))
        };
        assert!(matches!(cells.len(), 3 | 5), "{line}");
        assert!(number(1) > 0.0, "{line}");
        if cells.len() == 5 {
            assert!(number(3) > 0.0, "{line}");
        }
        names.push(cells[0].to_owned());
    }
    names
}

#[track_caller]
pub(crate) fn told(names: &[String], expected: &[&str]) {
    for one in expected {
        assert!(names.iter().any(|name| name == one), "no `{one}` in {names:#?}");
    }
}

/// A place for a store, gone at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("lienthong-bench-test-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{ending}", self.path()));
        }
    }
}

#[test]
fn translate_is_told_beside_its_floors() {
    let names = figures(&["translate", "--rounds", "2", "--messages", "256", "--seed", "11"]);
    for line in ["byte scan", "quick-xml events", "naive whole", "mapping alone", "translate"] {
        told(&names, &[&format!("{line}, least"), &format!("{line}, median")]);
    }
}

#[test]
fn ingest_is_told_beside_its_floors_and_leaves_a_store_that_holds() {
    let place = Place::new("ingest");
    let few = ["--connections", "8", "--seconds", "0.8", "--warm", "0.1", "--dossiers", "40"];
    let arguments = [&["ingest", "--seed", "11", "--keep", place.path()], &few[..]].concat();
    let names = figures(&arguments);
    let expected = [
        "fdatasync of 1 KB",
        "SQLite WAL FULL, 1 row of 1 KB",
        "SQLite WAL FULL, 256 rows of 1 KB",
        "bare axum",
        "bare axum, p99",
        "generator CPU, bare axum",
        "ingest",
        "ingest, p50",
        "ingest, p99",
        "ingest, p99.9",
        "ingest, longest",
        "ingest, CPU of the hub",
        "ingest, CPU of the generator",
        "ingest, written to the disk",
        "rows kept in all tables",
        "duplicates",
        "duplicates, p99",
        "duplicates, CPU of the hub",
        "memory of the hub, peak",
        "start of the hub to its first 200",
    ];
    told(&names, &expected);
    let config = place.0.join("hub.toml");
    let output = run(&["verify", "--config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = run(&[&["bench"], &arguments[..]].concat());
    assert_eq!(output.status.code(), Some(1), "a folder with a store is not measured over");
    assert!(stderr(&output).contains("is not empty"), "{}", stderr(&output));
}

#[test]
fn the_share_of_statistics_is_told() {
    let names = figures(&["numbers", "--seed", "11", "--dossiers", "40"]);
    told(
        &names,
        &["ingest, CPU of the hub", "deltas", "deltas and rollups, CPU", "statistics, CPU"],
    );
}

#[test]
fn deliveries_are_told_beside_a_loop_that_only_sends() {
    let names = figures(&["deliver", "--seed", "11", "--deliveries", "400"]);
    told(&names, &["a loop that only sends", "delivered"]);
    let other = cluster::database("bench-deliver");
    let some = ["deliver", "--seed", "11", "--deliveries", "300", "--store", &other];
    told(&figures(&some), &["a loop that only sends", "delivered"]);
}

#[test]
fn transports_are_told_beside_pushes() {
    let names = figures(&["transports", "--seed", "11", "--messages", "60"]);
    for name in ["push, 16 connections", "soap", "file", "poll, a page a message"] {
        told(&names, &[&format!("{name}, CPU of the hub"), &format!("{name}, messages")]);
    }
    told(&names, &["the same operations on files, bare", "file, but for those"]);
    told(&names, &["the same rows read, bare", "rows, but for that"]);
    for name in ["push of rows, one connection", "database, rows"] {
        told(&names, &[&format!("{name}, CPU of the hub"), &format!("{name}, rows")]);
    }
    let other = cluster::database("bench-transports");
    let some = ["transports", "--seed", "11", "--messages", "30", "--database", &other];
    told(&figures(&some), &["database, rows, CPU of the hub"]);
}

#[test]
fn bulk_is_told_beside_one_row_for_each_record() {
    let names = figures(&[
        "bulk",
        "--seed",
        "11",
        "--records",
        "700",
        "--rounds",
        "2",
        "--floor-seconds",
        "0.1",
    ]);
    told(&names, &["SQLite WAL FULL, 256 rows of 1 KB, least"]);
    for kind in ["CSV", "XML"] {
        for figure in ["", ", of one row each", ", rows kept in all tables", ", CPU of the hub"] {
            let of = format!("{kind}{figure}");
            told(&names, &[&of, &format!("{of}, least"), &format!("{of}, most")]);
        }
    }
}

#[test]
fn a_hub_without_work_is_told_with_its_start_and_its_memory() {
    let catalogue = root().join("examples/dong-nai");
    let names = figures(&[
        "idle",
        "--seed",
        "11",
        "--channels",
        "6",
        "--starts",
        "2",
        "--seconds",
        "1",
        "--load-seconds",
        "0.3",
        "--catalogue",
        catalogue.to_str().unwrap(),
    ]);
    let expected = [
        "start to first 200, most",
        "idle, CPU of the hub",
        "idle, threads that fall asleep",
        "idle, memory of the hub",
        "at load, messages",
        "at load, memory of the hub, peak",
    ];
    told(&names, &expected);
}

#[test]
fn rebuild_is_told_and_a_filled_store_is_used_again_but_no_other() {
    let place = Place::new("rebuild.db");
    let arguments = ["rebuild", "--seed", "11", "--dossiers", "30", "--store", place.path()];
    let names = figures(&arguments);
    told(&names, &["filling, POST of 500 dossiers", "every value of every row read"]);
    told(&names, &["verify", "verify --statistics", "rebuild"]);
    let again = figures(&arguments);
    assert_eq!(again, names[1..], "it is filled once");
    let output = run(&["bench", "rebuild", "--seed", "12", "--store", place.path()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("holds something else"), "{}", stderr(&output));
}

/// A role of the server that all tests share, so that what one benchmark leaves there is told from
/// what others are at work with.
struct Role {
    name: String,
    /// Its address, with the database that belongs to nobody.
    address: String,
    superuser: String,
}

impl Role {
    fn new(name: &str) -> Self {
        let name = format!("bench_{}_{name}", std::process::id());
        let other = cluster::database("bench");
        let (server, _) = other.rsplit_once('/').unwrap();
        let secret = server.split([':', '@']).nth(2).unwrap();
        let of = |role: &str| server.replacen("//lienthong:", &format!("//{role}:"), 1);
        let superuser = format!("{}/postgres", of("postgres"));
        psql(&superuser, &format!("CREATE ROLE {name} LOGIN CREATEDB PASSWORD '{secret}'"));
        Self { address: format!("{}/postgres", of(&name)), name, superuser }
    }

    #[track_caller]
    fn leaves_no_database(&self) {
        let sql = format!(
            "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = '{}'",
            self.name
        );
        assert_eq!(psql(&self.superuser, &sql), "", "databases are left");
    }
}

#[test]
fn on_postgresql_ingest_is_told_for_each_number_of_processes_and_leaves_no_database() {
    let role = Role::new("ingest");
    let place = Place::new("address");
    fs::write(&place.0, format!("{}\n", role.address)).unwrap();
    let store = format!("@{}", place.path());
    let few = ["--connections", "8", "--seconds", "0.8", "--warm", "0.1", "--dossiers", "40"];
    let arguments = ["ingest", "--seed", "11", "--store", &store, "--processes", "1,2"];
    let names = figures(&[&arguments[..], &few[..]].concat());
    let floors =
        ["UNNEST, 1 × 1 row of 1 KB", "UNNEST, 32 × 1 row of 1 KB", "UNNEST, 4 × 64 rows of 1 KB"];
    told(&names, &floors);
    told(&names, &["bare axum", "bare axum, p99", "generator CPU, bare axum"]);
    for size in ["ingest, 1 process", "ingest, 2 processes"] {
        let of = |line: &str| format!("{size}, {line}");
        told(&names, &[size, &of("p50"), &of("p99"), &of("p99.9"), &of("memory of each, peak")]);
        told(
            &names,
            &[&of("CPU of the hub"), &of("CPU of PostgreSQL"), &of("CPU of the generator")],
        );
    }
    role.leaves_no_database();
}

#[test]
fn on_postgresql_read_and_rebuild_are_told_beside_the_statements_alone() {
    let role = Role::new("read");
    let store = ["--store", &role.address, "--seed", "11"];
    let few = ["--compare", "20,60", "--connections", "4", "--seconds", "0.4"];
    let names = figures(&[&["read"], &store[..], &few[..]].concat());
    told(&names, &["PostgreSQL, 64 × 1 look-ups", "PostgreSQL, 4 × 16 look-ups"]);
    for question in
        ["dossier", "statistics by agency", "statistics by procedure", "feed page of 100"]
    {
        for size in ["20", "60"] {
            let of = |line: &str| format!("{question}, {size}{line}");
            told(&names, &[&of(""), &of(", p50"), &of(", p99")]);
            told(&names, &[&of(", CPU of the hub"), &of(", CPU of PostgreSQL")]);
        }
    }
    role.leaves_no_database();
    let names = figures(&[&["rebuild"], &store[..], &["--dossiers", "30"]].concat());
    told(&names, &["every value of every row read", "verify", "rebuild"]);
    role.leaves_no_database();
}

#[test]
fn a_store_that_cannot_be_measured_is_refused_in_words() {
    let role = Role::new("refused");
    let refused = |arguments: &[&str], code: i32, words: &str| {
        let output = run(&[&["bench", "ingest"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    };
    psql(&role.superuser, &format!("ALTER ROLE {} NOCREATEDB", role.name));
    let remedy = format!("ALTER ROLE {} CREATEDB", role.name);
    refused(&["--store", &role.address], 1, &remedy);
    refused(&["--processes", "2"], 1, "--store postgres://");
    refused(&["--store", "hub.db"], 1, "--keep");
    refused(&["--store", "@absent.txt"], 1, "--store: absent.txt");
    refused(&["--store", "postgres://nobody@127.0.0.1:1/nothing"], 3, "127.0.0.1:1/nothing");
}

/// The address of a hub of the benchmark's, once there is one that listens; its configuration lies
/// below one folder in a place.
fn listening(place: &Place, config: &str) -> Option<String> {
    let folder = fs::read_dir(&place.0).unwrap().next()?.unwrap().path();
    let config = fs::read_to_string(folder.join(config)).ok()?;
    let address = config.strip_prefix("listen = \"")?.split('"').next()?.to_owned();
    TcpStream::connect(&address).ok().map(|_| address)
}

#[test]
fn told_to_end_it_leaves_no_hub_no_folder_and_no_database() {
    told_to_end("told", &[], "hub.toml");
    let role = Role::new("told");
    let server = ["--store", &role.address, "--processes", "2"];
    told_to_end("told-server", &server, "2/hub.toml");
    role.leaves_no_database();
}

#[track_caller]
fn told_to_end(name: &str, options: &[&str], config: &str) {
    let place = Place::new(name);
    fs::create_dir_all(&place.0).unwrap();
    let mut command = Command::new(binary());
    command.args(["bench", "ingest", "--seconds", "60"]).args(options).env("TMPDIR", &place.0);
    let mut bench = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let address = loop {
        if let Some(address) = listening(&place, config) {
            break address;
        }
        assert!(began.elapsed() < PATIENCE, "no hub listens");
        thread::sleep(Duration::from_millis(20));
    };
    let id = bench.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let began = Instant::now();
    let ended = loop {
        if let Some(ended) = bench.try_wait().unwrap() {
            break ended;
        }
        if began.elapsed() > PATIENCE {
            bench.kill().unwrap();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(ended.code(), Some(1));
    assert!(TcpStream::connect(&address).is_err(), "the hub still listens");
    assert_eq!(fs::read_dir(&place.0).unwrap().count(), 0, "a folder is left");
}
