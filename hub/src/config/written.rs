//! What stands in a `hub.toml` as it is written, and what of it holds for as long as a hub runs.

use std::{collections::BTreeMap, fmt};

use mappings::Diagnostic;
use toml::{Table, de::DeTable};

/// Settings that hold from the start of a process to its end.
const FIXED: [&str; 8] =
    ["listen", "listen_tls", "store", "log", "log_json", "bus", "attachments", "at_rest"];

/// Settings of one process among those of a store: where it listens, what it logs, and where on its
/// machine lies what others read too.
const OWN: [&str; 12] = [
    "listen",
    "listen_tls",
    "tls",
    "log",
    "log_json",
    "store",
    "agencies",
    "drops",
    "secrets",
    "at_rest",
    "catalogue",
    "routes",
];

/// The settings by their names, each as text, and where each stands. Equal where all are set alike,
/// wherever they stand.
#[derive(Clone, Default)]
pub struct Written {
    file: String,
    values: BTreeMap<String, String>,
    places: BTreeMap<String, (u32, u32)>,
}

impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Eq for Written {}

impl fmt::Debug for Written {
    /// The names alone: values may hold passwords.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.values.keys()).finish()
    }
}

impl Written {
    /// What stands in a file that was read before, so that it holds together.
    pub(super) fn read(file: &str, text: &str) -> Self {
        let table: Table = toml::from_str(text).unwrap_or_default();
        let values = table.into_iter().map(|(name, value)| {
            let told = serde_json::to_string(&value).unwrap_or_default();
            (name, told)
        });
        let placed = DeTable::parse(text).ok();
        let placed = placed.iter().flat_map(|table| table.get_ref().keys()).map(|name| {
            let place = Diagnostic::at(file, text, &name.span(), String::new(), "");
            (name.get_ref().to_string(), (place.line, place.column))
        });
        Self { file: file.to_owned(), values: values.collect(), places: placed.collect() }
    }

    /// The settings that all processes of a store have in common.
    pub(super) fn shared(&self) -> String {
        let shared = self.values.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
        shared.map(|(name, value)| format!("{name} = {value}\n")).collect()
    }

    /// What a newer one would change that holds as long as a hub runs, each with its place.
    pub(crate) fn fixed(&self, newer: &Self) -> Vec<Diagnostic> {
        let other = FIXED.iter().filter(|name| self.values.get(**name) != newer.values.get(**name));
        let fault = |name: &&str| {
            let (line, column) = newer.places.get(*name).copied().unwrap_or((1, 1));
            let gone = if newer.values.contains_key(*name) { "" } else { ", which is gone," };
            Diagnostic {
                file: newer.file.clone(),
                line,
                column,
                message: format!("`{name}`{gone} cannot change while the hub runs"),
                advice: "put it back, or restart the hub: one process after the other".to_owned(),
            }
        };
        other.map(fault).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_change_is_told_with_its_place_and_never_with_its_value() {
        let text = "store = \"postgres://hub:b1mat@a/b\"\nlog = \"info\"\n";
        let now = Written::read("hub.toml", text);
        let text = "# mới\nagencies = \"khac\"\nstore = \"postgres://hub:kh4c@a/b\"\n\
                    [attachments]\nfolder = \"tep\"\n";
        let newer = Written::read("hub.toml", text);
        let found = now.fixed(&newer);
        let told: Vec<String> = found.iter().map(|one| one.to_string()).collect();
        let places: Vec<(u32, u32)> = found.iter().map(|one| (one.line, one.column)).collect();
        assert_eq!(places, [(3, 1), (1, 1), (4, 2)], "{told:?}");
        assert!(told[0].contains("`store` cannot") && told[1].contains("`log`, which is gone"));
        let all = format!("{told:?} {now:?} {newer:?}");
        assert!(!all.contains("b1mat") && !all.contains("kh4c"), "{all}");
        assert_eq!(now.fixed(&now), []);
    }

    #[test]
    fn where_a_setting_stands_and_where_things_lie_is_one_processs_own() {
        let one = "listen = \"127.0.0.1:1\"\nagencies = \"a\"\n[counting]\nstopped = \"paused\"\n";
        let other = "# ghi chú\nagencies = \"/srv/a\"\n[counting]\nstopped = \"paused\"\n";
        let [one, other] = [one, other].map(|text| Written::read("hub.toml", text));
        assert_eq!(one.shared(), other.shared());
        assert_ne!(one, other);
        let paused = Written::read("hub.toml", "agencies = \"a\"\n");
        assert_ne!(one.shared(), paused.shared());
    }
}
