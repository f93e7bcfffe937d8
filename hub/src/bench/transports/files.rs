//! Files, and beside them a loop that does with as many what no drop folder can do without: each is
//! renamed into `claimed/`, opened and read, has a text written and renamed beside its place, and
//! is renamed there itself.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use super::{Batch, Bench, BenchError, WITHIN, clock, stop};

/// What a receipt is about as long as.
const RECEIPT_BYTES: usize = 600;

/// Between two looks at how far the hub is. A look reads the folder that it puts files into, and so
/// holds it up.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Bench {
    /// Files that are there all at once, as after a night.
    pub(super) fn files(&mut self) -> Result<(), BenchError> {
        let batch = self.batch();
        let folder = self.scratch.folder.join("drops/tep");
        write(&folder, &batch, ".xml.part")?;
        self.measure("file", |_| {
            let name = |number: u64, ending: &str| folder.join(format!("{number:08}.xml{ending}"));
            for number in 0..batch.count {
                fs::rename(name(number, ".part"), name(number, ""))?;
            }
            let began = Instant::now();
            while entries(&folder.join("done"))? < 2 * batch.count {
                stop::check()?;
                if began.elapsed() > WITHIN {
                    return Err(BenchError::Refused(format!("not all within {WITHIN:?}")));
                }
                std::thread::sleep(LOOK_EVERY);
            }
            Ok(())
        })
    }

    /// Milliseconds of CPU that the files' own operations take, for each; nothing where the system
    /// does not tell.
    pub(super) fn bare_files(&self) -> Result<Option<f64>, BenchError> {
        let batch = Batch { load: self.load.clone(), first: 0, count: self.messages };
        let folder = self.scratch.folder.join("bare");
        for within in ["claimed", "done"] {
            fs::create_dir_all(folder.join(within))?;
        }
        write(&folder, &batch, ".xml")?;
        let (before, receipt) = (clock::thread_nanos(), [b'x'; RECEIPT_BYTES]);
        let mut payload = Vec::new();
        for number in 0..batch.count {
            stop::check()?;
            take(&folder, number, (&receipt, &mut payload))?;
        }
        let used = clock::thread_nanos().zip(before).map(|(after, before)| after - before);
        Ok(used.map(|nanos| nanos as f64 / 1e6 / batch.count as f64))
    }
}

fn write(folder: &Path, batch: &Batch, ending: &str) -> io::Result<()> {
    for number in 0..batch.count {
        fs::write(folder.join(format!("{number:08}{ending}")), batch.message(number))?;
    }
    Ok(())
}

/// The way of one file.
fn take(folder: &Path, number: u64, (receipt, payload): (&[u8], &mut Vec<u8>)) -> io::Result<()> {
    let name = format!("{number:08}.xml");
    let (claimed, done) = (folder.join("claimed"), folder.join("done"));
    let draft = claimed.join(format!(".{number}"));
    fs::symlink_metadata(folder.join(&name))?;
    fs::rename(folder.join(&name), claimed.join(&name))?;
    payload.clear();
    File::open(claimed.join(&name))?.read_to_end(payload)?;
    File::create(&draft)?.write_all(receipt)?;
    fs::rename(draft, done.join(format!("{name}.receipt.json")))?;
    fs::rename(claimed.join(&name), done.join(&name))
}

fn entries(folder: &Path) -> Result<u64, BenchError> {
    Ok(fs::read_dir(folder).map_or(0, |entries| entries.count() as u64))
}
