//! What is translated again is delivered where that is told, and only then.

use std::fs;

use serde_json::json;

use super::{ROUTE, line, office, standing, stands, started};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender},
    lienthong::{stderr, stdout},
};

on_each_store!(
    what_is_translated_again_is_delivered_where_that_is_told,
    what_is_sent_again_under_a_mended_mapping_takes_the_place_of_what_was_told,
);

async fn what_is_translated_again_is_delivered_where_that_is_told(backend: Backend) {
    let nobody = "url = \"http://127.0.0.1:9/\"\nprivate = [\"127.0.0.1\"]";
    let folder = office(backend, "delivery-retold", ROUTE, &[("so-nhan.nhan", nobody)]);
    let (hub, sender, operator) = started(&folder).await;
    assert_eq!(folder.run(&["pause", "so-nhan.nhan"]).status.code(), Some(0));
    for (id, status) in [("m-1", "LA"), ("m-2", "LA_NUA")] {
        let text = line(id, 1, status);
        let sent = sender.push("so-gui.ho-so", Some(id), text.as_bytes()).await.unwrap();
        assert_eq!((sent.0, &sent.1["outcome"]), (422, &json!("refused")));
    }
    let table = folder.path().join("agencies/so-gui/tables/status.csv");
    let retranslate = |row: &str, more: &[&str]| {
        let text = fs::read_to_string(&table).unwrap();
        fs::write(&table, format!("{}\n{row}\n", text.trim_end())).unwrap();
        let output = folder.run(&[&["retranslate", "so-gui.ho-so"], more].concat());
        let told = stdout(&output);
        assert!(told.contains("1 records are stored that were not"), "{told}{}", stderr(&output));
    };
    retranslate("LA,4", &[]);
    assert_eq!(standing(&operator, "so-nhan.nhan").await["waiting"], 0);
    retranslate("LA_NUA,4", &["--refused", "--deliver"]);
    stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 1).await;
    Hub::stop(hub);
}

async fn what_is_sent_again_under_a_mended_mapping_takes_the_place_of_what_was_told(
    backend: Backend,
) {
    let nobody = "url = \"http://127.0.0.1:9/\"\nprivate = [\"127.0.0.1\"]";
    let folder = office(backend, "delivery-sent-again", ROUTE, &[("so-nhan.nhan", nobody)]);
    let table = folder.path().join("agencies/so-gui/tables/status.csv");
    let known = fs::read_to_string(&table).unwrap();
    // A code that the table has wrong, at a later step than it means, and one that it lacks.
    fs::write(&table, format!("{}\nNHAM,9\n", known.trim_end())).unwrap();
    let text =
        [line("L-1", 1, "NHAM"), line("L-2", 1, "DANG_XU_LY"), line("L-3", 1, "LA")].concat();
    let (hub, sender, operator) = started(&folder).await;
    assert_eq!(folder.run(&["pause", "so-nhan.nhan"]).status.code(), Some(0));
    let status = async |sender: &Sender, code: &str| {
        sender.found(&format!("/v1/dossiers/{code}")).await["dossier"]["status"].clone()
    };
    let sent = sender.push("so-gui.ho-so", Some("m-1"), text.as_bytes()).await.unwrap();
    assert_eq!(
        (&sent.1["outcome"], &sent.1["records"]),
        (&json!("partial"), &json!(2)),
        "{sent:?}"
    );
    assert_eq!(status(&sender, "L-1").await, 9);
    Hub::stop(hub);
    fs::write(&table, format!("{}\nNHAM,4\nLA,4\n", known.trim_end())).unwrap();
    let hub = Hub::start(&folder).await;
    let (sender, operator) = (hub.sender(&sender.key), hub.sender(&operator.key));
    let sent = sender.push("so-gui.ho-so", Some("m-1"), text.as_bytes()).await.unwrap();
    assert_eq!((&sent.1["outcome"], &sent.1["records"]), (&json!("stored"), &json!(3)), "{sent:?}");
    for code in ["L-1", "L-2", "L-3"] {
        assert_eq!(status(&sender, code).await, 4, "{code}");
    }
    // Two of the first time, and what came out otherwise or for the first time.
    assert_eq!(standing(&operator, "so-nhan.nhan").await["waiting"], 4);
    hub.stop();
    let verified = folder.verify();
    assert_eq!(folder.run(&["rebuild"]).status.code(), Some(0));
    assert_eq!(folder.verify().fold_root, verified.fold_root);
}
