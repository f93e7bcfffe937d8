//! The fold root: one hash over all dossier states and statistics cells (semantics §3).

use aws_lc_rs::digest::{Context, SHA256};
use contracts::Status;
use jiff::civil::Date;
use serde::Serialize;

use super::measure::{Counted, Measure};
use super::place::Place;

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The leaf of one dossier: of the JSON object whose only member `dossier` is its state's text.
pub fn dossier_leaf(text: &str) -> [u8; 32] {
    sha256(&[&[0], br#"{"dossier":"#, text.as_bytes(), b"}"])
}

/// Where a number counts, as its leaf has it. The order of members is the order of its text: never
/// change it.
#[derive(Serialize)]
struct Where<'a> {
    agency: &'a str,
    procedure: Option<&'a str>,
    field: Option<&'a str>,
    channel: Option<&'a str>,
    commune: Option<&'a str>,
    /// Where it is another than the accepting one.
    #[serde(skip_serializing_if = "Option::is_none")]
    finishing_agency: Option<&'a str>,
}

/// What is counted, as its leaf has it, behind where; its order is fixed too.
#[derive(Serialize)]
struct What {
    measure: Measure,
    day: Date,
    status: Option<Status>,
}

/// The leaves of the numbers at one place: of the JSON object whose members are `cell`, with where
/// and what is counted, and `count`. Where is written once: most places have many numbers.
pub struct Leaves(Vec<u8>);

impl Leaves {
    /// Of a place.
    ///
    /// # Errors
    /// Where it cannot be written as JSON; no place is such.
    pub fn at(place: &Place) -> Result<Self, serde_json::Error> {
        fn some(text: &str) -> Option<&str> {
            Some(text).filter(|text| !text.is_empty())
        }
        let Place { agency, procedure, field, channel, commune, finishing_agency } = place;
        let mut text = br#"{"cell":"#.to_vec();
        let place = Where {
            agency,
            procedure: some(procedure),
            field: some(field),
            channel: some(channel),
            commune: some(commune),
            finishing_agency: some(finishing_agency).filter(|one| one != agency),
        };
        serde_json::to_writer(&mut text, &place)?;
        // What is counted are further members of the same object.
        text.pop();
        Ok(Self(text))
    }

    /// The leaf of a number.
    ///
    /// # Errors
    /// Where it cannot be written as JSON; no number that a state gives is such.
    pub fn leaf(&self, counted: Counted, count: i64) -> Result<[u8; 32], serde_json::Error> {
        let Counted { measure, day, status } = counted;
        let mut text = Vec::with_capacity(96);
        serde_json::to_writer(&mut text, &What { measure, day, status })?;
        if let Some(opens) = text.first_mut() {
            *opens = b',';
        }
        text.extend_from_slice(br#","count":"#);
        serde_json::to_writer(&mut text, &count)?;
        text.push(b'}');
        Ok(sha256(&[&[0], &self.0, &text]))
    }
}

/// The Merkle root (RFC 9162 §2.1) of the states' leaves in key order, then of the numbers that
/// are not zero, by place, measure, day and status. Equal under any permutation, duplication and
/// splitting of the observations.
pub fn fold_root(
    dossiers: impl Iterator<Item = [u8; 32]>,
    cells: impl Iterator<Item = [u8; 32]>,
) -> [u8; 32] {
    root(&dossiers.chain(cells).collect::<Vec<_>>())
}

/// Leaves under a node from which on its halves are worth two threads.
const APART_MIN: usize = 4_096;

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            let (left, right) = if half < APART_MIN {
                (root(left), root(right))
            } else {
                rayon::join(|| root(left), || root(right))
            };
            sha256(&[&[1], &left, &right])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbers_leaf_is_that_of_its_text() {
        let values = ["so-y-te", "a\"b", "", "online", "", "so-tu-phap"].map(str::to_owned);
        let (measure, status) = (Measure::InStatus, Some(Status::DONE));
        let counted = Counted { measure, day: jiff::civil::date(2025, 7, 1), status };
        let text = concat!(
            r#"{"cell":{"agency":"so-y-te","procedure":"a\"b","field":null,"channel":"online","#,
            r#""commune":null,"finishing_agency":"so-tu-phap","measure":"in_status","#,
            r#""day":"2025-07-01","status":9},"count":-2}"#,
        );
        let leaf = |values| Leaves::at(&Place::from_values(values)).unwrap().leaf(counted, -2);
        assert_eq!(leaf(values.clone()).unwrap(), sha256(&[&[0], text.as_bytes()]));
        let own = text.replace(r#""finishing_agency":"so-tu-phap","#, "");
        let mut values = values;
        "so-y-te".clone_into(&mut values[5]);
        assert_eq!(leaf(values).unwrap(), sha256(&[&[0], own.as_bytes()]));
    }

    #[test]
    fn the_tree_has_the_shape_of_rfc_9162() {
        let leaf = |byte: u8| [byte; 32];
        let node = |l: &[u8; 32], r: &[u8; 32]| sha256(&[&[1], l, r]);
        assert_eq!(root(&[]), sha256(&[]));
        let two = node(&leaf(1), &leaf(2));
        assert_eq!(root(&[leaf(1), leaf(2), leaf(3)]), node(&two, &leaf(3)));
        let four = node(&two, &node(&leaf(3), &leaf(4)));
        assert_eq!(root(&[1, 2, 3, 4, 5].map(leaf)), node(&four, &leaf(5)));
    }
}
