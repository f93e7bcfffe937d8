//! Accesses to personal data: kept whole, listed the latest first, dropped for their age.

use jiff::Timestamp;

use crate::{
    journal::merkle::Digest,
    store::{
        ApiKey, Store,
        accesses::{Access, AccessFound, AccessQuery},
    },
};

fn access(second: i64, id: &str, agency: &str, subject: &str) -> Access {
    Access {
        at: Timestamp::from_second(1_800_000_000 + second).unwrap(),
        id: id.to_owned(),
        principal: format!("agency:{agency}"),
        key: "doc".to_owned(),
        purpose: "handling".to_owned(),
        reason: (second % 2 == 1).then(|| "Bổ sung hồ sơ".to_owned()),
        call: "getDossier".to_owned(),
        agency: agency.to_owned(),
        subject: subject.to_owned(),
        position: (second % 2 == 0).then_some(7),
    }
}

async fn ids(store: &dyn Store, query: AccessQuery) -> Vec<String> {
    let found = store.accesses(AccessQuery { limit: 10, ..query }).await.unwrap();
    found.into_iter().map(|one| one.access.id).collect()
}

/// Accesses are kept as they are noted, and found by agency and subject.
pub(crate) async fn kept(store: &dyn Store) {
    let key = ApiKey::new("doc".to_owned(), Digest::of(b"doc"), "agency:a".to_owned());
    store.add_key(ApiKey { name: Some("một cửa".to_owned()), ..key }).await.unwrap();
    let all = vec![
        access(1, "a1", "a", "a/1"),
        access(2, "a2", "a", "a/2"),
        access(2, "b2", "b", "b/2"),
        access(3, "a3", "a", "a/1"),
    ];
    store.note_accesses(all.clone()).await.unwrap();
    // All or none.
    let some = vec![access(4, "a4", "a", "a/4"), all[0].clone()];
    assert!(store.note_accesses(some).await.is_err(), "a1 is there already");

    assert_eq!(ids(store, AccessQuery::default()).await, ["a3", "b2", "a2", "a1"]);
    let agency = Some("a".to_owned());
    let own = AccessQuery { agency: agency.clone(), ..AccessQuery::default() };
    assert_eq!(ids(store, own).await, ["a3", "a2", "a1"]);
    let subjects = Some(vec!["a/1".to_owned(), "b/2".to_owned()]);
    let about = AccessQuery { subjects: subjects.clone(), ..AccessQuery::default() };
    assert_eq!(ids(store, about).await, ["a3", "b2", "a1"]);
    let both = AccessQuery { agency, subjects, ..AccessQuery::default() };
    assert_eq!(ids(store, both).await, ["a3", "a1"]);
    let none = AccessQuery { subjects: Some(Vec::new()), ..AccessQuery::default() };
    assert_eq!(ids(store, none).await, Vec::<String>::new());

    // Page by page it is the same, whole.
    let (mut after, mut seen) = (None, Vec::new());
    for _ in 0..=all.len() {
        let query = AccessQuery { after: after.clone(), limit: 1, ..AccessQuery::default() };
        let page = store.accesses(query).await.unwrap();
        let Some(last) = page.last() else { break };
        assert_eq!(last.key_name.as_deref(), Some("một cửa"));
        after = Some(last.place());
        seen.extend(page.into_iter().map(|AccessFound { access, .. }| access));
    }
    let latest_first: Vec<Access> = [3, 2, 1, 0].map(|at| all[at].clone()).to_vec();
    assert_eq!(seen, latest_first);

    let before = all[1].at;
    assert_eq!(store.drop_accesses(before).await.unwrap(), 1);
    assert_eq!(ids(store, AccessQuery::default()).await, ["a3", "b2", "a2"]);
}
