//! A secret by its name, whoever keeps it.

use std::{fmt, sync::Arc};

use super::{Class, Failure};

/// Gives a secret's value as it is now, or says why there is none.
type Reads = dyn Fn() -> Result<String, String> + Send + Sync;

/// A secret by its name. Its value is read whenever it is asked for, and is never shown.
#[derive(Clone)]
pub struct Secret {
    name: String,
    reads: Arc<Reads>,
}

impl Secret {
    /// The secret of a name, and what reads it.
    pub fn new(
        name: impl Into<String>,
        reads: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), reads: Arc::new(reads) }
    }

    /// Its value.
    ///
    /// # Errors
    /// [`Class::Denied`] where there is none: somebody must set it right first.
    pub fn read(&self) -> Result<String, Failure> {
        (self.reads)().map_err(|why| Failure::new(Class::Denied, why))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    /// The name alone.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Secret").field(&self.name).finish()
    }
}
