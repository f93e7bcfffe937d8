//! What a key may be for: scopes, as OAuth 2 names them (RFC 6749, 3.3).

use std::{fmt, str::FromStr};

use super::Principal;

macro_rules! scopes {
    ($($name:ident $text:literal $about:literal;)*) => {
        /// One thing that a key may be for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Scope { $(#[doc = $about] $name),* }

        impl Scope {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it is for, in English.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about),* }
            }
        }
    };
}

scopes! {
    Catalogue "catalogue:read" "Procedures, agencies, units.";
    Dossiers "dossiers:read" "Look dossiers and their deadlines up.";
    Statistics "statistics:read" "Statistics, reports, findings, the roadmap.";
    Feeds "feeds:read" "Feeds as pages and streams, and the records that they name.";
    Send "messages:write" "Send messages to one's own channels.";
    Messages "messages:read" "What became of messages: traces, refusals, conformance, deliveries.";
    Settle "messages:settle" "Settle refusals and dead letters, compare control lists.";
    Exchange "exchange:read" "Requests, applications, feedback and their files.";
    Ask "exchange:write" "Begin and answer requests and applications, and send files.";
    Subscribe "subscriptions:write" "Have feeds sent to an address of one's own.";
    Persons "personal:read" "Personal members of what else may be read, for a purpose.";
    AccessLog "access-log:read" "Who was given personal data of one's agency.";
    Operate "operate" "Steer the hub.";
    Watch "watches:write" "Follow single dossiers for who shows to be their applicant.";
}

/// Some scopes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u16);

/// A text names no scope, or one that is not had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope; there are: {all}", all = Scopes::EVERY)]
pub struct NotAScope(String);

impl Scopes {
    /// Every scope there is.
    pub const EVERY: Self = Self((1 << Scope::ALL.len()) - 1);

    /// None.
    pub const NONE: Self = Self(0);

    /// Those of a list.
    pub const fn of(list: &[Scope]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < list.len() {
            bits |= 1 << list[at] as u16;
            at += 1;
        }
        Self(bits)
    }

    /// What a principal may do at most.
    pub const fn of_principal(principal: &Principal) -> Self {
        use Scope::{
            AccessLog, Ask, Catalogue, Dossiers, Exchange, Feeds, Messages, Persons, Send, Settle,
            Statistics, Subscribe, Watch,
        };
        const READS: &[Scope] = &[Catalogue, Statistics, Feeds, Subscribe];
        const PORTAL: &[Scope] = &[
            Catalogue, Dossiers, Statistics, Feeds, Send, Messages, Exchange, Ask, Subscribe,
            Persons,
        ];
        match principal {
            Principal::Agency(_) => {
                let portal = Self::of(PORTAL);
                Self(portal.0 | Self::of(&[Settle, AccessLog]).0)
            }
            Principal::Portal => {
                let portal = Self::of(PORTAL);
                Self(portal.0 | Self::of(&[Watch]).0)
            }
            Principal::Reporting(_) => Self::of(READS),
            Principal::Operator => Self::EVERY,
        }
    }

    /// Whether a scope is among them.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u16) != 0
    }

    /// Whether all of these are among those.
    pub const fn within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// As a number, for texts that carry them sealed.
    pub(super) const fn bits(self) -> u16 {
        self.0
    }

    /// Those of such a number.
    pub(super) const fn from_bits(bits: u16) -> Self {
        Self(bits & Self::EVERY.0)
    }
}

impl FromStr for Scopes {
    type Err = NotAScope;

    /// Names with blanks between them.
    fn from_str(text: &str) -> Result<Self, NotAScope> {
        text.split_ascii_whitespace().try_fold(Self(0), |all, name| {
            let found = Scope::ALL.iter().find(|scope| scope.name() == name);
            let scope = found.ok_or_else(|| NotAScope(name.to_owned()))?;
            Ok(Self(all.0 | Self::of(&[*scope]).0))
        })
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            Scope::ALL.iter().filter(|one| self.has(**one)).map(|one| one.name()).collect();
        out.write_str(&names.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_and_read_as_names_and_none_is_more_than_its_principal_has() {
        let some: Scopes = "feeds:read  catalogue:read feeds:read".parse().unwrap();
        assert_eq!(some.to_string(), "catalogue:read feeds:read");
        assert!(some.has(Scope::Feeds) && !some.has(Scope::Operate));
        assert_eq!(Scopes::from_bits(some.bits()), some);
        assert_eq!("".parse::<Scopes>().unwrap().to_string(), "");
        let told = "feeds:write".parse::<Scopes>().unwrap_err().to_string();
        assert!(told.contains("`feeds:write`") && told.contains("statistics:read"), "{told}");
        let of = |principal: &str| Scopes::of_principal(&principal.parse().unwrap());
        for principal in ["agency:so-y-te", "portal", "reporting:bi"] {
            assert!(of(principal).within(of("operator")), "{principal}");
            assert!(!of(principal).has(Scope::Operate), "{principal}");
        }
        assert!(!of("reporting:bi").has(Scope::Dossiers) && of("reporting:bi").has(Scope::Feeds));
        assert!(!of("portal").has(Scope::Settle) && of("agency:a").has(Scope::Settle));
    }
}
