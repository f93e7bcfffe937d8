//! Channels that the hub reads: what the catalogue declares, put to work. Each is a task of its own
//! that takes turns; whose turn it is and where reading goes on, the store says.

mod keeper;
mod memory;
mod pace;
mod run;
#[cfg(test)]
mod tests;

use std::{str::FromStr, sync::Arc, time::Duration};

use adapters::{
    Inbox,
    amqp::AmqpConsume,
    database::DatabasePoll,
    file::Room,
    reach::Reach,
    reading::Reader,
    rest::poll::{Credentials, RestPoll},
    sftp::SftpFolder,
};
use futures_util::future::BoxFuture;
use mappings::Diagnostic;

use crate::{
    catalog::{Catalog, Channel, How, Read},
    config::Config,
    journey::Journey,
    lasting::{Lasting, Work},
    secrets::Secrets,
    store::Store,
};
use keeper::Keeper;
use run::Poll;

/// Every channel that is read, ready to run.
pub struct Polls {
    polls: Vec<Poll>,
    keeper: Keeper,
}

impl Polls {
    /// Puts the channels of a catalogue to work.
    ///
    /// # Errors
    /// A file of secrets that is none; every secret that is missing.
    pub fn prepare(catalog: &Catalog, config: &Config) -> Result<Self, Vec<Diagnostic>> {
        let secrets = Secrets::read(config.secrets.as_deref())?;
        let reach = Arc::new(Reach { private: config.private_networks.clone() });
        let keeper = Keeper::default();
        let room = Room::new(ROOM_BYTES);
        let (mut polls, mut found) = (Vec::new(), Vec::new());
        for channel in catalog.channels.values() {
            let Some(read) = &channel.read else { continue };
            match reader(channel, read, &secrets, (&reach, &room)) {
                Ok(reader) => polls.push(Poll {
                    keeper: keeper.clone(),
                    channel: channel.id.clone(),
                    every: read.every,
                    reader,
                }),
                Err(faults) => found.extend(faults),
            }
        }
        if found.is_empty() { Ok(Self { polls, keeper }) } else { Err(found) }
    }

    /// Whether nothing is read.
    pub fn is_empty(&self) -> bool {
        self.polls.is_empty()
    }

    /// What is to run until told to stop: a task for each channel, and one that keeps turns.
    pub fn begin(
        self,
        store: &Arc<dyn Store>,
        journey: &Arc<Journey>,
        lasting: &Lasting,
    ) -> Vec<BoxFuture<'static, ()>> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut tasks: Vec<BoxFuture<'static, ()>> = Vec::new();
        let (keeper, kept) = (self.keeper, store.clone());
        let keep = lasting.clone();
        let keeping = move |stop| keeper.clone().run(kept.clone(), stop);
        tasks.push(Box::pin(keep.keep("keep turns", keeping)));
        for poll in self.polls {
            let (poll, store, lasting) = (Arc::new(poll), store.clone(), lasting.clone());
            let inbox: Arc<dyn Inbox> = journey.clone();
            tasks.push(Box::pin(async move {
                let work = Work { task: "read", channel: &poll.channel };
                let read = |_| poll.run(store.clone(), inbox.clone(), &lasting);
                lasting.clone().keep_telling(work, read, || ()).await;
            }));
        }
        tasks
    }
}

fn reader(
    channel: &Channel,
    read: &Read,
    secrets: &Secrets,
    (reach, room): (&Arc<Reach>, &Arc<Room>),
) -> Result<Arc<dyn Reader>, Vec<Diagnostic>> {
    let named = read.secrets.iter().map(|one| (secrets.get(&one.name), &one.absent));
    let absent = named.clone().filter(|(value, _)| value.is_none());
    let absent: Vec<Diagnostic> = absent.map(|(_, fault)| fault.clone()).collect();
    if !absent.is_empty() {
        return Err(absent);
    }
    let secret = named.filter_map(|(value, _)| value).next().unwrap_or_default();
    match &read.how {
        How::Rest(settings) => {
            let mut settings = (**settings).clone();
            fill(&mut settings.credentials, secret);
            let made = RestPoll::new(settings, reach.clone());
            let made = made.map_err(|why| {
                let file = channel.folder.join("agency.toml").display().to_string();
                let message = format!("{}: {}", channel.id, why.en);
                vec![Diagnostic::at(&file, "", &(0..0), message, "check the system's TLS")]
            })?;
            Ok(made)
        }
        How::Database(settings) => {
            let address = told(channel, secret, "address", ADDRESS_ADVICE)?;
            Ok(DatabasePoll::new((**settings).clone(), address, reach.clone()))
        }
        How::Amqp(settings) => {
            let address = told(channel, secret, "address", ADDRESS_ADVICE)?;
            Ok(AmqpConsume::new((**settings).clone(), address, reach.clone()))
        }
        How::Sftp(settings) => {
            let credential = told(channel, secret, "password or key", KEY_ADVICE)?;
            let settings = (**settings).clone();
            Ok(SftpFolder::new(settings, credential, reach.clone(), room.clone()))
        }
    }
}

const ADDRESS_ADVICE: &str =
    "write the whole address, with user and password, in the file of secrets";
const KEY_ADVICE: &str =
    "write the password, or the whole private key as `ssh-keygen -t ed25519` makes it";

/// A secret that has a form; it is never told.
fn told<T: FromStr<Err: ToString>>(
    channel: &Channel,
    secret: &str,
    form: &str,
    advice: &str,
) -> Result<T, Vec<Diagnostic>> {
    secret.parse().map_err(|why: T::Err| {
        let file = channel.folder.join("agency.toml").display().to_string();
        let message = format!("the secret of {} is no {form}: {}", channel.id, why.to_string());
        vec![Diagnostic::at(&file, "", &(0..0), message, advice)]
    })
}

fn fill(credentials: &mut Credentials, value: &str) {
    match credentials {
        Credentials::None => {}
        Credentials::Basic { secret, .. } | Credentials::Header { secret, .. } => {
            value.clone_into(secret);
        }
        Credentials::OAuth(oauth) => value.clone_into(&mut oauth.secret),
    }
}

/// Bytes of the files under way from all servers together.
const ROOM_BYTES: usize = 256 << 20;

/// How long a turn rests at least before the next, whatever is configured.
const PAUSE_MIN: Duration = Duration::from_millis(100);
