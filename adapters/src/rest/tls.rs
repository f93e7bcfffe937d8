//! TLS of the server: the certificate that it shows, and whose certificates clients may show.
//!
//! Both may change while it serves: a connection has what was here when it began, and sessions of
//! before are not resumed by what comes after.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{
        CertificateDer, CertificateRevocationListDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::WebPkiClientVerifier,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::wire::Wire;

/// The files, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, with those between it and its authority behind it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates clients may show. Without, none is asked for.
    pub client_ca: Option<PathBuf>,
    /// What these have revoked.
    pub client_crl: Option<PathBuf>,
}

/// What is wrong with one of the files; no text of it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFault {
    /// Which.
    pub file: PathBuf,
    /// What.
    pub message: String,
    /// How to mend it.
    pub advice: &'static str,
}

impl TlsFault {
    fn new(file: &Path, message: impl ToString, advice: &'static str) -> Self {
        Self { file: file.to_owned(), message: message.to_string(), advice }
    }
}

/// What the files say, proved to hold together.
#[derive(Clone)]
pub struct TlsTerms(Arc<ServerConfig>);

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// The first of them that does not hold.
    pub fn read(&self) -> Result<TlsTerms, TlsFault> {
        let chain: Vec<CertificateDer<'static>> = all(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|why| unread(&self.key, &why, "put the private key in it, as PEM"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let begun = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|why| TlsFault::new(&self.certificate, why, "report this"))?;
        let asking = match &self.client_ca {
            None => begun.with_no_client_auth(),
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for authority in all(file)? {
                    roots.add(authority).map_err(|why| TlsFault::new(file, why, AUTHORITY))?;
                }
                let revoked: Vec<CertificateRevocationListDer<'static>> =
                    self.client_crl.as_deref().map(all).transpose()?.unwrap_or_default();
                // Who shows none may still bear a key that has a secret.
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                    .with_crls(revoked)
                    .allow_unknown_revocation_status()
                    .allow_unauthenticated()
                    .build();
                let fault = |why| match &self.client_crl {
                    Some(list) => TlsFault::new(list, why, LIST),
                    None => TlsFault::new(file, why, AUTHORITY),
                };
                begun.with_client_cert_verifier(verifier.map_err(fault)?)
            }
        };
        let advice = "name the key that the certificate was made for";
        let mut terms = asking
            .with_single_cert(chain, key)
            .map_err(|why| TlsFault::new(&self.key, why, advice))?;
        terms.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsTerms(Arc::new(terms)))
    }
}

const LIST: &str = "put the authority's lists in it, as PEM, of version 2 (RFC 5280)";
const AUTHORITY: &str = "put the authority's certificate in it, as PEM";

fn unread(file: &Path, why: &pem::Error, advice: &'static str) -> TlsFault {
    match why {
        pem::Error::Io(why) => TlsFault::new(file, format!("it cannot be read: {why}"), advice),
        pem::Error::NoItemsFound => TlsFault::new(file, "there is none in it", advice),
        _ => TlsFault::new(file, "it is no PEM", advice),
    }
}

/// All of one kind that a file holds: at least one.
fn all<T: PemObject>(file: &Path) -> Result<Vec<T>, TlsFault> {
    let advice = "write it as PEM";
    let text = fs::read(file)
        .map_err(|why| TlsFault::new(file, format!("it cannot be read: {why}"), advice))?;
    let found: Result<Vec<T>, pem::Error> = T::pem_slice_iter(&text).collect();
    let found = found.map_err(|why| unread(file, &why, advice))?;
    if found.is_empty() {
        return Err(unread(file, &pem::Error::NoItemsFound, advice));
    }
    Ok(found)
}

/// What a server shows and asks for just now.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<TlsTerms>>);

impl From<TlsTerms> for Tls {
    fn from(terms: TlsTerms) -> Self {
        Self(Arc::new(RwLock::new(terms)))
    }
}

impl Tls {
    /// By other terms from the next connection on.
    pub fn change(&self, to: TlsTerms) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = to;
    }

    /// Agrees with a client on how to speak.
    pub(super) async fn agree(&self, wire: Wire) -> io::Result<TlsStream<Wire>> {
        let TlsTerms(terms) = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(terms).accept(wire).await
    }
}

/// The certificate that a client has shown, where it has.
pub(super) fn shown(stream: &TlsStream<Wire>) -> Option<&[u8]> {
    let (_, session) = stream.get_ref();
    session.peer_certificates()?.first().map(AsRef::as_ref)
}
