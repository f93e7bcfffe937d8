//! How the payload is read: the lines before the first rule.

use super::{RECORD, Writer, toml};
use crate::{
    format::{
        Counts, FixedOptions, Format,
        sheet::{SheetHeader, SheetOptions},
    },
    infer::{reading::Reading, records::Records},
};

impl Writer<'_> {
    pub(super) fn head(&mut self, reading: &Reading, records: &Records) {
        self.line(
            "# Đề xuất từ tệp mẫu: đọc từng dòng, sửa chỗ chưa đúng, rồi chạy check và test.",
        );
        self.line(
            "# Proposed from a sample: read every line, mend what is not so, then check and test.",
        );
        for [vi, en] in &reading.reasons {
            self.line(format!("# {vi} ({en})"));
        }
        self.line(format!("format = {}", toml(reading.format_name())));
        if reading.sheet.is_none() {
            self.line(format!("charset = {}", toml(reading.charset.name())));
        }
        if !records.each.is_empty() {
            self.line(format!(
                "# {} bản ghi lặp lại ở đây ({0} records repeat here).",
                records.count
            ));
            self.line(format!("each = {}", toml(&records.each)));
        }
        match &reading.format {
            Format::Json(options) if options.lines => self.line("lines = true"),
            Format::Csv(options) => {
                self.line("");
                self.line("[csv]");
                self.line(format!("separator = {}", toml(&options.separator.to_string())));
                self.line("quote = '\"'");
                if let crate::format::Header::Row(row) = &options.header {
                    self.line(format!("header = {row}"));
                }
                if reading.footer > 0 {
                    self.line(format!("footer = {}", reading.footer));
                }
            }
            Format::Fixed(options) => self.fixed(options, &reading.borders),
            Format::Rows(options) => {
                let columns: Vec<String> = options.columns.iter().map(|one| toml(one)).collect();
                self.line("");
                self.line("[rows]");
                self.line(format!("columns = [{}]", columns.join(", ")));
            }
            Format::Sheet(options) => {
                let totals = reading.sheet.as_ref().map_or(&[][..], |held| &held.totals);
                self.sheet(options, totals);
            }
            Format::Json(_) | Format::Xml(_) => {}
        }
        self.line("");
        self.line(RECORD);
        self.line("contract = \"dossier/1\"");
        self.line("key = \"source_code\"");
    }

    fn sheet(&mut self, options: &SheetOptions, totals: &[String]) {
        self.line("");
        self.line("[xlsx]");
        if let SheetHeader::Row(row) = &options.header {
            self.line(format!("header = {row}"));
        }
        if options.header_rows > 1 {
            self.line(format!("header_rows = {}", options.header_rows));
        }
        if !totals.is_empty() {
            let totals: Vec<String> = totals.iter().map(|one| toml(one)).collect();
            self.line(format!("totals = [{}]", totals.join(", ")));
        }
    }

    fn fixed(&mut self, options: &FixedOptions, borders: &[[String; 2]]) {
        self.line("");
        self.line("[fixed]");
        self.line("columns = [");
        for (column, [vi, en]) in options.columns.iter().zip(borders) {
            let (name, at, width) = (toml(&column.name), column.at, column.width);
            self.line(format!("    # {vi} ({en})"));
            self.line(format!("    {{ name = {name}, at = {at}, width = {width} }},"));
        }
        self.line("]");
        let rows = [("header", options.skip_header), ("footer", options.skip_footer)];
        for (name, rows) in rows.into_iter().filter(|(_, rows)| *rows > 0) {
            self.line(format!("{name} = {rows}"));
        }
        if options.short {
            self.line("short = true");
        }
        match options.counts {
            Some(Counts::Bytes) => self.line("counts = \"bytes\""),
            Some(Counts::Characters) => self.line("counts = \"characters\""),
            None => {}
        }
    }
}
