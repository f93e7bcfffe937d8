//! The statements that are sent: a query of the channel's, wrapped. Pure.

use super::{Settings, cell::Cell, sweep::Page};

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Mysql,
    Sqlite,
    SqlServer,
}

impl Dialect {
    /// A column's name.
    pub(super) fn name(self, column: &str) -> String {
        match self {
            Self::SqlServer => format!("[{}]", column.replace(']', "]]")),
            Self::Mysql => format!("`{}`", column.replace('`', "``")),
            Self::Postgres | Self::Sqlite => format!("\"{}\"", column.replace('"', "\"\"")),
        }
    }
}

/// Rows that are wanted.
pub(super) struct Wanted<'a> {
    settings: &'a Settings,
    from: Option<&'a Cell>,
    after: Option<&'a Page>,
    latest: bool,
}

/// A statement and its values, in the order of their places.
pub(super) struct Statement<'a> {
    pub(super) sql: String,
    pub(super) values: Vec<&'a Cell>,
}

/// Writes places for values: `place` says how the next one of a column stands in a statement.
struct Writer<'a, 'p> {
    values: Vec<&'a Cell>,
    place: &'p dyn Fn(usize, &str) -> String,
}

impl<'a> Writer<'a, '_> {
    fn value(&mut self, column: &str, value: &'a Cell) -> String {
        self.values.push(value);
        (self.place)(self.values.len(), column)
    }

    /// Whether some columns come after some values, in the order of the columns.
    fn behind(&mut self, dialect: Dialect, columns: &[(&str, &'a Cell)]) -> String {
        let Some(((column, value), rest)) = columns.split_first() else {
            return "1 = 0".to_owned();
        };
        let name = dialect.name(column);
        let more = format!("q.{name} > {}", self.value(column, value));
        if rest.is_empty() {
            return more;
        }
        let same = format!("q.{name} = {}", self.value(column, value));
        format!("({more} OR ({same} AND {}))", self.behind(dialect, rest))
    }
}

impl<'a> Wanted<'a> {
    /// The rows behind another one, or the first from a watermark on.
    pub(super) fn rows(
        settings: &'a Settings,
        from: Option<&'a Cell>,
        after: Option<&'a Page>,
    ) -> Self {
        Self { settings, from, after, latest: false }
    }

    /// The row with the latest watermark.
    pub(super) fn latest(settings: &'a Settings, from: Option<&'a Cell>) -> Self {
        Self { settings, from, after: None, latest: true }
    }

    pub(super) fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// The statement: `columns` are what is selected from `q`, the channel's query.
    pub(super) fn statement(
        &self,
        dialect: Dialect,
        columns: &str,
        place: &dyn Fn(usize, &str) -> String,
    ) -> Statement<'a> {
        let settings = self.settings;
        let mut writer = Writer { values: Vec::new(), place };
        let mut conditions = Vec::new();
        let mut order: Vec<String> = Vec::new();
        if let Some(column) = settings.watermark.as_deref() {
            let name = dialect.name(column);
            let after = self.after.and_then(|page| page.watermark.as_ref());
            // What is plain leads servers to their index.
            match after.or(self.from) {
                Some(from) => {
                    conditions.push(format!("q.{name} >= {}", writer.value(column, from)));
                }
                None => conditions.push(format!("q.{name} IS NOT NULL")),
            }
            order.push(format!("q.{name}{}", if self.latest { " DESC" } else { "" }));
        }
        if let Some(page) = self.after {
            let marks = settings.watermark.as_deref().zip(page.watermark.as_ref());
            let keys = settings.key.iter().map(String::as_str).zip(&page.key);
            let columns: Vec<(&str, &Cell)> = marks.into_iter().chain(keys).collect();
            conditions.push(writer.behind(dialect, &columns));
        }
        if !self.latest {
            order.extend(settings.key.iter().map(|key| format!("q.{}", dialect.name(key))));
        }
        let limit = if self.latest { 1 } else { settings.batch_rows };
        let query = settings.query.trim().trim_end_matches(';');
        let conditions = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let order = order.join(", ");
        let (first, last) = match dialect {
            Dialect::SqlServer => (format!("TOP ({limit}) "), String::new()),
            _ => (String::new(), format!(" LIMIT {limit}")),
        };
        // A comment at the query's end must not hide the bracket.
        let sql = format!(
            "SELECT {first}{columns} FROM (\n{query}\n) q{conditions} ORDER BY {order}{last}"
        );
        Statement { sql, values: writer.values }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn rows_follow_one_another_by_watermark_and_key() {
        let settings = Settings {
            query: "SELECT * FROM ho_so -- hết;".to_owned(),
            key: vec!["id".to_owned(), "so\"x".to_owned()],
            watermark: Some("sua".to_owned()),
            overlap: 0,
            batch_rows: 100,
            statement_max: Duration::from_secs(1),
        };
        let place = |number: usize, column: &str| format!("${number}:{column}");
        let key = vec![Cell::Number(7), Cell::Text("x".to_owned())];
        let page = Page { watermark: Some(Cell::Number(5)), key };
        let from = Cell::Number(3);
        let sql = |wanted: &Wanted<'_>| {
            let statement = wanted.statement(Dialect::Sqlite, "*", &place);
            (statement.sql.split(" q ").nth(1).unwrap().to_owned(), statement.values.len())
        };
        let (first, values) = sql(&Wanted::rows(&settings, Some(&from), None));
        assert_eq!(
            first,
            r#"WHERE q."sua" >= $1:sua ORDER BY q."sua", q."id", q."so""x" LIMIT 100"#
        );
        assert_eq!(values, 1);
        let (next, values) = sql(&Wanted::rows(&settings, Some(&from), Some(&page)));
        assert_eq!(
            next,
            [
                r#"WHERE q."sua" >= $1:sua AND (q."sua" > $2:sua OR (q."sua" = $3:sua AND "#,
                r#"(q."id" > $4:id OR (q."id" = $5:id AND q."so""x" > $6:so"x)))) "#,
                r#"ORDER BY q."sua", q."id", q."so""x" LIMIT 100"#,
            ]
            .concat()
        );
        assert_eq!(values, 6);
        let (latest, _) = sql(&Wanted::latest(&settings, None));
        assert_eq!(latest, r#"WHERE q."sua" IS NOT NULL ORDER BY q."sua" DESC LIMIT 1"#);
        let settings = Settings { key: vec!["so]x".to_owned()], ..settings };
        let page = Page { watermark: Some(Cell::Number(5)), key: vec![Cell::Number(7)] };
        let place = |number: usize, _: &str| format!("@P{number}");
        let wanted = Wanted::rows(&settings, Some(&from), Some(&page));
        assert_eq!(
            wanted.statement(Dialect::SqlServer, "q.[sua]", &place).sql,
            [
                "SELECT TOP (100) q.[sua] FROM (\nSELECT * FROM ho_so -- hết\n) q ",
                "WHERE q.[sua] >= @P1 AND (q.[sua] > @P2 OR (q.[sua] = @P3 AND q.[so]]x] > @P4)) ",
                "ORDER BY q.[sua], q.[so]]x]",
            ]
            .concat()
        );
    }
}
