//! `lienthong check`: reaching it means that everything compiled.

use std::{
    io::{self, Write},
    path::Path,
};

use jiff::Timestamp;
use mappings::coverage::Part;

use super::{Exit, Folder, faulty, with_catalog};
use crate::{
    catalog::Catalog,
    catalogue,
    config::TlsSettings,
    delivery::Deliveries,
    drops,
    hub::{configuration, routes},
    polls::Polls,
    simulation::{Receiving, Simulation},
};

pub(super) fn run(
    catalog: &Catalog,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let mut faults = 0;
    for channel in catalog.channels.values() {
        if let Err(error) = Simulation::check(&channel.folder, &channel.id, Timestamp::now()) {
            writeln!(err, "{error}")?;
            faults += 1;
        }
        let parts = channel.mapping.coverage();
        let rules = parts.iter().filter(|one| one.part == Part::Rule).count();
        writeln!(out, "{}: {rules} rules", channel.id)?;
    }
    for channel in catalog.outbound.values() {
        if let Err(error) = Receiving::load(&channel.folder, &channel.id, 0) {
            writeln!(err, "{error}")?;
            faults += 1;
        }
    }
    if faults > 0 {
        writeln!(err, "{faults} problems")?;
        return Ok(Exit::Faulty);
    }
    let (agencies, channels) = (catalog.agencies.len(), catalog.channels.len());
    writeln!(out, "{agencies} agencies, {channels} channels: no problems")?;
    Ok(Exit::Done)
}

/// `check --config`: the configuration, and the agencies it names.
pub(super) fn configured(
    config: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let config = match configuration(config) {
        Ok(config) => config,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    match config.keys() {
        Ok(keys) => match keys.first() {
            Some(key) => writeln!(out, "at rest: what holds persons is sealed by the key {key}")?,
            None => writeln!(out, "at rest: what holds persons is not sealed (`at_rest`)")?,
        },
        Err(found) => return faulty(&found, err),
    }
    let folder = Folder { mappings: config.agencies.clone() };
    with_catalog(&folder, err, |catalog, contracts, err| {
        if let Err(found) = drops::root(catalog, config.drops.as_deref()) {
            return faulty(&found, err);
        }
        if let Some(Err(found)) = config.tls.as_ref().map(TlsSettings::terms) {
            return faulty(&found, err);
        }
        if let Err(found) = Polls::prepare(catalog, &config) {
            return faulty(&found, err);
        }
        let routes = routes(&config, catalog, contracts);
        let ready = routes.and_then(|routes| {
            Deliveries::prepare(catalog, &routes, &config.endpoints).map(|_| routes.count())
        });
        match ready {
            Ok(0) => {}
            Ok(count) => {
                writeln!(out, "routes: {count}, endpoints: {}", config.endpoints.len())?;
            }
            Err(found) => return faulty(&found, err),
        }
        let read = config.catalogue.as_deref().map(|folder| catalogue::load(folder, contracts));
        match read.transpose() {
            Ok(published) => {
                if let Some(read) = published {
                    let (agencies, fields) = (read.agencies.len(), read.fields.len());
                    let (procedures, units) = (read.procedures.len(), read.units.len());
                    write!(out, "catalogue: {agencies} agencies, {fields} fields, ")?;
                    writeln!(out, "{procedures} procedures, {units} units")?;
                    if let Some(calendar) = &read.calendar {
                        let (first, last) = (calendar.first_day, calendar.last_day);
                        let (days, hours) = (calendar.days.len(), calendar.hours.len());
                        let rules = read.deadlines.len();
                        write!(out, "calendar: {first} to {last}, {days} special days, ")?;
                        writeln!(out, "{hours} office hours, {rules} rules")?;
                    }
                    if let Some(reports) = &read.reports {
                        let (calendars, forms) = (reports.calendar.len(), reports.form.len());
                        writeln!(out, "reports: {calendars} calendars, {forms} forms")?;
                    }
                    if !read.findings.is_empty() {
                        writeln!(out, "findings: {} rules", read.findings.len())?;
                    }
                }
                run(catalog, out, err)
            }
            Err(found) => faulty(&found, err),
        }
    })
}
