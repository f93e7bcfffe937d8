//! `lienthong check`: reaching it means that everything compiled.

use std::io::{self, Write};

use super::Exit;
use crate::catalog::Catalog;

pub(super) fn run(catalog: &Catalog, out: &mut impl Write) -> io::Result<Exit> {
    for channel in catalog.channels.values() {
        writeln!(out, "{}: {} rules", channel.id, channel.mapping.lineage().len())?;
    }
    let (agencies, channels) = (catalog.agencies.len(), catalog.channels.len());
    writeln!(out, "{agencies} agencies, {channels} channels: no problems")?;
    Ok(Exit::Done)
}
