//! A source withdraws a dossier: it is told as retracted, and no number counts it any more.

use std::fs;

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{root, run, stderr, stdout},
};

const AGENCY: &str = "so-thu-nghiem";
const FOLDER: &str = "tests/corpus/agencies";

struct Office {
    folder: Folder,
    hub: Hub,
    agency: Sender,
    portal: Sender,
}

impl Office {
    async fn new(backend: Backend, name: &str) -> Self {
        let folder = backend.folder_of(name, &[FOLDER]);
        let keys = [format!("agency:{AGENCY}"), "portal".to_owned()].map(|who| folder.key(&who));
        let hub = Hub::start(&folder).await;
        let [agency, portal] = keys.map(|key| hub.sender(&key));
        Self { folder, hub, agency, portal }
    }

    async fn push(&self, message: &Value) -> (u16, Value) {
        let channel = format!("{AGENCY}.su-kien");
        self.agency.push(&channel, None, message.to_string().as_bytes()).await.unwrap()
    }

    async fn stored(&self, message: &Value) {
        let (status, receipt) = self.push(message).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }

    async fn dossier(&self, code: &str) -> Value {
        self.agency.found(&format!("/v1/dossiers/{code}")).await["dossier"].clone()
    }

    /// What is counted over all days: measure to number.
    async fn numbers(&self) -> Value {
        let told = self.agency.found("/v1/statistics?from=2010-01-01&by=agency").await;
        told["rows"].get(0).map_or(json!({}), |row| row["measures"].clone())
    }
}

fn told(code: &str, at: &str) -> Value {
    json!({ "suKien": "HOSO", "ma": code, "luc": at, "thuTuc": "Cấp giấy phép",
            "ngayNhan": "04/03/2024", "ngayHen": "08/03/2024", "trangThai": "DANG_XU_LY",
            "nguoiNop": "Lâm Thị Mẫu" })
}

fn withdrawn(code: &str, at: &str) -> Value {
    json!({ "suKien": "RUT", "ma": code, "luc": at, "lyDo": "Bà Lâm Thị Mẫu rút hồ sơ" })
}

on_each_store!(
    a_withdrawn_dossier_leaves_the_numbers_and_returns_when_it_is_told_again,
    a_retraction_dated_ahead_is_refused,
);

async fn a_withdrawn_dossier_leaves_the_numbers_and_returns_when_it_is_told_again(
    backend: Backend,
) {
    let office = Office::new(backend, "withdrawn").await;
    office.stored(&told("TN-1", "2024-03-04T08:00:00+07:00")).await;
    office.stored(&told("TN-2", "2024-03-04T09:00:00+07:00")).await;
    assert_eq!(office.numbers().await["accepted"], 2);
    office.stored(&withdrawn("TN-1", "2024-03-06T09:00:00+07:00")).await;
    assert_eq!(office.dossier("TN-1").await["retracted"], true);
    assert_eq!(office.dossier("TN-2").await["retracted"], false);
    let numbers = office.numbers().await;
    assert_eq!((&numbers["accepted"], &numbers["open"]), (&json!(1), &json!(1)), "{numbers}");
    // A retraction that arrives before what it withdraws comes to the same.
    office.stored(&withdrawn("TN-3", "2024-03-06T09:00:00+07:00")).await;
    office.stored(&told("TN-3", "2024-03-05T08:00:00+07:00")).await;
    assert_eq!(office.dossier("TN-3").await["retracted"], true);
    assert_eq!(office.numbers().await["accepted"], 1);
    let history = office.agency.found("/v1/dossiers/TN-3").await["history"].clone();
    let kinds: Vec<_> = history.as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["retraction", "snapshot"]);
    office.stored(&told("TN-1", "2024-03-07T08:00:00+07:00")).await;
    assert_eq!(office.dossier("TN-1").await["retracted"], false);
    assert_eq!(office.numbers().await["accepted"], 2);
    let fed = office.portal.feed("records", 100).await;
    let kind = "vn.gov.dongnai.lienthong.dossier.retracted.v1";
    let gone: Vec<_> = fed.iter().filter(|event| event["type"] == kind).collect();
    assert_eq!(gone.len(), 2, "{fed:#?}");
    let data = json!({ "source": AGENCY, "source_code": "TN-1", "at": "2024-03-06T02:00:00Z" });
    assert_eq!(gone[0]["data"], data, "the reason is personal");
    let Office { folder, hub, .. } = office;
    hub.stop();
    folder.verify();
    let rebuilt = folder.run(&["rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    folder.verify();
}

async fn a_retraction_dated_ahead_is_refused(backend: Backend) {
    let office = Office::new(backend, "ahead").await;
    let (status, receipt) = office.push(&withdrawn("TN-1", "2999-01-01T00:00:00+07:00")).await;
    assert_eq!((status, &receipt["outcome"]), (422, &json!("refused")), "{receipt}");
    let problem = &receipt["refusals"][0]["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["pointer"]),
        (&json!("time-in-future"), &json!("/at")),
        "{receipt}"
    );
    assert_eq!(office.agency.get("/v1/dossiers/TN-1").await.0, 404);
}

#[test]
fn a_retraction_is_mapped_and_its_fixtures_hold() {
    let output = run(&["test", "--coverage", "--mappings", FOLDER]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let case = format!("{FOLDER}/{AGENCY}/fixtures/su-kien/rut");
    let output =
        run(&["apply", "so-thu-nghiem.su-kien", &format!("{case}.in.json"), "--mappings", FOLDER]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let draft: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let want = fs::read_to_string(root().join(format!("{case}.out.json"))).unwrap();
    assert_eq!(json!([draft]), serde_json::from_str::<Value>(&want).unwrap());
}
