//! Work that goes on as long as the hub. A panic, ours or a client library's, ends one piece of
//! work and not what depends on it: it is told and counted, and the work is begun again after a
//! rest that grows. All long work is kept here, so none can end without a word; and none is done
//! twice side by side, when the configuration is changed and the same work is begun anew.

use std::{
    any::Any,
    collections::HashMap,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{sync::OwnedMutexGuard, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::telemetry::Telemetry;

/// The first rest after a panic; it doubles with every further one.
const REST_FIRST: Duration = Duration::from_secs(1);
/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(300);
/// Work that went on for so long had recovered: its next panic is a first one.
const RECOVERED: Duration = Duration::from_secs(600);

/// Letters of a panic that are told.
const TOLD_CHARS_MAX: usize = 300;

/// What is done, and for which channel: labels of the log and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work<'a> {
    /// Such as `read` or `deliver`.
    pub task: &'static str,
    /// The channel; empty where it is the whole hub's.
    pub channel: &'a str,
}

/// A place for each piece of work that is kept: who begins it waits until who did it has left.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<String, Place>>>);

type Place = Arc<tokio::sync::Mutex<()>>;

impl Places {
    /// Waits for the place of some work.
    async fn take(&self, Work { task, channel }: Work<'_>) -> OwnedMutexGuard<()> {
        let place = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // What nobody does or waits for any more is forgotten: channels come and go.
            all.retain(|_, place| Arc::strong_count(place) > 1);
            all.entry(format!("{task} {channel}")).or_default().clone()
        };
        place.lock_owned().await
    }
}

/// Keeps work going until the hub is told to stop.
#[derive(Clone)]
pub struct Lasting {
    telemetry: Arc<Telemetry>,
    stop: CancellationToken,
    first: Duration,
    most: Duration,
    places: Places,
}

impl Lasting {
    /// Counts in `telemetry`; nothing is begun after `stop`.
    pub fn new(telemetry: Arc<Telemetry>, stop: CancellationToken) -> Self {
        let places = Places::default();
        Self { telemetry, stop, first: REST_FIRST, most: REST_MAX, places }
    }

    /// Keeps other work, until `stop`. What this one keeps under the same name ends before it is
    /// begun there.
    pub fn until(&self, stop: CancellationToken) -> Self {
        Self { stop, ..self.clone() }
    }

    /// Keeps work without which the hub is nothing: however often it panics, it rests no longer
    /// than after the first time.
    #[must_use]
    pub fn resting_little(&self) -> Self {
        Self { most: self.first, ..self.clone() }
    }

    /// Told when the hub stops.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Where faults are counted.
    pub(crate) fn telemetry(&self) -> &Arc<Telemetry> {
        &self.telemetry
    }

    /// What a piece of work gives; nothing where it panicked, which is told and counted then.
    pub async fn caught<T>(&self, work: Work<'_>, piece: impl Future<Output = T>) -> Option<T> {
        let mut piece = pin!(piece);
        // Nothing of a piece that panicked is looked at again: it is dropped with this future.
        let done = poll_fn(|context| {
            match catch_unwind(AssertUnwindSafe(|| piece.as_mut().poll(context))) {
                Ok(polled) => polled.map(Ok),
                Err(panic) => Poll::Ready(Err(panic)),
            }
        });
        done.await.map_err(|panic| self.tell(work, &*panic)).ok()
    }

    /// Goes on with work that ends by itself when the token that it is given is told to; begins it
    /// again when it panics.
    pub async fn keep<F>(self, task: &'static str, begin: impl FnMut(CancellationToken) -> F)
    where
        F: Future<Output = ()>,
    {
        self.keep_telling(Work { task, channel: "" }, begin, || ()).await;
    }

    /// The same for a channel's work; `broken` is called after each panic, before the rest.
    pub async fn keep_telling<F>(
        self,
        work: Work<'_>,
        mut begin: impl FnMut(CancellationToken) -> F,
        broken: impl Fn(),
    ) where
        F: Future<Output = ()>,
    {
        let Some(_place) = self.stop.run_until_cancelled(self.places.take(work)).await else {
            return;
        };
        let mut panics = 0_u32;
        while !self.stop.is_cancelled() {
            let began = Instant::now();
            let beginning = async { begin(self.stop.clone()).await };
            if self.caught(work, beginning).await.is_some() {
                return;
            }
            broken();
            panics = if began.elapsed() >= RECOVERED { 0 } else { panics };
            let rest = self.first.saturating_mul(1 << panics.min(16)).min(self.most);
            panics = panics.saturating_add(1);
            self.stop.run_until_cancelled(sleep(rest)).await;
        }
    }

    fn tell(&self, Work { task, channel }: Work<'_>, panic: &(dyn Any + Send)) {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let plain = |c: &char| !c.is_control();
        let told: String =
            text.unwrap_or("no words").chars().filter(plain).take(TOLD_CHARS_MAX).collect();
        self.telemetry.broken(task, channel);
        tracing::error!(
            task,
            channel.id = channel,
            panic = told,
            "a fault of the hub: what was being done broke down, and is begun again"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn lasting() -> (Lasting, Arc<Telemetry>) {
        let telemetry = Telemetry::shared();
        let made = Lasting::new(telemetry.clone(), CancellationToken::new());
        (Lasting { first: Duration::from_millis(5), ..made }, telemetry)
    }

    #[tokio::test]
    async fn what_panics_is_begun_again_after_rests_that_grow_and_disturbs_nobody() {
        let (lasting, telemetry) = lasting();
        let (begun, broken, beside) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        let work = Work { task: "read", channel: "so-y-te.ho-so" };
        let began = Instant::now();
        let panics_twice = lasting.clone().keep_telling(
            work,
            |_| async {
                // Past a wait, as libraries do.
                sleep(Duration::from_millis(1)).await;
                let times = begun.fetch_add(1, Ordering::Relaxed);
                assert!(times >= 2, "time {times}");
            },
            || {
                broken.fetch_add(1, Ordering::Relaxed);
            },
        );
        let neighbour = lasting.keep("watch", |_| async {
            beside.fetch_add(1, Ordering::Relaxed);
        });
        tokio::join!(panics_twice, neighbour);
        assert_eq!(begun.into_inner(), 3);
        assert_eq!(broken.into_inner(), 2);
        assert_eq!(beside.into_inner(), 1, "the neighbour was begun once");
        assert!(began.elapsed() >= Duration::from_millis(5 + 10));
        let line = "lienthong_faults_total{task=\"read\",channel=\"so-y-te.ho-so\"} 2";
        assert!(telemetry.text().contains(line), "{}", telemetry.text());
    }

    #[tokio::test]
    async fn work_is_begun_anew_when_it_has_ended_and_no_sooner() {
        let (old, _) = lasting();
        let (new, done) = (old.until(CancellationToken::new()), AtomicU32::new(0));
        let count = &done;
        let leaving = old.clone().keep("read", |stop| async move {
            stop.cancelled().await;
            sleep(Duration::from_millis(30)).await;
            assert_eq!(count.fetch_add(1, Ordering::Relaxed), 0, "the new work has begun");
        });
        let beginning = new.clone().keep("read", |_| async {
            assert_eq!(count.fetch_add(1, Ordering::Relaxed), 1, "the old work has not ended");
        });
        // What is told to stop before its turn has come never begins.
        let never = old.until(CancellationToken::new());
        let waiting = never.clone().keep("read", |_| async { panic!("it was told to stop") });
        let telling = async {
            sleep(Duration::from_millis(10)).await;
            never.stop.cancel();
            old.stop.cancel();
        };
        let all = async { tokio::join!(leaving, beginning, waiting, telling) };
        tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
        assert_eq!(done.into_inner(), 2);
    }

    #[tokio::test]
    async fn a_rest_ends_when_the_hub_stops() {
        let (lasting, _) = lasting();
        let lasting = Lasting { first: Duration::from_secs(3_600), ..lasting };
        let stop = lasting.stop.clone();
        let kept = lasting.keep("watch", |_| async { panic!("always") });
        let stopping = async {
            sleep(Duration::from_millis(20)).await;
            stop.cancel();
        };
        let both = async { tokio::join!(kept, stopping) };
        tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
    }
}
