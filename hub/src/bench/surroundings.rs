//! What a hub has beside the agency that sends the load: other agencies, and a catalogue.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::workload::{self, AGENCY, AGENCY_FILE};

/// What a hub has beside the agency that sends the load.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// Other agencies, each with two channels.
    pub(super) others: u32,
    /// The API that they have, and that takes what they are sent.
    pub(super) api: Option<SocketAddr>,
    /// Addresses of further agencies, each of which is sent what the load's agency sends.
    pub(super) receivers: Vec<String>,
    /// A catalogue's folder.
    pub(super) catalogue: Option<PathBuf>,
    /// Further channels of the agency that sends the load.
    pub(super) channels: String,
    /// Its further mappings: names of files, and texts.
    pub(super) mappings: Vec<(&'static str, String)>,
    /// Further lines of the configuration.
    pub(super) lines: String,
}

impl Surroundings {
    /// Writes what they need; gives their lines of the configuration.
    pub(super) fn write(&self, folder: &Path, agencies: &Path) -> io::Result<String> {
        let mut lines = self.lines.clone();
        if !self.channels.is_empty() {
            let file = agencies.join(workload::AGENCY).join("agency.toml");
            let text = fs::read_to_string(&file)?;
            fs::write(&file, format!("{text}{}", self.channels))?;
        }
        for (name, text) in &self.mappings {
            fs::write(agencies.join(workload::AGENCY).join(name), text)?;
        }
        let (mut routes, mut endpoints) = write_receivers(agencies, &self.receivers)?;
        if let Some(api) = self.api {
            let drops = folder.join("drops");
            let (more, sent) = write_others(agencies, &drops, (self.others, api))?;
            routes.push_str(&more);
            endpoints.push_str(&sent);
            lines.push_str(&format!("drops = {:?}\n", drops.display().to_string()));
            lines.push_str("private_networks = [\"127.0.0.1\"]\n");
        }
        if !routes.is_empty() {
            fs::write(folder.join("routes.toml"), routes)?;
            lines.push_str("routes = \"routes.toml\"\n");
        }
        if let Some(catalogue) = &self.catalogue {
            let catalogue = catalogue.canonicalize()?.display().to_string();
            lines.push_str(&format!("catalogue = {catalogue:?}\n"));
        }
        // Tables come last.
        Ok(lines + &endpoints)
    }
}

/// Writes the folders of others like it, as many: each has two channels, one of them a drop folder,
/// and of every second the other an API that is read every minute; and each is sent what it sends.
/// Gives the routes of that, and the endpoints.
fn write_others(
    agencies: &Path,
    drops: &Path,
    (count, api): (u32, SocketAddr),
) -> io::Result<(String, String)> {
    let (mut routes, mut endpoints) = (String::new(), String::new());
    for number in 1..=count {
        let id = format!("{AGENCY}-{number:03}");
        let text = AGENCY_FILE.replace(AGENCY, &id);
        let mut more = format!("transport = \"file\"\nfolder = \"{id}/bang\"\n");
        if number.is_multiple_of(2) {
            more.push_str(&format!("[channels.ho-so.poll]\nurl = \"http://{api}/{number}\"\n"));
        }
        more.push_str("[outbound.nhan]\n");
        workload::write_as(agencies, &id, &format!("{text}{more}"))?;
        fs::create_dir_all(drops.join(&id))?;
        let (route, endpoint) = way(&id, &id, &format!("http://{api}/"));
        routes.push_str(&route);
        endpoints.push_str(&endpoint);
    }
    Ok((routes, endpoints))
}

/// Writes the folders of agencies that are sent, at these addresses, what the load's agency sends.
/// Gives the routes of that, and the endpoints.
fn write_receivers(agencies: &Path, addresses: &[String]) -> io::Result<(String, String)> {
    let (mut routes, mut endpoints) = (String::new(), String::new());
    for (number, address) in addresses.iter().enumerate() {
        let id = format!("{AGENCY}-nhan-{number:03}");
        let text = AGENCY_FILE.replace(AGENCY, &id);
        workload::write_as(agencies, &id, &format!("{text}\n[outbound.nhan]\n"))?;
        let (route, endpoint) = way(AGENCY, &id, address);
        routes.push_str(&route);
        endpoints.push_str(&endpoint);
    }
    Ok((routes, endpoints))
}

/// The route of what one agency sends to another, and the endpoint there.
fn way(from: &str, to: &str, address: &str) -> (String, String) {
    let route =
        format!("[[route]]\ncontract = \"dossier/1\"\nfrom = \"{from}\"\nto = \"{to}.nhan\"\n");
    let endpoint =
        format!("[endpoints.\"{to}.nhan\"]\nurl = \"{address}\"\nprivate = [\"127.0.0.1\"]\n");
    (route, endpoint)
}
