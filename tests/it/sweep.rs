//! The hub ends at every step by which an effect leaves it, one step after another: each write to
//! its store and to a line, each sync, cut and name of a file, before it, in the midst of it and
//! after it; and at each with the power cut, so that what it had not synced is lost. Started again
//! without anything repaired, it comes to what it comes to otherwise.
//!
//! A short run takes steps of each kind in turns, evenly, and the endings in turns.
//! `LIENTHONG_SWEEP=all` takes each ending at each step, `LIENTHONG_SWEEP=2/8` the second of eight
//! parts of these, `LIENTHONG_SWEEP=200` so many.

mod course;
mod end;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    env,
    sync::Arc,
};

use tokio::{
    runtime::Builder,
    task::{JoinError, JoinSet},
};

use crate::{
    backend::{Backend, on_each_store},
    bus,
    harness::{Folder, seed},
    polls::foreign::Broker,
    preload::{Ending, KINDS, Place},
};

use course::Course;
use end::End;

/// Ends of a hub in a short run.
const SHORT: u64 = 12;
/// The same with a broker, where one hub comes after the other.
const SHORT_BUS: u64 = 5;
/// Power cuts in a short run.
const SHORT_POWER: u64 = 15;
/// Of a hundred ends that were wanted so many must come about: how many steps a course takes hangs
/// a little on when its threads are woken.
const REACHED_PERCENT: u64 = 85;
/// How often a hub is to end at a place, which lies earlier each time: where it took fewer steps
/// than the undisturbed one it had ended of itself before it was there.
const TRIES: u32 = 4;

on_each_store!(a_hub_that_ends_at_any_step_comes_to_what_it_comes_to_otherwise);

async fn a_hub_that_ends_at_any_step_comes_to_what_it_comes_to_otherwise(backend: Backend) {
    // On PostgreSQL a hub waits until the leases of the one before it are over.
    let at_once = match backend {
        Backend::Sqlite => 4,
        Backend::Postgres => 12,
    };
    Sweep { backend, bus: None, endings: Ending::KILLED }.holds(at_once, SHORT).await;
}

/// What was acknowledged, told and shown was on the disk before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_power_cut_at_any_step_takes_nothing_that_anybody_was_told() {
    let sweep = Sweep { backend: Backend::Sqlite, bus: None, endings: Ending::POWERLESS };
    let ends = sweep.holds(4, SHORT_POWER).await;
    let lost = |of: fn(&End) -> u64| ends.iter().map(of).sum::<u64>();
    let (contents, names) = (lost(|end| end.lost.0), lost(|end| end.lost.1));
    println!("{contents} changes of contents and {names} of names were not synced");
    let few = (ends.len() as u64) < SHORT_POWER;
    assert!(few || (contents > 0 && names > 0), "all was synced at once: the test tells nothing");
}

/// With a broker: its lines are steps too, and it has every entry in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hub_that_ends_at_any_step_of_publishing_publishes_all() {
    let broker = Arc::new(Broker::start());
    let (backend, bus) = (Backend::Sqlite, Some(broker.clone()));
    let sweep = Sweep { backend, bus, endings: Ending::KILLED };
    // One hub at a time: they would be several processes of one broker's hub.
    let ends = sweep.holds(1, SHORT_BUS).await;
    let reader = Folder::new("sweep-reader");
    let mut had: BTreeMap<String, String> = BTreeMap::new();
    for (_, event) in bus::read(&reader, &broker, "first") {
        let id = event["id"].as_str().unwrap().to_owned();
        assert_eq!(had.insert(id, event.to_string()), None, "{event}: once by its id");
    }
    let had: BTreeSet<String> = had.into_keys().collect();
    let fed: BTreeSet<String> = ends.into_iter().flat_map(|end| end.fed).collect();
    assert_eq!(had, fed, "at the broker, and in the feeds");
}

/// Endings at one step.
const ENDINGS: u64 = Ending::KILLED.len() as u64;

/// Where hubs are swept.
#[derive(Clone)]
struct Sweep {
    backend: Backend,
    bus: Option<Arc<Broker>>,
    endings: [Ending; 3],
}

/// One end that is wanted.
#[derive(Clone, Copy)]
struct Wanted {
    number: usize,
    tries: u32,
    place: Place,
}

impl Wanted {
    /// The same a little earlier, where there is such a step.
    fn earlier(self) -> Option<Self> {
        let step = self.place.step * 4 / 5;
        let again = Self { tries: self.tries + 1, place: Place { step, ..self.place }, ..self };
        (step > 0 && self.tries < TRIES).then_some(again)
    }
}

/// What became of one end that was wanted.
type Ended = (Wanted, Result<End, JoinError>);

impl Sweep {
    async fn run(self, name: String, place: Place) -> End {
        Course::new(self.backend, &name, self.bus.as_deref()).await.runs(place).await
    }

    /// Which ends of a hub are tried, one that is not ended having taken so many steps.
    fn places(&self, steps: [u64; KINDS.len()], seed: u64, short: u64) -> Vec<Place> {
        let ending = |one: u64| self.endings[((seed + one) % ENDINGS) as usize];
        let place = |step, of, one| Place { step, of, ending: ending(one), seed: seed + one };
        let all: u64 = steps.iter().sum();
        let given = env::var("LIENTHONG_SWEEP").ok();
        let given = given.as_deref().map(|text| if text == "all" { "1/1" } else { text });
        if let Some((part, parts)) = given.and_then(|text| text.split_once('/')) {
            let [part, parts]: [u64; 2] = [part, parts].map(|text| text.parse().unwrap());
            let own = (0..all * ENDINGS).filter(|one| one % parts == part - 1);
            return own.map(|one| place(1 + one / ENDINGS, None, one)).collect();
        }
        let wanted = given.map_or(short, |number| number.parse().unwrap());
        // Kinds come in turns: what is said to others is as telling as all that is written, and
        // there is far less of it.
        let kinds: Vec<usize> = (0..KINDS.len()).filter(|kind| steps[*kind] > 0).collect();
        let turns = kinds.len() as u64;
        let each = |one: u64| {
            let kind = kinds[(one % turns) as usize];
            let step = (seed % 7 + one) * steps[kind] / (wanted + 7);
            place(1 + step, Some(kind), one)
        };
        (0..u64::min(wanted, all)).map(each).collect()
    }

    /// The name of a hub, by its number.
    fn name(&self, number: &str) -> String {
        let kind = match (&self.bus, self.endings == Ending::POWERLESS) {
            (Some(_), _) => "-bus",
            (None, true) => "-power",
            (None, false) => "",
        };
        format!("sweep{kind}-{number}")
    }

    /// Ends hubs at the chosen places; gives what each came to, and what the undisturbed one did.
    async fn holds(self, at_once: usize, short: u64) -> Vec<End> {
        let seed = seed(20_261_128);
        let whole = self.clone().run(self.name("whole"), Place::NONE).await;
        let places = self.places(whole.steps, seed, short);
        let wanted = places.len() as u64;
        let (mut ends, mut faults, mut reached) = (vec![whole], Vec::new(), BTreeMap::new());
        let mut again = 0;
        let mut under_way = JoinSet::new();
        let numbered = places.into_iter().enumerate();
        let mut left: VecDeque<Wanted> =
            numbered.map(|(number, place)| Wanted { number, tries: 1, place }).collect();
        loop {
            while under_way.len() < at_once
                && let Some(wanted) = left.pop_front()
            {
                under_way.spawn(self.clone().one(wanted));
            }
            let Some(done) = under_way.join_next().await else { break };
            let (wanted, done) = done.unwrap();
            let place = wanted.place;
            let Ok(end) = done else {
                faults.push(format!("{place:?}: see above"));
                continue;
            };
            let differs = end.differs(&ends[0]);
            if !differs.is_empty() {
                faults.push(format!("{place:?}, a {:?}: {differs:#?}", end.ended));
            }
            if let Some(kind) = end.ended {
                *reached.entry(kind).or_insert(0) += 1;
            } else {
                left.extend(wanted.earlier());
            }
            again += end.again;
            ends.push(end);
        }
        println!(
            "{:?}: {:?} steps of {KINDS:?}; of {wanted} ends wanted there were {reached:?}; \
             {again} deliveries came again",
            self.backend, ends[0].steps
        );
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
        let reached: u64 = reached.into_values().sum();
        assert!(reached * 100 >= wanted * REACHED_PERCENT, "only {reached} of {wanted} came about");
        ends
    }

    /// On a thread of its own: commands that are waited for keep no other hub's neighbours waiting.
    async fn one(self, wanted: Wanted) -> Ended {
        let (number, tries, place) = (wanted.number, wanted.tries, wanted.place);
        let name = self.name(&format!("{number}-{tries}"));
        let course = move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(self.run(name, place))
        };
        (wanted, tokio::task::spawn_blocking(course).await)
    }
}
