//! What an agency's system shows to who reads it: its items as they stand, in the order in which
//! they changed, page by page.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};

/// Items kept: who reads goes on from where it was, and the oldest are not asked for any more.
const ITEMS_MAX: usize = 2_000;

/// How a system shows its items: `[served]` of a simulation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// Where the list is in an answer: names with dots between them.
    list: String,
    /// The member by which an item is known.
    key: String,
    /// The member that grows with every change.
    watermark: String,
    /// The parameter that says from which watermark on.
    since: String,
    /// The parameter that says which page, from 1.
    page: String,
    /// Items of a page.
    rows: usize,
}

/// The items of one channel.
#[derive(Debug)]
pub struct Book {
    served: Served,
    /// By watermark and key.
    items: BTreeMap<(String, String), Value>,
    /// The watermark of each key.
    latest: HashMap<String, String>,
}

fn text(item: &Value, member: &str) -> Option<String> {
    match item.get(member)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Book {
    /// An empty one.
    pub fn new(served: Served) -> Self {
        Self { served, items: BTreeMap::new(), latest: HashMap::new() }
    }

    /// Puts in the items of a message; gives how many they are.
    ///
    /// # Errors
    /// A sentence, where the message is no list of items with key and watermark.
    pub fn put(&mut self, payload: &[u8]) -> Result<usize, String> {
        let items: Vec<Value> =
            serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        let count = items.len();
        for item in items {
            let told = (text(&item, &self.served.key), text(&item, &self.served.watermark));
            let (Some(key), Some(watermark)) = told else {
                return Err("an item has no key or no watermark".to_owned());
            };
            if let Some(before) = self.latest.insert(key.clone(), watermark.clone()) {
                self.items.remove(&(before, key.clone()));
            }
            self.items.insert((watermark, key), item);
        }
        while self.items.len() > ITEMS_MAX {
            if let Some(((_, key), _)) = self.items.pop_first() {
                self.latest.remove(&key);
            }
        }
        Ok(count)
    }

    /// The answer to a request with some parameters. `turned` puts the items of the page in another
    /// order and one of them there twice, as such systems do.
    pub fn page(&self, parameters: &HashMap<String, String>, turned: bool) -> Value {
        let since = parameters.get(&self.served.since).cloned().unwrap_or_default();
        let page = parameters.get(&self.served.page).and_then(|told| told.parse().ok());
        let skipped = page.unwrap_or(1_usize).saturating_sub(1).saturating_mul(self.served.rows);
        let behind = self.items.range((since, String::new())..);
        let page = behind.skip(skipped).take(self.served.rows);
        let mut items: Vec<Value> = page.map(|(_, item)| item.clone()).collect();
        if turned && let Some(last) = items.last().cloned() {
            items.reverse();
            items.push(last);
        }
        let list = self.served.list.rsplit('.').filter(|name| !name.is_empty());
        list.fold(json!(items), |inner, name| json!({ name: inner }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served() -> Served {
        let text = "list = \"duLieu.hoSo\"\nkey = \"ma\"\nwatermark = \"sua\"\nsince = \"tu\"\n\
                    page = \"trang\"\nrows = 2\n";
        toml::from_str(text).unwrap()
    }

    #[test]
    fn items_stand_once_in_the_order_of_their_changes() {
        let mut book = Book::new(served());
        book.put(br#"[{"ma":"A","sua":"1"},{"ma":"B","sua":"2"},{"ma":"C","sua":"3"}]"#).unwrap();
        book.put(br#"[{"ma":"A","sua":"4"}]"#).unwrap();
        let of = |since: &str, page: &str, turned| {
            let told = [("tu", since), ("trang", page)];
            let told = told.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let answer = book.page(&told, turned);
            let items = answer["duLieu"]["hoSo"].as_array().unwrap().clone();
            items.iter().map(|item| item["ma"].as_str().unwrap().to_owned()).collect::<String>()
        };
        assert_eq!(of("", "1", false), "BC");
        assert_eq!(of("", "2", false), "A");
        assert_eq!(of("", "3", false), "");
        assert_eq!(of("3", "1", false), "CA");
        assert_eq!(of("3", "1", true), "ACA", "turned round, and one twice");
        assert!(book.put(b"{}").is_err() && book.put(br#"[{"ma":"D"}]"#).is_err());
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut book = Book::new(served());
        for number in 0..3 * ITEMS_MAX {
            book.put(format!("[{{\"ma\":{number},\"sua\":\"{number:09}\"}}]").as_bytes()).unwrap();
        }
        assert_eq!((book.items.len(), book.latest.len()), (ITEMS_MAX, ITEMS_MAX));
    }
}
