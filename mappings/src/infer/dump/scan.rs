//! The words of a SQL dump: names, texts in quotes, numbers and signs, past comments.
//!
//! What PostgreSQL, MySQL, SQLite and SQL Server write; one pass, nothing nested.

/// A place that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    /// The byte offset.
    pub(super) at: usize,
    pub(super) what: What,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A quote or a comment that never ends.
    Unclosed,
    /// A row that does not end as rows do.
    Row,
    /// More columns than a row may have.
    Columns,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word<'s> {
    /// A name or a keyword as it stands, or a number.
    Bare(&'s str),
    /// A name in quotes.
    Name(String),
    /// A text.
    Text(String),
    /// Any other sign.
    Sign(char),
}

impl Word<'_> {
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Bare(word) if word.eq_ignore_ascii_case(keyword))
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }

    /// A name, in quotes or bare.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Bare(word) => Some((*word).to_owned()),
            Self::Name(name) => Some(name.clone()),
            _ => None,
        }
    }
}

/// A place in a dump.
#[derive(Debug, Clone)]
pub(super) struct Scan<'s> {
    pub(super) source: &'s str,
    pub(super) at: usize,
    /// Whether a backslash in a text stands before what it means: MySQL, told by its quotes.
    pub(super) backslashes: bool,
}

impl<'s> Scan<'s> {
    pub(super) fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// The rest of the line, which is stepped over with its end.
    pub(super) fn line(&mut self) -> Option<&'s str> {
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        let length = rest.find('\n').unwrap_or(rest.len());
        self.at += (length + 1).min(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// Steps over blanks and comments.
    fn skip(&mut self) -> Result<(), Broken> {
        loop {
            let rest = self.rest();
            let length = rest.len() - rest.trim_start().len();
            self.at += length;
            let rest = self.rest();
            if rest.starts_with("--") {
                self.line();
            } else if rest.starts_with("/*") {
                let length = rest.find("*/").ok_or(self.broken(What::Unclosed))?;
                self.at += length + 2;
            } else {
                return Ok(());
            }
        }
    }

    pub(super) fn broken(&self, what: What) -> Broken {
        Broken { at: self.at, what }
    }

    /// The next word without stepping over it.
    pub(super) fn peek(&mut self) -> Result<Option<Word<'s>>, Broken> {
        self.skip()?;
        let at = self.at;
        let word = self.word();
        self.at = at;
        word
    }

    /// The next word.
    pub(super) fn word(&mut self) -> Result<Option<Word<'s>>, Broken> {
        self.skip()?;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let bare = |letter: char| letter.is_alphanumeric() || "_$#".contains(letter);
        match first {
            '\'' => self.text(self.backslashes).map(|text| Some(Word::Text(text))),
            '"' | '`' => {
                self.backslashes |= first == '`';
                self.quoted(first, first).map(|name| Some(Word::Name(name)))
            }
            '[' => self.quoted('[', ']').map(|name| Some(Word::Name(name))),
            '$' if self.dollars().is_some() => {
                self.dollar_text().map(|text| Some(Word::Text(text)))
            }
            '-' | '+' | '.'
                if rest.get(1..2).is_some_and(|one| one.bytes().all(|b| b.is_ascii_digit())) =>
            {
                Ok(Some(self.number()))
            }
            digit if digit.is_ascii_digit() => Ok(Some(self.number())),
            letter if bare(letter) => {
                let length = rest.find(|one: char| !bare(one)).unwrap_or(rest.len());
                self.at += length;
                let word = rest.get(..length).unwrap_or_default();
                // N'…' is Unicode, E'…' has backslashes, X'…' is bytes.
                match word {
                    "N" | "n" | "X" | "x" | "B" | "b" if self.rest().starts_with('\'') => {
                        self.text(self.backslashes).map(|text| Some(Word::Text(text)))
                    }
                    "E" | "e" if self.rest().starts_with('\'') => {
                        self.text(true).map(|text| Some(Word::Text(text)))
                    }
                    _ => Ok(Some(Word::Bare(word))),
                }
            }
            sign => {
                self.at += sign.len_utf8();
                Ok(Some(Word::Sign(sign)))
            }
        }
    }

    fn number(&mut self) -> Word<'s> {
        let rest = self.rest();
        let within = |one: char| one.is_ascii_alphanumeric() || one == '.';
        let first = 1;
        let more = rest.get(first..).unwrap_or_default();
        let mut length = first + more.find(|one| !within(one)).unwrap_or(more.len());
        // An exponent has a sign of its own.
        let exponent = rest.get(..length).is_some_and(|one| one.ends_with(['e', 'E']));
        if exponent && rest.get(length..).is_some_and(|one| one.starts_with(['-', '+'])) {
            let more = rest.get(length + 1..).unwrap_or_default();
            length += 1 + more.find(|one| !within(one)).unwrap_or(more.len());
        }
        self.at += length;
        Word::Bare(rest.get(..length).unwrap_or_default())
    }

    /// A text in single quotes, which stand twice within it.
    fn text(&mut self, backslashes: bool) -> Result<String, Broken> {
        let unclosed = self.broken(What::Unclosed);
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let stops: &[char] = if backslashes { &['\'', '\\'] } else { &['\''] };
            let length = rest.find(stops).ok_or(unclosed)?;
            text.push_str(rest.get(..length).unwrap_or_default());
            self.at += length + 1;
            let mut behind = rest.get(length + 1..).unwrap_or_default().chars();
            if rest.get(length..).is_some_and(|one| one.starts_with('\\')) {
                let escaped = behind.next().ok_or(unclosed)?;
                self.at += escaped.len_utf8();
                text.push(escape(escaped));
            } else if behind.next() == Some('\'') {
                self.at += 1;
                text.push('\'');
            } else {
                return Ok(text);
            }
        }
    }

    /// A name in quotes, the closing one of which stands twice within it.
    fn quoted(&mut self, open: char, close: char) -> Result<String, Broken> {
        let unclosed = self.broken(What::Unclosed);
        self.at += open.len_utf8();
        let mut name = String::new();
        loop {
            let rest = self.rest();
            let length = rest.find(close).ok_or(unclosed)?;
            name.push_str(rest.get(..length).unwrap_or_default());
            self.at += length + 1;
            if !self.rest().starts_with(close) {
                return Ok(name);
            }
            self.at += 1;
            name.push(close);
        }
    }

    /// What a body between dollars begins with: `$$` or `$body$`.
    fn dollars(&self) -> Option<&'s str> {
        let rest = self.rest();
        let length = rest.get(1..)?.find(|one: char| !one.is_alphanumeric() && one != '_')? + 1;
        let tag = rest.get(..=length)?;
        tag.ends_with('$').then_some(tag)
    }

    fn dollar_text(&mut self) -> Result<String, Broken> {
        let unclosed = self.broken(What::Unclosed);
        let tag = self.dollars().ok_or(unclosed)?;
        self.at += tag.len();
        let rest = self.rest();
        let length = rest.find(tag).ok_or(unclosed)?;
        self.at += length + tag.len();
        Ok(rest.get(..length).unwrap_or_default().to_owned())
    }
}

/// What a letter behind a backslash means.
pub(super) fn escape(letter: char) -> char {
    match letter {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '0' => '\0',
        other => other,
    }
}
