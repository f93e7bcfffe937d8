//! Secrets by which the hub shows agencies' systems who it is: one file of names and values, which
//! nobody but the hub's user may read. Values are in no mapping, log or answer.

use std::{
    collections::BTreeMap,
    fmt, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use adapters::outbound::Secret;
use mappings::Diagnostic;

/// Names and values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, String>);

impl fmt::Debug for Secrets {
    /// The names alone.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Reads the file, where the configuration names one.
    ///
    /// # Errors
    /// A file that is none, or that others may read.
    pub fn read(path: Option<&Path>) -> Result<Self, Vec<Diagnostic>> {
        let Some(path) = path else { return Ok(Self::default()) };
        let name = path.display().to_string();
        let fault = |message: String, advice: &str| {
            vec![Diagnostic::at(&name, "", &(0..0), message, advice)]
        };
        let read = fs::metadata(path).and_then(|about| Ok((about, fs::read_to_string(path)?)));
        let (about, text) = read.map_err(|error| {
            fault(format!("it cannot be read: {error}"), "name it by `secrets` of hub.toml")
        })?;
        if about.permissions().mode() & 0o077 != 0 {
            let message = "others than the hub's user may read it".to_owned();
            return Err(fault(message, "take the right from them: chmod 600"));
        }
        // What is wrong in it is told without its text.
        let told: BTreeMap<String, String> = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().lines().count().max(1);
            let message = format!("line {line} is no NAME = \"VALUE\"");
            fault(message, "write one secret a line: NAME = \"VALUE\"")
        })?;
        Ok(Self(told))
    }

    /// A secret by its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The secret of a name, read anew from the file whenever it is asked for.
    pub fn named(path: Option<PathBuf>, name: &str) -> Secret {
        let owned = name.to_owned();
        Secret::new(name, move || {
            let all = Self::read(path.as_deref())
                .map_err(|found| found.first().map(ToString::to_string).unwrap_or_default())?;
            let value = all.get(&owned).map(ToOwned::to_owned);
            value.ok_or_else(|| format!("there is no secret `{owned}`"))
        })
    }
}
