//! API keys as rows: whose they are, what they are for, and until when.

use jiff::Timestamp;

use super::StoreError;
use crate::journal::merkle::Digest;

/// An API key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public part, by which it is looked up.
    pub id: String,
    /// SHA-256 of its secret.
    pub hash: Digest,
    /// The thumbprint of the certificate that bears it, 64 digits; then nobody has its secret.
    pub certificate: Option<String>,
    /// Whose it is: `agency:<id>`, `portal`, `reporting:<name>` or `operator`.
    pub principal: String,
    /// What its bearer calls it.
    pub name: Option<String>,
    /// The scopes it is for, with a blank between two; absent for all that its principal has.
    pub scopes: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When it was last used, to the minute or so; as it is read, not as it is added.
    pub used_at: Option<Timestamp>,
}

impl ApiKey {
    /// A key of a principal, without an end and for all that its principal may do.
    pub fn new(id: String, hash: Digest, principal: String) -> Self {
        Self {
            id,
            hash,
            certificate: None,
            principal,
            name: None,
            scopes: None,
            expires_at: None,
            revoked_at: None,
            used_at: None,
        }
    }

    /// Whether it is neither revoked nor over.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A time as it is stored.
pub(super) fn time(text: Option<String>) -> Result<Option<Timestamp>, StoreError> {
    let parse = |text: String| text.parse::<Timestamp>();
    text.map(parse).transpose().map_err(|error| StoreError::fault(format!("a key's time: {error}")))
}
