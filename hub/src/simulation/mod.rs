//! Simulated agencies: an endless stream of native messages, as an agency's own system would send
//! them, with the mistakes that people make.
//!
//! What an agency writes and what it gets wrong is data beside its mapping
//! (`simulation/<channel>.toml` and `.jinja`); here is what all have in common: dossiers that are
//! received, worked on and finished. Who has the same seed and asks at the same times gets the same
//! messages. Nothing here sends: the command line does.

mod book;
mod casebook;
mod conduct;
mod people;
mod random;
mod receiving;
mod script;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod workbook;

use std::{fs, io, path::Path, time::Duration};

use jiff::{Timestamp, ToSpan, civil::DateTime, tz};
use mappings::text::charset::Charset;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

pub use book::{Book, Served};
pub use conduct::{Act, Asked, Conduct};
pub use receiving::{Heard, Receiving, Reply};
pub use table::{Declared as DeclaredTable, Table};

use casebook::{Casebook, Dossier};
use random::Random;
use script::{How, Script, Written};
use template::Templates;

/// Numbers that one second of seeds takes, and how many seeds there are until they begin again:
/// simulations whose seeds are times do not use each other's numbers.
const NUMBERS_OF_A_SEED: u64 = 100;
const SEEDS: u64 = 100_000;

/// Messages that `check` has a simulation write.
const TRIED: u32 = 120;

/// Why a simulation cannot be read, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// A file of it cannot be read.
    #[error("failed to read {file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// Its script or its template is faulty, or does not fit the other.
    #[error("{file}: {message}")]
    Faulty {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
}

/// A message as an agency's system writes it.
#[derive(Debug, Clone)]
pub struct Native {
    /// Its id; a file's name, where the channel is received by files.
    pub id: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Dossiers that it speaks of.
    pub dossiers: usize,
    /// The code of the problem that the hub will tell, where it is wrong.
    pub wrong: Option<String>,
    /// Whether it was sent before, byte for byte.
    pub again: bool,
}

/// One channel of a simulated agency.
#[derive(Debug)]
pub struct Simulation {
    channel: String,
    file: String,
    script: Script,
    charset: Charset,
    templates: Templates,
    casebook: Casebook,
    random: Random,
    waiting: Random,
    message: u64,
    faults: usize,
    /// The last message that was right.
    last: Option<Native>,
    /// One that is sent after the next.
    held: Option<Native>,
}

/// Where the simulation of a channel lies.
fn scripted(folder: &Path, channel: &str) -> std::path::PathBuf {
    let name = channel.rsplit_once('.').map_or(channel, |(_, name)| name);
    folder.join("simulation").join(format!("{name}.toml"))
}

fn read(path: &Path) -> Result<String, SimulationError> {
    fs::read_to_string(path)
        .map_err(|error| SimulationError::Unreadable { file: path.display().to_string(), error })
}

impl Simulation {
    /// Reads the simulation of a channel; nothing where it has none.
    ///
    /// # Errors
    /// [`SimulationError`].
    pub fn load(folder: &Path, channel: &str, seed: u64) -> Result<Option<Self>, SimulationError> {
        let path = scripted(folder, channel);
        if !path.exists() {
            return Ok(None);
        }
        let file = path.display().to_string();
        let faulty = |message: String| SimulationError::Faulty { file: file.clone(), message };
        let script: Script =
            toml::from_str(&read(&path)?).map_err(|error| faulty(error.to_string()))?;
        let charset = script.charset.parse().map_err(|error| faulty(format!("{error}")))?;
        let text = read(&path.with_extension("jinja"))?;
        let templates =
            Templates::new(&script, text).map_err(|error| faulty(format!("{error:#}")))?;
        let first = seed % SEEDS * NUMBERS_OF_A_SEED;
        let casebook = Casebook::new(first + 1).map_err(faulty)?;
        Ok(Some(Self {
            channel: channel.to_owned(),
            file,
            script,
            charset,
            templates,
            casebook,
            random: Random::new(seed, channel),
            waiting: Random::new(seed, &format!("{channel} waits")),
            message: first,
            faults: 0,
            last: None,
            held: None,
        }))
    }

    /// Tries a channel's simulation, if it has one.
    ///
    /// # Errors
    /// What would end it: [`SimulationError`].
    pub fn check(folder: &Path, channel: &str, now: Timestamp) -> Result<(), SimulationError> {
        let Some(mut simulation) = Self::load(folder, channel, 0)? else { return Ok(()) };
        // Every mistake in turn, whatever share of the messages is wrong.
        simulation.script.wrong_percent = 50;
        (0..TRIED).try_for_each(|_| simulation.next(now).map(|_| ()))
    }

    /// The channel, as `agency.channel`.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// How it behaves.
    pub fn conduct(&self) -> &Conduct {
        &self.script.conduct
    }

    /// Behaves as told, and otherwise as its file says.
    pub fn behave(&mut self, told: &Conduct) {
        self.script.conduct = told.or(&self.script.conduct);
    }

    /// How its system shows its items, where it is read.
    pub fn served(&self) -> Option<&Served> {
        self.script.served.as_ref()
    }

    /// The table of its system, where that is read.
    pub fn table(&self) -> Option<&DeclaredTable> {
        self.script.table.as_ref()
    }

    /// The codes of problems that its mistakes bring about.
    pub fn mistakes(&self) -> impl Iterator<Item = &str> {
        self.script.faults.iter().map(|fault| fault.code.as_str())
    }

    /// How long its people take to the next message. `pace` 2 is twice as fast.
    pub fn pause(&mut self, pace: f64) -> Duration {
        let mean = f64::from(self.script.every_seconds) / pace.max(f64::MIN_POSITIVE);
        Duration::try_from_secs_f64(mean * self.waiting.wait()).unwrap_or(Duration::MAX)
    }

    /// The next message, as it is sent now: at times after the one that was written later.
    ///
    /// # Errors
    /// A template that does not fit what it is given.
    pub fn next(&mut self, now: Timestamp) -> Result<Native, SimulationError> {
        if let Some(held) = self.held.take() {
            return Ok(held);
        }
        let native = self.fresh(now)?;
        let plain = native.wrong.is_none() && !native.again;
        if !plain || !self.script.conduct.reorders(&mut self.waiting) {
            return Ok(native);
        }
        let after = self.fresh(now)?;
        // What refers to the message before it goes behind that.
        if after.wrong.is_some() || after.again {
            self.held = Some(after);
            return Ok(native);
        }
        self.held = Some(native);
        Ok(after)
    }

    /// What its people write now.
    fn fresh(&mut self, now: Timestamp) -> Result<Native, SimulationError> {
        if self.script.conduct.repeats(&mut self.random)
            && let Some(last) = &self.last
        {
            return Ok(Native { again: true, ..last.clone() });
        }
        let now = local(now);
        let (templates, file) = (&self.templates, &self.file);
        let code = |number: u64| {
            let context = json!({ "number": number, "year": now.year() });
            templates.code(context).map_err(|error| faulty(file, &error))
        };
        let dossiers = self.casebook.turn(&self.script, &mut self.random, now, code)?;
        let wrong = self.random.percent(self.script.wrong_percent);
        let how = self.script.faults.get(self.faults % self.script.faults.len().max(1));
        let how =
            how.filter(|fault| wrong && (self.last.is_some() || !matches!(fault.how, How::Repeat)));
        let how = how.map(|fault| (fault.code.clone(), fault.how.clone()));
        self.message += 1;
        let native = self.written(&dossiers, how, now)?;
        if native.wrong.is_some() {
            self.faults += 1;
            self.casebook.mistold(&dossiers);
        } else {
            self.casebook.told(&self.script, &dossiers);
            self.last = Some(native.clone());
        }
        Ok(native)
    }

    fn written(
        &mut self,
        dossiers: &[Dossier],
        wrong: Option<(String, How)>,
        now: DateTime,
    ) -> Result<Native, SimulationError> {
        let mut told: Vec<Value> = dossiers.iter().map(|dossier| json!(dossier)).collect();
        let at = self.random.below(told.len() as u64) as usize;
        if let Some((_, how)) = &wrong
            && let Some(dossier) = told.get_mut(at)
        {
            mistake(dossier, how).map_err(|error| faulty(&self.file, &error))?;
        }
        let context = json!({
            "message": self.message, "now": now, "year": now.year(), "dossiers": told,
        });
        let fault = |error: &dyn std::fmt::Display| faulty(&self.file, &error);
        let text = self.templates.message(&context).map_err(|error| fault(&error))?;
        let how = wrong.as_ref().map(|(_, how)| how);
        let mut id = self.templates.id(&context).map_err(|error| fault(&error))?;
        if let (Some(How::Repeat), Some(last)) = (how, &self.last) {
            id = last.id.clone();
        }
        let payload = match self.script.written {
            Written::Xlsx => {
                let mut bytes = workbook::write(&text, now).map_err(|error| fault(&error))?;
                bytes.truncate(kept(bytes.len(), how));
                bytes
            }
            _ => self.encoded(text, how).map_err(|error| fault(&error))?,
        };
        let wrong = wrong.map(|(code, _)| code);
        Ok(Native { id, payload, dossiers: dossiers.len(), wrong, again: false })
    }

    fn encoded(&self, text: String, how: Option<&How>) -> Result<Vec<u8>, String> {
        let text = if self.script.crlf { text.replace('\n', "\r\n") } else { text };
        let text: String = if self.script.decomposed { text.nfd().collect() } else { text };
        // Between two letters: half of one would be a fault of another kind.
        let text: String = text.chars().take(kept(text.chars().count(), how)).collect();
        let charset = match how {
            Some(How::Charset(other)) => other.parse().map_err(|error| format!("{error}"))?,
            _ => self.charset,
        };
        charset.encode(&text).map_err(|error| error.to_string())
    }
}

/// How much of a whole arrives.
fn kept(whole: usize, how: Option<&How>) -> usize {
    match how {
        Some(How::Cut(percent)) => whole * (*percent).min(100) as usize / 100,
        _ => whole,
    }
}

fn faulty(file: &str, error: &impl std::fmt::Display) -> SimulationError {
    SimulationError::Faulty { file: file.to_owned(), message: format!("{error:#}") }
}

/// The time on the clocks of the agencies, to the second.
fn local(now: Timestamp) -> DateTime {
    let local = tz::Offset::constant(7).to_datetime(now);
    local.with().subsec_nanosecond(0).build().unwrap_or(local)
}

/// Puts a mistake into a dossier.
fn mistake(dossier: &mut Value, how: &How) -> Result<(), String> {
    let pointer = |name: &str| format!("/{}", name.replace('.', "/"));
    match how {
        How::Set(texts) => {
            for (name, text) in texts {
                let member = dossier.pointer_mut(&pointer(name));
                *member.ok_or_else(|| format!("a dossier has no `{name}`"))? = json!(text);
            }
        }
        How::ShiftDays(days) => {
            for (name, days) in days {
                let member = dossier.pointer_mut(&pointer(name));
                let member = member.ok_or_else(|| format!("a dossier has no `{name}`"))?;
                let at: Option<DateTime> = member.as_str().and_then(|text| text.parse().ok());
                let at = at.ok_or_else(|| format!("`{name}` of a dossier is no time"))?;
                *member = json!(at.saturating_add((*days).days()));
            }
        }
        How::Charset(_) | How::Cut(_) | How::Repeat => {}
    }
    Ok(())
}
