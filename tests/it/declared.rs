//! Files of the catalogue with a fault: `check` refuses each, with its place and what to do.

use std::fs;

use crate::{
    harness::Folder,
    lienthong::{stderr, stdout},
};

/// What is changed in a file, into what, and what is told then.
pub(crate) type FileFault = (&'static str, &'static str, &'static str);

/// Tells a file of the catalogue sound by some words, then faulty by each of its faults.
pub(crate) fn faults_are_refused(file: &str, sound: &str, faults: &[FileFault]) {
    let mut folder = Folder::new(&format!("declared-{file}"));
    let copy = folder.catalogue();
    folder.publishing(Some(copy.clone()));
    let checked = folder.run(&["check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    assert!(stdout(&checked).contains(sound), "{}", stdout(&checked));
    let path = copy.join(file);
    let text = fs::read_to_string(&path).unwrap();
    for (from, to, told) in faults {
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let checked = folder.run(&["check"]);
        let found = stderr(&checked);
        assert_eq!(checked.status.code(), Some(1), "{to}: {found}");
        let mut lines = found.lines().skip_while(|line| !line.contains(told));
        let line = lines.next().unwrap_or_else(|| panic!("{to}: no `{told}` in\n{found}"));
        assert!(line.contains(&format!("{file}:")), "no place for {told}:\n{found}");
        let advice = lines.next().unwrap_or_default();
        assert!(advice.starts_with("    "), "no remedy for {told}:\n{found}");
    }
}
