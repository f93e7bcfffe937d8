//! The server takes a transaction back at each of its statements in turn, as it does where two are
//! in each other's way. The whole transaction is run again; its sender hears of nothing, and the
//! effect is there once. Where it is taken back again and again, the sender is told to come later.

use super::{ANSWER_MAX, Bed};
use crate::permutations::{CHANNEL, dossier};

use std::time::Instant;

/// Tables that a message's transaction is known to write.
const WRITTEN_MIN: usize = 8;
/// What the server says: `serialization_failure`, `deadlock_detected`.
const CODES: [&str; 2] = ["40001", "40P01"];

/// Has the server take back each transaction that writes to a table, so many times.
fn takes_back(bed: &Bed, table: &str, code: &str, times: u32) {
    bed.order(&format!(
        "CREATE SEQUENCE lienthong.taken_back MINVALUE 0 START 0;
         GRANT ALL ON SEQUENCE lienthong.taken_back TO PUBLIC;
         CREATE FUNCTION lienthong.takes_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('lienthong.taken_back') < {times} THEN
                 RAISE EXCEPTION 'taken back for the test' USING ERRCODE = '{code}';
             END IF;
             RETURN NULL;
         END $$;
         CREATE TRIGGER takes_back BEFORE INSERT OR UPDATE OR DELETE ON lienthong.\"{table}\"
         FOR EACH STATEMENT EXECUTE FUNCTION lienthong.takes_back()"
    ));
}

/// Undoes that; whether a transaction was taken back.
fn lets_be(bed: &Bed, table: &str) -> bool {
    let told = bed.order(&format!(
        "SELECT is_called FROM lienthong.taken_back;
         DROP TRIGGER takes_back ON lienthong.\"{table}\";
         DROP FUNCTION lienthong.takes_back; DROP SEQUENCE lienthong.taken_back"
    ));
    told.starts_with('t')
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_is_taken_back_at_any_statement_is_run_again_whole() {
    let Some(bed) = Bed::new("taken_back", &[]).await else { return };
    let sender = bed.hub.sender(&bed.key);
    let tables = bed.order(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'lienthong'::regnamespace
         AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
    );
    let (mut number, mut written) = (2_000_000, Vec::new());
    for (table, code) in tables.lines().zip(CODES.into_iter().cycle()) {
        let message = dossier(bed.seed, number).remove(0);
        number += 1;
        takes_back(&bed, table, code, 1);
        let (status, receipt) =
            sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        let was = lets_be(&bed, table);
        assert_eq!((status, &receipt["outcome"]), (200, &"stored".into()), "{table} {receipt}");
        let (_, again) = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        assert_eq!(again["outcome"], "duplicate", "{table}: {again}");
        assert_eq!(again["positions"], receipt["positions"], "{table}: the same answer");
        written.extend(was.then_some(table));
    }
    println!("taken back at {written:?}");
    assert!(written.len() >= WRITTEN_MIN, "only {written:?}");
    // Without end: nobody waits for ever, and nothing of it is kept.
    let message = dossier(bed.seed, number).remove(0);
    takes_back(&bed, "entries", CODES[0], 1_000_000);
    let began = Instant::now();
    let (status, problem) = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
    assert_eq!((status, &problem["code"]), (503, &"later".into()), "{problem}");
    assert!(began.elapsed() < ANSWER_MAX, "{:?}", began.elapsed());
    assert!(lets_be(&bed, "entries"));
    let (status, receipt) = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
    assert_eq!((status, &receipt["outcome"]), (200, &"stored".into()), "{receipt}");
    bed.hub.stop();
    let verified = bed.folder.verify();
    let sent = tables.lines().count() as u64 + 1;
    assert_eq!(verified.entries, 1 + sent, "each message once");
}
