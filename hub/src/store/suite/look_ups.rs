//! Look-ups that are asked again, while what they find changes.

use std::sync::Arc;

use super::{event, message, prepared, send};
use crate::{
    auth::Principal,
    operations::{Lookup, Operations, Reader},
    store::{Prepared, Store},
};

/// Codes of sources, and numbers of national codes, among which all happens.
const CODES: u64 = 4;
const MESSAGES: u64 = 400;

/// A dossier at one of two sources, with one of a few national codes and procedures or none.
fn dossier(draw: &mut impl FnMut(u64) -> u64, version: u64) -> Prepared {
    let source = ["so-y-te", "so-xay-dung"][draw(2) as usize];
    let code = format!("L-{}", draw(CODES));
    let procedure = ["1.001612", "1.001613"][draw(2) as usize];
    let mut body = serde_json::json!({
        "source": source, "source_code": code, "source_version": format!("{version:04}"),
        "agency": source, "applicant": { "name": "Nguyễn An", "kind": "person" },
        "procedure": procedure,
        "channel": "counter", "accepted_at": "2024-03-04", "due_at": "2024-03-08",
        "status": 4, "status_raw": format!("{version}"),
    });
    if draw(3) > 0 {
        body["code"] = format!("H19.14-240304-{:04}", draw(CODES)).into();
    }
    prepared("dossier/1", &format!("{source}/{code}"), body)
}

/// What is told under a code, and as of when.
async fn told(operations: &Operations, code: &str) -> (String, u64) {
    let portal = Reader::of_public(Principal::Portal);
    let found = operations.dossier(&portal, code, None, None).await.unwrap();
    let lookup = match found.lookup {
        Lookup::One(one) => String::from_utf8(one.json()).unwrap(),
        Lookup::Several(rows) => {
            let mut rows: Vec<_> = rows.into_iter().map(|row| (row.key, row.public)).collect();
            rows.sort();
            format!("{rows:?}")
        }
        Lookup::Nothing => "nothing".to_owned(),
    };
    (lookup, found.size)
}

/// Whoever asks again after any message is told what a first asker is told.
pub(crate) async fn look_ups(store: Arc<dyn Store>) {
    let operations = Operations::of(store.clone());
    let mut state: u64 = 20_250_701;
    let mut draw = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let codes = (0..CODES).map(|one| format!("L-{one}"));
    let codes = codes.chain((0..CODES).map(|one| format!("H19.14-240304-{one:04}")));
    let codes: Vec<String> = codes.collect();
    for number in 0..MESSAGES {
        let record = match draw(8) {
            0 => {
                event(&format!("L-{}", draw(CODES)), &format!("2024-03-{:02}", 5 + number % 20), 5)
            }
            _ => {
                // Some are late: an older version changes no state, but what was said.
                let version = number.saturating_sub(draw(20));
                dossier(&mut draw, version)
            }
        };
        let id = format!("look-up-{number}");
        send(&*store, message(&*store, &id, &id, vec![Ok(vec![record])])).await;
        // Not all are asked for after each message: what was answered long ago may still hold.
        for code in codes.iter().filter(|_| draw(3) == 0) {
            let first = told(&Operations::of(store.clone()), code).await;
            assert_eq!(told(&operations, code).await, first, "{code} after message {number}");
        }
    }
}
