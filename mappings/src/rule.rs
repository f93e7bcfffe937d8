//! The text of one rule: where a value comes from, and the functions it passes.
//!
//! `NgayTiepNhan | date dd/MM/yyyy` reads a path and applies a function; `'counter'` is a
//! constant; arguments are separated by spaces and may be quoted.

/// One word of a rule with the byte offset where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word without quotes.
    pub text: String,
    /// Byte offset in the rule's text.
    pub at: usize,
    /// Whether it was quoted: a constant rather than a name.
    pub quoted: bool,
}

/// One call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The function's name.
    pub name: Word,
    /// Its arguments.
    pub arguments: Vec<Word>,
}

/// A parsed rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// A path, or a constant when quoted.
    pub from: Word,
    /// Functions in order.
    pub calls: Vec<Call>,
}

/// Reads the text of a rule; the error is a sentence and the byte offset it concerns.
///
/// # Errors
/// When a part is empty, a quote is open, or the source is more than one word.
pub fn parse(text: &str) -> Result<RuleText, (String, usize)> {
    let mut parts: Vec<Vec<Word>> = vec![Vec::new()];
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            ' ' | '\t' => {}
            '|' => parts.push(Vec::new()),
            '\'' => {
                let mut word = String::new();
                loop {
                    match chars.next() {
                        Some((_, '\'')) => break,
                        Some((_, other)) => word.push(other),
                        None => return Err(("the quote is not closed".to_owned(), at)),
                    }
                }
                push(&mut parts, Word { text: word, at, quoted: true });
            }
            first => {
                let mut word = String::from(first);
                // A path may quote a name with spaces: ./'So ho so'.
                let mut inside = false;
                while let Some((_, next)) =
                    chars.next_if(|(_, c)| inside || !matches!(c, ' ' | '\t' | '|'))
                {
                    inside ^= next == '\'';
                    word.push(next);
                }
                if inside {
                    return Err(("the quote is not closed".to_owned(), at));
                }
                push(&mut parts, Word { text: word, at, quoted: false });
            }
        }
    }
    assemble(parts)
}

/// Reads functions alone, as they stand after an expression: `date dd/MM/yyyy | day`.
///
/// # Errors
/// When a function is missing, or a quote is open.
pub fn parse_calls(text: &str) -> Result<Vec<Call>, (String, usize)> {
    const BEFORE: &str = ".|";
    let back = |at: usize| at.saturating_sub(BEFORE.len());
    let parsed = parse(&format!("{BEFORE}{text}")).map_err(|(message, at)| (message, back(at)))?;
    let mut calls = parsed.calls;
    for call in &mut calls {
        call.name.at = back(call.name.at);
        for argument in &mut call.arguments {
            argument.at = back(argument.at);
        }
    }
    Ok(calls)
}

fn push(parts: &mut [Vec<Word>], word: Word) {
    if let Some(part) = parts.last_mut() {
        part.push(word);
    }
}

fn assemble(parts: Vec<Vec<Word>>) -> Result<RuleText, (String, usize)> {
    let mut parts = parts.into_iter();
    let mut source = parts.next().unwrap_or_default().into_iter();
    let from = source.next().ok_or_else(|| ("the rule names no source".to_owned(), 0))?;
    if let Some(extra) = source.next() {
        let message = format!("`{}` stands where `|` and a function were expected", extra.text);
        return Err((message, extra.at));
    }
    let mut calls = Vec::new();
    for part in parts {
        let mut words = part.into_iter();
        let name = words.next().ok_or_else(|| ("a function is missing after `|`".to_owned(), 0))?;
        calls.push(Call { name, arguments: words.collect() });
    }
    Ok(RuleText { from, calls })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_source_and_calls_with_arguments() {
        let rule = parse("NgayTra | date dd/MM/yyyy 'dd MM' | code").unwrap();
        assert_eq!(rule.from.text, "NgayTra");
        assert_eq!(rule.calls.len(), 2);
        assert_eq!(rule.calls[0].arguments[1].text, "dd MM");
        assert_eq!(rule.calls[0].name.at, 10);
        assert!(parse("'counter'").unwrap().from.quoted);
    }

    #[test]
    fn a_path_may_quote_a_name_with_spaces() {
        let rule = parse("./'So ho so' | code").unwrap();
        assert_eq!((rule.from.text.as_str(), rule.from.quoted), ("./'So ho so'", false));
        assert_eq!(parse("./'So ho").unwrap_err(), ("the quote is not closed".to_owned(), 0));
    }

    #[test]
    fn faults_carry_their_offset() {
        assert_eq!(parse("a b").unwrap_err().1, 2);
        assert_eq!(parse("'a").unwrap_err().1, 0);
        assert!(parse("").is_err() && parse("a |").is_err());
        assert_eq!(parse_calls("day | 'a").unwrap_err().1, 6);
        assert_eq!(parse_calls("day | code").unwrap()[1].name.at, 6);
        assert!(parse_calls("").is_err());
    }
}
