//! Changes in the words of the people who are told of them.

use std::collections::BTreeMap;

use contracts::problem::Bilingual;

use super::drift::{Change, ChangeKind};

/// The figures before and of late, what is new, and whether a rule reads the field.
pub(super) struct Figures {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) fresh: Vec<String>,
    pub(super) read: bool,
}

/// A share in hundredths.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 1.0 => "<1 %".to_owned(),
        percent if percent > 99.0 && percent < 100.0 => ">99 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}

/// Parts of a whole, the largest first.
pub(super) fn parts(counts: &BTreeMap<String, u64>) -> String {
    let all: u64 = counts.values().sum();
    let mut parts: Vec<(&String, &u64)> = counts.iter().collect();
    parts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let told = parts
        .iter()
        .take(4)
        .map(|(name, count)| format!("{name} {}", percent(**count as f64 / all.max(1) as f64)));
    told.collect::<Vec<_>>().join(", ")
}

/// The size of a number of so many digits.
pub(super) fn size(digits: u8) -> String {
    format!("10^{}", digits.saturating_sub(1))
}

/// A change in words.
pub(super) fn change(
    (kind, detail): &(ChangeKind, String),
    (records, path): (&str, &str),
    figures: Figures,
    period: &str,
) -> Change {
    let (vi, en) = told(*kind, detail, path, &figures);
    let (advice_vi, advice_en) = advice(*kind, figures.read);
    Change {
        kind: *kind,
        records: records.to_owned(),
        path: path.to_owned(),
        read: figures.read,
        since: period.to_owned(),
        until: period.to_owned(),
        before: figures.before,
        after: figures.after,
        fresh: figures.fresh,
        detail: Bilingual { vi, en },
        advice: Bilingual { vi: advice_vi.to_owned(), en: advice_en.to_owned() },
    }
}

fn told(kind: ChangeKind, detail: &str, path: &str, figures: &Figures) -> (String, String) {
    let Figures { before, after, .. } = figures;
    match kind {
        ChangeKind::NewField => (
            format!("Trường mới `{path}`, có trong {after} bản ghi."),
            format!("A new field `{path}`, in {after} of the records."),
        ),
        ChangeKind::FieldGone => (
            format!("Trường `{path}` không còn; trước đây có trong {before} bản ghi."),
            format!("The field `{path}` comes no more; it was in {before} of the records."),
        ),
        ChangeKind::BlankShare => (
            format!("Tỷ lệ để trống của `{path}` từ {before} thành {after}."),
            format!("`{path}` was blank in {before} of the records, and now in {after}."),
        ),
        ChangeKind::NewType => (
            format!("Kiểu dữ liệu của `{path}` đã khác: trước là {before}, nay là {after}."),
            format!("The type of `{path}` has changed from {before} to {after}."),
        ),
        ChangeKind::NewForm => (
            format!("Cách ghi của `{path}` đã khác: trước là {before}, nay là {after}."),
            format!("`{path}` is written otherwise: it was {before}, and is {after}."),
        ),
        ChangeKind::UnknownCode if detail.is_empty() => (
            format!("`{path}` có {after} giá trị ngoài bảng quy đổi (không hiển thị)."),
            format!("`{path}` holds {after} values that its code table lacks (not shown)."),
        ),
        ChangeKind::UnknownCode => (
            format!("`{path}` có mã lạ `{detail}`, {after} lần; bảng quy đổi không có mã này."),
            format!("`{path}` holds the code `{detail}`, {after} times; its code table lacks it."),
        ),
        ChangeKind::Size => (
            format!("Độ lớn thường gặp của `{path}` từ {before} thành {after}: có đổi đơn vị?"),
            format!("`{path}` is usually of the size {after}, and was {before}: another unit?"),
        ),
    }
}

fn advice(kind: ChangeKind, read: bool) -> (&'static str, &'static str) {
    match (kind, read) {
        (ChangeKind::NewField, true) => (
            "Ánh xạ có đọc trường này; xem kết quả đã đúng ý chưa.",
            "The mapping reads it; see that what comes of it is as meant.",
        ),
        (ChangeKind::NewField, false) => (
            "Hỏi cơ quan gửi về ý nghĩa; nếu cần, thêm quy tắc vào ánh xạ.",
            "Ask the sender what it means; add a rule to the mapping where it is wanted.",
        ),
        (ChangeKind::FieldGone, true) => (
            "Ánh xạ cần trường này: hỏi cơ quan gửi có đổi tên trường hay không.",
            "The mapping reads it: ask the sender whether it has another name now.",
        ),
        (ChangeKind::FieldGone | ChangeKind::BlankShare, false) => (
            "Không quy tắc nào đọc trường này; chỉ để biết.",
            "No rule reads it; for your information only.",
        ),
        (ChangeKind::BlankShare, true) => (
            "Hỏi cơ quan gửi vì sao; số liệu dựa trên trường này có thể lệch.",
            "Ask the sender why; figures that rest on it may be off.",
        ),
        (ChangeKind::NewType, _) => (
            "Chạy `lienthong apply` với một tệp mới và xem quy tắc đọc trường này.",
            "Run `lienthong apply` on a new file and look at the rule that reads it.",
        ),
        (ChangeKind::NewForm, _) => (
            "Thêm cách ghi mới vào quy tắc, như date dd/MM/yyyy yyyy-MM-dd; hoặc nhờ nơi gửi sửa.",
            "Add the form to the rule, such as date dd/MM/yyyy yyyy-MM-dd; or have the sender mend \
             it.",
        ),
        (ChangeKind::UnknownCode, _) => (
            "Hỏi cơ quan gửi nghĩa của mã rồi thêm một dòng vào bảng quy đổi.",
            "Ask the sender what it means and add a row to the code table.",
        ),
        (ChangeKind::Size, _) => (
            "Hỏi cơ quan gửi đơn vị tính (đồng hay nghìn đồng) trước khi dùng số liệu.",
            "Ask the sender for the unit (đồng or thousands) before the figures are used.",
        ),
    }
}
