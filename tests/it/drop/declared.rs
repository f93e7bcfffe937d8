//! What a folder may be, and what is told of one that may not.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use super::Office;
use crate::{
    backend::Backend,
    lienthong::{binary, stderr, stdout},
};

/// What `check` says of the agency with another line in it; then the line is as it was.
fn checked(office: &Office, line: &str, instead: &str) -> (Option<i32>, String) {
    let file = office.folder.path().join("agencies/so-tha-tep/agency.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(line), "{line}");
    fs::write(&file, text.replacen(line, instead, 1)).unwrap();
    let output = office.folder.run(&["check"]);
    fs::write(&file, text).unwrap();
    (output.status.code(), stdout(&output) + &stderr(&output))
}

#[test]
fn a_folder_that_is_none_below_the_root_is_refused_with_its_place() {
    let office = Office::new(Backend::Sqlite, "drop-declared");
    // The harness names the root only where there is one.
    office.folder.key("portal");
    let folder = "folder = \"so-tha-tep/tep\"";
    let (code, told) = checked(&office, folder, "");
    assert_eq!(code, Some(1), "{told}");
    for (instead, expected) in [
        ("folder = \"/etc\"", "agency.toml:10:10: `/etc` is no drop folder: it is absolute"),
        ("folder = \"../../etc\"", "`..` is no plain name"),
        ("folder = \"a/./b\"", "`.` is no plain name"),
        ("folder = \"a/claimed\"", "`claimed` is a folder of the hub's own"),
        ("folder = \"\"", "it names no folder"),
        ("folder = \"so-tha-tep/nhieu\"", "the folder of so-tha-tep.nhieu lie in one another"),
        ("folder = \"so-tha-tep\"", "lie in one another"),
        ("folder = \"a\"\nat_once = 0", "0 is not between 1 and 256"),
    ] {
        let (code, told) = checked(&office, folder, instead);
        assert_eq!(code, Some(1), "{instead}");
        assert!(told.contains(expected), "{instead}: {told}");
    }
    for (line, instead, expected) in [
        ("ready = \"marker\"", "ready = \"soon\"", "write stable, marker or rename"),
        ("transport = \"file\"", "transport = \"pigeon\"", "unknown variant `pigeon`"),
        ("transport = \"file\"", "", "this is said of drop folders alone"),
    ] {
        let (code, told) = checked(&office, line, instead);
        assert_eq!(code, Some(1), "{instead}");
        assert!(told.contains(expected), "{instead}: {told}");
    }
}

#[test]
fn a_hub_whose_folder_leads_out_does_not_start_and_says_why() {
    let office = Office::new(Backend::Sqlite, "drop-links");
    office.folder.key("portal");
    let configured = office.folder.path().join("hub.toml");
    let text = "listen = \"127.0.0.1:0\"\nstore = \"sqlite:hub.db\"\nagencies = \"agencies\"\n";
    let starts = || {
        let mut command = Command::new(binary());
        command.args(["serve", "--config"]).arg(&configured).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code(), stderr(&output))
    };
    fs::write(&configured, text).unwrap();
    let (code, told) = starts();
    assert!(code == Some(1) && told.contains("there is no `drops`"), "{told}");
    fs::write(&configured, format!("{text}drops = \"nowhere\"\n")).unwrap();
    let (code, told) = starts();
    assert!(code == Some(1) && told.contains("there is no folder"), "{told}");
    fs::write(&configured, format!("{text}drops = \"drops\"\n")).unwrap();
    fs::remove_dir_all(office.path("tep", "")).unwrap();
    symlink("/etc", office.path("", "tep")).unwrap();
    let (code, told) = starts();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("agency.toml") && told.contains("`tep` is a symbolic link"), "{told}");
}
