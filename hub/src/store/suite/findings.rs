//! Findings: judged once, in the order of entries, whatever turns they are judged in.

use std::{collections::BTreeMap, sync::Arc};

use contracts::{Contracts, Draft};
use jiff::{SignedDuration, Timestamp, tz};
use serde_json::{Value, json};

use super::{coded, event, message, prepared, send, snapshot};
use crate::{
    judging,
    registry::{
        Catalogue,
        finding::{FindingRule, RuleName, StatusWords},
    },
    store::{
        Store,
        findings::{AllJudged, FindingQuery, Turn},
    },
};

/// A rule of a name, whose words are its values.
fn rule(name: RuleName) -> FindingRule {
    let words = name.values().iter().map(|value| format!("{{{value}}}")).collect::<Vec<_>>();
    let moves = [(1, 2), (2, 4), (4, 9), (9, 10)].map(|(from, to)| (from, vec![to]));
    FindingRule {
        name,
        days: 30_000,
        before_days: 30,
        grace_days: 3,
        dossiers: 4,
        times: 4,
        moves: moves.into(),
        words: vec![StatusWords { status: 9, meant: 5, says: vec!["bổ sung".to_owned()] }],
        cut_offs: Vec::new(),
        vi: words.join(" "),
        en: words.join(" "),
        question_vi: "?".to_owned(),
        question_en: "?".to_owned(),
        valid_from: None,
        valid_to: None,
    }
}

fn catalogue(findings: Vec<FindingRule>) -> Vec<u8> {
    Catalogue { findings, ..Catalogue::default() }.content()
}

fn query() -> FindingQuery {
    FindingQuery { limit: 100, ..FindingQuery::default() }
}

/// All findings, the latest opened first: id, rule, what about, closed at.
async fn told(store: &dyn Store) -> Vec<(String, &'static str, String, Option<u64>)> {
    let found = store.findings(query()).await.unwrap();
    let told = found.into_iter().map(|one| {
        let closed = one.closed.map(|stamp| stamp.position);
        (one.id(), one.subject.rule.name(), one.subject.about(), closed)
    });
    told.collect()
}

async fn say(store: &dyn Store, id: &str, records: Vec<crate::store::Prepared>) {
    send(store, message(store, id, id, records.into_iter().map(|one| Ok(vec![one])).collect()))
        .await;
}

/// What the rules ask of dossiers, codes and numbers is opened and closed by the entries that do
/// so; a rule that comes into force asks from then on.
pub(crate) async fn findings(store: Arc<dyn Store>) {
    // Position 0: nothing is asked yet, and what was said is asked about with the next entry.
    say(&*store, "f-0", vec![finished("F-1", 1, "2024-03-01")]).await;
    let rules = RuleName::ALL.iter().map(|name| rule(*name)).collect();
    assert!(store.publish(catalogue(rules)).await.unwrap());
    // Positions 2 to 8.
    say(&*store, "f-1", vec![finished("F-1", 2, "2024-03-02"), snapshot("F-2", 1, 4)]).await;
    say(&*store, "f-2", vec![event("F-2", "2024-03-05T02:00:00Z", 9)]).await;
    say(&*store, "f-3", vec![event("F-2", "2024-03-06T02:00:00Z", 4)]).await;
    say(&*store, "f-4", vec![coded("F-3", 1, 4, 1), coded("F-4", 1, 4, 4)]).await;
    say(&*store, "f-5", vec![finished("F-1", 3, "2024-03-05")]).await;
    judging::catch_up(store.clone()).await.unwrap();
    assert_eq!(store.judged().await.unwrap(), 9);
    let about = |name: &str| format!("so-y-te/{name}");
    let gap = "sequence-gap so-y-te H19.14-240304".to_owned();
    let first = vec![
        ("7-0".to_owned(), "sequence-gap", gap.clone(), None),
        ("5-0".to_owned(), "status-regression", about("F-2"), None),
        ("2-0".to_owned(), "finish-before-acceptance", about("F-1"), Some(8)),
    ];
    assert_eq!(told(&*store).await, first);
    holds(&store, 9).await;
    // A code that was mistyped and is mended: one of the numbers is borne, the gap is no more.
    let mended = [2, 3].map(|number| coded(&format!("F-{}", number + 3), 1, 4, number));
    say(&*store, "f-6", mended.to_vec()).await;
    judging::catch_up(store.clone()).await.unwrap();
    assert_eq!(told(&*store).await[0].3, Some(10));
    asked_for(&*store).await;
    // By what changed last: the finding of F-1 at 8, the gap at 10.
    let feed = |from: (u64, u32)| store.findings_from(from.0, from.1, 10);
    let changed = async |from| -> Vec<(u64, u32)> {
        feed(from).await.unwrap().iter().map(|one| one.changed).collect()
    };
    assert_eq!(changed((0, 0)).await, [(5, 0), (8, 0), (10, 0)]);
    assert_eq!(changed((8, 1)).await, [(10, 0)]);
    stale(&*store).await;
    sealed(&*store).await;
    // Made anew it is the same, and nothing is kept of it meanwhile.
    let all = store.all_judged().await.unwrap();
    store.rebuild().await.unwrap();
    assert_eq!(store.all_judged().await.unwrap(), AllJudged::default());
    judging::catch_up(store.clone()).await.unwrap();
    assert_eq!(store.all_judged().await.unwrap(), all);
    holds(&store, 11).await;
    damaged(&store).await;
}

/// A gap is asked about by the first entry of a day on which its own is over, whatever that entry
/// tells; `clock` has the journal stand at a time.
pub(crate) async fn days_that_pass(store: Arc<dyn Store>, clock: impl AsyncFn(Timestamp)) {
    let of = |name: RuleName| store.publish(catalogue(vec![rule(name)]));
    assert!(of(RuleName::SequenceGap).await.unwrap());
    let now = Timestamp::now();
    let today = tz::offset(7).to_datetime(now).date();
    let bears = |code: &str, number: u32| {
        let mut body = finished_body(code, 1, "2024-03-05");
        body["code"] = json!(format!("H19.14-{}-{number:04}", today.strftime("%y%m%d")));
        body["procedure"] = json!("1.001612");
        prepared("dossier/1", code, body)
    };
    // Positions 1 and 2.
    say(&*store, "d-0", vec![bears("D-1", 1), bears("D-2", 4)]).await;
    judging::catch_up(store.clone()).await.unwrap();
    let days = |days: i64| now + SignedDuration::from_hours(24 * days);
    // Three days of grace: today is over on the fourth day from it.
    clock(days(3)).await;
    say(&*store, "d-1", vec![finished("D-3", 1, "2024-03-05")]).await;
    judging::catch_up(store.clone()).await.unwrap();
    assert_eq!(told(&*store).await, []);
    clock(days(4)).await;
    // Another edition moves the calendar on as anything does that is recorded.
    let other = FindingRule { vi: "{numbers}".to_owned(), ..rule(RuleName::SequenceGap) };
    assert!(store.publish(catalogue(vec![other])).await.unwrap());
    say(&*store, "d-2", vec![finished("D-4", 1, "2024-03-05")]).await;
    clock(days(400)).await;
    say(&*store, "d-3", vec![finished("D-5", 1, "2024-03-05")]).await;
    judging::catch_up(store.clone()).await.unwrap();
    let about = format!("sequence-gap so-y-te H19.14-{}", today.strftime("%y%m%d"));
    assert_eq!(told(&*store).await, [("4-0".to_owned(), "sequence-gap", about, None)]);
    // A recount looks at all entries in one turn.
    holds(&store, 7).await;
    store.rebuild().await.unwrap();
    judging::catch_up(store.clone()).await.unwrap();
    holds(&store, store.judged().await.unwrap()).await;
    assert_eq!(told(&*store).await.len(), 1);
}

/// A dossier accepted on 4 March 2024 that is finished on a day.
fn finished(code: &str, version: u32, day: &str) -> crate::store::Prepared {
    prepared("dossier/1", code, finished_body(code, version, day))
}

fn finished_body(code: &str, version: u32, day: &str) -> Value {
    json!({
        "source": "so-y-te", "source_code": code, "source_version": version.to_string(),
        "agency": "so-y-te", "applicant": { "name": "Nguyễn An", "kind": "person" },
        "channel": "counter", "accepted_at": "2024-03-04", "finished_at": day,
        "status": 9, "status_raw": "xong",
    })
}

async fn holds(store: &Arc<dyn Store>, judged: u64) {
    let recounted = judging::recount(store.clone()).await.unwrap();
    assert_eq!((recounted.judged, recounted.faults), (judged, Vec::<String>::new()));
}

/// Questions are answered by agency, rule, dossier, state and place.
async fn asked_for(store: &dyn Store) {
    let ids = async |query: FindingQuery| -> Vec<String> {
        let found = store.findings(query).await.unwrap();
        found.iter().map(|one| one.id()).collect()
    };
    let of = |agency: &str| FindingQuery { agency: Some(agency.to_owned()), ..query() };
    assert_eq!(ids(of("so-y-te")).await, ["7-0", "5-0", "2-0"]);
    assert!(ids(of("so-xay-dung")).await.is_empty());
    let rule = Some(RuleName::SequenceGap);
    assert_eq!(ids(FindingQuery { rule, open: Some(false), ..query() }).await, ["7-0"]);
    assert!(ids(FindingQuery { rule, open: Some(true), ..query() }).await.is_empty());
    let dossier = Some("so-y-te/F-2".to_owned());
    assert_eq!(ids(FindingQuery { dossier, ..query() }).await, ["5-0"]);
    let page = FindingQuery { before: Some((7, 0)), limit: 1, ..query() };
    assert_eq!(ids(page).await, ["5-0"]);
}

/// A turn that another has overtaken leaves nothing.
async fn stale(store: &dyn Store) {
    let all = store.all_judged().await.unwrap();
    let stale = Turn { from: 4, to: 5, findings: Vec::new(), ..Turn::default() };
    assert!(!store.settle_findings(stale).await.unwrap());
    let (one, other) = tokio::join!(
        store.settle_findings(Turn { from: 11, to: 11, ..Turn::default() }),
        store.settle_findings(Turn { from: 10, to: 12, ..Turn::default() }),
    );
    assert!(one.unwrap() && !other.unwrap());
    assert_eq!(store.all_judged().await.unwrap(), all);
}

/// Each is what its contract says.
async fn sealed(store: &dyn Store) {
    let contracts = Contracts::builtin().unwrap();
    for finding in store.all_judged().await.unwrap().findings {
        let body: Value = serde_json::from_str(&finding.text()).unwrap();
        let (contract, key) = ("finding/1".parse().unwrap(), finding.id().into());
        let draft = Draft { contract, key, body: body.into() };
        assert_eq!(contracts.seal(&draft).map(|_| ()), Ok(()), "{}", finding.text());
    }
}

/// What is kept otherwise than a recount has it is told by its id.
async fn damaged(store: &Arc<dyn Store>) {
    let all = store.all_judged().await.unwrap();
    let judged = all.next;
    let known: BTreeMap<String, _> = all.findings.into_iter().map(|one| (one.id(), one)).collect();
    let mut altered = known["5-0"].clone();
    altered.body = altered.body.replace("2024-03-06", "2024-03-07");
    let turn = Turn { from: judged, to: judged, findings: vec![altered], ..Turn::default() };
    assert!(store.settle_findings(turn).await.unwrap());
    let recounted = judging::recount(store.clone()).await.unwrap();
    assert_eq!(recounted.faults, ["finding 5-0 differs from a recount"]);
}
