//! A browser that follows changes while the hub is stopped and started.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Place, Running, browser_program, serve_page};
use crate::{
    harness::{Folder, Hub, Sender, free_port},
    lienthong::binary,
};

/// How long a hub may take to answer again.
const START_MAX: Duration = Duration::from_secs(20);

/// A hub at the address that it had before; killed when the test leaves it.
struct Again(Child);

impl Again {
    async fn start(folder: &Folder, url: &str) -> Self {
        let mut command = Command::new(binary());
        command.arg("serve").arg("--config").arg(folder.path().join("hub.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = Self(command.current_dir(folder.path()).spawn().unwrap());
        let began = Instant::now();
        while reqwest::get(format!("{url}/healthz")).await.is_err() {
            assert!(began.elapsed() < START_MAX, "the hub does not come again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn tell(sender: &Sender, numbers: std::ops::Range<u32>) {
    let id = format!("{numbers:?}");
    let record = |number: u32| {
        json!({ "ma": format!("E-{number}"), "phienBan": "1", "ngayNhan": "04/03/2024",
                "trangThai": "MOI", "nguoiNop": "Lâm Thị Mẫu" })
    };
    let lines: String = numbers.map(|number| format!("{}\n", record(number))).collect();
    let (status, told) = sender.push("so-gui.ho-so", Some(&id), lines.as_bytes()).await.unwrap();
    assert_eq!((status, &told["outcome"]), (200, &json!("stored")), "{told}");
}

/// The next events, with their ids; whatever else is printed between them is passed over.
fn events(page: &mut Running, count: usize) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    while all.len() < count {
        let line = page.line();
        assert_ne!(line, "lost", "after {} of {count}", all.len());
        if let Some((id, data)) = line.split_once(' ') {
            all.push((id.to_owned(), serde_json::from_str(data).unwrap()));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_browsers_own_eventsource_goes_on_where_it_was_when_the_hub_comes_again() {
    let place = Place::new("portal-follow");
    let folder = Folder::of("portal-follow-hub", &["tests/corpus/delivery"]);
    let (agency, portal) = (folder.key("agency:so-gui"), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&agency);
    let key = place.0.join("portal.key");
    fs::write(&key, &portal).unwrap();
    let port = free_port();
    let _server = serve_page(&hub.url, &key, port).await;
    let mut page = browser_program(&["follow.mjs", &format!("http://127.0.0.1:{port}/")]);
    assert_eq!(page.line(), "open");
    tell(&sender, 0..20).await;
    let mut all = events(&mut page, 20);
    let url = hub.url.clone();
    hub.stop();
    let _hub = Again::start(&folder, &url).await;
    // Told before the browser is there again: it comes after two seconds.
    tell(&sender, 20..40).await;
    all.extend(events(&mut page, 20));
    page.ends();
    let ids: BTreeSet<&String> = all.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 40, "some came twice: {all:?}");
    // Where it goes on are the hub's own cursors: the last one leads to the end.
    let (last, _) = all.last().unwrap();
    let path = format!("/v1/feeds/dossiers?after={last}");
    assert_eq!(sender.found(&path).await, json!([]));
    // Everybody sees where something changed, and nobody sees whose it is.
    assert!(all.iter().all(|(_, data)| *data == json!({ "agency": "so-gui", "status": 2 })));
    let told = browser_refused(port).await;
    assert_eq!(told, [404, 404, 404, 404, 422, 422, 200, 415, 413]);
    // Nor is it in the ids that the browser sends back.
    let hex: String = "so-gui".bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(all.iter().all(|(id, _)| !id.is_empty() && !id.contains(&hex)), "{all:?}");
}

/// What the page's server answers to what no page of its own asks.
async fn browser_refused(port: u16) -> [u16; 9] {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let get = async |path: &str| {
        client.get(format!("{url}{path}")).send().await.unwrap().status().as_u16()
    };
    let post = async |kind: &str, body: String| {
        let request = client.post(format!("{url}/api/lookups")).header("content-type", kind);
        request.body(body).send().await.unwrap().status().as_u16()
    };
    [
        get("/api/dossiers/E-1").await,
        get("/api/feeds/dossiers").await,
        get("/%2e%2e/server.py").await,
        get("/api/procedures/..%2f..%2fv1%2ffeeds/x").await,
        // Who chose any days would subtract one period from another.
        get("/api/on-time?from=2024-03-01&to=2024-03-04").await,
        get("/api/on-time").await,
        get("/api/on-time?from=2024-01-01&to=2024-12-31").await,
        post("text/plain", "{\"code\": \"E-1\", \"secret\": \"1\"}".to_owned()).await,
        post("application/json", " ".repeat(70_000)).await,
    ]
}
