//! A configuration that is faulty changes nothing, and what is wrong with it is told.

use std::fs;

use super::{CHANNEL, NAMES, changed, file, named, procedure, refuses, reloaded, standing, stores};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
};

on_each_store!(
    a_faulty_configuration_is_refused_and_says_why,
    what_cannot_change_is_refused_by_name,
);

async fn started(backend: Backend, name: &str) -> (Folder, Hub, Sender) {
    let folder = backend.folder_of(name, &["tests/corpus/delivery"]);
    let key = folder.key("agency:so-gui");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    (folder, hub, sender)
}

/// The places of the faults that are told.
fn places(refused: &serde_json::Value) -> Vec<String> {
    let all = refused["first"].as_array().unwrap().iter();
    all.map(|one| one["place"].as_str().unwrap().to_owned()).collect()
}

async fn a_faulty_configuration_is_refused_and_says_why(backend: Backend) {
    let (folder, hub, sender) = started(backend, "reload-refused").await;
    let first = standing(&sender).await;
    assert_eq!(first["hash"].as_str().unwrap().len(), 12, "{first}");
    let (mapping, agency) = ("so-gui/ho-so.toml", "so-nhan/agency.toml");
    let line = "accepted_at = \"ngayNhan | date dd/MM/yyyy\"";
    changed(&folder, mapping, line, "accepted_at = \"ngayNhan | khong_co\"");
    changed(&folder, agency, "at_once = 8", "at_once = \"tám\"");
    let refused = refuses(&hub, &sender).await;
    // All faults at once, each with its place.
    let told = places(&refused);
    assert_eq!(refused["faults"], told.len() as u64, "{refused}");
    for (name, line) in [(mapping, 18), (agency, 10)] {
        let wanted = format!("{name}:{line}:");
        assert!(told.iter().any(|one| one.contains(&wanted)), "{wanted} in {told:?}");
    }
    // The one before goes on, and so does whoever asks.
    stores(&sender, CHANNEL, "D-1").await;
    let page = sender.client.get(format!("{}/console", sender.url)).send().await.unwrap();
    let page = page.text().await.unwrap();
    for word in ["Cấu hình mới bị từ chối", "was refused", "so-gui/ho-so.toml:18:", "khong_co"]
    {
        assert!(page.contains(word), "{word} in {page}");
    }
    let log = folder.log();
    let events = log.matches("is refused, the one before stays in force").count();
    assert_eq!(events, 1, "{log}");
    assert!(log.contains("so-gui/ho-so.toml:18:") && log.contains("so-nhan/agency.toml:10:"));
    // Put back as it was, it is the one in force: nothing is begun anew.
    changed(&folder, mapping, "accepted_at = \"ngayNhan | khong_co\"", line);
    changed(&folder, agency, "at_once = \"tám\"", "at_once = 8");
    let told = reloaded(&hub, &sender, |told| told["refused"].is_null()).await;
    assert_eq!(told, first);
    named(&folder, 1);
    super::changes(&hub, &sender).await;
    stores(&sender, CHANNEL, "D-2").await;
    assert_eq!(procedure(&sender, "D-1").await, NAMES[0]);
    assert_eq!(procedure(&sender, "D-2").await, NAMES[1]);
    let page = sender.client.get(format!("{}/console", sender.url)).send().await.unwrap();
    assert!(!page.text().await.unwrap().contains("bị từ chối lúc"));
    hub.stop();
    folder.verify();
}

async fn what_cannot_change_is_refused_by_name(backend: Backend) {
    let (folder, hub, sender) = started(backend, "reload-fixed").await;
    let path = folder.path().join("hub.toml");
    let before = fs::read_to_string(&path).unwrap();
    named(&folder, 1);
    let store = before.lines().find(|line| line.starts_with("store")).unwrap();
    let listen = before.lines().next().unwrap();
    for (line, instead, place, name) in [
        (listen, "# khác\nlisten = \"127.0.0.1:1\"", "hub.toml:2:1", "`listen`"),
        (store, "store = \"sqlite:khac.db\"", "hub.toml:2:1", "`store`"),
        ("log = \"warn\"", "log = \"debug\"", "hub.toml:4:1", "`log`"),
        ("log = \"warn\"", "log = \"warn\"\nlog_json = true", "hub.toml:5:1", "`log_json`"),
        ("log = \"warn\"", "log = \"warn\"\nbus = \"embedded:\"", "hub.toml:5:1", "`bus`"),
    ] {
        fs::write(&path, before.replace(line, instead)).unwrap();
        let refused = refuses(&hub, &sender).await;
        let told = places(&refused);
        assert!(told.len() == 1 && told[0].ends_with(place), "{name}: {refused}");
        let message = refused["first"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(name) && message.contains("cannot change"), "{refused}");
        assert!(refused["first"][0]["advice"].as_str().unwrap().contains("restart"), "{refused}");
    }
    // Nothing of it was taken, not even what may change.
    stores(&sender, CHANNEL, "F-1").await;
    assert_eq!(procedure(&sender, "F-1").await, NAMES[0]);
    assert!(!folder.path().join("khac.db").exists());
    fs::write(&path, before).unwrap();
    super::changes(&hub, &sender).await;
    stores(&sender, CHANNEL, "F-2").await;
    assert_eq!(procedure(&sender, "F-2").await, NAMES[1]);
    // A file that is gone, and one whose folder is.
    fs::rename(file(&folder, "so-nhan/bieu-mau.toml"), file(&folder, "so-nhan/kia.toml")).unwrap();
    let refused = refuses(&hub, &sender).await;
    assert!(places(&refused).iter().any(|one| one.contains("bieu-mau.toml")), "{refused}");
    fs::remove_file(&path).unwrap();
    let refused = refuses(&hub, &sender).await;
    assert!(places(&refused)[0].contains("hub.toml"), "{refused}");
    stores(&sender, CHANNEL, "F-3").await;
    hub.stop();
}
