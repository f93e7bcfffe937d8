//! Erasing a person on request.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{Operations, agency_of};
use crate::{
    attachments,
    registry::AskedBy,
    store::{
        DossierRow, StoreError,
        attachments::names_read,
        erasures::{Erasable, Erased, Erasing, Erasure},
    },
};

/// Letters of a reason, at most.
pub const REASON_CHARS_MAX: usize = 255;

/// Whose persons are to be erased, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureAsked {
    /// A code of the dossier.
    pub code: String,
    /// The source, where several dossiers bear that code.
    pub source: Option<String>,
    /// Who asked.
    pub asked_by: AskedBy,
    /// Why, in words.
    pub reason: String,
}

/// An erasure, as it is told.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Erasure)]
pub struct ToldErasure {
    /// The position of its entry.
    pub position: u64,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The names of the dossier then: `source/source_code` each; behind them those of feedback
    /// and requests about it, of applications that became it, and of answers to all of these:
    /// `agency/contract/key`.
    pub names: Vec<String>,
    /// Who asked.
    pub asked_by: AskedBy,
    /// That, in Vietnamese.
    pub asked_by_vi: &'static str,
    /// The same in English.
    pub asked_by_en: &'static str,
    /// Why.
    pub reason: String,
    /// How many personal texts went.
    pub texts: u64,
    /// Of how many messages the raw bytes went.
    pub messages: u64,
    /// How many attached files went, since nothing else names them.
    pub files: u64,
}

/// A page of erasures, in journal order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErasurePage {
    /// The erasures.
    pub erasures: Vec<ToldErasure>,
    /// The position after which the next page begins, where there may be one.
    #[serde(skip)]
    pub next: Option<u64>,
}

impl From<Erasure> for ToldErasure {
    fn from(Erasure { position, recorded_at, text }: Erasure) -> Self {
        let (asked_by_vi, asked_by_en) = text.asked_by.words();
        Self {
            position,
            at: recorded_at,
            names: text.names,
            asked_by: text.asked_by,
            asked_by_vi,
            asked_by_en,
            reason: text.reason,
            texts: text.texts.len() as u64,
            messages: text.messages.len() as u64,
            files: text.files,
        }
    }
}

/// Whether a text can be the reason of an erasure: one line, not empty, not long.
pub fn is_reason(text: &str) -> bool {
    let length = text.chars().count();
    !text.trim().is_empty() && length <= REASON_CHARS_MAX && !text.contains(char::is_control)
}

impl Operations {
    /// The dossiers that bear a code.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn bearing(
        &self,
        code: &str,
        source: Option<&str>,
    ) -> Result<Vec<DossierRow>, StoreError> {
        let found = self.store.find(code.to_owned(), source.map(ToOwned::to_owned)).await?;
        Ok(found.dossiers)
    }

    /// What there is to erase of a dossier, by its key.
    ///
    /// # Errors
    /// When the store cannot answer, or a text of which it is not known yet which files it names
    /// cannot be opened.
    pub async fn erasable(&self, key: String) -> Result<Erasable, StoreError> {
        names_read(&*self.store).await?;
        self.store.erasable(key).await
    }

    /// Erases the persons of a dossier, by its key, removes the files in the folder of attachments
    /// that nothing else names, and has the disk forget them.
    ///
    /// # Errors
    /// When the store cannot answer or write, or takes part in a move; when it has erased them, but
    /// a file could not be removed, which a hub tries again, or what lies beside the store's file
    /// could not be emptied yet.
    pub async fn erase(
        &self,
        (key, folder): (String, Option<&Path>),
        asked: &ErasureAsked,
    ) -> Result<Erased, StoreError> {
        let erasing = Erasing { key, asked_by: asked.asked_by, reason: asked.reason.clone() };
        names_read(&*self.store).await?;
        let done = self.store.erase(erasing).await?;
        let removed = attachments::clear(&*self.store, folder).await;
        self.store.forget().await?;
        removed.map(|_| done).map_err(|error| StoreError {
            reason: format!("the persons are erased, but not all files: {}", error.reason),
            ..error
        })
    }

    /// A page of erasures: those of dossiers that an agency has told of, or all.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn erasure_page(
        &self,
        agency: Option<&str>,
        after: Option<u64>,
        limit: u32,
    ) -> Result<ErasurePage, StoreError> {
        let found = self.store.erasures(after, limit).await?;
        let is_full = found.len() == limit as usize;
        let next = found.last().filter(|_| is_full).map(|one| one.position);
        let own = |one: &Erasure| {
            let told = |agency| one.text.names.iter().any(|name| agency_of(name) == agency);
            agency.is_none_or(told)
        };
        let own = found.into_iter().filter(own).map(ToldErasure::from);
        Ok(ErasurePage { erasures: own.collect(), next })
    }

    /// Erasures after a position, in journal order.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn erasures(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Erasure>, StoreError> {
        self.store.erasures(after, limit).await
    }
}
