//! The dialects of LGSP and of the national portal, as systems speak them that know no other hub:
//! requests byte for byte, and a stock OAuth client.

mod files;

use std::process::Command;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub},
    lienthong::{root, stderr, stdout},
};

/// A hub, and the public part and the secret of a key of an agency.
struct Office {
    folder: Folder,
    hub: Hub,
    key: String,
}

impl Office {
    async fn open(backend: Backend, name: &str, agency: &str) -> Self {
        let folder = backend.folder(name);
        let key = folder.key(&format!("agency:{agency}"));
        let hub = Hub::start(&folder).await;
        Self { folder, hub, key }
    }

    fn credentials(&self) -> (&str, &str) {
        self.key.trim_start_matches("ltk_").split_once('_').unwrap()
    }

    /// Sends bytes and reads the answer: its status and its body.
    async fn raw(&self, request: &str) -> (u16, Value) {
        let address = self.hub.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = request.replace("HOST", address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("{text}")))
    }

    /// A POST as Java's own HTTP client writes it.
    async fn java(&self, path: &str, headers: &str, body: &str) -> (u16, Value) {
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\n{headers}Accept: application/json\r\n\
             User-Agent: Java/1.8.0_202\r\nHost: HOST\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    async fn token(&self) -> String {
        let (id, secret) = self.credentials();
        let form = format!("grant_type=client_credentials&client_secret={secret}&client_id={id}");
        let labelled = "Content-Type: application/json\r\n";
        let (status, told) = self.java("/lgsp/token", labelled, &form).await;
        assert_eq!(status, 200, "{told}");
        for name in ["access_token", "token_type", "expires_in", "scope"] {
            assert!(!told[name].is_null(), "{name} in {told}");
        }
        told["access_token"].as_str().unwrap().to_owned()
    }

    async fn pushes(&self, token: &str, path: &str, document: &str) -> (u16, Value) {
        let headers =
            format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        let (status, told) = self.java(path, &headers, document).await;
        assert_eq!(told["Status"], status, "{told}");
        assert!(told["Message"].is_string(), "{told}");
        (status, told)
    }
}

/// A document as an unmodified one-stop system of 2020 writes it: its own names and order, members
/// that no description has, dates in two forms.
fn document(code: &str, status: &str) -> String {
    format!(
        "{{\"DocTypeCode\":\"2.000488\",\"DocTypeName\":\"Cấp Phiếu lý lịch tư pháp\",\
         \"DocCode\":\"{code}\",\"CitizenName\":\"Lâm Thị Mẫu\",\"CitizenInfo\":\"\",\
         \"ApplicantsId\":\"270999011\",\"ApplicantsType\":1,\"Address\":\"Khu phố 2\",\
         \"Email\":\"\",\"Phone\":\"0900000171\",\"Compendium\":\"Cấp phiếu số 1\",\
         \"DateReceived\":\"2020-03-04T08:30:00.000Z\",\
         \"DateAppointed\":\"2020-03-18T17:00:00.000+0700\",{status},\"ApproverName\":\"\",\
         \"ApproverPosition\":\"\",\"SuccessNote\":\"\",\"ReturnNote\":\"\",\"ReturnedType\":0,\
         \"ProcessingOrganName\":\"Sở Tư pháp\",\"HasSupplementary\":false,\"Note\":\"\",\
         \"Attachments\":[{{\"Attachmentld\":40101,\"AttachmentName\":\"Tờ khai\",\
         \"IsDeleted\":false,\"IsVerified\":true,\"Base64\":\"VOG7nSBraGFp\"}}],\
         \"DocFees\":[{{\"FeeName\":\"Phí\",\"FeeType\":4,\"Price\":200000}}],\
         \"OrganInchargeIdLevel1\":\"000.10.12.H19\",\"OrganInchargeName\":\"Sở Tư pháp\",\
         \"vnpostalStatus\":0,\"vnpostalProfile\":null,\"fromViaPostal\":false}}"
    )
}

const OPEN: &str = "\"IsSuccess\":false,\"SuccessDate\":\"0000-00-00T00:00:00.000+0700\",\
     \"IsReturned\":false,\"ReturnedDate\":\"2020-03-18T17:00:00.000+0700\",\"Status\":1";
const DONE: &str = "\"IsSuccess\":false,\"SuccessDate\":\"2020-03-16T15:05:00.000Z\",\
     \"IsReturned\":\"true\",\"ReturnedDate\":\"2020-03-17T09:10:00.000Z\",\
     \"FinishedDate\":\"2020-03-17T09:10:00.000Z\",\"Status\":1";

on_each_store!(
    what_an_unmodified_system_sends_to_an_lgsp_is_taken_unchanged,
    what_an_unmodified_system_sends_to_the_national_portal_is_taken_unchanged,
);

async fn what_an_unmodified_system_sends_to_an_lgsp_is_taken_unchanged(backend: Backend) {
    let office = Office::open(backend, "lgsp", "so-tu-phap").await;
    let token = office.token().await;
    let code = "000.10.12.H19-200304-0012";
    let sync = "/lgsp/Document/SyncDocument";
    assert_eq!(office.pushes(&token, sync, &document(code, OPEN)).await.0, 200);
    let sender = office.hub.sender(&office.key);
    let found = sender.get(&format!("/v1/dossiers/{code}?purpose=handling")).await.1;
    let dossier = &found["dossier"];
    assert_eq!(dossier["status"], 4, "{found}");
    // Its Z is a letter: half past eight in Vietnam.
    assert_eq!(dossier["accepted_at"], "2020-03-04T01:30:00Z");
    assert_eq!(dossier["due_at"], "2020-03-18T10:00:00Z");
    // Nothing was returned, whatever ReturnedDate says.
    assert!(dossier["returned_at"].is_null() && dossier["finished_at"].is_null(), "{dossier}");
    let trace = format!(
        "{{\"DocumentId\":40012,\"DocCode\":\"{code}\",\"UserName\":\"Hồ Văn Thử\",\
         \"UserPosition\":\"\",\"DateCreated\":\"2020-03-05T14:00:00.000Z\",\
         \"Comment\":\"Chuyển xác minh\",\"Status\":0,\
         \"OrganizationInchargeIdLevel1\":\"000.10.12.H19\",\
         \"OrganizationInchargeName\":\"Sở Tư pháp\"}}"
    );
    let traces = "/lgsp/Document/UpdateDocumentTraces";
    assert_eq!(office.pushes(&token, traces, &trace).await.0, 200);
    assert_eq!(office.pushes(&token, sync, &document(code, DONE)).await.0, 200);
    let found = sender.get(&format!("/v1/dossiers/{code}?purpose=handling")).await.1;
    assert_eq!(found["dossier"]["status"], 10, "{found}");
    assert_eq!(found["dossier"]["returned_at"], "2020-03-17T02:10:00Z");
    assert_eq!(found["dossier"]["finished_at"], "2020-03-16T08:05:00Z");
    let statistic = std::fs::read_to_string(
        root().join("mappings/agencies/so-tu-phap/fixtures/thong-ke/thang.in.json"),
    );
    let (address, statistic) = ("/lgsp/Statistic/UpdateStatistic%20", statistic.unwrap());
    assert_eq!(office.pushes(&token, address, &statistic).await.0, 200);
    let votes = std::fs::read_to_string(
        root().join("mappings/agencies/so-tu-phap/fixtures/khao-sat/thang.in.json"),
    );
    assert_eq!(office.pushes(&token, "/lgsp/Vote/UpdateVote", &votes.unwrap()).await.0, 200);
    // The same again changes nothing; what is wrong is told with its place and what to do.
    assert_eq!(office.pushes(&token, sync, &document(code, DONE)).await.0, 200);
    let wrong = document(code, DONE).replace("2020-03-04T08:30:00.000Z", "04/03/2020");
    let (status, told) = office.pushes(&token, sync, &wrong).await;
    assert_eq!(status, 422);
    let message = told["Message"].as_str().unwrap();
    assert!(message.contains("bad-date") && message.contains("DateReceived"), "{message}");
    let (status, _) = office.pushes("ltt_0_0_0", sync, &document(code, OPEN)).await;
    assert_eq!(status, 401);
    office.hub.stop();
    assert_eq!(office.folder.verify().dossiers, 1);
}

async fn what_an_unmodified_system_sends_to_the_national_portal_is_taken_unchanged(
    backend: Backend,
) {
    let office = Office::open(backend, "dvcqg", "ubnd-long-khanh").await;
    let (id, secret) = office.credentials();
    let headers = "dstcode: VN:GOV:000.00.00.G22:vpcpdvcprovider\r\n\
                   Content-Type: application/json\r\n";
    let login = format!("{{\"username\":\"{id}\",\"password\":\"{secret}\"}}");
    let (_, told) = office.java("/dvcqg/login", headers, &login).await;
    assert_eq!(told["error_code"], "0", "{told}");
    let session = told["session"].as_str().unwrap().to_owned();
    let call = async |session: &str, fixture: &str| {
        let file = root().join("mappings/agencies/ubnd-long-khanh/fixtures").join(fixture);
        let text = std::fs::read_to_string(file).unwrap();
        let body = text.trim_end().replacen('{', &format!("{{\"session\":\"{session}\","), 1);
        office.java("/dvcqg/service", headers, &body).await
    };
    let (status, told) = call("ended", "ho-so/dong-bo.in.json").await;
    assert_eq!((status, &told["error_code"]), (200, &json!("-1")), "{told}");
    let (status, told) = call(&session, "ho-so/dong-bo.in.json").await;
    assert_eq!((status, &told["error_code"]), (200, &json!("0")), "{told}");
    assert!(told["message"].as_str().unwrap().contains("thành công"), "{told}");
    let (_, told) = call(&session, "tien-do/tien-do.in.json").await;
    assert_eq!(told["error_code"], "0", "{told}");
    let (_, told) = call(&session, "ho-so/sai.in.json").await;
    assert_eq!(told["error_code"], "1", "{told}");
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("NgayTiepNhan") && !message.contains("thành công"), "{message}");
    let sender = office.hub.sender(&office.key);
    let found = sender.get("/v1/dossiers/000.00.32.H19-210315-0007?purpose=handling").await.1;
    // Both steps are in its history. The dossier was synced now, after them: its own word stands.
    assert_eq!(found["history"].as_array().unwrap().len(), 3, "{found}");
    assert_eq!(found["dossier"]["status"], 4, "{found}");
    assert_eq!(found["dossier"]["submitted_at"], "2021-03-14T13:30:00Z");
    office.hub.stop();
    office.folder.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_oauth_client_has_a_token_that_opens_all_its_key_opens_and_ends_with_it() {
    let office = Office::open(Backend::Sqlite, "oauth", "so-tu-phap").await;
    let url = &office.hub.url;
    let (id, secret) = office.credentials();
    let (token_url, asked) =
        (format!("{url}/token"), format!("{url}/v1/statistics?from=2020-01-01&to=2020-12-31"));
    let mut bearer = String::new();
    for how in ["basic", "form"] {
        let mut command = Command::new(root().join("tests/clients/run"));
        command.args(["oauth.py", &token_url, id, secret, how, &asked]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(told["statuses"], json!([200]), "{told}");
        assert_eq!(told["token"]["expires_in"], 3600, "{told}");
        told["token"]["access_token"].as_str().unwrap().clone_into(&mut bearer);
    }
    let sender = office.hub.sender(&bearer);
    let (status, _) = sender.push("so-tu-phap.ho-so", None, b"{}").await.unwrap();
    assert_eq!(status, 422, "it opens the channel, and the empty document is refused");
    let (status, _) = sender.push("so-noi-vu.ho-so", None, b"<a/>").await.unwrap();
    assert_eq!(status, 403);
    assert_eq!(office.folder.run(&["key", "revoke", id]).status.code(), Some(0));
    for _ in 0..40 {
        let (status, _) = sender.push("so-tu-phap.ho-so", None, b"{}").await.unwrap();
        if status == 401 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("the token outlives its key");
}

#[test]
fn what_a_channel_is_called_by_is_told_with_its_place_where_it_cannot_be() {
    let folder = Folder::new("called");
    let checked = |agency: &str, line: &str, instead: &str| {
        let file = folder.path().join("agencies").join(agency).join("agency.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(line), "{line}");
        std::fs::write(&file, text.replacen(line, instead, 1)).unwrap();
        let output = folder.run(&["check"]);
        std::fs::write(&file, text).unwrap();
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    let (vote, rest) = ("operation = \"UpdateVote\"", "mapping = \"ho-so.toml\"");
    let both = "mapping = \"ho-so.toml\"\ntransport = \"lgsp\"\noperation = \"SyncDocument\"";
    let spaced = "operation = \"UpdateVote\"\nnamespace = \"urn:x\"";
    for (agency, line, instead, expected) in [
        ("so-cong-thuong", "operation = \"NopHoSo\"", "", "has no operation"),
        ("so-cong-thuong", "\"NopHoSo\"", "\"ct:NopHoSo\"", "`ct:NopHoSo` is no operation of soap"),
        ("so-tu-phap", vote, "operation = \"Vote\"", "toml:24:13: `Vote` is no operation of lgsp"),
        ("so-tu-phap", vote, "operation = \"SyncDocument\"", "so-tu-phap.ho-so receives"),
        ("so-tu-phap", vote, spaced, "a namespace is said of SOAP alone"),
        ("so-noi-vu", rest, both, "lgsp carries json"),
        ("so-noi-vu", rest, "mapping = \"ho-so.toml\"\noperation = \"A\"", "this is said of soap"),
    ] {
        let (code, told) = checked(agency, line, instead);
        assert_eq!(code, Some(1), "{agency} {instead}");
        assert!(told.contains(expected), "{agency} {instead}: {told}");
    }
    let output = folder.run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
