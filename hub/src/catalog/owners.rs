//! Whose source systems are whose: no agency's channel tells of another's dossiers in the name of
//! the other's system.
//!
//! A system is that of an agency which says so in its `agency.toml`, whose mapping names it as a
//! constant, or which is called the same. One that nobody names, as a payload may bring it, is open
//! to all; one that several name is theirs together.

use std::collections::{BTreeMap, BTreeSet};

use super::Catalog;

/// The member that names the system.
const SOURCE: &str = "source";

/// The agencies of each source system, by its name.
#[derive(Debug, Default)]
pub struct Owners(BTreeMap<String, BTreeSet<String>>);

impl Owners {
    /// As agencies declare them.
    pub(super) fn of(catalog: &Catalog) -> Self {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut own = |source: &str, agency: &str| {
            all.entry(source.to_owned()).or_default().insert(agency.to_owned());
        };
        for agency in &catalog.agencies {
            own(&agency.id, &agency.id);
            agency.sources.keys().for_each(|source| own(source, &agency.id));
        }
        for channel in catalog.channels.values() {
            let Some((agency, _)) = channel.id.split_once('.') else { continue };
            for told in channel.mapping.lineage() {
                let constant = told.source.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
                if let Some(source) = constant.filter(|_| told.target == SOURCE) {
                    own(source, agency);
                }
            }
        }
        Self(all)
    }

    /// Whether a system is that of other agencies alone.
    pub fn are_others(&self, source: &str, agency: &str) -> bool {
        self.0.get(source).is_some_and(|agencies| !agencies.contains(agency))
    }
}
