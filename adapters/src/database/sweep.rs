//! Where reading a database stands. Pure.

use serde_json::{Map, Value, json};

use super::cell::Cell;
use crate::reading::Trouble;

/// The last row of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) watermark: Option<Cell>,
    pub(super) key: Vec<Cell>,
}

/// A sweep under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sweep {
    /// The latest watermark when it began.
    pub(super) high: Option<Cell>,
    /// Where it is.
    pub(super) page: Option<Page>,
}

/// The cursor of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// The watermark up to which all sweeps came.
    pub(super) since: Option<Cell>,
    pub(super) sweep: Option<Sweep>,
}

impl Place {
    pub(super) fn read(cursor: Option<&str>) -> Result<Self, Trouble> {
        let Some(cursor) = cursor else { return Ok(Self::default()) };
        let told: Value = serde_json::from_str(cursor).map_err(|_| Trouble::cursor())?;
        if told.get("database").is_none() {
            return Err(Trouble::cursor());
        }
        let cell = |value: Option<&Value>| value.and_then(Cell::read);
        let sweep = told.get("sweep").map(|sweep| {
            let page = sweep.get("page").and_then(|page| {
                let key: Option<Vec<Cell>> =
                    page.get("key")?.as_array()?.iter().map(Cell::read).collect();
                Some(Page { watermark: cell(page.get("watermark")), key: key? })
            });
            Sweep { high: cell(sweep.get("high")), page }
        });
        Ok(Self { since: cell(told.get("since")), sweep })
    }

    pub(super) fn write(&self) -> String {
        let cell = |cell: &Option<Cell>| cell.as_ref().map(Cell::json);
        let mut told = Map::from_iter([("database".to_owned(), json!(1))]);
        if self.since.is_some() {
            told.insert("since".to_owned(), json!(cell(&self.since)));
        }
        if let Some(sweep) = &self.sweep {
            let page = sweep.page.as_ref().map(|page| {
                let key: Vec<Value> = page.key.iter().map(Cell::json).collect();
                json!({ "watermark": cell(&page.watermark), "key": key })
            });
            told.insert("sweep".to_owned(), json!({ "high": cell(&sweep.high), "page": page }));
        }
        Value::Object(told).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_no_other_is() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let page =
            Page { watermark: Some(text("2024-03-04")), key: vec![Cell::Number(7), text("ạ")] };
        for place in [
            Place::default(),
            Place { since: Some(Cell::Number(-3)), sweep: None },
            Place {
                since: Some(text("2024-03-04 01:02:03")),
                sweep: Some(Sweep { high: Some(text("x")), page: Some(page) }),
            },
            Place { since: None, sweep: Some(Sweep { high: None, page: None }) },
        ] {
            assert_eq!(Place::read(Some(&place.write())).unwrap(), place);
        }
        for strange in ["", "{}", "{\"rest\":1}", "7"] {
            assert_eq!(Place::read(Some(strange)).unwrap_err().code, "cursor-unreadable");
        }
    }
}
