//! How a mapping reads a field, as a text: the same until somebody mends what is read from it.

use std::fmt::Write;

use crate::mapping::{Mapping, Rule, Source, Way};

/// The rules that read a field of a profile, as they are written, with what their code tables say.
/// Fields that have one name at several places are not told apart: rules of all of them are in it.
/// Empty where no rule reads the field.
pub fn reading(mapping: &Mapping, field: &str) -> String {
    let name = name(field);
    let mut text = String::new();
    for record in &mapping.records {
        let when = record.when.as_ref();
        if when.is_some_and(|when| when.names().iter().any(|one| one == name)) {
            line(&mut text, &["when", when.map(|when| when.source()).unwrap_or_default()]);
        }
        let lists = record.lists.iter().flat_map(|list| &list.rules);
        for rule in record.rules.iter().chain(lists).filter(|rule| reads(rule, name)) {
            line(&mut text, &[&record.contract.to_string(), &rule.target]);
            rule.ways.iter().for_each(|way| of_way(way, &mut text));
        }
    }
    text
}

fn line(text: &mut String, parts: &[&str]) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{parts:?}");
}

/// All ways of a rule: that a value is taken from elsewhere where the field has none is part of it.
fn of_way(way: &Way, text: &mut String) {
    line(text, &[&way.text, way.when.as_ref().map(|when| when.source()).unwrap_or_default()]);
    for codes in way.calls.iter().filter_map(|call| call.bound.codes.as_ref()) {
        for (native, gives) in codes.rows() {
            let _ = writeln!(text, "{native:?} {gives:?}");
        }
    }
}

fn reads(rule: &Rule, name: &str) -> bool {
    rule.ways.iter().any(|way| {
        let own = match &way.source {
            Source::Path(path, _) => is(path.text(), name),
            Source::Computed(expression) => expression.names().iter().any(|one| one == name),
            Source::Constant(_) => false,
        };
        let beside = || way.calls.iter().flat_map(|call| &call.paths);
        let when = || way.when.iter().flat_map(|when| when.names());
        own || beside().any(|path| is(path.text(), name)) || when().any(|one| one == name)
    })
}

fn is(path: &str, field: &str) -> bool {
    name(path) == field
}

/// The last name of a path, without an index and without quotes.
fn name(path: &str) -> &str {
    let path = match path.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((rest, _)) => rest,
        None => path,
    };
    match path.strip_suffix('\'') {
        Some(quoted) => quoted.rsplit('\'').next().unwrap_or(quoted),
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn the_last_name_of_a_path_is_found_in_all_that_it_may_be_written() {
        for (path, told) in [
            ("thoiDiem", "thoiDiem"),
            ("nguoiNop/maXa", "maXa"),
            ("/goi/hoSo[1]", "hoSo"),
            ("./'Ngày nhận / trả'", "Ngày nhận / trả"),
            ("goi/@ma", "@ma"),
        ] {
            assert_eq!(name(path), told);
        }
    }
}
