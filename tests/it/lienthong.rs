//! The product as its users meet it: the binary that `cargo run --release` makes.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary, built beforehand in the same profile as the tests.
pub(crate) fn binary() -> PathBuf {
    let test = env::current_exe().unwrap();
    // target/release/deps/it-… → target/release/lienthong
    let binary = test.parent().unwrap().parent().unwrap().join("lienthong");
    assert!(binary.exists(), "{} is not built: cargo build --release", binary.display());
    binary
}

/// Runs the binary in the repository's root.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).current_dir(root()).output().unwrap()
}

/// Standard output as text.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard error as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
