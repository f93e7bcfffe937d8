//! Where a drop folder lies: below a root, by plain names, past no link.

use std::{fmt, io, path::Path, str::FromStr};

use rustix::{
    fd::OwnedFd,
    fs::{self, AtFlags, FileType, Mode, OFlags},
    io::Errno,
};

use super::folder::{CLAIMED, DONE, KNOWN, REFUSED};

/// How a folder is opened: never through a link.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What the process's own mask leaves of it decides who else may enter.
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);

/// A folder below the root of all drop folders, by plain names: `so-xay-dung/ho-so`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DropPath(Vec<String>);

/// Why a text names no drop folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDropPath {
    /// Nothing is named.
    #[error("it names no folder")]
    Empty,
    /// It begins at the root of the machine.
    #[error("it is absolute, and a drop folder lies below the hub's `drops`")]
    Absolute,
    /// A part of it is `..`, `.` or nothing.
    #[error("`{0}` is no plain name of a folder")]
    NotPlain(String),
    /// A part of it is a name that the hub gives to folders of its own.
    #[error("`{0}` is a folder of the hub's own within a drop folder")]
    Reserved(String),
}

impl FromStr for DropPath {
    type Err = NoDropPath;

    fn from_str(text: &str) -> Result<Self, NoDropPath> {
        if text.is_empty() {
            return Err(NoDropPath::Empty);
        }
        if text.starts_with('/') {
            return Err(NoDropPath::Absolute);
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            // A hidden folder may be anything's own, and a backslash is meant as a separator.
            if part.is_empty() || part.starts_with('.') || part.contains(['\\', '\0']) {
                return Err(NoDropPath::NotPlain(part.to_owned()));
            }
            if [CLAIMED, DONE, REFUSED, KNOWN].contains(&part) {
                return Err(NoDropPath::Reserved(part.to_owned()));
            }
            parts.push(part.to_owned());
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for DropPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.join("/"))
    }
}

impl DropPath {
    /// Whether the two are one folder, or one lies in the other.
    pub fn meets(&self, other: &Self) -> bool {
        let shorter = self.0.len().min(other.0.len());
        self.0[..shorter] == other.0[..shorter]
    }
}

/// Why a drop folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// A part of its path is a symbolic link, which may lead anywhere.
    #[error("`{0}` is a symbolic link, which a drop folder may not lie behind")]
    Link(String),
    /// The system says no.
    #[error("`{place}`: {error}")]
    Io {
        /// What could not be opened.
        place: String,
        /// Why.
        error: io::Error,
    },
}

/// Opens a drop folder, part by part, and makes what is missing below the root.
pub(super) fn open(root: &Path, path: &DropPath) -> Result<OwnedFd, NotOpened> {
    let beginning = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = fs::open(root, beginning, Mode::empty()).map_err(|error| {
        let place = root.display().to_string();
        NotOpened::Io { place, error: error.into() }
    })?;
    for part in &path.0 {
        folder = within(&folder, part)?;
    }
    Ok(folder)
}

/// Opens the folder of that name in a folder, and makes it where it is missing.
pub(super) fn within(folder: &OwnedFd, name: &str) -> Result<OwnedFd, NotOpened> {
    let made = match fs::openat(folder, name, FOLDER, Mode::empty()) {
        Err(Errno::NOENT) => match fs::mkdirat(folder, name, FOLDER_MODE) {
            Ok(()) | Err(Errno::EXIST) => fs::openat(folder, name, FOLDER, Mode::empty()),
            Err(error) => Err(error),
        },
        opened => opened,
    };
    made.map_err(|error| match is_link(folder, name) {
        true => NotOpened::Link(name.to_owned()),
        false => NotOpened::Io { place: name.to_owned(), error: error.into() },
    })
}

fn is_link(folder: &OwnedFd, name: &str) -> bool {
    fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_symlink())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_below_the_root_are_drop_folders() {
        for good in ["ho-so", "so-xay-dung/ho-so", "Sở Xây dựng/Hồ sơ"] {
            assert_eq!(good.parse::<DropPath>().unwrap().to_string(), good);
        }
        for (bad, told) in [
            ("", NoDropPath::Empty),
            ("/etc", NoDropPath::Absolute),
            ("..", NoDropPath::NotPlain("..".to_owned())),
            ("a/../../b", NoDropPath::NotPlain("..".to_owned())),
            ("a//b", NoDropPath::NotPlain(String::new())),
            ("./a", NoDropPath::NotPlain(".".to_owned())),
            ("a/", NoDropPath::NotPlain(String::new())),
            ("a\\..\\b", NoDropPath::NotPlain("a\\..\\b".to_owned())),
            ("a/done", NoDropPath::Reserved("done".to_owned())),
        ] {
            assert_eq!(bad.parse::<DropPath>(), Err(told), "{bad}");
        }
    }

    #[test]
    fn a_folder_meets_itself_and_what_lies_in_it() {
        let meet = |one: &str, other: &str| {
            let (one, other): (DropPath, DropPath) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(one.meets(&other), other.meets(&one));
            one.meets(&other)
        };
        assert!(meet("a/b", "a/b") && meet("a", "a/b"));
        assert!(!meet("a/b", "a/c") && !meet("a", "ab"));
    }
}
