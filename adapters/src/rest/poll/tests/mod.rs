//! Polls of a server that answers as tests want it to.

mod faults;
mod pages;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode},
};
use tokio::net::TcpListener;

use super::{Limits, Listed, Paging, RestPoll, Settings};
use crate::{
    reach::Reach,
    reading::fixture::Desk,
    suite::{Scripted, Sender, Told, conforms},
};

/// What was asked: path with query, and some headers.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) uri: String,
    pub(super) authorization: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) key: Option<String>,
}

type Answer = Response<Body>;
type Say = Box<dyn FnMut(&Asked) -> Answer + Send>;

/// A server whose answers a test decides.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    say: Arc<Mutex<Say>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

pub(super) fn page(body: impl Into<Body>) -> Answer {
    Response::new(body.into())
}

pub(super) fn status(code: u16) -> Answer {
    let mut answer = page("");
    *answer.status_mut() = StatusCode::from_u16(code).unwrap();
    answer
}

pub(super) fn with(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    answer.headers_mut().insert(name, value.parse().unwrap());
    answer
}

async fn serve(State(server): State<Server>, request: Request) -> Answer {
    let header = |name: &str| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
    let asked = Asked {
        uri: request.uri().to_string(),
        authorization: header("authorization"),
        etag: header("if-none-match"),
        key: header("x-api-key"),
    };
    server.asked.lock().unwrap().push(asked.clone());
    (server.say.lock().unwrap())(&asked)
}

impl Server {
    pub(super) async fn start(say: impl FnMut(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let say: Say = Box::new(say);
        let server = Self { address, say: Arc::new(Mutex::new(say)), asked: Arc::default() };
        let app = axum::Router::new().fallback(serve).with_state(server.clone());
        let limits = crate::rest::server::ServerLimits::default();
        let stop = tokio_util::sync::CancellationToken::new();
        tokio::spawn(crate::rest::server::serve((listener, None), app, limits, stop));
        server
    }

    /// A server that gives these answers one after the other, then empty lists.
    pub(super) async fn of(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        Self::start(move |_| answers.pop_front().unwrap_or_else(|| page("[]"))).await
    }

    pub(super) fn says(&self, say: impl FnMut(&Asked) -> Answer + Send + 'static) {
        *self.say.lock().unwrap() = Box::new(say);
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn uris(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.uri).collect()
    }

    /// Settings for an address on it.
    pub(super) fn settings(&self, path: &str) -> Settings {
        Settings {
            url: format!("http://{}{path}", self.address).parse().unwrap(),
            since: None,
            overlap: 60,
            listed: None,
            paging: Paging::Whole,
            credentials: Default::default(),
            limits: Limits { answer_max: Duration::from_secs(5), ..Limits::default() },
        }
    }
}

pub(super) fn listed() -> Option<Listed> {
    let path = |text: &str| text.parse().unwrap();
    Some(Listed { items: path(""), key: vec![path("ma")], watermark: Some(path("sua")) })
}

pub(super) fn loopback() -> Arc<Reach> {
    Arc::new(Reach { private: vec!["127.0.0.1".parse().unwrap()] })
}

pub(super) fn desk(settings: Settings) -> Desk {
    Desk::new(RestPoll::new(settings, loopback()).unwrap(), Scripted::new([]))
}

struct Agency {
    desk: Desk,
    server: Server,
}

impl Sender for Agency {
    async fn start(inbox: Arc<Scripted>) -> Self {
        let server = Server::of([]).await;
        let reader = RestPoll::new(server.settings("/ho-so"), loopback()).unwrap();
        Self { desk: Desk::new(reader, inbox), server }
    }

    async fn send(&self, key: &str, payload: &[u8]) -> Told {
        let payload = payload.to_vec();
        self.server.says(move |_| page(payload.clone()));
        self.desk.told(key).await
    }

    async fn stop(&self) {
        self.desk.stopped().await;
    }
}

conforms!(Agency);
