//! The code tables of an agency's folder: one set for all of its channels.

use std::{collections::BTreeMap, fs, path::Path};

use mappings::Diagnostic;

use super::read_text;

/// The texts of the tables in a folder, by name.
pub(super) fn read(folder: &Path) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let mut tables = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "csv")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            tables.insert(name.to_owned(), read_text(&path)?);
        }
    }
    Ok(tables)
}

/// An agency's faults, each once and with its file: one of a code table is found again by every
/// channel, as `tables/NAME.csv`.
pub(super) fn once(found: Vec<Diagnostic>, folder: &Path) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    for mut fault in found {
        if fault.file.starts_with("tables/") {
            fault.file = folder.join(&fault.file).display().to_string();
        }
        if !told.contains(&fault) {
            told.push(fault);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tables_fault_is_told_once_with_its_file() {
        let at = |file: &str, line| {
            let text = "\n".repeat(line);
            Diagnostic::at(file, &text, &(text.len()..text.len()), "faulty".to_owned(), "")
        };
        let found = vec![at("tables/a.csv", 3), at("m/x/ho-so.toml", 1), at("tables/a.csv", 3)];
        let told: Vec<_> =
            once(found, Path::new("m/x")).into_iter().map(|fault| fault.to_string()).collect();
        assert_eq!(told, ["m/x/tables/a.csv:4:1: faulty", "m/x/ho-so.toml:2:1: faulty"]);
    }
}
