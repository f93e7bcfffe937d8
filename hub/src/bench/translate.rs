//! `bench translate` (P1): bytes of one dossier to the sealed record and its stored texts.

use std::{hint::black_box, time::Instant};

use clap::Args;
use contracts::Contracts;
use jiff::Timestamp;
use mappings::Gazetteer;

use super::{BenchError, Table, clock, naive, stop, workload};
use crate::{
    catalog::{self, Channel},
    journey::translate::translate,
};

/// Different messages in a round: more than the first caches hold, as in a hub.
const MESSAGES: u64 = 256;

/// How long to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Rounds; each measures every line once, in turn.
    #[arg(long, default_value_t = 15)]
    pub(crate) rounds: u32,
    /// Messages that a line takes in one round.
    #[arg(long, default_value_t = 2_048)]
    pub(crate) messages: u32,
}

/// What is measured, on the same messages.
struct Bench {
    texts: Vec<String>,
    contracts: Contracts,
    gazetteer: Gazetteer,
    channel: Channel,
    validator: jsonschema::Validator,
    tables: naive::Tables,
    places: Vec<usize>,
    clock: Timestamp,
}

/// One way to deal with a message; false where it could not.
type Work = fn(&mut Bench, usize) -> bool;

const LINES: [(&str, Work); 5] = [
    ("byte scan", Bench::scan),
    ("quick-xml events", Bench::events),
    ("naive whole", Bench::naive),
    ("mapping alone", Bench::map),
    ("translate", Bench::translate),
];

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let mut bench = Bench::new(seed)?;
    let mut taken: Vec<Vec<f64>> = vec![Vec::new(); LINES.len()];
    let mut by_cpu = true;
    // The first round warms up and is not counted.
    for round in 0..=options.rounds.max(1) {
        for ((name, work), taken) in LINES.iter().zip(&mut taken) {
            let (micros, cpu) = bench.round(*work, options.messages).ok_or_else(|| {
                BenchError::Damaged(format!("{name}: a message of the load is not taken"))
            })?;
            by_cpu &= cpu;
            if round > 0 {
                taken.push(micros);
            }
        }
        stop::check()?;
    }
    let bytes = bench.texts.iter().map(String::len).sum::<usize>() / bench.texts.len().max(1);
    let clock = if by_cpu { "CPU time of the thread" } else { "wall time" };
    let mut table = Table::new(format!(
        "bench translate: XML of {bytes} bytes on average, one core, {clock}, {} rounds of {}, \
         seed {seed}",
        options.rounds, options.messages
    ));
    let mut floors = (0.0, 0.0);
    for ((name, _), taken) in LINES.iter().zip(&mut taken) {
        taken.sort_by(f64::total_cmp);
        let least = taken.first().copied().unwrap_or_default();
        let median = taken.get(taken.len() / 2).copied().unwrap_or_default();
        match *name {
            "mapping alone" | "translate" => {
                table.against((&format!("{name}, least"), least, "µs"), ("naive whole", floors.0));
                let median = (&*format!("{name}, median"), median, "µs");
                table.against(median, ("naive whole", floors.1));
            }
            _ => {
                table.line(format!("{name}, least"), least, "µs");
                table.line(format!("{name}, median"), median, "µs");
                floors = (least, median);
            }
        }
    }
    Ok(table)
}

impl Bench {
    fn new(seed: u64) -> Result<Self, BenchError> {
        let load = workload::Workload::new(seed)?;
        let contracts = Contracts::builtin();
        let contracts = contracts.map_err(|error| BenchError::Damaged(error.to_string()))?;
        let damaged = |error: &dyn std::fmt::Display| BenchError::Damaged(error.to_string());
        let dossier = "dossier/1".parse().map_err(|error| damaged(&error))?;
        let schema = contracts.schema(&dossier).ok_or_else(|| damaged(&"there is no dossier/1"))?;
        let validator = jsonschema::validator_for(schema).map_err(|error| damaged(&error))?;
        let text = |number: u64| {
            let mut text = String::new();
            load.message(number..number + 1, number % 6, &mut text);
            text
        };
        Ok(Self {
            texts: (0..MESSAGES).map(text).collect(),
            channel: workload::channel(&contracts)?,
            contracts,
            gazetteer: catalog::gazetteer().map_err(BenchError::Damaged)?,
            validator,
            tables: naive::Tables::default(),
            places: Vec::new(),
            clock: Timestamp::now(),
        })
    }

    /// Microseconds a message, and whether they are of the thread's CPU.
    fn round(&mut self, work: Work, messages: u32) -> Option<(f64, bool)> {
        let (wall, cpu) = (Instant::now(), clock::thread_nanos());
        for number in 0..messages as usize {
            if !black_box(work(self, number % MESSAGES as usize)) {
                return None;
            }
        }
        let wall = wall.elapsed().as_nanos() as f64;
        let spent = cpu.zip(clock::thread_nanos()).map(|(from, to)| to.saturating_sub(from) as f64);
        let nanos = spent.unwrap_or(wall);
        Some((nanos / 1_000.0 / f64::from(messages.max(1)), spent.is_some()))
    }

    fn scan(&mut self, at: usize) -> bool {
        let Some(text) = self.texts.get(at) else { return false };
        naive::scan(black_box(text.as_bytes()), &mut self.places);
        !self.places.is_empty()
    }

    fn events(&mut self, at: usize) -> bool {
        let text = self.texts.get(at);
        text.is_some_and(|text| naive::events(black_box(text)).is_ok_and(|count| count > 0))
    }

    fn naive(&mut self, at: usize) -> bool {
        let Some(text) = self.texts.get(at) else { return false };
        let Some(body) = naive::body(black_box(text), &self.tables) else { return false };
        self.validator.is_valid(&body) && serde_json::to_string(&body).is_ok()
    }

    fn map(&mut self, at: usize) -> bool {
        let Some(text) = self.texts.get(at) else { return false };
        let mut taken = 0;
        let payload = black_box(text.as_bytes());
        let count = &mut |_: &mappings::Origin<'_>, outcome: mappings::Outcome<'_>| {
            taken += u32::from(outcome.is_ok())
        };
        let read = mappings::apply(&self.channel.mapping, payload, &self.gazetteer, count);
        read.is_ok() && taken == 1
    }

    fn translate(&mut self, at: usize) -> bool {
        let Some(text) = self.texts.get(at) else { return false };
        let mut taken = 0;
        let mut take = |item: crate::store::Item| {
            taken += u32::from(item.outcome.is_ok());
            true
        };
        let payload = black_box(text.as_bytes());
        let Self { channel, contracts, gazetteer, clock, .. } = self;
        translate(channel, contracts, gazetteer, payload, *clock, &mut take);
        taken == 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_load_is_mapped_without_refusal_and_as_a_program_by_hand_would() {
        let mut bench = Bench::new(7).unwrap();
        for at in 0..MESSAGES as usize {
            let text = bench.texts[at].clone();
            assert!((2_900..=3_000).contains(&text.len()), "{} bytes", text.len());
            let mut bodies = Vec::new();
            mappings::apply(
                &bench.channel.mapping,
                text.as_bytes(),
                &bench.gazetteer,
                &mut |_, outcome| bodies.extend(outcome.unwrap().iter().map(|one| one.body.json())),
            )
            .unwrap();
            assert_eq!(bodies.len(), 1);
            let by_hand = naive::body(&text, &bench.tables).unwrap();
            assert_eq!(bodies[0], by_hand, "{text}");
            assert!(LINES.iter().all(|(_, work)| work(&mut bench, at)), "{text}");
        }
    }

    #[test]
    fn every_rule_of_the_load_is_used() {
        let mut bench = Bench::new(7).unwrap();
        assert!((0..MESSAGES as usize).all(|at| bench.map(at)));
        let unused: Vec<_> =
            bench.channel.mapping.coverage().into_iter().filter(|rule| rule.used == 0).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn another_seed_dossier_or_version_is_another_message_and_the_same_is_equal() {
        let mut seen = BTreeSet::new();
        for (seed, number, version) in [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (1, 0, 1_000)] {
            let load = workload::Workload::new(seed).unwrap();
            let message = |text: &mut String| load.message(number..number + 1, version, text);
            let (mut one, mut again) = (String::new(), String::new());
            message(&mut one);
            message(&mut again);
            assert_eq!(one, again);
            assert!(one.contains(&workload::Workload::code(number)));
            assert!(seen.insert(one), "{seed} {number} {version}");
        }
    }
}
