//! What the operator's commands show of requests, and what `check` says of who takes them.

use std::fs;

use serde_json::json;

use super::{ASKED, ASKS, asked, office, post, started};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::Folder,
    lienthong::{stderr, stdout},
};

on_each_store!(commands_show_what_stands_without_persons);

async fn commands_show_what_stands_without_persons(backend: Backend) {
    let system = Agency::new(|_, _| Reply::TAKEN).await;
    let refuses = Agency::new(|_, _| Reply::Says(422, "", "")).await;
    let folder = office(backend, "exchange-shown", &system, &refuses);
    let (hub, [asks, ..]) = started(&folder).await;
    let body = asked(json!(ASKED), 3_600);
    assert_eq!(post(&asks, "/v1/requests", Some("cv-9"), &body).await.0, 200);
    let path = "/v1/requests/so-tu-phap:cv-9";
    let dead = |told: &serde_json::Value| super::part(told, ASKED)["state"] == "undeliverable";
    let told = super::becomes(&asks, path, dead).await;
    assert!(super::part(&told, ASKED)["told"]["en"].as_str().unwrap().contains("refused"));
    let listed = stdout(&folder.run(&["requests", "list", "--open"]));
    assert!(listed.starts_with("so-tu-phap:cv-9\tso-xay-dung\t"), "{listed}");
    assert!(listed.ends_with("1 requests\n"), "{listed}");
    let other = stdout(&folder.run(&["requests", "list", "--agency", ASKS]));
    assert_eq!(other, "0 requests\n");
    let shown = stdout(&folder.run(&["requests", "show", "so-tu-phap:cv-9"]));
    assert!(shown.contains("\"undeliverable\"") && !shown.contains("Đề nghị"), "{shown}");
    let none = folder.run(&["requests", "show", "so-tu-phap:khac"]);
    assert_eq!(none.status.code(), Some(1), "{}", stderr(&none));
    hub.stop();
}

#[test]
fn check_names_what_takes_nothing_takes_twice_and_reads_no_answer() {
    let folder = Folder::of("exchange-declared", &["tests/corpus/exchange"]);
    let file = folder.path().join("agencies/so-tu-phap/agency.toml");
    let text = fs::read_to_string(&file).unwrap();
    let more =
        "\n[outbound.nua]\ntakes = [\"reply/1\", \"dossier/1\"]\nanswered_by = \"khong-co\"\n";
    fs::write(&file, format!("{text}{more}")).unwrap();
    let output = folder.run(&["check"]);
    let told = format!("{}{}", stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{told}");
    for fault in [
        "so-tu-phap.nua takes reply/1 already",
        "nothing of `dossier/1` is addressed to anybody",
        "the agency has no channel `khong-co`",
    ] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    // What is taken has to lead somewhere, and the hub's own names are nobody's.
    fs::write(&file, &text).unwrap();
    let told = stderr(&folder.run(&["check"]));
    assert!(told.contains("there is no endpoint of it"), "{told}");
    let named = text.replace("[channels]", "[channels.requests]\nmapping = \"a.toml\"\n");
    fs::write(&file, named).unwrap();
    let told = stderr(&folder.run(&["check"]));
    assert!(told.contains("is a channel that the hub has itself"), "{told}");
}
