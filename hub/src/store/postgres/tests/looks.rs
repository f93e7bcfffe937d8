//! What was answered before, while others write.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{Database, PostgresStore};
use crate::store::{Basis, Store, batch::Marks, suite};

async fn says(store: &PostgresStore, name: &str, version: u32) {
    let id = format!("{name}-{version}");
    let record = suite::snapshot(name, version, 4);
    store.commit(vec![suite::message(store, &id, &id, vec![Ok(vec![record])])]).await.unwrap();
}

/// What is read of a code, and what it rests on.
async fn read(store: &PostgresStore, code: &str) -> Basis {
    let found = store.find(code.to_owned(), None).await.unwrap();
    let marks = Marks::asked(code, std::iter::empty()).numbers().collect();
    Basis { moment: found.moment, size: found.size, marks }
}

#[tokio::test]
async fn look_ups() {
    let database = Database::new("look_ups").await;
    suite::look_ups(Arc::new(database.open().await)).await;
    database.drop().await;
}

#[tokio::test]
async fn what_another_process_writes_ends_what_it_is_about_and_nothing_else() {
    let database = Database::new("looks").await;
    let (one, other) = (database.open().await, database.open().await);
    says(&other, "A", 1).await;
    says(&other, "B", 1).await;
    // Before its first look a process does not know what was touched.
    assert_eq!(one.holds(&read(&one, "A").await).await, Some(2));
    let (of_a, of_b) = (read(&one, "A").await, read(&one, "B").await);
    says(&other, "A", 2).await;
    assert_eq!(one.holds(&of_a).await, None);
    assert_eq!(one.holds(&of_b).await, Some(3));
    assert_eq!(one.holds(&read(&one, "A").await).await, Some(3));
    // More was said than is read one by one: whatever it was about.
    for version in 0..260 {
        says(&other, "C", version).await;
    }
    assert_eq!(one.holds(&of_b).await, None);
    assert_eq!(one.holds(&read(&one, "B").await).await, Some(263));
    database.drop().await;
}

/// Whoever asks after something was acknowledged hears of it, though one looks for many.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_looks_for_all_who_wait_and_nobody_hears_of_less_than_was_acknowledged() {
    let database = Database::new("looks_shared").await;
    let (one, other) = (Arc::new(database.open().await), database.open().await);
    says(&other, "A", 1).await;
    let of_b = Arc::new(read(&one, "B").await);
    one.holds(&of_b).await;
    let of_b = Arc::new(Basis { moment: Some(1), ..(*of_b).clone() });
    for version in 2..40 {
        says(&other, "A", version).await;
        let asked = (0..32).map(|_| {
            let (one, of_b) = (one.clone(), of_b.clone());
            tokio::spawn(async move { one.holds(&of_b).await })
        });
        for size in join_all(asked).await {
            assert_eq!(size.unwrap(), Some(u64::from(version)));
        }
    }
    database.drop().await;
}
