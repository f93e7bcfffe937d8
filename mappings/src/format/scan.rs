//! The lexical part of JSON: strings, numbers and literals, strictly as RFC 8259 has them.

use super::Fault;

/// A position in a text that is taken apart byte by byte.
#[derive(Clone, Copy)]
pub(super) struct Scan<'s> {
    /// The text, up to where this document ends.
    pub(super) source: &'s str,
    /// The next byte.
    pub(super) at: usize,
    /// Whether every backslash stands twice, as `COPY` writes it.
    pub(super) doubled: bool,
}

impl<'s> Scan<'s> {
    /// The next byte, unless at the end.
    pub(super) fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'s [u8] {
        self.source.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Steps over white space.
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The fault of finding something else here.
    pub(super) fn unexpected(&self, wanted: &str) -> Fault {
        let found = self.source.get(self.at..).and_then(|rest| rest.chars().next());
        let found = found.map_or_else(|| "the end".to_owned(), |c| format!("{c:?}"));
        Fault::syntax(self.at, format!("{wanted} expected, {found} found"))
    }

    /// Steps over one given byte.
    pub(super) fn byte(&mut self, wanted: u8, name: &str) -> Result<(), Fault> {
        if self.peek() != Some(wanted) {
            return Err(self.unexpected(name));
        }
        self.at += 1;
        Ok(())
    }

    /// Steps over a literal word.
    pub(super) fn word(&mut self, word: &'static str) -> Result<&'static str, Fault> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(word)
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    /// Reads a number; it must be one a 64-bit float can hold.
    pub(super) fn number(&mut self) -> Result<&'s str, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                return Err(Fault::syntax(start, "a number begins with a needless zero"));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let mut wide = self.at - start > 300;
        if let Some(b'e' | b'E') = self.peek() {
            wide = true;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.source.get(start..self.at).unwrap_or_default();
        if wide && !text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(Fault::syntax(start, "a number is out of range"));
        }
        Ok(text)
    }

    /// Reads a string, its opening quote included, appending what it says to `out`.
    pub(super) fn string(&mut self, out: &mut String) -> Result<(), Fault> {
        let opened = self.at;
        self.byte(b'"', "a string")?;
        loop {
            let plain = self.rest().iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1F));
            let Some(plain) = plain else {
                return Err(Fault::syntax(opened, "a string is never closed"));
            };
            out.push_str(self.source.get(self.at..self.at + plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(Fault::syntax(self.at, "a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let start = self.at;
        self.backslash(start)?;
        let letter = self.peek();
        if letter == Some(b'\\') {
            self.backslash(start)?;
            return Ok('\\');
        }
        self.at += 1;
        Ok(match letter {
            Some(b @ (b'"' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(Fault::syntax(start, "an unknown escape in a string")),
        })
    }

    /// Steps over one backslash, as it is written here.
    fn backslash(&mut self, start: usize) -> Result<(), Fault> {
        let written: &[u8] = if self.doubled { br"\\" } else { br"\" };
        if !self.rest().starts_with(written) {
            return Err(Fault::syntax(start, "a backslash that does not stand twice"));
        }
        self.at += written.len();
        Ok(())
    }

    fn unicode(&mut self, start: usize) -> Result<char, Fault> {
        let first = self.hex(start)?;
        let code = match first {
            0 => return Err(Fault::syntax(start, "a NUL character")),
            0xD800..=0xDBFF => {
                let escape: &[u8] = if self.doubled { br"\\u" } else { br"\u" };
                let second = if self.rest().starts_with(escape) {
                    self.at += escape.len();
                    self.hex(start)?
                } else {
                    0
                };
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(Fault::syntax(start, "half of a surrogate pair"));
                }
                0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| Fault::syntax(start, "half of a surrogate pair"))
    }

    fn hex(&mut self, start: usize) -> Result<u32, Fault> {
        let digits = self.rest().get(..4).unwrap_or_default();
        let code = digits
            .iter()
            .try_fold(0_u32, |code, b| char::from(*b).to_digit(16).map(|digit| code * 16 + digit));
        self.at += 4;
        match code {
            Some(code) if digits.len() == 4 => Ok(code),
            _ => Err(Fault::syntax(start, "four hexadecimal digits expected after \\u")),
        }
    }
}
