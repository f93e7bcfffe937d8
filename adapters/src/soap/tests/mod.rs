//! Over real sockets: envelopes as agencies' systems write them, and as nobody should.

mod credentials;
mod hostile;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use contracts::problem::{Bilingual, Place};
use contracts::{Outcome, Problem, Receipt, Refusal};
use quick_xml::events::Event;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::block::{Block, Markup};
use super::envelope::Version;
use super::security::{Proof, UserToken, WSSE, WSU};
use super::words::{ADDRESSING, RECEIPT};
use super::{Gate, Service, router};
use crate::rest::intake::{Intake, Limits};
use crate::rest::push::Denied;
use crate::rest::server::{ServerLimits, serve};
use crate::suite::{CHANNEL, PATIENCE, Scripted, Sender, Told};

/// The namespace of what the tests send.
const OWN: &str = "urn:x";

/// One user, who knows one password, for one channel.
struct OneUser;

impl Gate for OneUser {
    fn service(&self, channel: &str) -> Option<Service> {
        (channel == CHANNEL).then(|| Service {
            channel: CHANNEL.to_owned(),
            operation: "Nop".to_owned(),
            namespace: OWN.to_owned(),
            about: "Sở Xây dựng & hồ sơ".to_owned(),
        })
    }

    fn admit(&self, channel: &str, authorization: &str) -> Result<(), Denied> {
        match authorization {
            "Bearer right" if channel == CHANNEL => Ok(()),
            "Bearer right" => Err(Denied::Forbidden),
            _ => Err(Denied::Unauthenticated),
        }
    }

    fn admit_user(&self, channel: &str, token: &UserToken) -> Result<(), Denied> {
        let right = match &token.proof {
            Proof::Text(text) => text == "right",
            // What a digest is made of is the hub's affair; here it is its own password.
            Proof::Digest { digest, .. } => digest == b"right",
        };
        match right && token.username == "so-xay-dung" {
            true if channel == CHANNEL => Ok(()),
            true => Err(Denied::Forbidden),
            false => Err(Denied::Unauthenticated),
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

impl Rig {
    async fn of(inbox: Arc<Scripted>) -> Self {
        let limits = Limits { payload_bytes_max: 4 << 20, ..Limits::default() };
        let app: Router = router(Intake::new(inbox.clone(), limits), Arc::new(OneUser));
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

    async fn post(
        &self,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Result<(u16, String), reqwest::Error> {
        let url = format!("http://{}/soap/{CHANNEL}", self.address);
        let request = self.client.post(url).header("Content-Type", content_type).body(body);
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Sends an envelope as it is; the answer's status and its Body.
    async fn call(&self, version: Version, envelope: impl Into<String>) -> (u16, Block) {
        let answer = self.post(version.media_type(), envelope.into()).await;
        let (status, text) = answer.unwrap();
        (status, body(&text))
    }
}

/// The tree of a document.
fn tree(text: &str) -> Block {
    let mut markup = Markup::new(text);
    loop {
        match markup.next().unwrap() {
            Event::Start(tag) => return markup.block(&tag, false).unwrap(),
            Event::Text(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The element in the Body of an answer.
fn body(text: &str) -> Block {
    let envelope = tree(text);
    let body = envelope.children.into_iter().find(|child| child.name.local == "Body").unwrap();
    assert_eq!(body.children.len(), 1, "{text}");
    body.children.into_iter().next().unwrap()
}

/// The first element of a name, at any depth.
fn find<'b>(block: &'b Block, local: &str) -> Option<&'b Block> {
    if block.name.local == local {
        return Some(block);
    }
    block.children.iter().find_map(|child| find(child, local))
}

fn text<'b>(block: &'b Block, local: &str) -> &'b str {
    find(block, local).map_or("", |found| found.text.as_str())
}

/// A UsernameToken with the password itself.
fn token(username: &str, password: &str) -> String {
    format!(
        "<wsse:Security xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\"><wsse:UsernameToken>\
         <wsse:Username>{username}</wsse:Username><wsse:Password>{password}</wsse:Password>\
         </wsse:UsernameToken></wsse:Security>"
    )
}

/// An envelope with header blocks around a body.
fn envelope(version: Version, headers: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{}\"><s:Header>{headers}</s:Header><s:Body>{body}</s:Body>\
         </s:Envelope>",
        version.namespace()
    )
}

/// An envelope of one who is let in.
fn good(version: Version, body: &str) -> String {
    envelope(version, &token("so-xay-dung", "right"), body)
}

/// The receipt in an answer, read back whole.
fn receipt(block: &Block) -> Receipt {
    let receipt = find(block, "Receipt").unwrap();
    assert_eq!(receipt.name.namespace, RECEIPT);
    let own = |parent: &Block, name: &str| -> Option<String> {
        parent.only(RECEIPT, name).unwrap().map(|child| child.text.clone())
    };
    let number = |parent: &Block, name: &str| own(parent, name).map(|text| text.parse().unwrap());
    let outcome = |name: &str| own(receipt, name).map(|text| Outcome::from_name(&text).unwrap());
    let problem = |fault: &Block| Problem {
        code: own(fault, "Code").unwrap(),
        pointer: own(fault, "Pointer").unwrap_or_default(),
        place: Place {
            line: number(fault, "Line"),
            column: number(fault, "Column"),
            path: own(fault, "Path"),
            record: number(fault, "Record"),
        },
        rule: own(fault, "Rule").unwrap_or_default(),
        value: own(fault, "Value"),
        detail: Bilingual {
            vi: own(fault, "Detail").unwrap(),
            en: own(fault, "DetailEn").unwrap(),
        },
        advice: Bilingual {
            vi: own(fault, "Advice").unwrap(),
            en: own(fault, "AdviceEn").unwrap(),
        },
    };
    let refusals = receipt.children.iter().filter(|child| child.name.local == "Refusal");
    let refusal = |refusal: &Block| Refusal {
        record: number(refusal, "Record"),
        problems: refusal
            .children
            .iter()
            .filter(|child| child.name.local == "Fault")
            .map(problem)
            .collect(),
    };
    Receipt {
        source: own(receipt, "Source").unwrap(),
        id: own(receipt, "Id").unwrap(),
        outcome: outcome("Outcome").unwrap(),
        first: outcome("First"),
        recorded_at: own(receipt, "RecordedAt").unwrap().parse().unwrap(),
        records: own(receipt, "Records").unwrap().parse().unwrap(),
        refused: own(receipt, "Refused").unwrap().parse().unwrap(),
        refusals: refusals.map(refusal).collect(),
        erased: None,
    }
}

/// What a fault's answer says, after checking what all have in common.
fn told_by(version: Version, status: u16, body: &Block) -> Told {
    if status == 200 {
        assert!(body.name.is(OWN, "NopResponse"), "{body:?}");
        return Told::Taken(receipt(body));
    }
    assert!(body.name.is(version.namespace(), "Fault"), "{status} {body:?}");
    let problem = find(body, "Problem").unwrap();
    for name in ["Title", "TitleEn", "Advice", "AdviceEn"] {
        assert!(!text(problem, name).is_empty(), "{name}");
    }
    let (faulted, sender) = match version {
        Version::V11 => (text(body, "faultcode"), "soap:Client"),
        Version::V12 => (text(find(body, "Code").unwrap(), "Value"), "soap:Sender"),
    };
    match text(problem, "Code") {
        "later" => {
            assert_ne!(faulted, sender);
            Told::Later(text(problem, "RetryAfterSeconds").parse().unwrap())
        }
        "conflict" if faulted == sender => Told::Conflict(receipt(body)),
        "refused" if faulted == sender => Told::Refused(receipt(body)),
        other => panic!("{other} {faulted}"),
    }
}

/// An agency whose system speaks one version.
struct Agency(Rig, Version);

impl Agency {
    async fn tell(&self, key: &str, payload: &[u8]) -> Told {
        let version = self.1;
        let id = format!("<a:MessageID xmlns:a=\"{ADDRESSING}\">{key}</a:MessageID>");
        let headers = token("so-xay-dung", "right") + &id;
        let envelope = envelope(version, &headers, std::str::from_utf8(payload).unwrap());
        match self.0.post(version.media_type(), envelope).await {
            Ok((status, text)) => told_by(version, status, &body(&text)),
            Err(_) => Told::Nothing,
        }
    }

    async fn stopped(&self) {
        self.0.stop.cancel();
        if let Some(server) = self.0.server.lock().await.take() {
            timeout(PATIENCE, server).await.unwrap().unwrap().unwrap();
        }
    }
}

/// Elements whose bytes could be written otherwise and mean the same.
fn elements() -> Vec<Vec<u8>> {
    let long = format!("<x:Nop xmlns:x='{OWN}'>{}</x:Nop>", "Hồ sơ\r\n".repeat(20_000));
    [
        format!("<Nop xmlns=\"{OWN}\"/>"),
        format!("<Nop   xmlns='{OWN}' ><!-- --><a b='\"'>&#13;&amp;<![CDATA[<]]></a>\r\n</Nop >"),
        long,
    ]
    .map(String::into_bytes)
    .into()
}

macro_rules! agency {
    ($module:ident $version:expr) => {
        mod $module {
            use super::*;
            use crate::suite::conforms;

            struct Speaker(Agency);

            impl Sender for Speaker {
                const PAYLOAD: &'static [u8] = b"<Nop xmlns=\"urn:x\">payload</Nop>";

                fn payloads() -> Vec<Vec<u8>> {
                    elements()
                }

                async fn start(inbox: Arc<Scripted>) -> Self {
                    Self(Agency(Rig::of(inbox).await, $version))
                }

                async fn send(&self, key: &str, payload: &[u8]) -> Told {
                    self.0.tell(key, payload).await
                }

                async fn stop(&self) {
                    self.0.stopped().await;
                }
            }

            conforms!(Speaker);
        }
    };
}

agency!(soap_1_1 Version::V11);
agency!(soap_1_2 Version::V12);
