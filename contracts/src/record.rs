//! Drafts and records: what a mapping proposes, and what a contract has accepted.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;

use crate::body::Part;

/// A contract and its major version, written `dossier/1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContractId {
    name: String,
    major: u16,
}

/// The text is not `name/major`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a contract id: write name/major, such as dossier/1")]
pub struct NotAContractId(String);

impl ContractId {
    /// The record's name, such as `dossier`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The major version, from 1.
    pub fn major(&self) -> u16 {
        self.major
    }
}

impl fmt::Display for ContractId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.name, self.major)
    }
}

impl FromStr for ContractId {
    type Err = NotAContractId;

    fn from_str(text: &str) -> Result<Self, NotAContractId> {
        let bad = || NotAContractId(text.to_owned());
        let (name, major) = text.split_once('/').ok_or_else(bad)?;
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(bad());
        }
        let major = major.parse().ok().filter(|major| *major > 0).ok_or_else(bad)?;
        Ok(Self { name: name.to_owned(), major })
    }
}

impl TryFrom<String> for ContractId {
    type Error = NotAContractId;

    fn try_from(text: String) -> Result<Self, NotAContractId> {
        text.parse()
    }
}

impl From<ContractId> for String {
    fn from(id: ContractId) -> Self {
        id.to_string()
    }
}

/// What a mapping proposes: not yet checked. It borrows from the payload and the mapping.
///
/// Its JSON is `{"contract": …, "key": …, "body": {…}}`, or for a retraction
/// `{"contract": …, "key": …, "retract": {"source": …, "source_code": …, "at": …, "reason": …}}`:
/// the reason stands with the rest, so that one schema covers it all.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft<'a> {
    /// The contract it means to satisfy.
    pub contract: ContractId,
    /// The record's key within its source.
    pub key: Cow<'a, str>,
    /// What it says.
    pub body: Body<'a>,
}

/// What a draft says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body<'a> {
    /// The record whole, by the contract's schema.
    Whole(Part<'a>),
    /// That its source withdraws it, by the contract's schema for retractions.
    Retraction(Part<'a>),
}

impl<'a> Body<'a> {
    /// What it says, whichever it is.
    pub fn part(&self) -> &Part<'a> {
        match self {
            Self::Whole(part) | Self::Retraction(part) => part,
        }
    }

    /// The same as JSON.
    pub fn json(&self) -> Value {
        self.part().into()
    }
}

impl From<Value> for Body<'_> {
    fn from(value: Value) -> Self {
        Self::Whole(value.into())
    }
}

impl Draft<'_> {
    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Draft<'static> {
        let body = match &self.body {
            Body::Whole(part) => Body::Whole(Value::from(part).into()),
            Body::Retraction(part) => Body::Retraction(Value::from(part).into()),
        };
        Draft { contract: self.contract, key: self.key.into_owned().into(), body }
    }
}

impl Serialize for Draft<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = match self.body {
            Body::Whole(_) => "body",
            Body::Retraction(_) => "retract",
        };
        let mut members = serializer.serialize_struct("Draft", 3)?;
        members.serialize_field("contract", &self.contract)?;
        members.serialize_field("key", &self.key)?;
        members.serialize_field(name, self.body.part())?;
        members.end()
    }
}

/// A draft that satisfies its contract. Only [`crate::Contracts::seal`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub(crate) contract: ContractId,
    pub(crate) key: String,
    pub(crate) public: String,
    pub(crate) personal: Option<String>,
    pub(crate) retracts: bool,
}

impl Record {
    /// Its contract.
    pub fn contract(&self) -> &ContractId {
        &self.contract
    }

    /// Its key within its source.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether it withdraws what its source told before, and its texts are a retraction's.
    pub fn retracts(&self) -> bool {
        self.retracts
    }

    /// The JSON text of the members not marked personal: what feeds and exports carry.
    pub fn public_text(&self) -> &str {
        &self.public
    }

    /// The JSON text of the personal members alone, or none.
    pub fn personal_text(&self) -> Option<&str> {
        self.personal.as_deref()
    }

    /// Its contract, its key, its public text and its personal one.
    pub fn into_parts(self) -> (ContractId, String, String, Option<String>) {
        (self.contract, self.key, self.public, self.personal)
    }

    /// The whole record: both sides joined, as the types of this crate read it.
    ///
    /// # Errors
    /// A text that is not JSON; a sealed record has none.
    pub fn body(&self) -> Result<Value, serde_json::Error> {
        let public = serde_json::from_str(&self.public)?;
        match &self.personal {
            Some(text) => Ok(crate::schema::join(public, serde_json::from_str(text)?)),
            None => Ok(public),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_ids_are_name_and_major() {
        let id: ContractId = "dossier-state/1".parse().unwrap();
        assert_eq!(
            (id.name(), id.major(), id.to_string().as_str()),
            ("dossier-state", 1, "dossier-state/1")
        );
        for text in ["dossier", "dossier/0", "Dossier/1", "/1", "dossier/x"] {
            assert!(text.parse::<ContractId>().is_err(), "{text}");
        }
    }
}
