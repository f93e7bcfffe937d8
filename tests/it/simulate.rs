//! Agencies played for a rehearsal: those that send, and those that are read or sent something,
//! slow, failing, lying, in another order.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    demo::{Line, lines},
    harness::{Folder, Hub, Sender, free_port},
    lienthong::{binary, root, run, stderr, stdout},
    polls::foreign::Broker,
};

/// How long anything may take.
const WITHIN: Duration = Duration::from_secs(90);

/// A rehearsal under way, told to end when it is dropped.
struct Played(Child, std::path::PathBuf);

impl Drop for Played {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Played {
    fn new(folder: &Folder, name: &str, more: &[&str]) -> Self {
        let file = folder.path().join("played");
        let mut command = Command::new(binary());
        command.args(["agency", "simulate", name, "--pace", "20000", "--seed", "11"]);
        command.args(more).arg("--mappings").arg(folder.path().join("agencies"));
        command.stdin(Stdio::null()).stdout(fs::File::create(&file).unwrap());
        Self(command.spawn().unwrap(), file)
    }

    fn lines(&self) -> Vec<Line> {
        lines(&fs::read_to_string(&self.1).unwrap())
    }

    fn count(&self, outcome: &str) -> usize {
        self.lines().iter().filter(|line| line.outcome == outcome).count()
    }

    async fn until(&self, outcome: &str, count: usize) {
        let began = Instant::now();
        while self.count(outcome) < count {
            assert!(began.elapsed() < WITHIN, "{:?}", self.lines());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A hub of the demo's own agencies, whose systems are on a port.
fn rehearsal(name: &str, port: u16) -> Folder {
    let folder = Folder::of(name, &["examples/demo/agencies", "mappings/agencies"]);
    let file = folder.path().join("agencies/so-y-te/agency.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, text.replace("127.0.0.1:8090", &format!("127.0.0.1:{port}"))).unwrap();
    let secrets = folder.path().join("secrets.toml");
    let table = folder.path().join("table.db");
    fs::write(&secrets, format!("so-nong-nghiep-ptnt = \"sqlite:{}\"\n", table.display())).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    folder.with_lines(&configured(port))
}

/// What its configuration says beside: where everybody is who takes what is addressed to him.
fn configured(port: u16) -> String {
    let mut text = "secrets = \"secrets.toml\"\nprivate_networks = [\"127.0.0.1\"]\n".to_owned();
    for channel in [
        "ban-quan-ly-kcn.yeu-cau",
        "so-nong-nghiep-ptnt.yeu-cau",
        "so-y-te.nop-truc-tuyen",
        "so-y-te.tra-loi",
    ] {
        text.push_str(&endpoint(channel, port));
    }
    text
}

fn endpoint(channel: &str, port: u16) -> String {
    let place = channel.replacen('.', "/", 1);
    format!(
        "[endpoints.\"{channel}\"]\nurl = \"http://127.0.0.1:{port}/{place}\"\n\
         private = [\"127.0.0.1\"]\n"
    )
}

/// Waits until the hub knows so many dossiers of an agency.
async fn known(sender: &Sender, wanted: &[String]) {
    let began = Instant::now();
    loop {
        let mut missing = Vec::new();
        for code in wanted {
            let path = format!("/v1/dossiers/{code}");
            let asked = sender.client.get(format!("{}{path}", sender.url)).bearer_auth(&sender.key);
            if asked.send().await.unwrap().status() != 200 {
                missing.push(code);
            }
        }
        if missing.is_empty() {
            return;
        }
        assert!(began.elapsed() < WITHIN, "{missing:?} are missing");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn an_api_that_fails_lies_and_turns_its_pages_is_read_whole() {
    let port = free_port();
    let folder = rehearsal("simulated-api", port);
    let key = folder.key("agency:so-y-te");
    let hub = Hub::start(&folder).await;
    let address = format!("127.0.0.1:{port}");
    let conduct = ["--fail-percent", "20", "--lie-percent", "10", "--reorder-percent", "50"];
    let more = [&["--serve", &*address, "--messages", "40", "--slow-ms", "5"], &conduct[..]];
    let played = Played::new(&folder, "so-y-te", &more.concat());
    played.until("offered", 40).await;
    // What stands in the API, asked until it answers as it should.
    let url = format!("http://{address}/so-y-te/ho-so?trang=1");
    let began = Instant::now();
    let codes: Vec<String> = loop {
        let answer = reqwest::get(&url).await.unwrap().text().await.unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
        if let Some(items) = answer["duLieu"]["hoSo"].as_array() {
            // Those that are told wrongly are refused, whatever the order.
            let right = items.iter().filter(|item| {
                item["hinhThuc"] != "fax"
                    && item["nguoiNop"]["hoTen"] != ""
                    && item["ngayNhan"].as_str() < Some("2027-06")
            });
            break right.map(|item| item["maHoSo"].as_str().unwrap().to_owned()).collect();
        }
        assert!(began.elapsed() < WITHIN, "{answer}");
    };
    assert!(codes.len() > 10, "{codes:?}");
    known(&hub.sender(&key), &codes).await;
    hub.stop();
    folder.verify();
}

#[tokio::test]
async fn a_table_that_people_fill_is_read() {
    let folder = rehearsal("simulated-table", free_port());
    let key = folder.key("agency:so-nong-nghiep-ptnt");
    let file = folder.path().join("table.db").display().to_string();
    let more = ["--database", &*file, "--messages", "30", "--reorder-percent", "30"];
    let mut played = Played::new(&folder, "so-nong-nghiep-ptnt.ho-so", &more);
    assert_eq!(played.0.wait().unwrap().code(), Some(0), "it ends when all is written");
    assert_eq!(played.count("offered"), 30);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let began = Instant::now();
    loop {
        let poller = sender.found("/v1/pollers").await["pollers"][0].clone();
        if poller["succeeded_at"].is_string() {
            break;
        }
        assert!(began.elapsed() < WITHIN, "{poller}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let records = sender.feed("records", 1_000).await;
    assert!(records.len() > 10, "{}", records.len());
    hub.stop();
    folder.verify();
}

#[tokio::test]
async fn an_agency_that_is_sent_records_fails_refuses_and_takes() {
    let port = free_port();
    let mut folder = rehearsal("simulated-receiver", port);
    let routes = "[[route]]\ncontract = \"dossier/1\"\nfrom = \"so-noi-vu\"\n\
                  to = \"so-thong-tin-truyen-thong.ket-qua\"\n";
    fs::write(folder.path().join("routes.toml"), routes).unwrap();
    let sent = endpoint("so-thong-tin-truyen-thong.ket-qua", port);
    folder.configured_with(format!("routes = \"routes.toml\"\n{}{sent}", configured(port)));
    let address = format!("127.0.0.1:{port}");
    let conduct = ["--fail-first", "2", "--refuse-first", "1", "--slow-ms", "10"];
    let more = [&["--serve", &*address, "--messages", "2"], &conduct[..]].concat();
    let mut played = Played::new(&folder, "so-thong-tin-truyen-thong.ket-qua", &more);
    let (agency, operator) = (folder.key("agency:so-noi-vu"), folder.key("operator"));
    let hub = Hub::start(&folder).await;
    let file = root().join("mappings/agencies/so-noi-vu/fixtures/ho-so/goi-tin.in.xml");
    let (status, told) = hub
        .sender(&agency)
        .push("so-noi-vu.ho-so", Some("a"), &fs::read(file).unwrap())
        .await
        .unwrap();
    assert_eq!(status, 200, "{told}");
    let operator = hub.sender(&operator);
    let began = Instant::now();
    loop {
        let all = operator.found("/v1/outbox").await;
        let one = all["channels"].as_array().unwrap().iter();
        let one = one.clone().find(|one| one["channel"] == "so-thong-tin-truyen-thong.ket-qua");
        if one.is_some_and(|one| one["waiting"] == 0 && one["dead"] == 1) {
            break;
        }
        assert!(began.elapsed() < WITHIN, "{all}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let replay = format!("{}/v1/dead/replay?reason=x", operator.url);
    let answer = operator.client.post(replay).bearer_auth(&operator.key).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let began = Instant::now();
    while played.0.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < WITHIN, "{:?}", played.lines());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let counts = ["failed", "refused", "taken"].map(|outcome| played.count(outcome));
    assert_eq!(counts, [2, 1, 2], "{:?}", played.lines());
    hub.stop();
}

#[tokio::test]
async fn an_agency_that_is_asked_replies_by_a_channel_of_its_own() {
    let port = free_port();
    let folder = rehearsal("simulated-reply", port);
    let (asks, asked) = (folder.key("agency:so-y-te"), folder.key("agency:so-nong-nghiep-ptnt"));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&asks);
    let address = format!("127.0.0.1:{port}");
    let more = ["--serve", &*address, "--url", &sender.url, "--key", &asked];
    let played = Played::new(&folder, "so-nong-nghiep-ptnt.yeu-cau", &more);
    let due = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    let body = serde_json::json!({ "to": "so-nong-nghiep-ptnt", "due_at": due.to_string(),
                                   "text": "Đề nghị xác minh." });
    let post = sender.client.post(format!("{}/v1/requests", sender.url)).bearer_auth(&sender.key);
    let post = post.header("Idempotency-Key", "cv-1").body(body.to_string());
    assert_eq!(post.send().await.unwrap().status(), 200);
    let began = Instant::now();
    loop {
        let told = sender.found("/v1/requests/so-y-te:cv-1").await;
        if told["complete"] == true {
            assert_eq!(told["parts"][0]["state"], "answered", "{told}");
            break;
        }
        assert!(began.elapsed() < WITHIN, "{told} {:?}", played.lines());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What was taken, and what was replied.
    assert_eq!((played.count("taken"), played.count("stored")), (1, 1), "{:?}", played.lines());
    hub.stop();
}

#[test]
fn a_demo_with_a_broker_has_an_agency_on_its_queue() {
    let broker = Broker::start();
    let mut command = Command::new(binary());
    command.args(["demo", "--once", "--amqp", &broker.address]).current_dir(root());
    let output = command.output().unwrap();
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let row =
        told.lines().find(|line| line.starts_with("so-van-hoa-the-thao-du-lich.ho-so (amqp)"));
    assert!(row.is_some_and(|row| row.contains("1 stored")), "{told}");
}

#[tokio::test]
async fn an_agency_is_simulated_against_any_hub_by_push_and_by_file() {
    let folder = Folder::new("simulated");
    let key = folder.key("agency:ubnd-bien-hoa");
    let hub = Hub::start(&folder).await;
    let url = hub.url.clone();
    let agencies = folder.path().join("agencies").display().to_string();
    let rhythm = ["--pace", "5000", "--messages", "40", "--seed", "4", "--mappings", &agencies];
    let pushed = ["agency", "simulate", "ubnd-bien-hoa", "--url", &url, "--key", &key];
    let output = run(&[&pushed[..], &rhythm[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(lines(&stdout(&output)).len(), 40);
    let place = folder.path().join("drops/so-tai-chinh/ho-so").display().to_string();
    let dropped = ["agency", "simulate", "so-tai-chinh.ho-so", "--drop", &place];
    let output = run(&[&dropped[..], &rhythm[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert_eq!(lines(&told).len(), 40, "{told}");
    assert!(lines(&told).iter().any(|line| line.outcome == "stored"), "{told}");
    drop(hub);
    assert!(folder.verify().dossiers > 20);
    // Nobody listens there any more; nobody knows such an agency.
    let output = run(&[&pushed[..], &rhythm[..]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let output = run(&["agency", "simulate", "so-nao-do", "--key", "k"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("so-nao-do"), "{}", stderr(&output));
}

#[test]
fn the_examples_agencies_hold_together() {
    let all = ["examples/demo/agencies", "examples/demo/amqp", "examples/national-portal"];
    for (folder, command) in all.into_iter().flat_map(|one| [(one, "check"), (one, "test")]) {
        let place = root().join(folder).display().to_string();
        let output = run(&[command, "--mappings", &place]);
        assert_eq!(output.status.code(), Some(0), "{command} {folder} {}", stderr(&output));
    }
}
