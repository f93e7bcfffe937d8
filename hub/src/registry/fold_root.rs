//! The fold root: one hash over all dossier states and statistics cells (semantics §3).

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::json;

use super::state::DossierState;
use super::statistics::Cell;

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The leaf of one dossier's state.
///
/// # Errors
/// Where a state cannot be written as JSON; no state that `fold` gives is such.
pub fn dossier_leaf(state: &DossierState) -> Result<[u8; 32], serde_json::Error> {
    Ok(sha256(&[&[0], &serde_json::to_vec(&json!({ "dossier": state }))?]))
}

/// The Merkle root (RFC 9162 §2.1) of the states' leaves in key order, then of the cells that are
/// not zero in cell order. Equal under any permutation, duplication and splitting of the
/// observations.
///
/// # Errors
/// Where a cell cannot be written as JSON; no cell that a state gives is such.
pub fn fold_root(
    dossiers: impl Iterator<Item = [u8; 32]>,
    cells: &BTreeMap<Cell, i64>,
) -> Result<[u8; 32], serde_json::Error> {
    let mut leaves: Vec<[u8; 32]> = dossiers.collect();
    for (cell, count) in cells.iter().filter(|(_, count)| **count != 0) {
        let text = serde_json::to_vec(&json!({ "cell": cell, "count": count }))?;
        leaves.push(sha256(&[&[0], &text]));
    }
    Ok(root(&leaves))
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
