//! A configuration read whole and proved, before anything goes by it: every fault of it is told
//! together, and nothing is taken of files that change meanwhile.

use std::path::Path;

use adapters::rest::tls::TlsTerms;
use contracts::Contracts;
use mappings::Diagnostic;

use crate::{
    catalog::Catalog,
    catalogue,
    config::{Config, Sources, TlsSettings},
    delivery::Deliveries,
    drops::{self, Drops},
    journey::route::Routes,
    polls::Polls,
    registry::Catalogue,
};

/// How often files are read that change while they are.
const READS_MAX: u32 = 5;

/// All that a configuration names, ready.
pub(super) struct Parts {
    pub(super) catalog: Catalog,
    pub(super) published: Option<Catalogue>,
    pub(super) routes: Routes,
    pub(super) deliveries: Deliveries,
    pub(super) drops: Drops,
    pub(super) polls: Polls,
    /// What is shown who speaks TLS, where the configuration says that it is spoken.
    pub(super) tls: Option<TlsTerms>,
}

/// What was read, or every fault of it.
type Told<T> = Result<T, Vec<Diagnostic>>;

/// What is sound; what is not adds its faults to those found.
fn sound<T>(read: Told<T>, found: &mut Vec<Diagnostic>) -> Option<T> {
    read.map_err(|faults| found.extend(faults)).ok()
}

impl Parts {
    /// Reads and proves all of it; connects to nothing. `before` is what woke who delivers until
    /// now, `ready` makes the drop folders of a catalogue that is sound in all else.
    pub(super) fn read(
        config: &Config,
        contracts: &Contracts,
        (before, mut found): (&Routes, Vec<Diagnostic>),
        ready: impl FnOnce(&Catalog) -> Told<Drops>,
    ) -> Told<Self> {
        let tls = config.tls.as_ref().map(TlsSettings::terms).transpose();
        let tls = sound(tls, &mut found).flatten();
        let published = config.catalogue.as_deref().map(|told| catalogue::load(told, contracts));
        let published = sound(published.transpose(), &mut found);
        let catalog = sound(Catalog::load(&config.agencies, contracts), &mut found);
        let (Some(catalog), Some(published)) = (catalog, published) else { return Err(found) };
        let routes = sound(routes(config, &catalog, contracts), &mut found);
        let routes = routes.map(|routes| routes.waking_as(before));
        let deliveries = routes.as_ref().and_then(|routes| {
            sound(Deliveries::prepare(&catalog, routes, &config.endpoints), &mut found)
        });
        let polls = sound(Polls::prepare(&catalog, config), &mut found);
        let drops = match found.is_empty() {
            true => ready(&catalog),
            // Folders are made for what is put in force alone.
            false => drops::root(&catalog, config.drops.as_deref()).map(|_| Drops::default()),
        };
        match (sound(drops, &mut found), routes, deliveries, polls) {
            (Some(drops), Some(routes), Some(deliveries), Some(polls)) if found.is_empty() => {
                Ok(Self { catalog, published, routes, deliveries, drops, polls, tls })
            }
            _ => Err(found),
        }
    }
}

/// Reads a configuration and what it names, until nothing has changed meanwhile: what is being
/// written, copied or checked out is not taken by half.
///
/// # Errors
/// Every fault of it; also when it goes on changing.
pub(super) fn whole<T>(
    config: impl Fn() -> Told<Config>,
    read: impl Fn(&Config, &Sources) -> Told<T>,
) -> Told<(Config, Sources, T)> {
    let look = || {
        config().map(|config| {
            let sources = config.sources();
            (config, sources)
        })
    };
    let mut first = look();
    for _ in 0..READS_MAX {
        let made = match &first {
            Ok((config, sources)) => read(config, sources),
            Err(found) => Err(found.clone()),
        };
        let second = look();
        if first == second {
            return first.and_then(|(config, sources)| Ok((config, sources, made?)));
        }
        first = second;
    }
    let message = "the files of the configuration change while they are read".to_owned();
    let advice = "write them all, and have them read again then";
    Err(vec![Diagnostic::at("hub.toml", "", &(0..0), message, advice)])
}

/// The routes that the configuration names; none where it names none.
///
/// # Errors
/// Every fault of them.
pub fn routes(config: &Config, catalog: &Catalog, contracts: &Contracts) -> Told<Routes> {
    let file: Option<&Path> = config.routes.as_deref();
    let read = file.map(|file| Routes::load(file, catalog, contracts)).transpose()?;
    Ok(read.unwrap_or_default().beside(catalog))
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, fs};

    use super::*;

    #[test]
    fn files_that_change_while_they_are_read_are_read_again_and_not_without_end() {
        let folder = std::env::temp_dir().join(format!("lienthong-whole-{}", std::process::id()));
        fs::create_dir_all(folder.join("agencies/so-a/.git")).unwrap();
        let file = folder.join("hub.toml");
        fs::write(&file, "store = \"sqlite:hub.db\"\nagencies = \"agencies\"\n").unwrap();
        let (reads, changes) = (Cell::new(0), Cell::new(2));
        let read = || {
            whole(
                || Config::read(&file),
                |_, _| {
                    reads.set(reads.get() + 1);
                    if reads.get() <= changes.get() {
                        let text = format!("{}", reads.get());
                        fs::write(folder.join("agencies/so-a/agency.toml"), text).unwrap();
                    }
                    // What editors and version control keep there is no part of it.
                    fs::write(folder.join("agencies/so-a/.git/index"), [reads.get()]).unwrap();
                    Ok(reads.get())
                },
            )
        };
        let (config, sources, number) = read().unwrap();
        assert_eq!((number, &sources), (3, &config.sources()), "as it stands in the end");
        changes.set(u8::MAX);
        let found = read().unwrap_err();
        assert!(found.len() == 1 && found[0].message.contains("change while"), "{found:?}");
        assert_eq!(u32::from(reads.get()), 3 + READS_MAX);
        fs::remove_dir_all(folder).unwrap();
    }
}
