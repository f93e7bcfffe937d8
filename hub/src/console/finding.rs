//! The page's section of what there is to ask about.

use serde::Deserialize;

use crate::{
    auth::Principal,
    operations::{FindingQuestion, Operations},
    store::StoreError,
};

/// Findings shown: the latest that are open.
const SHOWN: u32 = 10;

/// A finding, as far as the page shows it.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) rule: String,
    pub(super) agency: String,
    #[serde(default)]
    pub(super) dossier: String,
    pub(super) vi: String,
    pub(super) en: String,
    pub(super) question_vi: String,
    pub(super) question_en: String,
}

/// What there is to ask about, as the page shows it.
pub(super) struct Section {
    pub(super) rows: Vec<Row>,
    /// All entries before this one were judged.
    pub(super) judged: u64,
}

impl Section {
    /// Reads it.
    pub(super) async fn read(operations: &Operations) -> Result<Self, StoreError> {
        let question = FindingQuestion { open: Some(true), limit: SHOWN, ..Default::default() };
        let page = operations.findings(&Principal::Operator, question).await?;
        let read = |text: &serde_json::value::RawValue| serde_json::from_str(text.get());
        let rows = page.findings.iter().map(|one| read(one)).collect::<Result<_, _>>();
        let rows = rows.map_err(|error| StoreError::fault(error.to_string()))?;
        Ok(Self { rows, judged: page.judged })
    }
}
