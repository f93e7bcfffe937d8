//! The one way to personal members for those who ask by a key: who names no purpose is given none,
//! and what is given is written to the log of accesses before it is.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{Operations, agency_of};
use crate::{
    auth::{Caller, Principal, Purpose},
    registry::exchange::PORTAL,
    store::{
        DossierRow, PersonalText, StoreError,
        accesses::{Access, AccessFound, AccessPlace, AccessQuery},
    },
};

/// Bytes of what tells accesses of one millisecond apart.
const ID_BYTES: usize = 8;

/// Who reads, and what for.
#[derive(Debug, Clone)]
pub struct Reader {
    who: Principal,
    stated: Option<Stated>,
}

/// What a reader of personal data has said.
#[derive(Debug, Clone)]
struct Stated {
    key: String,
    purpose: Purpose,
    reason: Option<String>,
    call: &'static str,
}

/// What became of personal members in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Persons {
    /// There are none.
    None,
    /// They are among the others.
    Included,
    /// They are given to who names a `purpose`.
    Unasked,
    /// They are not the asker's to see.
    Withheld,
    /// They were erased.
    Erased,
}

/// What has personal members that are asked for.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Its entry.
    pub position: u64,
    /// Whose data it is.
    pub agencies: Vec<String>,
    /// What the log calls it.
    pub subject: String,
}

/// One access, as it is told.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PersonalAccess)]
pub struct ToldAccess {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who was given it: a principal.
    pub principal: String,
    /// The public part of the key.
    pub key: String,
    /// What the bearer of the key calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// What for.
    pub purpose: String,
    /// What that means, in Vietnamese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose_vi: Option<&'static str>,
    /// The same in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose_en: Option<&'static str>,
    /// The same in the reader's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The call by which it was given: the `operationId`.
    pub call: String,
    /// The agency whose data it is.
    pub agency: String,
    /// A dossier by its key, another record by contract and key, a file by its digest.
    pub subject: String,
    /// The latest entry that was given of it; none of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

/// A page of the log, the latest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccessPage {
    /// The accesses.
    pub accesses: Vec<ToldAccess>,
    /// Where the next page begins, where there may be one.
    #[serde(skip)]
    pub next: Option<AccessPlace>,
}

impl Reader {
    /// One who names no purpose: no personal member is given.
    pub fn of_public(who: Principal) -> Self {
        Self { who, stated: None }
    }

    /// One who says by a key what for it reads, in a call.
    pub fn stating(
        caller: &Caller,
        call: &'static str,
        purpose: Purpose,
        reason: Option<String>,
    ) -> Self {
        let stated = Stated { key: caller.key.clone(), purpose, reason, call };
        Self { who: caller.principal.clone(), stated: Some(stated) }
    }

    /// Who reads.
    pub fn who(&self) -> &Principal {
        &self.who
    }

    /// Whether a purpose is named.
    pub fn states(&self) -> bool {
        self.stated.is_some()
    }

    /// What becomes of personal members that are the reader's to see.
    pub(crate) fn persons(&self) -> Persons {
        if self.states() { Persons::Included } else { Persons::Unasked }
    }
}

impl Stated {
    fn access(&self, who: &Principal, at: Timestamp) -> Result<Access, StoreError> {
        let mut id = [0; ID_BYTES];
        aws_lc_rs::rand::fill(&mut id)
            .map_err(|_| StoreError::fault("no randomness".to_owned()))?;
        Ok(Access {
            at,
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            principal: who.to_string(),
            key: self.key.clone(),
            purpose: self.purpose.name().to_owned(),
            reason: self.reason.clone(),
            call: self.call.to_owned(),
            agency: String::new(),
            subject: String::new(),
            position: None,
        })
    }
}

impl From<AccessFound> for ToldAccess {
    fn from(AccessFound { access, key_name }: AccessFound) -> Self {
        let words = access.purpose.parse::<Purpose>().ok().map(Purpose::words);
        Self {
            at: access.at,
            principal: access.principal,
            key: access.key,
            key_name,
            purpose_vi: words.map(|words| words.0),
            purpose_en: words.map(|words| words.1),
            purpose: access.purpose,
            reason: access.reason,
            call: access.call,
            agency: access.agency,
            subject: access.subject,
            position: access.position,
        }
    }
}

/// Whose data it is, of those who had part in it: the portal hands on, and has none.
pub(crate) fn owners<'a>(parties: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let own = parties.into_iter().filter(|one| !one.is_empty() && *one != PORTAL);
    own.map(ToOwned::to_owned).collect()
}

impl Operations {
    /// The personal texts of entries, as far as they are still there, for one who names a purpose;
    /// none otherwise. They are in the log when this returns. Whether they are the reader's to see
    /// has been looked at before.
    ///
    /// # Errors
    /// When the store cannot answer, or cannot write the log: then nothing is given.
    pub(crate) async fn persons(
        &self,
        reader: &Reader,
        all: Vec<About>,
    ) -> Result<Vec<PersonalText>, StoreError> {
        if !reader.states() || all.is_empty() {
            return Ok(Vec::new());
        }
        let texts = self.store.personal(all.iter().map(|one| one.position).collect()).await?;
        let there: HashSet<u64> = texts.iter().map(|(position, _)| *position).collect();
        let mut given: BTreeMap<(String, String), Option<u64>> = BTreeMap::new();
        for mut one in all.into_iter().filter(|one| there.contains(&one.position)) {
            if one.agencies.is_empty() {
                one.agencies.push(PORTAL.to_owned());
            }
            for agency in one.agencies {
                let latest = given.entry((agency, one.subject.clone())).or_default();
                *latest = (*latest).max(Some(one.position));
            }
        }
        self.note(reader, given).await?;
        Ok(texts)
    }

    /// Writes to the log that a reader is given a file, before it is.
    ///
    /// # Errors
    /// When the store cannot answer or write.
    pub async fn note_file(&self, reader: &Reader, digest: &str) -> Result<(), StoreError> {
        let senders = self.store.senders(digest.to_owned()).await?;
        let mut agencies = owners(senders.iter().map(String::as_str));
        if let (true, Principal::Agency(own)) = (agencies.is_empty(), &reader.who) {
            // What the portal took in is whose it was sent to.
            agencies.push(own.clone());
        }
        if agencies.is_empty() {
            agencies.push(PORTAL.to_owned());
        }
        let given = agencies.into_iter().map(|agency| ((agency, digest.to_owned()), None));
        self.note(reader, given.collect()).await
    }

    /// Writes to the log that a reader is given what would be sent of a record, before it is.
    ///
    /// # Errors
    /// When the store cannot write.
    pub(super) async fn note_letter(
        &self,
        reader: &Reader,
        whose: Vec<String>,
        (subject, position): (&str, u64),
    ) -> Result<(), StoreError> {
        let whose = if whose.is_empty() { vec![PORTAL.to_owned()] } else { whose };
        let given = whose.into_iter().map(|agency| ((agency, subject.to_owned()), Some(position)));
        self.note(reader, given.collect()).await
    }

    async fn note(
        &self,
        reader: &Reader,
        given: BTreeMap<(String, String), Option<u64>>,
    ) -> Result<(), StoreError> {
        let Some(stated) = reader.stated.as_ref().filter(|_| !given.is_empty()) else {
            return Ok(());
        };
        let now = Timestamp::now();
        let all = given.into_iter().map(|((agency, subject), position)| {
            Ok(Access { agency, subject, position, ..stated.access(&reader.who, now)? })
        });
        let all = all.collect::<Result<Vec<_>, StoreError>>()?;
        self.store.note_accesses(all).await
    }

    /// A page of the log: of one agency's data, or of all; of one dossier, by its key or a code
    /// that it bears, or another subject.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn access_log(
        &self,
        who: &Principal,
        agency: Option<String>,
        about: Option<&str>,
        (after, limit): (Option<AccessPlace>, u32),
    ) -> Result<AccessPage, StoreError> {
        let subjects = match about {
            None => None,
            Some(text) => Some(self.subjects(who, text).await?),
        };
        let query = AccessQuery { agency, subjects, after, limit };
        let found = self.store.accesses(query).await?;
        let is_full = found.len() == limit as usize;
        let next = found.last().filter(|_| is_full).map(AccessFound::place);
        Ok(AccessPage { accesses: found.into_iter().map(ToldAccess::from).collect(), next })
    }

    /// What the log may call what is asked about: every name of a dossier.
    async fn subjects(&self, who: &Principal, text: &str) -> Result<Vec<String>, StoreError> {
        let mut all = vec![text.to_owned()];
        let mut found = self.store.find(text.to_owned(), None).await?.dossiers;
        if let (true, Some((source, code))) = (found.is_empty(), text.split_once('/')) {
            found = self.store.find(code.to_owned(), Some(source.to_owned())).await?.dossiers;
        }
        for row in found.iter().filter(|row| self.may_see(who, row)) {
            all.push(row.key.clone());
            all.extend(names(row));
        }
        all.sort();
        all.dedup();
        Ok(all)
    }
}

/// The names of a dossier's sources.
fn names(row: &DossierRow) -> Vec<String> {
    let sight = row.public.as_deref().map(serde_json::from_slice::<crate::registry::Sight>);
    let Some(Ok(sight)) = sight else { return Vec::new() };
    sight.identities.iter().map(crate::registry::Identity::key).collect()
}

/// What has personal members among what sources said of a dossier.
pub(super) fn of_dossier(key: &str, own: impl Iterator<Item = (u64, String)>) -> Vec<About> {
    let about = |(position, source): (u64, String)| About {
        position,
        agencies: vec![agency_of(&source).to_owned()],
        subject: key.to_owned(),
    };
    own.map(about).collect()
}
