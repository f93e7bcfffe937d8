//! What is new after a reload works without a restart, and what was there goes on.

use std::{fs, time::Instant};

use serde_json::json;
use tokio::time::sleep;

use super::{CHANNEL, WITHIN, changes, counted, joins, reloaded, standing, stores};
use crate::{
    backend::{Backend, on_each_store},
    delivery::{
        ROUTE,
        agency::{Agency, Reply},
        at, kept, office, settled, started,
    },
    harness::{Folder, Hub},
};

on_each_store!(
    a_new_agency_sends_and_drops_files_without_a_restart,
    a_rotated_secret_is_used_and_a_new_route_led,
    other_rules_are_adopted_once,
);

async fn a_new_agency_sends_and_drops_files_without_a_restart(backend: Backend) {
    let folder = backend.folder_of("reload-joins", &["tests/corpus/delivery"]);
    let keys = ["agency:so-gui", "agency:so-moi"].map(|one| folder.key(one));
    let hub = Hub::start(&folder).await;
    let [old, new] = keys.map(|key| hub.sender(&key));
    let (status, _) = new.push("so-moi.ho-so", Some("N-1"), &super::record("N-1")).await.unwrap();
    assert_ne!(status, 200, "the agency is not connected yet");
    let drops = "\n[channels.tep]\nmapping = \"ho-so.toml\"\ntransport = \"file\"\n\
                 folder = \"so-moi/tep\"\nready = \"rename\"\nlook_seconds = 1\n";
    joins(&folder, "so-moi", drops);
    let inbox = folder.path().join("drops/so-moi/tep");
    fs::create_dir_all(&inbox).unwrap();
    fs::write(inbox.join("N-2.json"), super::record("N-2")).unwrap();
    changes(&hub, &old).await;
    // The same key, over the same connection.
    stores(&new, "so-moi.ho-so", "N-1").await;
    stores(&old, CHANNEL, "O-1").await;
    let began = Instant::now();
    while !inbox.join("done/N-2.json.receipt.json").exists() && done(&inbox) == 0 {
        assert!(began.elapsed() < WITHIN, "the file is not taken: {:?}", fs::read_dir(&inbox));
        sleep(std::time::Duration::from_millis(50)).await;
    }
    let found = new.found("/v1/dossiers/N-2?source=so-moi").await;
    assert_eq!(found["dossier"]["source_code"].as_str().unwrap_or("N-2"), "N-2");
    // Once more, and nothing has changed: nothing is begun anew.
    let told = standing(&old).await;
    let before = counted(&old, "unchanged").await;
    hub.signal("HUP");
    let began = Instant::now();
    while counted(&old, "unchanged").await == before {
        assert!(began.elapsed() < WITHIN, "it does not say that nothing has changed");
        sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(standing(&old).await, told);
    // The agency leaves: its channel is none any more, what it sent stays.
    fs::remove_dir_all(folder.path().join("agencies/so-moi")).unwrap();
    changes(&hub, &old).await;
    let (status, _) = new.push("so-moi.ho-so", Some("N-3"), &super::record("N-3")).await.unwrap();
    assert_ne!(status, 200, "the agency is connected still");
    new.found("/v1/dossiers/N-1?source=so-moi").await;
    hub.stop();
    folder.verify();
}

/// Files put away in a drop folder.
fn done(inbox: &std::path::Path) -> usize {
    fs::read_dir(inbox.join("done")).map_or(0, |all| all.flatten().count())
}

fn routes(folder: &Folder, text: &str) {
    fs::write(folder.path().join("routes.toml"), text).unwrap();
}

async fn a_rotated_secret_is_used_and_a_new_route_led(backend: Backend) {
    let agency = Agency::new(|_, _| Reply::TAKEN).await;
    let endpoint = format!("{}\nauth = \"bearer\"\nsecret = \"khoa\"", at(&agency.url));
    let ends = [("so-nhan.nhan", &*endpoint), ("so-nhan.cham", &*at(&agency.url))]
        .map(|(channel, settings)| (channel, settings.to_owned()));
    let ends = ends.each_ref().map(|(channel, settings)| (*channel, settings.as_str()));
    let folder = office(backend, "reload-secret", ROUTE, &ends);
    kept(&folder, "khoa = \"cu\"\n");
    let (hub, sender, operator) = started(&folder).await;
    let bearers = || -> Vec<String> {
        agency.taken().iter().map(|one| one.header("authorization").to_owned()).collect()
    };
    stores(&sender, CHANNEL, "S-1").await;
    agency.takes(1, WITHIN).await;
    // Until it is told, the hub goes on with what the agency takes.
    kept(&folder, "khoa = \"moi\"\n");
    stores(&sender, CHANNEL, "S-2").await;
    agency.takes(2, WITHIN).await;
    changes(&hub, &sender).await;
    stores(&sender, CHANNEL, "S-3").await;
    agency.takes(3, WITHIN).await;
    assert_eq!(bearers(), ["Bearer cu", "Bearer cu", "Bearer moi"]);
    let hash = standing(&sender).await["hash"].clone();
    let log = folder.log() + &sender.found("/healthz").await.to_string();
    assert!(!log.contains("\"moi\"") && !log.contains("\"cu\""), "{log}");
    // A second way, and then none.
    let both = format!("{ROUTE}\n[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.cham\"\n");
    routes(&folder, &both);
    changes(&hub, &sender).await;
    stores(&sender, CHANNEL, "S-4").await;
    // To both channels, under one id.
    let began = Instant::now();
    while agency.taken().len() < 5 {
        assert!(began.elapsed() < WITHIN, "{:?}", agency.taken());
        sleep(std::time::Duration::from_millis(20)).await;
    }
    routes(&folder, "");
    changes(&hub, &sender).await;
    stores(&sender, CHANNEL, "S-5").await;
    routes(&folder, ROUTE);
    changes(&hub, &sender).await;
    assert_eq!(standing(&sender).await["hash"], hash, "the same files have the same hash");
    stores(&sender, CHANNEL, "S-6").await;
    agency.takes(5, WITHIN).await;
    for channel in ["so-nhan.nhan", "so-nhan.cham"] {
        settled(&operator, channel).await;
    }
    let subjects: Vec<String> = agency.taken().iter().map(|one| one.subject().into()).collect();
    assert_eq!(subjects.len(), 6, "each once: {subjects:?}");
    assert!(!subjects.iter().any(|one| one.contains("S-5")), "{subjects:?}");
    hub.stop();
    folder.verify();
}

/// Rules that folds depend on are the store's: an entry says that they have changed.
async fn other_rules_are_adopted_once(backend: Backend) {
    let folder = backend.folder_of("reload-rules", &["tests/corpus/delivery"]);
    let key = folder.key("agency:so-gui");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let size = async || sender.found("/healthz").await["size"].as_u64().unwrap();
    stores(&sender, CHANNEL, "R-1").await;
    let before = size().await;
    let ranked = "at_once = 8\n\n[sources.so-nhan]\nrank = 10\n";
    let file = "so-nhan/agency.toml";
    super::changed(&folder, file, "at_once = 8\n", ranked);
    // A table within the channel's would be no agency's.
    let text = fs::read_to_string(super::file(&folder, file)).unwrap();
    let text = text.replace("\n[sources.so-nhan]\nrank = 10\n", "");
    super::written(&folder, file, &format!("{text}\n[sources.so-nhan]\nrank = 10\n"));
    changes(&hub, &sender).await;
    assert_eq!(size().await, before + 1, "an entry tells of the rules");
    // What changes no rule adds none.
    super::named(&folder, 1);
    changes(&hub, &sender).await;
    assert_eq!(size().await, before + 1);
    stores(&sender, CHANNEL, "R-2").await;
    // The catalogue is published, and read by the portal, from then on.
    let catalogue = folder.catalogue();
    let toml = folder.path().join("hub.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let line = format!("catalogue = \"{}\"\n", catalogue.display());
    fs::write(&toml, text.replacen("agencies =", &format!("{line}agencies ="), 1)).unwrap();
    changes(&hub, &sender).await;
    let found = sender.found("/v1/agencies?limit=1").await;
    assert_eq!(found["items"].as_array().map_or(0, Vec::len).max(1), 1, "{found}");
    let told = reloaded(&hub, &sender, |_| true).await;
    assert!(told["refused"].is_null(), "{told}");
    assert_eq!(json!(told["hash"].as_str().unwrap().len()), json!(12));
    hub.stop();
    folder.verify();
}
