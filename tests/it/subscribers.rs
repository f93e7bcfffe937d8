//! The examples of `examples/subscribers`: killed and started again, each has every event once, in
//! order, over a hub and a RabbitMQ as they are.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    bus::publishing,
    harness::{Folder, Hub, Sender, free_port},
    lienthong::root,
    polls::foreign::Broker,
};

/// How long all of them may take to have what was told.
const WITHIN: Duration = Duration::from_secs(60);

/// Receivers on this machine, and short waits after they were away.
const LINES: &str = "private_networks = [\"127.0.0.1\"]\n[webhooks]\nwaits_seconds = [1]\n\
                     answer_seconds = 2\n";

/// One of the examples, and where it keeps what it got.
struct Subscriber {
    name: String,
    program: PathBuf,
    port: Option<u16>,
    environment: Vec<(&'static str, String)>,
    file: PathBuf,
    child: Option<Child>,
}

impl Subscriber {
    fn start(&mut self) {
        let is_python = self.program.extension().is_some_and(|one| one == "py");
        let mut command = Command::new(if is_python { "python3" } else { "node" });
        command.arg(&self.program).args(self.port.map(|port| port.to_string())).arg(&self.file);
        command.envs(self.environment.iter().cloned()).env("PYTHONDONTWRITEBYTECODE", "1");
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    fn log(&self) -> PathBuf {
        self.file.with_extension("log")
    }

    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The ids of what it has kept, in order; a line that is being written is none.
    fn kept(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
        let id = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["event"]["id"].as_str().unwrap().to_owned()
        };
        whole.lines().map(id).collect()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

async fn tell(sender: &Sender, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let record = json!({ "ma": format!("S-{number}"), "phienBan": "1", "trangThai": "MOI",
                             "ngayNhan": "04/03/2024", "nguoiNop": "Lâm Thị Mẫu" });
        let (id, bytes) = (number.to_string(), format!("{record}\n"));
        let told = sender.push("so-gui.ho-so", Some(&id), bytes.as_bytes()).await.unwrap();
        assert_eq!((told.0, &told.1["outcome"]), (200, &json!("stored")), "{}", told.1);
    }
}

/// Subscribes; the secret by which what comes is signed.
async fn secret(sender: &Sender, port: u16) -> String {
    let body = json!({ "url": format!("http://127.0.0.1:{port}/"), "feed": "records",
                       "after": "beginning" });
    let request = sender.client.post(format!("{}/v1/subscriptions", sender.url));
    let answer = request.bearer_auth(&sender.key).body(body.to_string()).send().await.unwrap();
    let told: Value = answer.json().await.unwrap();
    told["secret"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
}

/// The examples, laid out as somebody would who wants their libraries: those lie beside them.
async fn laid_out(place: &Path, sender: &Sender, broker: &Broker) -> Vec<Subscriber> {
    let packages = Command::new(root().join("tests/browser/run")).arg("packages").output().unwrap();
    let packages = String::from_utf8(packages.stdout).unwrap();
    let mut all = Vec::new();
    for (language, extension) in [("python", "py"), ("javascript", "mjs")] {
        let folder = place.join(language);
        fs::create_dir_all(&folder).unwrap();
        let source = root().join("examples/subscribers").join(language);
        for file in fs::read_dir(source).unwrap().flatten().filter(|one| one.path().is_file()) {
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
        if language == "javascript" {
            std::os::unix::fs::symlink(packages.trim(), folder.join("node_modules")).unwrap();
        }
        for way in ["pages", "stream", "webhook", "amqp"] {
            let port = (way == "webhook").then(free_port);
            let mut environment = vec![("HUB", sender.url.clone()), ("KEY", sender.key.clone())];
            match port {
                Some(port) => environment.push(("SECRET", secret(sender, port).await)),
                None => environment.push(("BROKER", broker.address.clone())),
            }
            let name = format!("{language}-{way}");
            let file = place.join(format!("{name}.events"));
            let program = folder.join(format!("{way}.{extension}"));
            all.push(Subscriber { name, program, port, environment, file, child: None });
        }
    }
    all
}

/// Waits until all have as many.
async fn have(all: &[Subscriber], count: usize) {
    let began = Instant::now();
    while let Some(one) = all.iter().find(|one| one.kept().len() < count) {
        let log = || fs::read_to_string(one.log()).unwrap_or_default();
        let has = one.kept().len();
        assert!(began.elapsed() < WITHIN, "{} has {has} of {count}: {}", one.name, log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_examples_in_two_languages_lose_and_double_nothing_when_they_are_killed() {
    let broker = Broker::start();
    let folder = Folder::of("subscribers", &["tests/corpus/delivery"]);
    let folder = publishing(folder, &broker).with_lines(LINES);
    let (agency, portal) = (folder.key("agency:so-gui"), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let (sender, portal) = (hub.sender(&agency), hub.sender(&portal));
    tell(&sender, 0..10).await;
    let mut all = laid_out(folder.path(), &portal, &broker).await;
    all.iter_mut().for_each(Subscriber::start);
    have(&all, 10).await;
    // Killed while something comes, and more comes while they are away.
    tokio::join!(tell(&sender, 10..30), async {
        for one in &mut all {
            one.kill();
            tokio::task::yield_now().await;
        }
    });
    // As if one had been killed in the midst of a line.
    for one in &all {
        let mut text = fs::read(&one.file).unwrap();
        text.extend_from_slice(b"{\"event\": {\"id\": \"");
        fs::write(&one.file, text).unwrap();
    }
    all.iter_mut().for_each(Subscriber::start);
    tell(&sender, 30..40).await;
    have(&all, 40).await;
    let feed = portal.feed("records", 100).await;
    let ids: Vec<&str> = feed.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 40);
    for one in &all {
        assert_eq!(one.kept(), ids, "{}", one.name);
    }
    // What somebody else sends to a receiver is nothing.
    for one in all.iter().filter(|one| one.port.is_some()) {
        let url = format!("http://127.0.0.1:{}/", one.port.unwrap());
        let now = jiff::Timestamp::now().as_second();
        let request = portal.client.post(url).body("{\"id\": \"forged\"}");
        let request = request.header("webhook-id", "forged").header("webhook-timestamp", now);
        let answer = request.header("webhook-signature", "v1,Zm9yZ2Vk").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401, "{}", one.name);
        assert_eq!(one.kept().len(), 40);
    }
    hub.stop();
}
