//! What can be wrong with a question to the hub. Same shape as the catalogue of data faults; the
//! codes are stable and differ from those and from the push door's.

use contracts::problem::Kind;

macro_rules! kinds {
    ($($name:ident $code:literal $vi:literal $en:literal $fix_vi:literal $fix_en:literal;)*) => {
        $(#[doc = $en]
        pub const $name: Kind =
            Kind { code: $code, detail: ($vi, $en), advice: ($fix_vi, $fix_en) };)*
        /// Every kind of problem that a question can be answered with.
        pub const KINDS: &[Kind] = &[$($name),*];
    };
}

kinds! {
    NO_ROUTE "no-such-address"
        "Địa chỉ này không có."
        "There is no such address."
        "Kiểm tra đường dẫn; ký tự đặc biệt trong mã phải được mã hóa phần trăm."
        "Check the path; special characters in a code must be percent-encoded.";
    METHOD "method-not-allowed"
        "Địa chỉ này không nhận phương thức đó."
        "This address does not take that method."
        "Dùng phương thức nêu trong tiêu đề Allow."
        "Use a method named in the header Allow.";
    NOT_FOUND "not-found"
        "Không tìm thấy, hoặc khóa truy cập này không được xem."
        "Nothing was found that this access key may see."
        "Kiểm tra lại mã; dùng khóa của cơ quan sở hữu dữ liệu."
        "Check the code; use the key of the agency whose data it is.";
    BAD_PARAMETER "bad-parameter"
        "Tham số của yêu cầu không hợp lệ."
        "A parameter of the request is not valid."
        "Sửa tham số được nêu rồi gọi lại."
        "Mend the parameter named and call again.";
    BAD_CURSOR "bad-cursor"
        "Con trỏ không do hệ thống này cấp cho danh sách này, hoặc đã bị sửa."
        "The cursor was not given by this hub for this list, or was altered."
        "Dùng nguyên địa chỉ trong tiêu đề Link; nếu mất, đọc lại từ đầu, không có con trỏ."
        "Use the address in the header Link as it is; if lost, read from the start without it.";
    LOG_RESTORED "log-restored"
        "Nhật ký đã được khôi phục từ bản sao lưu; phần sau bản sao lưu không còn."
        "The journal was restored from a backup; what was behind it is there no more."
        "Bỏ những gì đã nhận từ vị trí size của nhật ký log_id trở đi, rồi đọc tiếp từ after."
        "Drop what you have of the log log_id from position size on, then go on from after.";
    FEED_REFOLDED "feed-refolded"
        "Cách tính dòng sự kiện này đã đổi từ khi cấp con trỏ; số đã nhận không còn khớp."
        "How this feed is derived has changed since the cursor was given; what was read is stale."
        "Bỏ những gì đã nhận của dòng này, tải snapshot, rồi đọc tiếp từ after."
        "Drop all that you have of this feed, fetch snapshot, then go on from after.";
    NO_CATALOGUE "no-catalogue"
        "Hệ thống chưa có danh mục."
        "The hub has no catalogue yet."
        "Đơn vị vận hành đặt catalogue = \"THƯ MỤC\" trong hub.toml rồi khởi động lại."
        "The operator sets catalogue = \"FOLDER\" in hub.toml and starts the hub again.";
    CATALOGUE_CHANGED "catalogue-changed"
        "Danh mục đã thay đổi từ khi cấp con trỏ này."
        "The catalogue has changed since this cursor was given."
        "Đọc lại từ trang đầu: gọi lại câu hỏi, không có cursor."
        "Read from the first page: ask again without cursor.";
    NOT_ACCEPTED "not-accepted-yet"
        "Hồ sơ chưa có ngày tiếp nhận nên thời hạn chưa bắt đầu."
        "The dossier has no day of acceptance, so no time limit has begun."
        "Cơ quan gửi ngày tiếp nhận (accepted_at) khi tiếp nhận hồ sơ."
        "The agency sends the day of acceptance (accepted_at) when it accepts the dossier.";
    NO_CALENDAR "no-calendar"
        "Hệ thống chưa có lịch làm việc ở thời điểm này của nhật ký."
        "The hub has no calendar of working days at this position of the journal."
        "Đơn vị vận hành thêm calendar.toml, holidays.csv và deadlines.toml vào thư mục danh mục."
        "The operator adds calendar.toml, holidays.csv, deadlines.toml to the catalogue's folder.";
    UNKNOWN_PROCEDURE "procedure-not-in-catalogue"
        "Danh mục không có thủ tục của hồ sơ này vào ngày tiếp nhận."
        "The catalogue has no such procedure on the day of acceptance."
        "Cơ quan gửi mã thủ tục quốc gia, hoặc đơn vị vận hành bổ sung thủ tục vào procedures.csv."
        "The agency sends the national code, or the operator adds the procedure to procedures.csv.";
    NO_TIME_LIMIT "no-time-limit-known"
        "Danh mục chưa ghi thời hạn của thủ tục này."
        "The catalogue tells no time limit of this procedure."
        "Ghi deadline và deadline_unit trong procedures.csv (0 và none nếu không có hạn)."
        "Write deadline and deadline_unit in procedures.csv (0 and none where there is no limit).";
    SEVERAL_TIME_LIMITS "several-time-limits"
        "Nhiều thủ tục trong danh mục khớp với hồ sơ này và có thời hạn khác nhau."
        "Several procedures of the catalogue fit this dossier, with different time limits."
        "Cơ quan gửi mã thủ tục quốc gia và mã cơ quan có trong danh mục."
        "The agency sends the national code, and an agency that the catalogue has.";
    NO_DEADLINE_RULE "no-deadline-rule"
        "Không có quy tắc tính hạn nào áp dụng cho ngày tiếp nhận này."
        "No rule says how a time limit of this day of acceptance runs."
        "Thêm vào deadlines.toml một [[rule]] có hiệu lực vào ngày đó."
        "Add a [[rule]] that holds on that day to deadlines.toml.";
    OUTSIDE_CALENDAR "outside-calendar"
        "Thời hạn cần một ngày mà lịch làm việc chưa có."
        "The time limit needs a day that the calendar does not cover."
        "Bổ sung các ngày của năm đó vào holidays.csv và mở rộng lịch trong calendar.toml."
        "Add the days of that year to holidays.csv and widen the calendar in calendar.toml.";
    NO_ROADMAP "no-roadmap"
        "Hệ thống chưa có lộ trình ở thời điểm này của nhật ký."
        "The hub has no roadmap at this position of the journal."
        "Đơn vị vận hành thêm roadmap.toml vào thư mục danh mục rồi khởi động lại."
        "The operator adds roadmap.toml to the catalogue's folder and starts the hub again.";
    NOT_YOURS "not-yours"
        "Khóa truy cập này chỉ xem được số liệu của cơ quan mình."
        "This access key may see only its own agency's numbers."
        "Bỏ tham số agency, hoặc ghi mã cơ quan của khóa."
        "Leave the parameter agency out, or write the key's own agency.";
    PURPOSE_MISSING "purpose-missing"
        "Thông tin cá nhân chỉ được trao khi nêu mục đích."
        "Personal data is given to who says what for."
        "Thêm ?purpose= với một mục đích nêu trong known; lần xem được ghi lại."
        "Add ?purpose= with one of those in the member known; that it was read is written down.";
    NO_FORMS "no-report-forms"
        "Hệ thống chưa có biểu mẫu báo cáo ở thời điểm này của nhật ký."
        "The hub has no forms of reports at this position of the journal."
        "Đơn vị vận hành thêm reports.toml vào thư mục danh mục rồi khởi động lại."
        "The operator adds reports.toml to the catalogue's folder and starts the hub again.";
    UNKNOWN_FORM "unknown-form"
        "Không có biểu báo cáo này vào ngày cuối kỳ."
        "There is no such form on the last day of the period."
        "Dùng một trong các biểu nêu trong known."
        "Use one of the forms in the member known.";
    UNKNOWN_REPORT_CALENDAR "unknown-report-calendar"
        "Không có lịch báo cáo này."
        "There is no such calendar of reporting periods."
        "Dùng một trong các lịch nêu trong known, hoặc bỏ tham số calendar."
        "Use one of the calendars in the member known, or leave calendar out.";
    OUTSIDE_REPORT_CALENDAR "outside-report-calendar"
        "Lịch báo cáo này không áp dụng cho kỳ báo cáo đó."
        "This calendar of reporting periods does not hold for the period."
        "Chọn lịch khác bằng tham số calendar, hoặc ghi kỳ theo dạng TỪ-NGÀY..ĐẾN-NGÀY."
        "Choose another calendar, or write the period as FIRST..LAST.";
    PERIOD_TOO_LONG "period-too-long"
        "Kỳ báo cáo quá dài."
        "The period is too long."
        "Chia kỳ báo cáo thành nhiều kỳ ngắn hơn."
        "Ask for several shorter periods.";
    NOT_FROZEN "not-frozen"
        "Báo cáo này chưa được chốt số liệu."
        "This report has not been frozen."
        "Bỏ tham số figures để xem số liệu hiện nay; đơn vị vận hành chốt bằng POST …/freeze."
        "Leave figures out for the figures of now; the operator freezes with POST …/freeze.";
    PERIOD_NOT_OVER "period-not-over"
        "Kỳ báo cáo chưa kết thúc nên chưa chốt số liệu được."
        "The period is not over, so it cannot be frozen yet."
        "Chốt sau ngày cuối kỳ nêu trong to."
        "Freeze it after its last day, in the member to.";
    OPERATOR_ONLY "operator-only"
        "Việc này chỉ dành cho đơn vị vận hành."
        "Only the operator may do this."
        "Dùng khóa tạo bằng lienthong key new operator, hoặc lệnh lienthong trên máy chủ."
        "Use a key of lienthong key new operator, or the command on the hub's machine.";
    BAD_LOOKUP "bad-lookup"
        "Không đọc được yêu cầu tra cứu."
        "The question cannot be read."
        "Gửi mã hồ sơ và bốn ký tự cuối của số điện thoại, số giấy tờ, hoặc mã trên giấy hẹn."
        "Send the code and the last four of a telephone or identity number, or the receipt's word.";
    LOOKUP_FAILED "lookup-failed"
        "Không tìm thấy hồ sơ ứng với mã và thông tin xác nhận này."
        "There is no dossier of this code and secret."
        "Kiểm tra mã trên giấy hẹn và bốn ký tự cuối; nếu vẫn không được, hỏi cơ quan tiếp nhận."
        "Check the code on the receipt and the four characters; else ask the agency.";
    TOO_MANY_LOOKUPS "too-many-lookups"
        "Tra cứu quá nhiều lần."
        "Too many look-ups."
        "Gọi lại sau thời gian nêu trong Retry-After."
        "Call again after the time in Retry-After.";
    TOO_MANY_WATCHES "too-many-watches"
        "Hồ sơ này, hoặc khóa này, đã có đủ lượt theo dõi."
        "This dossier, or this key, is followed as often as may be."
        "Bỏ bớt lượt theo dõi cũ bằng DELETE /v1/watches/{id}; trường of nêu điều gì đã đủ."
        "End older ones by DELETE /v1/watches/{id}; the member of says what has enough.";
    SCOPE "scope-not-granted"
        "Khóa truy cập này không dùng được cho việc này."
        "This access key is not for this."
        "Dùng khóa có phạm vi nêu trong scope; đơn vị vận hành cấp phạm vi khi tạo khóa."
        "Use a key or token with the scope named; the operator grants scopes when a key is made.";
    KEY_EXPIRED "key-expired"
        "Khóa truy cập đã hết hạn."
        "The access key is over."
        "Đề nghị đơn vị vận hành cấp khóa mới (lienthong key rotate)."
        "Ask the operator for a new one (lienthong key rotate).";
    LOCKED "locked-out"
        "Địa chỉ này vừa gửi khóa sai nhiều lần nên tạm thời không được xét."
        "This address has just shown wrong secrets of this key many times and is not heard for now."
        "Sửa khóa trong phần mềm gửi, rồi gọi lại sau thời gian nêu trong Retry-After."
        "Mend the key in the calling software and call again after the time in Retry-After.";
    DECIDED "already-decided"
        "Thư không giao được này đã được gửi lại hoặc đã bỏ."
        "Something was decided of this dead letter already: it was replayed or discarded."
        "Xem trạng thái bằng GET /v1/dead/{mã}; nếu lại không giao được, nó có mã mới."
        "See its state by GET /v1/dead/{id}; one that is buried again has a new id.";
    BAD_CONTROL "bad-control"
        "Nội dung đối soát không đọc được."
        "What is to be compared cannot be read."
        "Gửi danh sách mã hồ sơ (keys) hoặc các số theo ngày (totals)."
        "Send a list of keys (keys) or numbers by day (totals).";
    NO_ATTACHMENTS "no-attachments"
        "Hệ thống này chưa có kho tệp đính kèm."
        "This hub has no attachment store."
        "Đơn vị vận hành ghi [attachments] với folder trong hub.toml rồi khởi động lại."
        "The operator writes [attachments] with folder in hub.toml and starts the hub again.";
    NOT_A_SENDER "not-a-sender"
        "Chỉ cơ quan và cổng gửi tệp đính kèm."
        "Only agencies and the portal send attachments."
        "Dùng khóa của cơ quan hoặc của cổng."
        "Use the key of an agency or of the portal.";
    ATTACHMENT_TOO_LARGE "attachment-too-large"
        "Tệp lớn hơn giới hạn."
        "The file is larger than the limit."
        "Nén hoặc chia tệp để không vượt bytes_max."
        "Compress or split it so that it is not above bytes_max.";
    ATTACHMENT_TYPE "attachment-type-not-taken"
        "Loại tệp này không được nhận."
        "Files of this type are not taken."
        "Gửi tệp thuộc một loại nêu trong known, ghi đúng Content-Type."
        "Send a file of one of the types in known, and name it in Content-Type.";
    ATTACHMENT_NOT_OF_ITS_TYPE "attachment-not-of-its-type"
        "Nội dung tệp không đúng loại đã khai."
        "The file is not of the type that Content-Type names."
        "Ghi đúng Content-Type, hoặc kiểm tra lại tệp."
        "Name its own type in Content-Type, or check the file.";
    ATTACHMENT_QUOTA "attachment-quota"
        "Cơ quan đã dùng hết dung lượng tệp đính kèm."
        "The sender has sent as many bytes of attachments as it may."
        "Đề nghị đơn vị vận hành tăng sender_gigabytes_max."
        "Ask the operator for a larger sender_gigabytes_max.";
    BAD_SUBSCRIPTION "bad-subscription"
        "Nội dung yêu cầu đăng ký webhook không hợp lệ."
        "What is asked of a subscription is not valid."
        "Sửa từng thành phần nêu trong faults rồi gọi lại."
        "Mend each member named in faults, and call again.";
    SUBSCRIPTIONS "too-many-subscriptions"
        "Đã có đủ số đăng ký webhook được phép."
        "There are as many subscriptions as one may have."
        "Xóa một đăng ký không dùng nữa bằng DELETE /v1/subscriptions/{mã}."
        "Delete one that is not used by DELETE /v1/subscriptions/{id}.";
    TOO_MANY_SECRETS "too-many-secrets"
        "Quá nhiều khóa ký còn hiệu lực cùng lúc."
        "Too many secrets of this subscription are in force at once."
        "Chờ một khóa cũ hết hạn (older_secrets_until) rồi đổi tiếp."
        "Wait until an older one ends (older_secrets_until), then rotate again.";
    UNKNOWN_EVENT "unknown-event"
        "Luồng này hiện không có sự kiện đó, hoặc không được xem."
        "The feed has no such event now that the subscription's owner may read."
        "Kiểm tra mã sự kiện; trạng thái đã đổi thì có sự kiện mới, gửi lại bằng …/recover."
        "Check the event's id; a state that has changed has another event: use …/recover.";
    CROWDED "too-many-streams"
        "Quá nhiều luồng đang mở."
        "Too many streams are open."
        "Gọi lại sau thời gian nêu trong Retry-After, hoặc đọc từng trang, không có wait."
        "Call again after the time in Retry-After, or read pages without the parameter wait.";
    NO_EXPORT "no-such-export"
        "Không có tệp xuất này."
        "There is no such export."
        "Gọi /v1/exports/DỮ_LIỆU.ĐỊNH_DẠNG, với các tên nêu trong feeds và formats."
        "Call /v1/exports/FEED.FORMAT with names in the members feeds and formats.";
    EXPORTS_CROWDED "too-many-exports"
        "Quá nhiều tệp đang được xuất."
        "Too many exports are under way."
        "Gọi lại sau thời gian nêu trong Retry-After, hoặc đọc từng trang ở /v1/feeds."
        "Call again after the time in Retry-After, or read pages of /v1/feeds.";
    UNAVAILABLE "unavailable"
        "Kho dữ liệu tạm thời không trả lời được."
        "The store cannot answer now."
        "Gọi lại sau thời gian nêu trong Retry-After."
        "Call again after the time in Retry-After.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use contracts::problem::CATALOGUE;

    use super::KINDS;

    #[test]
    fn no_code_is_used_twice_anywhere() {
        let mut seen = HashSet::new();
        for kind in KINDS
            .iter()
            .chain(CATALOGUE)
            .chain(adapters::rest::kinds::KINDS)
            .chain(adapters::file::kinds::KINDS)
        {
            assert!(seen.insert(kind.code), "{}", kind.code);
        }
    }
}
