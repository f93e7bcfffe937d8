//! An XML document token by token.
//!
//! What nearly every document is made of (a declaration, tags, texts, references, CDATA) is read
//! here in one pass. At the first thing that is anything else, or that may be wrong, `quick-xml`'s
//! event reader takes over from the beginning, so that what is refused, and why, is its word
//! alone.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3, memmem};
use quick_xml::{
    Reader as Events,
    events::{BytesStart, Event},
};

/// What stands next in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// A start tag: the bytes of its name, and of what follows it within the tag.
    Start(usize, usize),
    /// A tag that is start and end, in the same way.
    Empty(usize, usize),
    /// An end tag.
    End,
    /// A text without markup, its references apart.
    Text(&'s str),
    /// What stands in a CDATA section.
    CData(&'s str),
    /// The name in a reference.
    Reference(&'s str),
    /// The XML declaration.
    Declaration,
    /// A document type declaration.
    DocType,
    /// A comment, or a processing instruction.
    Aside,
    /// The end of the input.
    Eof,
}

/// Room for the open elements of a usual document.
const DEPTH_TYPICAL: usize = 16;

/// Why there is no next token, and where the event reader says so.
pub(super) type Broken = (quick_xml::Error, u64);

/// The tokens of a document.
pub(super) struct Tokens<'s> {
    source: &'s str,
    /// Where the next token begins, as long as the event reader has not taken over.
    at: usize,
    /// The names of the open elements.
    open: Vec<&'s str>,
    events: Option<Events<&'s [u8]>>,
}

impl<'s> Tokens<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { source, at: 0, open: Vec::with_capacity(DEPTH_TYPICAL), events: None }
    }

    /// Where the next token begins.
    pub(super) fn offset(&self) -> usize {
        self.events.as_ref().map_or(self.at, position)
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token<'s>, Broken> {
        if self.events.is_none()
            && let Some((token, bytes)) = self.plain()
        {
            self.at += bytes;
            return Ok(token);
        }
        let (source, at) = (self.source, self.at);
        let events = self.events.get_or_insert_with(|| take_over(source, at));
        let event = events.read_event().map_err(|error| (error, events.error_position()))?;
        Ok(token(event))
    }

    /// The next token and its bytes, where nothing about it can be wrong.
    fn plain(&mut self) -> Option<(Token<'s>, usize)> {
        let rest = self.source.get(self.at..)?;
        let bytes = rest.as_bytes();
        match (bytes.first(), bytes.get(1)) {
            (None, _) => Some((Token::Eof, 0)),
            (Some(b'<'), Some(b'/')) => self.end_tag(rest),
            (Some(b'<'), Some(b'!')) => {
                let inner = rest.strip_prefix("<![CDATA[")?;
                let length = memmem::find(inner.as_bytes(), b"]]>")?;
                Some((Token::CData(inner.get(..length)?), "<![CDATA[]]>".len() + length))
            }
            (Some(b'<'), Some(b'?')) if self.at == 0 && rest.starts_with("<?xml ") => {
                Some((Token::Declaration, memmem::find(bytes, b"?>")? + 2))
            }
            (Some(b'<'), Some(b'?')) => None,
            (Some(b'<'), _) => self.start_tag(rest),
            (Some(b'&'), _) => {
                let inner = rest.get(1..)?;
                let length = memchr3(b';', b'&', b'<', inner.as_bytes())?;
                let closed = inner.as_bytes().get(length) == Some(&b';');
                closed.then_some((Token::Reference(inner.get(..length)?), length + 2))
            }
            (Some(_), _) => {
                let length = memchr2(b'<', b'&', bytes).unwrap_or(bytes.len());
                Some((Token::Text(rest.get(..length)?), length))
            }
        }
    }

    /// `</name>`, exactly so, of the innermost open element.
    fn end_tag(&mut self, rest: &'s str) -> Option<(Token<'s>, usize)> {
        let name = *self.open.last()?;
        let after = rest.get(2..)?.strip_prefix(name)?;
        after.starts_with('>').then(|| {
            self.open.pop();
            (Token::End, name.len() + 3)
        })
    }

    fn start_tag(&mut self, rest: &'s str) -> Option<(Token<'s>, usize)> {
        let inner = rest.get(1..)?;
        let stops = |byte: u8| {
            matches!(byte, b'>' | b'/' | b' ' | b'\t' | b'\n' | b'\r' | b'<' | b'"' | b'\'')
        };
        let name = inner.bytes().position(stops).filter(|length| *length > 0)?;
        let after = inner.get(name..)?;
        let odd = after.starts_with(['<', '"', '\'']);
        if odd || after.starts_with('/') && !after.starts_with("/>") {
            return None;
        }
        let end = name + end_of_tag(after.as_bytes())?;
        if inner.as_bytes().get(end - 1) == Some(&b'/') {
            return Some((Token::Empty(name, end - 1 - name), end + 2));
        }
        self.open.push(inner.get(..name)?);
        Some((Token::Start(name, end - name), end + 2))
    }
}

/// Where the `>` is that ends a tag, quoted ones left out.
fn end_of_tag(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at +=
            bytes.get(at..)?.iter().position(|byte| matches!(byte, b'>' | b'"' | b'\'' | b'<'))?;
        match bytes.get(at)? {
            b'>' => return Some(at),
            b'<' => return None,
            quote => at += memchr(*quote, bytes.get(at + 1..)?)? + 2,
        }
    }
}

fn position(events: &Events<&[u8]>) -> usize {
    usize::try_from(events.buffer_position()).unwrap_or(usize::MAX)
}

/// The event reader where `at` is next.
fn take_over(source: &str, at: usize) -> Events<&[u8]> {
    let mut events = Events::from_str(source);
    events.config_mut().check_comments = true;
    while position(&events) < at && events.read_event().is_ok() {}
    events
}

/// A reader of a slice lends what it read.
fn lent(text: Cow<'_, str>) -> &str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(_) => "",
    }
}

fn token(event: Event<'_>) -> Token<'_> {
    let sizes = |tag: &BytesStart<'_>| (tag.name().as_ref().len(), tag.attributes_raw().len());
    match event {
        Event::Start(tag) => {
            let (name, rest) = sizes(&tag);
            Token::Start(name, rest)
        }
        Event::Empty(tag) => {
            let (name, rest) = sizes(&tag);
            Token::Empty(name, rest)
        }
        Event::End(_) => Token::End,
        Event::Text(text) => Token::Text(lent(text.into_inner())),
        Event::CData(text) => Token::CData(lent(text.into_inner())),
        Event::GeneralRef(name) => Token::Reference(lent(name.into_inner())),
        Event::DocType(_) => Token::DocType,
        Event::Decl(_) => Token::Declaration,
        Event::Comment(_) | Event::PI(_) => Token::Aside,
        Event::Eof => Token::Eof,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All tokens with their places, and the fault that ends them, in words.
    fn all(mut tokens: Tokens<'_>) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let at = tokens.offset();
            match tokens.next() {
                Ok(token) => {
                    told.push(format!("{at} {token:?}"));
                    if token == Token::Eof {
                        return told;
                    }
                }
                Err((error, place)) => {
                    told.push(format!("{at} {error} at {place}"));
                    return told;
                }
            }
        }
    }

    fn agree(source: &str) {
        let events = Some(take_over(source, 0));
        let slow = Tokens { events, ..Tokens::new(source) };
        assert_eq!(all(Tokens::new(source)), all(slow), "{source:?}");
    }

    #[test]
    fn plain_markup_is_read_here() {
        let source = "<?xml version='1.0'?>\n<a x='>' y=\"'\"><b/>ấ&amp;<![CDATA[<]]></a>\n";
        let mut tokens = Tokens::new(source);
        let mut read = Vec::new();
        while let Some((token, bytes)) = tokens.plain().filter(|(_, bytes)| *bytes > 0) {
            tokens.at += bytes;
            read.push(token);
        }
        let [text, reference] = [Token::Text("ấ"), Token::Reference("amp")];
        let start = Token::Start(1, 12);
        let (empty, section, end) = (Token::Empty(1, 0), Token::CData("<"), Token::End);
        let line = Token::Text("\n");
        let inner = [start, empty, text, reference, section, end, line];
        assert_eq!(read[..2], [Token::Declaration, line]);
        assert_eq!(read[2..], inner);
        agree(source);
    }

    proptest! {
        #[test]
        fn the_event_reader_tells_the_same(
            pieces in proptest::collection::vec(
                "<a>|</a>|<b x='1>'/>|<b\n y=\"'\">|</b>|</b >|<c/d>|<a\"b>|<|>|/|&|;|&#x4;|\
                &amp;|&;|ấ|\r|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<\\?xml |<\\?|\\?>|\
                <!DOCTYPE|\\[|\\]| |=|'|\"|:",
                0..24,
            ),
            declared in any::<bool>(),
        ) {
            let head = if declared { "<?xml version='1.0'?>" } else { "" };
            agree(&format!("{head}{}", pieces.concat()));
        }
    }
}
