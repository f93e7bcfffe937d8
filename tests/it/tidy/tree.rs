//! Rules for the tree of files: nothing dead, no drawers, the folders of the design.

use std::collections::BTreeSet;

const TOP_LEVEL: &[&str] =
    &["adapters", "contracts", "docs", "examples", "hub", "mappings", "tests"];

/// Without these there is no hub; the others come with their first file.
const TOP_LEVEL_REQUIRED: &[&str] = &["contracts", "docs", "hub", "mappings", "tests"];

/// Names that say nothing about what is inside.
const DRAWERS: &[&str] = &["util", "utils", "common", "core", "helper", "helpers", "misc"];

/// Rust files that no `mod` names.
pub(super) fn dead_files(sources: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, _) in sources {
        let Some((folder, module)) = module_of(path) else { continue };
        let is_parent = |other: &str| {
            ["lib.rs", "main.rs", "mod.rs"].iter().any(|n| other == format!("{folder}/{n}"))
                || other == format!("{folder}.rs")
        };
        let named = sources
            .iter()
            .filter(|(other, _)| other != path && is_parent(other))
            .any(|(_, text)| text.lines().any(|line| declares(line, &module)));
        if !named {
            found.push(format!("{path}:1: dead: no `mod {module};` in its parent"));
        }
    }
    found
}

/// The folder in which a module's parent stands, and its name; nothing for the root of a crate.
fn module_of(path: &str) -> Option<(String, String)> {
    let in_crate = path.contains("/src/") || path.starts_with("tests/it/");
    let (folder, file) = path.rsplit_once('/')?;
    let is_root = folder.ends_with("/src") || folder == "tests/it";
    if !in_crate || folder.ends_with("/src/bin") {
        return None;
    }
    match file {
        "lib.rs" | "main.rs" if is_root => None,
        "mod.rs" => folder.rsplit_once('/').map(|(up, name)| (up.to_owned(), name.to_owned())),
        _ => Some((folder.to_owned(), file.trim_end_matches(".rs").to_owned())),
    }
}

fn declares(line: &str, module: &str) -> bool {
    let line = line.trim();
    let declaration = line.strip_suffix(&format!("mod {module};"));
    declaration.is_some_and(|before| before.is_empty() || before.starts_with("pub"))
}

/// Folders and Rust files with a name that says nothing.
pub(super) fn drawers(paths: &[String]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for path in paths {
        let mut parts: Vec<&str> = path.split('/').collect();
        let file = parts.pop().unwrap();
        parts.extend(file.strip_suffix(".rs"));
        for part in parts.into_iter().filter(|part| DRAWERS.contains(part)) {
            found.insert(format!("{path}:1: \"{part}\" is a drawer: name what is inside"));
        }
    }
    found.into_iter().collect()
}

/// Top-level folders that the design does not know, or that are missing.
pub(super) fn top_level(paths: &[String]) -> Vec<String> {
    let folders: BTreeSet<&str> =
        paths.iter().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
    let strange = folders.iter().filter(|f| !f.starts_with('.') && !TOP_LEVEL.contains(f));
    let missing = TOP_LEVEL_REQUIRED.iter().filter(|folder| !folders.contains(*folder));
    strange
        .map(|folder| format!("{folder}: a top-level folder that the design does not know"))
        .chain(missing.map(|folder| format!("{folder}: this top-level folder is missing")))
        .collect()
}

#[cfg(test)]
fn tree(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_dead_file_is_caught() {
    let alive = [
        ("hub/src/main.rs", "mod cli;\npub(crate) mod store;\n"),
        ("hub/src/cli.rs", "    mod demo;\n"),
        ("hub/src/cli/demo.rs", ""),
        ("hub/src/store/mod.rs", "pub mod sqlite;\n"),
        ("hub/src/store/sqlite.rs", ""),
        ("hub/build.rs", ""),
        ("tests/it/main.rs", ""),
    ];
    assert!(dead_files(&tree(&alive)).is_empty());
    for (dead, remark) in [
        ("hub/src/lost.rs", "no mod"),
        ("hub/src/store/cli.rs", "named elsewhere only"),
        ("hub/src/lost/mod.rs", "a folder"),
        ("tests/it/lost.rs", "a test that never runs"),
    ] {
        let mut files = alive.to_vec();
        files.push((dead, "mod lost;\n"));
        assert_eq!(dead_files(&tree(&files)).len(), 1, "{dead}: {remark}");
    }
    assert!(!declares("// mod lost;", "lost"));
    assert!(!declares("mod not_lost;", "lost"));
}

#[test]
fn a_drawer_is_caught() {
    for name in DRAWERS {
        assert_eq!(drawers(&[format!("hub/src/{name}.rs")]).len(), 1);
        assert_eq!(drawers(&[format!("hub/src/{name}/ids.rs")]).len(), 1);
    }
    assert!(drawers(&["hub/src/store/commit.rs".to_owned()]).is_empty());
}

#[test]
fn a_strange_or_missing_top_level_folder_is_caught() {
    let files = |folders: &[&str]| folders.iter().map(|f| format!("{f}/x")).collect::<Vec<_>>();
    assert!(top_level(&files(TOP_LEVEL)).is_empty());
    assert!(top_level(&files(TOP_LEVEL_REQUIRED)).is_empty());
    assert_eq!(top_level(&files(&[TOP_LEVEL, &["scripts"]].concat())).len(), 1);
    assert_eq!(top_level(&files(&TOP_LEVEL_REQUIRED[1..])).len(), 1);
}
