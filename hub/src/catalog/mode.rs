//! Modes of channels: they may change while a hub runs, and `agency.toml` is where they do.

use std::{
    collections::BTreeMap,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use serde::Deserialize;
use toml::Spanned;

use super::{Agency, Catalog, Channel};
use crate::journal::entry::Mode;

/// The mode in which a channel is now.
#[derive(Debug)]
pub struct CurrentMode(Mutex<Mode>);

impl CurrentMode {
    /// The mode that is told.
    pub fn new(mode: Mode) -> Self {
        Self(Mutex::new(mode))
    }

    fn get(&self) -> Mode {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it; gives what it was where that is another.
    fn set(&self, mode: Mode) -> Option<Mode> {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was = std::mem::replace(&mut *now, mode);
        (was != mode).then_some(was)
    }
}

impl Channel {
    /// Whether what it sends counts, as of now.
    pub fn mode(&self) -> Mode {
        self.mode.get()
    }
}

/// A channel that was promoted, or put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange {
    /// The channel.
    pub channel: String,
    /// Its mode before.
    pub from: Mode,
    /// Its mode now.
    pub to: Mode,
}

/// What was last seen of each `agency.toml`: when it was written, and how long it is.
#[derive(Debug, Default)]
pub struct SeenFiles(BTreeMap<PathBuf, (SystemTime, u64)>);

/// The file in which an agency's channels are declared.
fn declared(folder: &Path) -> PathBuf {
    folder.join("agency.toml")
}

impl Catalog {
    /// Reads the modes again of agencies whose `agency.toml` has changed since it was seen, and
    /// puts them in force. All else that has changed there waits until the hub is told to reload.
    ///
    /// # Errors
    /// Beside what has changed, a sentence for each file that cannot be read: its modes stay.
    pub fn reread_modes(&self, seen: &mut SeenFiles) -> (Vec<ModeChange>, Vec<String>) {
        let (mut changes, mut faults) = (Vec::new(), Vec::new());
        for agency in &self.agencies {
            let own = format!("{}.", agency.id);
            let channels = self.channels.range(own.clone()..);
            let mut channels = channels.take_while(|(id, _)| id.starts_with(&own)).peekable();
            let Some((_, first)) = channels.peek() else { continue };
            let file = declared(&first.folder);
            let now = fs::metadata(&file).and_then(|told| Ok((told.modified()?, told.len())));
            let read = match now {
                Ok(now) if seen.0.get(&file) == Some(&now) => continue,
                Ok(now) => {
                    seen.0.insert(file.clone(), now);
                    fs::read_to_string(&file)
                }
                Err(error) => {
                    seen.0.remove(&file);
                    Err(error)
                }
            };
            let told = read.map_err(|error| error.to_string());
            let told = told.and_then(|text| {
                toml::from_str::<Agency>(&text).map_err(|error| error.to_string())
            });
            let told = match told {
                Ok(told) => told,
                Err(why) => {
                    faults.push(format!("{}: {why}", file.display()));
                    continue;
                }
            };
            for (id, channel) in channels {
                let Some(settings) = told.channels.get(&channel.name) else { continue };
                if let Some(from) = channel.mode.set(settings.mode) {
                    changes.push(ModeChange { channel: id.clone(), from, to: settings.mode });
                }
            }
        }
        (changes, faults)
    }
}

/// Where `agency.toml` says a channel's mode.
#[derive(Deserialize)]
struct Told {
    channels: BTreeMap<String, ToldChannel>,
}

#[derive(Deserialize)]
struct ToldChannel {
    mode: Option<Spanned<String>>,
}

/// Writes into the `agency.toml` of a channel that it is live, and leaves all else in it as it is
/// written. Gives the mode that stood there.
///
/// # Errors
/// What the system says; nothing is changed then.
pub fn promote(channel: &Channel) -> io::Result<Mode> {
    // The file itself, wherever links to it lie.
    let file = fs::canonicalize(declared(&channel.folder))?;
    let text = fs::read_to_string(&file)?;
    let told: Told = toml::from_str(&text).map_err(io::Error::other)?;
    let told = told.channels.get(&channel.name).and_then(|told| told.mode.as_ref());
    // What says nothing is live already.
    let Some(told) = told else { return Ok(Mode::Live) };
    let from = Mode::from_name(told.get_ref()).unwrap_or(Mode::Live);
    if from != Mode::Live {
        written(&file, &text, told.span())?;
    }
    Ok(from)
}

/// Puts the new mode in place of the one that stands there; whoever reads the file meanwhile finds
/// the one or the other, whole.
fn written(file: &Path, text: &str, span: Range<usize>) -> io::Result<()> {
    let (Some(before), Some(after)) = (text.get(..span.start), text.get(span.end..)) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let beside = file.with_extension("toml.new");
    fs::write(&beside, format!("{before}\"{}\"{after}", Mode::Live.as_str()))?;
    fs::set_permissions(&beside, fs::metadata(file)?.permissions())?;
    fs::File::open(&beside)?.sync_all()?;
    fs::rename(beside, file)
}
