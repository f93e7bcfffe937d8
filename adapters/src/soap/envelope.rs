//! One SOAP envelope taken apart: its version, its header blocks, and the element in its Body as
//! the bytes that stand for themselves.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use quick_xml::events::Event;

use super::block::{Block, Inherited, Markup, Name, Unread};
use super::kinds::{NOT_SOAP, SOAP_BODY, SOAP_CHARSET, SOAP_VERSION};

/// A version of SOAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SOAP 1.1.
    V11,
    /// SOAP 1.2.
    V12,
}

impl Version {
    /// The namespace of its envelope.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The media type of its messages.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml; charset=utf-8",
            Self::V12 => "application/soap+xml; charset=utf-8",
        }
    }

    /// The version that a request means by its media type, as long as nothing else tells.
    pub(crate) fn of_media_type(content_type: &str) -> Self {
        let named = content_type.trim_start().get(..20);
        match named.is_some_and(|named| named.eq_ignore_ascii_case("application/soap+xml")) {
            true => Self::V12,
            false => Self::V11,
        }
    }

    /// Whether a header block is for the one who answers, and must be understood.
    fn demands(self, block: &Block) -> bool {
        let (role, words): (&str, &[&str]) = match self {
            Self::V11 => ("actor", &["", "http://schemas.xmlsoap.org/soap/actor/next"]),
            Self::V12 => (
                "role",
                &[
                    "",
                    "http://www.w3.org/2003/05/soap-envelope/role/next",
                    "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
                ],
            ),
        };
        let own = self.namespace();
        let role = block.attribute(own, role).unwrap_or_default();
        let must = block.attribute(own, "mustUnderstand").unwrap_or_default();
        words.contains(&role.trim()) && matches!(must.trim(), "1" | "true")
    }
}

/// One header block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) block: Block,
    /// Whether who answers must understand it.
    pub(crate) demanded: bool,
}

/// An envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) version: Version,
    pub(crate) headers: Vec<Header>,
    /// The name of the element in the Body.
    pub(crate) operation: Name,
    /// That element, a document of its own: prefixes declared around it are declared on it.
    pub(crate) payload: Bytes,
}

/// Reads an envelope; the version as far as it is known goes with what is wrong.
pub(crate) fn read(bytes: &Bytes, content_type: &str) -> Result<Envelope, (Version, Unread)> {
    let meant = Version::of_media_type(content_type);
    let text = text(bytes, content_type).map_err(|why| (meant, why))?;
    let source = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut markup = Markup::new(source);
    let version = root(&mut markup).map_err(|(version, why)| (version.unwrap_or(meant), why))?;
    let rest = within(&mut markup, version).map_err(|why| (version, why))?;
    let Cut { headers, operation, element, inherited, name_end } = rest;
    // Only what is used goes along: whatever else an envelope declares, the same is the same.
    let within = source.get(element.clone()).unwrap_or_default();
    let used = inherited.iter().filter(|prefix| uses(within, &prefix.mark));
    let declarations: String = used.map(|prefix| prefix.declaration.as_str()).collect();
    let own = matches!(text, Cow::Borrowed(_)) && declarations.is_empty();
    let payload = if own {
        let skipped = text.len() - source.len();
        bytes.slice(skipped + element.start..skipped + element.end)
    } else {
        let piece = |range: Range<usize>| source.get(range).unwrap_or_default();
        let (head, tail) = (piece(element.start..name_end), piece(name_end..element.end));
        Bytes::from([head, declarations.as_str(), tail].concat())
    };
    Ok(Envelope { version, headers, operation, payload })
}

/// The text of an envelope: UTF-8, or UTF-16 as its byte order mark or its media type says.
fn text<'b>(bytes: &'b Bytes, content_type: &str) -> Result<Cow<'b, str>, Unread> {
    let told = content_type.to_ascii_lowercase();
    let wide = |big: bool, from: usize| -> Result<Cow<'b, str>, Unread> {
        let pairs = bytes.get(from..).unwrap_or_default().chunks_exact(2);
        let odd = !pairs.remainder().is_empty();
        let unit = |pair: &[u8]| match pair {
            [one, two] if big => u16::from_be_bytes([*one, *two]),
            [one, two] => u16::from_le_bytes([*one, *two]),
            _ => 0,
        };
        let decoded: Result<String, _> = char::decode_utf16(pairs.map(unit)).collect();
        match decoded {
            Ok(text) if !odd => Ok(Cow::Owned(text)),
            _ => Err(Unread::plain(&SOAP_CHARSET)),
        }
    };
    match bytes.get(..2) {
        Some([0xfe, 0xff]) => return wide(true, 2),
        Some([0xff, 0xfe]) => return wide(false, 2),
        Some([b'<', 0]) => return wide(false, 0),
        Some([0, b'<']) => return wide(true, 0),
        _ => {}
    }
    let charset = told.split_once("charset=").map(|(_, rest)| rest);
    let charset = charset.map(|rest| rest.split(';').next().unwrap_or("").trim().trim_matches('"'));
    if !matches!(charset, None | Some("utf-8" | "utf8" | "us-ascii")) {
        return Err(Unread::plain(&SOAP_CHARSET));
    }
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Unread::plain(&SOAP_CHARSET))
}

/// The start tag of the envelope.
fn root(markup: &mut Markup<'_>) -> Result<Version, (Option<Version>, Unread)> {
    loop {
        let event = markup.next().map_err(|why| (None, why))?;
        match event {
            Event::Text(text) if blank(&text) => {}
            Event::Start(tag) => {
                let name = markup.name(&tag).map_err(|why| (None, why))?;
                if name.local != "Envelope" {
                    return Err((None, Unread::plain(&NOT_SOAP)));
                }
                let all = [Version::V11, Version::V12];
                let found = all.into_iter().find(|one| one.namespace() == name.namespace);
                return found.ok_or_else(|| (Some(Version::V11), Unread::plain(&SOAP_VERSION)));
            }
            _ => return Err((None, Unread::plain(&NOT_SOAP))),
        }
    }
}

/// What was cut out of an envelope; places are bytes of its text.
struct Cut {
    headers: Vec<Header>,
    operation: Name,
    element: Range<usize>,
    inherited: Vec<Inherited>,
    name_end: usize,
}

/// Header and Body, to the end of the document.
fn within(markup: &mut Markup<'_>, version: Version) -> Result<Cut, Unread> {
    let namespace = version.namespace();
    let (mut headers, mut begun, mut body) = (Vec::new(), false, None);
    loop {
        match markup.next()? {
            Event::Text(text) if blank(&text) => {}
            Event::Empty(tag) => {
                let name = markup.name(&tag)?;
                match name.is(namespace, "Header") && !begun && body.is_none() {
                    true => begun = true,
                    false if name.is(namespace, "Body") => return Err(Unread::plain(&SOAP_BODY)),
                    false => return Err(Unread::plain(&NOT_SOAP)),
                }
            }
            Event::Start(tag) => {
                let name = markup.name(&tag)?;
                if name.is(namespace, "Header") && !begun && body.is_none() {
                    begun = true;
                    header(markup, version, &mut headers)?;
                } else if name.is(namespace, "Body") && body.is_none() {
                    body = Some(operation(markup)?);
                } else {
                    return Err(Unread::plain(&NOT_SOAP));
                }
            }
            // The envelope's own end, and nothing behind it.
            Event::End(_) => break,
            _ => return Err(Unread::plain(&NOT_SOAP)),
        }
    }
    loop {
        match markup.next()? {
            Event::Text(text) if blank(&text) => {}
            Event::Eof => break,
            _ => return Err(Unread::plain(&NOT_SOAP)),
        }
    }
    let (vi, en) = ("Thiếu Body.", "The Body is missing.");
    let mut cut = body.ok_or_else(|| Unread::told(&NOT_SOAP, vi, en))?;
    cut.headers = headers;
    Ok(cut)
}

/// The blocks of a Header, to its end.
fn header(
    markup: &mut Markup<'_>,
    version: Version,
    headers: &mut Vec<Header>,
) -> Result<(), Unread> {
    loop {
        let block = match markup.next()? {
            Event::Text(text) if blank(&text) => continue,
            Event::Start(tag) => markup.block(&tag, false)?,
            Event::Empty(tag) => markup.block(&tag, true)?,
            Event::End(_) => return Ok(()),
            _ => return Err(Unread::plain(&NOT_SOAP)),
        };
        headers.push(Header { demanded: version.demands(&block), block });
    }
}

/// The one element of a Body, to the Body's end.
fn operation(markup: &mut Markup<'_>) -> Result<Cut, Unread> {
    let mut found: Option<Cut> = None;
    loop {
        let (tag, empty) = match markup.next()? {
            Event::Text(text) if blank(&text) => continue,
            Event::Start(tag) => (tag, false),
            Event::Empty(tag) => (tag, true),
            Event::End(_) => break,
            _ => return Err(Unread::plain(&SOAP_BODY)),
        };
        if found.is_some() {
            return Err(Unread::plain(&SOAP_BODY));
        }
        let (start, name_bytes) = (markup.began(), tag.name().as_ref().len());
        let (name, inherited) = (markup.name(&tag)?, markup.inherited(&tag)?);
        if !empty {
            to_end(markup)?;
        }
        found = Some(Cut {
            headers: Vec::new(),
            operation: name,
            element: start..markup.offset(),
            inherited,
            name_end: start + 1 + name_bytes,
        });
    }
    found.ok_or_else(|| Unread::plain(&SOAP_BODY))
}

/// Passes over what an element holds, and its end tag.
fn to_end(markup: &mut Markup<'_>) -> Result<(), Unread> {
    let depth = markup.depth();
    while markup.depth() >= depth {
        if matches!(markup.next()?, Event::Eof) {
            return Err(Unread::plain(&NOT_SOAP));
        }
    }
    Ok(())
}

/// Whether a prefix with its colon stands in a text where no longer word ends with it.
fn uses(text: &str, mark: &str) -> bool {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte) || *byte >= 0x80;
    let before = |at: usize| at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
    mark.is_empty() || text.match_indices(mark).any(|(at, _)| !before(at).is_some_and(inside))
}

fn blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}
