//! The columns of exports: one list for CSV, workbooks and Parquet. Readers depend on it: a column
//! keeps its name, type and meaning; new ones come at the end of their list.

mod derived;
mod persons;
mod records;

use crate::feeds::Feed;

pub use records::contracts;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of 64 bits.
    Whole,
    /// A number of double precision.
    Number,
    /// True or false.
    Flag,
    /// A day in Vietnam.
    Day,
    /// An instant, to the microsecond.
    Moment,
    /// A text.
    Text,
}

impl Kind {
    /// Its name in Vietnamese and English.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Whole => ("số nguyên", "whole number"),
            Self::Number => ("số", "number"),
            Self::Flag => ("đúng/sai", "true/false"),
            Self::Day => ("ngày", "day"),
            Self::Moment => ("thời điểm", "instant"),
            Self::Text => ("văn bản", "text"),
        }
    }
}

/// Where a column is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The position in the journal.
    Position,
    /// When the hub recorded it.
    RecordedAt,
    Contract,
    Key,
    /// The first part of the key of a dossier.
    Source,
    /// The rest of it.
    SourceCode,
    /// The channel that it came by.
    Channel,
    /// The agency of that.
    Agency,
    /// Whether the type has this word.
    Says(&'static str),
    /// Whether there are personal members to be had.
    HasPersonal,
    /// What became of them, where they were asked for.
    Persons,
    /// How many are in a list.
    Count(&'static str),
    /// The sum of a member over a list.
    Sum(&'static str, &'static str),
    StatusVi,
    StatusEn,
    /// A member of `data` by its path.
    Member(&'static str),
}

/// One column.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in CSV and Parquet.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its title in Vietnamese.
    pub vi: &'static str,
    /// Its title in English.
    pub en: &'static str,
    pub(super) from: Origin,
}

/// Columns, one a line: name, kind, source, titles.
macro_rules! listed {
    ($($name:literal $kind:ident $from:ident $(($($of:literal),+))? $vi:literal $en:literal;)*) => {
        &[$($crate::feeds::export::columns::Column {
            name: $name,
            kind: $crate::feeds::export::columns::Kind::$kind,
            vi: $vi,
            en: $en,
            from: $crate::feeds::export::columns::Origin::$from $(($($of),+))?,
        }),*]
    };
}
use listed;

/// Dossiers as they stand: the names of `reporting.dossiers`, and more at the end.
static DOSSIERS: &[Column] = listed! {
    "changed_position" Whole Position "Vị trí thay đổi cuối" "Position of the last change";
    "key" Text Key "Khóa hồ sơ" "Key of the dossier";
    "source" Text Source "Hệ thống nguồn" "Source system";
    "source_code" Text SourceCode "Mã hồ sơ tại nguồn" "Code at the source";
    "code" Text Member("code") "Mã hồ sơ quốc gia" "National code";
    "sources" Whole Count("identities") "Số nguồn" "Sources";
    "agency" Text Member("agency") "Cơ quan" "Agency";
    "procedure" Text Member("procedure") "Mã thủ tục" "Procedure";
    "procedure_source_code" Text Member("procedure_source_code")
        "Mã thủ tục tại nguồn" "Procedure's code at the source";
    "procedure_name" Text Member("procedure_name") "Tên thủ tục" "Name of the procedure";
    "field" Text Member("field") "Lĩnh vực" "Field";
    "commune" Text Member("commune") "Mã xã của người nộp" "Commune of the applicant";
    "channel" Text Member("channel") "Hình thức nộp" "How it was submitted";
    "status" Whole Member("status") "Trạng thái" "Status";
    "status_name_vi" Text StatusVi "Tên trạng thái" "Name of the status (Vietnamese)";
    "status_name_en" Text StatusEn "Tên trạng thái (tiếng Anh)" "Name of the status";
    "status_raw" Text Member("status_raw") "Trạng thái tại nguồn" "Status as the source writes it";
    "status_on" Day Member("status_at") "Ngày của trạng thái" "Day of the status";
    "submitted_on" Day Member("submitted_at") "Ngày nộp" "Submitted on";
    "accepted_on" Day Member("accepted_at") "Ngày tiếp nhận" "Accepted on";
    "due_on" Day Member("due_at") "Ngày hẹn trả" "Due on";
    "first_due_on" Day Member("first_due_at") "Ngày hẹn trả đầu tiên" "First due on";
    "finished_on" Day Member("finished_at") "Ngày giải quyết xong" "Finished on";
    "returned_on" Day Member("returned_at") "Ngày trả kết quả" "Result returned on";
    "unit" Text Member("unit") "Đơn vị xử lý" "Unit at work";
    "is_retracted" Flag Member("retracted") "Đã rút lại" "Retracted";
    "is_counted" Flag Member("counted") "Được tính vào thống kê" "Counted in statistics";
    "is_retired" Flag Says("retired") "Khóa đã gộp vào hồ sơ khác" "Key merged into another";
    "result_number" Text Member("result.number") "Số kết quả" "Number of the result";
    "result_on" Day Member("result.date") "Ngày của kết quả" "Day of the result";
    "fees" Whole Sum("fees", "amount") "Phí, lệ phí (đồng)" "Fees (dong)";
};

/// Findings as they stand.
static FINDINGS: &[Column] = listed! {
    "changed_position" Whole Position "Vị trí thay đổi cuối" "Position of the last change";
    "id" Text Member("id") "Mã phát hiện" "Finding";
    "rule" Text Member("rule") "Quy tắc" "Rule";
    "agency" Text Member("agency") "Cơ quan được hỏi" "Agency that is asked";
    "dossier" Text Member("dossier") "Khóa hồ sơ" "Key of the dossier";
    "day" Day Member("day") "Ngày được nói đến" "Day it speaks of";
    "state" Text Member("state") "Tình trạng" "State";
    "opened_position" Whole Member("opened.position") "Vị trí mở" "Position that opened it";
    "opened_at" Moment Member("opened.at")
        "Thời điểm mở (giờ Việt Nam)" "Opened at (time in Vietnam)";
    "closed_position" Whole Member("closed.position") "Vị trí đóng" "Position that closed it";
    "closed_at" Moment Member("closed.at")
        "Thời điểm đóng (giờ Việt Nam)" "Closed at (time in Vietnam)";
    "judged_by_catalogue" Text Member("judged_by.catalogue")
        "Danh mục dùng để xét" "Catalogue it was judged by";
    "judged_by_position" Whole Member("judged_by.position")
        "Vị trí của danh mục đó" "Position of that catalogue";
    "vi" Text Member("vi") "Nội dung" "What was found (Vietnamese)";
    "en" Text Member("en") "Nội dung (tiếng Anh)" "What was found";
    "question_vi" Text Member("question_vi") "Câu hỏi" "Question (Vietnamese)";
    "question_en" Text Member("question_en") "Câu hỏi (tiếng Anh)" "Question";
};

/// The columns of a feed; of records, those of one contract where one is asked for.
pub fn columns(feed: Feed, contract: Option<&str>) -> Vec<&'static Column> {
    match feed {
        Feed::Records => records::of(contract),
        Feed::Dossiers => DOSSIERS.iter().collect(),
        Feed::Findings => FINDINGS.iter().collect(),
        Feed::Catalogue => derived::CATALOGUE.iter().collect(),
        Feed::Statistics => derived::STATISTICS.iter().collect(),
        Feed::Notices => derived::NOTICES.iter().collect(),
    }
}

/// The columns of personal members, which come behind the others where they are asked for: of
/// records of one contract, or of all.
pub fn personal_columns(contract: Option<&str>) -> Vec<&'static Column> {
    persons::of(contract)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use contracts::{Contracts, schema::MemberType};

    use super::{Column, Feed, Origin, columns, contracts as asked_for};

    fn covers(shown: &[&Column], path: &str) -> bool {
        shown.iter().any(|column| match column.from {
            Origin::Member(of) => of == path,
            // The key of a dossier's state is the event's subject.
            Origin::Key => path == "key",
            _ => false,
        })
    }

    #[test]
    fn no_public_member_of_a_contract_lacks_its_column() {
        let contracts = Contracts::builtin().unwrap();
        for contract in contracts.iter() {
            let id = contract.id().to_string();
            let shown = match &*id {
                "dossier-state/1" => columns(Feed::Dossiers, None),
                "finding/1" => columns(Feed::Findings, None),
                "statistic-change/1" => columns(Feed::Statistics, None),
                "notice/1" => columns(Feed::Notices, None),
                "unit/1" => columns(Feed::Catalogue, None),
                id => {
                    assert!(asked_for().any(|one| one == id), "{id} has no columns");
                    columns(Feed::Records, Some(id))
                }
            };
            let personal: Vec<String> = contract
                .members()
                .iter()
                .filter(|member| member.personal)
                .map(|member| format!("{}.", member.path))
                .collect();
            for member in contract.members().iter().filter(|member| !member.personal) {
                let many = member
                    .types
                    .iter()
                    .any(|one| matches!(one, MemberType::Array | MemberType::Object));
                // Lists, and what is told once in another member.
                let left = many
                    || personal.iter().any(|whole| member.path.starts_with(whole))
                    || member.path.contains("[]")
                    || member.path.starts_with("evidence.")
                    || member.path.starts_with("member_sources.")
                    || (id == "finding/1" && member.path == "changed");
                assert!(left || covers(&shown, &member.path), "{id}: {}", member.path);
            }
        }
    }

    #[test]
    fn no_name_stands_twice_and_no_personal_member_is_shown() {
        let contracts = Contracts::builtin().unwrap();
        let listed = asked_for().map(|id| (Feed::Records, Some(id)));
        let feeds = Feed::ALL.map(|feed| (feed, None));
        for (feed, contract) in listed.chain(feeds) {
            let shown = columns(feed, contract);
            let names: HashSet<_> = shown.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), shown.len(), "{contract:?}");
            let personal: HashSet<_> = contracts
                .iter()
                .filter(|one| contract.is_none_or(|id| one.id().to_string() == id))
                .flat_map(|one| one.members())
                .filter(|member| member.personal)
                .map(|member| member.path.as_str())
                .collect();
            for column in &shown {
                if let (Origin::Member(path), Some(_)) = (column.from, contract) {
                    assert!(!personal.contains(path), "{contract:?}: {path}");
                }
            }
        }
    }
}
