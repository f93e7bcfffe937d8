//! What we depend on: from where, under which licence, and what never.
//!
//! The rules stand in `deny.toml`, which `cargo-deny` reads too.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::tidy::{read, report};

/// Crates that may come with a dependency but are never one of ours.
const NEVER_DIRECT: &[&str] = &["chrono"];

struct Rules {
    licences: BTreeSet<String>,
    banned: BTreeSet<String>,
    sources: BTreeSet<String>,
}

impl Rules {
    fn parse(text: &str) -> Rules {
        let file: toml::Value = toml::from_str(text).unwrap();
        let strings = |value: &toml::Value| -> BTreeSet<String> {
            value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
        };
        let bans = file["bans"]["deny"].as_array().unwrap();
        Rules {
            licences: strings(&file["licenses"]["allow"]),
            banned: bans.iter().map(|b| b["crate"].as_str().unwrap().to_owned()).collect(),
            sources: strings(&file["sources"]["allow-registry"])
                .iter()
                .map(|url| format!("registry+{url}"))
                .collect(),
        }
    }
}

/// Judges `cargo tree`, a line a crate: what is built here, with the features that are on.
/// `Cargo.lock` would not do: it also names what optional features could bring.
fn judge_tree(tree: &str, rules: &Rules) -> Vec<String> {
    let names: BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let banned = names.iter().filter(|name| rules.banned.contains(**name));
    banned.map(|name| format!("{name} is banned, see deny.toml")).collect()
}

/// Judges `Cargo.lock`: every platform and feature, so sources are complete.
fn judge_lock(lock: &str, rules: &Rules) -> Vec<String> {
    let lock: toml::Value = toml::from_str(lock).unwrap();
    let mut problems = Vec::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        match package.get("source").and_then(toml::Value::as_str) {
            Some(source) if !rules.sources.contains(source) => {
                problems.push(format!("Cargo.lock: {name} comes from {source}"));
            }
            _ => {}
        }
    }
    problems
}

/// Judges `cargo metadata`: licences of all that is built here, and our own direct dependencies.
fn judge_metadata(metadata: &Value, rules: &Rules) -> Vec<String> {
    let mut problems = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        match package["license"].as_str() {
            None => problems.push(format!("{name}: states no licence")),
            Some(licence) => match licence_allowed(licence, &rules.licences) {
                Ok(true) => {}
                Ok(false) => problems.push(format!("{name}: licence {licence} is not allowed")),
                Err(why) => problems.push(format!("{name}: licence {licence}: {why}")),
            },
        }
        let ours = package["source"].is_null();
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            if ours && NEVER_DIRECT.contains(&on) {
                problems.push(format!("{name}: depends on {on}, which is never ours to use"));
            }
        }
    }
    problems
}

/// Whether an SPDX expression can be met with allowed licences alone.
fn licence_allowed(expression: &str, allowed: &BTreeSet<String>) -> Result<bool, &'static str> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let verdict = any_of(&mut words, allowed)?;
    if words.is_empty() { Ok(verdict) } else { Err("words are left over") }
}

fn any_of(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Result<bool, &'static str> {
    let mut verdict = all_of(words, allowed)?;
    while words.last() == Some(&"OR") {
        words.pop();
        verdict |= all_of(words, allowed)?;
    }
    Ok(verdict)
}

fn all_of(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Result<bool, &'static str> {
    let mut verdict = one(words, allowed)?;
    while words.last() == Some(&"AND") {
        words.pop();
        verdict &= one(words, allowed)?;
    }
    Ok(verdict)
}

fn one(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Result<bool, &'static str> {
    match words.pop().ok_or("it ends too early")? {
        "(" => {
            let verdict = any_of(words, allowed)?;
            if words.pop() == Some(")") { Ok(verdict) } else { Err("a bracket is not closed") }
        }
        name if words.last() == Some(&"WITH") => {
            words.pop();
            let exception = words.pop().ok_or("it ends too early")?;
            Ok(allowed.contains(&format!("{name} WITH {exception}")))
        }
        name => Ok(allowed.contains(name)),
    }
}

/// The triple of this machine, so that `cargo metadata` asks only for what is built here.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

#[test]
fn dependencies_follow_deny_toml() {
    let rules = Rules::parse(&read("deny.toml"));
    let host = host();
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        let output = cargo.args(arguments).current_dir(crate::tidy::root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let metadata =
        cargo(&["metadata", "--locked", "--format-version", "1", "--filter-platform", &host]);
    let metadata = serde_json::from_slice(&metadata).unwrap();
    let tree = cargo(&["tree", "--locked", "--workspace", "--prefix", "none", "--target", &host]);
    let tree = String::from_utf8(tree).unwrap();
    assert!(tree.contains("serde v"), "the tree is there to be judged");
    let mut problems = judge_tree(&tree, &rules);
    problems.extend(judge_lock(&read("Cargo.lock"), &rules));
    problems.extend(judge_metadata(&metadata, &rules));
    report(&problems);
}

#[test]
fn licence_expressions_are_judged() {
    let rules = Rules::parse(&read("deny.toml"));
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-only", false),
        ("MIT OR LGPL-2.1-or-later", true),
        ("MIT AND MPL-2.0", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(GPL-2.0-only OR EUPL-1.2) AND MIT", false),
        ("MIT OR GPL-2.0-only AND EUPL-1.2", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0-only WITH Classpath-exception-2.0", false),
    ] {
        assert_eq!(licence_allowed(expression, &rules.licences), Ok(expected), "{expression}");
    }
    for broken in ["", "(MIT", "MIT OR", "MIT Apache-2.0"] {
        assert!(licence_allowed(broken, &rules.licences).is_err(), "{broken}");
    }
}

#[test]
fn a_bad_dependency_is_caught() {
    let rules = Rules::parse(&read("deny.toml"));
    let lock = r#"
        [[package]]
        name = "openssl-sys"
        source = "registry+https://github.com/rust-lang/crates.io-index"
        [[package]]
        name = "elsewhere"
        source = "git+https://example.org/elsewhere"
    "#;
    assert_eq!(judge_lock(lock, &rules).len(), 1);
    assert_eq!(judge_tree("hub v1 (/here)\nring v0.17.14\nserde v1 (*)\n", &rules).len(), 1);

    let metadata = serde_json::json!({"packages": [
        {"name": "hub", "license": "Apache-2.0", "source": null,
         "dependencies": [{"name": "chrono"}]},
        {"name": "theirs", "license": "MIT", "source": "registry",
         "dependencies": [{"name": "chrono"}]},
        {"name": "nameless", "license": null, "source": "registry", "dependencies": []},
        {"name": "copyleft", "license": "AGPL-3.0", "source": "registry", "dependencies": []},
    ]});
    let problems = judge_metadata(&metadata, &rules);
    assert_eq!(problems.len(), 3, "{problems:#?}");
}
