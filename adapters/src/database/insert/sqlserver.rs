//! Writing rows to SQL Server, over the connection that reading has.

use std::time::Duration;

use serde_json::Value;
use tiberius::{Query, error::Error};
use tokio::time::timeout;

use super::{Dialect, Line, taken, unfit};
use crate::{
    database::sqlserver::{self as reading, Connected, Intent},
    outbound::{Class, Failure},
    reach::Reach,
    reading::Trouble,
};

/// What does not fit is refused, and not cut to fit; a statement that fails in the middle leaves
/// nothing behind.
const STRICT: &str = "SET ANSI_WARNINGS ON; SET XACT_ABORT ON; SET NOCOUNT OFF;";

/// A session.
pub(super) struct Session {
    line: Connected,
    host: String,
    timeout: Duration,
}

impl Session {
    pub(super) async fn open(
        address: &str,
        limit: Duration,
        reach: &Reach,
    ) -> Result<Self, Trouble> {
        let (mut line, host) = reading::connect(address, Intent::Write, reach).await?;
        let asking = async { line.simple_query(STRICT).await?.into_results().await };
        timeout(limit, asking)
            .await
            .map_err(|_| Trouble::broke_off(&host, "timeout"))?
            .map_err(|error| reading::failed(&host, &error))?;
        Ok(Self { line, host, timeout: limit })
    }

    pub(super) async fn insert(&mut self, line: &Line) -> Result<(), Failure> {
        let mut writing = Query::new(line.insert(Dialect::SqlServer, &place));
        line.values().for_each(|value| bind(&mut writing, value));
        let silent = |_| Failure::new(Class::Unknown, "no answer in time");
        let written = timeout(self.timeout, writing.execute(&mut self.line)).await;
        let error = match written.map_err(silent)? {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let code = match &error {
            Error::Server(told) if is_unique(told.code()) => told.code(),
            _ => return Err(failed(&self.host, &error)),
        };
        let mut asking = Query::new(line.exists(Dialect::SqlServer, "@P1"));
        asking.bind(line.id());
        let asking = async { asking.query(&mut self.line).await?.into_row().await };
        let found = timeout(self.timeout, asking).await.map_err(silent)?;
        let found = found.map_err(|error| failed(&self.host, &error))?;
        found.map(|_| ()).ok_or_else(|| taken(&self.host, &code.to_string()))
    }
}

fn place(number: usize, _: &str) -> String {
    format!("@P{number}")
}

/// A value as the protocol has it. The server makes of a text what its column wants, exactly, so
/// what is no whole number goes as one.
fn bind<'a>(query: &mut Query<'a>, value: &'a Value) {
    match value {
        Value::Null => query.bind(None::<&str>),
        Value::Bool(told) => query.bind(*told),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => query.bind(whole),
            None => query.bind(number.to_string()),
        },
        Value::String(text) => query.bind(text.as_str()),
        other => query.bind(other.to_string()),
    }
}

/// A unique key or index has the row already.
fn is_unique(code: u32) -> bool {
    matches!(code, 2_601 | 2_627)
}

/// Values that are none of their columns', are missing or too long; rules of the table.
fn is_unfit(code: u32) -> bool {
    matches!(
        code,
        220 | 232
            | 241
            | 242
            | 245
            | 248
            | 257
            | 295
            | 296
            | 515
            | 547
            | 2_628
            | 8_114
            | 8_115
            | 8_152
            | 8_169
    )
}

/// What an error means for the message.
fn failed(host: &str, error: &Error) -> Failure {
    match error {
        Error::Server(told) => said(host, (told.code(), told.class()), told.message()),
        // The line broke: nobody knows whether it was written.
        _ => Failure::new(Class::Unknown, reading::failed(host, error).told.en),
    }
}

fn said(host: &str, (number, class): (u32, u8), words: &str) -> Failure {
    // From this class on the server ends the connection.
    if class >= 20 {
        return Failure::new(Class::Unknown, reading::said(host, (number, class), words).told.en);
    }
    match number {
        // Of 8114 and 8115 reading says what to do with the query; here it is the row's value.
        number if is_unique(number) || is_unfit(number) => unfit(host, &number.to_string(), None),
        number => reading::said(host, (number, class), words).into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_says_has_its_class() {
        let of = |code, class| said("sql.example.vn:1433", (code, class), "bí mật");
        for (code, expected) in [
            (515, Class::Refused),
            (547, Class::Refused),
            (2_628, Class::Refused),
            (8_152, Class::Refused),
            (245, Class::Refused),
            (2_627, Class::Refused),
            (207, Class::Denied),
            (208, Class::Denied),
            (229, Class::Denied),
            (18_456, Class::Denied),
            (1_205, Class::Unavailable),
            (40_501, Class::Unavailable),
        ] {
            let failure = of(code, 16);
            assert_eq!(failure.class, expected, "{code}: {}", failure.told);
            if expected == Class::Refused {
                assert!(!failure.told.contains("bí mật"), "{}", failure.told);
            }
        }
        assert_eq!(of(596, 21).class, Class::Unknown, "it ended the session");
    }

    /// A SQL Server, where there is one: see the tests of reading.
    #[tokio::test]
    async fn a_row_of_a_server_is_there_once_and_its_rules_hold() {
        let Some(address) = option_env!("LIENTHONG_TEST_SQLSERVER") else {
            eprintln!("left out: LIENTHONG_TEST_SQLSERVER names no SQL Server to test with");
            return;
        };
        let reach = Reach { private: vec!["0.0.0.0/0".parse().unwrap()] };
        let limit = Duration::from_secs(5);
        let mut session = Session::open(address, limit, &reach).await.unwrap();
        let table = format!("lienthong_den_{}", std::process::id());
        let run = async |session: &mut Session, sql: String| {
            session.line.simple_query(sql).await.unwrap().into_results().await.unwrap()
        };
        let columns = "ma nvarchar(9) UNIQUE, so int NOT NULL, le decimal(9,2), co bit, \
                       ma_thong_diep varchar(80) PRIMARY KEY";
        run(&mut session, format!("CREATE TABLE {table} ({columns})")).await;
        let line = |id: &str, ma: &str, so: Value| Line {
            table: table.clone(),
            columns: ["ma", "so", "le", "co", "ma_thong_diep"].map(str::to_owned).to_vec(),
            values: vec![json!(ma), so, json!(1.25), json!(true), json!(id)],
        };
        for _ in 0..2 {
            session.insert(&line("log/1", "Hồ sơ 1", json!(1))).await.unwrap();
        }
        for (ma, so) in [("Hồ sơ 1", json!(2)), ("dài quá chín chữ", json!(2)), ("2", json!("hai"))]
        {
            let failure = session.insert(&line("log/2", ma, so)).await.unwrap_err();
            assert_eq!(failure.class, Class::Refused, "{}", failure.told);
        }
        session.insert(&line("log/2", "Hồ sơ 2", json!(2))).await.unwrap();
        let counted = run(&mut session, format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(counted[0][0].get::<i32, _>(0), Some(2));
        run(&mut session, format!("DROP TABLE {table}")).await;
    }
}
