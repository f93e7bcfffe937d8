//! A certificate authority of a test's own, as OpenSSL makes one.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use crate::{harness::Folder, lienthong::stderr};

const SETTINGS: &str = "\
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
crlnumber = crlnumber
crl_extensions = list
new_certs_dir = .
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
[server]
basicConstraints = CA:FALSE
subjectAltName = IP:127.0.0.1
extendedKeyUsage = serverAuth
[list]
authorityKeyIdentifier = keyid:always
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
";

/// Keys of elliptic curves: quick to make.
const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// A folder with the authority and what it has made.
pub(super) struct Authority(PathBuf);

impl Authority {
    pub(super) fn new(folder: &Folder, name: &str) -> Self {
        let own = Self(folder.path().join(name));
        fs::create_dir_all(&own.0).unwrap();
        for (file, text) in
            [("ca.cnf", SETTINGS), ("index.txt", ""), ("serial", "01\n"), ("crlnumber", "01\n")]
        {
            fs::write(own.path(file), text).unwrap();
        }
        let made = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=CA", "-days", "30"];
        own.openssl(&[&["req", "-x509"], &KEY[..], &made].concat());
        own
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// A file as curl and configurations name it.
    pub(super) fn file(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }

    fn openssl(&self, arguments: &[&str]) {
        let mut command = Command::new("openssl");
        let done = command.args(arguments).current_dir(&self.0).output();
        let done = done.expect("these tests need `openssl`");
        assert!(done.status.success(), "{arguments:?}: {}", stderr(&done));
    }

    fn signs(&self, arguments: &[&str]) {
        let own = ["ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"];
        self.openssl(&[&own, arguments].concat());
    }

    /// Makes a key and a certificate of a kind.
    pub(super) fn certifies(&self, name: &str, kind: &str, more: &[&str]) {
        let [key, asked, made] = ["key", "csr", "pem"].map(|end| format!("{name}.{end}"));
        let subject = format!("/CN={name}");
        let wanted = ["-keyout", &key, "-out", &asked, "-subj", &subject];
        self.openssl(&[&["req"], &KEY[..], &wanted].concat());
        let given = ["-in", &asked, "-out", &made, "-notext", "-extensions", kind];
        self.signs(&[&given, more].concat());
        fs::set_permissions(self.path(&key), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Revokes what it has made, and writes its list.
    pub(super) fn revokes(&self, name: &str) {
        self.signs(&["-revoke", &format!("{name}.pem")]);
        self.lists();
    }

    /// Writes what it has revoked, `ca.crl`.
    pub(super) fn lists(&self) {
        self.signs(&["-gencrl", "-out", "ca.crl"]);
    }
}
