//! Dossiers one after the other, in an order that no change moves.

use super::{Answer, DossierRow, StoreError};
use crate::registry::Identity;

/// A dossier in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number: the position at which its smallest name was first heard of.
    pub number: u64,
    /// The dossier as it stands.
    pub row: DossierRow,
}

/// All dossiers. One method = one transaction.
pub trait Listing: Send + Sync {
    /// Dossiers from a number on, in the order of their numbers; those that a merge retired are
    /// left out.
    fn listed(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<Listed>, StoreError>>;

    /// Every name that a dossier ever had, by its number, from a number on: that is the position at
    /// which it was first heard of.
    fn identities(
        &self,
        from: u64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<(u64, Identity)>, StoreError>>;
}
