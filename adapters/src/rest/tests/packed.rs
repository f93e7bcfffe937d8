//! Bodies under `Content-Encoding`.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::{Rig, problem, server_limits};
use crate::rest::intake::Limits;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send(rig: &Rig, packed: Vec<u8>) -> reqwest::Response {
    rig.post().header("Content-Encoding", "gzip").body(packed).send().await.unwrap()
}

/// The problem with a packed body, after checking that the hub goes on.
async fn refused(rig: &Rig, packed: Vec<u8>, status: u16) -> Value {
    let answer = send(rig, packed).await;
    assert_eq!(answer.status(), status);
    problem(answer).await
}

#[tokio::test]
async fn every_member_of_a_gzip_body_is_read() {
    let rig = Rig::small().await;
    let packed = [gzip(b"mot "), gzip(b""), gzip(b"hai "), gzip(b"ba")].concat();
    assert_eq!(send(&rig, packed).await.status(), 200);
    assert_eq!(send(&rig, gzip(b"")).await.status(), 200);
    let arrivals = rig.inbox.arrivals();
    assert_eq!(arrivals[0].1.payload, "mot hai ba");
    assert_eq!(arrivals[1].1.payload, "");
}

#[tokio::test]
async fn gzip_that_is_not_whole_is_refused() {
    let rig = Rig::small().await;
    let whole = gzip(b"hello");
    let with = |tail: &[u8]| [whole.as_slice(), tail].concat();
    let mut wrong_sum = whole.clone();
    let last = wrong_sum.len() - 5;
    wrong_sum[last] ^= 1;
    let short = whole[..whole.len() - 1].to_vec();
    let zeros = with(&[0; 512]);
    let all =
        [with(b"x"), with(b"trailing garbage"), zeros, short, wrong_sum, vec![], b"{}".into()];
    for packed in &all {
        assert_eq!(refused(&rig, packed.clone(), 400).await["code"], "broken-gzip");
    }
    // Each is kept as it came.
    let rule = || "Content-Encoding: gzip".to_owned();
    assert_eq!(rig.refused(), all.map(|packed| (rule(), packed)));
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn a_gzip_bomb_is_refused_in_bounded_memory() {
    let rig = Rig::start(Limits::default(), server_limits()).await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let zeros = vec![0; 1 << 20];
    for _ in 0..1024 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 3 << 20, "{} bytes", bomb.len());
    let problem = refused(&rig, bomb, 413).await;
    assert!(problem["detail"].as_str().unwrap().contains("67108864"), "{problem}");
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    if let Some(peak) = peak {
        let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib < 768 << 10, "{kib} KiB at the peak");
    }
    rig.takes_two_good_ones().await;
}

#[tokio::test]
async fn a_small_bomb_is_refused_by_its_ratio() {
    let rig = Rig::small().await;
    let problem = refused(&rig, gzip(&vec![0; 2 << 20]), 413).await;
    assert_eq!(problem["code"], "inflates-too-far");
    assert!(problem["detail_en"].as_str().unwrap().contains("200"));
    assert_eq!(send(&rig, gzip(&vec![0; 1 << 20])).await.status(), 200);
}

#[tokio::test]
async fn more_members_than_anyone_needs_are_refused() {
    let rig = Rig::small().await;
    let at_most = Limits::default().gzip_members_max;
    assert_eq!(send(&rig, gzip(b"a").repeat(at_most)).await.status(), 200);
    let problem = refused(&rig, gzip(b"a").repeat(at_most + 1), 413).await;
    assert!(problem["detail_en"].as_str().unwrap().contains("4096"), "{problem}");
}

#[tokio::test]
async fn other_encodings_are_refused_by_name() {
    let rig = Rig::small().await;
    for name in ["br", "deflate", "gzip, gzip", "GZip;q=1", ""] {
        let answer = rig.post().header("Content-Encoding", name).body("x").send().await.unwrap();
        assert_eq!(answer.status(), 415, "{name}");
        assert_eq!(answer.headers()["accept-encoding"], "gzip");
        assert_eq!(problem(answer).await["code"], "unknown-encoding");
    }
    let plain = rig.post().header("Content-Encoding", "Identity").body("x").send().await;
    assert_eq!(plain.unwrap().status(), 200);
}
