//! Faults of routes and endpoints, told with their places before anything runs; what an operator
//! does to a channel by hand.

use std::{fs, time::Duration};

use super::{
    ROUTE, WITHIN,
    agency::{Agency, Reply},
    at, kept, line, office, send, stands, started,
};
use crate::{
    backend::{Backend, on_each_store},
    lienthong::{stderr, stdout},
};

on_each_store!(a_channel_is_paused_resumed_and_drained);

const NEAR: &str = "url = \"http://127.0.0.1:9/\"\nprivate = [\"127.0.0.1\"]";

/// An address with credentials of a kind.
fn wanting(auth: &str, secret: &str) -> String {
    format!("{NEAR}\nauth = \"{auth}\"\nuser = \"u\"\nsecret = \"{secret}\"")
}

#[test]
fn what_a_transport_wants_to_know_is_told_with_its_place() {
    let told = |lines: &str| {
        let folder = office(Backend::Sqlite, "delivery-wants", "", &[]);
        let file = folder.path().join("agencies/so-nhan/agency.toml");
        let head = "id = \"so-nhan\"\nname = \"a\"\nname_en = \"a\"\n[channels]\n";
        fs::write(file, format!("{head}[outbound.a]\n{lines}\n")).unwrap();
        let output = folder.run(&["check"]);
        assert_eq!(output.status.code(), Some(1), "{lines}");
        format!("{}{}", stdout(&output), stderr(&output))
    };
    for (lines, place, words) in [
        ("transport = \"amqp\"", ":6:1:", "does not say where it goes"),
        ("transport = \"soap\"", ":6:1:", "has no form"),
        ("transport = \"soap\"\nrender = \"dong.toml\"", ":7:10:", "does not carry"),
        ("transport = \"database\"\nrender = \"bieu-mau.toml\"", ":6:1:", "does not say"),
        ("[outbound.a.amqp]\nkey = \"\"", ":6:1:", "another transport"),
        ("transport = \"amqp\"\n[outbound.a.amqp]\nkey = \"\"", ":8:7:", "0 bytes"),
        ("transport = \"amqp\"\naccepted_when = \"a == 1\"", ":7:17:", "has no answer"),
        (
            "transport = \"soap\"\nrender = \"bieu-mau.toml\"\n[outbound.a.soap]\n\
             version = \"2\"",
            ":9:11:",
            "no SOAP 2",
        ),
        (
            "transport = \"dvcqg\"\nrender = \"dong.toml\"\n[outbound.a.dvcqg]\n\
             service = \"TraCuuHoSo\"\noffice = \"H19\"",
            ":9:11:",
            "no service",
        ),
    ] {
        let told = told(lines);
        assert!(told.contains(place) && told.contains(words), "{place} {words}:\n{told}");
    }
}

#[test]
fn faults_of_routes_and_endpoints_have_their_places() {
    let check = |routes: &str, endpoints: &[(&str, &str)]| {
        let folder = office(Backend::Sqlite, "delivery-faults", routes, endpoints);
        kept(&folder, "co = \"b1mat\"\n");
        let told = folder.run(&["check"]);
        (told.status.code(), format!("{}{}", stdout(&told), stderr(&told)))
    };
    let sound = [("so-nhan.nhan", NEAR)];
    let (code, told) = check(ROUTE, &sound);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("routes: 1, endpoints: 1"), "{told}");
    let with = |line: &str| format!("{ROUTE}{line}\n");
    for (routes, place, word) in [
        (ROUTE.replace("dossier/1", "dossier/7"), "routes.toml:2:12:", "no contract"),
        (ROUTE.replace(".nhan", ".khac"), "routes.toml:3:6:", "no outbound channel"),
        (with("from = \"so-khac\""), "routes.toml:4:8:", "no agency"),
        (with("when = \"status = 9\""), "routes.toml:4:8:", "hold together"),
        (with("when = \"trangThai == 9\""), "routes.toml:4:8:", "no member `trangThai`"),
        (with("when = \"subject == 'a'\""), "routes.toml:4:8:", "personal"),
        (with("khi = 1"), "routes.toml:", "unknown field"),
    ] {
        let (code, told) = check(&routes, &sound);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains(place) && told.contains(word), "{place} {word}:\n{told}");
    }
    for (endpoints, word) in [
        (&[][..], "there is no endpoint of it"),
        (&[("so-nhan.nhan", NEAR), ("so-nhan.khac", NEAR)][..], "no such channel"),
        (&[("so-nhan.nhan", "url = \"http://127.0.0.1:9/\"")][..], "private networks"),
        (&[("so-nhan.nhan", "url = \"http://169.254.169.254/\"")][..], "private networks"),
        (&[("so-nhan.nhan", "folder = \"ra\"")][..], "wants an url"),
        (&[("so-nhan.nhan", "secret = \"a\"")][..], "there is no secret `a`"),
        (&[("so-nhan.nhan", &*wanting("bearer", "a"))][..], "there is no secret `a`"),
        (&[("so-nhan.nhan", &*wanting("wsse", "co"))][..], "wants auth = none, basic, bearer"),
        (&[("so-nhan.nhan", "secret = \"co\"")][..], "wants an url"),
        (&[("so-nhan.nhan", NEAR), ("so-nhan.hang-doi", NEAR)][..], "wants secret ="),
        (&[("so-nhan.nhan", "url = \"ftp://a.example/\"")][..], "no address of http"),
        (&[("so-nhan.nhan", "url = \"https://a:b1mat@a.example/\"")][..], "no password"),
        (&[("so-nhan.nhan", "url = \"https://a.example/\"\nauth = \"basic\"")][..], "wants `user`"),
    ] {
        let (code, told) = check(ROUTE, endpoints);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains(word) && !told.contains("b1mat"), "{word}:\n{told}");
    }
}

async fn a_channel_is_paused_resumed_and_drained(backend: Backend) {
    let agency = Agency::new(|_, _| Reply::TAKEN).await;
    let folder = office(backend, "delivery-paused", ROUTE, &[("so-nhan.nhan", &at(&agency.url))]);
    let (hub, sender, operator) = started(&folder).await;
    let told = folder.run(&["pause", "so-nhan.nhan", "--reason", "bảo trì"]);
    assert_eq!(stdout(&told), "so-nhan.nhan is paused\n", "{}", stderr(&told));
    assert_eq!(folder.run(&["pause", "so-nhan.khac"]).status.code(), Some(1));
    send(&sender, "m-1", &line("A-1", 1, "MOI")).await;
    let one = stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 1).await;
    assert_eq!(one["decided"]["reason"], "bảo trì");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(agency.seen().len(), 0, "what comes waits");
    assert_eq!(folder.run(&["resume", "so-nhan.nhan"]).status.code(), Some(0));
    agency.takes(1, WITHIN).await;
    assert_eq!(stdout(&folder.run(&["drain", "so-nhan.nhan"])), "so-nhan.nhan is draining\n");
    stands(&operator, "so-nhan.nhan", |one| one["decided"]["state"] == "paused").await;
    send(&sender, "m-2", &line("A-2", 1, "MOI")).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(agency.count(), 1);
    assert_eq!(folder.run(&["resume", "so-nhan.nhan"]).status.code(), Some(0));
    agency.takes(2, WITHIN).await;
    hub.stop();
}
