//! What is met where a SQL Server is expected; and a SQL Server, where there is one.
//!
//! `LIENTHONG_TEST_SQLSERVER` names it when they are built: `mssql://USER:PASSWORD@HOST/DATABASE`,
//! whose account may make tables. There was none when this was written: what needs one has not run
//! yet, and the protocol is the client library's.

use std::time::Instant;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;
use crate::{
    database::DatabasePoll,
    reading::{Pace, fixture::Desk},
    suite::Scripted,
};

fn everywhere() -> Reach {
    Reach { private: ["0.0.0.0/0", "::/0"].map(|text| text.parse().unwrap()).to_vec() }
}

fn settings() -> Settings {
    Settings {
        query: "SELECT * FROM ho_so".to_owned(),
        key: vec!["id".to_owned()],
        watermark: Some("sua".to_owned()),
        overlap: 600,
        batch_rows: 100,
        statement_max: Duration::from_secs(5),
    }
}

fn desk(address: &str, settings: Settings) -> Desk {
    let reader = DatabasePoll::new(settings, address.parse().unwrap(), everywhere().into());
    Desk::new(reader, Scripted::new([]))
}

/// What the reader is told of an address; it is never told its password.
async fn trouble(address: &str) -> Trouble {
    let trouble = desk(address, settings()).turn().await.unwrap_err();
    for words in [&trouble.told.vi, &trouble.told.en] {
        assert!(!words.contains("m4t-khau"), "{words}");
    }
    trouble
}

/// Something that answers each caller with some bytes once it was asked, and keeps what it heard.
async fn answering(answer: &'static [u8], hangs_up: bool) -> (String, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4_096];
        let count = stream.read(&mut heard).await.unwrap();
        heard.truncate(count);
        stream.write_all(answer).await.unwrap();
        if !hangs_up {
            let _ = stream.read_to_end(&mut heard).await;
        }
        heard
    });
    (format!("mssql://hub:m4t-khau@127.0.0.1:{port}/QLHS"), heard)
}

#[tokio::test]
async fn what_is_no_sql_server_is_told_in_words_and_in_time() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let nobody = format!("mssql://hub:m4t-khau@127.0.0.1:{closed}/QLHS");
    let told = trouble(&nobody).await;
    assert_eq!((told.code, told.pace), ("cannot-connect", Pace::Soon), "{told:?}");
    for (answer, hangs_up, words) in [
        (&b""[..], true, "as what is no SQL Server does"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", true, "127.0.0.1"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", true, "127.0.0.1"),
        (b"", false, "timeout"),
    ] {
        let (address, heard) = answering(answer, hangs_up).await;
        let began = Instant::now();
        let told = trouble(&address).await;
        assert_eq!((told.code, told.pace), ("cannot-connect", Pace::Soon), "{told:?}");
        assert!(told.told.en.contains(words), "{told:?}");
        assert!(began.elapsed() < CONNECT_MAX + Duration::from_secs(2), "{:?}", began.elapsed());
        heard.abort();
    }
}

/// An answer to the first packet: what the server says about encryption is its last byte.
macro_rules! hello {
    ($encryption:literal) => {
        &[
            4,
            1,
            0,
            26,
            0,
            0,
            1,
            0, // a packet of 26 bytes
            0,
            0,
            11,
            0,
            6,
            1,
            0,
            17,
            0,
            1,
            255, // where the version and the byte are
            16,
            0,
            0,
            0,
            0,
            0,
            $encryption,
        ]
    };
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_told_no_password() {
    for hello in [&hello!(0)[..], hello!(2)] {
        let (address, heard) = answering(hello, false).await;
        let told = trouble(&address).await;
        assert_eq!(told.code, "cannot-connect", "{told:?}");
        assert!(told.told.en.contains("encryption"), "{told:?}");
        // The name goes over the line beside the password, which is garbled.
        let heard = heard.await.unwrap();
        let wide: Vec<u8> = "hub".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(!heard.windows(wide.len()).any(|part| part == wide), "{heard:?}");
    }
}

#[tokio::test]
async fn in_clear_is_for_private_networks_alone() {
    let told = trouble("mssql://hub:m4t-khau@203.113.131.1/QLHS?encrypt=off").await;
    assert_eq!((told.code, told.pace), ("address-not-allowed", Pace::Mended), "{told:?}");
    let (address, heard) = answering(hello!(2), false).await;
    let line = tokio::spawn(async move { trouble(&format!("{address}?encrypt=off")).await });
    assert_eq!(line.await.unwrap().code, "cannot-connect", "it says no more than hello");
    let heard = heard.await.unwrap();
    let wide: Vec<u8> = "hub".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(heard.windows(wide.len()).any(|part| part == wide), "told to, it logs in");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told_without_asking() {
    for (address, query, code) in [
        ("mssql://hub@127.0.0.1/QLHS", "SELECT 1 id", "address-unreadable"),
        ("mssql://hub:m4t-khau@127.0.0.1/", "SELECT 1 id", "address-unreadable"),
        ("mssql://hub:m4t-khau@127.0.0.1:1/QLHS", "WITH a AS (SELECT 1 id) …", "query-refused"),
    ] {
        let settings = Settings { query: query.to_owned(), ..settings() };
        let told = desk(address, settings).turn().await.unwrap_err();
        assert_eq!((told.code, told.pace), (code, Pace::Mended), "{told:?}");
    }
    let elsewhere = Error::Routing { host: "sql2.example.vn".to_owned(), port: 1_433 };
    let told = unconnected("sql1.example.vn:1433", elsewhere);
    assert!(told.told.vi.contains("sql2.example.vn:1433"), "{told:?}");
    let distrusted =
        "the server's certificate was rejected: UnknownIssuer To connect anyway you can";
    let told = unconnected("sql1.example.vn:1433", Error::Tls(distrusted.to_owned()));
    assert!(told.told.en.contains("UnknownIssuer). Check the server"), "{told:?}");
}

/// The server of these tests, if there is one.
fn server() -> Option<String> {
    let told = option_env!("LIENTHONG_TEST_SQLSERVER").map(str::to_owned);
    if told.is_none() {
        eprintln!("left out: LIENTHONG_TEST_SQLSERVER names no SQL Server to test with");
    }
    told
}

/// A table of somebody else's on the server.
struct Foreign {
    address: String,
    table: String,
    line: Connected,
}

impl Foreign {
    async fn new(address: String, name: &str, columns: &str) -> Self {
        let (line, _) = connect(&address, Intent::Write, &everywhere()).await.unwrap();
        let table = format!("lienthong_{name}_{}", std::process::id());
        let mut foreign = Self { address, table, line };
        foreign.run(&format!("CREATE TABLE BANG ({columns})")).await;
        foreign
    }

    async fn run(&mut self, sql: &str) {
        let sql = sql.replace("BANG", &self.table);
        self.line.simple_query(sql).await.unwrap().into_results().await.unwrap();
    }

    fn desk(&self, changed: Settings) -> Desk {
        let query = format!("SELECT * FROM {}", self.table);
        desk(&self.address, Settings { query, ..changed })
    }
}

#[tokio::test]
async fn values_of_every_type_of_a_server_become_json() {
    let Some(address) = server() else { return };
    let columns = "id int PRIMARY KEY, sua datetime2(3) NOT NULL, a tinyint, b smallint, c bigint,
        d decimal(38,4), e money, f smallmoney, g float, h real, i bit, j date, k time(3),
        l datetime, m smalldatetime, n datetimeoffset(0), o varchar(20) COLLATE Vietnamese_CI_AS,
        p varchar(max), q nvarchar(20), r nchar(3), s uniqueidentifier, t varbinary(4), u image,
        v xml, w text, x hierarchyid";
    let mut foreign = Foreign::new(address, "kieu", columns).await;
    foreign
        .run(
            "INSERT INTO BANG VALUES (1, '2013-12-02T08:10:00.12', 255, -3, 9007199254740993,
            1234567890123456789012345678901234.5678, 922337203685477.5807, -0.05, 1.5, 0.1, 1,
            '2013-12-02', '08:10:00.05', '2013-12-02T08:10:00.003', '2013-12-02T08:10:00',
            '2013-12-02T08:10:00+07:00', N'Đồng Nai', 'dài', N'Công ty \"Ánh\"', N'ạ',
            '00000000-0000-0000-0000-0000000000ab', 0x00FF, 0x01, '<a>b</a>', 'chữ', '/1/2/')",
        )
        .await;
    foreign.run("INSERT INTO BANG (id, sua) VALUES (2, '2013-12-02T08:11:00')").await;
    let desk = foreign.desk(settings());
    assert_eq!(desk.turn().await.unwrap().taken, 2);
    let text = &desk.inbox.arrivals()[0].1.payload;
    let exact = String::from_utf8(text.to_vec()).unwrap();
    for told in ["1234567890123456789012345678901234.5678", "922337203685477.5807", "-0.0500"] {
        assert!(exact.contains(told), "{exact}");
    }
    let row = &desk.rows()[0];
    for (column, value) in [
        ("sua", json!("2013-12-02T08:10:00.12")),
        ("a", json!(255)),
        ("b", json!(-3)),
        ("c", json!(9_007_199_254_740_993_u64)),
        ("g", json!(1.5)),
        ("h", json!(0.1)),
        ("i", json!(true)),
        ("j", json!("2013-12-02")),
        ("k", json!("08:10:00.05")),
        ("l", json!("2013-12-02T08:10:00.003")),
        ("m", json!("2013-12-02T08:10:00")),
        ("n", json!("2013-12-02T08:10:00+07:00")),
        ("q", json!("Công ty \"Ánh\"")),
        ("r", json!("ạ  ")),
        ("s", json!("00000000-0000-0000-0000-0000000000AB")),
        ("t", json!("\\x00ff")),
        ("u", json!("\\x01")),
        ("v", json!("<a>b</a>")),
        ("x", json!("/1/2/")),
    ] {
        assert_eq!(row[column], value, "{column}: {row}");
    }
    foreign.run("DROP TABLE BANG").await;
}

#[tokio::test]
async fn rows_of_a_server_are_read_once_by_every_watermark_and_key() {
    let Some(address) = server() else { return };
    let columns = "id int, chu varchar(20) COLLATE SQL_Latin1_General_CP1_CI_AS, ten nvarchar(20),
        guid uniqueidentifier, so decimal(9,2), nhi binary(2), cu datetime, moi datetime2(7),
        nho smalldatetime, ngay date, vung datetimeoffset(3), dem rowversion";
    let mut foreign = Foreign::new(address, "moc", columns).await;
    let put = |from: u32, to: u32| {
        format!(
            "WITH n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
             INSERT INTO BANG (id, chu, ten, guid, so, nhi, cu, moi, nho, ngay, vung)
             SELECT i, CONCAT('a', CHAR(45 + i % 3), i), CONCAT(N'ạ-', i), NEWID(), i / 4.0,
                 CAST(i AS binary(2)), DATEADD(ms, 7 * (i % 50), '2024-03-04T08:00:00'),
                 DATEADD(ns, 100 * (i % 50), CAST('2024-03-04T08:00:00' AS datetime2(7))),
                 DATEADD(minute, i % 5, '2024-03-04T08:00:00'), '2024-03-04',
                 '2024-03-04T08:00:00.5+07:00' FROM n OPTION (MAXRECURSION 0)"
        )
    };
    foreign.run(&put(1, 250)).await;
    let mut desks = Vec::new();
    for watermark in [None, Some("cu"), Some("moi"), Some("nho"), Some("ngay"), Some("vung")] {
        for key in [["id"], ["chu"], ["ten"], ["guid"], ["so"], ["nhi"]] {
            desks.push((watermark, key));
        }
    }
    desks.extend([(Some("dem"), ["id"]), (Some("id"), ["chu"])]);
    let desks: Vec<_> = desks
        .into_iter()
        .map(|(watermark, key)| {
            let settings = Settings {
                watermark: watermark.map(str::to_owned),
                key: key.map(str::to_owned).to_vec(),
                ..settings()
            };
            (watermark, key, foreign.desk(settings))
        })
        .collect();
    for (watermark, key, desk) in &desks {
        assert_eq!(desk.turn().await.unwrap().taken, 250, "{watermark:?} {key:?}");
        assert_eq!(desk.turn().await.unwrap().taken, 0, "{watermark:?} {key:?}");
    }
    foreign.run(&put(251, 260)).await;
    for (watermark, key, desk) in &desks {
        assert_eq!(desk.turn().await.unwrap().taken, 10, "late: {watermark:?} {key:?}");
        let mut ids: Vec<_> = desk.rows().iter().map(|row| row["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=260).collect::<Vec<u64>>(), "{watermark:?} {key:?}");
    }
    foreign.run("DROP TABLE BANG").await;
}

#[tokio::test]
async fn every_failure_of_a_server_has_its_name() {
    let Some(address) = server() else { return };
    let mut foreign = Foreign::new(address, "loi", "id int, sua datetime2, ten varchar(9)").await;
    foreign.run("INSERT INTO BANG VALUES (1, '2024-03-04', 'bí mật')").await;
    let place = Place::read(&foreign.address).unwrap();
    let wrong = foreign.address.replace(&format!("//{}:", place.user), "//khong-co:");
    assert_eq!(trouble(&wrong).await.code, "credentials-refused");
    for (query, code) in [
        ("SELECT khong FROM BANG", "query-refused"),
        ("SELECT * FROM khong_co", "query-refused"),
        ("SELEC", "query-refused"),
        ("SELECT * FROM BANG ORDER BY id", "query-refused"),
        ("SELECT id, sua, CAST(ten AS int) so FROM BANG", "query-failed"),
        ("SELECT NULL id, sua FROM BANG", "answer-not-understood"),
    ] {
        let query = query.replace("BANG", &foreign.table);
        let told = desk(&foreign.address, Settings { query: query.clone(), ..settings() });
        let told = told.turn().await.unwrap_err();
        assert_eq!(told.code, code, "{query}: {told:?}");
        assert!(!told.told.en.contains("bí mật"), "{told:?}");
    }
    foreign.run("BEGIN TRANSACTION; UPDATE BANG WITH (TABLOCKX) SET ten = 'x'").await;
    let query = format!("SELECT * FROM {} WITH (READCOMMITTEDLOCK)", foreign.table);
    let waits = Settings { query, statement_max: Duration::from_secs(2), ..settings() };
    let told = desk(&foreign.address, waits).turn().await.unwrap_err();
    assert_eq!(told.code, "query-too-long", "{told:?}");
    foreign.run("ROLLBACK; DROP TABLE BANG").await;
}
