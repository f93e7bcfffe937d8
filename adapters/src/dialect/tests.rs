//! Over real sockets: calls as systems send them, and the answers that they understand.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use contracts::{Later, Outcome};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Desk, dvcqg, lgsp};
use crate::rest::intake::{Intake, Limits};
use crate::rest::push::Denied;
use crate::rest::server::{ServerLimits, serve};
use crate::rest::token::{self, Asked, Issued, NotIssued, Tokens};
use crate::suite::{CHANNEL, PATIENCE, Scripted, receipt};

/// One client, whose token is `right`, and whose agency receives one operation of each dialect.
struct OneClient;

impl Tokens for OneClient {
    fn issue(&self, asked: &Asked) -> Result<Issued, NotIssued> {
        let told = (asked.id.as_deref(), asked.secret.as_deref());
        if told != (Some("so-xay-dung"), Some("bí mật&=+%")) {
            return Err(NotIssued::Client);
        }
        if asked.scope.as_deref() == Some("operate") {
            return Err(NotIssued::Scope);
        }
        Ok(Issued { token: "right".to_owned(), expires_in: 3600, scope: asked.scope.clone() })
    }
}

impl Desk for OneClient {
    fn channel(
        &self,
        _dialect: &str,
        operation: &str,
        authorization: Option<&str>,
    ) -> Result<String, Denied> {
        match (authorization, operation) {
            (Some("Bearer right"), "SyncDocument" | "UpdateStatistic" | "DongBoHoSoMC") => {
                Ok(CHANNEL.to_owned())
            }
            (Some("Bearer right"), _) => Err(Denied::Forbidden),
            _ => Err(Denied::Unauthenticated),
        }
    }
}

struct Rig {
    inbox: Arc<Scripted>,
    address: SocketAddr,
    client: reqwest::Client,
    stop: CancellationToken,
    server: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

impl Rig {
    async fn of(inbox: Arc<Scripted>) -> Self {
        let intake = Intake::new(inbox.clone(), Limits::default());
        let one = Arc::new(OneClient);
        let app = token::router(intake.clone(), one.clone(), &["/token", "/lgsp/token"])
            .merge(lgsp::router(intake.clone(), one.clone(), None))
            .merge(dvcqg::router(intake, one.clone(), one));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let limits = ServerLimits { stop_timeout: PATIENCE, ..ServerLimits::default() };
        let server = tokio::spawn(serve((listener, None), app, limits, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.timeout(PATIENCE).build().unwrap();
        Self { inbox, address, client, stop, server: Mutex::new(Some(server)) }
    }

    async fn start() -> Self {
        Self::of(Scripted::new([])).await
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("http://{}{path}", self.address))
    }

    async fn stopped(&self) {
        self.stop.cancel();
        if let Some(server) = self.server.lock().await.take() {
            timeout(PATIENCE, server).await.unwrap().unwrap().unwrap();
        }
    }
}

async fn json_of(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

/// A verdict of the inbox, told by both dialects: HTTP's status, what LGSP's answer says, and the
/// `error_code` of DVCQG's.
const VERDICTS: &[(Outcome, Option<Outcome>, u16, u16, &str)] = &[
    (Outcome::Stored, None, 200, 200, "0"),
    (Outcome::Duplicate, Some(Outcome::Stored), 200, 200, "0"),
    (Outcome::Partial, None, 200, 200, "1"),
    (Outcome::Duplicate, Some(Outcome::Partial), 200, 200, "1"),
    (Outcome::Refused, None, 422, 200, "1"),
    (Outcome::Duplicate, Some(Outcome::Refused), 422, 200, "1"),
    (Outcome::Conflict, None, 409, 200, "1"),
    (Outcome::Duplicate, Some(Outcome::Conflict), 409, 200, "1"),
];

#[tokio::test]
async fn every_verdict_is_told_in_the_words_of_each_dialect() {
    for (outcome, first, lgsp, dvcqg, error_code) in VERDICTS {
        let receipt = receipt("m-1", *outcome, *first);
        let rig = Rig::of(Scripted::new([Ok(receipt.clone()), Ok(receipt.clone())])).await;
        let request = rig.post("/lgsp/Document/SyncDocument").bearer_auth("right");
        let answer = request.body("{}").send().await.unwrap();
        let outcome_told = answer.headers()["lienthong-outcome"].clone();
        assert_eq!(outcome_told, outcome.as_str());
        assert_eq!(answer.headers()["lienthong-refused"], receipt.refused.to_string());
        let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["Status"]), (*lgsp, &json!(lgsp)), "{outcome:?} {first:?}");
        let message = body["Message"].as_str().unwrap();
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        let refusal = &receipt.refusals.first().map(|refusal| refusal.problems[0].clone());
        if let Some(problem) = refusal {
            assert!(message.contains(&problem.code), "{message}");
            assert!(message.contains(&problem.detail.vi), "{message}");
        }
        let call = r#"{"session":"right","service":"DongBoHoSoMC","data":[]}"#;
        let (status, body) = json_of(rig.post("/dvcqg/service").body(call)).await;
        assert_eq!((status, &body["error_code"]), (*dvcqg, &json!(error_code)));
        let said = body["message"].as_str().unwrap().contains("thành công");
        assert_eq!(said, *error_code == "0", "{body}");
        rig.stopped().await;
    }
}

#[tokio::test]
async fn later_is_503_in_both_and_says_when() {
    let later = || Err(Later { reason: "the store is full".to_owned(), retry_after_seconds: 7 });
    let rig = Rig::of(Scripted::new([later(), later()])).await;
    let call = r#"{"session":"right","service":"DongBoHoSoMC","data":[]}"#;
    for request in [
        rig.post("/lgsp/Document/SyncDocument").bearer_auth("right").body("{}"),
        rig.post("/dvcqg/service").body(call),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "7");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert!(body["Status"] == 503 || body["error_code"] == "-5", "{body}");
    }
}

#[tokio::test]
async fn a_document_arrives_untouched_and_a_call_without_its_session() {
    let rig = Rig::start().await;
    let text = "\u{feff}{\"Ho so\":\"Hồ sơ\\u0110\",\r\n\"n\":[1.50,{\"x\" : null}]}";
    let request = rig.post("/lgsp/Statistic/UpdateStatistic").bearer_auth("right");
    assert_eq!(json_of(request.body(text)).await.0, 200);
    let call = "{ \"session\" : \"right\", \"madonvi\":\"000.00.00.H19\",\
                \"service\":\"DongBoHoSoMC\", \"data\" : [1.50, {\"x\" : \"\\u0110\"}] }";
    assert_eq!(json_of(rig.post("/dvcqg/service").body(call)).await.1["error_code"], "0");
    let payloads: Vec<_> =
        rig.inbox.arrivals().into_iter().map(|(_, arrival)| arrival.payload).collect();
    assert_eq!(payloads[0], text.as_bytes());
    let kept = "{\"madonvi\":\"000.00.00.H19\",\"service\":\"DongBoHoSoMC\",\
                \"data\":[1.50, {\"x\" : \"\\u0110\"}]}";
    assert_eq!(payloads[1], kept.as_bytes());
}

#[tokio::test]
async fn a_space_at_the_end_of_an_address_is_overlooked() {
    let rig = Rig::start().await;
    let request = rig.post("/lgsp/Statistic/UpdateStatistic%20").bearer_auth("right");
    assert_eq!(json_of(request.body("{}")).await.0, 200);
}

#[tokio::test]
async fn a_token_is_given_for_forms_however_they_are_labelled_and_for_basic() {
    let rig = Rig::start().await;
    let form = "grant_type=client_credentials&client_id=so-xay-dung\
                &client_secret=b%C3%AD+m%E1%BA%ADt%26%3D%2B%25";
    let json = json!({
        "grant_type": "client_credentials",
        "client_id": "so-xay-dung",
        "client_secret": "bí mật&=+%",
    });
    let basic = rig.post("/token").header(
        "Authorization",
        // Each part form-encoded, then both in base64, as RFC 6749 has it.
        "Basic c28teGF5LWR1bmc6YiVDMyVBRCttJUUxJUJBJUFEdCUyNiUzRCUyQiUyNQ==",
    );
    for request in [
        rig.post("/token").header("Content-Type", "application/x-www-form-urlencoded").body(form),
        rig.post("/lgsp/token").header("Content-Type", "application/json").body(form),
        rig.post("/lgsp/token").body(json.to_string()),
        basic.body("grant_type=client_credentials"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let told = (&body["access_token"], &body["token_type"], &body["expires_in"]);
        assert_eq!(told, (&json!("right"), &json!("Bearer"), &json!(3600)));
    }
}

#[tokio::test]
async fn what_is_wrong_about_a_request_for_a_token_is_told_as_oauth_does() {
    let rig = Rig::start().await;
    let good = "grant_type=client_credentials&client_id=so-xay-dung&client_secret=x";
    let twice = format!("{good}&client_id=b");
    let long = format!("{good}{}", "a".repeat(20_000));
    for (form, status, error) in [
        ("", 400, "invalid_request"),
        ("client_id=a&client_secret=b", 400, "invalid_request"),
        ("grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        (&twice, 400, "invalid_request"),
        (good, 401, "invalid_client"),
        ("grant_type=client_credentials", 401, "invalid_client"),
        ("{\"grant_type\":", 400, "invalid_request"),
    ] {
        let (told, body) = json_of(rig.post("/token").body(form.to_owned())).await;
        assert_eq!((told, &body["error"]), (status, &json!(error)), "{form}");
    }
    let (status, body) = json_of(rig.post("/token").body(long)).await;
    assert_eq!((status, &body["code"]), (413, &json!("payload-too-large")));
}

#[tokio::test]
async fn sessions_are_had_by_name_and_password_and_asked_for_again_when_they_end() {
    let rig = Rig::start().await;
    let login = |password: &str| {
        let asked = json!({ "username": "so-xay-dung", "password": password });
        rig.post("/dvcqg/login").header("dstcode", "VN:GOV:000").body(asked.to_string())
    };
    let (status, told) = json_of(login("bí mật&=+%")).await;
    assert_eq!(
        (status, &told["session"], &told["error_code"]),
        (200, &json!("right"), &json!("0"))
    );
    let (status, told) = json_of(login("sai")).await;
    assert_eq!((status, &told["session"], &told["error_code"]), (200, &json!(""), &json!("-1")));
    let call = |session: &str, service: &str| {
        let asked = json!({ "session": session, "service": service, "data": [] });
        rig.post("/dvcqg/service").body(asked.to_string())
    };
    for (session, service, error_code) in [
        ("", "DongBoHoSoMC", "-1"),
        ("ended", "DongBoHoSoMC", "-1"),
        ("right", "CapNhatTienDoHoSoMC", "-2"),
        ("right", "KhongCo", "-4"),
        ("right", "DongBoHoSoMC", "0"),
    ] {
        let (status, told) = json_of(call(session, service)).await;
        assert_eq!((status, &told["error_code"]), (200, &json!(error_code)), "{session} {service}");
    }
    for body in ["", "[]", "{\"session\":", "{\"session\":\"a\",\"session\":\"right\"}", "{}{}"] {
        let (_, told) = json_of(rig.post("/dvcqg/service").body(body)).await;
        assert_eq!(told["error_code"], "-4", "{body}");
    }
    assert_eq!(rig.inbox.arrivals().len(), 1);
}

#[tokio::test]
async fn who_is_not_known_is_told_so_in_the_dialects_form() {
    let rig = Rig::start().await;
    let sync = |key: &str| rig.post("/lgsp/Document/SyncDocument").bearer_auth(key).body("{}");
    let (status, told) = json_of(sync("wrong")).await;
    assert_eq!((status, &told["Status"]), (401, &json!(401)));
    let vote = rig.post("/lgsp/Vote/UpdateVote").bearer_auth("right").body("{}");
    let (status, told) = json_of(vote).await;
    assert_eq!((status, &told["Status"]), (403, &json!(403)));
    assert!(told["Message"].as_str().unwrap().contains("forbidden"));
    assert!(rig.inbox.arrivals().is_empty());
}
