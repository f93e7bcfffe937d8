//! What a channel that is read may say of itself, and what `check` says of one that may not.

use std::fs;

use super::{corpus, private, reading};
use crate::{
    backend::Backend,
    lienthong::{stderr, stdout},
};

/// What `check` says with another line in the agency's file.
fn checked(folder: &crate::harness::Folder, line: &str, instead: &str) -> String {
    let file = folder.path().join("agencies/so-doc/agency.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(line), "{line}\n{text}");
    fs::write(&file, text.replacen(line, instead, 1)).unwrap();
    let output = folder.run(&["check"]);
    fs::write(&file, text).unwrap();
    assert_eq!(output.status.code(), Some(1), "{instead}: {}", stdout(&output));
    stderr(&output)
}

#[test]
fn faults_of_a_poll_are_told_with_their_place() {
    assert!(corpus().is_dir());
    let folder = reading(Backend::Sqlite, "polls-declared", &[("PORT", "9".to_owned())]);
    folder.key("portal");
    let output = folder.run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let url = "url = \"http://127.0.0.1:9/ho-so?tu={since}&trang={page}\"";
    for (line, instead, expected) in [
        (url, "url = \"ftp://a/b\"", "agency.toml:12:7: `ftp://a/b`: it is no http"),
        (url, "url = \"http://u:p@a/b\"", "holds a password"),
        (url, "url = \"http://{page}.vn/\"", "holes are {since}, {page} and {cursor}"),
        (url, "url = \"http://a/{tu}\"", "holes are {since}, {page} and {cursor}"),
        (url, "url = \"http://a/?t={since}\"", "the address has no {page}"),
        ("since = ", "# ", "`{since}` wants to know where to begin"),
        ("watermark = ", "# ", "`{since}` has no watermark"),
        ("key = [\"ma\"]", "key = []", "`items` have no key"),
        ("key = [\"ma\"]", "key = [\"a..b\"]", "it is no path"),
        ("paging = \"number\"", "", "the address names a page, and there is no `paging`"),
        ("paging = \"number\"", "paging = \"scroll\"", "write number, body or link"),
        ("every_seconds = 1", "every_seconds = 0", "agency.toml:13:17: 0 is not between 1 and"),
        ("kind = \"header\"", "kind = \"pigeon\"", "write basic, header or oauth"),
        ("name = \"X-Api-Key\"", "name = \"X: y\"", "is no name of a header"),
        ("secret = \"so-doc\"", "secret = \"khac\"", "there is no secret `khac`"),
        ("secret = \"so-doc\"", "password = \"x\"", "unknown field `password`"),
        ("transport = \"rest\"", "transport = \"file\"", "write transport = \"rest\""),
    ] {
        let told = checked(&folder, line, instead);
        assert!(told.contains(expected), "{instead}: {told}");
    }
}

#[test]
fn secrets_that_others_may_read_are_refused_and_no_secret_is_told() {
    let folder = reading(Backend::Sqlite, "polls-secrets", &[("PORT", "9".to_owned())]);
    folder.key("portal");
    let file = folder.path().join("secrets.toml");
    fs::write(&file, "so-doc = \"chìa khóa\"\nhỏng = chìa khóa\n").unwrap();
    let output = folder.run(&["check"]);
    let told = stderr(&output);
    assert!(output.status.code() == Some(1) && told.contains("line 2"), "{told}");
    assert!(!told.contains("chìa khóa"), "{told}");
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = folder.run(&["check"]);
    assert!(stderr(&output).contains("chmod 600"), "{}", stderr(&output));
    private(&file);
    fs::remove_file(&file).unwrap();
    let output = folder.run(&["check"]);
    assert!(stderr(&output).contains("secrets.toml"), "{}", stderr(&output));
}
