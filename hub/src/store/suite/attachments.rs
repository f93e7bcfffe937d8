//! Who has which attachment: once each, within a quota, and shared with whom it is sent to.

use crate::store::{Store, attachments::HeldFile};

fn file(holder: &str, number: u8, size: u64) -> HeldFile {
    let digest = format!("sha256:{}", format!("{number:02x}").repeat(32));
    let (holder, media_type) = (holder.to_owned(), "application/pdf".to_owned());
    HeldFile { digest, holder, size, media_type }
}

/// What is sent counts once for each who sends it; what is shared counts for nobody.
pub(crate) async fn held(store: &dyn Store) {
    let held = async |of: &HeldFile, holder: &str| {
        store.held(of.digest.clone(), holder.to_owned()).await.unwrap()
    };
    let (one, two) = (file("so-a", 1, 60), file("so-a", 2, 50));
    assert!(store.hold(one.clone(), 100).await.unwrap());
    assert!(store.hold(one.clone(), 100).await.unwrap(), "the same again takes no room");
    assert!(!store.hold(two.clone(), 100).await.unwrap());
    assert_eq!(held(&two, "so-a").await, None, "what is too much is not held");
    assert!(!store.hold(file("so-c", 3, 101), 100).await.unwrap());
    assert!(store.hold(file("so-a", 2, 40), 100).await.unwrap(), "it may be full to the last byte");
    assert_eq!(held(&one, "so-a").await, Some(one.clone()));
    assert_eq!(held(&one, "so-b").await, None);
    let shared = HeldFile { holder: "so-b".to_owned(), ..one.clone() };
    store.share(shared.clone()).await.unwrap();
    store.share(shared.clone()).await.unwrap();
    assert_eq!(held(&one, "so-b").await, Some(shared.clone()));
    // What one was sent it may send itself; only then it counts.
    assert!(!store.hold(shared.clone(), 59).await.unwrap());
    assert!(store.hold(shared.clone(), 60).await.unwrap());
    // That it is shared again takes back nothing.
    store.share(shared.clone()).await.unwrap();
    assert!(store.hold(shared, 60).await.unwrap());
    let digests = [one.digest, two.digest];
    let first = store.files(String::new(), 1).await.unwrap();
    assert_eq!(first, [(digests[0].clone(), 60)]);
    let next = store.files(digests[0].clone(), 10).await.unwrap();
    assert_eq!(next, [(digests[1].clone(), 40)]);
}
