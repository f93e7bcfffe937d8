//! Deliveries: made once, in order of their key, taken again after their lease, given up, put back.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use contracts::Outcome;

use super::{message, refused, send, snapshot};
use crate::{
    journal::{entry::Mode, merkle::Digest},
    store::{
        Prepared, Store, Submission,
        deliveries::{
            Concluded, Course, DeadQuery, Decision, Delivery, Destination, End, Running, Waiting,
        },
    },
};

const TO: &str = "so-noi-vu.nhan-ho-so";
const LONG: Duration = Duration::from_secs(60);

fn routed(code: &str, version: u32, status: u8) -> Prepared {
    let to = Destination { channel: TO.into(), personal: true };
    Prepared { destinations: vec![to], ..snapshot(code, version, status) }
}

async fn tell(store: &dyn Store, id: &str, records: Vec<Prepared>) {
    let items = records.into_iter().map(|record| Ok(vec![record])).collect();
    send(store, message(store, id, id, items)).await;
}

async fn announced(store: &dyn Store, lease: Duration) -> Vec<Delivery> {
    let mut all = store.announce(TO.into(), 100, lease).await.unwrap();
    all.sort_by_key(|one| one.position);
    all
}

async fn conclude(store: &dyn Store, one: &Delivery, end: End) -> u32 {
    let Delivery { key, position, token, .. } = one.clone();
    store.conclude(TO.into(), vec![Concluded { key, position, token, end }]).await.unwrap()
}

async fn waiting(store: &dyn Store) -> Waiting {
    let all = store.waiting().await.unwrap();
    assert!(all.len() <= 1, "{all:?}");
    all.into_iter().next().unwrap_or_else(|| Waiting::of(TO.to_owned()))
}

/// A record makes its deliveries with its entry, however often it is sent.
pub(crate) async fn made_once(store: &dyn Store) {
    tell(store, "a", vec![routed("A-1", 1, 4), routed("A-2", 1, 4), snapshot("A-3", 1, 4)]).await;
    assert_eq!(waiting(store).await.waiting, 2, "one has no destination");
    tell(store, "a", vec![routed("A-1", 1, 4), routed("A-2", 1, 4)]).await;
    let other = message(store, "a", "other", vec![Ok(vec![routed("A-1", 2, 9)])]);
    assert_eq!(send(store, other).await.outcome, Outcome::Conflict);
    let trial = message(store, "t", "t", vec![Ok(vec![routed("A-4", 1, 4)])]);
    send(store, Submission { mode: Mode::Trial, ..trial }).await;
    let old = message(store, "o", "o", vec![Ok(vec![routed("A-5", 1, 4)])]);
    send(store, Submission { mode: Mode::Backfill, ..old }).await;
    tell(store, "b", vec![routed("A-1", 1, 4)]).await;
    assert_eq!(waiting(store).await.waiting, 2, "what says nothing new is not delivered again");
    // Half of it was refused; the mapping was mended, and all is sent again.
    let halves = vec![Ok(vec![routed("B-1", 1, 4)]), Err(refused())];
    assert_eq!(send(store, message(store, "p", "p", halves)).await.outcome, Outcome::Partial);
    tell(store, "c", vec![routed("B-1", 2, 9)]).await;
    let both = vec![Ok(vec![routed("B-1", 1, 4)]), Ok(vec![routed("B-2", 1, 4)])];
    let mended = message(store, "p", "p", both);
    let mended = Submission { mapping: Digest::of(b"mended"), ..mended };
    assert_eq!(send(store, mended).await.outcome, Outcome::Stored);
    let keys: Vec<String> = announced(store, LONG).await.into_iter().map(|one| one.key).collect();
    let name = |code: &str| format!("so-y-te/{code}");
    assert_eq!(keys, [name("A-1"), name("A-2"), name("B-1"), name("B-2")]);
    assert_eq!(waiting(store).await.waiting, 5);
    super::holds(store).await;
}

/// Those of one key go one after another; a lease keeps others away until it ends, and what is
/// told under an earlier one changes nothing.
pub(crate) async fn in_order(store: &dyn Store) {
    tell(store, "a", vec![routed("A-1", 1, 4), routed("A-1", 2, 9), routed("A-2", 1, 4)]).await;
    let first = announced(store, Duration::from_millis(300)).await;
    let seen: Vec<_> = first.iter().map(|one| (one.position, one.attempts)).collect();
    assert_eq!(seen, [(0, 1), (2, 1)]);
    let personal = first[0].personal.clone().unwrap();
    assert!(String::from_utf8(personal).unwrap().contains("Nguyễn An"));
    assert!(!String::from_utf8(first[0].public.clone()).unwrap().contains("Nguyễn An"));
    assert_eq!(first[0].from.as_deref(), Some("so-y-te.ho-so"));
    assert_eq!(announced(store, LONG).await, [], "they are leased");
    let due = store.due(vec![TO.into(), "so-noi-vu.khac".into()]).await.unwrap();
    assert!(due[0].within.unwrap() > Duration::ZERO, "{due:?}");
    assert_eq!((due[1].within, due[1].state), (None, Running::Running));
    assert_eq!(conclude(store, &first[1], End::Settled).await, 1);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let again = announced(store, LONG).await;
    assert_eq!((again.len(), again[0].position, again[0].attempts), (1, 0, 2));
    assert!(again[0].token > first[0].token);
    assert_eq!(conclude(store, &first[0], End::Settled).await, 0, "the lease has ended");
    assert_eq!(conclude(store, &again[0], End::Settled).await, 1);
    assert_eq!(conclude(store, &again[0], End::Settled).await, 0, "once");
    let next = announced(store, LONG).await;
    assert_eq!((next.len(), next[0].position, next[0].attempts), (1, 1, 1));
    conclude(store, &next[0], End::Settled).await;
    assert_eq!(waiting(store).await, Waiting::of(TO.to_owned()));
    super::holds(store).await;
}

/// What fails is put off, what is given up lets those behind it pass, and comes back when told.
pub(crate) async fn given_up(store: &dyn Store) {
    tell(store, "a", vec![routed("A-1", 1, 4), routed("A-1", 2, 9)]).await;
    let one = announced(store, LONG).await.remove(0);
    let wait = Duration::from_millis(50);
    let told = "503".to_owned();
    let denied = End::Postponed { wait: Duration::ZERO, told: "401".to_owned(), counts: false };
    conclude(store, &one, denied).await;
    let one = announced(store, LONG).await.remove(0);
    assert_eq!((one.attempts, one.failing), (1, None), "it does not grow old by that");
    conclude(store, &one, End::Postponed { wait, told: told.clone(), counts: true }).await;
    let seen = waiting(store).await;
    assert_eq!((seen.waiting, seen.failing, seen.told), (2, 1, Some(told.clone())));
    tokio::time::sleep(2 * wait).await;
    let one = announced(store, LONG).await.remove(0);
    conclude(store, &one, End::Released).await;
    let one = announced(store, LONG).await.remove(0);
    assert_eq!((one.attempts, one.failing.is_some()), (2, true));
    conclude(store, &one, End::Postponed { wait, told, counts: false }).await;
    tokio::time::sleep(2 * wait).await;
    let one = announced(store, LONG).await.remove(0);
    assert_eq!(one.attempts, 2, "what was none is not counted");
    let buried = End::Buried { cause: "refused", told: "422".to_owned() };
    assert_eq!(conclude(store, &one, buried.clone()).await, 1);
    let seen = waiting(store).await;
    assert_eq!((seen.waiting, seen.failing, seen.dead), (1, 0, 1));
    let next = announced(store, LONG).await.remove(0);
    assert_eq!(next.position, 1, "the one behind it passes");
    conclude(store, &next, buried).await;
    let dead = async |query| store.dead(DeadQuery { limit: 10, ..query }).await.unwrap();
    let all = dead(DeadQuery::default()).await;
    assert_eq!((all.len(), all[0].attempts, all[0].told.as_str()), (2, 2, "422"));
    let after = Some((all[0].buried_at, all[0].id.clone()));
    assert_eq!(dead(DeadQuery { after, ..DeadQuery::default() }).await, all[1..]);
    let other = DeadQuery { cause: Some("denied".to_owned()), ..DeadQuery::default() };
    assert_eq!(dead(other).await, []);
    assert_eq!(dead(DeadQuery { to: Some(all[0].buried_at), ..DeadQuery::default() }).await, []);
    let (first, second) = (all[0].id.clone(), all[1].id.clone());
    let (letter, delivery) = store.dead_letter(first.clone()).await.unwrap().unwrap();
    assert_eq!((&letter, delivery.position), (&all[0], 0));
    assert!(store.discard(second.clone(), "trùng".to_owned()).await.unwrap());
    assert!(!store.discard(second.clone(), "again".to_owned()).await.unwrap());
    let edited = Some(b"{\"ma\":1}".to_vec());
    let ids = vec![first.clone(), second];
    assert_eq!(store.replay(ids, edited.clone(), "đã sửa".to_owned()).await.unwrap(), 1);
    assert_eq!(store.replay(vec![first], None, "again".to_owned()).await.unwrap(), 0);
    let back = announced(store, LONG).await.remove(0);
    assert_eq!((back.position, back.attempts, back.body.clone()), (0, 1, edited));
    assert!(back.personal.is_some());
    conclude(store, &back, End::Buried { cause: "refused", told: "422".to_owned() }).await;
    let all = dead(DeadQuery::default()).await;
    let states: Vec<(&str, u64, bool)> =
        all.iter().map(|one| (&*one.state, one.id.number, one.body.is_some())).collect();
    assert_eq!(states.iter().filter(|one| **one == ("waiting", 2, true)).count(), 1);
    assert_eq!(states.iter().filter(|one| **one == ("replayed", 1, false)).count(), 1);
    assert_eq!(states.iter().filter(|one| **one == ("discarded", 1, false)).count(), 1);
}

/// What has become of a delivery is told step by step, where its settlement is kept.
pub(crate) async fn courses(store: &dyn Store) {
    tell(store, "a", vec![routed("A-1", 1, 4), routed("A-2", 1, 4)]).await;
    let course = async |key: &str, position| {
        let place = (TO.to_owned(), format!("so-y-te/{key}"), position);
        let other = (TO.to_owned(), "so-y-te/none".to_owned(), 99);
        let all = store.courses(vec![other, place]).await.unwrap();
        assert_eq!((all.len(), &all[0]), (2, &Course::None));
        all[1].clone()
    };
    assert_eq!(course("A-1", 0).await, Course::Waiting { attempts: 0, told: None });
    assert_eq!(course("A-9", 0).await, Course::None);
    let all = announced(store, LONG).await;
    let told = "503".to_owned();
    let wait = Duration::from_millis(10);
    conclude(store, &all[0], End::Postponed { wait, told: told.clone(), counts: true }).await;
    assert_eq!(course("A-1", 0).await, Course::Waiting { attempts: 1, told: Some(told.clone()) });
    conclude(store, &all[1], End::Buried { cause: "refused", told }).await;
    let buried = course("A-2", 1).await;
    assert!(
        matches!(&buried, Course::Buried { cause, state, .. }
        if cause == "refused" && state == "waiting"),
        "{buried:?}"
    );
    tokio::time::sleep(2 * wait).await;
    let again = announced(store, LONG).await;
    assert_eq!(conclude(store, &again[0], End::SettledAndKept).await, 1);
    assert_eq!(conclude(store, &again[0], End::SettledAndKept).await, 0, "once");
    let settled = course("A-1", 0).await;
    assert!(matches!(settled, Course::Settled { at } if at > 0), "{settled:?}");
    let Course::Buried { id, .. } = buried else { panic!("{buried:?}") };
    store.replay(vec![id], None, String::new()).await.unwrap();
    assert_eq!(course("A-2", 1).await, Course::Waiting { attempts: 0, told: None });
}

/// A channel that is paused delivers nothing; one that drains delivers what was there, and no more.
pub(crate) async fn paused(store: &dyn Store) {
    tell(store, "a", vec![routed("A-1", 1, 4)]).await;
    let decided = async |state, age| {
        let decision = Decision { age, ..Decision::of(state, "bảo trì".to_owned()) };
        store.decide(TO.to_owned(), decision).await
    };
    let decide = async |state| decided(state, None).await;
    assert!(decide(Running::Paused).await.unwrap());
    assert!(!decide(Running::Paused).await.unwrap(), "once");
    assert!(!decide(Running::Draining).await.unwrap(), "it delivers nothing as it is");
    assert_eq!(announced(store, LONG).await, []);
    let seen = waiting(store).await.decided.unwrap();
    assert_eq!((seen.state, seen.reason.as_str()), (Running::Paused, "bảo trì"));
    assert!(decide(Running::Running).await.unwrap());
    assert!(decide(Running::Draining).await.unwrap());
    tell(store, "b", vec![routed("A-2", 1, 4), routed("A-1", 2, 9)]).await;
    let first = announced(store, LONG).await;
    assert_eq!(first.iter().map(|one| one.position).collect::<Vec<_>>(), [0]);
    conclude(store, &first[0], End::Settled).await;
    assert_eq!(announced(store, LONG).await, []);
    let due = store.due(vec![TO.into()]).await.unwrap().remove(0);
    assert_eq!((due.state, due.within), (Running::Draining, None));
    assert!(decide(Running::Paused).await.unwrap());
    assert!(decide(Running::Running).await.unwrap());
    assert_eq!(announced(store, LONG).await.len(), 2);
    // An attempt from before it was resumed says nothing any more; a later one does.
    assert!(!decided(Running::Paused, Some(LONG)).await.unwrap());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(decided(Running::Paused, Some(Duration::ZERO)).await.unwrap());
    assert_eq!(waiting(store).await.decided.map(|seen| seen.state), Some(Running::Paused));
}

/// What is added while others deliver is found by them: none is left behind, and the order of each
/// key holds. The stores may be one.
pub(crate) async fn deliverers_beside_senders(stores: [Arc<dyn Store>; 2]) {
    const KEYS: u32 = 4;
    const EACH: u32 = 30;
    let mut senders = tokio::task::JoinSet::new();
    for key in 0..KEYS {
        let store = stores[key as usize % 2].clone();
        senders.spawn(async move {
            for version in 0..EACH {
                let record = routed(&format!("W-{key}"), version, 4 + (version % 2) as u8);
                tell(&*store, &format!("w-{key}-{version}"), vec![record]).await;
            }
        });
    }
    let mut deliverers = tokio::task::JoinSet::new();
    for store in stores.clone() {
        deliverers.spawn(async move {
            let (mut made, mut idle) = (Vec::new(), 0);
            while idle < 200 {
                let all = store.announce(TO.into(), 3, LONG).await.unwrap();
                idle = if all.is_empty() { idle + 1 } else { 0 };
                if idle > 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                for one in all {
                    let at = std::time::Instant::now();
                    assert_eq!(conclude(&*store, &one, End::Settled).await, 1);
                    made.push((at, one.key, one.position));
                }
            }
            made
        });
    }
    senders.join_all().await;
    let mut made: Vec<_> = deliverers.join_all().await.into_iter().flatten().collect();
    made.sort();
    let mut by_key: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (_, key, position) in made {
        by_key.entry(key).or_default().push(position);
    }
    assert_eq!(by_key.len(), KEYS as usize);
    for (key, positions) in by_key {
        assert_eq!(positions.len(), EACH as usize, "{key}");
        assert!(positions.is_sorted_by(|a, b| a < b), "{key}: {positions:?}");
    }
    assert_eq!(waiting(&*stores[0]).await, Waiting::of(TO.to_owned()));
}
