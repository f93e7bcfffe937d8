//! Where e-services are: `links.csv` of a catalogue's folder.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use adapters::outbound::{
    client::{ADDRESS_BYTES_MAX, Unfit},
    visit::Address,
};
use mappings::text::normalise::toned_key;

use super::names;
use crate::{
    catalogue::{
        cell::{Faults, needed},
        services::{CODE, filled},
        table::{Row, Table},
    },
    registry::{Catalogue, catalogue::ServiceAddress},
};

/// The file, where there is one.
pub(super) const LINKS: &str = "links.csv";

/// What `{code}` may stand for, to look at an address of which nobody has filled in any.
const ANY_CODE: &str = "1.000001";

/// Reads and proves the addresses.
pub(super) fn services(
    folder: &Path,
    (catalogue, agencies): (&Catalogue, &BTreeSet<&str>),
    found: &mut Faults,
) -> Vec<ServiceAddress> {
    let table = match Table::read(folder, LINKS, &["agency", "procedure", "url"], &[]) {
        Ok(table) => table,
        Err(faults) => {
            found.extend(faults);
            return Vec::new();
        }
    };
    let procedures: HashSet<(&str, String)> = catalogue
        .procedures
        .iter()
        .flat_map(|one| {
            let called = [one.code.as_ref(), one.source_code.as_ref(), Some(&one.name)];
            called.into_iter().flatten().map(|name| (one.agency.as_str(), toned_key(name)))
        })
        .collect();
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for row in table.iter() {
        let agency = needed(row, "agency", found);
        names(row, "agency", agencies, found);
        let procedure = row.cell("procedure");
        if let Some(named) = procedure.map(toned_key) {
            if !procedures.contains(&(agency.as_str(), named)) && agencies.contains(&*agency) {
                let message = format!("`{agency}` has no such procedure");
                let advice = "write a code or name that it has in procedures.csv";
                found.push(row.fault("procedure", message, advice));
            }
        } else {
            needed(row, "url", found);
        }
        if !seen.insert((agency.clone(), procedure.map(toned_key))) {
            let message = "this stands twice".to_owned();
            found.push(row.fault("agency", message, "keep one of them"));
        }
        let url = row.cell("url").map(ToOwned::to_owned);
        if let Some(url) = &url {
            sound(row, url, found);
        }
        let procedure = procedure.map(ToOwned::to_owned);
        all.push(ServiceAddress { agency, procedure, url });
    }
    all
}

/// Looks at an address with a code in it.
fn sound(row: Row<'_>, url: &str, found: &mut Faults) {
    let braces = url.replace(CODE, "").contains(['{', '}']);
    let (host, other) = (Address::parse(&filled(url, ANY_CODE)), Address::parse(&filled(url, "x")));
    let (message, advice) = match (host, other) {
        _ if braces => ("only `{code}` may stand between braces", "write {code}, or no braces"),
        (Ok(host), Ok(other)) if host.host != other.host => {
            ("the host hangs on the procedure's code", "put {code} behind the host")
        }
        (Ok(_), _) => return,
        (Err(unfit), _) => told(unfit),
    };
    found.push(row.fault("url", message.to_owned(), advice));
}

fn told(unfit: Unfit) -> (&'static str, &'static str) {
    const WHOLE: &str = "write it whole, such as https://dichvucong.dongnai.gov.vn/?ma={code}";
    const NAME: &str = "write a name that everybody can look up";
    match unfit {
        Unfit::TooLong => ("the address is too long", "write at most 2000 bytes"),
        Unfit::Scheme => ("this is no address of the web", WHOLE),
        Unfit::Credentials => ("a name or password stands in the address", "leave it out"),
        Unfit::Port => ("what listens at this port speaks no HTTP", "write 443 or one from 1024"),
        Unfit::Clear => ("people are led there in clear", "write https://"),
        Unfit::Private => ("its host is no public name", NAME),
        Unfit::NoAddress | Unfit::Fragment | Unfit::Unknown => ("this is no address", WHOLE),
    }
}

const _: () = assert!(ADDRESS_BYTES_MAX == 2_000, "the advice names it");
