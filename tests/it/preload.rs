//! What stands between a hub's process and the world: `preload.c` and `disk.c`, compiled into the
//! test's own folder and loaded into the hub alone. It counts the steps by which effects leave the
//! process, ends it at one of them, its power being cut where that is wanted, and sets its wall
//! clock.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use crate::{
    harness::{Folder, Hub},
    lienthong::stderr,
};

/// What a step may be, as `preload.c` has it.
pub(crate) const KINDS: [&str; 5] = ["write", "sync", "cut", "name", "send"];

/// The numbers that both sides have, in their order.
#[derive(Debug, Clone, Copy)]
enum Word {
    Armed = 0,
    /// What lies between is how many steps there were of all kinds.
    At = 2,
    Of,
    Moment,
    Ended,
    Kind,
    Offset,
    Passed,
    Caught,
    Loss,
    Seed,
    Contents,
    Names,
    Fault,
    Kinds,
}

/// How many bytes they have.
const BYTES: usize = 8 * (Word::Kinds as usize + KINDS.len());

/// What goes with a process beside itself, as `disk.c` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is killed, and the machine goes on.
    Nothing,
    /// The power is cut: all that was not synced is lost.
    All,
    /// Of what was not synced, any changes are there without those before them.
    Some,
    /// The first few are there, and one is torn.
    Torn,
}

/// When the process ends, around a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    /// With half of what it writes written.
    Half,
    After,
}

/// How a process ends at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) moment: Moment,
    pub(crate) loss: Loss,
}

impl Ending {
    /// It is killed.
    pub(crate) const KILLED: [Self; 3] = [
        Self { moment: Moment::Before, loss: Loss::Nothing },
        Self { moment: Moment::Half, loss: Loss::Nothing },
        Self { moment: Moment::After, loss: Loss::Nothing },
    ];
    /// The power is cut when the step is done: what it says has been heard.
    pub(crate) const POWERLESS: [Self; 3] = [
        Self { moment: Moment::After, loss: Loss::All },
        Self { moment: Moment::After, loss: Loss::Some },
        Self { moment: Moment::After, loss: Loss::Torn },
    ];
}

/// Where a process ends, and how; what an ending leaves to chance hangs on the seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) step: u64,
    /// Whether steps of one kind are counted alone, by its place in [`KINDS`].
    pub(crate) of: Option<usize>,
    pub(crate) ending: Ending,
    pub(crate) seed: u64,
}

impl Place {
    /// Nowhere.
    pub(crate) const NONE: Self = Self { step: 0, of: None, ending: Ending::KILLED[0], seed: 0 };
}

/// The library in a hub's folder, and the numbers.
#[derive(Debug)]
pub(crate) struct Preload {
    shim: PathBuf,
    numbers: PathBuf,
    disk: PathBuf,
    file: fs::File,
}

/// The library, compiled in a folder.
fn compiled(folder: &Path) -> Vec<u8> {
    let (sources, shim) = (folder.join("preload"), folder.join("preload.so"));
    fs::create_dir_all(&sources).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-o"]).arg(&shim);
    fs::write(sources.join("disk.h"), include_str!("disk.h")).unwrap();
    for (name, text) in
        [("preload.c", include_str!("preload.c")), ("disk.c", include_str!("disk.c"))]
    {
        fs::write(sources.join(name), text).unwrap();
        compiler.arg(sources.join(name));
    }
    let done = compiler.output().expect("these tests need `cc`, as building the hub does");
    assert!(done.status.success(), "{}", stderr(&done));
    fs::read(&shim).unwrap()
}

impl Preload {
    pub(crate) fn new(folder: &Folder) -> Self {
        static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
        let path = |name: &str| folder.path().join(name);
        let shim = path("preload.so");
        fs::create_dir_all(path("graves")).unwrap();
        fs::write(&shim, LIBRARY.get_or_init(|| compiled(folder.path()))).unwrap();
        let numbers = path("steps");
        fs::write(&numbers, [0; BYTES]).unwrap();
        let file = fs::File::options().read(true).write(true).open(&numbers).unwrap();
        Self { shim, numbers, disk: folder.path().to_owned(), file }
    }

    /// Starts a hub with it, also where it ends while it starts: then once more.
    pub(crate) async fn start(&self, folder: &Folder) -> Hub {
        let among = [
            ("LD_PRELOAD", self.shim.as_path()),
            ("LIENTHONG_STEPS", self.numbers.as_path()),
            ("LIENTHONG_DISK", self.disk.as_path()),
        ];
        let hub = Hub::start_among(folder, &among).await;
        assert_eq!(self.at(Word::Caught as usize), 1, "calls past the C library are not seen");
        hub
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
    pub(crate) fn arm(&self, Place { step, of, ending, seed }: Place) {
        self.put(Word::At, step as i64);
        self.put(Word::Of, of.map_or(0, |kind| kind as i64 + 1));
        self.put(Word::Moment, ending.moment as i64);
        self.put(Word::Loss, ending.loss as i64);
        self.put(Word::Seed, seed as i64);
        self.put(Word::Armed, 1);
    }

    /// Steps until now, by kind.
    pub(crate) fn steps(&self) -> [u64; KINDS.len()] {
        std::array::from_fn(|kind| self.at(Word::Kinds as usize + kind) as u64)
    }

    /// At which kind of step the process was ended, if it was.
    pub(crate) fn ended(&self) -> Option<&'static str> {
        let kind = self.at(Word::Kind as usize) as usize;
        (self.at(Word::Ended as usize) != 0).then(|| KINDS[kind])
    }

    /// Changes of contents and of names that were not synced when the power was cut.
    pub(crate) fn lost(&self) -> (u64, u64) {
        let fault = self.at(Word::Fault as usize);
        assert_eq!(fault, 0, "the disk of this test did not work (disk.c)");
        (self.at(Word::Contents as usize) as u64, self.at(Word::Names as usize) as u64)
    }

    /// Has so much time pass at once, by the clock that goes on alone.
    pub(crate) fn passes(&self, time: Duration) {
        let until_now = self.at(Word::Passed as usize);
        self.put(Word::Passed, until_now + time.as_nanos() as i64);
    }

    /// Sets the hub's wall clock ahead of this machine's, or, below 0, behind it.
    pub(crate) fn sets_clock(&self, seconds: i64) {
        self.put(Word::Offset, Duration::from_secs(1).as_nanos() as i64 * seconds);
    }
}
