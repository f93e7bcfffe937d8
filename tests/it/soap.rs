//! SOAP as an agency's program meets it: a stock client that has only the WSDL, and raw envelopes.

use std::{fs, process::Command};

use reqwest::Client;
use serde_json::Value;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub},
    lienthong::{root, stderr, stdout},
};

const CHANNEL: &str = "so-cong-thuong.ho-so";
const FIXTURES: &str = "mappings/agencies/so-cong-thuong/fixtures/ho-so";

/// A hub, and a key of the agency that calls it.
struct Office {
    folder: Folder,
    hub: Hub,
    id: String,
    secret: String,
    digest: String,
}

impl Office {
    async fn open(backend: Backend, name: &str) -> Self {
        let folder = backend.folder(name);
        let key = folder.key("agency:so-cong-thuong");
        let (id, secret) = key.trim_start_matches("ltk_").split_once('_').unwrap();
        let (id, secret) = (id.to_owned(), secret.to_owned());
        let told = folder.run(&["key", "digest", &id]);
        assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
        let digest = stdout(&told).trim().to_owned();
        let hub = Hub::start(&folder).await;
        Self { folder, hub, id, secret, digest }
    }

    fn wsdl(&self) -> String {
        format!("{}/soap/{CHANNEL}?wsdl", self.hub.url)
    }

    /// What a stock client makes of files of the channel.
    fn called(&self, port: &str, password: &str, how: &str, files: &[&str]) -> Vec<Value> {
        let mut command = Command::new(root().join("tests/clients/run"));
        command.args(["soap.py", &self.wsdl(), port, &self.id, password, how]);
        command.args(files.iter().map(|file| root().join(file)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The answer to an envelope as it is.
    async fn raw(&self, envelope: String) -> (u16, String) {
        let request = Client::new().post(format!("{}/soap/{CHANNEL}", self.hub.url));
        let request = request.header("Content-Type", "text/xml").body(envelope);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn envelope(&self, body: &str) -> String {
        format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
             <w:Security xmlns:w=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-\
             wssecurity-secext-1.0.xsd\"><w:UsernameToken><w:Username>{}</w:Username><w:Password>\
             {}</w:Password></w:UsernameToken></w:Security></s:Header><s:Body>{body}</s:Body>\
             </s:Envelope>",
            self.id, self.secret
        )
    }
}

on_each_store!(a_stock_client_sends_in_both_versions_by_password_and_by_digest);

async fn a_stock_client_sends_in_both_versions_by_password_and_by_digest(backend: Backend) {
    let office = Office::open(backend, "soap").await;
    let (good, bad) = (format!("{FIXTURES}/nop.in.xml"), format!("{FIXTURES}/sai.in.xml"));
    let told = office.called("Soap11", &office.secret, "text", &[&good, &bad]);
    assert_eq!(told[0]["Outcome"], "stored", "{told:?}");
    assert_eq!(told[0]["Records"], 2);
    // Its first record is refused with each of its faults, the second is stored.
    assert_eq!(told[1]["Outcome"], "partial", "{told:?}");
    let faults = told[1]["Refusal"][0]["Fault"].as_array().unwrap();
    let codes: Vec<_> = faults.iter().map(|fault| fault["Code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"unknown-code") && codes.contains(&"bad-date"), "{codes:?}");
    assert!(faults.iter().all(|fault| !fault["Advice"].as_str().unwrap().is_ascii()), "{faults:?}");
    for (port, password, how) in [
        ("Soap12", &office.secret, "text"),
        ("Soap11", &office.digest, "digest"),
        ("Soap12", &office.digest, "digest"),
    ] {
        let told = office.called(port, password, how, &[&good]);
        assert_eq!(told[0]["Outcome"], "duplicate", "{port} {how} {told:?}");
    }
    for (port, password, how) in
        [("Soap11", &office.digest, "text"), ("Soap12", &office.secret, "digest")]
    {
        let told = office.called(port, password, how, &[&good]);
        assert_eq!(told[0]["problem"]["Code"], "unauthenticated", "{port} {how} {told:?}");
    }
    // A token that somebody has seen is good for nothing, and none is for long.
    let told = office.called("Soap11", &office.digest, "replayed", &[&good, &good]);
    assert_eq!(told[0]["Outcome"], "duplicate", "{told:?}");
    assert_eq!(told[1]["problem"]["Code"], "token-replayed", "{told:?}");
    let told = office.called("Soap12", &office.digest, "stale", &[&good]);
    assert_eq!(told[0]["problem"]["Code"], "token-stale", "{told:?}");
    let sender = office.hub.sender(&format!("ltk_{}_{}", office.id, office.secret));
    let found = sender.get("/v1/dossiers/CT-2014-000118?purpose=handling").await.1;
    assert_eq!(found["dossier"]["status"], 4, "{found}");
    assert_eq!(found["dossier"]["applicant"]["name"], "Công ty TNHH Làm Mẫu");
    // What is kept of it has no envelope and no credential.
    for kept in fs::read_dir(office.folder.path()).unwrap().flatten() {
        let bytes = fs::read(kept.path()).unwrap_or_default();
        let holds = bytes.windows(office.secret.len()).any(|part| part == office.secret.as_bytes());
        assert!(!holds, "the secret lies in {}", kept.path().display());
    }
    office.hub.stop();
    office.folder.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_a_fault_with_its_problems_and_a_revoked_key_ends() {
    let office = Office::open(Backend::Sqlite, "soap-faults").await;
    let namespace = "xmlns=\"http://soct.dongnai.gov.vn/mot-cua\"";
    let one = format!(
        "<NopHoSo {namespace}><DanhSach><HoSo><SoHoSo>A-1</SoHoSo></HoSo></DanhSach></NopHoSo>"
    );
    let (status, told) = office.raw(office.envelope(&one)).await;
    assert_eq!(status, 500);
    for words in [
        "<faultcode",
        "soap:Client",
        "<Code>refused</Code>",
        "<Code>missing-member</Code>",
        "<Outcome>refused</Outcome>",
        "Thiếu",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let other = format!("<XoaHoSo {namespace}/>");
    let (_, told) = office.raw(office.envelope(&other)).await;
    assert!(told.contains("unknown-operation") && told.contains("NopHoSo"), "{told}");
    // Another agency's channel is nobody's business; a channel that is pushed to has no WSDL.
    let url = format!("{}/soap/so-noi-vu.ho-so", office.hub.url);
    let answer = Client::new().post(&url).body(office.envelope(&one)).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("forbidden"));
    assert_eq!(Client::new().get(url + "?wsdl").send().await.unwrap().status(), 404);
    assert_eq!(office.folder.run(&["key", "revoke", &office.id]).status.code(), Some(0));
    let told = office.folder.run(&["key", "digest", &office.id]);
    assert_eq!(told.status.code(), Some(1), "{}", stdout(&told));
    let mut answers = Vec::new();
    for _ in 0..40 {
        let (_, told) = office.raw(office.envelope(&one)).await;
        answers.push(told.contains("unauthenticated"));
        if answers.last() == Some(&true) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("a revoked key still opens the door");
}
