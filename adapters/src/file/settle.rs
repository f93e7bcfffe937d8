//! Which files are whole, and in what order they are taken. Pure.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
    ffi::OsString,
    os::unix::ffi::OsStrExt,
    time::{Duration, Instant},
};

/// How a sender shows that a file is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ready {
    /// Not at all: two looks in a row find it unchanged.
    #[default]
    Stable,
    /// By a file beside it, with the same name and one of [`MARKERS`] behind it.
    Marker,
    /// By its name: it is written under one of [`UNFINISHED`] and renamed.
    Rename,
}

/// Endings of markers: `HOSO.csv` is whole once `HOSO.csv.ok` is there.
pub const MARKERS: [&str; 2] = [".ok", ".done"];

/// Endings of names under which programs write what is not whole yet.
pub const UNFINISHED: [&str; 8] =
    [".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".swp"];

/// Endings of what the hub itself writes beside a file.
pub(crate) const RECEIPT: &str = ".receipt.json";
pub(crate) const REFUSALS: &str = ".refused.json";

/// Files that Windows puts into folders by itself.
const SYSTEM: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// Whether a file of this name is never taken: hidden, unfinished, a lock of an office program, a
/// file of the system's, or an answer of the hub's that came back with the file it answered.
pub(crate) fn left_alone(name: &[u8], ready: Ready) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending.as_bytes()));
    lower.starts_with(b".")
        || lower.starts_with(b"~$")
        || ends(&UNFINISHED)
        || ends(&[RECEIPT, REFUSALS])
        || SYSTEM.iter().any(|name| lower == name.as_bytes())
        || (ready == Ready::Marker && ends(&MARKERS))
}

/// What a look at a file finds; two that are equal mean that nobody has touched it in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) file: u64,
    pub(crate) bytes: u64,
    /// When its content was last changed, by its writer's word: seconds and nanoseconds.
    pub(crate) written: (i64, i64),
    /// When anything of it was last changed, by the system's word. A copy that is given its
    /// original's times, or its full size before its content, still shows here that it goes on.
    pub(crate) touched: (i64, i64),
}

impl Stamp {
    /// The same file with the same content, whatever else was done to it: renaming touches a file.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        (self.file, self.bytes, self.written) == (other.file, other.bytes, other.written)
    }
}

/// Where a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Whereabouts {
    /// Claimed earlier, and not put away yet.
    Claimed,
    /// In the drop folder.
    Dropped,
}

/// A file that was found and may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) place: Whereabouts,
    pub(crate) name: OsString,
    pub(crate) stamp: Stamp,
    /// Whether it is a file at all: not a link, a pipe or a device.
    pub(crate) plain: bool,
    /// Whether it is whole by its sender's word.
    pub(crate) whole: bool,
}

impl Candidate {
    fn order(&self) -> (Whereabouts, (i64, i64), &[u8]) {
        (self.place, self.stamp.written, self.name.as_bytes())
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// The oldest files of a folder, claimed ones first, however many there are.
#[derive(Debug)]
pub(crate) struct Window {
    oldest: BinaryHeap<Candidate>,
    files_max: usize,
    /// Files found, also those that did not fit.
    pub(crate) found: u64,
    /// When the oldest of them was written.
    pub(crate) oldest_written: Option<(i64, i64)>,
    /// Folders found, and claims that are none: nobody will take them.
    pub(crate) strange: u64,
}

impl Window {
    pub(crate) fn new(files_max: usize) -> Self {
        let oldest = BinaryHeap::new();
        Self { oldest, files_max, found: 0, oldest_written: None, strange: 0 }
    }

    pub(crate) fn offer(&mut self, candidate: Candidate) {
        self.found += 1;
        let written = candidate.stamp.written;
        self.oldest_written = Some(self.oldest_written.map_or(written, |one| one.min(written)));
        if self.oldest.len() < self.files_max {
            self.oldest.push(candidate);
        } else if self.oldest.peek().is_some_and(|youngest| candidate < *youngest) {
            self.oldest.pop();
            self.oldest.push(candidate);
        }
    }

    /// Its files, oldest first.
    pub(crate) fn into_files(self) -> Vec<Candidate> {
        self.oldest.into_sorted_vec()
    }
}

/// What was seen of files at earlier looks.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    seen: HashMap<(Whereabouts, OsString), (Stamp, Instant)>,
}

impl Looks {
    /// Takes note of a look; gives the files that are whole. Files no longer offered are forgotten.
    pub(crate) fn whole(
        &mut self,
        files: Vec<Candidate>,
        now: Instant,
        unchanged_for: Duration,
    ) -> Vec<Candidate> {
        let mut before = std::mem::take(&mut self.seen);
        let mut whole = Vec::new();
        for file in files {
            let key = (file.place, file.name.clone());
            let dropped = (Whereabouts::Dropped, file.name.clone());
            let since = match (before.remove(&key), before.get(&dropped)) {
                (Some((stamp, since)), _) if stamp == file.stamp => since,
                // Claimed and put off since then: it has been whole and still is.
                (None, Some((stamp, since)))
                    if file.place == Whereabouts::Claimed && stamp.same_content(&file.stamp) =>
                {
                    *since
                }
                _ => now,
            };
            self.seen.insert(key, (file.stamp, since));
            if file.whole || now.duration_since(since) >= unchanged_for {
                whole.push(file);
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, written: i64, bytes: u64) -> Candidate {
        let written = (written, 0);
        let stamp = Stamp { file: 1, bytes, written, touched: written };
        let place = Whereabouts::Dropped;
        Candidate { place, name: name.into(), stamp, plain: true, whole: false }
    }

    fn names(files: &[Candidate]) -> Vec<&str> {
        files.iter().map(|file| file.name.to_str().unwrap()).collect()
    }

    #[test]
    fn what_is_not_whole_or_not_a_message_is_left_alone() {
        for name in [
            ".htaccess",
            "~$HOSO.xlsx",
            "HOSO.csv.PART",
            "a.tmp",
            "a.filepart",
            "Thumbs.db",
            "HOSO.csv.refused.json",
            "HOSO.csv.receipt.json",
            "a.Crdownload",
        ] {
            assert!(left_alone(name.as_bytes(), Ready::Stable), "{name}");
        }
        for name in ["HOSO.csv", "part", "tmp.csv", "hồ sơ.json", "-rf", "a.ok"] {
            assert!(!left_alone(name.as_bytes(), Ready::Rename), "{name}");
        }
        assert!(left_alone(b"a.ok", Ready::Marker) && left_alone(b"a.csv.done", Ready::Marker));
    }

    #[test]
    fn the_window_keeps_the_oldest_and_counts_all() {
        let mut window = Window::new(3);
        for written in [5, 3, 9, 1, 7, 4, 8] {
            window.offer(file(&format!("f{written}"), written, 1));
        }
        let mut claimed = file("claimed", 10, 1);
        claimed.place = Whereabouts::Claimed;
        window.offer(claimed);
        assert_eq!((window.found, window.oldest_written), (8, Some((1, 0))));
        assert_eq!(names(&window.into_files()), ["claimed", "f1", "f3"]);
    }

    #[test]
    fn a_file_is_whole_once_it_was_unchanged_for_long_enough() {
        let (mut looks, began) = (Looks::default(), Instant::now());
        let pause = Duration::from_secs(10);
        let at = |seconds| began + Duration::from_secs(seconds);
        assert!(looks.whole(vec![file("a", 1, 5)], at(0), pause).is_empty());
        assert!(looks.whole(vec![file("a", 1, 5)], at(9), pause).is_empty());
        // It grew: the time begins anew.
        assert!(looks.whole(vec![file("a", 1, 6)], at(10), pause).is_empty());
        assert!(looks.whole(vec![file("a", 1, 6)], at(19), pause).is_empty());
        // Touched alone, size and time being those that its writer gave it beforehand.
        let mut touched = file("a", 1, 6);
        touched.stamp.touched = (2, 0);
        assert!(looks.whole(vec![touched.clone()], at(20), pause).is_empty());
        assert_eq!(names(&looks.whole(vec![touched], at(30), pause)), ["a"]);
        // Gone at one look: what comes then is new.
        assert!(looks.whole(vec![], at(40), pause).is_empty());
        assert!(looks.whole(vec![file("a", 1, 6)], at(50), pause).is_empty());
        assert_eq!(looks.seen.len(), 1);
    }

    #[test]
    fn its_senders_word_needs_one_look() {
        let mut told = file("a", 1, 5);
        told.whole = true;
        let mut looks = Looks::default();
        let pause = Duration::from_secs(10);
        assert_eq!(looks.whole(vec![told], Instant::now(), pause).len(), 1);
    }
}
