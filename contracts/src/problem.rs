//! One fault in data: what, where, which rule, which value, and how to mend it.
//!
//! Refusals are read by an agency's IT officer, so every text is in Vietnamese with English
//! beside it, the value is masked, and the code never changes. Shape: RFC 9457 members.

use serde::{Deserialize, Serialize};

/// Where in the native payload a fault lies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Path of the element, member, cell or column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Record within the payload, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u32>,
}

/// A text in the two languages of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// One fault in data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Stable code, kebab case; the catalogue lists them all.
    pub code: String,
    /// JSON pointer of the canonical member concerned, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// Where in the native payload.
    #[serde(default)]
    pub place: Place,
    /// The rule that was broken, in the mapping's or the contract's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// The value found, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong.
    pub detail: Bilingual,
    /// How to mend it.
    pub advice: Bilingual,
}

/// One entry of the problem catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong: Vietnamese, English.
    pub detail: (&'static str, &'static str),
    /// How to mend it: Vietnamese, English.
    pub advice: (&'static str, &'static str),
}

impl Problem {
    /// A problem of a catalogued kind, with nothing known of place and value yet.
    pub fn new(kind: &Kind) -> Self {
        let text = |(vi, en): (&str, &str)| Bilingual { vi: vi.to_owned(), en: en.to_owned() };
        Self {
            code: kind.code.to_owned(),
            pointer: String::new(),
            place: Place::default(),
            rule: String::new(),
            value: None,
            detail: text(kind.detail),
            advice: text(kind.advice),
        }
    }

    /// Names the canonical member concerned.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// Names the place in the native payload.
    #[must_use]
    pub fn in_place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Names the rule broken.
    #[must_use]
    pub fn by_rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = rule.into();
        self
    }

    /// Says what is wrong more exactly than its kind does: in Vietnamese, in English.
    #[must_use]
    pub fn saying(mut self, vi: impl Into<String>, en: impl Into<String>) -> Self {
        self.detail = Bilingual { vi: vi.into(), en: en.into() };
        self
    }

    /// Says how to mend it more exactly than its kind does: in Vietnamese, in English.
    #[must_use]
    pub fn advising(mut self, vi: impl Into<String>, en: impl Into<String>) -> Self {
        self.advice = Bilingual { vi: vi.into(), en: en.into() };
        self
    }

    /// Shows the value found, masked if personal.
    #[must_use]
    pub fn with_value(mut self, value: &str, personal: bool) -> Self {
        self.value = Some(if personal { mask(value) } else { shorten(value) });
        self
    }
}

/// At most 80 characters of a value.
fn shorten(value: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    if value.chars().count() <= SHOWN_CHARS_MAX {
        return value.to_owned();
    }
    value.chars().take(SHOWN_CHARS_MAX).chain(['…']).collect()
}

/// Keeps the shape and hides the content: first character, then one `*` a character, at most 12.
pub fn mask(value: &str) -> String {
    let mut chars = value.chars();
    match chars.next() {
        None => String::new(),
        Some(first) => std::iter::once(first).chain(chars.take(11).map(|_| '*')).collect(),
    }
}

macro_rules! catalogue {
    ($($name:ident $code:literal $vi:literal $en:literal $fix_vi:literal $fix_en:literal;)*) => {
        $(#[doc = $en]
        pub const $name: Kind =
            Kind { code: $code, detail: ($vi, $en), advice: ($fix_vi, $fix_en) };)*
        /// Every kind of problem the hub can report.
        pub const CATALOGUE: &[Kind] = &[$($name),*];
    };
}

catalogue! {
    MISSING_MEMBER "missing-member"
        "Thiếu thông tin bắt buộc."
        "A required member is missing."
        "Bổ sung trường này rồi gửi lại bản ghi."
        "Fill in this field and send the record again.";
    UNKNOWN_CODE "unknown-code"
        "Mã không có trong bảng mã của kênh."
        "The code is not in the channel's code table."
        "Kiểm tra lại mã, hoặc đề nghị đơn vị vận hành bổ sung vào bảng mã."
        "Check the code, or ask the operator to add it to the table.";
    BAD_DATE "bad-date"
        "Ngày giờ không đúng mẫu hoặc không có trong lịch."
        "The date does not follow the declared form or is not in the calendar."
        "Ghi ngày theo đúng mẫu đã khai báo của kênh."
        "Write the date in the form declared for the channel.";
    TIME_IN_FUTURE "time-in-future"
        "Thời điểm ở tương lai."
        "The time lies in the future."
        "Kiểm tra đồng hồ máy chủ và giá trị ngày giờ."
        "Check the server's clock and the value.";
    BAD_NUMBER "bad-number"
        "Số không đúng mẫu."
        "The number does not follow the declared form."
        "Ghi số theo đúng dấu phân cách đã khai báo."
        "Write the number with the declared separators.";
    NOT_THE_FORMAT "not-the-format"
        "Nội dung không đúng định dạng đã khai báo."
        "The payload is not in the declared format."
        "Kiểm tra chỗ được nêu, sửa tệp rồi gửi lại."
        "Look at the place named, mend the file and send it again.";
    LIST_ABSENT "list-absent"
        "Nội dung không có danh sách bản ghi ở đường dẫn đã khai báo."
        "The payload has no list of records at the declared path."
        "Gửi đúng cấu trúc đã khai báo của kênh; khi không có bản ghi nào thì gửi danh sách rỗng."
        "Send the structure declared for the channel; where there are no records, an empty list.";
    WRONG_CHARSET "wrong-charset"
        "Nội dung không đúng bảng mã ký tự đã khai báo."
        "The bytes do not fit the declared character set."
        "Xuất lại theo bảng mã đã khai báo của kênh."
        "Export again in the declared character set.";
    DUPLICATE_KEY "duplicate-key"
        "Một đối tượng JSON có hai khóa trùng tên."
        "A JSON object holds the same key twice."
        "Giữ một khóa duy nhất; hai hệ thống có thể đọc khác nhau."
        "Keep one of them: two systems may read it differently.";
    LIMIT_EXCEEDED "limit-exceeded"
        "Vượt giới hạn cho phép."
        "A limit is exceeded."
        "Chia nhỏ nội dung theo giới hạn được nêu."
        "Split the payload below the limit named.";
    FORBIDDEN_MARKUP "forbidden-markup"
        "XML có khai báo DTD hoặc thực thể, không được chấp nhận."
        "The XML declares a DTD or an entity, which is not accepted."
        "Bỏ khai báo DOCTYPE và thực thể."
        "Remove the DOCTYPE and entity declarations.";
    SEVERAL_VALUES "several-values"
        "Có nhiều giá trị ở nơi chỉ được có một."
        "Several values stand where one is expected."
        "Gửi một giá trị duy nhất."
        "Send a single value.";
    CONTRACT_BROKEN "contract-broken"
        "Bản ghi không đúng hợp đồng dữ liệu."
        "The record does not satisfy its contract."
        "Sửa giá trị theo quy tắc được nêu."
        "Mend the value by the rule named.";
    BAD_CODE "bad-code"
        "Mã không đúng cấu trúc."
        "The code does not have the required shape."
        "Ghi mã theo đúng cấu trúc quy định."
        "Write the code in its prescribed shape.";
    UNKNOWN_UNIT "unknown-unit"
        "Không tìm thấy đơn vị hành chính hoặc cơ quan vào ngày của hồ sơ."
        "No such unit or agency on the dossier's date."
        "Ghi đúng tên hoặc mã có hiệu lực vào ngày đó."
        "Use the name or code in force on that day.";
    AMBIGUOUS_UNIT "ambiguous-unit"
        "Tên trùng với nhiều đơn vị hành chính."
        "The name fits several units."
        "Ghi thêm cấp huyện hoặc dùng mã đơn vị."
        "Add the district, or use the unit's code.";
    UNDECIDED_RECORD "undecided-record"
        "Không quy tắc nào của kênh nhận bản ghi này."
        "No rule of the channel takes this record."
        "Kiểm tra loại sự kiện; đề nghị đơn vị vận hành bổ sung quy tắc."
        "Check the kind of event; ask the operator to add a rule.";
    NOT_COMPUTED "not-computed"
        "Không tính được giá trị từ các trường của bản ghi."
        "The value cannot be computed from the record's fields."
        "Kiểm tra các trường được nêu; nếu đúng, đề nghị đơn vị vận hành sửa biểu thức."
        "Check the fields named; if they are right, ask the operator to mend the expression.";
    ID_REUSED "id-reused"
        "Mã thông điệp đã dùng cho nội dung khác; nội dung này được giữ lại nhưng không áp dụng."
        "The message id was used for other content; this content is kept but not applied."
        "Dùng mã thông điệp mới cho nội dung mới."
        "Use a new message id for new content.";
    MEMBER_DISAGREES "member-disagrees"
        "Giá trị mâu thuẫn với thông tin khác của bản ghi."
        "The value contradicts another member of the record."
        "Kiểm tra lại cả hai giá trị."
        "Check both values.";
    UNKNOWN_ADDRESSEE "unknown-addressee"
        "Cơ quan nhận không được kết nối với hệ thống."
        "The agency that it is addressed to is not connected to the hub."
        "Dùng mã của cơ quan đã kết nối; hỏi đơn vị vận hành."
        "Use the id of an agency that is connected; ask the operator.";
    UNKNOWN_AGENCY "unknown-agency"
        "Danh mục không có cơ quan này."
        "The catalogue has no such agency."
        "Dùng mã cơ quan có trong /v1/agencies."
        "Use the id of an agency in /v1/agencies.";
    NOT_ADDRESSED "not-addressed"
        "Không có yêu cầu hoặc hồ sơ nào mang mã này được gửi đến cơ quan."
        "No request or application of this id was sent to the agency."
        "Trả lời đúng mã đã nhận trong yêu cầu hoặc hồ sơ."
        "Answer under the id that came with the request or the application.";
    NOT_IN_ITS_NAME "not-in-its-name"
        "Không được gửi thay tên cơ quan khác hoặc thay hệ thống."
        "Nobody sends in another agency's name, or in the hub's."
        "Gửi bằng khóa và kênh của chính cơ quan."
        "Send with the agency's own key and by its own channel.";
    DUE_OUT_OF_BOUNDS "due-out-of-bounds"
        "Hạn trả lời đã qua hoặc quá xa."
        "The time to answer by has passed, or lies too far ahead."
        "Ghi hạn trả lời trong khoảng được nêu."
        "Name a time within the bounds told.";
    UNKNOWN_ATTACHMENT "unknown-attachment"
        "Tệp đính kèm chưa được gửi lên, hoặc thông tin khai không khớp."
        "The attachment was not uploaded by who names it, or is not as it says."
        "Gửi tệp lên bằng POST /v1/attachments rồi dùng đúng thông tin được trả về."
        "Upload it by POST /v1/attachments and name it as that answered.";
    NOT_OFFERED_ONLINE "not-offered-online"
        "Cơ quan không tiếp nhận trực tuyến thủ tục này ở mức độ 3 trở lên."
        "The agency does not take this procedure online at level 3 or above."
        "Kiểm tra mã thủ tục, cơ quan và mức độ dịch vụ công trong danh mục."
        "Check the procedure, the agency and the online level in the catalogue.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_values_are_masked_and_others_shortened() {
        let problem = Problem::new(&BAD_NUMBER).with_value("270999011", true);
        assert_eq!(problem.value.as_deref(), Some("2********"));
        let long = "a".repeat(200);
        let shown = Problem::new(&BAD_NUMBER).with_value(&long, false).value.unwrap();
        assert_eq!(shown.chars().count(), 81);
    }

    #[test]
    fn codes_are_unique_and_every_text_is_there() {
        let mut codes: Vec<_> = CATALOGUE.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CATALOGUE.len());
        for kind in CATALOGUE {
            for text in [kind.detail.0, kind.detail.1, kind.advice.0, kind.advice.1] {
                assert!(text.ends_with('.'), "{}", kind.code);
            }
        }
    }
}
