//! What stands between a hub's process and the world: `preload.c`, compiled into the test's own
//! folder and loaded into the hub alone. It counts the steps by which effects leave the process,
//! ends it at one of them, and sets its wall clock.

use std::{fs, os::unix::fs::FileExt, path::PathBuf, process::Command, time::Duration};

use crate::{
    harness::{Folder, Hub},
    lienthong::stderr,
};

/// What a step may be, as `preload.c` has it.
pub(crate) const KINDS: [&str; 5] = ["write", "sync", "cut", "name", "send"];

/// The numbers that both sides have, in their order.
#[derive(Debug, Clone, Copy)]
enum Word {
    Armed,
    Count,
    At,
    Moment,
    Ended,
    Kind,
    Offset,
    Kinds,
}

/// How many bytes they have.
const BYTES: usize = 8 * (Word::Kinds as usize + KINDS.len());

/// When the process ends, around a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    /// With half of what it writes written.
    Half,
    After,
}

impl Moment {
    pub(crate) const ALL: [Self; 3] = [Self::Before, Self::Half, Self::After];
}

/// The library in a hub's folder, and the numbers.
#[derive(Debug)]
pub(crate) struct Preload {
    shim: PathBuf,
    numbers: PathBuf,
    file: fs::File,
}

impl Preload {
    pub(crate) fn new(folder: &Folder) -> Self {
        let path = |name: &str| folder.path().join(name);
        let (source, shim) = (path("preload.c"), path("preload.so"));
        fs::write(&source, include_str!("preload.c")).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-o"]).arg(&shim).arg(source);
        let done = compiler.output().expect("these tests need `cc`, as building the hub does");
        assert!(done.status.success(), "{}", stderr(&done));
        let numbers = path("steps");
        fs::write(&numbers, [0; BYTES]).unwrap();
        let file = fs::File::options().read(true).write(true).open(&numbers).unwrap();
        Self { shim, numbers, file }
    }

    /// Starts a hub with it, also where it ends while it starts: then once more.
    pub(crate) async fn start(&self, folder: &Folder) -> Hub {
        let among =
            [("LD_PRELOAD", self.shim.as_path()), ("LIENTHONG_STEPS", self.numbers.as_path())];
        Hub::start_among(folder, &among).await
    }

    fn put(&self, word: Word, value: i64) {
        self.file.write_all_at(&value.to_ne_bytes(), 8 * word as u64).unwrap();
    }

    fn at(&self, index: usize) -> i64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 8 * index as u64).unwrap();
        i64::from_ne_bytes(bytes)
    }

    /// Counts from now on, and ends the process at that step of those counted; at none with 0.
    pub(crate) fn arm(&self, step: u64, moment: Moment) {
        self.put(Word::At, step as i64);
        self.put(Word::Moment, moment as i64);
        self.put(Word::Armed, 1);
    }

    /// Steps until now.
    pub(crate) fn count(&self) -> u64 {
        self.at(Word::Count as usize) as u64
    }

    /// Steps until now, by kind.
    pub(crate) fn kinds(&self) -> String {
        let first = Word::Kinds as usize;
        let told = KINDS.iter().enumerate();
        let told = told.map(|(kind, name)| format!("{name} {}", self.at(first + kind)));
        told.collect::<Vec<_>>().join(", ")
    }

    /// At which kind of step the process was ended, if it was.
    pub(crate) fn ended(&self) -> Option<&'static str> {
        let kind = self.at(Word::Kind as usize) as usize;
        (self.at(Word::Ended as usize) != 0).then(|| KINDS[kind])
    }

    /// Sets the hub's wall clock ahead of this machine's, or, below 0, behind it.
    pub(crate) fn sets_clock(&self, seconds: i64) {
        self.put(Word::Offset, Duration::from_secs(1).as_nanos() as i64 * seconds);
    }
}
