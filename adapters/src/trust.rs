//! Whom the hub trusts over TLS: the system's own list, read once for all clients. Two hundred that
//! each read it for themselves hold it two hundred times.

use std::sync::OnceLock;

use reqwest::ClientBuilder;
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;

/// A client that shares the list. Where the system has none that can be read, building it says so.
pub(crate) fn sharing(client: ClientBuilder) -> ClientBuilder {
    static READ: OnceLock<Option<ClientConfig>> = OnceLock::new();
    match READ.get_or_init(|| ClientConfig::with_platform_verifier().ok()) {
        Some(tls) => client.tls_backend_preconfigured(tls.clone()),
        None => client,
    }
}
