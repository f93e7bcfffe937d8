//! Edges that must not be: between crates, and from a folder to what it must not know.

use super::source::contains_word;

/// A folder, what its code must not name, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("hub/src/registry/", PURE, "the domain is pure: the caller passes `now` and the data"),
    ("hub/src/journal/", PURE, "the journal's mathematics are pure"),
    ("hub/src/journey/", BACKENDS, "a journey names no backend"),
    ("contracts/src/", &["std::fs", "tokio", "std::net"], "the vocabulary does no I/O"),
    ("mappings/src/", &["std::fs", "tokio", "std::net"], "a mapping does no I/O"),
];

const PURE: &[&str] = &[
    "tokio",
    "sqlx",
    "rusqlite",
    "axum",
    "std::env",
    "Timestamp::now",
    "Zoned::now",
    "SystemTime::now",
    "Instant::now",
];

const BACKENDS: &[&str] = &["rusqlite", "tokio_postgres", "lapin", "reqwest"];

/// The one file of the product that reads the environment.
const ENVIRONMENT_READER: &str = "hub/src/config.rs";

const ENVIRONMENT: &[&str] =
    &["env::var", "env::vars", "env::var_os", "env::vars_os", "std::env::{"];

/// A crate of ours, and the crates of ours it may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("contracts", &[]),
    ("mappings", &["contracts"]),
    ("adapters", &["contracts"]),
    ("hub", &["contracts", "mappings", "adapters"]),
    ("tests", &["contracts", "mappings", "adapters", "hub"]),
];

/// Names in code that its folder must not know; comments may speak of them.
pub(super) fn imports(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("//") {
            continue;
        }
        let mut check = |names: &[&str], why: &str| {
            for name in names.iter().filter(|name| contains_word(line, name)) {
                found.push(format!("{path}:{number}: names `{name}`: {why}"));
            }
        };
        for (folder, names, why) in FORBIDDEN {
            let module = format!("{}.rs", folder.trim_end_matches('/'));
            if path.starts_with(folder) || path == module {
                check(names, why);
            }
        }
        if path.contains("/src/") && path != ENVIRONMENT_READER {
            check(ENVIRONMENT, "only the configuration reads the environment");
        }
    }
    found
}

/// Dependencies between our crates that the design does not have.
pub(super) fn crates(path: &str, manifest: &str) -> Vec<String> {
    let manifest: toml::Value = toml::from_str(manifest).unwrap();
    let name = manifest["package"]["name"].as_str().unwrap();
    let Some((_, allowed)) = CRATES.iter().find(|(known, _)| *known == name) else {
        return vec![format!("{path}:1: crate `{name}` is not one of the design")];
    };
    let per_target = manifest.get("target").and_then(toml::Value::as_table);
    let tables = per_target.into_iter().flat_map(|targets| targets.values()).chain([&manifest]);
    let mut found = Vec::new();
    for table in tables {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let dependencies = table.get(section).and_then(toml::Value::as_table);
            for (key, value) in dependencies.into_iter().flatten() {
                let on = value.get("package").and_then(toml::Value::as_str).unwrap_or(key);
                if CRATES.iter().any(|(ours, _)| *ours == on) && !allowed.contains(&on) {
                    found.push(format!("{path}:1: `{name}` must not depend on `{on}`"));
                }
            }
        }
    }
    found
}

#[test]
fn every_forbidden_name_is_caught() {
    for (folder, names, _) in FORBIDDEN {
        for name in *names {
            let code = format!("\nlet a = {name}::b();");
            assert!(!imports(&format!("{folder}a.rs"), &code).is_empty(), "{folder} {name}");
            let module = format!("{}.rs", folder.trim_end_matches('/'));
            assert!(!imports(&module, &code).is_empty(), "{module} {name}");
        }
    }
    assert!(imports("hub/src/registry/a.rs", "// no tokio here\nlet tokios = 1;").is_empty());
    assert!(imports("hub/src/store/a.rs", "use rusqlite::Connection;").is_empty());
}

#[test]
fn a_second_reader_of_the_environment_is_caught() {
    for code in ["std::env::var(\"A\")", "env::var_os(\"A\")", "use std::env::{var};"] {
        assert_eq!(imports("hub/src/api/a.rs", code).len(), 1, "{code}");
        assert!(imports(ENVIRONMENT_READER, code).is_empty(), "{code}");
    }
}

#[test]
fn a_forbidden_crate_edge_is_caught() {
    let manifest = |name: &str, rest: &str| format!("[package]\nname = \"{name}\"\n{rest}");
    for (name, rest) in [
        ("contracts", "[dependencies]\nmappings.workspace = true"),
        ("mappings", "[dev-dependencies]\nadapters = { path = \"../adapters\" }"),
        ("adapters", "[dependencies.hub]\npath = \"../hub\""),
        ("hub", "[dependencies]\nt = { package = \"tests\", path = \"../tests\" }"),
        ("adapters", "[target.'cfg(unix)'.dependencies]\nmappings.workspace = true"),
        ("drawer", ""),
    ] {
        assert_eq!(crates("x/Cargo.toml", &manifest(name, rest)).len(), 1, "{name}: {rest}");
    }
    let allowed = manifest("mappings", "[dependencies]\ncontracts.workspace = true\ncsv = \"1\"");
    assert!(crates("mappings/Cargo.toml", &allowed).is_empty());
}
