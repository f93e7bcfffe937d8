//! What must be the same on both stores, whatever the order; and questions no store may stumble on.

use crate::{
    backend::Backend,
    harness::{Folder, Hub, Random, seed},
    permutations::{AGENCY, Message, disturbed, dossier, send_all},
};

/// Dossiers in each hub.
const DOSSIERS: u64 = 150;
/// The year in which most of them lie.
const YEAR: &str = "from=2024-01-01&to=2024-12-31";

/// What a hub answers to those who count, after it was sent the messages; and its fold root.
async fn answers(folder: Folder, messages: Vec<Message>, senders: usize) -> (Vec<String>, String) {
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    send_all(&sender, messages, senders).await;
    let mut told = Vec::new();
    for by in ["agency", "procedure", "status", "day"] {
        let mut body = sender.found(&format!("/v1/statistics?{YEAR}&by={by}")).await;
        // Where the journal ends hangs on how often a message came.
        body.as_object_mut().unwrap().remove("as_of").expect("statistics say as of when they are");
        told.push(body.to_string());
    }
    for code in ["BH.HT.24.000000", "BH.HT.24.000077"] {
        let mut body = sender.found(&format!("/v1/dossiers/{code}?purpose=handling")).await;
        // Neither does the state hang on when and how often it was told.
        let state = body["dossier"].take();
        assert!(state.is_object(), "{code}: {state}");
        told.push(state.to_string());
    }
    hub.stop();
    let verified = folder.verify();
    assert_eq!(verified.dossiers, DOSSIERS);
    (told, verified.fold_root)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_answer_the_same_whatever_the_order() {
    let seed = seed(20_240_703);
    let messages: Vec<Message> = (0..DOSSIERS).flat_map(|one| dossier(seed, one)).collect();
    let mut random = Random::new(seed);
    let embedded = answers(Backend::Sqlite.folder("answers"), messages.clone(), 1).await;
    let other = [disturbed(&mut random, &messages), disturbed(&mut random, &messages)];
    for ((messages, senders), name) in
        other.into_iter().chain([messages]).zip([1, 16, 4]).zip(["alone", "many", "ordered"])
    {
        let server =
            answers(Backend::Postgres.folder(&format!("answers-{name}")), messages, senders).await;
        assert_eq!(server, embedded, "{name}");
    }
}

/// Questions that no store may stumble over.
const QUESTIONS: &[&str] = &[
    "/v1/dossiers/%00",
    "/v1/dossiers/BH.HT.24.000000?source=%00",
    "/v1/dossiers/BH.HT.24.000000?as_of=9223372036854775808",
    "/v1/dossiers/BH.HT.24.000000?as_of=18446744073709551615",
    "/v1/messages/%00",
    "/v1/messages/m-0-0?channel=%00",
    "/v1/statistics?agency=%00",
    "/v1/statistics?procedure=%00",
    "/v1/statistics?field=%00",
    "/v1/statistics?channel=%00",
    "/v1/statistics?commune=%00",
    "/v1/statistics?by=channel&commune=26041@",
    "/v1/statistics/dossiers?measure=open&as_of=18446744073709551615",
    "/v1/statistics/dossiers?measure=open&cursor=%00",
    "/v1/statistics/dossiers?measure=%00",
    "/v1/dossiers/%00/deadline",
    "/v1/dossiers/BH.HT.24.000000/deadline?as_of=18446744073709551615",
    "/v1/statistics?as_of=18446744073709551615",
    "/v1/feeds/records?from=18446744073709551615",
    "/v1/feeds/records?cursor=%00",
    "/v1/feeds/records?after=%00",
    "/v1/feeds/dossiers?cursor=%00",
    "/v1/feeds/dossiers?after=0.%00",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_question_makes_a_store_stumble() {
    let mut told = Vec::new();
    for backend in Backend::ALL {
        let folder = backend.folder("questions");
        let keys = ["portal", AGENCY].map(|principal| folder.key(principal));
        let hub = Hub::start(&folder).await;
        send_all(&hub.sender(&keys[1]), dossier(7, 0), 1).await;
        let mut answers = Vec::new();
        for key in &keys {
            for question in QUESTIONS {
                let (status, body) = hub.sender(key).get(question).await;
                answers.push((*question, status, body["code"].clone()));
            }
        }
        hub.stop();
        told.push(answers);
    }
    let stumbled: Vec<_> = told.iter().flatten().filter(|(_, status, _)| *status >= 500).collect();
    assert!(stumbled.is_empty(), "{stumbled:#?}");
    assert_eq!(told[0], told[1]);
}
