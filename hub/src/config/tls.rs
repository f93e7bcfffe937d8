//! `listen_tls` and `[tls]`: where the hub speaks TLS, and by which files.

use std::{
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use adapters::rest::tls::{TlsFault, TlsFiles, TlsTerms};
use mappings::Diagnostic;
use serde::Deserialize;
use toml::Spanned;

/// Where the hub speaks TLS, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Where it listens for it.
    pub listen: SocketAddr,
    /// Its files.
    pub files: TlsFiles,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    client_crl: Option<PathBuf>,
}

/// The settings; one of the two without the other is a fault.
pub(super) fn read(
    listen: Option<SocketAddr>,
    declared: Option<Spanned<Declared>>,
    (name, text, folder): (&str, &str, &Path),
    found: &mut Vec<Diagnostic>,
) -> Option<TlsSettings> {
    let mut fault = |span, message: &str, advice| {
        found.push(Diagnostic::at(name, text, span, message.to_owned(), advice));
    };
    match (listen, declared) {
        (Some(_), None) => {
            fault(&(0..0), "`listen_tls` takes a certificate and its key", "write them in [tls]");
            None
        }
        (None, Some(told)) => {
            let advice = "write listen_tls = \"ADDRESS:PORT\" above, or take [tls] away";
            fault(&told.span(), "`listen_tls` does not say where TLS is spoken", advice);
            None
        }
        (Some(listen), Some(told)) => {
            let span = told.span();
            let told = told.into_inner();
            if told.client_crl.is_some() && told.client_ca.is_none() {
                let advice = "name the authority by client_ca";
                fault(&span, "`client_crl` is of no authority", advice);
            }
            let whole = |path: PathBuf| folder.join(path);
            let files = TlsFiles {
                certificate: whole(told.certificate),
                key: whole(told.key),
                client_ca: told.client_ca.map(whole),
                client_crl: told.client_crl.map(whole),
            };
            Some(TlsSettings { listen, files })
        }
        (None, None) => None,
    }
}

impl TlsSettings {
    /// What the files say now.
    ///
    /// # Errors
    /// What does not hold; also a private key that others than the hub's user may read.
    pub fn terms(&self) -> Result<TlsTerms, Vec<Diagnostic>> {
        let fault = |TlsFault { file, message, advice }| {
            vec![Diagnostic::at(&file.display().to_string(), "", &(0..0), message, advice)]
        };
        let key = &self.files.key;
        let open = key.metadata().is_ok_and(|about| about.permissions().mode() & 0o077 != 0);
        if open {
            return Err(fault(TlsFault {
                file: key.clone(),
                message: "others than the hub's user may read it".to_owned(),
                advice: "take the right from them: chmod 600",
            }));
        }
        self.files.read().map_err(fault)
    }

    /// The files by what they are for.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let TlsFiles { certificate, key, client_ca, client_crl } = &self.files;
        let all = [
            ("tls/certificate", Some(certificate)),
            ("tls/key", Some(key)),
            ("tls/client_ca", client_ca.as_ref()),
            ("tls/client_crl", client_crl.as_ref()),
        ];
        all.into_iter().filter_map(|(name, file)| Some((name, file?.as_path())))
    }
}
