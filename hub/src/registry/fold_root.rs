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

/// A number as its leaf has it. The order of members is the order of its text: never change it.
#[derive(Serialize)]
struct Numbered<'a> {
    cell: Cell<'a>,
    count: i64,
}

#[derive(Serialize)]
struct Cell<'a> {
    agency: &'a str,
    procedure: Option<&'a str>,
    field: Option<&'a str>,
    channel: Option<&'a str>,
    commune: Option<&'a str>,
    /// Where it is another than the accepting one.
    #[serde(skip_serializing_if = "Option::is_none")]
    finishing_agency: Option<&'a str>,
    measure: Measure,
    day: Date,
    status: Option<Status>,
}

/// The leaf of one number of the statistics.
///
/// # Errors
/// Where it cannot be written as JSON; no number that a state gives is such.
pub fn cell_leaf(
    place: &Place,
    counted: Counted,
    count: i64,
) -> Result<[u8; 32], serde_json::Error> {
    fn some(text: &str) -> Option<&str> {
        Some(text).filter(|text| !text.is_empty())
    }
    let Place { agency, procedure, field, channel, commune, finishing_agency } = place;
    let cell = Cell {
        agency,
        procedure: some(procedure),
        field: some(field),
        channel: some(channel),
        commune: some(commune),
        finishing_agency: some(finishing_agency).filter(|one| one != agency),
        measure: counted.measure,
        day: counted.day,
        status: counted.status,
    };
    Ok(sha256(&[&[0], &serde_json::to_vec(&Numbered { cell, count })?]))
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

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            sha256(&[&[1], &root(left), &root(right)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
