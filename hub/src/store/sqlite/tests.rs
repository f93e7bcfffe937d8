//! The suite on SQLite, and what is SQLite's own.

mod beside;
mod clocks;
mod damage;
mod moments;
mod refold;
mod subscriptions;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;

use super::SqliteStore;
use crate::{
    journal::merkle::Digest,
    store::{ApiKey, Basis, Store, batch::Marks, suite},
};

/// A folder of its own, gone at the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lienthong-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.0.join("hub.db")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn outcomes() {
    let folder = Folder::new("outcomes");
    suite::outcomes(&folder.open()).await;
}

#[tokio::test]
async fn chunks() {
    let folder = Folder::new("chunks");
    suite::chunks(&folder.open()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn loads() {
    let folder = Folder::new("loads");
    suite::loads(Arc::new(folder.open())).await;
}

/// What was decided upon what another process has changed since is decided anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn loads_while_another_process_writes() {
    let folder = Folder::new("loads-beside");
    let (one, other) = (folder.open(), folder.open());
    let ended = Arc::new(AtomicBool::new(false));
    let meddling = tokio::spawn({
        let ended = ended.clone();
        async move {
            for turn in 0..100_000 {
                if ended.load(Ordering::Relaxed) {
                    return turn;
                }
                let id = format!("other-{turn}");
                let (hash, principal) = (Digest::of(id.as_bytes()), "portal".to_owned());
                let key = ApiKey::new(id, hash, principal);
                other.add_key(key).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            0
        }
    });
    suite::loads(Arc::new(one)).await;
    ended.store(true, Ordering::Relaxed);
    assert!(meddling.await.unwrap() > 10);
}

#[tokio::test]
async fn numbers() {
    let folder = Folder::new("numbers");
    suite::numbers(&folder.open()).await;
}

#[tokio::test]
async fn groupings() {
    let folder = Folder::new("groupings");
    suite::groupings(&folder.open()).await;
}

#[tokio::test]
async fn look_ups() {
    let folder = Folder::new("look-ups");
    suite::look_ups(Arc::new(folder.open())).await;
}

/// What another process writes is noticed, though nobody here hears of it.
#[tokio::test]
async fn what_another_process_writes_ends_what_was_found_before() {
    let folder = Folder::new("other-process");
    let (one, other) = (folder.open(), folder.open());
    let send = async |version| {
        let id = format!("o-{version}");
        let record = suite::snapshot("O-1", version, 4);
        let message = suite::message(&other, &id, &id, vec![Ok(vec![record])]);
        other.commit(vec![message]).await.unwrap();
    };
    let rest = || tokio::time::sleep(2 * super::writer::QUIET);
    send(1).await;
    // Once this process has noticed, what is read holds while it is quiet.
    let marks: Vec<_> = Marks::asked("O-1", std::iter::empty()).numbers().collect();
    let read = async || {
        let found = one.find("O-1".to_owned(), None).await.unwrap();
        Basis { moment: found.moment, size: found.size, marks: marks.clone().into() }
    };
    let mut basis = read().await;
    rest().await;
    for _ in 0..20 {
        if one.holds(&basis).await.is_none() {
            basis = read().await;
            rest().await;
        }
    }
    assert_eq!(one.holds(&basis).await, Some(1));
    send(2).await;
    for _ in 0..20 {
        if one.holds(&basis).await.is_some() {
            rest().await;
        }
    }
    assert_eq!(one.holds(&basis).await, None);
}

#[tokio::test]
async fn records() {
    let (folder, other) = (Folder::new("records"), Folder::new("records-pages"));
    suite::records::current(&folder.open()).await;
    suite::records::pages(&other.open()).await;
}

#[tokio::test]
async fn deliveries() {
    let of = |name: &str| Folder::new(&format!("deliveries-{name}"));
    let (once, order, up, paused) = (of("once"), of("order"), of("up"), of("paused"));
    suite::deliveries::made_once(&once.open()).await;
    suite::deliveries::in_order(&order.open()).await;
    suite::deliveries::given_up(&up.open()).await;
    suite::deliveries::paused(&paused.open()).await;
    let courses = of("courses");
    suite::deliveries::courses(&courses.open()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deliverers_beside_senders() {
    let folder = Folder::new("deliverers");
    let store: Arc<dyn Store> = Arc::new(folder.open());
    suite::deliveries::deliverers_beside_senders([store.clone(), store]).await;
}

#[tokio::test]
async fn rules() {
    let folder = Folder::new("rules");
    suite::rules(&folder.open()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_that_yield() {
    let folder = Folder::new("yielding");
    let (one, other): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::new(folder.open()), Arc::new(folder.open()));
    suite::records::yielding([one, other]).await;
}

#[tokio::test]
async fn attachments() {
    let folder = Folder::new("attachments");
    suite::attachments::held(&folder.open()).await;
}

#[tokio::test]
async fn pollers() {
    let folder = Folder::new("pollers");
    suite::pollers::pollers(&folder.open()).await;
}

#[tokio::test]
async fn published() {
    suite::published::published(&Folder::new("published").open()).await;
}

#[tokio::test]
async fn profiles() {
    let folder = Folder::new("profiles");
    suite::profiles(&folder.open()).await;
}

#[tokio::test]
async fn days_of_an_agency_are_looked_at_when_they_are_over() {
    let folder = Folder::new("days");
    let clock = async |at: jiff::Timestamp| {
        let file = Connection::open(folder.0.join("hub.db")).unwrap();
        file.execute("UPDATE head SET recorded_at = ?1", [at.to_string()]).unwrap();
    };
    suite::days_that_pass(Arc::new(folder.open()), clock).await;
}

#[tokio::test]
async fn channels_stand_as_their_days_and_alerts_say() {
    let folder = Folder::new("channels");
    suite::channels(&folder.open()).await;
}

#[tokio::test]
async fn what_is_sent_again_takes_the_place_of_what_was_told() {
    let folder = Folder::new("sent-again");
    suite::sent_again(&folder.open()).await;
}

#[tokio::test]
async fn refusals_are_open_until_they_are_mended() {
    let folder = Folder::new("refusals");
    suite::refusals(&folder.open()).await;
}

#[tokio::test]
async fn findings_are_judged_once_in_order_and_a_recount_agrees() {
    let folder = Folder::new("findings");
    suite::findings(Arc::new(folder.open())).await;
}

#[tokio::test]
async fn dossiers_stand_by_the_hubs_due_date_as_a_recount_has_them() {
    let folder = Folder::new("timeliness");
    suite::timeliness(Arc::new(folder.open())).await;
}

#[tokio::test]
async fn numbers_as_of_old_positions_are_a_few_strides() {
    let folder = Folder::new("strides");
    let store = folder.open();
    suite::strides(&store).await;
    let other = Connection::open(folder.0.join("hub.db")).unwrap();
    other.execute("DELETE FROM strides WHERE stride = 6 AND slot % 3 = 0", []).unwrap();
    let faults = store.recount().await.unwrap().faults;
    // The eighth has the sixth in it.
    let told = ["16 to 23", "0 to 31"];
    let told = told.map(|of| format!("the sums of the entries {of} differ from their deltas"));
    assert_eq!(faults[..2], told);
}

#[tokio::test]
async fn trial() {
    let folder = Folder::new("trial");
    suite::trial(&folder.open()).await;
}

#[tokio::test]
async fn catalogues() {
    let folder = Folder::new("catalogues");
    suite::catalogues(&folder.open()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn freezes() {
    let folder = Folder::new("freezes");
    suite::freezes(&folder.open()).await;
    let outside = Connection::open(folder.0.join("hub.db")).unwrap();
    let edit = "UPDATE reference_contents SET content = CAST('other figures' AS BLOB)
                WHERE content = CAST('figures of all' AS BLOB)";
    assert_eq!(outside.execute(edit, []).unwrap(), 1);
    let faults = folder.open().verify().await.unwrap().faults;
    assert_eq!(faults.len(), 2, "each freeze that names it: {faults:?}");
    assert_eq!(faults[0], "the report frozen at position 1 is not what it was");
    let folder = Folder::new("freezers");
    let store: Arc<dyn Store> = Arc::new(folder.open());
    suite::freezers([store.clone(), store]).await;
}

#[tokio::test]
async fn keys() {
    let folder = Folder::new("keys");
    suite::keys::kept(&folder.open()).await;
}

#[tokio::test]
async fn history_cannot_be_altered_and_a_forced_edit_is_found_at_its_entry() {
    let folder = Folder::new("edit");
    let store = folder.open();
    for number in 0..5 {
        let record = suite::snapshot(&format!("E-{number}"), 1, 4);
        let id = format!("e-{number}");
        let message = suite::message(&store, &id, &id, vec![Ok(vec![record])]);
        store.commit(vec![message]).await.unwrap();
    }
    let outside = Connection::open(folder.0.join("hub.db")).unwrap();
    let edit = "UPDATE entries SET public = CAST(replace(public, 'E-3', 'E-4') AS BLOB)
                WHERE position = 3";
    assert!(outside.execute(edit, []).unwrap_err().to_string().contains("never altered"));
    outside.execute_batch("DROP TRIGGER entries_stay").unwrap();
    outside.execute(edit, []).unwrap();
    let verdict = store.verify().await.unwrap();
    assert!(verdict.faults[0].starts_with("position 3: the public text"), "{:?}", verdict.faults);
}

#[tokio::test]
async fn a_changed_number_is_found_by_the_recount() {
    let folder = Folder::new("number");
    let store = folder.open();
    let record = suite::snapshot("R-1", 1, 4);
    let message = suite::message(&store, "r", "r", vec![Ok(vec![record])]);
    store.commit(vec![message]).await.unwrap();
    drop(store);
    // Opening anew waits for the writer, which rolls up before it ends.
    let store = folder.open();
    let outside = Connection::open(folder.0.join("hub.db")).unwrap();
    let rolled = "SELECT count(*) FROM rollups";
    for _ in 0..100 {
        if outside.query_row(rolled, [], |row| row.get::<_, u32>(0)).unwrap() > 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let altered = "UPDATE rollups SET n = n + 1 WHERE slot >> 45 & 255
                   = (SELECT measure FROM measures WHERE text = 'open')";
    assert!(outside.execute(altered, []).unwrap() > 0);
    let verdict = store.verify().await.unwrap();
    assert!(verdict.faults.iter().any(|fault| fault.contains("the rollups say 2")));
    assert_eq!(store.recount().await.unwrap().faults, verdict.faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_read_early_is_read_again_where_it_no_longer_holds() {
    let folder = Folder::new("early");
    let store: Arc<dyn Store> = Arc::new(folder.open());
    suite::workers_at_one_dossier([store.clone(), store]).await;
    let folder = Folder::new("early-names");
    let store: Arc<dyn Store> = Arc::new(folder.open());
    suite::workers_that_join_names([store.clone(), store]).await;
}

#[tokio::test]
async fn however_many_names_some_agency_invents_numbers_go_on_for_all() {
    let folder = Folder::new("names");
    let store = folder.open();
    let outside = Connection::open(folder.0.join("hub.db")).unwrap();
    let invented = "INSERT INTO names (name, text) VALUES (1000000000, 'invented')";
    outside.execute(invented, []).unwrap();
    let records = (0..4_200).map(|one| Ok(vec![suite::snapshot(&format!("N-{one}"), 1, 4)]));
    let message = suite::message(&store, "n", "n", records.collect());
    store.commit(vec![message]).await.unwrap().remove(0).unwrap();
    let rolled = "SELECT rolled FROM head";
    assert_eq!(outside.query_row(rolled, [], |row| row.get::<_, u32>(0)).unwrap(), 4_200);
    assert_eq!(store.verify().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_changed_short_form_is_found_at_its_entry() {
    let folder = Folder::new("short");
    let store = folder.open();
    for version in 1..=3 {
        let id = format!("s-{version}");
        let record = suite::snapshot("S-1", version, 4);
        let message = suite::message(&store, &id, &id, vec![Ok(vec![record])]);
        store.commit(vec![message]).await.unwrap();
    }
    assert_eq!(store.verify().await.unwrap().faults, Vec::<String>::new());
    let outside = Connection::open(folder.0.join("hub.db")).unwrap();
    let cut = "UPDATE observations SET short = substr(short, 1, 40) WHERE position = 1";
    assert_eq!(outside.execute(cut, []).unwrap(), 1);
    let found = store.verify().await.unwrap().faults;
    assert!(found.iter().any(|fault| fault.contains("position 1 differs")), "{found:?}");
    assert_eq!(store.rebuild().await.unwrap(), 3);
    assert_eq!(store.verify().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_of_a_newer_schema_is_refused_by_name() {
    let folder = Folder::new("newer");
    drop(folder.open());
    let outside = Connection::open(folder.0.join("hub.db")).unwrap();
    outside.pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(folder.0.join("hub.db")).err().unwrap();
    assert!(error.reason.contains("schema 99"), "{error}");
}
