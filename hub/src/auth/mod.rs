//! Who asks, and what for: API keys, stored hashed and compared in constant time, each with its
//! scopes and its end (`keys.rs`, `scope.rs`); what personal data is read for (`purpose.rs`);
//! what is had for a key, tokens that end by themselves and passwords for digests (`seal.rs`); and
//! who is not heard for a while (`attempts.rs`).

mod attempts;
mod door;
mod keys;
mod purpose;
mod scope;
mod seal;

use std::{fmt, str::FromStr};

pub(crate) use attempts::{Attempts, Origin};
pub use keys::{Caller, Judged, Keys, digest_password, new_key, new_key_of_certificate};
pub use purpose::Purpose;
pub use scope::{NotAScope, Scope, Scopes};

/// Letters of the name of a reporting tool, at most.
const TOOL_CHARS_MAX: usize = 64;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A system of one agency: writes and reads its own.
    Agency(String),
    /// The provincial portal: reads the public part of everything.
    Portal,
    /// A reporting tool, by its name: reads what is public and nobody's own, and writes nothing.
    Reporting(String),
    /// The person who runs the hub: on its own machine, or with a key.
    Operator,
}

/// The text names no principal that a key can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no principal: write agency:ID, portal, reporting:NAME or operator; a NAME is small \
     letters of ASCII, digits and -"
)]
pub struct NotAPrincipal(String);

impl fmt::Display for Principal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agency(id) => write!(out, "agency:{id}"),
            Self::Portal => out.write_str("portal"),
            Self::Reporting(name) => write!(out, "reporting:{name}"),
            Self::Operator => out.write_str("operator"),
        }
    }
}

impl FromStr for Principal {
    type Err = NotAPrincipal;

    fn from_str(text: &str) -> Result<Self, NotAPrincipal> {
        let plain = |name: &str| {
            let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            (1..=TOOL_CHARS_MAX).contains(&name.len())
                && name.bytes().all(|byte| letter(byte) || byte == b'-')
        };
        match text.split_once(':') {
            Some(("agency", id)) if !id.is_empty() => Ok(Self::Agency(id.to_owned())),
            Some(("reporting", name)) if plain(name) => Ok(Self::Reporting(name.to_owned())),
            None if text == "portal" => Ok(Self::Portal),
            None if text == "operator" => Ok(Self::Operator),
            _ => Err(NotAPrincipal(text.to_owned())),
        }
    }
}

impl Principal {
    /// Whether it may see and send what belongs to an agency.
    pub fn owns(&self, agency: &str) -> bool {
        match self {
            Self::Agency(id) => id == agency,
            Self::Portal | Self::Reporting(_) => false,
            Self::Operator => true,
        }
    }

    /// What it is, without whose: for logs and counts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Agency(_) => "agency",
            Self::Portal => "portal",
            Self::Reporting(_) => "reporting",
            Self::Operator => "operator",
        }
    }
}

#[cfg(test)]
mod tests;
