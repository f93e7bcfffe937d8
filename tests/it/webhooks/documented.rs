//! `docs/webhooks.md`: its receiver receives, and each of its commands does what it says.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Instant,
};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{PATH, WITHIN, ids, office, stands, started, tell};
use crate::{
    backend::Backend,
    harness::{Folder, Hub, Sender, free_port},
    lienthong::{binary, root, stderr, stdout},
};

/// The pieces of a language in the page.
fn pieces(language: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/webhooks.md")).unwrap();
    let fence = format!("```{language}\n");
    let each = text.split(&*fence).skip(1);
    each.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The receiver of the page.
fn receiver(folder: &Folder, port: u16, secret: &str) -> Running {
    let program = folder.path().join("receiver.py");
    fs::write(&program, pieces("python").remove(0)).unwrap();
    let mut command = Command::new(root().join("tests/clients/run"));
    command.arg("python").arg(program).arg(port.to_string()).arg("events.db");
    command.env("WEBHOOK_SECRET", secret).current_dir(folder.path()).stdin(Stdio::null());
    Running(command.spawn().unwrap())
}

/// Runs a piece of the page as it stands there.
fn run(piece: &str, folder: &Folder, names: &[(&str, &str)]) -> Output {
    let path = std::env::var("PATH").unwrap();
    let own = binary().parent().map(Path::to_path_buf).unwrap();
    let mut command = Command::new("bash");
    command.args(["-euc", piece]).current_dir(folder.path());
    command.env("PATH", format!("{}:{path}", own.display()));
    command.envs(names.iter().copied()).output().unwrap()
}

/// The ids that the receiver has kept, in the order in which they came.
fn kept(folder: &Folder) -> Vec<String> {
    let program = "import sqlite3\nfor (id,) in sqlite3.connect('events.db').execute(\
                   'SELECT id FROM events ORDER BY rowid'): print(id)";
    let mut command = Command::new("python3");
    let done = command.args(["-c", program]).current_dir(folder.path()).output().unwrap();
    // Before the first start of the receiver there is no table.
    stdout(&done).lines().map(ToOwned::to_owned).collect()
}

async fn keeps(folder: &Folder, wanted: &[String]) {
    let began = Instant::now();
    while kept(folder) != wanted {
        assert!(began.elapsed() < WITHIN, "{:?} of {wanted:?}", kept(folder));
        sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// The answers of a piece that calls several times, each a line or more of JSON.
fn answers(text: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(text).into_iter().map(Result::unwrap).collect()
}

async fn subscribed(folder: &Folder, sender: &Sender) -> (u16, Value) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/");
    let names = [("HUB", &*sender.url), ("KEY", &*sender.key), ("URL", &*url)];
    let done = run(&pieces("sh")[0], folder, &names);
    assert!(done.status.success(), "{}", stderr(&done));
    (port, answers(&stdout(&done)).remove(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_receiver_of_the_docs_receives_and_its_commands_do_what_they_say() {
    let folder = office(Backend::Sqlite, "webhooks-docs");
    let (hub, agency, _): (Hub, Sender, Sender) = started(&folder).await;
    tell(&agency, "so-gui", 0..5).await;
    let (port, made) = subscribed(&folder, &agency).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let _receiving = receiver(&folder, port, made["secret"].as_str().unwrap());
    tell(&agency, "so-gui", 5..10).await;
    let records = ids(&agency, "records").await;
    keeps(&folder, &records).await;
    stands(&agency, &id, |one| one["lag"] == 0).await;
    let names =
        [("HUB", &*agency.url), ("KEY", &*agency.key), ("ID", &*id), ("EVENT", &*records[2])];
    let ran = |piece: &str| {
        let done = run(piece, &folder, &names);
        assert!(done.status.success(), "{piece}: {}", stderr(&done));
        stdout(&done)
    };
    let [_, seen, steered, beside] = &pieces("sh")[..] else { panic!("there are four") };
    let told = answers(&ran(seen));
    assert_eq!((&told[0]["subscriptions"][0]["id"], &told[1]["id"]), (&json!(id), &json!(id)));
    assert_eq!((&told[1]["state"], &told[1]["lag"]), (&json!("active"), &json!(0)), "{told:?}");
    let told = ran(beside);
    assert!(told.contains("1 subscriptions") && told.contains("goes on from where"), "{told}");
    let told = answers(&ran(steered));
    let [ping, resent, recovered, rotated, off, on] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&ping["status"], &resent["status"]), (&json!(204), &json!(204)), "{told:?}");
    assert_eq!(resent["event"], records[2]);
    assert_eq!((&recovered["id"], &off["state"]), (&json!(id), &json!("disabled")), "{told:?}");
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"), "{told:?}");
    assert_eq!(on["state"], "active");
    assert_eq!(agency.get(&format!("{PATH}/{id}")).await.0, 404, "the last one ends it");
    let mut known = kept(&folder);
    known.retain(|id| !id.starts_with("ping/"));
    assert_eq!(known, records, "each once, however often it came");
    hub.stop();
}
