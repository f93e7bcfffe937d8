//! Findings, judged behind the journal (decision 26).
//!
//! Entry after entry is judged in the order of positions, by the rules and the edition of the
//! catalogue in force there, and what is known of the dossiers that it may touch up to there. So
//! the same journal gives the same findings, opened and closed by the same entries, however it is
//! cut into turns: a recount ([`recount`]) shows that what is kept is that.

mod kept;
mod pace;
mod recount;
mod timely;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    journal::{entry::EntryKind, merkle::Digest},
    registry::{
        Catalogue, Dimension, Measure,
        deadline::Deadlines,
        finding::{
            Claim, Counted, Heard, JudgedBy, Looked, Passed, Question, Rulebook, Stamp, Standing,
            Subject, Tallies, judge,
        },
        measure::day_number,
    },
    store::{
        CellQuery, Rules, Store, StoreError, catalogue, decode,
        findings::{Text, Turn},
    },
};
use kept::Kept;
use pace::Pace;
use timely::Timely;
use told::Told;

pub use recount::{Recounted, recount};

/// How often new entries are looked for.
const EVERY: Duration = Duration::from_millis(500);
/// How long it rests after a turn that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Entries judged in one turn: what is accepted meanwhile waits while it is written.
const ENTRIES_MAX: u32 = 256;

/// What decides at an entry.
#[derive(Debug, Clone)]
struct Law {
    rules: Arc<Rules>,
    book: Option<Arc<Rulebook>>,
}

/// The catalogue that was read last: where it stands, its hash, and its rules.
type Known = Option<(u64, Digest, Arc<Rulebook>)>;

/// Judges entries, from where what is kept stands.
pub(crate) struct Judging {
    store: Arc<dyn Store>,
    kept: Kept,
    known: Known,
    /// What decided from which entry on, where it is judged in memory.
    decided: Vec<(u64, Law)>,
}

impl Judging {
    /// Judges for a store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let kept = Kept::Store(store.clone());
        Self { store, kept, known: None, decided: Vec::new() }
    }

    /// Judges until told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut pace = Pace::default();
        loop {
            let began = Instant::now();
            let Some(turn) = stop.run_until_cancelled(self.turn(u64::MAX)).await else { return };
            let rest = match turn {
                Ok(None) => EVERY,
                Ok(Some(size)) => pace.rest(began, Instant::now(), size),
                Err(error) => {
                    tracing::warn!(%error, "findings wait; they are judged again");
                    AFTER_FAILURE
                }
            };
            if stop.run_until_cancelled(sleep(rest)).await.is_none() {
                return;
            }
        }
    }

    /// Judges what is next, before a position; where there may be more, gives the journal's size.
    async fn turn(&mut self, until: u64) -> Result<Option<u64>, StoreError> {
        let from = self.kept.next().await?;
        // The one before tells on which day the first is judged.
        let mut entries = self.store.texts(from.saturating_sub(1), ENTRIES_MAX).await?;
        let more = entries.len() == ENTRIES_MAX as usize;
        entries.retain(|one| one.position < until);
        let times = times(&entries)?;
        entries.retain(|one| one.position >= from);
        let Some(last) = entries.last() else { return Ok(None) };
        let to = last.position + 1;
        let laws = self.laws(from, &entries).await?;
        let told = Told::of(&entries, &*self.store, &self.kept, to).await?;
        let claimed = self.claimed(&told.claims, &laws).await?;
        let passed = passed(from, &times, &laws);
        let mut standing = Standing::default();
        let about: Vec<String> = told.keys().collect();
        let mut timely = Timely::new(&self.kept.timeliness(about.clone()).await?)?;
        self.kept.open(about).await?.into_iter().for_each(|one| standing.insert(one));
        let judging = move || {
            let looked = dossiers(&told, &laws, &mut standing, &mut timely);
            (told, standing, looked, timely.turned())
        };
        let judged = tokio::task::spawn_blocking(judging).await;
        let (told, mut standing, looked, (timeliness, years)) =
            judged.map_err(|error| StoreError::fault(error.to_string()))?;
        let mut tallies = self.tallies(&looked, &passed).await?;
        let mut subjects: BTreeSet<Subject> = BTreeSet::new();
        looked.iter().for_each(|one| one.subjects(&mut subjects));
        passed.iter().for_each(|one| subjects.extend(tallies.subjects_of(one)));
        subjects.extend(claimed.iter().map(|(claim, ..)| claim.subject()));
        let about = subjects.iter().map(|one| one.about()).collect();
        self.kept.open(about).await?.into_iter().for_each(|one| standing.insert(one));
        look(&mut tallies, &looked, &passed, &mut standing);
        for (claim, question, book) in &claimed {
            let (subject, book) = (claim.subject(), book.as_deref());
            standing.settle(claim.stamp, &subject, question.as_ref(), book);
        }
        let turn = Turn {
            from,
            to,
            codes: told.codes_since(from),
            tallies: tallies.touched().map(|(key, text)| (key.clone(), text)).collect(),
            findings: standing.turned().collect(),
            timeliness,
            years,
        };
        let more = self.kept.settle(turn).await? && more;
        Ok(if more { Some(self.store.head().await?.tree.size) } else { None })
    }

    /// The tallies that entries touch, and those of days that are over from one of them on.
    async fn tallies(&self, looked: &[Looked], passed: &[Passed]) -> Result<Tallies, StoreError> {
        let mut keys = BTreeSet::new();
        looked.iter().for_each(|one| one.wanted(&mut keys));
        let mut kept = self.kept.tallies(keys.into_iter().collect()).await?;
        for (of, days) in passed.iter().flat_map(Passed::wanted) {
            kept.extend(self.kept.tallies_between(of, days).await?);
        }
        let mut tallies = Tallies::default();
        for (key, text) in kept {
            let damaged = |error| StoreError::fault(format!("the tally of {key:?}: {error}"));
            tallies.insert(key.clone(), &text).map_err(damaged)?;
        }
        Ok(tallies)
    }

    /// What is asked of claims, each beside the numbers as of its entry.
    async fn claimed(
        &self,
        claims: &[Claim],
        laws: &[(u64, Law)],
    ) -> Result<Vec<(Claim, Option<Question>, Option<Arc<Rulebook>>)>, StoreError> {
        let mut asked = Vec::new();
        for claim in claims {
            let book = law_at(laws, claim.stamp.position).and_then(|law| law.book.clone());
            let question = match &book {
                Some(book) => claim.ask(&self.counted(claim).await?, book),
                None => None,
            };
            asked.push((claim.clone(), question, book));
        }
        Ok(asked)
    }

    /// The hub's numbers of a claim's month, as of its entry.
    async fn counted(&self, claim: &Claim) -> Result<Counted, StoreError> {
        let (first, last) = (day_number(claim.days().0), day_number(claim.days().1));
        let sums = async |from: i32, to: i32| {
            let only = BTreeMap::from([(Dimension::Agency, claim.agency().to_owned())]);
            let as_of = Some(claim.stamp.position);
            let query = CellQuery { only, from, to, as_of, ..CellQuery::default() };
            let mut measures: BTreeMap<String, i64> = BTreeMap::new();
            for row in self.store.statistics(query).await?.rows {
                *measures.entry(row.measure.to_owned()).or_default() += row.n;
            }
            Ok::<_, StoreError>(measures)
        };
        let before = sums(first - 1, first - 1).await?;
        let carried = before.get(Measure::Open.name()).copied().unwrap_or(0);
        Ok(Counted { measures: sums(first, last).await?, carried })
    }

    /// What decides from which position on, within some entries.
    async fn laws(&mut self, from: u64, entries: &[Text]) -> Result<Vec<(u64, Law)>, StoreError> {
        let mut laws = vec![(from, self.law(from).await?)];
        let reference = EntryKind::Reference.as_str();
        for entry in entries.iter().filter(|entry| entry.kind == reference) {
            let next = entry.position + 1;
            laws.push((next, self.law(next).await?));
        }
        if matches!(self.kept, Kept::Memory(_)) {
            let known = usize::from(!self.decided.is_empty());
            self.decided.extend(laws.iter().skip(known).cloned());
        }
        Ok(laws)
    }

    /// What decides before a position.
    async fn law(&mut self, before: u64) -> Result<Law, StoreError> {
        let rules = Arc::new(self.store.rules(Some(before)).await?);
        let known = self.known.as_ref().map(|(position, hash, _)| (*position, *hash));
        let book = match self.store.catalogue(Some(before), known).await? {
            catalogue::Held::Nothing => None,
            catalogue::Held::Known => self.known.as_ref().map(|(_, _, book)| book.clone()),
            catalogue::Held::Other(found) => {
                let (position, hash) = (found.position, found.hash);
                let made = tokio::task::spawn_blocking(move || book_of(&found)).await;
                let made = made.map_err(|error| StoreError::fault(error.to_string()))??;
                let book = Arc::new(made);
                self.known = Some((position, hash, book.clone()));
                Some(book)
            }
        };
        Ok(Law { rules, book })
    }
}

fn book_of(found: &catalogue::InForce) -> Result<Rulebook, StoreError> {
    let hash = found.hash.to_string();
    let damaged = |error| StoreError::fault(format!("the catalogue {hash} is damaged: {error}"));
    let read = Catalogue::from_content(&found.content).map_err(damaged)?;
    let deadlines = Arc::new(Deadlines::new(&read));
    let edition = JudgedBy { catalogue: hash.clone(), position: found.position };
    Ok(Rulebook::new(&read, deadlines, edition))
}

fn law_at(laws: &[(u64, Law)], position: u64) -> Option<&Law> {
    laws.iter().rev().find(|(from, _)| *from <= position).map(|(_, law)| law)
}

/// When entries were recorded, by position.
fn times(entries: &[Text]) -> Result<Vec<Stamp>, StoreError> {
    let stamp = |one: &Text| {
        let at = decode::recorded_at(&one.stored())?;
        Ok(Stamp { position: one.position, at })
    };
    entries.iter().map(stamp).collect()
}

/// The entries from a position on at which the calendar has moved on, where there are rules.
fn passed(from: u64, times: &[Stamp], laws: &[(u64, Law)]) -> Vec<Passed> {
    let pairs = times.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
    let ours = pairs.filter(|(_, stamp)| stamp.position >= from);
    let moved = ours.filter_map(|(before, stamp)| {
        let book = law_at(laws, stamp.position)?.book.clone()?;
        Passed::new(*stamp, before.at, book)
    });
    moved.collect()
}

/// Has tallies looked at entry by entry: the days that are over from it on, then what it tells.
fn look(tallies: &mut Tallies, looked: &[Looked], passed: &[Passed], standing: &mut Standing) {
    let mut passed = passed.iter().peekable();
    for one in looked {
        while let Some(days) = passed.next_if(|days| days.position() <= one.position()) {
            tallies.pass(days, standing);
        }
        tallies.look(one, standing);
    }
    passed.for_each(|days| tallies.pass(days, standing));
}

/// Judges dossiers entry by entry, and gives what tallies are to look at.
fn dossiers(
    told: &Told,
    laws: &[(u64, Law)],
    standing: &mut Standing,
    timely: &mut Timely,
) -> Vec<Looked> {
    let mut looked = Vec::new();
    for (position, name) in &told.entries {
        let Some(law) = law_at(laws, *position) else { continue };
        let (names, heard) = told.component(name, *position);
        let before: Vec<&Heard> =
            heard.iter().copied().filter(|one| one.observation.position < *position).collect();
        let Some(own) = heard.iter().find(|one| one.observation.position == *position) else {
            continue;
        };
        let stamp = Stamp { position: *position, at: own.observation.recorded_at };
        let by = (&law.rules.reference, &law.rules.settings);
        let (was, is) = (judge(&before, by, None), judge(&heard, by, law.book.as_deref()));
        standing.judged(stamp, names.iter(), &is, law.book.as_deref());
        let decides = law.book.as_deref().map(Rulebook::decides);
        timely.judge(&names, &is.states, (&law.rules.settings, decides, *position));
        let (was, now) = (was.states.values(), is.states.values());
        looked.push(Looked::new(stamp, was, now, law.book.clone()));
    }
    looked
}

/// Judges what is left, for a store without a running hub.
///
/// # Errors
/// When the store cannot answer.
pub async fn catch_up(store: Arc<dyn Store>) -> Result<(), StoreError> {
    let mut judging = Judging::new(store);
    while judging.turn(u64::MAX).await?.is_some() {}
    Ok(())
}
