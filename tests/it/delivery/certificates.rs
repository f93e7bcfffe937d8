//! An agency whose certificate has run out: a real one, of an authority that the machine trusts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::time::sleep;

use super::{ROUTE, line, office, send, settled, stands};
use crate::{
    backend::Backend,
    harness::{Folder, Hub, free_port},
    lienthong::{root, stderr},
};

/// An authority with two certificates for this machine: `old.pem`, which has run out, `new.pem`.
pub(crate) fn certificates(folder: &Folder) -> PathBuf {
    let place = folder.path().join("certificates");
    fs::create_dir(&place).unwrap();
    let run = |arguments: &str| {
        let mut command = Command::new("openssl");
        let ran = command.args(arguments.split(' ')).current_dir(&place).output().unwrap();
        assert!(ran.status.success(), "openssl {arguments}: {}", stderr(&ran));
    };
    let settings = "[ca]\ndefault_ca = a\n[a]\ndatabase = index\nnew_certs_dir = .\n\
                    rand_serial = yes\ndefault_md = sha256\npolicy = p\nunique_subject = no\n\
                    [p]\ncommonName = supplied\n";
    fs::write(place.join("settings"), settings).unwrap();
    fs::write(place.join("index"), "").unwrap();
    fs::write(place.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout";
    run(&format!("req -x509 {key} authority.key -out authority.pem -subj /CN=authority -days 9"));
    run(&format!("req {key} server.key -out server.csr -subj /CN=localhost"));
    for (name, from, to) in [
        ("old", "20240101000000Z", "20240201000000Z"),
        ("new", "20240101000000Z", "20990101000000Z"),
    ] {
        run(&format!(
            "ca -batch -notext -config settings -in server.csr -out {name}.pem -extfile names \
             -cert authority.pem -keyfile authority.key -startdate {from} -enddate {to}"
        ));
    }
    place
}

/// An agency over TLS; ended when the test leaves it.
struct Agency(Child);

impl Agency {
    fn start(port: u16, place: &Path, certificate: &str) -> Self {
        let mut command = Command::new("python3");
        command.arg(root().join("tests/it/delivery/secure.py")).arg(port.to_string());
        command.arg(place.join(certificate)).arg(place.join("server.key")).stdin(Stdio::null());
        command.stdout(
            fs::File::options().create(true).append(true).open(place.join("seen")).unwrap(),
        );
        Self(command.spawn().unwrap())
    }
}

impl Drop for Agency {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_whose_certificate_has_run_out_is_sent_nothing_until_it_has_a_new_one() {
    let port = free_port();
    let endpoint =
        format!("url = \"https://localhost:{port}/\"\nprivate = [\"127.0.0.1\", \"::1\"]");
    let folder = office(Backend::Sqlite, "delivery-tls", ROUTE, &[("so-nhan.nhan", &endpoint)]);
    let place = certificates(&folder);
    let (sends, runs) = (folder.key("agency:so-gui"), folder.key("operator"));
    let trusted = place.join("authority.pem");
    let hub = Hub::start_among(&folder, &[("SSL_CERT_FILE", &trusted)]).await;
    let (sender, operator) = (hub.sender(&sends), hub.sender(&runs));
    let agency = Agency::start(port, &place, "old.pem");
    sleep(Duration::from_millis(500)).await;
    send(&sender, "m-1", &line("T-1", 1, "MOI")).await;
    let told = |one: &Value| one["told"].as_str().is_some_and(|told| told.contains("xpired"));
    let one = stands(&operator, "so-nhan.nhan", told).await;
    assert_eq!((&one["waiting"], &one["dead"]), (&1.into(), &0.into()), "nothing is lost");
    assert_eq!(fs::read_to_string(place.join("seen")).unwrap(), "", "nothing was sent");
    drop(agency);
    let _agency = Agency::start(port, &place, "new.pem");
    settled(&operator, "so-nhan.nhan").await;
    assert_eq!(fs::read_to_string(place.join("seen")).unwrap(), "T-1\n");
    hub.stop();
}
