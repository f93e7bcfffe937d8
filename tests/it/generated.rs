//! Programs of others that read how the hub describes itself: a client that is generated from it,
//! type-checked and used; AsyncAPI's own parser; Prometheus' own checker.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use crate::{
    harness::{Folder, Hub},
    lienthong::{root, stderr, stdout},
};

/// A program of `tests/browser`, run in a folder, which must succeed; what it prints.
fn browser(folder: &Folder, arguments: &[&str]) -> String {
    let mut command = Command::new(root().join("tests/browser/run").canonicalize().unwrap());
    let done = command.args(arguments).current_dir(folder.path()).output().unwrap();
    let told = stdout(&done);
    assert!(done.status.success(), "{arguments:?}: {told} {}", stderr(&done));
    told
}

async fn text(hub: &Hub, path: &str) -> String {
    reqwest::get(format!("{}{path}", hub.url)).await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_generated_client_compiles_and_calls_and_checkers_of_others_find_nothing() {
    let mut folder = Folder::new("generated");
    folder.publishing(Some(root().join("examples/dong-nai").canonicalize().unwrap()));
    let (agency, portal) = (folder.key("agency:ubnd-bien-hoa"), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let sample = "mappings/agencies/ubnd-bien-hoa/fixtures/ho-so/m-0001.in.json";
    let bytes = fs::read(root().join(sample)).unwrap();
    let (status, told) =
        hub.sender(&agency).push("ubnd-bien-hoa.ho-so", None, &bytes).await.unwrap();
    assert_eq!(status, 200, "{told}");

    fs::write(folder.path().join("interface.json"), text(&hub, "/openapi.json").await).unwrap();
    browser(&folder, &["tool", "openapi-typescript", "interface.json", "-o", "interface.mts"]);
    let program = root().join("tests/browser/generated.mts");
    fs::copy(program, folder.path().join("generated.mts")).unwrap();
    let packages = browser(&folder, &["packages"]);
    let beside = folder.path().join("node_modules");
    std::os::unix::fs::symlink(packages.trim(), beside).unwrap();
    let strict = ["--strict", "--noUncheckedIndexedAccess", "--skipLibCheck"];
    let kind = ["--target", "es2022", "--module", "nodenext", "generated.mts"];
    browser(&folder, &[&["tool", "tsc"], &strict[..], &kind].concat());
    let mut command = Command::new("node");
    command.arg(folder.path().join("generated.mjs")).args([&hub.url, &portal, &agency]);
    let done = command.output().unwrap();
    assert_eq!(stdout(&done), "all done\n", "{}", stderr(&done));

    fs::write(folder.path().join("feeds.json"), text(&hub, "/asyncapi.json").await).unwrap();
    let file = folder.path().join("feeds.json").display().to_string();
    let told = browser(&folder, &["asyncapi.mjs", &file]);
    // No error and no warning stands before what it holds.
    assert_eq!(told, "version 3.0.0, 8 channels, 8 operations, 6 messages\n");

    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let metrics = text(&hub, "/metrics").await;
    assert!(metrics.contains("lienthong_"), "{metrics}");
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}{}", stdout(&done), stderr(&done));
    assert_eq!(stderr(&done), "");
    hub.stop();
}
