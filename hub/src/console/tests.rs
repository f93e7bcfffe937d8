//! The page as a browser gets it.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo, http::Request};

use super::{Console, router};
use crate::{
    api::{
        fixture::{BIEN_HOA, Bench, Reply, send},
        today,
    },
    auth::Principal,
};

async fn get(bench: &Bench, open: bool, uri: &str, host: &str) -> Reply {
    let operations = bench.api.operations.clone();
    let request = Request::get(uri).header("host", host).body(Body::empty()).unwrap();
    send(&router(Console { operations, open }), request).await
}

#[tokio::test]
async fn the_page_tells_how_the_hub_stands() {
    let bench = Bench::full().await;
    let reply = get(&bench, true, "/console", "localhost:8080").await;
    assert_eq!(reply.status, 200);
    let root = bench.api.operations.store.head().await.unwrap().tree.root.to_string();
    for text in [
        root.as_str(),
        "<html lang=\"vi\">",
        "Sở Giao thông vận tải",
        "Department of Transport",
        "ubnd-bien-hoa.ho-so",
        "HOSO_201309.csv",
        "Đã trả kết quả",
        "đã ghi nhận",
        "<caption>",
    ] {
        assert!(reply.text.contains(text), "{text}");
    }
    for personal in ["Quách", "270999071"] {
        assert!(!reply.text.contains(personal), "{personal}");
    }
    only_our_script(&reply.text);
    let policy = reply.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'; "));
    assert!(!policy.contains("unsafe"), "{policy}");
    let script = get(&bench, true, "/console/refresh.js", "127.0.0.1").await;
    assert!(script.header("content-type").starts_with("text/javascript"));
    let style = get(&bench, true, "/console/style.css", "127.0.0.1").await;
    assert!(style.header("content-type").starts_with("text/css"));
    let reply = get(&bench, true, "/", "[::1]:8080").await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/console"));
}

/// The page has the one script that it comes with.
fn only_our_script(page: &str) {
    let ours = r#"<script src="/console/refresh.js" defer></script>"#;
    assert_eq!((page.matches("<script").count(), page.matches(ours).count()), (1, 1), "{page}");
}

/// The numbers in the rows of a section's table, row by row, its last row being the totals.
fn numbers(page: &str, section: &str) -> Vec<Vec<i64>> {
    let from = page.find(&format!("<h2 id=\"{section}\"")).unwrap();
    let table = &page[from..from + page[from..].find("</table>").unwrap()];
    let rows = table.split("<tr>").filter(|row| row.contains("<td class=\"number\">"));
    rows.map(|row| {
        let cells = row.split("<td class=\"number\">").skip(1);
        cells.map(|cell| cell.split('<').next().unwrap().parse().unwrap()).collect()
    })
    .collect()
}

#[tokio::test]
async fn counts_agree_among_themselves_and_with_the_statistics() {
    let bench = Bench::full().await;
    let page = get(&bench, true, "/console", "localhost").await.text;
    for section in ["statuses", "agencies", "channels"] {
        let mut rows = numbers(&page, section);
        let totals = rows.pop().unwrap();
        let sums: Vec<i64> =
            (0..totals.len()).map(|column| rows.iter().map(|row| row[column]).sum()).collect();
        assert_eq!(sums, totals, "{section}");
    }
    for row in numbers(&page, "channels") {
        let (total, counts) = row.split_last().unwrap();
        assert_eq!(counts.iter().sum::<i64>(), *total);
    }
    let dossiers = numbers(&page, "statuses").pop().unwrap()[0];
    assert_eq!(numbers(&page, "agencies").pop().unwrap()[0], dossiers);
    let bearer = bench.bearer(Principal::Portal).await;
    let day = today();
    let told = bench.get(&format!("/v1/statistics?from={day}&to={day}"), &bearer).await.json();
    let measures = told["rows"][0]["measures"].as_object().unwrap();
    let counted = measures.iter().filter(|(name, _)| name.starts_with("in-status-"));
    assert_eq!(counted.map(|(_, n)| n.as_i64().unwrap()).sum::<i64>(), dossiers);
    assert!(dossiers > 0);
}

#[tokio::test]
async fn what_agencies_send_is_text_and_never_markup() {
    let bench = Bench::empty();
    let payload = r#"{"maHoSo": "BH.1", "suKien": "HOSO_MOI", "trangThai":
        "<script>alert(1)</script>", "thoiDiem": "<script>alert(2)</script>"}"#;
    let receipt = bench.push(BIEN_HOA, "<script>alert(3)</script>", payload.into()).await;
    assert!(receipt.refused > 0);
    let reply = get(&bench, true, "/console", "localhost").await;
    only_our_script(&reply.text);
    assert!(reply.text.contains("&#60;script&#62;alert(1)"), "{}", reply.text);
    assert!(reply.text.contains("&#60;script&#62;alert(3)"));
    let advice = "Kiểm tra lại mã";
    assert!(reply.text.contains(advice));
}

#[tokio::test]
async fn only_this_machine_sees_it() {
    let bench = Bench::empty();
    for uri in ["/", "/console", "/console/style.css", "/console/refresh.js"] {
        assert_eq!(get(&bench, false, uri, "localhost").await.status, 404, "{uri}");
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", ""] {
            assert_eq!(get(&bench, true, uri, host).await.status, 404, "{host}");
        }
    }
    for (peer, header, status) in [
        ("127.0.0.1:9", "x-other", 200),
        ("[::ffff:127.0.0.1]:9", "x-other", 200),
        ("10.0.0.1:9", "x-other", 404),
        ("127.0.0.1:9", "x-forwarded-for", 404),
        ("127.0.0.1:9", "forwarded", 404),
    ] {
        for open in [false, true] {
            let request = Request::get("/console").header("host", "localhost");
            let mut request = request.header(header, "1").body(Body::empty()).unwrap();
            let peer: SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
            let operations = bench.api.operations.clone();
            let reply = send(&router(Console { operations, open }), request).await;
            assert_eq!(reply.status, status, "{peer} {header} {open}");
        }
    }
}
