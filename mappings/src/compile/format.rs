//! Compiling what the head of a file says of its format: the payload's charset and shape.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Compiler, Settings};
use crate::{
    archive::Archive,
    format::{
        Column, Counts, CsvOptions, FixedOptions, Format, Header, JsonOptions, RowsOptions,
        XmlOptions,
        sheet::{self, Choice, SheetHeader, SheetOptions},
    },
    text::{
        charset::Charset,
        normalise::{search_key, tidy_text},
    },
};

type Value<'a> = &'a Spanned<DeValue<'a>>;

/// Every format.
const FORMATS: &str = "write json, xml, csv, fixed, rows or xlsx";

/// Columns that a row may have.
const COLUMNS_MAX: usize = 1_000;
/// How wide a row of columns may be.
const WIDTH_MAX: usize = 65_536;

/// A format whose columns are counted in bytes learns what these bytes are.
pub(super) fn of_charset(format: Format, charset: Option<Charset>) -> Format {
    match format {
        Format::Fixed(options) => {
            let bytes = match options.counts {
                Some(counts) => counts == Counts::Bytes,
                None => charset.is_some_and(Charset::is_bytewise),
            };
            let charset = charset.filter(|_| bytes);
            Format::Fixed(FixedOptions { charset, ..options })
        }
        other => other,
    }
}

fn whole(value: Value<'_>) -> Option<usize> {
    value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok())
}

/// A number from 1.
fn ordinal(value: Value<'_>) -> Option<u32> {
    whole(value).and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0)
}

fn flag(value: Value<'_>) -> Option<bool> {
    value.get_ref().as_bool()
}

/// A sheet by its place or its name.
fn choice(value: Value<'_>) -> Option<Choice> {
    let name = value.get_ref().as_str().filter(|name| !name.is_empty());
    ordinal(value).map(Choice::Number).or(name.map(|name| Choice::Name(name.to_owned())))
}

/// A sheet's header by its row or by its texts.
fn header(value: Value<'_>) -> Option<SheetHeader> {
    ordinal(value).map(SheetHeader::Row).or_else(|| texts(value).map(SheetHeader::With))
}

/// One text, or several.
fn texts(value: Value<'_>) -> Option<Vec<String>> {
    let text = |value: &DeValue<'_>| value.as_str().map(|text| tidy_text(text).into_owned());
    let texts: Vec<String> = match value.get_ref() {
        DeValue::Array(items) => {
            items.iter().map(|item| text(item.get_ref())).collect::<Option<_>>()?
        }
        single => vec![text(single)?],
    };
    (!texts.is_empty() && texts.iter().all(|text| !text.is_empty())).then_some(texts)
}

impl Compiler<'_> {
    pub(super) fn charset(
        &mut self,
        value: Option<Value<'_>>,
        format: Option<&Format>,
    ) -> Option<Charset> {
        let sheet = matches!(format, Some(Format::Sheet(_)));
        let Some(value) = value else {
            if sheet {
                return Some(Charset::Utf8);
            }
            let advice = "declare it: a guess would lose letters silently";
            self.fault(&(0..0), "the setting `charset` is missing", advice);
            return None;
        };
        if sheet {
            let advice = "leave it out; a field in another one is read with the function charset";
            self.fault(&value.span(), "a workbook says its own charset", advice);
            return None;
        }
        let name = self.string(value, "the charset")?;
        let bytes = matches!(format, Some(Format::Fixed(options))
            if options.counts == Some(Counts::Bytes));
        match name.parse() {
            Ok(Charset::Utf16) if bytes => {
                let advice = "leave `counts` out: in utf-16 widths count characters";
                self.fault(&value.span(), "a row of utf-16 cannot be cut by bytes", advice);
                None
            }
            Ok(charset) => Some(charset),
            Err(error) => {
                self.fault(&value.span(), format!("{error}"), "");
                None
            }
        }
    }

    pub(super) fn format(&mut self, settings: &Settings<'_>) -> Option<Format> {
        let Some(value) = settings.format else {
            self.fault(&(0..0), "the setting `format` is missing", FORMATS);
            return None;
        };
        let name = self.string(value, "the format")?;
        for (table, _) in settings.own.iter().filter(|(table, _)| table.get_ref() != name) {
            let message =
                format!("the format is {name}, of which [{}] says nothing", table.get_ref());
            self.fault(&table.span(), message, "");
        }
        if let Some(each) = settings.each.filter(|_| !matches!(name, "json" | "xml")) {
            let message = format!("in {name} each row is a record");
            self.fault(&each.span(), message, "leave `each` out");
        }
        let lines = settings.lines.map(|value| (flag(value), value.span()));
        let lines = match (name, lines) {
            (_, None) => false,
            ("json", Some((Some(lines), _))) => lines,
            (_, Some((_, span))) => {
                self.fault(&span, "`lines` is true or false, and of json alone", "");
                false
            }
        };
        let own = settings.own.iter().find(|(table, _)| table.get_ref() == name);
        let own = own.and_then(|(_, value)| value.get_ref().as_table());
        match name {
            "json" => Some(Format::Json(JsonOptions { lines, doubled: false })),
            "xml" => Some(Format::Xml(XmlOptions::default())),
            "csv" => self.csv(own).map(Format::Csv),
            "fixed" => self.fixed(own, value).map(Format::Fixed),
            "rows" => self.rows(own, value).map(Format::Rows),
            "xlsx" => self.sheet(own).map(Format::Sheet),
            other => {
                self.fault(&value.span(), format!("there is no format `{other}`"), FORMATS);
                None
            }
        }
    }

    /// Reads the settings of one table; `set` says whether a value fits its name, or that there is
    /// no such name.
    fn own(
        &mut self,
        table: Option<&DeTable<'_>>,
        (what, known, takes): (&str, &str, &str),
        set: &mut dyn FnMut(&mut Self, &str, Value<'_>) -> Option<bool>,
    ) {
        for (name, value) in table.into_iter().flatten() {
            match set(self, name.get_ref(), value) {
                Some(true) => {}
                Some(false) => {
                    let message = format!("`{}` has a value it cannot take", name.get_ref());
                    self.fault(&value.span(), message, takes);
                }
                None => {
                    let message = format!("there is no {what} setting `{}`", name.get_ref());
                    self.fault(&name.span(), message, &format!("settings: {known}"));
                }
            }
        }
    }

    fn csv(&mut self, table: Option<&DeTable<'_>>) -> Option<CsvOptions> {
        let mut options = CsvOptions::default();
        let mark = |value: Value<'_>| {
            let mut chars = value.get_ref().as_str().unwrap_or("").chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        let known = "separator, quote, header (row), footer (rows)";
        let takes = "marks are one character, header a row from 1, footer a number of rows";
        self.own(table, ("CSV", known, takes), &mut |_, name, value| {
            Some(match name {
                "separator" => mark(value).map(|mark| options.separator = mark).is_some(),
                "quote" => mark(value).map(|mark| options.quote = mark).is_some(),
                "header" => {
                    ordinal(value).map(|row| options.header = Header::Row(row as usize)).is_some()
                }
                "footer" => whole(value).map(|rows| options.skip_footer = rows).is_some(),
                _ => return None,
            })
        });
        Some(options)
    }

    fn fixed(&mut self, table: Option<&DeTable<'_>>, at: Value<'_>) -> Option<FixedOptions> {
        let mut options = FixedOptions::default();
        let mut sound = true;
        let known = "columns, header (rows), footer (rows), short, counts";
        let takes = "rows are whole numbers, short is true or false, counts bytes or characters";
        self.own(table, ("fixed", known, takes), &mut |compiler, name, value| {
            Some(match name {
                "columns" => {
                    match compiler.columns_of(value) {
                        Some(columns) => options.columns = columns,
                        None => sound = false,
                    }
                    true
                }
                "header" => whole(value).map(|rows| options.skip_header = rows).is_some(),
                "footer" => whole(value).map(|rows| options.skip_footer = rows).is_some(),
                "short" => flag(value).map(|short| options.short = short).is_some(),
                "counts" => {
                    options.counts = match value.get_ref().as_str() {
                        Some("bytes") => Some(Counts::Bytes),
                        Some("characters") => Some(Counts::Characters),
                        _ => return Some(false),
                    };
                    true
                }
                _ => return None,
            })
        });
        if sound && options.columns.is_empty() {
            let advice = "[fixed] columns = [{ name = \"SO_HS\", at = 1, width = 12 }, …]";
            self.fault(&at.span(), "columns of fixed width have to be declared", advice);
            return None;
        }
        sound.then_some(options)
    }

    /// Columns in their order, none over another.
    fn columns_of(&mut self, value: Value<'_>) -> Option<Vec<Column>> {
        let Some(items) = value.get_ref().as_array().filter(|items| items.len() <= COLUMNS_MAX)
        else {
            let advice = "columns = [{ name = \"SO_HS\", at = 1, width = 12 }, …]";
            self.fault(&value.span(), "columns are a list, of at most 1000", advice);
            return None;
        };
        let mut columns: Vec<(Column, std::ops::Range<usize>)> = Vec::new();
        for item in items {
            let mut column = Column { name: String::new(), at: 0, width: 0 };
            for (name, value) in item.get_ref().as_table().into_iter().flatten() {
                match name.get_ref().as_ref() {
                    "name" => column.name = value.get_ref().as_str().unwrap_or("").to_owned(),
                    "at" => column.at = whole(value).unwrap_or(0),
                    "width" => column.width = whole(value).unwrap_or(0),
                    _ => column.name.clear(),
                }
            }
            let wide = column.at.saturating_add(column.width) > WIDTH_MAX;
            if column.name.is_empty() || column.at == 0 || column.width == 0 || wide {
                let message = "a column has `name`, `at` from 1 and `width`, within 65536";
                self.fault(&item.span(), message, "{ name = \"SO_HS\", at = 1, width = 12 }");
                return None;
            }
            columns.push((column, item.span()));
        }
        columns.sort_by_key(|(column, _)| column.at);
        let mut sound = true;
        for (index, (column, span)) in columns.iter().enumerate() {
            let before = columns.get(..index).unwrap_or_default();
            if before.iter().any(|(other, _)| other.name == column.name) {
                self.fault(span, format!("two columns are named `{}`", column.name), "");
                sound = false;
            }
            if let Some((other, _)) = before.last().filter(|(other, _)| other.end() > column.at) {
                let Column { name, at, .. } = column;
                let message = format!(
                    "`{name}` begins at {at}, within `{}`, which ends at {}",
                    other.name,
                    other.end() - 1
                );
                self.fault(span, message, "mend the one that begins or ends wrongly");
                sound = false;
            }
        }
        sound.then(|| columns.into_iter().map(|(column, _)| column).collect())
    }

    fn rows(&mut self, table: Option<&DeTable<'_>>, at: Value<'_>) -> Option<RowsOptions> {
        let mut options = RowsOptions::default();
        let takes = "columns are a list of names, copy is true or false";
        self.own(table, ("rows", "columns, copy", takes), &mut |_, name, value| {
            Some(match name {
                "columns" => texts(value).map(|names| options.columns = names).is_some(),
                "copy" => flag(value).map(|copied| options.copied = copied).is_some(),
                _ => return None,
            })
        });
        if options.columns.is_empty() {
            let advice = "[rows] columns = [\"id\", …]: the columns of the query";
            self.fault(&at.span(), "the columns of the rows have to be declared", advice);
            return None;
        }
        Some(options)
    }

    fn sheet(&mut self, table: Option<&DeTable<'_>>) -> Option<SheetOptions> {
        let mut options = SheetOptions::default();
        let known = "sheet, header, header_rows, totals";
        let takes = "sheet is a number from 1 or a name, header a row from 1 or texts of its \
                     cells, header_rows at most 10, totals words that such a row begins with";
        self.own(table, ("XLSX", known, takes), &mut |_, name, value| {
            Some(match name {
                "sheet" => choice(value).map(|sheet| options.sheet = sheet).is_some(),
                "header" => header(value).map(|header| options.header = header).is_some(),
                "header_rows" => ordinal(value)
                    .filter(|rows| *rows <= sheet::HEADER_ROWS_MAX)
                    .map(|rows| options.header_rows = rows)
                    .is_some(),
                "totals" => texts(value)
                    .map(|words| {
                        options.totals = words.iter().map(|word| search_key(word)).collect()
                    })
                    .is_some(),
                _ => return None,
            })
        });
        Some(options)
    }

    pub(super) fn archive(&mut self, value: Value<'_>) -> Archive {
        let mut archive = Archive::default();
        let takes = "patterns of file names, such as \"*.csv\"";
        let table = value.get_ref().as_table();
        self.own(table, ("zip", "members, ignore", takes), &mut |_, name, value| {
            Some(match name {
                "members" => texts(value).map(|names| archive.members = names).is_some(),
                "ignore" => texts(value).map(|names| archive.ignore = names).is_some(),
                _ => return None,
            })
        });
        if archive.members.is_empty() {
            let advice = "[zip] members = \"*.csv\"";
            self.fault(&value.span(), "an archive's files have to be declared", advice);
        }
        archive
    }
}
