//! The rules of `docs/style.md`, held.
//!
//! Every check is a function from text to a list of violations, so that each is tested on a
//! violating text too; the tests below run them on the repository and show all violations at once.

use std::fs;
use std::path::{Path, PathBuf};

mod edges;
mod source;
mod tree;

/// Folders with data of others: their words are theirs.
const FOREIGN: &[&str] = &["mappings/agencies/", "contracts/schemas/"];

/// Texts that quote the words they forbid.
const QUOTING: &[&str] = &["docs/glossary.md", "docs/style.md"];

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file of the repository as text.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with every violation on a line of its own.
pub(crate) fn report(violations: &[String]) {
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

/// Every file, as a path from the root with `/`; without build output and hidden folders.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && name != "target" && (!name.starts_with('.') || name == ".ci") {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path().strip_prefix(root()).unwrap().to_owned();
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// The Rust files with their text.
fn sources() -> Vec<(String, String)> {
    let rust = files().into_iter().filter(|path| path.ends_with(".rs"));
    rust.map(|path| (path.clone(), read(&path))).collect()
}

/// What we wrote ourselves, code and prose, with its text.
fn writings() -> Vec<(String, String)> {
    let ours = |path: &String| {
        let name = path.rsplit('/').next().unwrap();
        let extension = name.rsplit_once('.').map_or(name, |(_, extension)| extension);
        ["rs", "md", "toml", "sql", "html", "css", "js", "sh", "run"].contains(&extension)
            && !FOREIGN.iter().any(|folder| path.starts_with(folder))
    };
    files().into_iter().filter(ours).map(|path| (path.clone(), read(&path))).collect()
}

fn each_source(check: impl Fn(&str, &str) -> Vec<String>) {
    let sources = sources();
    assert!(!sources.is_empty(), "no Rust file was found");
    report(&sources.iter().flat_map(|(path, text)| check(path, text)).collect::<Vec<_>>());
}

#[test]
fn files_lines_and_functions_are_short() {
    each_source(source::lengths);
}

#[test]
fn forbidden_words_are_absent() {
    let writings = writings().into_iter().filter(|(path, _)| !QUOTING.contains(&path.as_str()));
    report(&writings.flat_map(|(path, text)| source::words(&path, &text)).collect::<Vec<_>>());
}

#[test]
fn no_build_machine_is_named() {
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let traces = source::traces_of(&root().to_string_lossy(), host.trim());
    let found = writings()
        .iter()
        .flat_map(|(path, text)| source::machines(path, text, &traces))
        .collect::<Vec<_>>();
    report(&found);
}

#[test]
fn no_file_is_dead_and_no_folder_a_drawer() {
    let mut violations = tree::dead_files(&sources());
    violations.extend(tree::drawers(&files()));
    report(&violations);
}

#[test]
fn top_level_folders_are_the_ones_of_the_design() {
    report(&tree::top_level(&files()));
}

#[test]
fn forbidden_edges_are_absent() {
    each_source(edges::imports);
}

#[test]
fn crates_depend_on_what_they_may() {
    let manifests: Vec<_> = files().into_iter().filter(|p| p.ends_with("/Cargo.toml")).collect();
    assert!(manifests.len() >= 4, "manifests found: {manifests:?}");
    report(&manifests.iter().flat_map(|p| edges::crates(p, &read(p))).collect::<Vec<_>>());
}
