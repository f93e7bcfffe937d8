//! Which events of a feed a subscription is sent, and what they are called on the way.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::{
    auth::Principal,
    feeds::{Fed, Feed, Place},
    journal::log::Log,
    operations::Operations,
    registry::Identity,
    store::{
        Store, StoreError,
        subscriptions::{FeedPlace, SubscriptionRow},
    },
};

/// What contracts are called in the schemas of events.
const CONTRACTS: &str = "/contracts/";

/// What dossiers are made of: of these contracts, what is told or taken back is about one.
const OF_DOSSIERS: [&str; 2] = ["dossier/1", "progress/1"];

/// Rows read to find one event by its id: of one position there are no more than it touched.
const FIND_ROWS: u32 = 500;

/// What is looked at of an event.
#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    dataschema: String,
    #[serde(default)]
    data: Option<Told>,
}

/// The name that a source gives a dossier.
#[derive(Deserialize)]
struct Told {
    source: Option<String>,
    source_code: Option<String>,
}

impl Named {
    fn contract(&self) -> Option<&str> {
        self.dataschema.split_once(CONTRACTS).map(|(_, told)| told)
    }

    /// The key of the dossier that a record is about.
    fn dossier(self) -> Option<String> {
        self.contract().filter(|contract| OF_DOSSIERS.contains(contract))?;
        let told = self.data?;
        Some(Identity::new(&told.source?, &told.source_code?).key())
    }
}

fn named(text: &[u8]) -> Result<Named, StoreError> {
    serde_json::from_slice(text)
        .map_err(|error| StoreError::fault(format!("an event is damaged: {error}")))
}

/// The id of an event.
///
/// # Errors
/// When it is damaged.
pub(crate) fn id(fed: &Fed) -> Result<String, StoreError> {
    Ok(named(&fed.text)?.id)
}

/// An event's id as a header has it. What is no plain letter is percent-encoded, and so is the full
/// stop, which stands between the parts of what is signed.
pub(crate) fn header_id(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/:~".contains(&byte);
    let one = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    id.bytes().map(one).collect()
}

/// The dossiers of a code.
struct Dossiers {
    code: String,
    /// Every name that one of them bears now.
    names: BTreeSet<String>,
}

impl Dossiers {
    /// Those that a store has now: whoever reads events first has all names that these bear.
    async fn of(store: &dyn Store, code: &str) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Borne {
            identities: Vec<Identity>,
        }
        let mut names = BTreeSet::new();
        for row in store.find(code.to_owned(), None).await?.dossiers {
            let borne: Option<Borne> =
                row.public.as_deref().map(serde_json::from_slice).transpose().map_err(|error| {
                    StoreError::fault(format!("the dossier `{}` is damaged: {error}", row.key))
                })?;
            names.extend(borne.into_iter().flat_map(|one| one.identities).map(|one| one.key()));
            names.insert(row.key);
        }
        Ok(Self { code: code.to_owned(), names })
    }

    /// Whether a key is of one; by a source's own code too where all of it was taken back.
    fn has(&self, key: &str) -> bool {
        self.names.contains(key) || Identity::of_key(key).source_code == self.code
    }
}

/// Which events are sent, of those that the owner may read.
pub(crate) struct Wanted {
    agency: Option<Principal>,
    contract: Option<String>,
    dossiers: Option<Dossiers>,
}

impl Wanted {
    /// Those of a subscription, of some that were read.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn of(
        store: &dyn Store,
        row: &SubscriptionRow,
        fed: &[Fed],
    ) -> Result<Self, StoreError> {
        let dossiers = match &row.dossier {
            Some(code) if !fed.is_empty() => Some(Dossiers::of(store, code).await?),
            _ => None,
        };
        let agency = row.agency.clone().map(Principal::Agency);
        Ok(Self { agency, contract: row.contract.clone(), dossiers })
    }

    /// Whether an event is one.
    ///
    /// # Errors
    /// When it is damaged.
    pub(crate) fn takes(&self, fed: &Fed) -> Result<bool, StoreError> {
        if self.agency.as_ref().is_some_and(|agency| !fed.audience.admits(agency)) {
            return Ok(false);
        }
        if let Some(contract) = &self.contract
            && named(&fed.text)?.contract() != Some(contract)
        {
            return Ok(false);
        }
        let Some(dossiers) = &self.dossiers else { return Ok(true) };
        let about = match &fed.dossier {
            Some(key) => Some(key.clone()),
            None => named(&fed.text)?.dossier(),
        };
        Ok(about.is_some_and(|key| dossiers.has(&key)))
    }
}

/// The place in a feed that was stored; where the log it was told in has ended before it, where the
/// one in force goes on from that.
///
/// # Errors
/// When it is of a log that this one does not go on from.
pub(crate) fn followed(log: &Log, stored: &FeedPlace) -> Result<Place, StoreError> {
    let place = (stored.position, stored.beside.clone());
    if stored.log_id == log.id {
        return Ok(place);
    }
    let old = log.ended(&stored.log_id).ok_or_else(|| {
        StoreError::fault(format!("the log {} is none that is gone on from", stored.log_id))
    })?;
    Ok(place.min((old.size, String::new())))
}

/// A place as it is stored, of a version of a fold.
pub(crate) fn stored(log: &Log, fold: u32, (position, beside): Place) -> FeedPlace {
    FeedPlace { log_id: log.id.clone(), position, beside, fold }
}

/// The event of an id, as it stands in a feed now, if someone may read it.
///
/// # Errors
/// When the store cannot answer, or what it holds is damaged.
pub(crate) async fn found(
    operations: &Operations,
    (feed, log): (Feed, &Log),
    who: &Principal,
    id: &str,
) -> Result<Option<Fed>, StoreError> {
    let position = id.split('/').nth(1).and_then(|text| text.parse::<i64>().ok());
    let Some(position) = position.and_then(|position| u64::try_from(position).ok()) else {
        return Ok(None);
    };
    let from = (position, String::new());
    let (fed, _) = feed.scan(operations, log, &from, FIND_ROWS).await?;
    for one in fed.into_iter().filter(|one| one.audience.admits(who)) {
        if named(&one.text)?.id == id {
            return Ok(Some(one));
        }
    }
    Ok(None)
}

/// An event by which a receiver is tried: of no feed, and about nothing. Its id and its text.
pub(crate) fn ping(row: &SubscriptionRow, now: Timestamp) -> (String, Vec<u8>) {
    let id = format!("ping/{}/{}", row.id, now.as_nanosecond());
    let text = json!({
        "specversion": "1.0",
        "id": id,
        "source": "/hub",
        "type": "vn.gov.dongnai.lienthong.ping.v1",
        "time": now.to_string(),
        "datacontenttype": "application/json",
        "data": { "subscription": row.id, "feed": row.feed },
    });
    (id, text.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{log::EndedLog, merkle::Digest};

    #[test]
    fn an_id_is_a_header_and_has_no_full_stop() {
        assert_eq!(header_id("0af3/17"), "0af3/17");
        assert_eq!(header_id("a/7/so-y-te/Đ.1 %\r\n"), "a/7/so-y-te/%C4%90%2E1%20%25%0D%0A");
    }

    #[test]
    fn a_place_behind_what_was_restored_is_where_the_new_log_begins() {
        let old = EndedLog { log_id: "old".to_owned(), size: 7, root: Digest::of(b"") };
        let log = Log { id: "new".to_owned(), ended: vec![old] };
        let of = |log_id: &str, position: u64, beside: &str| {
            let (log_id, beside) = (log_id.to_owned(), beside.to_owned());
            followed(&log, &FeedPlace { log_id, position, beside, fold: 1 })
        };
        assert_eq!(of("old", 6, "a/1").unwrap(), (6, "a/1".to_owned()));
        assert_eq!(of("old", 9, "a/1").unwrap(), (7, String::new()));
        assert_eq!(of("new", 9, "a/1").unwrap(), (9, "a/1".to_owned()));
        assert!(of("other", 1, "").is_err());
    }
}
