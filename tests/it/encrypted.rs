//! TLS of the hub's own, as curl and Python speak it: keys that certificates bear, certificates
//! that are none of ours, and files that change while connections go on.

mod authority;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, free_port},
    lienthong::{root, stderr, stdout},
};
use authority::Authority;

on_each_store!(a_certificate_bears_the_key_that_names_it_and_no_other_opens_anything);

/// An operation that no channel has.
const CALL: &str = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>\
                    <x xmlns='urn:x'/></s:Body></s:Envelope>";

const AGENCY: &str = "ubnd-bien-hoa";

/// How long a change may take to be known to a running hub.
const KNOWN_WITHIN: Duration = Duration::from_secs(20);

/// A hub's folder that speaks TLS by what an authority has made; its port.
fn speaking(folder: &mut Folder, authority: &Authority) -> u16 {
    let port = free_port();
    authority.certifies("hub", "server", &[]);
    authority.lists();
    let named = |file: &str| authority.file(file);
    folder.configured_with(format!(
        "listen_tls = \"127.0.0.1:{port}\"\n[tls]\ncertificate = {:?}\nkey = {:?}\n\
         client_ca = {:?}\nclient_crl = {:?}\n",
        named("hub.pem"),
        named("hub.key"),
        named("ca.pem"),
        named("ca.crl"),
    ));
    port
}

/// Who asks by curl: the status of the answer, 0 where there is none.
struct Curl<'a> {
    authority: &'a Authority,
    port: u16,
}

impl Curl<'_> {
    fn asks(&self, path: &str, more: &[&str]) -> u16 {
        let mut command = Command::new("curl");
        command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20"]);
        command.args(["--cacert", &self.authority.file("ca.pem")]).args(more);
        let url = format!("https://127.0.0.1:{}{path}", self.port);
        let done = command.arg(url).output().expect("these tests need `curl`");
        stdout(&done).parse().unwrap()
    }

    /// With a certificate that an authority has made.
    fn shows(&self, from: &Authority, name: &str, path: &str, more: &[&str]) -> u16 {
        let [shown, key] = ["pem", "key"].map(|end| from.file(&format!("{name}.{end}")));
        self.asks(path, &[&["--cert", &shown, "--key", &key], more].concat())
    }
}

impl Curl<'_> {
    /// What a channel of SOAP says to an operation that it has not.
    fn calls_soap(&self, name: &str) -> String {
        let [shown, key] = ["pem", "key"].map(|end| self.authority.file(&format!("{name}.{end}")));
        let url = format!("https://127.0.0.1:{}/soap/so-cong-thuong.ho-so", self.port);
        let done = Command::new("curl")
            .args(["-s", "--max-time", "20", "--cacert", &self.authority.file("ca.pem")])
            .args([
                "--cert",
                &shown,
                "--key",
                &key,
                "-H",
                "Content-Type: text/xml",
                "-d",
                CALL,
                &url,
            ])
            .output();
        stdout(&done.unwrap())
    }
}

fn key(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.run(&[&["key"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output).trim().to_owned()
}

#[track_caller]
fn comes(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < KNOWN_WITHIN, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What doors do whose credentials lie in a body, on a connection that has shown a certificate.
#[track_caller]
fn credentials_in_bodies(curl: &Curl<'_>, secret: &str) {
    // A token is had for a secret over whatever connection; a certificate opens SOAP too.
    let (public, _) = secret[4..].split_once('_').unwrap();
    let form = format!("grant_type=client_credentials&client_id={public}&client_secret={secret}");
    assert_eq!(curl.shows(curl.authority, "la", "/token", &["-d", &form]), 200);
    let called = |name: &str| {
        let text = curl.calls_soap(name);
        (text.contains("{urn:x}x was called"), text)
    };
    let (there, text) = called("cong-thuong");
    assert!(there, "{text}");
    let (there, text) = called("la");
    assert!(!there && text.contains("Fault"), "{text}");
}

async fn a_certificate_bears_the_key_that_names_it_and_no_other_opens_anything(backend: Backend) {
    let mut folder = backend.folder("encrypted");
    let (ours, theirs) = (Authority::new(&folder, "ours"), Authority::new(&folder, "theirs"));
    let port = speaking(&mut folder, &ours);
    for name in ["mot-cua", "sau", "la", "bi-thu-hoi", "cong-thuong"] {
        ours.certifies(name, "client", &[]);
    }
    let past = ["-startdate", "20240101000000Z", "-enddate", "20240201000000Z"];
    ours.certifies("het-han", "client", &past);
    ours.revokes("bi-thu-hoi");
    theirs.certifies("mot-cua", "client", &[]);
    let who = format!("agency:{AGENCY}");
    let borne = |name: &str| ours.file(&format!("{name}.pem"));
    let shown = key(&folder, &["new", &who, "--certificate", &borne("mot-cua")]);
    let (id, print) = shown.split_once(" is borne by the certificate ").unwrap();
    for name in ["het-han", "bi-thu-hoi"] {
        key(&folder, &["new", &who, "--certificate", &borne(name)]);
    }
    key(&folder, &["new", "agency:so-cong-thuong", "--certificate", &borne("cong-thuong")]);
    let again = folder.run(&["key", "new", "portal", "--certificate", &borne("mot-cua")]);
    assert!(again.status.code() == Some(1) && stderr(&again).contains(id), "{}", stderr(&again));
    let secret = key(&folder, &["new", &who]);

    let hub = Hub::start(&folder).await;
    let curl = Curl { authority: &ours, port };
    let feeds = "/v1/feeds";
    assert_eq!(curl.shows(&ours, "mot-cua", feeds, &[]), 200);
    assert_eq!(curl.asks(feeds, &[]), 401, "nobody");
    let bearer = format!("Authorization: Bearer {secret}");
    assert_eq!(curl.asks(feeds, &["-H", &bearer]), 200, "a secret still does");
    assert_eq!(curl.shows(&ours, "la", feeds, &[]), 401, "ours, and no key's");
    assert_eq!(curl.shows(&ours, "la", feeds, &["-H", &bearer]), 200);
    for (from, name) in [(&theirs, "mot-cua"), (&ours, "het-han"), (&ours, "bi-thu-hoi")] {
        assert_eq!(curl.shows(from, name, feeds, &[]), 0, "{name}: no connection");
    }
    // Whoever knows the thumbprint has shown nothing by that.
    let feigned = format!("Authorization: Certificate {print}");
    assert_eq!(curl.asks(feeds, &["-H", &feigned]), 401);
    assert_eq!(curl.shows(&ours, "la", feeds, &["-H", &feigned]), 401);
    let plain = hub.sender(&secret).client.get(format!("{}{feeds}", hub.url));
    let answer = plain.header("Authorization", format!("certificate {print}")).send().await;
    assert_eq!(answer.unwrap().status(), 401);
    for credential in [format!("ltk_{print}_{print}"), format!("ltt_{print}_{print}")] {
        assert_eq!(hub.sender(&credential).get(feeds).await.0, 401);
    }

    // It sends what its agency may, and nothing else.
    let sample = format!("mappings/agencies/{AGENCY}/fixtures/ho-so/m-0001.in.json");
    let body = format!("@{}", root().join(sample).display());
    let sends = ["--data-binary", &body, "-H", "Content-Type: application/json"];
    let to = |agency: &str| format!("/v1/channels/{agency}.ho-so/messages");
    assert_eq!(curl.shows(&ours, "mot-cua", &to(AGENCY), &sends), 200);
    assert_eq!(curl.shows(&ours, "mot-cua", &to("so-gtvt"), &sends), 403);
    assert_eq!(curl.asks(&to(AGENCY), &sends), 401);

    credentials_in_bodies(&curl, &secret);
    // The next certificate takes its place; then this one is nobody's.
    let refused = folder.run(&["key", "rotate", id]);
    assert!(stderr(&refused).contains("--certificate"), "{}", stderr(&refused));
    let next = ["rotate", id, "--overlap-days", "0", "--certificate", &borne("sau")];
    key(&folder, &next);
    comes("the next certificate bears the key", || {
        curl.shows(&ours, "sau", feeds, &[]) == 200
            && curl.shows(&ours, "mot-cua", feeds, &[]) == 401
    });
    let listed = key(&folder, &["list"]);
    assert!(listed.contains(print) && !listed.contains(&"0".repeat(64)), "{listed}");
    hub.stop();
}

/// A client that holds a connection, asks over it, and begins another when it is told to.
const HOLDS: &str = r#"
import http.client, ssl, sys
port, authority = int(sys.argv[1]), sys.argv[2]
trust = ssl.create_default_context(cafile=authority)
def begin():
    line = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=20)
    line.connect()
    return line
def ask(line):
    before = line.sock
    line.request("GET", "/healthz")
    answer = line.getresponse()
    answer.read()
    assert line.sock is before, "another connection"
    print(answer.status, line.sock.getpeercert()["serialNumber"], flush=True)
held = begin()
ask(held)
for _ in sys.stdin:
    ask(held)
    ask(begin())
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn certificates_are_changed_while_connections_go_on_and_faulty_ones_are_refused() {
    let mut folder = Folder::new("encrypted-reload");
    let ours = Authority::new(&folder, "ours");
    let port = speaking(&mut folder, &ours);
    let hub = Hub::start_among(&folder, &[("LIENTHONG_LOG", Path::new("info"))]).await;
    let mut python = Command::new("python3");
    python.args(["-c", HOLDS, &port.to_string(), &ours.file("ca.pem")]);
    python.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().expect("these tests need `python3`");
    let mut lines = BufReader::new(python.stdout.take().unwrap()).lines();
    let mut told = || lines.next().unwrap().unwrap();
    assert_eq!(told(), "200 01");

    // Who begins to speak and says no more keeps nobody waiting.
    let silent = TcpStream::connect(("127.0.0.1", port)).unwrap();

    ours.certifies("hub", "server", &[]);
    hub.signal("HUP");
    let in_force = || folder.log().contains("another configuration is in force");
    comes("the new certificate is in force", in_force);
    let mut stdin = python.stdin.take().unwrap();
    writeln!(stdin).unwrap();
    assert_eq!((told(), told()), ("200 01".to_owned(), "200 02".to_owned()));

    // A certificate of another key is refused whole, with the file's name; so is an open key.
    fs::copy(ours.path("ca.pem"), ours.path("hub.pem")).unwrap();
    hub.signal("HUP");
    let refused = || folder.log().matches("the new configuration is refused").count();
    comes("the faulty one is refused", || refused() == 1);
    assert!(folder.log().contains("hub.key:"), "{}", folder.log());
    writeln!(stdin).unwrap();
    assert_eq!((told(), told()), ("200 01".to_owned(), "200 02".to_owned()));
    ours.certifies("hub", "server", &[]);
    fs::set_permissions(ours.path("hub.key"), fs::Permissions::from_mode(0o644)).unwrap();
    hub.signal("HUP");
    comes("a key that is open is refused", || refused() == 2);
    assert!(folder.log().contains("others than the hub's user may read it"));
    let health = hub.sender("").found("/healthz").await;
    assert_eq!(health["status"], json!("ok"), "{health}");
    drop((stdin, silent));
    assert!(python.wait().unwrap().success());
    hub.stop();
    let check = folder.run(&["check"]);
    assert!(check.status.code() == Some(1) && stderr(&check).contains("chmod 600"));
}
