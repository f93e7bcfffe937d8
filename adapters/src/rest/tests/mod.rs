//! Over real sockets: a client library for what is well-formed, raw bytes for what is not.

mod bodies;
mod connections;
mod packed;
mod requests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use contracts::Receipt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::intake::{Intake, Limits};
use super::push::{self, Denied, Door};
use super::server::{ServerLimits, serve};
use crate::inbound::Inbox;
use crate::suite::{CHANNEL, PATIENCE, Scripted, Sender, Told, conforms};

/// A timeout to be waited for in a test.
const SHORT: Duration = Duration::from_millis(300);

const AUTHORIZED: &str = "Authorization: Bearer right\r\n";

/// One key, for one channel.
struct OneKey;

impl Door for OneKey {
    fn admit(&self, channel: &str, authorization: Option<&str>) -> Result<(), Denied> {
        match authorization {
            Some("Bearer right") if channel == CHANNEL => Ok(()),
            Some("Bearer right") => Err(Denied::Forbidden),
            _ => Err(Denied::Unauthenticated),
        }
    }
}

/// A server on a port of its own, its inbox, and a client.
struct Rig {
    inbox: Arc<Scripted>,
    address: SocketAddr,
    client: reqwest::Client,
    stop: CancellationToken,
    server: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

/// The timeout under test is shortened where it is tested, or a busy machine would fail others.
fn server_limits() -> ServerLimits {
    ServerLimits { linger: SHORT, stop_timeout: PATIENCE, ..ServerLimits::default() }
}

fn router(inbox: Arc<dyn Inbox>, door: Arc<dyn Door>, limits: Limits) -> Router {
    push::router(Intake::new(inbox, limits), door, &[])
}

fn small_limits() -> Limits {
    Limits { payload_bytes_max: 4 << 20, payloads_bytes_max: 16 << 20, ..Limits::default() }
}

impl Rig {
    async fn start(limits: Limits, server_limits: ServerLimits) -> Self {
        let inbox = Scripted::new([]);
        let app = router(inbox.clone(), Arc::new(OneKey), limits);
        Self::serving(inbox, app, server_limits).await
    }

    async fn small() -> Self {
        Self::start(small_limits(), server_limits()).await
    }

    async fn serving(inbox: Arc<Scripted>, app: Router, limits: ServerLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve((listener, None), app, limits, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.timeout(PATIENCE).build().unwrap();
        Self { inbox, address, client, stop, server: Mutex::new(Some(server)) }
    }

    async fn stopped(&self) {
        self.stop.cancel();
        if let Some(server) = self.server.lock().await.take() {
            timeout(PATIENCE, server).await.unwrap().unwrap().unwrap();
        }
    }

    fn post_to(&self, channel: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("http://{}/v1/channels/{channel}/messages", self.address))
    }

    /// An authorized request.
    fn post(&self) -> reqwest::RequestBuilder {
        self.post_to(CHANNEL).bearer_auth("right")
    }

    /// The start of an authorized request, up to and without the empty line.
    fn head(&self, headers: &str) -> String {
        format!("{}{AUTHORIZED}{headers}", request_line())
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends raw bytes and reads to the end of the connection.
    async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        to_end(&mut stream).await
    }

    /// Whatever was sent before, good requests are taken and nothing else has arrived.
    async fn takes_two_good_ones(&self) {
        for key in ["good-1", "good-2"] {
            let answer = self.post().header("Idempotency-Key", key).body("ok").send().await;
            assert_eq!(answer.unwrap().status(), 200);
        }
        let arrivals = self.inbox.arrivals();
        let good = arrivals.iter().filter(|(_, arrival)| arrival.fault.is_none());
        let keys: Vec<_> = good.map(|(_, arrival)| arrival.key.as_deref()).collect();
        assert_eq!(keys, [Some("good-1"), Some("good-2")]);
    }

    /// The rules by which messages were handed over as refused, with what was kept of each.
    fn refused(&self) -> Vec<(String, Vec<u8>)> {
        let arrivals = self.inbox.arrivals().into_iter();
        let faulty = arrivals.filter_map(|(_, one)| Some((one.fault?.rule, one.payload.to_vec())));
        faulty.collect()
    }
}

fn request_line() -> String {
    format!("POST /v1/channels/{CHANNEL}/messages HTTP/1.1\r\nHost: hub\r\n")
}

/// Reads until the other side closes; a reset counts as its end.
async fn to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("never closed");
    String::from_utf8(bytes).unwrap()
}

/// The problem in an answer, after checking what all have in common.
async fn problem(answer: reqwest::Response) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], status);
    let code = problem["code"].as_str().unwrap();
    assert_eq!(problem["type"], format!("urn:problem-type:lienthong:{code}"));
    for text in ["title", "title_en", "advice", "advice_en"] {
        assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{text}");
    }
    problem
}

struct Agency(Rig);

impl Sender for Agency {
    async fn start(inbox: Arc<Scripted>) -> Self {
        let app = router(inbox.clone(), Arc::new(OneKey), small_limits());
        Self(Rig::serving(inbox, app, server_limits()).await)
    }

    async fn send(&self, key: &str, payload: &[u8]) -> Told {
        let request = self.0.post().header("Idempotency-Key", key).body(payload.to_vec());
        let Ok(answer) = request.send().await else { return Told::Nothing };
        let receipt = |problem: Value| -> Receipt {
            serde_json::from_value(problem["receipt"].clone()).unwrap()
        };
        match answer.status().as_u16() {
            200 => Told::Taken(answer.json().await.unwrap()),
            409 => Told::Conflict(receipt(problem(answer).await)),
            422 => Told::Refused(receipt(problem(answer).await)),
            503 => {
                let seconds = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                assert_eq!(problem(answer).await["code"], "later");
                Told::Later(seconds)
            }
            status => panic!("status {status}"),
        }
    }

    async fn stop(&self) {
        self.0.stopped().await;
    }
}

conforms!(Agency);
