use bytes::Bytes;
use rusqlite::Connection;

use super::*;

fn settings() -> InsertSettings {
    InsertSettings {
        table: "den".to_owned(),
        message: "ma_thong_diep".to_owned(),
        timeout: Duration::from_secs(5),
    }
}

fn message(id: &str, payload: &str) -> Message {
    let payload = Bytes::from(payload.to_owned());
    Message { id: id.to_owned(), payload, ..Message::default() }
}

#[tokio::test]
async fn a_message_is_one_row_however_often_it_is_sent() {
    let file = std::env::temp_dir().join(format!("insert-{}.db", std::process::id()));
    let db = Connection::open(&file).unwrap();
    let table = "CREATE TABLE den (ma TEXT UNIQUE, so INTEGER NOT NULL, them TEXT, \
                 ma_thong_diep TEXT PRIMARY KEY) STRICT";
    db.execute_batch(&format!("DROP TABLE IF EXISTS den; {table}")).unwrap();
    let address = format!("sqlite:{}", file.display());
    let secret = Secret::new("den", move || Ok(address.clone()));
    let way = Arc::new(DatabaseInsert::new(settings(), secret, Reach::default()));
    let send = async |id: &str, payload: &str| way.clone().send(message(id, payload)).await;
    let one = r#"{"ma":"H-1","so":1,"them":["a"]}"#;
    for _ in 0..3 {
        send("log/1", one).await.unwrap();
    }
    let rows: Vec<(String, i64, String)> = db
        .prepare("SELECT ma, so, them FROM den")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows, [("H-1".to_owned(), 1, "[\"a\"]".to_owned())]);
    for (payload, class) in [
        // Another row has that key, a rule of the table, a value that is none, no such column.
        (one, Class::Refused),
        (r#"{"ma":"H-2","so":null}"#, Class::Refused),
        (r#"{"ma":"H-2","so":"hai"}"#, Class::Refused),
        (r#"{"ma":"H-2","so":2,"khac":1}"#, Class::Denied),
        (r#"{"ma":"H-2","so":2,"ma_thong_diep":"x"}"#, Class::Refused),
        ("[]", Class::Refused),
    ] {
        let failure = send("log/2", payload).await.unwrap_err();
        assert_eq!(failure.class, class, "{payload} {}", failure.told);
        assert!(!failure.told.contains("H-") && !failure.told.contains("hai"), "{}", failure.told);
    }
    send("log/2", r#"{"ma":"H-2","so":2}"#).await.unwrap();
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn so_it_is_where_the_table_has_no_unique_key() {
    let file = std::env::temp_dir().join(format!("insert-plain-{}.db", std::process::id()));
    let db = Connection::open(&file).unwrap();
    db.execute_batch("CREATE TABLE IF NOT EXISTS den (ma TEXT, ma_thong_diep TEXT)").unwrap();
    let address = format!("sqlite:{}", file.display());
    let secret = Secret::new("den", move || Ok(address.clone()));
    let way = Arc::new(DatabaseInsert::new(settings(), secret, Reach::default()));
    for id in ["log/1", "log/1", "log/2", "log/1"] {
        way.clone().send(message(id, r#"{"ma":"H-1"}"#)).await.unwrap();
    }
    let count: i64 = db.query_row("SELECT count(*) FROM den", [], |row| row.get(0)).unwrap();
    std::fs::remove_file(file).unwrap();
    assert_eq!(count, 2);
}

#[test]
fn names_cannot_break_out_of_the_statement() {
    let mut settings = settings();
    settings.table = "a\"; DROP TABLE b; --.c".to_owned();
    let line = Line::read(&settings, &message("1", r#"{"x\") y":1}"#)).unwrap();
    let sql = line.insert(Dialect::Sqlite, &|number, _| format!("?{number}"));
    let expected = "INSERT INTO \"a\"\"; DROP TABLE b; --\".\"c\" (\"x\"\") y\", \
                    \"ma_thong_diep\") SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM \
                    \"a\"\"; DROP TABLE b; --\".\"c\" WHERE \"ma_thong_diep\" = ?3)";
    assert_eq!(sql, expected);
}

#[test]
fn each_dialect_has_its_own_names() {
    let mut settings = settings();
    settings.table = "dbo.den]".to_owned();
    let line = Line::read(&settings, &message("1", r#"{"so":1}"#)).unwrap();
    let sql = line.insert(Dialect::SqlServer, &|number, _| format!("@P{number}"));
    let expected = "INSERT INTO [dbo].[den]]] ([so], [ma_thong_diep]) SELECT @P1, @P2 \
                    WHERE NOT EXISTS (SELECT 1 FROM [dbo].[den]]] WHERE [ma_thong_diep] = @P3)";
    assert_eq!(sql, expected);
}

#[tokio::test]
async fn a_sql_server_is_reached_as_reading_reaches_it() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let near = format!("mssql://hub:m4t-khau@127.0.0.1:{closed}/QLHS");
    for (address, private, class) in [
        (near.as_str(), "127.0.0.0/8", Class::Unavailable),
        (near.as_str(), "10.0.0.0/8", Class::Denied),
        ("mssql://hub:m4t-khau@203.113.131.1/QLHS?encrypt=off", "10.0.0.0/8", Class::Denied),
        ("mssql://hub@127.0.0.1/QLHS", "127.0.0.0/8", Class::Denied),
    ] {
        let reach = Reach { private: vec![private.parse().unwrap()] };
        let whole = address.to_owned();
        let secret = Secret::new("den", move || Ok(whole.clone()));
        let way = Arc::new(DatabaseInsert::new(settings(), secret, reach));
        let failure = way.send(message("log/1", r#"{"so":1}"#)).await.unwrap_err();
        assert_eq!(failure.class, class, "{address}: {}", failure.told);
        assert!(!failure.told.contains("m4t-khau"), "{}", failure.told);
    }
}
