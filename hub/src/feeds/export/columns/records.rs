//! The columns of records: what every record has, and what those of a contract say.

use super::{Column, listed};

/// What every record has: the names of `reporting.records`, as far as it has them.
static ENVELOPE: &[Column] = listed! {
    "position" Whole Position "Vị trí nhật ký" "Position";
    "recorded_at" Moment RecordedAt
        "Thời điểm ghi nhận (giờ Việt Nam)" "Recorded at (time in Vietnam)";
    "is_retraction" Flag Says("retracted") "Rút lại" "Retraction";
    "channel" Text Channel "Kênh" "Channel";
    "agency" Text Agency "Cơ quan gửi" "Agency that sent it";
    "contract" Text Contract "Hợp đồng dữ liệu" "Contract";
    "key" Text Key "Khóa bản ghi" "Key of the record";
    "has_personal" Flag HasPersonal "Có dữ liệu cá nhân" "Has personal members";
};

/// What records say: a member has the same name in all contracts that have it.
static SAID: &[Column] = listed! {
    "about_agency" Text Member("agency") "Cơ quan được nói đến" "Agency it is about";
    "source" Text Member("source") "Hệ thống nguồn" "Source system";
    "source_code" Text Member("source_code") "Mã tại nguồn" "Code at the source";
    "source_version" Text Member("source_version") "Phiên bản tại nguồn" "Version at the source";
    "code" Text Member("code") "Mã quốc gia" "National code";
    "id" Text Member("id") "Mã bản ghi" "Id";
    "procedure" Text Member("procedure") "Mã thủ tục" "Procedure";
    "procedure_source_code" Text Member("procedure_source_code")
        "Mã thủ tục tại nguồn" "Procedure's code at the source";
    "procedure_name" Text Member("procedure_name") "Tên thủ tục" "Name of the procedure";
    "field" Text Member("field") "Lĩnh vực" "Field";
    "commune" Text Member("commune") "Mã xã của người nộp" "Commune of the applicant";
    "submission_channel" Text Member("channel") "Hình thức nộp" "How it was submitted";
    "type" Text Member("kind") "Loại" "Kind";
    "happened_on" Day Member("at") "Ngày xảy ra" "Happened on";
    "status" Whole Member("status") "Trạng thái" "Status";
    "status_name_vi" Text StatusVi "Tên trạng thái" "Name of the status (Vietnamese)";
    "status_raw" Text Member("status_raw") "Trạng thái tại nguồn" "Status as the source writes it";
    "status_on" Day Member("status_at") "Ngày của trạng thái" "Day of the status";
    "submitted_on" Day Member("submitted_at") "Ngày nộp" "Submitted on";
    "accepted_on" Day Member("accepted_at") "Ngày tiếp nhận" "Accepted on";
    "due_on" Day Member("due_at") "Ngày hẹn trả" "Due on";
    "apology" Flag Member("apology") "Có xin lỗi" "With an apology";
    "finished_on" Day Member("finished_at") "Ngày giải quyết xong" "Finished on";
    "returned_on" Day Member("returned_at") "Ngày trả kết quả" "Result returned on";
    "unit" Text Member("unit") "Đơn vị xử lý" "Unit at work";
    "result_number" Text Member("result.number") "Số kết quả" "Number of the result";
    "result_on" Day Member("result.date") "Ngày của kết quả" "Day of the result";
    "fees" Whole Sum("fees", "amount") "Phí, lệ phí (đồng)" "Fees (dong)";
    "dossier" Text Member("dossier") "Hồ sơ" "Dossier";
    "rating" Whole Member("rating") "Điểm đánh giá" "Rating";
    "feedback" Text Member("feedback") "Mã phản ánh" "Feedback";
    "answered_on" Day Member("answered_at") "Ngày trả lời" "Answered on";
    "outcome" Text Member("outcome") "Kết quả" "Outcome";
    "application" Text Member("application") "Mã hồ sơ trực tuyến" "Application";
    "request" Text Member("request") "Mã yêu cầu" "Request";
    "from_agency" Text Member("from") "Cơ quan yêu cầu" "Agency that asks";
    "month" Text Member("month") "Tháng" "Month";
    "received" Whole Member("received") "Tiếp nhận trong kỳ" "Received";
    "carried" Whole Member("carried") "Kỳ trước chuyển sang" "Carried over";
    "total" Whole Member("total") "Tổng số" "Total";
    "solved" Whole Member("solved") "Đã giải quyết" "Solved";
    "solved_in_time" Whole Member("solved_in_time") "Giải quyết đúng hạn" "Solved in time";
    "solved_late" Whole Member("solved_late") "Giải quyết quá hạn" "Solved late";
    "pending" Whole Member("pending") "Đang giải quyết" "Pending";
    "pending_in_time" Whole Member("pending_in_time") "Đang giải quyết trong hạn" "Pending in time";
    "pending_late" Whole Member("pending_late") "Đang giải quyết quá hạn" "Pending late";
    "suffix" Text Member("suffix") "Phần thêm của mã" "Suffix of the code";
    "name" Text Member("name") "Tên" "Name";
    "name_vi" Text Member("name_vi") "Tên tiếng Việt" "Name in Vietnamese";
    "name_en" Text Member("name_en") "Tên tiếng Anh" "Name in English";
    "level" Text Member("level") "Cấp thực hiện" "Level";
    "parent" Text Member("parent") "Cơ quan cấp trên" "Agency above it";
    "deadline_value" Whole Member("deadline.value") "Thời hạn" "Time limit";
    "deadline_unit" Text Member("deadline.unit") "Đơn vị của thời hạn" "Unit of the time limit";
    "fee" Whole Member("fee") "Lệ phí (đồng)" "Fee (dong)";
    "sets" Whole Member("sets") "Số bộ hồ sơ" "Sets of documents";
    "valid_from" Day Member("valid_from") "Có hiệu lực từ" "Valid from";
    "valid_to" Day Member("valid_to") "Có hiệu lực đến" "Valid to";
    "reviewed_on" Day Member("reviewed_at") "Ngày rà soát" "Reviewed on";
    "one_stop" Flag Member("one_stop") "Một cửa" "At a one-stop desk";
    "internal_process" Flag Member("internal_process") "Có quy trình nội bộ" "Internal process";
    "year" Whole Member("year") "Năm" "Year";
    "amount" Whole Member("amount") "Số tiền (đồng)" "Amount (dong)";
    "procedures" Whole Member("procedures") "Số thủ tục" "Procedures";
    "wave" Text Member("wave") "Đợt" "Wave";
    "basis" Text Member("basis") "Căn cứ" "Basis";
    "milestone" Text Member("milestone") "Mốc" "Milestone";
    "period" Text Member("period") "Kỳ" "Period";
    "resolved_on" Day Member("resolved_at") "Ngày xử lý xong" "Resolved on";
    "title" Text Member("title") "Tiêu đề" "Title";
    "from_on" Day Member("from") "Từ ngày" "From";
    "very_good_percent" Number Member("very_good_percent") "Rất tốt (%)" "Very good (%)";
    "good_percent" Number Member("good_percent") "Tốt (%)" "Good (%)";
    "bad_percent" Number Member("bad_percent") "Chưa tốt (%)" "Bad (%)";
};

/// Shown where no contract is asked for.
const OF_ALL: &str = "about_agency source source_code code id procedure procedure_name \
    happened_on status status_name_vi submitted_on accepted_on due_on finished_on returned_on fees";

/// The contracts of records, and which of [`SAID`] each has, in this order.
static OF: &[(&str, &str)] = &[
    (
        "agency/1",
        "id name_vi name_en type parent valid_from valid_to source_version \
         happened_on",
    ),
    (
        "procedure/1",
        "code suffix source_code about_agency name field level deadline_value deadline_unit fee \
         sets valid_from valid_to reviewed_on one_stop internal_process source_version \
         happened_on",
    ),
    (
        "dossier/1",
        "source source_code source_version code about_agency procedure procedure_source_code \
         procedure_name field commune submission_channel status status_name_vi status_raw \
         status_on submitted_on accepted_on due_on finished_on returned_on unit result_number \
         result_on fees happened_on",
    ),
    (
        "progress/1",
        "source source_code code about_agency type happened_on status status_name_vi status_raw \
         due_on apology finished_on returned_on unit result_number result_on",
    ),
    (
        "feedback/1",
        "id dossier about_agency procedure rating submitted_on source_version happened_on",
    ),
    ("feedback-answer/1", "feedback about_agency answered_on outcome source_version happened_on"),
    (
        "votes/1",
        "id about_agency procedure from_on happened_on total very_good_percent good_percent \
         bad_percent source_version",
    ),
    (
        "milestone/1",
        "id about_agency type milestone period happened_on resolved_on title source_version",
    ),
    (
        "budget/1",
        "id about_agency year type amount procedures wave basis happened_on source_version",
    ),
    (
        "claimed-statistic/1",
        "source about_agency month received carried total solved solved_in_time solved_late \
         pending pending_in_time pending_late",
    ),
    ("request/1", "id from_agency about_agency due_on procedure dossier"),
    ("reply/1", "request about_agency outcome"),
    ("application/1", "id about_agency procedure submitted_on"),
    ("acknowledgement/1", "application about_agency outcome dossier due_on"),
];

/// The contracts that records can be asked for by.
pub fn contracts() -> impl Iterator<Item = &'static str> {
    OF.iter().map(|(id, _)| *id)
}

/// The columns of records: of a contract, or what most contracts have.
pub(super) fn of(contract: Option<&str>) -> Vec<&'static Column> {
    let listed = OF.iter().find(|(id, _)| Some(*id) == contract).map_or(OF_ALL, |(_, names)| names);
    let named = |name: &str| SAID.iter().find(|column| column.name == name);
    ENVELOPE.iter().chain(listed.split_ascii_whitespace().filter_map(named)).collect()
}
