//! `docs/catalogue.md`: each of its commands does what it says.

use std::{fs, process::Command};

use super::{PAGES, code, office, site::Site, stand};
use crate::{
    backend::Backend,
    harness::Hub,
    lienthong::{root, stderr, stdout},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_pages_commands_do_what_they_say() {
    let text = fs::read_to_string(root().join("docs/catalogue.md")).unwrap();
    let pieces: Vec<&str> =
        text.split("```bash\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [report, embed] = pieces[..] else { panic!("{pieces:?}") };
    let site = Site::new().await;
    let urls: Vec<String> =
        PAGES[..6].iter().map(|(page, ..)| format!("{}/{page}", site.url)).collect();
    let settings = "every_seconds = 1\nrest_seconds = 0\nanswer_seconds = 1\n";
    let folder = office(Backend::Sqlite, "links-page", &urls, settings);
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    stand(&hub.sender(&key), |page, one| page != "gone" || one["state"] == "dead").await;
    let run = |piece: &str| {
        let mut command = Command::new("bash");
        command.args(["-euc", piece]).current_dir(folder.path());
        let own = code(5);
        let names = [("HUB", hub.url.as_str()), ("KEY", &key), ("CODE", &own)];
        let output = command.envs(names).output().unwrap();
        assert!(output.status.success(), "{piece}: {}", stderr(&output));
        stdout(&output)
    };
    let told = run(report);
    assert!(told.contains("\"dead\":1"), "{told}");
    let sheet = fs::read_to_string(folder.path().join("dead.csv")).unwrap();
    assert!(sheet.contains("/gone") && sheet.lines().count() == 2, "{sheet}");
    assert!(folder.path().join("dead.xlsx").metadata().unwrap().len() > 1_000);
    let told = run(embed);
    assert!(told.contains("\"@type\":\"GovernmentService\"") && told.contains(&code(5)), "{told}");
    hub.stop();
}
