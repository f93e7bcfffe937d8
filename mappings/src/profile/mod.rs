//! What a channel sends, as data: its fields, how often each is filled, and how its values are
//! written. A profile holds no value of anybody: counts, lengths, forms, and of the values only
//! codes that a code table of the channel lists, or that look like codes and nothing else.
//!
//! Profiles are bounded, whatever is sent, and add up in any order. [`changes`] compares them.

mod drift;
mod form;
mod gather;
mod reading;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use drift::{Change, ChangeKind, changes};
pub use gather::{Gatherer, RECORDS_MAX};
pub use reading::reading;

/// Fields of one kind of record that no rule reads: a sender that invents names fills no store.
pub const FIELDS_MAX: usize = 256;
/// Codes kept of one field, of those listed and of those not.
pub const CODES_MAX: usize = 64;
/// Letters of a field's path; a longer one is counted as one more.
pub const PATH_LETTERS_MAX: usize = 160;

type Counts<K> = BTreeMap<K, u64>;

/// What a channel has sent. Its parts are named by the contract of the rules that take a record,
/// such as `dossier/1`; `undecided` are those that no rule takes, `around` is what stands around
/// the records of a message, looked at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile(pub BTreeMap<String, Fields>);

/// The fields of one kind of record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// Records looked at.
    pub records: u64,
    /// The fields by their path, in the syntax of the mapping, without indexes.
    pub fields: BTreeMap<String, Field>,
    /// How often a field came that is not listed: too many are, or its name is too long.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// What the mapping does with a field.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// No rule reads it.
    #[default]
    Unread,
    /// A rule reads it as it is.
    Text,
    /// A rule reads it as a number.
    Number,
    /// A rule reads it as a day or a time.
    Date,
    /// A rule looks it up in a code table.
    Code,
}

/// One field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Field {
    /// What the mapping did with it, where it did most.
    #[serde(rename = "use")]
    pub used: Use,
    /// Records that have it.
    pub present: u64,
    /// Records in which it is not blank.
    pub filled: u64,
    /// Its values by type: `text`, `number`, `boolean`, or `nested` for what holds fields.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub types: Counts<String>,
    /// Its values by form: of a date `dd/MM/yyyy`, of a number `1.000,5`, else `text`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub forms: Counts<String>,
    /// Letters of its shortest and its longest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letters: Option<(u64, u64)>,
    /// Digits before the decimal sign, of numbers that are not 0.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub digits: Counts<u8>,
    /// Its codes that the code table lists.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: Counts<String>,
    /// Its codes that the table does not list.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub strange: Counts<String>,
    /// Values that are not listed and are not kept, since they may be no codes.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden: u64,
    /// The last record that has it, and the last in which it is not blank: while gathering.
    #[serde(skip)]
    seen: (u64, u64),
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn add<K: Ord + Clone>(into: &mut Counts<K>, other: &Counts<K>, max: usize) -> u64 {
    let mut left = 0;
    for (key, count) in other {
        if let Some(known) = into.get_mut(key) {
            *known += count;
        } else if into.len() < max {
            into.insert(key.clone(), *count);
        } else {
            left += count;
        }
    }
    left
}

impl Field {
    /// Its values that are not blank and hold no fields.
    pub fn values(&self) -> u64 {
        self.forms.values().sum()
    }

    fn merge(&mut self, other: &Self) {
        self.used = self.used.max(other.used);
        self.present += other.present;
        self.filled += other.filled;
        add(&mut self.types, &other.types, usize::MAX);
        add(&mut self.forms, &other.forms, usize::MAX);
        add(&mut self.digits, &other.digits, usize::MAX);
        self.letters = match (self.letters, other.letters) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        self.hidden += other.hidden;
        self.hidden += add(&mut self.codes, &other.codes, CODES_MAX);
        self.hidden += add(&mut self.strange, &other.strange, CODES_MAX);
    }
}

impl Fields {
    /// The field of a path, if there is room for it. What rules read has always room: its number is
    /// the mapping's.
    fn field(&mut self, path: &str, used: Use) -> Option<&mut Field> {
        if !self.fields.contains_key(path) {
            let unread = self.fields.values().filter(|one| one.used == Use::Unread).count();
            let room = used != Use::Unread || unread < FIELDS_MAX;
            if !room || path.chars().count() > PATH_LETTERS_MAX {
                self.more += 1;
                return None;
            }
            self.fields.insert(path.to_owned(), Field::default());
        }
        let field = self.fields.get_mut(path)?;
        field.used = field.used.max(used);
        Some(field)
    }
}

impl Profile {
    /// Adds another one.
    pub fn merge(&mut self, other: &Self) {
        for (name, fields) in &other.0 {
            let own = self.0.entry(name.clone()).or_default();
            own.records += fields.records;
            own.more += fields.more;
            for (path, field) in &fields.fields {
                if let Some(into) = own.field(path, field.used) {
                    into.merge(field);
                }
            }
        }
    }

    /// Records looked at.
    pub fn records(&self) -> u64 {
        let records = self.0.iter().filter(|(name, _)| *name != gather::AROUND);
        records.map(|(_, fields)| fields.records).sum()
    }
}
