//! What operations are grouped by.

use serde_json::{Value, json};

macro_rules! tags {
    ($($name:ident $tag:literal $vi:literal $en:literal;)*) => {
        $(#[doc = $en] pub(in crate::api) const $name: &str = $tag;)*

        /// All of them, as the document lists them.
        pub(super) fn all() -> Value {
            json!([$({ "name": $tag, "description": concat!($vi, "\n\n", $en) }),*])
        }
    };
}

tags! {
    DOSSIERS "dossiers"
        "Hồ sơ: trạng thái, lịch sử, hạn trả kết quả." "Dossiers: state, history, due dates.";
    MESSAGES "messages"
        "Gửi thông điệp và xem kết quả xử lý." "Sending messages, and what became of them.";
    CATALOGUE "catalogue"
        "Danh mục thủ tục, cơ quan, đơn vị hành chính."
        "What the province publishes: procedures, agencies, units.";
    STATISTICS "statistics"
        "Số liệu và hồ sơ đứng sau mỗi số." "Numbers, and the dossiers behind them.";
    REPORTS "reports" "Biểu báo cáo và chốt số liệu." "Reports, and freezing them.";
    FEEDS "feeds" "Dòng sự kiện: đọc theo trang hoặc theo luồng." "Feeds: by pages or as streams.";
    CHANNELS "channels"
        "Kênh gửi của cơ quan: tình trạng, từ chối, đối soát, thay đổi."
        "An agency's channels: standing, refusals, controls, changes.";
    EXCHANGE "exchange"
        "Yêu cầu, hồ sơ nộp trực tuyến, tệp đính kèm giữa các bên."
        "Requests, applications and files from one to another.";
    FEEDBACK "feedback" "Phản ánh, đánh giá của người dân." "What citizens say of the service.";
    FINDINGS "findings"
        "Điều cần hỏi lại và lộ trình." "What there is to ask about, and the roadmap.";
    DELIVERIES "deliveries"
        "Gửi ra: hàng đợi và thư không giao được." "What leaves: the outbox and dead letters.";
    DOORS "doors"
        "Các giao thức khác: SOAP, LGSP, DVCQG, OAuth 2."
        "Other protocols: SOAP, LGSP, DVCQG, OAuth 2.";
    OPERATIONS "operations"
        "Vận hành: sức khỏe, số đo, tài liệu." "For those who run it: health, metrics, documents.";
}
