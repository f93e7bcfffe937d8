//! An agency that is sent something: how its system behaves, what it answers, and what its people
//! reply later by a channel of their own.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Conduct, NUMBERS_OF_A_SEED, SEEDS, SimulationError, faulty, local, read, script::Written,
    scripted, template::Template,
};

/// `simulation/CHANNEL.toml` of a channel by which an agency receives.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(default)]
    conduct: Conduct,
    /// Template of what its system answers where it takes a message, in JSON.
    answer: Option<String>,
    reply: Option<ReplyTold>,
}

/// `[reply]`: the reply itself is the template beside the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyTold {
    /// The agency's inbound channel by which it goes.
    channel: String,
    /// How long people take.
    after_ms: u64,
}

/// How a channel by which an agency receives is played; as it should behave where nothing says how.
#[derive(Debug, Default)]
pub struct Receiving {
    /// How it behaves.
    pub conduct: Conduct,
    file: String,
    first: u64,
    answer: Option<Template>,
    reply: Option<(ReplyTold, Template)>,
}

/// A message that was taken.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// What it says; null where it is no JSON.
    pub message: &'a Value,
    /// The how-manieth it is, from 0.
    pub count: u64,
    /// When it came.
    pub at: Timestamp,
}

/// What an agency's people reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The channel by which it goes, as `agency.channel`.
    pub channel: String,
    /// Its id.
    pub id: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// How long they take.
    pub after: Duration,
}

impl Receiving {
    /// Reads how a channel is played. A seed gives numbers of its own.
    ///
    /// # Errors
    /// [`SimulationError`].
    pub fn load(folder: &Path, channel: &str, seed: u64) -> Result<Self, SimulationError> {
        let path = scripted(folder, channel);
        let first = seed % SEEDS * NUMBERS_OF_A_SEED + 1;
        if !path.exists() {
            return Ok(Self { first, ..Self::default() });
        }
        let file = path.display().to_string();
        let told: Told = toml::from_str(&read(&path)?).map_err(|error| faulty(&file, &error))?;
        let written =
            |text| Template::new(Written::Json, text).map_err(|error| faulty(&file, &error));
        let reply = match told.reply {
            Some(reply) => Some((reply, written(read(&path.with_extension("jinja"))?)?)),
            None => None,
        };
        let answer = told.answer.map(written).transpose()?;
        Ok(Self { conduct: told.conduct, first, answer, reply, file })
    }

    fn written(&self, template: &Template, heard: Heard<'_>) -> Result<String, SimulationError> {
        let now = local(heard.at);
        let context = json!({ "message": heard.message, "number": self.number(heard),
                              "now": now, "year": now.year() });
        template.write(&context).map_err(|error| faulty(&self.file, &error))
    }

    fn number(&self, heard: Heard<'_>) -> u64 {
        self.first + heard.count
    }

    /// What its system answers where it takes a message; nothing of its own unless told.
    ///
    /// # Errors
    /// A template that does not fit the message.
    pub fn answer(&self, heard: Heard<'_>) -> Result<Option<String>, SimulationError> {
        self.answer.as_ref().map(|template| self.written(template, heard)).transpose()
    }

    /// What its people reply to it, where they do. `agency` is whose channel this is.
    ///
    /// # Errors
    /// A template that does not fit the message.
    pub fn reply(&self, agency: &str, heard: Heard<'_>) -> Result<Option<Reply>, SimulationError> {
        let Some((told, template)) = &self.reply else { return Ok(None) };
        Ok(Some(Reply {
            channel: format!("{agency}.{}", told.channel),
            id: format!("tra-loi-{}", self.number(heard)),
            payload: self.written(template, heard)?.into_bytes(),
            after: Duration::from_millis(told.after_ms),
        }))
    }

    /// The agency's channel by which its people reply, where they do.
    pub fn replies_by(&self) -> Option<&str> {
        self.reply.as_ref().map(|(told, _)| told.channel.as_str())
    }
}
