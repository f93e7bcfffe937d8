//! What was released stays: a schema of today takes and says all that its released one does.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, path::PathBuf};

use contracts::{Contracts, schema::compatibility};
use serde_json::Value;

/// Schemas released so far; a release may add some, none ever goes.
const RELEASED_MIN: usize = 21;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn schema(path: &PathBuf) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// Every released schema: its record, its file's name such as `v1.schema.json`, and what it says.
fn released() -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for record in fs::read_dir(folder("released")).unwrap() {
        let record = record.unwrap();
        for file in fs::read_dir(record.path()).unwrap() {
            let file = file.unwrap();
            let names =
                [record.file_name(), file.file_name()].map(|name| name.into_string().unwrap());
            let [record, name] = names;
            found.push((record, name, schema(&file.path())));
        }
    }
    assert!(found.len() >= RELEASED_MIN, "only {} schemas are released", found.len());
    found
}

#[test]
fn every_released_schema_is_there_and_followed_by_a_compatible_one() {
    let contracts = Contracts::builtin().unwrap();
    for (record, name, old) in released() {
        let new = schema(&folder("schemas").join(&record).join(&name));
        let broken = compatibility(&old, &new);
        assert!(broken.is_empty(), "{record}/{name} breaks what was released: {broken:#?}");
        // Retractions are no contracts of their own: they go with the record that they withdraw.
        if !record.ends_with("-retraction") {
            let major = name.strip_prefix('v').and_then(|rest| rest.split_once('.')).unwrap().0;
            let id = format!("{record}/{major}").parse().unwrap();
            assert_eq!(contracts.schema(&id), Some(&new), "{record}/{major}");
        }
    }
}

#[test]
fn a_member_that_goes_from_any_of_them_or_becomes_required_is_a_break() {
    for (record, name, old) in released() {
        let members = old["properties"].as_object().unwrap();
        let member = members.keys().next_back().unwrap();
        let mut without = old.clone();
        without["properties"].as_object_mut().unwrap().remove(member);
        let told = compatibility(&old, &without);
        let wanted = format!("/properties/{member}: member removed");
        assert!(told.contains(&wanted), "{record}/{name}: {told:?}");
        let mut strict = old.clone();
        strict["required"].as_array_mut().unwrap().push("added".into());
        let told = compatibility(&old, &strict);
        assert_eq!(told, ["/required: `added` became required"], "{record}/{name}");
    }
}
