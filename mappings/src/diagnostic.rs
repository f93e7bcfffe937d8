//! One fault in a mapping file, with the place to mend and how.

use std::{fmt, ops::Range};

use crate::format::line_column;

/// One fault in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Name of the file, as the caller gave it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub advice: String,
}

impl Diagnostic {
    /// A fault at a byte range of a text.
    pub fn at(file: &str, text: &str, span: &Range<usize>, message: String, advice: &str) -> Self {
        let (line, column) = line_column(text, span.start);
        Self { file: file.to_owned(), line, column, message, advice: advice.to_owned() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message, advice } = self;
        write!(out, "{file}:{line}:{column}: {message}")?;
        if advice.is_empty() { Ok(()) } else { write!(out, "\n    {advice}") }
    }
}
