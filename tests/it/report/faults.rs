//! Forms with a fault are refused at load, each with its place and what to do.

use crate::declared::{FileFault, faults_are_refused};

/// What is changed in `reports.toml`, and what is told.
const FAULTS: &[FileFault] = &[
    ("id = \"plan\"", "id = \"nd09\"", "the calendar `nd09` holds twice on some day"),
    ("cutoff_day = 14", "cutoff_day = 31", "a period ends on a day that not every month has"),
    ("valid_from = \"2019-03-12\"", "valid_from = \"2019-03-32\"", "day"),
    ("kinds = [\"district\",", "kinds = [\"board\",", "agencies of kind `board` are of two levels"),
    ("id = \"II.06b\"", "id = \"II.06a\"", "the form `II.06a` holds twice on some day"),
    ("id = \"II.06c\"", "id = \"II/06c\"", "`II/06c` is no id of a form"),
    ("levels = [\"district\",", "levels = [\"ward\",", "`ward` is no level of this file"),
    ("number = 13, vi", "number = 12, vi", "two columns have the number 12"),
    ("counts = \"open-late\"", "counts = \"open-and-late\"", "unknown variant `open-and-late`"),
    (", counts = \"finished-late\"", "", "the first two columns number and name the rows"),
    ("vi = [\"STT\"]", "vi = []", "column 1 has no headings in two languages"),
    ("right = [7, 11]", "right = [7, 21]", "an identity speaks of 21, no column that counts"),
    ("right = [12, 13]", "right = []", "an identity has no columns on one side"),
    ("counts = \"procedures-province\"", "counts = \"open\"", "it counts procedures and dossiers"),
    ("form = \"II.07b\"", "form = \"II.99\"", "`II.99` is no form of this file"),
    ("[\"district\", \"75\"]", "[\"district\", \"57\"]", "`57` is in no row of units.csv"),
    ("rows = \"fields\"", "rows = \"wards\"", "unknown variant `wards`"),
    ("unit_en = \"Procedures\"", "unit = \"Procedures\"", "unknown field `unit`"),
];

#[test]
fn forms_with_a_fault_are_refused_with_their_place() {
    faults_are_refused("reports.toml", "reports: 2 calendars, 5 forms", FAULTS);
}
