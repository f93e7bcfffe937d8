//! Every outcome has its place and its answer.

use std::{fs, io::Write, os::unix::fs::symlink, time::Duration};

use serde_json::json;
use tokio::time::sleep;

use super::{AGENCY, Office, console, record};
use crate::{
    backend::{Backend, on_each_store},
    harness::Hub,
};

on_each_store!(
    each_file_has_one_outcome_one_place_and_its_reasons,
    a_file_being_written_is_left_alone_and_a_marked_one_taken,
    a_folder_in_trouble_is_shown_and_holds_up_no_other,
);

async fn each_file_has_one_outcome_one_place_and_its_reasons(backend: Backend) {
    let office = Office::new(backend, "drop-outcomes");
    let key = office.folder.key(AGENCY);
    let hub = Hub::start(&office.folder).await;
    let sender = hub.sender(&key);
    let good = record("T-1", "MOI") + &record("T-2", "MOI");
    office.drops("tep", "good.jsonl", &good);
    office.drops("tep", "half.jsonl", &(record("T-3", "MOI") + &record("T-4", "LA_GI")));
    office.drops("tep", "bad.jsonl", &record("T-5", "LA_GI"));
    symlink("/etc/hostname", office.path("tep", "link.jsonl")).unwrap();
    office.empties("tep").await;
    // Stored: the push door's own answer.
    let receipt = office.json("tep", "done/good.jsonl.receipt.json");
    assert_eq!((&receipt["outcome"], &receipt["records"]), (&json!("stored"), &json!(2)));
    assert_eq!(fs::read_to_string(office.path("tep", "done/good.jsonl")).unwrap(), good);
    let id = receipt["id"].as_str().unwrap();
    let traced = sender.found(&format!("/v1/messages/{id}?channel=so-tha-tep.tep")).await;
    assert_eq!(traced["messages"][0]["outcome"], "stored", "{traced}");
    // Partial: taken, with the reasons beside it.
    assert_eq!(office.json("tep", "done/half.jsonl.receipt.json")["outcome"], "partial");
    let refused = office.json("tep", "done/half.jsonl.refused.json");
    assert_eq!(refused["code"], "partly-refused");
    let problem = &refused["receipt"]["refusals"][0]["problems"][0];
    assert_eq!((&problem["code"], &problem["place"]["line"]), (&json!("unknown-code"), &json!(2)));
    assert!(problem["advice"]["vi"].as_str().unwrap().contains("bảng mã"), "{problem}");
    // Refused.
    let refused = office.json("tep", "refused/bad.jsonl.refused.json");
    assert_eq!(
        (&refused["code"], refused["receipt"]["records"].as_u64()),
        (&json!("refused"), Some(0))
    );
    assert!(refused["advice"].as_str().unwrap().contains("đặt lại vào thư mục"), "{refused}");
    assert_eq!(office.json("tep", "refused/link.jsonl.refused.json")["code"], "not-a-file");
    // The same again changes nothing; the mended one and one that returns are new messages.
    office.drops("tep", "good.jsonl", &good);
    office.empties("tep").await;
    let again = office.files("tep", "done");
    let again =
        again.iter().find(|name| name.starts_with("good~") && name.ends_with("receipt.json"));
    let again = office.json("tep", &format!("done/{}", again.unwrap()));
    assert_eq!((&again["outcome"], &again["id"]), (&json!("duplicate"), &json!(id)));
    office.drops("tep", "bad.jsonl", &record("T-5", "MOI"));
    office.empties("tep").await;
    assert_eq!(office.json("tep", "done/bad.jsonl.receipt.json")["outcome"], "stored");
    for status in ["DANG_XU_LY", "XONG", "DANG_XU_LY"] {
        office.drops("tep", "one.jsonl", &record("T-9", status));
        office.empties("tep").await;
        let expected = if status == "XONG" { 9 } else { 4 };
        let found = sender.found("/v1/dossiers/T-9").await;
        assert_eq!(found["dossier"]["status"], expected, "{status}");
    }
    let page = console(&hub).await;
    for text in [
        "so-tha-tep.tep",
        "Thư mục nhận tệp",
        "so-tha-tep/tep",
        "Bình thường.",
        "Thả tệp vào thư mục",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("Lâm Thị Mẫu"));
    assert_eq!(sender.feed("records", 100).await.len(), 7);
    let log = office.folder.log();
    assert!(!log.contains("jsonl") && !log.contains("Mẫu"), "names of files are in the log: {log}");
    hub.stop();
    office.folder.verify();
}

async fn a_file_being_written_is_left_alone_and_a_marked_one_taken(backend: Backend) {
    let office = Office::new(backend, "drop-whole");
    let hub = Hub::start(&office.folder).await;
    office.drops("danh-dau", "a.jsonl", &record("M-1", "MOI"));
    let mut file = fs::File::create(office.path("on-dinh", "grows.jsonl")).unwrap();
    for number in 0..10 {
        file.write_all(record(&format!("G-{number}"), "MOI").as_bytes()).unwrap();
        sleep(Duration::from_millis(400)).await;
        assert_eq!(office.files("on-dinh", ""), ["grows.jsonl"], "taken while it was written");
    }
    drop(file);
    office.empties("on-dinh").await;
    assert_eq!(office.json("on-dinh", "done/grows.jsonl.receipt.json")["records"], 10);
    assert_eq!(office.files("danh-dau", ""), ["a.jsonl"], "taken without its marker");
    fs::write(office.path("danh-dau", "a.jsonl.ok"), "").unwrap();
    office.empties("danh-dau").await;
    assert_eq!(office.json("danh-dau", "done/a.jsonl.receipt.json")["outcome"], "stored");
    hub.stop();
    office.folder.verify();
}

async fn a_folder_in_trouble_is_shown_and_holds_up_no_other(backend: Backend) {
    let office = Office::new(backend, "drop-trouble");
    // What is no folder cannot be read by anybody, whoever runs the tests.
    fs::remove_dir(office.path("nhieu", "")).unwrap();
    fs::write(office.path("", "nhieu"), "").unwrap();
    let hub = Hub::start(&office.folder).await;
    office.drops("tep", "a.jsonl", &record("N-1", "MOI"));
    office.empties("tep").await;
    let page = console(&hub).await;
    assert!(page.contains("Không làm việc được với thư mục"), "{page}");
    assert!(office.folder.log().contains("so-tha-tep.nhieu"), "{}", office.folder.log());
    fs::remove_file(office.path("", "nhieu")).unwrap();
    fs::create_dir(office.path("nhieu", "")).unwrap();
    office.drops("nhieu", "b.jsonl", &record("N-2", "MOI"));
    office.empties("nhieu").await;
    assert_eq!(office.json("nhieu", "done/b.jsonl.receipt.json")["outcome"], "stored");
    hub.stop();
}
