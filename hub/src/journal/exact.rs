//! An entry out of its exact text: nothing is copied, and nothing has to be written again to see
//! that it is exact.
//!
//! The text of an entry has one form only (`entry.rs`), so it is read member by member in that
//! order. What needs more than that (a text with escapes) is left to the reader of all JSON.

use jiff::Timestamp;

use super::{
    commitment::Commitment,
    entry::{Algorithm, Entry, EntryKind, MAX_TEXT, Mode},
    merkle::Digest,
};

/// An entry as its text shows it: the members of [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact<'a> {
    /// Name of the log.
    pub log_id: &'a str,
    /// Place in the log.
    pub position: u64,
    /// When the hub recorded it.
    pub recorded_at: Timestamp,
    /// What it says.
    pub kind: EntryKind,
    /// Id of the agency's message, if it came by one.
    pub message_id: Option<&'a str>,
    /// Mode of its channel.
    pub mode: Mode,
    /// Id of the contract of its record.
    pub contract: Option<&'a str>,
    /// Key of its record.
    pub key: Option<&'a str>,
    /// Commitment of the raw bytes.
    pub raw: Option<Commitment>,
    /// Hash of the public text.
    pub public: Digest,
    /// Commitment of the personal text, if it has one.
    pub personal: Option<Commitment>,
    /// Hash of the mapping that translated it.
    pub mapping_hash: Option<Digest>,
    /// Hash of the contract that sealed it.
    pub contract_hash: Option<Digest>,
    /// Hash of the configuration in force.
    pub configuration_hash: Option<Digest>,
    /// Position of the entry that this one replaces.
    pub supersedes: Option<u64>,
}

impl<'a> Exact<'a> {
    /// The entry of a text; `None` where it is none, or has to be read as any JSON is. Whatever is
    /// given is what [`Entry::parse`] gives.
    pub fn read(text: &'a str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut rest = Rest(text);
        let one = Self {
            log_id: rest.text("{\"log_id\":\"")?,
            position: rest.number(",\"position\":")?,
            recorded_at: time(rest.text(",\"recorded_at\":\"")?)?,
            kind: EntryKind::from_name(rest.text(",\"kind\":\"")?)?,
            message_id: {
                rest.literal(",\"hash\":\"sha-256\"")?;
                rest.text_if_there(",\"message_id\":\"")?
            },
            mode: Mode::from_name(rest.text(",\"mode\":\"")?)?,
            contract: rest.text_if_there(",\"contract\":\"")?,
            key: rest.text_if_there(",\"key\":\"")?,
            raw: rest.digest_if_there(",\"raw\":\"")?.map(Commitment::from),
            public: rest.digest_if_there(",\"public\":\"")??,
            personal: rest.digest_if_there(",\"personal\":\"")?.map(Commitment::from),
            mapping_hash: rest.digest_if_there(",\"mapping_hash\":\"")?,
            contract_hash: rest.digest_if_there(",\"contract_hash\":\"")?,
            configuration_hash: rest.digest_if_there(",\"configuration_hash\":\"")?,
            supersedes: match rest.0.starts_with(",\"supersedes\":") {
                true => Some(rest.number(",\"supersedes\":")?),
                false => None,
            },
        };
        (rest.0 == "}" && one.is_possible()).then_some(one)
    }

    /// What every entry holds to: as [`Entry::text`] asks.
    fn is_possible(&self) -> bool {
        let tells = matches!(self.kind, EntryKind::Observation | EntryKind::Retraction);
        let named = self.contract.is_some() && self.key.is_some();
        (named || !tells) && self.supersedes.is_none_or(|before| before < self.position)
    }
}

impl<'a> From<&'a Entry> for Exact<'a> {
    fn from(one: &'a Entry) -> Self {
        Self {
            log_id: &one.log_id,
            position: one.position,
            recorded_at: one.recorded_at,
            kind: one.kind,
            message_id: one.message_id.as_deref(),
            mode: one.mode,
            contract: one.contract.as_deref(),
            key: one.key.as_deref(),
            raw: one.raw,
            public: one.public,
            personal: one.personal,
            mapping_hash: one.mapping_hash,
            contract_hash: one.contract_hash,
            configuration_hash: one.configuration_hash,
            supersedes: one.supersedes,
        }
    }
}

impl From<Exact<'_>> for Entry {
    fn from(one: Exact<'_>) -> Self {
        Self {
            log_id: one.log_id.to_owned(),
            position: one.position,
            recorded_at: one.recorded_at,
            kind: one.kind,
            hash: Algorithm::Sha256,
            message_id: one.message_id.map(str::to_owned),
            mode: one.mode,
            contract: one.contract.map(str::to_owned),
            key: one.key.map(str::to_owned),
            raw: one.raw,
            public: one.public,
            personal: one.personal,
            mapping_hash: one.mapping_hash,
            contract_hash: one.contract_hash,
            configuration_hash: one.configuration_hash,
            supersedes: one.supersedes,
        }
    }
}

/// What is left of the text.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn literal(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    /// The text behind `before`, which ends with its opening quote; one that is not empty and
    /// stands there as it is.
    fn text(&mut self, before: &str) -> Option<&'a str> {
        self.literal(before)?;
        let end = memchr::memchr2(b'"', b'\\', self.0.as_bytes())?;
        let (text, rest) = self.0.split_at_checked(end)?;
        let plain = !text.is_empty() && text.bytes().all(|byte| byte >= b' ');
        self.0 = rest.strip_prefix('"').filter(|_| plain)?;
        Some(text)
    }

    /// The same, of a member that may be left out.
    fn text_if_there(&mut self, before: &str) -> Option<Option<&'a str>> {
        if self.0.starts_with(before) { self.text(before).map(Some) } else { Some(None) }
    }

    fn digest_if_there(&mut self, before: &str) -> Option<Option<Digest>> {
        let Some(rest) = self.0.strip_prefix(before) else { return Some(None) };
        let (digits, rest) = rest.split_at_checked(64)?;
        self.0 = rest.strip_prefix('"')?;
        digits.parse().ok().map(Some)
    }

    fn number(&mut self, before: &str) -> Option<u64> {
        self.literal(before)?;
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        let exact = digits == "0" || !digits.starts_with('0');
        digits.parse().ok().filter(|_| exact)
    }
}

/// A moment in the one form in which it is written: `YYYY-MM-DDTHH:MM:SS`, as much of a fraction as
/// there is, `Z`.
fn time(text: &str) -> Option<Timestamp> {
    const FORM: &[u8; 19] = b"0000-00-00T00:00:00";
    let (head, tail) = text.as_bytes().split_first_chunk::<19>()?;
    let alike = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        mark => byte == mark,
    };
    let fraction = tail.strip_suffix(b"Z")?;
    let exact = match fraction.split_first() {
        None => true,
        Some((b'.', digits)) => {
            (1..=9).contains(&digits.len())
                && digits.iter().all(u8::is_ascii_digit)
                && digits.last() != Some(&b'0')
        }
        Some(_) => false,
    };
    // The reader of times takes a second 60, which no moment has.
    let seconds = head.get(17).is_some_and(|tens| *tens < b'6');
    if !head.iter().zip(FORM).all(alike) || !exact || !seconds {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Salt, commit},
        *,
    };

    fn entry() -> Entry {
        Entry {
            log_id: "đồng-nai-1".into(),
            position: 7,
            recorded_at: "2025-07-01T01:02:03.5Z".parse().unwrap(),
            kind: EntryKind::Observation,
            hash: Algorithm::Sha256,
            message_id: Some("m-1".into()),
            mode: Mode::Live,
            contract: Some("dossier/1".into()),
            key: Some("H19.1/Đồng Nai".into()),
            raw: Some(commit(&Salt::from_bytes([0; 32]), b"raw")),
            public: Digest::of(b"public"),
            personal: None,
            mapping_hash: Some(Digest::of(b"mapping")),
            contract_hash: None,
            configuration_hash: Some(Digest::of(b"configuration")),
            supersedes: Some(0),
        }
    }

    /// What the reader of all JSON takes of a text.
    fn as_json(text: &str) -> Option<Entry> {
        let entry: Entry = serde_json::from_str(text).ok()?;
        (entry.text().ok()? == text).then_some(entry)
    }

    #[test]
    fn times_have_one_form() {
        for told in ["0000-01-01T00:00:00Z", "2016-12-31T23:59:59.000000001Z"] {
            assert_eq!(time(told).unwrap().to_string(), told);
        }
        for other in [
            "2016-12-31T23:59:60Z",
            "2016-12-31T24:00:00Z",
            "2016-12-31T23:59:59.0Z",
            "2016-12-31T23:59:59.Z",
            "2016-12-31T23:59:59,5Z",
            "2016-12-31T23:59:59z",
            "2016-12-31 23:59:59Z",
            "2016-12-31T23:59:59+00:00",
            "2016-12-31T23:59Z",
            "2016-02-30T00:00:00Z",
            "+002016-12-31T23:59:59Z",
        ] {
            assert_eq!(time(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_needs_no_escape_is_read(
            second in -60_000_000_000..250_000_000_000_i64, nanosecond in 0..1_000_000_000,
            key in "[^\"\\\\\\p{Cc}]{1,40}", position in 1_u64.., kind in 0_usize..8,
        ) {
            let recorded_at = Timestamp::new(second, nanosecond).unwrap();
            let kind = EntryKind::ALL[kind];
            let entry = Entry { recorded_at, position, kind, key: Some(key), ..entry() };
            let text = entry.text().unwrap();
            prop_assert_eq!(Exact::read(&text).map(Entry::from), Some(entry));
        }

        #[test]
        fn what_is_read_is_what_the_reader_of_all_json_takes(
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize,
                "[\"\\\\{},:0-9a-fTZ.+ \\x00\\x1f\\x7fé-]{0,2}"), 1..3),
        ) {
            let mut text: Vec<char> = entry().text().unwrap().chars().collect();
            for (at, cut, put) in edits {
                let at = at.index(text.len());
                let end = (at + cut).min(text.len());
                text.splice(at..end, put.chars());
                prop_assume!(!text.is_empty());
            }
            let text: String = text.into_iter().collect();
            if let Some(read) = Exact::read(&text) {
                prop_assert_eq!(Some(Entry::from(read)), as_json(&text));
            }
        }
    }
}
