//! Reports as they are written, kept while the journal does not move.
//!
//! A report is asked for by many on the same morning, and a workbook costs more to write than its
//! figures to read. Whoever asks while one is being filled and written waits for that one.

use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use quick_cache::{Weighter, sync::Cache};

use super::{NoReport, ReportAnswer, ReportQuestion};
use crate::{
    auth::Principal,
    operations::Operations,
    report::{self, Format},
    store::StoreError,
};

/// Bytes kept at most.
const BYTES_MAX: u64 = 16 << 20;
/// Bytes of a usual report: by it the room for names is measured.
const BYTES_USUAL: usize = 32_768;

/// A report in a format.
#[derive(Debug)]
pub struct WrittenReport {
    /// Its bytes.
    pub bytes: Bytes,
    /// The journal position that it is true at.
    pub as_of: u64,
    /// The position of the freeze whose figures these are, or that they are compared with.
    pub frozen_at: Option<u64>,
    /// A name for its file.
    pub file_name: String,
}

#[derive(Clone)]
struct Size;

impl Weighter<String, Arc<WrittenReport>> for Size {
    fn weight(&self, asked: &String, written: &Arc<WrittenReport>) -> u64 {
        (asked.len() + written.bytes.len() + written.file_name.len() + 256) as u64
    }
}

/// The reports that one process has written.
#[derive(Clone)]
pub struct WrittenReports(Arc<Cache<String, Arc<WrittenReport>, Size>>);

impl Default for WrittenReports {
    fn default() -> Self {
        let usual = (BYTES_MAX as usize) / BYTES_USUAL;
        Self(Arc::new(Cache::with_weighter(usual, BYTES_MAX, Size)))
    }
}

impl Operations {
    /// A report, in a format. One that was written at this size of the journal, on this day and for
    /// this asker, is the same.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn written_report(
        &self,
        who: &Principal,
        question: &ReportQuestion,
        today: Date,
        format: Format,
    ) -> Result<Arc<WrittenReport>, NoReport> {
        let size = self.store.head().await?.tree.size;
        // Every member of a question shows in it, so no two questions are told alike.
        let few = self.few;
        let asked = format!("{size} {today} {who} {few} {} {question:?}", format.name());
        let written = async {
            let answer = self.report(who, question, today).await?;
            // A workbook is some milliseconds of work: others are answered meanwhile.
            let written = tokio::task::spawn_blocking(move || written(&answer, format)).await;
            let written = written.map_err(|error| StoreError::fault(error.to_string()))?;
            Ok::<_, NoReport>(Arc::new(written?))
        };
        self.written_reports.0.get_or_insert_async(asked.as_str(), written).await
    }
}

fn written(answer: &ReportAnswer, format: Format) -> Result<WrittenReport, StoreError> {
    let bytes = report::write(answer, format);
    let bytes = bytes.map_err(|error| StoreError::fault(error.to_string()))?.into();
    let (as_of, freeze) = match answer {
        ReportAnswer::Report(told) => (told.report.as_of, told.freeze.as_ref()),
        ReportAnswer::Difference(told, freeze) => (told.as_of, Some(freeze)),
    };
    Ok(WrittenReport {
        bytes,
        as_of,
        frozen_at: freeze.map(|freeze| freeze.position),
        file_name: report::file_name(answer, format),
    })
}
