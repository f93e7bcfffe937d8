//! What a move carries: the tables that both stores have, in order, and their columns.

use super::{BATCH_ROWS_MAX, Row, Value};
use Kind::{Bytes, Number, Text};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
}

/// One kind of rows that is carried: a table that both stores have under this name.
#[derive(Debug)]
pub struct Part {
    /// The table.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [(&'static str, Kind)],
    /// How many of them, from the first on, are its key.
    pub key: usize,
}

/// What is carried, in this order: what is named comes before what names it.
pub static PARTS: [Part; 35] = [
    Part { name: "reference_contents", columns: &[("hash", Bytes), ("content", Bytes)], key: 1 },
    Part {
        name: "messages",
        columns: &[
            ("message", Number),
            ("channel", Text),
            ("id", Text),
            ("previous", Number),
            ("dedup", Bytes),
            ("mode", Text),
            ("mapping", Bytes),
            ("content_type", Text),
            ("recorded_at", Text),
            ("next_chunk", Number),
            ("outcome", Text),
            ("records", Number),
            ("refused", Number),
            ("first_position", Number),
            ("last_position", Number),
            ("erased", Number),
            ("dropped", Number),
        ],
        key: 1,
    },
    Part {
        name: "message_keys",
        columns: &[("channel", Text), ("id", Text), ("message", Number)],
        key: 2,
    },
    Part {
        name: "message_conflicts",
        columns: &[("channel", Text), ("id", Text), ("dedup", Bytes), ("message", Number)],
        key: 3,
    },
    Part {
        name: "payloads",
        columns: &[
            ("message", Number),
            ("piece", Number),
            ("salt", Bytes),
            ("bytes", Bytes),
            ("key_id", Text),
            ("wrapped_key", Bytes),
        ],
        key: 2,
    },
    Part {
        name: "entries",
        columns: &[
            ("position", Number),
            ("message", Number),
            ("record", Number),
            ("kind", Text),
            ("mode", Text),
            ("text", Bytes),
            ("public", Bytes),
        ],
        key: 1,
    },
    Part {
        name: "personal",
        columns: &[
            ("position", Number),
            ("salt", Bytes),
            ("key_id", Text),
            ("wrapped_key", Bytes),
            ("text", Bytes),
        ],
        key: 1,
    },
    // What is sealed stays sealed by the same keys, which are in no store.
    Part { name: "at_rest_keys", columns: &[("id", Text), ("mark", Text)], key: 1 },
    Part {
        name: "erased",
        columns: &[("name", Text), ("code", Text), ("position", Number), ("at", Text)],
        key: 1,
    },
    Part {
        name: "api_keys",
        columns: &[
            ("id", Text),
            ("hash", Bytes),
            ("principal", Text),
            ("created_at", Text),
            ("revoked_at", Text),
            ("name", Text),
            ("scopes", Text),
            ("expires_at", Text),
            ("certificate", Text),
        ],
        key: 1,
    },
    Part { name: "key_uses", columns: &[("id", Text), ("used_at", Text)], key: 1 },
    // Raw bytes that were seen may have been pruned since: what was seen is carried.
    Part { name: "profiled", columns: &[("one", Number), ("next", Number)], key: 1 },
    Part {
        name: "profiles",
        columns: &[("channel", Text), ("period", Text), ("profile", Text)],
        key: 2,
    },
    // What holds channels, and who accepted what: people decided that.
    Part {
        name: "drift_holds",
        columns: &[
            ("channel", Text),
            ("held_at", Number),
            ("place", Number),
            ("reading", Text),
            ("told", Text),
            ("accepted_at", Number),
            ("accepted_by", Text),
        ],
        key: 3,
    },
    // No fold: what was settled is not there any more.
    Part {
        name: "outbox",
        columns: &[
            ("channel", Text),
            ("key", Text),
            ("position", Number),
            ("personal", Number),
            ("body", Bytes),
        ],
        key: 3,
    },
    Part {
        name: "outbox_lines",
        columns: &[
            ("channel", Text),
            ("key", Text),
            ("waiting", Number),
            ("attempt_at", Number),
            ("attempts", Number),
            ("failing_since", Number),
            ("told", Text),
        ],
        key: 2,
    },
    Part {
        name: "dead_letters",
        columns: &[
            ("channel", Text),
            ("position", Number),
            ("number", Number),
            ("key", Text),
            ("personal", Number),
            ("body", Bytes),
            ("attempts", Number),
            ("cause", Text),
            ("told", Text),
            ("buried_at", Number),
            ("state", Text),
            ("decided_at", Number),
            ("reason", Text),
        ],
        key: 3,
    },
    Part {
        name: "outbound_channels",
        columns: &[
            ("channel", Text),
            ("state", Text),
            ("up_to", Number),
            ("since", Number),
            ("reason", Text),
        ],
        key: 1,
    },
    // What is open among refusals depends on what was settled by hand as well.
    Part {
        name: "refused",
        columns: &[
            ("channel", Text),
            ("code", Text),
            ("position", Number),
            ("place", Number),
            ("message", Number),
            ("key", Text),
        ],
        key: 4,
    },
    Part {
        name: "refused_counts",
        columns: &[("channel", Text), ("code", Text), ("refusals", Number)],
        key: 2,
    },
    Part {
        name: "channel_days",
        columns: &[
            ("channel", Text),
            ("day", Number),
            ("messages", Number),
            ("refused", Number),
            ("records", Number),
            ("refused_records", Number),
            ("repeats", Number),
            ("first_at", Number),
            ("last_at", Number),
            ("pause", Number),
        ],
        key: 2,
    },
    Part {
        name: "channel_outcomes",
        columns: &[("channel", Text), ("outcome", Text), ("messages", Number), ("last_at", Text)],
        key: 2,
    },
    Part {
        name: "alerts",
        columns: &[
            ("channel", Text),
            ("kind", Text),
            ("opened_at", Number),
            ("closed_at", Number),
            ("told", Text),
        ],
        key: 3,
    },
    Part {
        name: "controls",
        columns: &[
            ("channel", Text),
            ("kind", Text),
            ("at", Number),
            ("source", Text),
            ("told", Number),
            ("missing", Number),
            ("extra", Number),
        ],
        key: 3,
    },
    Part {
        name: "settled",
        columns: &[("position", Number), ("channel", Text), ("at", Number)],
        key: 2,
    },
    Part {
        name: "attachments",
        columns: &[
            ("digest", Text),
            ("holder", Text),
            ("size", Number),
            ("media_type", Text),
            ("sent", Number),
            ("since", Number),
            ("doubted", Number),
        ],
        key: 2,
    },
    Part { name: "named_files", columns: &[("digest", Text), ("position", Number)], key: 2 },
    Part { name: "attachment_totals", columns: &[("holder", Text), ("bytes", Number)], key: 1 },
    Part {
        name: "accesses",
        columns: &[
            ("at", Number),
            ("id", Text),
            ("principal", Text),
            ("key", Text),
            ("purpose", Text),
            ("reason", Text),
            ("call", Text),
            ("agency", Text),
            ("subject", Text),
            ("position", Number),
        ],
        key: 2,
    },
    // Where reading goes on; whose turn it is, is the other store's own.
    Part { name: "pollers", columns: &[("channel", Text), ("cursor", Text)], key: 1 },
    Part {
        name: "polled",
        columns: &[("channel", Text), ("key", Bytes), ("content", Bytes)],
        key: 2,
    },
    // How far the broker has the log, which stays the same.
    Part {
        name: "published",
        columns: &[("one", Number), ("position", Number), ("since", Number)],
        key: 1,
    },
    // Whose turn it is to send is the other store's own.
    Part {
        name: "subscriptions",
        columns: &[
            ("id", Text),
            ("owner", Text),
            ("feed", Text),
            ("agency", Text),
            ("contract", Text),
            ("url", Text),
            ("signature", Text),
            ("secrets", Text),
            ("disabled", Text),
            ("log_id", Text),
            ("position", Number),
            ("beside", Text),
            ("version", Number),
            ("attempts", Number),
            ("failing_since", Number),
            ("due_at", Number),
            ("tried", Text),
            ("made_at", Number),
            ("fold", Number),
            ("dossier", Text),
        ],
        key: 1,
    },
    // Whose turn it is to look is the other store's own.
    Part {
        name: "visits",
        columns: &[
            ("url", Text),
            ("visited_at", Number),
            ("status", Number),
            ("reason", Text),
            ("leads_to", Text),
            ("failures", Number),
            ("failing_since", Number),
            ("due_at", Number),
        ],
        key: 1,
    },
    Part {
        name: "watches",
        columns: &[
            ("id", Text),
            ("owner", Text),
            ("source", Text),
            ("source_code", Text),
            ("since", Number),
            ("made_at", Number),
            ("ends_at", Number),
        ],
        key: 1,
    },
];

impl Part {
    /// The names of some columns, in order.
    fn names(columns: &[(&str, Kind)]) -> String {
        columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The names of all columns.
    pub fn all(&self) -> String {
        Self::names(self.columns)
    }

    /// What follows `FROM` to read on after a key, or from the beginning: the values of the key
    /// are parameters from 1 on, each written by `parameter`.
    pub fn following(&self, after: bool, parameter: impl Fn(usize, Kind) -> String) -> String {
        let key = Self::names(&self.columns[..self.key]);
        let filter = if after {
            let kinds = self.columns.iter().take(self.key).map(|(_, kind)| *kind);
            let values: Vec<String> =
                (1..).zip(kinds).map(|(number, kind)| parameter(number, kind)).collect();
            format!(" WHERE ({key}) > ({})", values.join(", "))
        } else {
            String::new()
        };
        format!("{}{filter} ORDER BY {key} LIMIT {BATCH_ROWS_MAX}", self.name)
    }

    /// The key of a row.
    pub fn key_of(&self, row: &Row) -> Vec<Value> {
        row.iter().take(self.key).cloned().collect()
    }
}
