//! Feeds: public texts in journal order, for whoever follows them. Pages, long polls and live
//! streams all read here, so they carry the same events under the same places.

mod catalogue;
pub(crate) mod event;
pub mod export;
mod live;
mod notices;
mod outgoing;
mod record;
mod statistics;

use std::{borrow::Cow, collections::BTreeSet};

use serde::Deserialize;

use crate::{
    auth::Principal,
    catalogue::changes,
    journal::log::Log,
    operations::{Operations, PAGE_MAX, agency_of},
    registry::{
        Sight, dossier, exchange,
        finding::{self, Finding},
        statistics::FOLD_VERSION,
    },
    store::{DossierRow, EntryRow, StoreError},
};

pub(crate) use event::Event;
pub use live::{Batch, Live, frame};
pub use outgoing::{Outgoing, outgoing};
pub use record::{Record, record_at};

/// Pages of the store read for one answer, where most of what they hold is not the reader's.
const SCANS_MAX: usize = 16;

/// Which feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feed {
    /// All that agencies sent, in journal order.
    Records,
    /// The present state of every dossier, in the order of the last change.
    Dossiers,
    /// What there is to ask about, in the order of the last change.
    Findings,
    /// What each edition of the catalogue changes of the one before it.
    Catalogue,
    /// By how much each entry changes numbers.
    Statistics,
    /// What watches are told of their dossiers.
    Notices,
}

/// A place in a feed: everything before it has been read. For records the position to go on from;
/// for dossiers the position and the key of the last one read.
pub use crate::cursor::Place;

/// Who may read an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    everybody: bool,
    /// The agencies among it; all of them where there is no list.
    agencies: Option<BTreeSet<String>>,
}

impl Audience {
    /// Whether someone belongs to it. The hub's operator always does.
    pub fn admits(&self, who: &Principal) -> bool {
        match who {
            Principal::Operator => true,
            Principal::Reporting(_) => self.everybody,
            Principal::Portal => self.everybody || self.has(exchange::PORTAL),
            Principal::Agency(agency) => self.has(agency),
        }
    }

    fn has(&self, agency: &str) -> bool {
        self.agencies.as_ref().is_none_or(|agencies| agencies.contains(agency))
    }

    /// Whoever may read the feed.
    fn all() -> Self {
        Self { everybody: true, agencies: None }
    }

    fn of(everybody: bool, agencies: BTreeSet<String>) -> Self {
        Self { everybody, agencies: Some(agencies) }
    }

    /// Whether an agency sent it, or was sent it. The portal is told no persons, not even those of
    /// what it has passed on.
    fn is_party(&self, who: &Principal) -> bool {
        matches!(who, Principal::Agency(agency) if self.has(agency))
    }

    fn one(name: &str) -> BTreeSet<String> {
        BTreeSet::from([agency_of(name).to_owned()])
    }

    /// An agency sees the states that one of its sources speaks of, and that a key of its own is
    /// none any more; all others see what counts.
    fn of_state(row: &DossierRow) -> Self {
        let Some(public) = &row.public else {
            return Self::of(true, Self::one(&row.key));
        };
        let Ok(state) = serde_json::from_slice::<Sight>(public) else {
            return Self::of(false, BTreeSet::new());
        };
        let sources = state.identities.iter().map(|one| agency_of(&one.source).to_owned());
        Self::of(state.counted, sources.collect())
    }
}

/// One event of a feed.
#[derive(Debug, Clone)]
pub struct Fed {
    /// The place after it.
    pub after: Place,
    /// Who may read it.
    pub audience: Audience,
    /// The key of the dossier that it is about; of a record that stands in its text alone.
    pub dossier: Option<String>,
    /// A CloudEvent as JSON, on one line.
    pub text: Vec<u8>,
}

impl Feed {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Records,
        Self::Dossiers,
        Self::Findings,
        Self::Catalogue,
        Self::Statistics,
        Self::Notices,
    ];

    /// Its name in addresses and cursors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Dossiers => "dossiers",
            Self::Findings => "findings",
            Self::Catalogue => "catalogue",
            Self::Statistics => "statistics",
            Self::Notices => "notices",
        }
    }

    /// The version of the fold that it is derived by, where its cursors tell one.
    const fn version(self) -> Option<u32> {
        match self {
            Self::Records => None,
            // Notices are read from dossiers.
            Self::Dossiers | Self::Notices => Some(dossier::FOLD_VERSION),
            Self::Findings => Some(finding::FOLD_VERSION),
            Self::Catalogue => Some(changes::FOLD_VERSION),
            Self::Statistics => Some(FOLD_VERSION),
        }
    }

    /// The version of the fold that it is derived by; 0 of one that is no fold.
    pub(crate) fn fold(self) -> u32 {
        self.version().unwrap_or(0)
    }

    /// Its name in cursors: what another version of a fold gave is no place of this one.
    pub fn list(self) -> Cow<'static, str> {
        self.list_by(self.fold())
    }

    /// Its name in cursors of a version of its fold.
    pub(crate) fn list_by(self, fold: u32) -> Cow<'static, str> {
        match (self, fold) {
            // Cursors of their first version were given before any was told.
            (_, 0) | (Self::Dossiers | Self::Notices, 1) => Cow::Borrowed(self.name()),
            _ => Cow::Owned(format!("{}.{fold}", self.name())),
        }
    }

    /// Whether it follows behind the journal: what is appended is in it a little later.
    pub const fn is_behind(self) -> bool {
        matches!(self, Self::Findings)
    }

    /// Whether events of it are about single dossiers.
    pub const fn is_of_dossiers(self) -> bool {
        matches!(self, Self::Records | Self::Dossiers | Self::Notices)
    }

    /// The feed of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.name() == name)
    }

    /// The place after everything that a journal of this size holds, as far as the feed has come.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn end(self, operations: &Operations, size: u64) -> Result<Place, StoreError> {
        let end = if self.is_behind() { operations.store.judged().await? } else { size };
        Ok((end, String::new()))
    }

    /// What the next rows of the store hold, for whoever, and the place after them: the same
    /// place where there are none.
    ///
    /// # Errors
    /// When the store cannot answer, or what it holds is damaged.
    pub async fn scan(
        self,
        operations: &Operations,
        log: &Log,
        from: &Place,
        rows: u32,
    ) -> Result<(Vec<Fed>, Place), StoreError> {
        let rows = rows.min(PAGE_MAX);
        match self {
            Self::Records => {
                let found = operations.store.entries(from.0, rows).await?;
                let next = found
                    .last()
                    .map_or_else(|| from.clone(), |row| (row.position + 1, String::new()));
                let fed = found.iter().filter_map(|row| record(row).transpose());
                Ok((fed.collect::<Result<_, _>>()?, next))
            }
            Self::Dossiers => {
                let found = operations.store.dossiers(from.0, from.1.clone(), rows).await?;
                let place = |row: &DossierRow| (row.position, row.key.clone());
                let next = found.last().map_or_else(|| from.clone(), place);
                let fed = |row: &DossierRow| -> Result<Fed, StoreError> {
                    let text = event::state(log, row)?;
                    let (audience, dossier) = (Audience::of_state(row), Some(row.key.clone()));
                    Ok(Fed { after: place(row), audience, dossier, text })
                };
                Ok((found.iter().map(fed).collect::<Result<_, _>>()?, next))
            }
            Self::Findings => findings(operations, log, from, rows).await,
            Self::Catalogue => catalogue::scan(operations, log, from, rows).await,
            Self::Statistics => statistics::scan(operations, log, from, rows).await,
            Self::Notices => notices::scan(operations, log, from, rows).await,
        }
    }

    /// A page for one reader, and the place after it. It may be short, or empty, although more
    /// follows: then most of what was looked at is not the reader's. At the end the place is the
    /// same.
    ///
    /// # Errors
    /// When the store cannot answer, or what it holds is damaged.
    pub async fn page(
        self,
        operations: &Operations,
        log: &Log,
        who: &Principal,
        from: &Place,
        limit: u32,
    ) -> Result<(Vec<Fed>, Place), StoreError> {
        let (mut shown, mut place): (Vec<Fed>, Place) = (Vec::new(), from.clone());
        for _ in 0..SCANS_MAX {
            let room = limit - u32::try_from(shown.len()).unwrap_or(limit).min(limit);
            if room == 0 {
                break;
            }
            let (fed, next) = self.scan(operations, log, &place, room).await?;
            shown.extend(fed.into_iter().filter(|one| one.audience.admits(who)));
            if next == place {
                break;
            }
            place = next;
        }
        Ok((shown, place))
    }
}

/// The findings that changed after a place. A place is a position and how many of its changes were
/// read.
async fn findings(
    operations: &Operations,
    log: &Log,
    from: &Place,
    rows: u32,
) -> Result<(Vec<Fed>, Place), StoreError> {
    let read: u32 = from.1.parse().unwrap_or(0);
    let found = operations.store.findings_from(from.0, read, rows).await?;
    let place = |one: &Finding| (one.changed.0, format!("{:010}", one.changed.1 + 1));
    let next = found.last().map_or_else(|| from.clone(), place);
    let fed = |one: &Finding| -> Result<Fed, StoreError> {
        let agencies = BTreeSet::from([one.subject.agency.clone()]);
        let audience = Audience::of(true, agencies);
        let text = event::finding(log, one)?;
        Ok(Fed { after: place(one), audience, dossier: None, text })
    };
    Ok((found.iter().map(fed).collect::<Result<_, _>>()?, next))
}

/// The two parties to an entry that is addressed to somebody.
fn parties(row: &EntryRow) -> Option<[String; 2]> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        contract: Option<&'a str>,
    }
    #[derive(Deserialize)]
    struct Parties {
        agency: String,
        id: Option<String>,
        request: Option<String>,
        application: Option<String>,
    }
    let named: Named<'_> = serde_json::from_slice(&row.text).ok()?;
    named.contract.filter(|contract| exchange::ADDRESSED.contains(contract))?;
    let told: Parties = serde_json::from_slice(&row.public).ok()?;
    let id = told.request.or(told.application).or(told.id).unwrap_or_default();
    let sender = exchange::sent_by(&id).map_or("", |(sender, _)| sender);
    Some([told.agency, sender.to_owned()])
}

/// The event of an entry; `None` for what no feed carries.
fn record(row: &EntryRow) -> Result<Option<Fed>, StoreError> {
    let Some(text) = event::record(row)? else { return Ok(None) };
    let mut agencies = row.channel.as_deref().map(Audience::one).unwrap_or_default();
    let mut everybody = true;
    if let Some(parties) = parties(row) {
        everybody = false;
        agencies.extend(parties);
    }
    let audience = Audience::of(everybody, agencies);
    let after = (row.position + 1, String::new());
    Ok(Some(Fed { after, audience, dossier: None, text }))
}
