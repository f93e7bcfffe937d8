//! A procedure by its code, with what it was and what it is.

use std::fs;

use serde_json::Value;

use super::ask;
use crate::{
    backend::{Backend, on_each_store},
    harness::Hub,
};

on_each_store!(a_procedure_is_told_with_all_its_versions);

/// Two versions of one procedure at one agency, the same code at another, and a code of its own.
const VERSIONS: [&str; 4] = [
    "1.900001,000.00.00.H19,,so-y-te,Cấp mẫu,,province,10,working_days,\
     nd43:3@2015-04-01..,,,2015-04-01,2024-12-31",
    "1.900001,000.00.00.H19,,so-y-te,Cấp mẫu rút gọn,,province,5,working_days,\
     nd42:full@2025-01-01..,50000,NĐ 1,2025-01-01,",
    "1.900001,000.00.00.H99,,so-xay-dung,Cấp mẫu nơi khác,,province,7,working_days,,,,,",
    ",,XD-07,so-xay-dung,Thủ tục riêng,,province,,,,,,,",
];

async fn a_procedure_is_told_with_all_its_versions(backend: Backend) {
    let mut folder = backend.folder("search-versions");
    let catalogue = folder.catalogue();
    let file = catalogue.join("procedures.csv");
    let known = fs::read_to_string(&file).unwrap();
    fs::write(&file, known + &VERSIONS.join("\n") + "\n").unwrap();
    folder.publishing(Some(catalogue));
    let key = folder.key("reporting:bi");
    let hub = Hub::start(&folder).await;
    let tool = hub.sender(&key);
    let names = async |code: &str, on: &str| -> Vec<(String, bool)> {
        let found = tool.found(&ask(&format!("procedures/{code}"), &[("on", on)])).await;
        let versions = found["versions"].as_array().unwrap().iter();
        let told = |one: &Value| {
            let name = one["procedure"]["name"].as_str().unwrap().to_owned();
            (name, one["in_force"].as_bool().unwrap())
        };
        versions.map(told).collect()
    };
    let [old, new, other] = ["Cấp mẫu", "Cấp mẫu rút gọn", "Cấp mẫu nơi khác"].map(str::to_owned);
    let long = "1.900001.000.00.00.H19";
    assert_eq!(names(long, "2024-06-01").await, [(old.clone(), true), (new.clone(), false)]);
    assert_eq!(names(long, "2026-06-01").await, [(new.clone(), true), (old.clone(), false)]);
    let all = names("1.900001", "2026-06-01").await;
    assert_eq!(all, [(new, true), (other, true), (old, false)], "of all who publish it");
    assert_eq!(names("XD-07", "2026-06-01").await.len(), 1);

    let now = tool.found("/v1/procedures/1.900001.000.00.00.H19?on=2026-06-01").await;
    let first = &now["versions"][0];
    assert_eq!(first["agency_name"], "Sở Y tế");
    assert_eq!(first["online_level"]["level"], "full");
    assert_eq!(first["procedure"]["fee"], 50_000);
    assert_eq!(first["procedure"]["deadline"]["value"], 5);
    for none in ["1.900002", "1.900001.000.00.00.H18", "xd-07", "%F0%9F%98%80"] {
        assert_eq!(tool.get(&format!("/v1/procedures/{none}")).await.0, 404, "{none}");
    }
    assert_eq!(tool.get("/v1/procedures/1.900001?on=2026-02-30").await.0, 400);
    hub.stop();
    folder.verify();
}
