//! Every simulated agency, through its own mapping.

use std::{collections::BTreeSet, path::PathBuf};

use contracts::Contracts;
use jiff::{SignedDuration, Timestamp};
use mappings::Gazetteer;

use super::{Native, Simulation};
use crate::{
    catalog::{self, Catalog, Channel},
    journey::translate::translate,
};

const MESSAGES: usize = 400;

struct Rig {
    catalog: Catalog,
    contracts: Contracts,
    gazetteer: Gazetteer,
}

impl Rig {
    fn new() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../mappings/agencies");
        let contracts = Contracts::builtin().unwrap();
        let catalog = Catalog::load(&root, &contracts).unwrap_or_else(|found| panic!("{found:?}"));
        Self { catalog, contracts, gazetteer: catalog::gazetteer().unwrap() }
    }

    /// The channels that are played on.
    fn played(&self) -> Vec<&Channel> {
        let channels = self.catalog.channels.values();
        let has = |channel: &&Channel| {
            Simulation::load(&channel.folder, &channel.id, 1).unwrap().is_some()
        };
        channels.filter(has).collect()
    }

    /// Records taken of a message, and codes of the problems of those that are not.
    fn apply(&self, channel: &Channel, payload: &[u8], now: Timestamp) -> (usize, Vec<String>) {
        let (mut taken, mut codes) = (0, Vec::new());
        let (contracts, gazetteer) = (&self.contracts, &self.gazetteer);
        translate(channel, contracts, gazetteer, payload, now, &mut |item| {
            match item.outcome {
                Ok(prepared) => taken += prepared.len(),
                Err(problems) => codes.extend(problems.iter().map(|one| {
                    format!("{} {} {:?} {}", one.code, one.pointer, one.value, one.rule)
                })),
            }
            true
        });
        (taken, codes)
    }
}

fn begin() -> Timestamp {
    "2026-11-26T01:00:00Z".parse().unwrap()
}

fn simulated(channel: &Channel, seed: u64) -> (Simulation, Vec<(Native, Timestamp)>) {
    let mut simulation = Simulation::load(&channel.folder, &channel.id, seed).unwrap().unwrap();
    let mut now = begin();
    let messages = (0..MESSAGES).map(|_| {
        now = now.checked_add(SignedDuration::from_secs(20)).unwrap();
        (simulation.next(now).unwrap_or_else(|error| panic!("{seed}: {error}")), now)
    });
    let messages = messages.collect();
    (simulation, messages)
}

#[test]
fn what_is_meant_to_be_right_is_taken_and_each_mistake_is_told_by_its_code() {
    let rig = Rig::new();
    assert_eq!(rig.played().len(), 10);
    for channel in rig.played() {
        // Workbooks are opened by a process of the real program: the demo's test has them.
        if channel.mapping.sheet().is_some() {
            continue;
        }
        for seed in [1, 20_261_126, 77_777] {
            let place = format!("{} seed {seed}", channel.id);
            let (simulation, messages) = simulated(channel, seed);
            let mut told = BTreeSet::new();
            for (native, now) in &messages {
                let (taken, codes) = rig.apply(channel, &native.payload, *now);
                match &native.wrong {
                    None => {
                        assert!(codes.is_empty(), "{place} {}: {codes:?}", native.id);
                        assert_eq!(taken, native.dossiers, "{place} {}", native.id);
                    }
                    // The store tells that, not the mapping.
                    Some(code) if code == "id-reused" => _ = told.insert(code.clone()),
                    Some(code) => {
                        let found = codes.iter().any(|one| one.starts_with(code.as_str()));
                        assert!(found, "{place} {} {code}: {codes:?}", native.id);
                        told.insert(code.clone());
                    }
                }
            }
            let all: BTreeSet<String> = simulation.mistakes().map(ToOwned::to_owned).collect();
            assert_eq!(told, all, "{place}");
            let wrong = messages.iter().filter(|(native, _)| native.wrong.is_some()).count();
            assert!((MESSAGES / 25..MESSAGES / 4).contains(&wrong), "{place}: {wrong} wrong");
        }
    }
}

#[test]
fn a_seed_repeats_a_simulation_and_another_does_not() {
    let rig = Rig::new();
    for channel in rig.played() {
        let all = |seed| -> Vec<(String, Vec<u8>)> {
            let (_, messages) = simulated(channel, seed);
            messages.into_iter().map(|(native, _)| (native.id, native.payload)).collect()
        };
        let first = all(5);
        assert_eq!(first, all(5), "{}", channel.id);
        let names = |list: &[(String, Vec<u8>)]| -> BTreeSet<String> {
            list.iter().map(|(id, _)| id.clone()).collect()
        };
        // As if begun ten seconds later: no id of the one is one of the other's.
        assert!(names(&first).is_disjoint(&names(&all(15))), "{}", channel.id);
    }
}

#[test]
fn a_simulation_of_many_messages_keeps_no_more_than_a_few_dossiers() {
    let rig = Rig::new();
    let channel = &rig.catalog.channels["ubnd-bien-hoa.ho-so"];
    let (mut simulation, _) = simulated(channel, 9);
    let mut open_max = 0;
    for second in 0..20_000 {
        let now = begin().checked_add(SignedDuration::from_secs(second)).unwrap();
        simulation.next(now).unwrap();
        open_max = open_max.max(simulation.casebook.open_count());
    }
    assert!((10..=40).contains(&open_max), "{open_max}");
}

#[test]
fn people_wait_unevenly_and_pace_shortens_it() {
    let rig = Rig::new();
    let channel = &rig.catalog.channels["so-noi-vu.ho-so"];
    let mut simulation = Simulation::load(&channel.folder, &channel.id, 3).unwrap().unwrap();
    let mut waits: Vec<f64> = (0..500).map(|_| simulation.pause(1.0).as_secs_f64()).collect();
    waits.sort_by(f64::total_cmp);
    let mean = waits.iter().sum::<f64>() / 500.0;
    assert!((40.0..60.0).contains(&mean), "{mean}");
    assert!(waits[0] < 10.0 && waits[499] > 120.0, "{} to {}", waits[0], waits[499]);
    assert!(simulation.pause(1_000.0).as_secs_f64() < 0.25);
}
