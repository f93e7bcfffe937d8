//! Payloads too large to keep as files.

use super::{BIEN_HOA, Case, PLANNING, TABLE, good};

fn refused(name: &str, channel: &str, payload: Vec<u8>, code: &str, place: &str) -> Case {
    Case {
        name: name.to_owned(),
        channel: channel.to_owned(),
        payload,
        status: 422,
        outcome: "refused".to_owned(),
        records: 0,
        refused: None,
        code: code.to_owned(),
        place: place.to_owned(),
    }
}

/// Each far larger, deeper or wider than any agency's data.
pub(super) fn cases() -> Vec<Case> {
    let deep_elements = [b"<a>".repeat(100_000), b"</a>".repeat(100_000)].concat();
    let attributes: String = (0..60_000).map(|at| format!(" a{at}=\"1\"")).collect();
    // Each name in it would be looked for among thousands.
    let prefixes = (0..50).map(|level| {
        let bound = (0..200).map(|at| format!(" xmlns:p{level}-{at}=\"u\""));
        format!("<a{}>", bound.collect::<String>())
    });
    let prefixes: String = prefixes.collect();
    let comments = String::from_utf8(good(PLANNING)).unwrap();
    let comments = comments.replacen("?>", &format!("?>{}", "<!---->".repeat(2_000_000)), 1);
    let deep_arrays = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let deep_ignored = [
        br#"{"suKien":"HOSO_MOI","khac":"#.to_vec(),
        b"[".repeat(5_000),
        b"]".repeat(5_000),
        b"}".to_vec(),
    ]
    .concat();
    let deep_objects = br#"{"a":"#.repeat(100_000);
    let keys: String = (0..100_000).map(|at| format!("\"k{at}\":1,")).collect();
    let long_text = format!("{{\"maHoSo\":\"{}\"}}", "9".repeat(20 << 20));
    let header = "MA,NGAY_NHAN,TRANG_THAI,HO_TEN,GHI_CHU\n";
    // Each row leaves a problem far larger than itself.
    let ragged = format!("{header}{}", "x\n".repeat(1_000_000));
    let spaces = b" ".repeat(16 << 20);
    let columns = format!("{}\n", "x,".repeat(200_000));
    vec![
        refused("xml-100k-deep", PLANNING, deep_elements, "limit-exceeded", "1:193"),
        refused(
            "xml-60k-attributes",
            PLANNING,
            format!("<a{attributes}/>").into_bytes(),
            "limit-exceeded",
            "1:2198",
        ),
        refused("xml-10k-prefixes", PLANNING, prefixes.into_bytes(), "limit-exceeded", "1:4183"),
        Case {
            status: 200,
            outcome: "stored".to_owned(),
            records: 4,
            ..refused("xml-2m-comments", PLANNING, comments.into_bytes(), "", "")
        },
        refused("json-100k-deep", BIEN_HOA, deep_arrays, "limit-exceeded", "1:65"),
        refused("json-5000-deep-ignored", BIEN_HOA, deep_ignored, "limit-exceeded", "1:92"),
        refused("json-100k-deep-objects", BIEN_HOA, deep_objects, "limit-exceeded", "1:321"),
        refused(
            "json-100k-keys",
            BIEN_HOA,
            format!("{{{keys}\"z\":1}}").into_bytes(),
            "limit-exceeded",
            "1:709786",
        ),
        refused("json-20mb-text", BIEN_HOA, long_text.into_bytes(), "limit-exceeded", "1:11"),
        // After ten thousand refusals one more says so, and the rest is not read.
        Case {
            refused: Some(10_001),
            ..refused("csv-1m-ragged", TABLE, ragged.into_bytes(), "not-the-format", "2:1")
        },
        refused("csv-200k-columns", TABLE, columns.into_bytes(), "limit-exceeded", "1:1"),
        refused("json-16mb-spaces", BIEN_HOA, spaces, "not-the-format", "1:16777217"),
    ]
}
