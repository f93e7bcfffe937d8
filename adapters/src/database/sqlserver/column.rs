//! Columns as a server describes them: how each is asked for, and how a value that stood in one
//! goes back into a statement. Pure.
//!
//! A value goes back as its column's own type: else the server would convert the column instead of
//! the value, pass its index over, and compare by other rules than it orders by.

use crate::database::statement::Dialect;

/// Characters of a text that is not `max`, at most.
const NVARCHAR_MAX: u32 = 4_000;

/// A column of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its type with its arguments, as `decimal(18,2)`; empty where it is one of .NET's.
    pub(super) kind: String,
    /// How its text is compared, and in which code page it is.
    pub(super) collation: Option<String>,
}

impl Column {
    fn base(&self) -> &str {
        self.kind.split('(').next().unwrap_or_default()
    }

    fn arguments(&self) -> &str {
        let rest = self.kind.split_once('(').map_or("", |(_, rest)| rest);
        rest.trim_end_matches(')')
    }

    /// Whether it counts the changes of its database.
    pub(super) fn is_version(&self) -> bool {
        matches!(self.base(), "timestamp" | "rowversion")
    }

    /// What is selected. What the client cannot read exactly the server converts: money is a float
    /// to it, and texts come in whatever code page, UTF-8 among them, which it takes for another.
    pub(super) fn selected(&self) -> String {
        let name = Dialect::SqlServer.name(&self.name);
        let told = match self.base() {
            "money" | "smallmoney" => format!("CAST(q.{name} AS decimal(19, 4))"),
            "char" | "varchar" => {
                let length: Option<u32> = self.arguments().parse().ok();
                let length = length.filter(|length| *length <= NVARCHAR_MAX);
                let length = length.map_or("max".to_owned(), |length| length.to_string());
                format!("CAST(q.{name} AS nvarchar({length}))")
            }
            "text" | "ntext" => format!("CAST(q.{name} AS nvarchar(max))"),
            "image" => format!("CAST(q.{name} AS varbinary(max))"),
            "" => format!("q.{name}.ToString()"),
            _ => return format!("q.{name}"),
        };
        format!("{told} AS {name}")
    }

    /// How the value of a number stands in a statement.
    pub(super) fn place(&self, number: usize) -> String {
        let kind = &self.kind;
        match self.base() {
            // As many digits as there are: what lies earlier by the overlap may have more.
            "decimal" | "numeric" => {
                let scale = self.arguments().split_once(',').map_or("0", |(_, scale)| scale);
                format!("CAST(@P{number} AS decimal(38,{scale}))")
            }
            "money" | "smallmoney" => format!("CAST(@P{number} AS decimal(38,4))"),
            "char" | "varchar" => match &self.collation {
                Some(collation) if is_word(collation) => {
                    format!("CAST(@P{number} COLLATE {collation} AS {kind})")
                }
                _ => format!("CAST(@P{number} AS {kind})"),
            },
            "timestamp" | "rowversion" => format!("CAST(CAST(@P{number} AS bigint) AS binary(8))"),
            "binary" | "varbinary" => format!("CONVERT({kind}, @P{number}, 1)"),
            "date" | "time" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset"
            | "uniqueidentifier" => format!("CAST(@P{number} AS {kind})"),
            _ => format!("@P{number}"),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_asked_for_and_goes_back_by_its_own_rules() {
        for (kind, selected, place) in [
            ("int", "q.[c]", "@P2"),
            ("nvarchar(50)", "q.[c]", "@P2"),
            ("decimal(18,2)", "q.[c]", "CAST(@P2 AS decimal(38,2))"),
            ("numeric(9,0)", "q.[c]", "CAST(@P2 AS decimal(38,0))"),
            ("money", "CAST(q.[c] AS decimal(19, 4)) AS [c]", "CAST(@P2 AS decimal(38,4))"),
            (
                "varchar(20)",
                "CAST(q.[c] AS nvarchar(20)) AS [c]",
                "CAST(@P2 COLLATE Vietnamese_CI_AS AS varchar(20))",
            ),
            (
                "varchar(8000)",
                "CAST(q.[c] AS nvarchar(max)) AS [c]",
                "CAST(@P2 COLLATE Vietnamese_CI_AS AS varchar(8000))",
            ),
            ("text", "CAST(q.[c] AS nvarchar(max)) AS [c]", "@P2"),
            ("image", "CAST(q.[c] AS varbinary(max)) AS [c]", "@P2"),
            ("datetime", "q.[c]", "CAST(@P2 AS datetime)"),
            ("datetime2(3)", "q.[c]", "CAST(@P2 AS datetime2(3))"),
            ("uniqueidentifier", "q.[c]", "CAST(@P2 AS uniqueidentifier)"),
            ("binary(16)", "q.[c]", "CONVERT(binary(16), @P2, 1)"),
            ("timestamp", "q.[c]", "CAST(CAST(@P2 AS bigint) AS binary(8))"),
            ("", "q.[c].ToString() AS [c]", "@P2"),
        ] {
            let collation = Some("Vietnamese_CI_AS".to_owned());
            let column = Column { name: "c".to_owned(), kind: kind.to_owned(), collation };
            assert_eq!((&*column.selected(), &*column.place(2)), (selected, place), "{kind}");
        }
        let strange = Some("x; DROP".to_owned());
        let name = "so]x".to_owned();
        let column = Column { name, kind: "char(3)".to_owned(), collation: strange };
        assert_eq!(column.selected(), "CAST(q.[so]]x] AS nvarchar(3)) AS [so]]x]");
        assert_eq!(column.place(1), "CAST(@P1 AS char(3))");
    }
}
