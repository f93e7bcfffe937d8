//! How a message of an agency comes to a hub, for commands that play an agency: pushed over HTTP,
//! dropped as a file, or laid out for the hub to read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::time::sleep;

use super::{
    called::Called,
    offered::Offered,
    send::{self, Letter},
};
use crate::catalog::Channel;

/// How long a hub that says "later" is asked again, and one that takes files waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two such questions.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(250);
/// How long one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(60);
/// Files dropped and not answered yet, at most.
const AWAITED_MAX: usize = 32;

/// Why a message has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum DoorError {
    /// No hub answers there.
    #[error("failed to reach the hub: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// It takes nothing now, and has not for long.
    #[error("the hub takes no messages: {0}")]
    Later(String),
    /// It does not talk to us.
    #[error("the hub answered {status}: {text}")]
    TurnedAway {
        /// The status of the answer.
        status: u16,
        /// The answer.
        text: String,
    },
    /// An answer that is none.
    #[error("the hub answered what is no receipt: {0}")]
    Strange(String),
    /// The drop folder cannot be worked with.
    #[error("{path}: {error}")]
    Folder {
        /// The file or folder.
        path: String,
        /// Why.
        error: io::Error,
    },
}

/// What the hub says of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) outcome: String,
    pub(super) records: u64,
    pub(super) refused: u64,
}

impl Answer {
    /// Reads a receipt, or a problem with the receipt inside.
    fn read(id: &str, text: &str) -> Result<Self, DoorError> {
        let strange = || DoorError::Strange(text.chars().take(200).collect());
        let told: Value = serde_json::from_str(text).map_err(|_| strange())?;
        let receipt = told.get("receipt").unwrap_or(&told);
        let number = |name: &str| receipt.get(name).and_then(Value::as_u64).unwrap_or(0);
        let outcome = receipt.get("outcome").and_then(Value::as_str).ok_or_else(strange)?;
        Ok(Self {
            id: id.to_owned(),
            outcome: outcome.to_owned(),
            records: number("records"),
            refused: number("refused"),
        })
    }
}

/// What became of one channel's messages.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) outcomes: BTreeMap<String, u64>,
    pub(super) records: u64,
    pub(super) refused: u64,
}

impl Tally {
    pub(super) fn count(&mut self, answer: &Answer) {
        self.sent += 1;
        *self.outcomes.entry(answer.outcome.clone()).or_default() += 1;
        // A duplicate repeats the numbers of the first.
        if answer.outcome != "duplicate" {
            self.records += answer.records;
            self.refused += answer.refused;
        }
    }
}

/// The way to a hub.
pub(super) enum Door {
    /// Pushed over HTTP.
    Push(Push),
    /// Called by name over HTTP.
    Called(Called),
    /// Dropped as files.
    Drop(Drop),
    /// Laid out for the hub to read.
    Offered(Offered),
}

impl Door {
    /// Pushes to a channel with its agency's key, or calls it as its agency does.
    ///
    /// # Errors
    /// When no client can be made.
    pub(super) fn over_http(channel: &Channel, url: &str, key: &str) -> Result<Self, DoorError> {
        let client = reqwest::Client::builder().timeout(REQUEST_MAX).no_proxy().build()?;
        let Channel { id, called, .. } = channel;
        if let Some(called) = called {
            return Ok(Self::Called(Called::new(client, (id, called), url, key)));
        }
        let [channel, url, key] = [id, url, key].map(ToOwned::to_owned);
        Ok(Self::Push(Push { client, channel, url, key }))
    }

    /// Drops files into a folder.
    pub(super) fn drop(folder: &Path) -> Self {
        Self::Drop(Drop { folder: folder.to_owned(), awaited: BTreeSet::new() })
    }

    /// Sends a message; what came is the answer to it, or to earlier ones.
    ///
    /// # Errors
    /// [`DoorError`].
    pub(super) async fn send(
        &mut self,
        id: &str,
        payload: Vec<u8>,
    ) -> Result<Vec<Answer>, DoorError> {
        match self {
            Self::Push(push) => Ok(vec![push.send(id, payload).await?]),
            Self::Called(called) => Ok(vec![called.send(id, &payload).await?]),
            Self::Drop(drop) => drop.send(id, &payload).await,
            Self::Offered(offered) => Ok(vec![offered.lay(id, payload).await?]),
        }
    }

    /// What has been answered since.
    ///
    /// # Errors
    /// [`DoorError`].
    pub(super) fn answered(&mut self) -> Result<Vec<Answer>, DoorError> {
        match self {
            Self::Push(_) | Self::Called(_) | Self::Offered(_) => Ok(Vec::new()),
            Self::Drop(drop) => drop.answered(),
        }
    }

    /// Waits until all is answered.
    ///
    /// # Errors
    /// [`DoorError`].
    pub(super) async fn settle(&mut self) -> Result<Vec<Answer>, DoorError> {
        match self {
            Self::Push(_) | Self::Called(_) | Self::Offered(_) => Ok(Vec::new()),
            Self::Drop(drop) => drop.until(|awaited| awaited.is_empty()).await,
        }
    }
}

/// Over HTTP.
pub(super) struct Push {
    client: reqwest::Client,
    channel: String,
    url: String,
    key: String,
}

impl Push {
    async fn send(&self, id: &str, payload: Vec<u8>) -> Result<Answer, DoorError> {
        let letter = Letter {
            channel: self.channel.clone(),
            file: PathBuf::new(),
            url: self.url.clone(),
            key: self.key.clone(),
            id: Some(id.to_owned()),
        };
        let began = Instant::now();
        loop {
            let (status, text) = send::push(&self.client, &letter, payload.clone()).await?;
            match status {
                200 | 409 | 422 => return Answer::read(id, &text),
                429 | 503 if began.elapsed() < PATIENCE => sleep(ASK_EVERY).await,
                429 | 503 => return Err(DoorError::Later(text)),
                _ => return Err(DoorError::TurnedAway { status, text }),
            }
        }
    }
}

/// Into a drop folder. What has been answered is taken away again, with its answer.
pub(super) struct Drop {
    folder: PathBuf,
    awaited: BTreeSet<String>,
}

/// What the hub writes beside a file.
const RECEIPT: &str = "receipt.json";
const REFUSED: &str = "refused.json";

impl Drop {
    async fn send(&mut self, name: &str, payload: &[u8]) -> Result<Vec<Answer>, DoorError> {
        let room =
            |awaited: &BTreeSet<String>| awaited.len() < AWAITED_MAX && !awaited.contains(name);
        let answers = self.until(room).await?;
        // Never taken before it has its name.
        let (part, whole) = (self.folder.join(format!("{name}.part")), self.folder.join(name));
        let fault = |error| DoorError::Folder { path: whole.display().to_string(), error };
        fs::write(&part, payload).map_err(fault)?;
        fs::rename(&part, &whole).map_err(fault)?;
        self.awaited.insert(name.to_owned());
        Ok(answers)
    }

    async fn until(
        &mut self,
        fits: impl Fn(&BTreeSet<String>) -> bool,
    ) -> Result<Vec<Answer>, DoorError> {
        let began = Instant::now();
        let mut answers = self.answered()?;
        while !fits(&self.awaited) {
            if began.elapsed() > PATIENCE {
                let name = self.awaited.first().cloned().unwrap_or_default();
                return Err(DoorError::Later(format!("{name} lies in {}", self.folder.display())));
            }
            sleep(ASK_EVERY).await;
            answers.extend(self.answered()?);
        }
        Ok(answers)
    }

    fn answered(&mut self) -> Result<Vec<Answer>, DoorError> {
        let mut answers = Vec::new();
        for name in self.awaited.clone() {
            let done = self.folder.join("done");
            let refused = self.folder.join("refused");
            let answer = match Self::answer(&done, &name, RECEIPT)? {
                None => Self::answer(&refused, &name, REFUSED)?,
                taken => taken,
            };
            if let Some(answer) = answer {
                self.awaited.remove(&name);
                answers.push(answer);
            }
        }
        Ok(answers)
    }

    /// The answer to a file that was put into a folder, if it was; both are taken away.
    fn answer(folder: &Path, name: &str, ending: &str) -> Result<Option<Answer>, DoorError> {
        let (file, answer) = (folder.join(name), folder.join(format!("{name}.{ending}")));
        if !file.exists() || !answer.exists() {
            return Ok(None);
        }
        let fault = |error| DoorError::Folder { path: answer.display().to_string(), error };
        let read = Answer::read(name, &fs::read_to_string(&answer).map_err(fault)?)?;
        for gone in [&file, &answer, &folder.join(format!("{name}.{REFUSED}"))] {
            match fs::remove_file(gone) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
                _ => {}
            }
        }
        Ok(Some(read))
    }
}
