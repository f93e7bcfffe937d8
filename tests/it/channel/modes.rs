//! A channel is tried, and promoted.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{AT, event};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{binary, stderr, stdout},
    permutations::{AGENCY, CHANNEL},
};

on_each_store!(
    what_was_sent_in_trial_counts_when_it_is_sent_again_after_promotion,
    a_channel_is_promoted_by_command_while_the_hub_runs,
);

/// How long until a hub that runs takes a mode that is declared anew, and some more.
const WITHIN: Duration = Duration::from_secs(60);

fn mode(folder: &Folder, from: &str, to: &str) {
    let path = folder.path().join("agencies/ubnd-bien-hoa/agency.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// How many dossiers are counted, in whatever status.
async fn counted(sender: &Sender) -> i64 {
    let told = sender.found("/v1/statistics?from=2024-01-01&by=agency").await;
    let measures = told["rows"][0]["measures"].as_object().cloned().unwrap_or_default();
    let all = measures.iter().filter(|(name, _)| name.starts_with("in-status-"));
    all.map(|(_, n)| n.as_i64().unwrap()).sum()
}

async fn what_was_sent_in_trial_counts_when_it_is_sent_again_after_promotion(backend: Backend) {
    let folder = backend.folder("promoted");
    let plain = "mapping = \"ho-so.toml\"\n";
    let trial = "mapping = \"ho-so.toml\"\nmode = \"trial\"\n";
    mode(&folder, plain, trial);
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let outcome = async |sender: &Sender, id: &str, bytes: Vec<u8>| -> Value {
        sender.push(CHANNEL, Some(id), &bytes).await.unwrap().1["outcome"].clone()
    };
    let thing = |number: u32, status: &str| event(&format!("BH.T.{number}"), status, AT);
    assert_eq!(outcome(&sender, "t-1", thing(1, "THU_LY")).await, "stored");
    assert_eq!(outcome(&sender, "t-2", thing(2, "THU_LY")).await, "stored");
    assert_eq!(outcome(&sender, "t-3", thing(3, "KHONG_CO")).await, "refused");
    assert_eq!(counted(&sender).await, 0);
    let path = format!("/v1/channels/{CHANNEL}/conformance");
    let told = sender.found(&path).await;
    assert_eq!((&told["mode"], &told["open_refusals"]), (&json!("trial"), &json!(1)));
    hub.stop();
    mode(&folder, trial, plain);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    // The same under its id; and other content under an id that was used for trying.
    assert_eq!(outcome(&sender, "t-1", thing(1, "THU_LY")).await, "stored");
    assert_eq!(outcome(&sender, "t-2", thing(22, "THU_LY")).await, "stored");
    assert_eq!(counted(&sender).await, 2);
    // From here on they are what ids are.
    assert_eq!(outcome(&sender, "t-1", thing(1, "THU_LY")).await, "duplicate");
    assert_eq!(outcome(&sender, "t-2", thing(2, "THU_LY")).await, "conflict");
    assert_eq!(counted(&sender).await, 2);
    hub.stop();
    folder.verify();
}

/// Promotes a channel by the command; its exit code and what it printed.
fn promoted(folder: &Folder, channel: &str) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.args(["channels", "promote", channel]).current_dir(folder.path());
    let output = command.output().unwrap();
    (output.status.code(), stdout(&output) + &stderr(&output))
}

/// Waits until a channel is in a mode.
async fn becomes(sender: &Sender, mode: &str) {
    let (began, path) = (Instant::now(), format!("/v1/channels/{CHANNEL}/conformance"));
    while sender.found(&path).await["mode"] != mode {
        assert!(began.elapsed() < WITHIN, "it does not become {mode}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn a_channel_is_promoted_by_command_while_the_hub_runs(backend: Backend) {
    let folder = backend.folder("promoted-running");
    let plain = "mapping = \"ho-so.toml\"\n";
    let trial = "mapping = \"ho-so.toml\"\nmode   =  'trial' # thử\n";
    mode(&folder, plain, trial);
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let outcome = async |id: &str, bytes: Vec<u8>| -> Value {
        sender.push(CHANNEL, Some(id), &bytes).await.unwrap().1["outcome"].clone()
    };
    let thing = |number: u32| event(&format!("BH.P.{number}"), "THU_LY", AT);
    assert_eq!(outcome("p-1", thing(1)).await, "stored");
    assert_eq!(counted(&sender).await, 0);
    let (code, told) = promoted(&folder, "ubnd-bien-hoa.khong-co");
    assert_eq!(code, Some(1), "{told}");
    let (code, told) = promoted(&folder, CHANNEL);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("trial -> live") && told.contains("open refusals: 0"), "{told}");
    // All else in the file is as it was written.
    mode(&folder, "mode   =  \"live\" # thử\n", "mode = \"live\"\n");
    becomes(&sender, "live").await;
    assert_eq!(outcome("p-1", thing(1)).await, "stored");
    assert_eq!(outcome("p-1", thing(1)).await, "duplicate");
    assert_eq!(counted(&sender).await, 1);
    let (code, told) = promoted(&folder, CHANNEL);
    assert_eq!((code, told.contains("live already")), (Some(0), true), "{told}");
    // A file that is faulty changes nothing; mended, it does. What was loaded before counts on.
    let mend = "mode = \"backfill\"\n";
    mode(&folder, "mode = \"live\"\n", "mode = \n");
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(outcome("p-2", thing(2)).await, "stored");
    becomes(&sender, "live").await;
    mode(&folder, "mode = \n", mend);
    becomes(&sender, "backfill").await;
    assert_eq!(outcome("p-2", thing(2)).await, "duplicate");
    assert_eq!(counted(&sender).await, 2);
    hub.stop();
    folder.verify();
}
