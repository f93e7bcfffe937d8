//! The lexical part of XML that the event reader leaves open.

use memchr::memchr;

use super::{Fault, FaultKind, Limits};

/// One attribute as it is written.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'s> {
    /// The name with its prefix.
    pub(super) name: &'s str,
    /// What is between the quotes.
    pub(super) value: &'s str,
    /// Where the name begins.
    pub(super) offset: usize,
    /// Where the value begins.
    pub(super) value_offset: usize,
}

impl<'s> Attribute<'s> {
    /// The prefix it binds, if it is a namespace declaration; empty for the default namespace.
    pub(super) fn declares(&self) -> Option<&'s str> {
        match self.name.strip_prefix("xmlns")? {
            "" => Some(""),
            rest => rest.strip_prefix(':'),
        }
    }
}

/// The prefix and the local name.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

/// Refuses what is not a qualified name.
pub(super) fn check_name(name: &str, offset: usize) -> Result<(), Fault> {
    let mut colons = 0;
    let mut first = true;
    for byte in name.bytes() {
        let allowed = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => true,
            b'0'..=b'9' | b'-' | b'.' => !first,
            b':' => {
                colons += 1;
                !first && colons == 1
            }
            _ => false,
        };
        if !allowed {
            return Err(Fault::syntax(offset, format!("{name:?} is not a name")));
        }
        first = byte == b':';
    }
    if first { Err(Fault::syntax(offset, "a name is missing")) } else { Ok(()) }
}

/// Where the first character is that no XML document may hold.
pub(super) fn forbidden_character(source: &str) -> Option<usize> {
    // Folded without a way out, so that the compiler makes it a vector loop; U+FFFE and U+FFFF
    // begin with the byte EF.
    let suspicious = source.bytes().fold(false, |found, b| {
        found | ((b < 0x20) & (b != b'\t') & (b != b'\n') & (b != b'\r')) | (b == 0xEF)
    });
    if suspicious { source.find(|c| !is_char(c)) } else { None }
}

fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}')
        || c >= '\u{1_0000}'
}

/// Takes a start tag apart after its name.
pub(super) fn attributes<'s>(
    rest: &'s str,
    offset: usize,
    limits: &Limits,
    out: &mut Vec<Attribute<'s>>,
) -> Result<(), Fault> {
    out.clear();
    let mut at = 0;
    loop {
        let here = rest.get(at..).unwrap_or_default();
        let trimmed = here.trim_ascii_start();
        if trimmed.is_empty() {
            return Ok(());
        }
        if trimmed.len() == here.len() {
            return Err(Fault::syntax(offset + at, "white space expected before an attribute"));
        }
        at = rest.len() - trimmed.len();
        if out.len() >= limits.attributes_max as usize {
            return Err(Fault::limit("attributes_max", limits.attributes_max, offset + at));
        }
        let fault = |detail| Fault::syntax(offset + at, detail);
        let (name, after) =
            trimmed.split_once('=').ok_or_else(|| fault("an attribute without a value"))?;
        let name = name.trim_ascii_end();
        check_name(name, offset + at)?;
        let after = after.trim_ascii_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.ok_or_else(|| fault("an attribute value without quotes"))?;
        let inner = after.get(1..).unwrap_or_default();
        let (value, after) =
            inner.split_once(quote).ok_or_else(|| fault("an attribute value is never closed"))?;
        if value.contains('<') {
            return Err(fault("< in an attribute value"));
        }
        let value_offset = offset + rest.len() - inner.len();
        out.push(Attribute { name, value, offset: offset + at, value_offset });
        at = rest.len() - after.len();
    }
}

/// Appends text with its line ends made `\n`.
pub(super) fn push_lines(text: &str, out: &mut String) {
    if memchr(b'\r', text.as_bytes()).is_none() {
        out.push_str(text);
        return;
    }
    let mut pieces = text.split('\r');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        if !piece.starts_with('\n') {
            out.push('\n');
        }
        out.push_str(piece);
    }
}

/// Appends an attribute's value: references resolved, white space made spaces.
pub(super) fn push_value(value: &str, out: &mut String, offset: usize) -> Result<(), Fault> {
    let special = |b: u8| matches!(b, b'&' | b'\t' | b'\n' | b'\r');
    if !value.bytes().any(special) {
        out.push_str(value);
        return Ok(());
    }
    let mut at = 0;
    while let Some(rest) = value.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.bytes().position(special).unwrap_or(rest.len());
        out.push_str(rest.get(..plain).unwrap_or_default());
        at += plain;
        let Some(rest) = value.get(at..).filter(|rest| !rest.is_empty()) else { break };
        if let Some(reference) = rest.strip_prefix('&') {
            let name = reference.split_once(';').map(|(name, _)| name);
            let name = name.ok_or_else(|| Fault::syntax(offset + at, "a lone ampersand"))?;
            push_reference(name, out, offset + at)?;
            at += name.len() + 2;
        } else {
            out.push(' ');
            at += if rest.starts_with("\r\n") { 2 } else { 1 };
        }
    }
    Ok(())
}

/// Appends the character that `&name;` stands for.
pub(super) fn push_reference(name: &str, out: &mut String, offset: usize) -> Result<(), Fault> {
    out.push(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => match name.strip_prefix('#') {
            Some(number) => character(number)
                .ok_or_else(|| Fault::syntax(offset, format!("&{name}; is no character")))?,
            None => {
                check_name(name, offset)?;
                let detail = format!("the entity &{name}; is not predefined");
                return Err(Fault::new(FaultKind::ForbiddenMarkup, offset, detail));
            }
        },
    });
    Ok(())
}

/// The character of `65` or `x41`.
fn character(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    let code = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(code).filter(|c| is_char(*c))
}
