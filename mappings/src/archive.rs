//! Which files of an archive are the channel's, by their names.

/// Patterns in which `*` stands for any letters, also none; without `/` they are of the last part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archive {
    /// The files that hold records.
    pub members: Vec<String>,
    /// The files that may be there and are left alone.
    pub ignore: Vec<String>,
}

/// What a file of an archive is to its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// It holds records.
    Wanted,
    /// It is left alone.
    Ignored,
    /// Nobody has declared it.
    Unknown,
}

impl Archive {
    /// What a file of that name is.
    pub fn member(&self, name: &str) -> Member {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, name));
        match (any(&self.ignore), any(&self.members)) {
            (true, _) => Member::Ignored,
            (false, true) => Member::Wanted,
            (false, false) => Member::Unknown,
        }
    }
}

/// Whether a name is one of a pattern's, whatever the case of its ASCII letters.
fn fits(pattern: &str, name: &str) -> bool {
    let name = match pattern.contains('/') {
        true => name,
        false => name.rsplit('/').next().unwrap_or(name),
    };
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_pattern() {
        for (pattern, name, is) in [
            ("*.csv", "thang8/HOSO.CSV", true),
            ("*.csv", "hoso.csv.exe", false),
            ("hoso*.csv", "cu/hoso_08.csv", true),
            ("hoso*.csv", "xhoso_08.csv", false),
            ("__MACOSX/*", "__MACOSX/a/b", true),
            ("__MACOSX/*", "a/__MACOSX/b", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "ab", true),
            ("ab*b", "ab", false),
            ("*", "", true),
            ("x", "x", true),
            ("x", "xx", false),
        ] {
            assert_eq!(fits(pattern, name), is, "{pattern} {name}");
        }
    }
}
