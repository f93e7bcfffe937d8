//! Drafts and records: what a mapping proposes, and what a contract has accepted.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;

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

/// What a mapping proposes: not yet checked.
///
/// Its JSON is `{"contract": …, "key": …, "body": {…}}`, or for a retraction
/// `{"contract": …, "key": …, "retract": {"source": …, "source_code": …, "at": …, "reason": …}}`:
/// the reason stands with the rest, so that one schema covers it all. A plain JSON value in place
/// of the [`Body`] is a whole body.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft<B = Body> {
    /// The contract it means to satisfy.
    pub contract: ContractId,
    /// The record's key within its source.
    pub key: String,
    /// What it says.
    pub body: B,
}

/// What a draft says, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The record whole, by the contract's schema.
    Whole(Value),
    /// That its source withdraws it, by the contract's schema for retractions.
    Retraction(Value),
}

impl Body {
    /// The JSON, whichever it is.
    pub fn json(&self) -> &Value {
        match self {
            Self::Whole(value) | Self::Retraction(value) => value,
        }
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self::Whole(value)
    }
}

impl Serialize for Draft {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = match self.body {
            Body::Whole(_) => "body",
            Body::Retraction(_) => "retract",
        };
        let mut members = serializer.serialize_struct("Draft", 3)?;
        members.serialize_field("contract", &self.contract)?;
        members.serialize_field("key", &self.key)?;
        members.serialize_field(name, self.body.json())?;
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
