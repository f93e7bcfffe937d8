//! `[attachments]`: where files lie that records name, and what may be sent.

use std::path::{Path, PathBuf};

use mappings::Diagnostic;
use serde::Deserialize;
use toml::Spanned;

use super::StoreAddress;

/// Megabytes of one file, unless told; and at most.
const FILE_MEGABYTES: u64 = 50;
const FILE_MEGABYTES_MAX: u64 = 10_240;

/// Gigabytes that one sender may have sent, unless told; and at most.
const SENDER_GIGABYTES: u64 = 20;
const SENDER_GIGABYTES_MAX: u64 = 1 << 20;

/// What may be sent, unless told.
const TYPES: [&str; 9] = [
    "application/pdf",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/xml",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "text/plain",
];

/// Where files lie, and what may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentSettings {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes of one file, at most.
    pub file_bytes_max: u64,
    /// Bytes that one sender may have sent, at most.
    pub sender_bytes_max: u64,
    /// Media types that are taken.
    pub types: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    folder: Option<PathBuf>,
    file_megabytes_max: Option<Spanned<u64>>,
    sender_gigabytes_max: Option<Spanned<u64>>,
    types: Option<Vec<String>>,
}

impl Declared {
    /// What is declared, or follows from the store: files lie beside the file of one, and nowhere
    /// beside a server where no folder is named.
    pub(super) fn settings(
        self,
        store: &StoreAddress,
        (name, text, folder): (&str, &str, &Path),
        found: &mut Vec<Diagnostic>,
    ) -> Option<AttachmentSettings> {
        let mut number = |told: &Option<Spanned<u64>>, otherwise: u64, max: u64| {
            let Some(told) = told else { return otherwise };
            if !(1..=max).contains(told.get_ref()) {
                let message = format!("{} is not between 1 and {max}", told.get_ref());
                let advice = "write a number between them";
                found.push(Diagnostic::at(name, text, &told.span(), message, advice));
            }
            *told.get_ref()
        };
        let file = number(&self.file_megabytes_max, FILE_MEGABYTES, FILE_MEGABYTES_MAX);
        let sender = number(&self.sender_gigabytes_max, SENDER_GIGABYTES, SENDER_GIGABYTES_MAX);
        let folder = match (self.folder, store) {
            (Some(told), _) => folder.join(told),
            (None, StoreAddress::Sqlite(path)) => {
                let mut beside = path.clone().into_os_string();
                beside.push(".attachments");
                beside.into()
            }
            (None, StoreAddress::Postgres(_)) => return None,
        };
        let types = self.types.unwrap_or_else(|| TYPES.map(ToOwned::to_owned).to_vec());
        Some(AttachmentSettings {
            folder,
            file_bytes_max: file.saturating_mul(1 << 20),
            sender_bytes_max: sender.saturating_mul(1 << 30),
            types: types.into_iter().map(|one| one.to_ascii_lowercase()).collect(),
        })
    }
}
