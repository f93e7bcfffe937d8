//! What a store keeps of attachments: who has which file. The bytes lie beside it, under their
//! digest ([`crate::attachments`]).

use super::{Answer, StoreError};

/// A file and one who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFile {
    /// `sha256:` and the SHA-256 of its bytes.
    pub digest: String,
    /// Who: an agency by hub id, or the portal.
    pub holder: String,
    /// Bytes.
    pub size: u64,
    /// What kind of file, as its first sender said.
    pub media_type: String,
}

/// Attachments. One method = one transaction.
pub trait Attachments: Send + Sync {
    /// Notes that a holder has sent a file; once, however often it is sent. Gives false, and notes
    /// nothing, where the bytes that it has sent would come to more than `most`.
    fn hold(&self, file: HeldFile, most: u64) -> Answer<'_, Result<bool, StoreError>>;

    /// Notes that another has a file too, since it is sent a record that names it.
    fn share(&self, file: HeldFile) -> Answer<'_, Result<(), StoreError>>;

    /// A file, where the holder has it.
    fn held(
        &self,
        digest: String,
        holder: String,
    ) -> Answer<'_, Result<Option<HeldFile>, StoreError>>;

    /// Who has sent a file.
    fn senders(&self, digest: String) -> Answer<'_, Result<Vec<String>, StoreError>>;

    /// Digests and sizes of all files behind a digest, in their order.
    fn files(
        &self,
        after: String,
        limit: u32,
    ) -> Answer<'_, Result<Vec<(String, u64)>, StoreError>>;
}
