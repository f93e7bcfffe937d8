//! Channels that the hub reads: agencies' systems on the other side, hubs killed meanwhile.

mod api;
mod book;
mod database;
mod declared;
pub(crate) mod foreign;
mod queue;
mod server;
mod turns;

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::time::sleep;

use crate::{backend::Backend, harness::Folder, lienthong::root};

const AGENCY: &str = "agency:so-doc";

/// How long a hub may take to have read all.
const READ_MAX: Duration = Duration::from_secs(120);

/// A hub that reads the API; `filled` are what stands in the agency's file for where it is.
pub(crate) fn reading(backend: Backend, name: &str, filled: &[(&str, String)]) -> Folder {
    let secret = ("so-doc", "chìa khóa".to_owned());
    reading_of(backend, name, "api", filled, &[secret])
}

/// A hub that reads one channel of the agency.
fn reading_of(
    backend: Backend,
    name: &str,
    channel: &str,
    filled: &[(&str, String)],
    secrets: &[(&str, String)],
) -> Folder {
    let folder = backend.folder_of(name, &["tests/corpus/polls"]);
    let file = folder.path().join("agencies/so-doc/agency.toml");
    let text = fs::read_to_string(&file).unwrap();
    // The other channels have nowhere to go.
    let (head, channels) = text.split_at(text.find("\n\n# ").unwrap());
    let wanted = format!("[channels.{channel}]");
    let kept = channels.split("\n\n# ").find(|one| one.contains(&wanted)).unwrap();
    let mut text = format!("{head}\n\n# {}\n", kept.trim_end());
    for (hole, value) in filled {
        text = text.replace(hole, value);
    }
    fs::write(&file, text).unwrap();
    let file = folder.path().join("secrets.toml");
    let lines = secrets.iter().map(|(name, value)| format!("{name} = \"{value}\"\n"));
    fs::write(&file, lines.collect::<String>()).unwrap();
    private(&file);
    folder.with_lines("secrets = \"secrets.toml\"\nprivate_networks = [\"127.0.0.1\"]\n")
}

fn private(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// How the one channel stands.
async fn standing(sender: &crate::harness::Sender) -> Value {
    sender.found("/v1/pollers").await["pollers"][0].clone()
}

/// Waits until the channel stands as wanted.
async fn stands(sender: &crate::harness::Sender, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let standing = standing(sender).await;
        if wanted(&standing) {
            return standing;
        }
        assert!(began.elapsed() < READ_MAX, "{standing}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The example's folder, for what is tested of configuration alone.
fn corpus() -> std::path::PathBuf {
    root().join("tests/corpus/polls")
}
