//! One entry of the journal and its text.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::commitment::Commitment;
use super::exact::Exact;
use super::merkle::Digest;

/// Largest entry text, in bytes. Larger parts are referenced by hash.
pub const MAX_TEXT: usize = 16 * 1024;

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A source said something about a dossier or another record.
    Observation,
    /// A source took back what it said.
    Retraction,
    /// Records of several sources are one dossier.
    Link,
    /// A message or a record was refused.
    Refusal,
    /// The hub or its operator decided something.
    Decision,
    /// A report was frozen as of an earlier position.
    Freeze,
    /// Personal data was erased.
    Erasure,
    /// A new version of what folds depend on: catalogue, units, calendars, rules, ranks.
    Reference,
}

/// Mode of the channel an entry came by; [`Mode::Live`] for what the hub itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Its agency sees everything; nothing reaches statistics, feeds or findings.
    Trial,
    /// Counted.
    Live,
    /// Counted, but exempt from findings about lag and backdating.
    Backfill,
}

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Its name in an entry text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The value of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// All values.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
        }
    };
}

names!(EntryKind {
    Observation = "observation",
    Retraction = "retraction",
    Link = "link",
    Refusal = "refusal",
    Decision = "decision",
    Freeze = "freeze",
    Erasure = "erasure",
    Reference = "reference",
});
names!(Mode { Trial = "trial", Live = "live", Backfill = "backfill" });

/// Hash algorithm of an entry: of its leaf, its hashes and its commitments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// SHA-256, and HMAC-SHA256 for commitments.
    #[default]
    #[serde(rename = "sha-256")]
    Sha256,
}

/// One entry. The order of its members is the order of its text: never change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name of the log.
    pub log_id: String,
    /// Place in the log, from 0: its leaf index.
    pub position: u64,
    /// When the hub recorded it; never before the entry at the position before it.
    pub recorded_at: Timestamp,
    /// What it says.
    pub kind: EntryKind,
    /// Hash algorithm.
    pub hash: Algorithm,
    /// Id of the agency's message, if it came by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Mode of its channel.
    pub mode: Mode,
    /// Id of the contract of its record, such as `dossier/1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// Key of its record under that contract. Keys are public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Commitment of the raw bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Commitment>,
    /// Hash of the public text.
    pub public: Digest,
    /// Commitment of the personal text, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<Commitment>,
    /// Hash of the mapping that translated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping_hash: Option<Digest>,
    /// Hash of the contract that sealed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_hash: Option<Digest>,
    /// Hash of the configuration in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_hash: Option<Digest>,
    /// Position of the entry that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<u64>,
}

/// Why an entry has no text, or a text is no entry. No variant quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The text is longer than [`MAX_TEXT`].
    #[error("the entry has {0} bytes, at most {MAX_TEXT} are allowed")]
    TooLong(usize),
    /// The text is not JSON of this form.
    #[error("not an entry: {class} at line {line}, column {column}")]
    Form {
        /// `syntax`, `data`, `end of text` or `output`.
        class: &'static str,
        /// Line of the fault.
        line: usize,
        /// Column of the fault.
        column: usize,
    },
    /// The text says the same as an entry in other bytes.
    #[error("not the exact text of an entry")]
    NotExact,
    /// A member that must say something is empty.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// A member that this kind must have is absent.
    #[error("an entry of kind {} must have `{member}`", kind.as_str())]
    Absent {
        /// Kind of the entry.
        kind: EntryKind,
        /// The absent member.
        member: &'static str,
    },
    /// It replaces itself or a later entry.
    #[error("position {position} cannot supersede {supersedes}")]
    SupersedesLater {
        /// Position of the entry.
        position: u64,
        /// Position it claims to replace.
        supersedes: u64,
    },
}

impl From<serde_json::Error> for EntryError {
    fn from(error: serde_json::Error) -> Self {
        use serde_json::error::Category;
        let class = match error.classify() {
            Category::Syntax => "syntax",
            Category::Data => "data",
            Category::Eof => "end of text",
            Category::Io => "output",
        };
        Self::Form { class, line: error.line(), column: error.column() }
    }
}

impl Entry {
    /// Its text: the bytes that are stored, hashed and proved.
    ///
    /// # Errors
    /// If it is longer than [`MAX_TEXT`], or a member is empty, absent or impossible.
    pub fn text(&self) -> Result<String, EntryError> {
        self.check()?;
        let text = serde_json::to_string(self)?;
        if text.len() > MAX_TEXT {
            return Err(EntryError::TooLong(text.len()));
        }
        Ok(text)
    }

    /// The entry of a text. Exactly the texts that [`Entry::text`] gives are accepted.
    ///
    /// # Errors
    /// If the text is anything else.
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        if text.len() > MAX_TEXT {
            return Err(EntryError::TooLong(text.len()));
        }
        if let Some(exact) = Exact::read(text) {
            return Ok(exact.into());
        }
        let entry: Self = serde_json::from_str(text)?;
        if entry.text()? == text { Ok(entry) } else { Err(EntryError::NotExact) }
    }

    fn check(&self) -> Result<(), EntryError> {
        let named = [
            ("log_id", Some(&self.log_id)),
            ("message_id", self.message_id.as_ref()),
            ("contract", self.contract.as_ref()),
            ("key", self.key.as_ref()),
        ];
        for (member, value) in named {
            if value.is_some_and(String::is_empty) {
                return Err(EntryError::Empty(member));
            }
        }
        if matches!(self.kind, EntryKind::Observation | EntryKind::Retraction) {
            let kind = self.kind;
            if self.contract.is_none() {
                return Err(EntryError::Absent { kind, member: "contract" });
            }
            if self.key.is_none() {
                return Err(EntryError::Absent { kind, member: "key" });
            }
        }
        match self.supersedes {
            Some(supersedes) if supersedes >= self.position => {
                Err(EntryError::SupersedesLater { position: self.position, supersedes })
            }
            _ => Ok(()),
        }
    }
}

/// The time to record: `now`, but never before the previous entry.
pub fn recorded_at(previous: Option<Timestamp>, now: Timestamp) -> Timestamp {
    previous.map_or(now, |previous| previous.max(now))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::commitment::{Salt, commit};
    use super::*;

    fn entry() -> Entry {
        Entry {
            log_id: "dong-nai-1".into(),
            position: 7,
            recorded_at: "2025-07-01T01:02:03.5Z".parse().unwrap(),
            kind: EntryKind::Observation,
            hash: Algorithm::Sha256,
            message_id: Some("m-1".into()),
            mode: Mode::Live,
            contract: Some("dossier/1".into()),
            key: Some("H19.1/Đồng Nai \"a\"".into()),
            raw: Some(commit(&Salt::from_bytes([0; 32]), b"raw")),
            public: Digest::of(b"public"),
            personal: Some(commit(&Salt::from_bytes([1; 32]), b"personal")),
            mapping_hash: Some(Digest::of(b"mapping")),
            contract_hash: Some(Digest::of(b"contract")),
            configuration_hash: Some(Digest::of(b"configuration")),
            supersedes: Some(3),
        }
    }

    fn least() -> Entry {
        let mut entry = Entry { kind: EntryKind::Decision, supersedes: None, ..entry() };
        (entry.message_id, entry.contract, entry.key) = (None, None, None);
        (entry.raw, entry.personal, entry.mapping_hash) = (None, None, None);
        (entry.contract_hash, entry.configuration_hash) = (None, None);
        entry
    }

    #[test]
    fn text_is_fixed() {
        let public = Digest::of(b"public");
        let expected = format!(
            "{{\"log_id\":\"dong-nai-1\",\"position\":7,\
             \"recorded_at\":\"2025-07-01T01:02:03.5Z\",\"kind\":\"decision\",\
             \"hash\":\"sha-256\",\"mode\":\"live\",\"public\":\"{public}\"}}"
        );
        assert_eq!(least().text().unwrap(), expected);
        assert_eq!(Entry::parse(&expected).unwrap(), least());
        let text = entry().text().unwrap();
        assert_eq!(Entry::parse(&text).unwrap(), entry());
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&text).unwrap();
        let order = "log_id position recorded_at kind hash message_id mode contract key raw \
                     public personal mapping_hash contract_hash configuration_hash supersedes";
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        assert_eq!(names, order.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn other_bytes_are_refused() {
        let text = entry().text().unwrap();
        let cases = [
            format!(" {text}"),
            format!("{text}\n"),
            text.replace("7,", "7 ,"),
            text.replace("\"position\":7", "\"position\":7.0"),
            text.replace("03.5Z", "03.50Z"),
            text.replace("01:02:03.5Z", "08:02:03.5+07:00"),
            text.replace("\"live\"", "\"Live\""),
            text.replace("sha-256", "sha-1"),
            text.replace("Đ", "\\u0110"),
            text.replace("\"supersedes\":3", "\"supersedes\":null"),
            text.replace("\"supersedes\":3", "\"supersedes\":3,\"more\":1"),
            text.replace("\"supersedes\":3", "\"supersedes\":3,\"supersedes\":3"),
            text.replace(
                "\"position\":7,\"recorded_at\":\"2025-07-01T01:02:03.5Z\"",
                "\"recorded_at\":\"2025-07-01T01:02:03.5Z\",\"position\":7",
            ),
        ];
        for case in cases {
            assert_ne!(case, text);
            assert!(Entry::parse(&case).is_err(), "{case}");
        }
        let public = Digest::of(b"public").to_string();
        assert!(Entry::parse(&text.replace(&public, &public.to_uppercase())).is_err());
    }

    #[test]
    fn impossible_entries_have_no_text() {
        let long = Entry { message_id: Some("x".repeat(MAX_TEXT)), ..entry() };
        assert!(matches!(long.text(), Err(EntryError::TooLong(_))));
        assert!(matches!(Entry::parse(&" ".repeat(MAX_TEXT + 1)), Err(EntryError::TooLong(_))));
        let itself = Entry { supersedes: Some(7), ..entry() };
        assert!(matches!(itself.text(), Err(EntryError::SupersedesLater { .. })));
        assert!(Entry { log_id: String::new(), ..entry() }.text().is_err());
        assert!(Entry { key: None, ..entry() }.text().is_err());
        assert!(Entry { contract: None, ..entry() }.text().is_err());
    }

    #[test]
    fn names_are_those_of_the_text() {
        for kind in EntryKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(EntryKind::from_name(kind.as_str()), Some(*kind));
        }
        for mode in Mode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
            assert_eq!(Mode::from_name(mode.as_str()), Some(*mode));
        }
    }

    #[test]
    fn time_never_goes_back() {
        let [early, late] = [1, 2].map(|second| Timestamp::from_second(second).unwrap());
        assert_eq!(recorded_at(None, early), early);
        assert_eq!(recorded_at(Some(early), late), late);
        assert_eq!(recorded_at(Some(late), early), late);
    }

    proptest! {
        #[test]
        fn parse_is_the_inverse(
            position in 1_u64.., second in 0..250_000_000_000_i64,
            nanosecond in 0..1_000_000_000, key in ".{1,40}",
            message_id in proptest::option::of(".{1,40}"),
        ) {
            let recorded_at = Timestamp::new(second, nanosecond).unwrap();
            let supersedes = Some(position / 2).filter(|_| position % 3 == 0);
            let key = Some(key);
            let entry = Entry { position, recorded_at, key, message_id, supersedes, ..entry() };
            let text = entry.text().unwrap();
            prop_assert_eq!(Entry::parse(&text), Ok(entry));
        }

        #[test]
        fn one_text_for_each_entry(at: prop::sample::Index, byte in 0x20_u8..0x7f) {
            let mut bytes = least().text().unwrap().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let text = String::from_utf8(bytes).unwrap();
            if let Ok(entry) = Entry::parse(&text) {
                prop_assert_eq!(entry.text(), Ok(text));
            }
        }
    }
}
