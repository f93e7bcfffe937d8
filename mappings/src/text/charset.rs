//! The charsets an agency may declare, decoded strictly: a byte outside the charset is an
//! error with its place, never U+FFFD.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use super::{tcvn3, unicode, viqr, viscii, vni, windows};

/// What the font of a TCVN3 text says about capitals, which the bytes cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capitals {
    /// An ordinary font (`.VnTime`): toned letters are lower-case, as the bytes have them.
    AsWritten,
    /// A capital font (`.VnTimeH`): every letter shows as a capital.
    Upper,
}

/// A charset that an agency's file, or one field of it, may be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charset {
    /// UTF-8 (RFC 3629), with or without a byte order mark.
    Utf8,
    /// UTF-16 (RFC 2781); little-endian unless a byte order mark says otherwise.
    Utf16,
    /// Windows-1258: letters, with a tone mark after the letter it belongs to.
    Windows1258,
    /// TCVN3, also called ABC (TCVN 5712:1993, VN3).
    Tcvn3 {
        /// Whether the font was a capital one.
        capitals: Capitals,
    },
    /// VNI for Windows fonts (`VNI-Times`).
    Vni,
    /// VIQR, the seven-bit mnemonics of RFC 1456.
    Viqr,
    /// VISCII 1.1 (RFC 1456).
    Viscii,
    /// UTF-8 that was read as Windows-1252 and written out as UTF-8 again.
    DoubleUtf8,
}

/// Every charset with the name used for it in an agency's mapping.
const NAMES: [(&str, Charset); 9] = [
    ("utf-8", Charset::Utf8),
    ("utf-16", Charset::Utf16),
    ("windows-1258", Charset::Windows1258),
    ("tcvn3", Charset::Tcvn3 { capitals: Capitals::AsWritten }),
    ("tcvn3-h", Charset::Tcvn3 { capitals: Capitals::Upper }),
    ("vni", Charset::Vni),
    ("viqr", Charset::Viqr),
    ("viscii", Charset::Viscii),
    ("double-utf-8", Charset::DoubleUtf8),
];

/// A byte that the charset does not have there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte 0x{byte:02X} at offset {offset} does not belong to the charset")]
pub struct DecodeError {
    /// Where the first bad byte, or the first byte of the bad sequence, stands in the input.
    pub offset: usize,
    /// That byte.
    pub byte: u8,
}

/// A character that the charset cannot write, or not so that it would be read back the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the charset cannot write {char:?}")]
pub struct EncodeError {
    /// The character, in its composed form.
    pub char: char,
}

/// A name that is no charset's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown charset {name:?}; known: {}", Charset::names().collect::<Vec<_>>().join(", "))]
pub struct UnknownCharset {
    /// The name as given.
    pub name: String,
}

impl FromStr for Charset {
    type Err = UnknownCharset;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, charset)| *charset)
            .ok_or_else(|| UnknownCharset { name: name.to_owned() })
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Charset {
    /// The names that `FromStr` reads, in a fixed order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Every charset, in the order of [`Charset::names`].
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(_, charset)| *charset)
    }

    /// The name of this charset, as `FromStr` reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Windows1258 => "windows-1258",
            Self::Tcvn3 { capitals: Capitals::AsWritten } => "tcvn3",
            Self::Tcvn3 { capitals: Capitals::Upper } => "tcvn3-h",
            Self::Vni => "vni",
            Self::Viqr => "viqr",
            Self::Viscii => "viscii",
            Self::DoubleUtf8 => "double-utf-8",
        }
    }

    /// Whether programs that write it count bytes where they count letters.
    pub(crate) fn is_bytewise(self) -> bool {
        !matches!(self, Self::Utf8 | Self::Utf16 | Self::DoubleUtf8)
    }

    /// Decodes a whole input. The legacy charsets give composed letters (NFC); the Unicode
    /// ones give the text as sent, without its byte order mark.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
        match self {
            Self::Utf8 => unicode::decode_utf8(bytes).map(Cow::Borrowed),
            Self::Utf16 => unicode::decode_utf16(bytes).map(Cow::Owned),
            Self::Windows1258 => windows::decode_1258(bytes).map(Cow::Owned),
            Self::Tcvn3 { capitals } => tcvn3::decode(bytes, capitals).map(Cow::Owned),
            Self::Vni => vni::decode(bytes).map(Cow::Owned),
            Self::Viqr => viqr::decode(bytes).map(Cow::Owned),
            Self::Viscii => viscii::decode(bytes).map(Cow::Owned),
            Self::DoubleUtf8 => unicode::decode_double(bytes).map(Cow::Owned),
        }
    }

    /// Decodes one field of a file whose bytes were already read as Latin-1 or Windows-1252,
    /// as a TCVN3 name inside a UTF-8 file is: each character stands for one byte.
    ///
    /// A field said to be in UTF-8 or UTF-16 is already text and comes back as it is, and
    /// `double-utf-8` undoes one wrong reading. Offsets in an error count bytes of `text`; for
    /// a character that stands for no byte, the error has the first byte of its UTF-8 form.
    pub fn decode_latin1_text(self, text: &str) -> Result<String, DecodeError> {
        match self {
            Self::Utf8 | Self::Utf16 => return Ok(text.to_owned()),
            Self::DoubleUtf8 => return unicode::decode_double(text.as_bytes()),
            _ => {}
        }
        let (bytes, starts) = windows::to_1252_bytes(text)?;
        match self.decode(&bytes) {
            Ok(decoded) => Ok(decoded.into_owned()),
            Err(error) => {
                let offset = starts.get(error.offset).copied().unwrap_or(text.len());
                Err(DecodeError { offset, byte: error.byte })
            }
        }
    }

    /// Encodes `text`, refusing what [`Charset::decode`] would not read back the same. The
    /// legacy charsets write the composed form (NFC) of it; UTF-16 is little-endian with a
    /// byte order mark, UTF-8 has none.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, EncodeError> {
        let composed = || text.nfc();
        match self {
            Self::Utf8 => Ok(text.as_bytes().to_vec()),
            Self::Utf16 => Ok(unicode::encode_utf16(text)),
            Self::Windows1258 => windows::encode_1258(composed()),
            Self::Tcvn3 { capitals } => tcvn3::encode(composed(), capitals),
            Self::Vni => vni::encode(composed()),
            Self::Viqr => viqr::encode(composed()),
            Self::Viscii => viscii::encode(composed()),
            Self::DoubleUtf8 => Ok(unicode::encode_double(text)),
        }
    }
}
