//! Who has which attachment: once each, within a quota, and shared with whom it is sent to.

use serde_json::json;

use super::{message, prepared, send};
use crate::{
    registry::AskedBy,
    store::{
        Prepared, Store,
        attachments::{HeldFile, Parted, Remove},
        erasures::{Erased, Erasing},
    },
};

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
    parted(store).await;
}

/// A dossier whose record names files.
fn naming(code: &str, version: u32, files: &[&HeldFile]) -> Prepared {
    let claim = |file: &&HeldFile| {
        let HeldFile { digest, size, media_type, .. } = file;
        json!({ "digest": digest, "size": size, "media_type": media_type, "name": "tệp" })
    };
    let body = json!({
        "source": "so-y-te", "source_code": code, "source_version": version.to_string(),
        "agency": "so-y-te", "applicant": { "name": "Nguyễn An", "kind": "person" },
        "channel": "counter", "accepted_at": "2024-03-04", "status": 4, "status_raw": "4",
        "attachments": files.iter().map(claim).collect::<Vec<_>>(),
    });
    prepared("dossier/1", code, body)
}

async fn erase(store: &dyn Store, code: &str) -> u64 {
    let (key, reason) = (format!("so-y-te/{code}"), "văn bản số 12".to_owned());
    let erasing = Erasing { key, asked_by: AskedBy::Authority, reason };
    match store.erase(erasing).await.unwrap() {
        Erased::Now(_, erasure) => erasure.text.files,
        other => panic!("{other:?}"),
    }
}

/// What is erased takes the files that nothing else names, all of each or nothing; what was kept
/// out brings none back, and what is sent anew by itself stays.
async fn parted(store: &dyn Store) {
    let (own, both) = (file("so-y-te", 9, 70), file("so-y-te", 10, 30));
    for one in [&own, &both] {
        assert!(store.hold(one.clone(), 100).await.unwrap());
    }
    store.share(HeldFile { holder: "so-b".to_owned(), ..own.clone() }).await.unwrap();
    let tell = async |id: &str, code: &str, version, files: &[&HeldFile]| {
        let message = message(store, id, id, vec![Ok(vec![naming(code, version, files)])]);
        send(store, message).await
    };
    tell("f-1", "F-1", 1, &[&own, &both]).await;
    tell("f-2", "F-2", 1, &[&both]).await;
    assert!(!store.read_names().await.unwrap(), "what is not sealed is known when it comes");
    let found = store.erasable("so-y-te/F-1".to_owned()).await.unwrap().files;
    assert_eq!(found.going.iter().collect::<Vec<_>>(), [&own.digest]);
    assert_eq!((found.bytes, found.staying), (70, 1));
    assert_eq!(store.doubted(10).await.unwrap(), Vec::<String>::new());
    assert_eq!(erase(store, "F-1").await, 1);
    assert_eq!(store.doubted(10).await.unwrap(), vec![own.digest.clone()]);

    let held = async |of: &HeldFile| {
        let found = store.held(of.digest.clone(), of.holder.clone()).await;
        found.unwrap().is_some()
    };
    let fails = || Err(std::io::Error::other("a disk that may only be read"));
    let part = async |of: &HeldFile, remove: Remove| store.part(of.digest.clone(), remove).await;
    let told = part(&own, Box::new(fails)).await.unwrap_err();
    assert!(told.reason.contains("may only be read"), "{told}");
    assert!(held(&own).await, "what is not removed is known still");
    assert_eq!(part(&own, Box::new(|| Ok(()))).await.unwrap(), Parted::Gone);
    assert!(!held(&own).await && held(&both).await);
    assert_eq!(part(&own, Box::new(fails)).await.unwrap(), Parted::Settled);
    let shared = HeldFile { holder: "so-b".to_owned(), ..own.clone() };
    assert!(!held(&shared).await, "whom it was sent to has it no more");
    assert!(store.share(shared).await.is_err(), "what is gone is shared with nobody");

    // What is gone does not come back; what is there may be put otherwise, or stays as it is.
    assert!(!store.replace(own.digest.clone(), Box::new(fails)).await.unwrap());
    assert!(store.replace(both.digest.clone(), Box::new(|| Ok(()))).await.unwrap());
    let told = store.replace(both.digest.clone(), Box::new(fails)).await.unwrap_err();
    assert!(told.reason.contains("may only be read"), "{told}");

    // Its room is free again. Sent again and named by who was erased, it goes again.
    assert!(store.hold(own.clone(), 100).await.unwrap());
    let receipt = tell("f-3", "F-1", 2, &[&own, &both]).await;
    assert_eq!(receipt.erased.map(|erased| erased.records), Some(1));
    assert_eq!(store.doubted(10).await.unwrap(), [own.digest.clone(), both.digest.clone()]);
    assert_eq!(part(&both, Box::new(fails)).await.unwrap(), Parted::Stays, "F-2 names it");
    assert!(store.hold(own.clone(), 100).await.unwrap());
    assert_eq!(store.doubted(10).await.unwrap(), Vec::<String>::new(), "it was sent since");
    assert!(held(&own).await && held(&both).await);
    assert_eq!(store.verify().await.unwrap().faults, Vec::<String>::new());
}
