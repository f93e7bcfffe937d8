//! What a dump says of its tables before it brings their rows: columns with types, and keys.

use super::{
    scan::{Broken, What, Word},
    table::{COLUMNS_MAX, Declared, Reader},
};

impl Reader<'_> {
    pub(super) fn create(&mut self) -> Result<(), Broken> {
        if !self.takes("table")? {
            return self.end();
        }
        for keyword in ["if", "not", "exists"] {
            self.takes(keyword)?;
        }
        let Some(name) = self.name()? else { return self.end() };
        if !self.takes_sign('(')? {
            return self.end();
        }
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        while let Some(first) = self.scan.word()? {
            if first.is_sign(')') {
                break;
            }
            let (words, inner, last) = self.definition()?;
            let constraint =
                ["constraint", "primary", "unique", "key", "foreign", "check", "index"];
            let is_key = words.windows(2).any(|pair| pair == ["primary", "key"]);
            if constraint.iter().any(|keyword| first.is(keyword)) {
                if is_key || first.is("primary") {
                    key = inner;
                }
            } else if let Some(name) = first.name() {
                if is_key {
                    key = vec![name.clone()];
                }
                columns.push(Declared { name, kind: Some(words.join(" ")) });
            }
            if columns.len() > COLUMNS_MAX {
                return Err(self.scan.broken(What::Columns));
            }
            if last {
                break;
            }
        }
        if let Some(table) = self.table(&name, &[]) {
            (table.columns, table.key) = (columns, key);
        }
        self.end()
    }

    /// The words of a definition after its first, the names in its brackets, and whether it is the
    /// last.
    fn definition(&mut self) -> Result<(Vec<String>, Vec<String>, bool), Broken> {
        let (mut words, mut inner, mut depth) = (Vec::new(), Vec::new(), 0_usize);
        while let Some(word) = self.scan.word()? {
            match &word {
                Word::Sign(')') if depth == 0 => return Ok((words, inner, true)),
                Word::Sign(',') if depth == 0 => return Ok((words, inner, false)),
                Word::Sign('(') => depth += 1,
                Word::Sign(')') => depth -= 1,
                word if depth > 0 => inner.extend(word.name()),
                word => words.extend(word.name().map(|name| name.to_lowercase())),
            }
        }
        Ok((words, inner, true))
    }

    pub(super) fn alter(&mut self) -> Result<(), Broken> {
        if !self.takes("table")? {
            return self.end();
        }
        self.takes("only")?;
        let Some(name) = self.name()? else { return self.end() };
        for _ in 0..8 {
            let Some(word) = self.scan.peek()? else { return Ok(()) };
            if word.is_sign(';') {
                break;
            }
            self.scan.word()?;
            if word.is("primary") && self.takes("key")? {
                self.takes("clustered")?;
                if self.takes_sign('(')? {
                    let key = self.names()?;
                    if let Some(table) = self.table(&name, &[]) {
                        table.key = key;
                    }
                }
                break;
            }
        }
        self.end()
    }
}
