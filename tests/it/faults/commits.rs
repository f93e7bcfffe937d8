//! The line is cut exactly at a commit: nobody can tell the sender whether its message was kept;
//! it is told so, sends again, and the effect is there once.

use serde_json::Value;

use super::{BACK_MAX, Bed, proxy::Line};
use crate::{
    corpus::TABLE,
    harness::{Hub, Sender},
    permutations::{CHANNEL, Message, dossier},
};

/// How often a store holds the message of an id.
fn stored(bed: &Bed, id: &str) -> String {
    let sql = "SELECT count(*) FROM lienthong.entries e JOIN lienthong.messages m USING (message)";
    bed.order(&format!("{sql} WHERE m.id = '{id}'"))
}

async fn push(sender: &Sender, message: &Message) -> (u16, Value) {
    sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_reply_to_a_commit_is_unknown_until_the_message_comes_again() {
    let Some(bed) = Bed::with_line("commits").await else { return };
    let sender = bed.hub.sender(&bed.key);
    let messages: Vec<Message> = (1_000_000..1_000_004).flat_map(|n| dossier(1, n)).collect();
    let (mut lost, mut unheard) = (0, 0);
    for (at, message) in messages.iter().enumerate() {
        // The server has kept it, or has never heard of it; the hub cannot know which.
        let (line, kept, then) = match at % 2 {
            0 => (Line::LosesReplies, "1", "duplicate"),
            _ => (Line::LosesCommits, "0", "stored"),
        };
        bed.proxy.is(line);
        let (status, problem) = push(&sender, message).await;
        assert_eq!((status, &problem["code"]), (503, &"later".into()), "{problem}");
        bed.proxy.is(Line::Whole);
        assert_eq!(stored(&bed, &message.id), kept, "{line:?}");
        let (status, receipt) = push(&sender, message).await;
        assert_eq!((status, &receipt["outcome"]), (200, &then.into()), "{line:?}: {receipt}");
        assert_eq!(stored(&bed, &message.id), "1", "{line:?}");
        lost += usize::from(line == Line::LosesReplies);
        unheard += usize::from(line == Line::LosesCommits);
    }
    assert!(lost > 1 && unheard > 1, "{lost} replies and {unheard} commits were lost");
    assert_eq!(
        bed.order("SELECT count(*), max(position) + 1 FROM lienthong.entries"),
        format!("{0}|{0}", 1 + messages.len())
    );
    bed.log_says(&["whether the commit was kept is not known"]);
    bed.folder.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_as_well() {
    let Some(bed) = Bed::with_line("commits_load").await else { return };
    let load = bed.load();
    for turn in 0..12 {
        load.goes_on(10, BACK_MAX).await;
        bed.proxy.is([Line::LosesReplies, Line::LosesCommits][turn % 2]);
        load.is_turned_away(BACK_MAX).await;
        bed.proxy.is(Line::Whole);
    }
    bed.ends(load, &["whether the commit was kept is not known"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_large_file_comes_through_although_every_reply_is_lost() {
    const ROWS: u64 = 1_500;
    let Some(mut bed) = Bed::with_line("commits_file").await else { return };
    let key = bed.folder.key("agency:so-thu-nghiem");
    bed.hub.stop();
    bed.hub = Hub::start(&bed.folder).await;
    let sender = bed.hub.sender(&key);
    let row = |row| format!("L-{row},04/03/2024,MOI,Lâm Thị Mẫu,Hồ sơ số {row} đã nhận đủ\n");
    let rows: String = (0..ROWS).map(row).collect();
    let file = format!("MA,NGAY_NHAN,TRANG_THAI,HO_TEN,GHI_CHU\n{rows}");
    bed.proxy.is(Line::LosesReplies);
    let mut lost = 0;
    let receipt = loop {
        let answer = sender.push(TABLE, Some("lon.csv"), file.as_bytes()).await.unwrap();
        match answer {
            (200, receipt) => break receipt,
            (status, problem) => assert_eq!((status, lost < 10), (503, true), "{problem}"),
        }
        lost += 1;
    };
    // Each attempt went on where the last one had been kept, by one chunk or by several that were
    // under way together.
    assert!((1..=3).contains(&lost), "{lost}: {receipt}");
    assert_eq!(receipt["records"], ROWS, "{receipt}");
    assert_eq!(receipt["first"], "stored", "{receipt}");
    assert_eq!(stored(&bed, "lon.csv"), ROWS.to_string());
    bed.log_says(&["whether the commit was kept is not known"]);
    bed.proxy.is(Line::Whole);
    bed.hub.stop();
    let verified = bed.folder.verify();
    assert_eq!((verified.entries, verified.dossiers), (1 + ROWS, ROWS));
}
