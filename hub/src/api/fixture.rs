//! A hub in a folder of its own, with the real mappings and samples, for tests.

use std::{fs, path::PathBuf, sync::Arc};

use adapters::{Arrival, Inbox};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION},
};
use contracts::{Contracts, Receipt};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Api, Exports, Means, Streams};
use crate::{
    auth::{Keys, Principal, new_key},
    catalog::{Catalog, gazetteer},
    catalogue::Held,
    feeds::Live,
    journal::commitment::Salt,
    journey::Journey,
    lasting::Lasting,
    operations::Operations,
    store::{Store, sqlite::SqliteStore},
    telemetry::Telemetry,
};

pub(crate) const BIEN_HOA: &str = "ubnd-bien-hoa";
pub(crate) const TRANSPORT: &str = "so-giao-thong-van-tai";

/// A hub that stores into a folder of its own.
pub(crate) struct Bench {
    folder: PathBuf,
    journey: Journey,
    pub(crate) api: Api,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
pub(crate) fn file(path: &str) -> Vec<u8> {
    fs::read(root().join(path)).unwrap()
}

/// One answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }
}

/// Sends one request to a router.
pub(crate) async fn send(app: &Router, request: Request<Body>) -> Reply {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Reply { status: parts.status, headers: parts.headers, text }
}

impl Bench {
    /// An empty hub.
    pub(crate) fn empty() -> Self {
        let name: String =
            Salt::random().unwrap().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = std::env::temp_dir().join(format!("lienthong-{name}"));
        fs::create_dir_all(&folder).unwrap();
        let contracts = Contracts::builtin().unwrap();
        let catalog = Catalog::load(&root().join("mappings/agencies"), &contracts).unwrap();
        let store = SqliteStore::open(folder.join("hub.db")).unwrap();
        let (catalog, store): (_, Arc<dyn Store>) = (Arc::new(catalog), Arc::new(store));
        let (gazetteer, appended) = (Arc::new(gazetteer().unwrap()), Arc::new(Notify::new()));
        let telemetry = Telemetry::shared();
        let lasting = Lasting::new(telemetry.clone(), CancellationToken::new());
        let journey = Journey::start(
            catalog.clone(),
            Arc::new(contracts),
            gazetteer,
            store.clone(),
            (Arc::default(), appended.clone(), &lasting),
            Held::default(),
        );
        let operations = Operations {
            catalog,
            published: Held::default(),
            store,
            drop_folders: Default::default(),
            drift: Default::default(),
            answers: Default::default(),
            recognised: Default::default(),
            written_reports: Default::default(),
            scans: Default::default(),
            few: 0,
            bus: Default::default(),
            configuration: Default::default(),
            webhooks: Default::default(),
            links: Default::default(),
        };
        let (keys, streams) = (Keys::default(), Streams::default());
        let live = Live::start(operations.clone(), appended, lasting);
        Self {
            folder,
            journey,
            api: Api::from(Means {
                operations,
                live,
                streams,
                keys,
                proxies: Default::default(),
                lookups: Default::default(),
                exports: Exports::default(),
                telemetry,
                attachments: None,
            }),
        }
    }

    /// A hub that has taken the samples of four agencies.
    pub(crate) async fn full() -> Self {
        let bench = Self::empty();
        for number in 1..=5 {
            let path = format!("mappings/agencies/{BIEN_HOA}/fixtures/ho-so/m-000{number}.in.json");
            bench.push(BIEN_HOA, &format!("m-{number}"), file(&path)).await;
        }
        for (agency, name) in [
            ("so-tai-nguyen-moi-truong", "HOSO_201309.csv"),
            ("so-ke-hoach-dau-tu", "LayDanhSachHoSo.soap.xml"),
            (TRANSPORT, "hoso_trang1.json"),
            (TRANSPORT, "hoso_trang2.json"),
        ] {
            bench.push(agency, name, file(&format!("tests/corpus/samples/{name}"))).await;
        }
        bench
    }

    /// Sends a message to an agency's one channel.
    pub(crate) async fn push(&self, agency: &str, id: &str, payload: Vec<u8>) -> Receipt {
        let (payload, key) = (payload.into(), Some(id.to_owned()));
        let arrival = Arrival { payload, key, ..Arrival::default() };
        self.journey.accept(&format!("{agency}.ho-so"), arrival).await.unwrap()
    }

    /// The `Authorization` of a new key.
    pub(crate) async fn bearer(&self, who: Principal) -> String {
        let (key, shown) = new_key(&who).unwrap();
        let store = &self.api.operations.store;
        store.add_key(key).await.unwrap();
        self.api.keys.refresh(&**store).await.unwrap();
        format!("Bearer {shown}")
    }

    /// The `Authorization` of an agency.
    pub(crate) async fn agency(&self, id: &str) -> String {
        self.bearer(Principal::Agency(id.to_owned())).await
    }

    /// Asks with a key.
    pub(crate) async fn get(&self, uri: &str, bearer: &str) -> Reply {
        let request = Request::get(uri).header(AUTHORIZATION, bearer);
        send(&super::router(self.api.clone()), request.body(Body::empty()).unwrap()).await
    }
}
