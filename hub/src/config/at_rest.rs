//! The keys by which what holds persons is sealed: a file that nobody but the hub's user may read,
//! or the environment.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use mappings::Diagnostic;

use super::Config;
use crate::store::at_rest::Keyring;

/// The variable that holds the lines of such a file, where no file is named.
pub(super) const VARIABLE: &str = "LIENTHONG_AT_REST";

impl Config {
    /// The keys by which what holds persons is sealed at rest; without a file of them those of the
    /// environment, `LIENTHONG_AT_REST`.
    ///
    /// # Errors
    /// Keys that cannot be read, or that others may read.
    pub fn keys(&self) -> Result<Keyring, Vec<Diagnostic>> {
        keys(self.at_rest.as_deref())
    }

    /// The keys of the environment alone: for who goes by no configuration.
    ///
    /// # Errors
    /// Those of [`Self::keys`].
    pub fn keys_of_environment() -> Result<Keyring, Vec<Diagnostic>> {
        keys(None)
    }
}

/// Reads the keys: out of the file, where one is named; else out of the environment, where the
/// variable is set; else there are none.
///
/// # Errors
/// A file that cannot be read or that others may read, and lines that are no keys; never a key.
fn keys(file: Option<&Path>) -> Result<Keyring, Vec<Diagnostic>> {
    let fault = |name: &str, line: usize, message: String, advice: &str| {
        let told = Diagnostic::at(name, "", &(0..0), message, advice);
        vec![Diagnostic { line: u32::try_from(line).unwrap_or(u32::MAX), ..told }]
    };
    let (name, text) = match file {
        Some(path) => {
            let name = path.display().to_string();
            let read = fs::metadata(path).and_then(|about| Ok((about, fs::read_to_string(path)?)));
            let (about, text) = read.map_err(|error| {
                let message = format!("it cannot be read: {error}");
                fault(&name, 1, message, "make it by `lienthong at-rest new`, or mend `at_rest`")
            })?;
            if about.permissions().mode() & 0o077 != 0 {
                let message = "others than the hub's user may read it".to_owned();
                return Err(fault(&name, 1, message, "take the right from them: chmod 600"));
            }
            (name, text)
        }
        None => match super::keys_variable() {
            Some(text) => (VARIABLE.to_owned(), text),
            None => return Ok(Keyring::none()),
        },
    };
    let advice = "write a NAME and 64 hexadecimal digits on each line; the first line seals";
    let keys = Keyring::parse(&text);
    let keys = keys.map_err(|(line, why)| fault(&name, line, why.to_owned(), advice))?;
    match keys.first() {
        Some(_) => Ok(keys),
        None => Err(fault(&name, 1, "there is no key in it".to_owned(), advice)),
    }
}
