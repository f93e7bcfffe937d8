//! What is translated again is delivered where that is told, and only then.

use std::fs;

use serde_json::json;

use super::{ROUTE, line, office, standing, stands, started};
use crate::{
    backend::{Backend, on_each_store},
    harness::Hub,
    lienthong::{stderr, stdout},
};

on_each_store!(what_is_translated_again_is_delivered_where_that_is_told);

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
