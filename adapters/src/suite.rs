//! What every inbound transport does with the inbox's verdicts: one suite, passed by each.
//!
//! A transport's tests implement [`Sender`], the other side of the transport, and call
//! [`conforms!`](crate::suite::conforms) with it. The inbox is [`Scripted`].

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::problem::NOT_THE_FORMAT;
use contracts::{Later, Outcome, Problem, Receipt, Refusal};
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::inbound::{Arrival, Inbox};

/// The channel to which suites send.
pub(crate) const CHANNEL: &str = "so-xay-dung.dossiers";

/// Nothing in these tests takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a sender understood of its transport's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// Taken, at least in part: do not send it again.
    Taken(Receipt),
    /// The key was used for other content.
    Conflict(Receipt),
    /// Nothing was stored, and sending the same again will not help.
    Refused(Receipt),
    /// Send it again, after so many seconds.
    Later(u32),
    /// No answer at all.
    Nothing,
}

/// The agency's side of a transport, with a hub on the other.
pub(crate) trait Sender: Sized + Send + Sync + 'static {
    /// A message as this transport carries it.
    const PAYLOAD: &'static [u8] = b"payload";

    /// Messages that must arrive as they are.
    fn payloads() -> Vec<Vec<u8>> {
        let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(300_000).collect();
        vec![Vec::new(), b"\r\n\r\n".to_vec(), "Hồ sơ".as_bytes().to_vec(), every_byte]
    }

    /// Starts the transport on an inbox; what is sent goes to [`CHANNEL`].
    fn start(inbox: Arc<Scripted>) -> impl Future<Output = Self> + Send;

    /// Sends one message and waits for what the transport tells.
    fn send(&self, key: &str, payload: &[u8]) -> impl Future<Output = Told> + Send;

    /// Stops the transport and waits until it has stopped.
    fn stop(&self) -> impl Future<Output = ()> + Send;
}

/// An inbox that records arrivals and answers from a script, then with *stored*.
#[derive(Debug)]
pub(crate) struct Scripted {
    script: Mutex<VecDeque<Result<Receipt, Later>>>,
    arrivals: Mutex<Vec<(String, Arrival)>>,
    put_off: AtomicUsize,
    open: watch::Sender<bool>,
}

impl Scripted {
    pub(crate) fn new(script: impl IntoIterator<Item = Result<Receipt, Later>>) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into_iter().collect()),
            arrivals: Mutex::default(),
            put_off: AtomicUsize::new(0),
            open: watch::Sender::new(true),
        })
    }

    /// All that has arrived, with its channel.
    pub(crate) fn arrivals(&self) -> Vec<(String, Arrival)> {
        self.arrivals.lock().unwrap().clone()
    }

    /// How many of them were told to come later.
    pub(crate) fn put_off(&self) -> usize {
        self.put_off.load(Ordering::SeqCst)
    }

    /// From now on verdicts wait for [`Self::release`].
    pub(crate) fn hold(&self) {
        self.open.send_replace(false);
    }

    /// Lets verdicts out again.
    pub(crate) fn release(&self) {
        self.open.send_replace(true);
    }

    /// Waits until so many have arrived.
    pub(crate) async fn has(&self, count: usize) {
        let reached = async {
            while self.arrivals.lock().unwrap().len() < count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, reached).await.unwrap();
    }
}

impl Inbox for Scripted {
    fn accept(
        &self,
        channel: &str,
        arrival: Arrival,
    ) -> BoxFuture<'static, Result<Receipt, Later>> {
        let key = arrival.key.clone().unwrap_or_default();
        self.arrivals.lock().unwrap().push((channel.to_owned(), arrival));
        let scripted = self.script.lock().unwrap().pop_front();
        let verdict = scripted.unwrap_or_else(|| Ok(receipt(&key, Outcome::Stored, None)));
        self.put_off.fetch_add(usize::from(verdict.is_err()), Ordering::SeqCst);
        let mut open = self.open.subscribe();
        Box::pin(async move {
            open.wait_for(|open| *open).await.unwrap();
            verdict
        })
    }
}

/// A receipt with an outcome, and refusals where the outcome has some.
pub(crate) fn receipt(id: &str, outcome: Outcome, first: Option<Outcome>) -> Receipt {
    let refused = matches!(first.unwrap_or(outcome), Outcome::Partial | Outcome::Refused);
    let problems = vec![Problem::new(&NOT_THE_FORMAT)];
    Receipt {
        source: "/agencies/so-xay-dung/channels/dossiers".to_owned(),
        id: id.to_owned(),
        outcome,
        first,
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        records: 1,
        refused: u64::from(refused),
        refusals: refused.then_some(Refusal { record: Some(2), problems }).into_iter().collect(),
        erased: None,
    }
}

/// Starts a transport on a script, sends once, and gives what was told and what arrived.
async fn told<S: Sender>(verdict: Result<Receipt, Later>) -> Told {
    let inbox = Scripted::new([verdict]);
    let sender = S::start(Arc::clone(&inbox)).await;
    let told = timeout(PATIENCE, sender.send("m-1", S::PAYLOAD)).await.unwrap();
    let arrivals = inbox.arrivals();
    assert_eq!(arrivals.len(), 1);
    assert_eq!(arrivals[0].0, CHANNEL);
    assert_eq!(arrivals[0].1.key.as_deref(), Some("m-1"));
    sender.stop().await;
    told
}

pub(crate) async fn bytes_arrive_untouched<S: Sender>() {
    let inbox = Scripted::new([]);
    let sender = S::start(Arc::clone(&inbox)).await;
    for payload in S::payloads() {
        sender.send("m", &payload).await;
        assert_eq!(inbox.arrivals().pop().unwrap().1.payload, payload);
    }
    sender.stop().await;
}

pub(crate) async fn stored_is_told<S: Sender>() {
    let receipt = receipt("m-1", Outcome::Stored, None);
    assert_eq!(told::<S>(Ok(receipt.clone())).await, Told::Taken(receipt));
}

pub(crate) async fn partial_is_told_with_its_refusals<S: Sender>() {
    let receipt = receipt("m-1", Outcome::Partial, None);
    assert_eq!(receipt.refusals.len(), 1);
    assert_eq!(told::<S>(Ok(receipt.clone())).await, Told::Taken(receipt));
}

pub(crate) async fn refused_is_told_with_its_reasons<S: Sender>() {
    let receipt = receipt("m-1", Outcome::Refused, None);
    assert_eq!(receipt.refusals.len(), 1);
    assert_eq!(told::<S>(Ok(receipt.clone())).await, Told::Refused(receipt));
}

pub(crate) async fn conflict_is_told<S: Sender>() {
    let receipt = receipt("m-1", Outcome::Conflict, None);
    assert_eq!(told::<S>(Ok(receipt.clone())).await, Told::Conflict(receipt));
}

pub(crate) async fn a_duplicate_is_told_what_the_first_was<S: Sender>() {
    for (first, tell) in [
        (Outcome::Stored, Told::Taken as fn(Receipt) -> Told),
        (Outcome::Partial, Told::Taken),
        (Outcome::Refused, Told::Refused),
        (Outcome::Conflict, Told::Conflict),
    ] {
        let receipt = receipt("m-1", Outcome::Duplicate, Some(first));
        assert_eq!(told::<S>(Ok(receipt.clone())).await, tell(receipt));
    }
}

pub(crate) async fn after_later_the_same_is_sent_again<S: Sender>() {
    let later = Later { reason: "the store is full".to_owned(), retry_after_seconds: 7 };
    let inbox = Scripted::new([Err(later)]);
    let sender = S::start(Arc::clone(&inbox)).await;
    assert_eq!(sender.send("m-1", S::PAYLOAD).await, Told::Later(7));
    let stored = receipt("m-1", Outcome::Stored, None);
    assert_eq!(sender.send("m-1", S::PAYLOAD).await, Told::Taken(stored));
    let arrivals = inbox.arrivals();
    assert_eq!(arrivals.len(), 2);
    assert_eq!(arrivals[0].1.key, arrivals[1].1.key);
    assert_eq!(arrivals[0].1.payload, arrivals[1].1.payload);
    sender.stop().await;
}

pub(crate) async fn stopping_finishes_what_is_under_way<S: Sender>() {
    let inbox = Scripted::new([]);
    inbox.hold();
    let sender = Arc::new(S::start(Arc::clone(&inbox)).await);
    let sending = tokio::spawn({
        let sender = Arc::clone(&sender);
        async move { sender.send("m-1", S::PAYLOAD).await }
    });
    inbox.has(1).await;
    let stopping = tokio::spawn({
        let sender = Arc::clone(&sender);
        async move { sender.stop().await }
    });
    sleep(Duration::from_millis(100)).await;
    assert!(!stopping.is_finished(), "stopped over a message under way");
    inbox.release();
    let told = timeout(PATIENCE, sending).await.unwrap().unwrap();
    assert_eq!(told, Told::Taken(receipt("m-1", Outcome::Stored, None)));
    timeout(PATIENCE, stopping).await.unwrap().unwrap();
    assert_eq!(sender.send("m-2", S::PAYLOAD).await, Told::Nothing);
    assert_eq!(inbox.arrivals().len(), 1, "taken after it had stopped");
}

/// One test for each behaviour, for a [`Sender`].
macro_rules! conforms {
    ($sender:ty) => {
        $crate::suite::conforms! { $sender:
            bytes_arrive_untouched
            stored_is_told
            partial_is_told_with_its_refusals
            refused_is_told_with_its_reasons
            conflict_is_told
            a_duplicate_is_told_what_the_first_was
            after_later_the_same_is_sent_again
            stopping_finishes_what_is_under_way
        }
    };
    ($sender:ty: $($behaviour:ident)*) => {
        $(#[tokio::test]
        async fn $behaviour() {
            $crate::suite::$behaviour::<$sender>().await;
        })*
    };
}
pub(crate) use conforms;
