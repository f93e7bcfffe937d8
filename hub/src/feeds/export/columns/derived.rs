//! The columns of what is derived entry by entry: changes of the catalogue and of statistics, and
//! what watches are told.

use super::{Column, listed};

/// Versions of agencies, procedures and units: of each kind those members that it has.
pub(super) static CATALOGUE: &[Column] = listed! {
    "changed_position" Whole Position "Vị trí thay đổi" "Position of the change";
    "recorded_at" Moment RecordedAt
        "Thời điểm ghi nhận (giờ Việt Nam)" "Recorded at (time in Vietnam)";
    "contract" Text Contract "Hợp đồng dữ liệu" "Contract";
    "key" Text Key "Khóa phiên bản" "Key of the version";
    "is_removed" Flag Says("removed") "Đã bỏ khỏi danh mục" "No more in the catalogue";
    "id" Text Member("id") "Mã cơ quan" "Agency's id";
    "code" Text Member("code") "Mã" "Code";
    "suffix" Text Member("suffix") "Phần thêm của mã" "Suffix of the code";
    "source_code" Text Member("source_code") "Mã tại nguồn" "Code at the source";
    "name" Text Member("name") "Tên" "Name";
    "name_vi" Text Member("name_vi") "Tên tiếng Việt" "Name in Vietnamese";
    "name_en" Text Member("name_en") "Tên tiếng Anh" "Name in English";
    "type" Text Member("kind") "Loại" "Kind";
    "agency" Text Member("agency") "Cơ quan" "Agency";
    "level" Text Member("level") "Cấp" "Level";
    "parent" Text Member("parent") "Cấp trên" "Above it";
    "field" Text Member("field") "Lĩnh vực" "Field";
    "deadline_value" Whole Member("deadline.value") "Thời hạn" "Time limit";
    "deadline_unit" Text Member("deadline.unit") "Đơn vị của thời hạn" "Unit of the time limit";
    "fee" Whole Member("fee") "Lệ phí (đồng)" "Fee (dong)";
    "one_stop" Flag Member("one_stop") "Một cửa" "At a one-stop desk";
    "internal_process" Flag Member("internal_process") "Có quy trình nội bộ" "Internal process";
    "reviewed_on" Day Member("reviewed_at") "Ngày rà soát" "Reviewed on";
    "valid_from" Day Member("valid_from") "Có hiệu lực từ" "Valid from";
    "valid_to" Day Member("valid_to") "Có hiệu lực đến" "Valid to";
    "source_version" Text Member("source_version") "Phiên bản tại nguồn" "Version at the source";
};

/// Changes of numbers, a column for each measure: sums over rows are the numbers.
pub(super) static STATISTICS: &[Column] = listed! {
    "changed_position" Whole Position "Vị trí thay đổi" "Position of the change";
    "day" Day Member("day") "Ngày" "Day";
    "agency" Text Member("agency") "Cơ quan" "Agency";
    "procedure" Text Member("procedure") "Thủ tục" "Procedure";
    "submitted" Whole Member("changes.submitted") "Nộp" "Submitted";
    "accepted" Whole Member("changes.accepted") "Tiếp nhận" "Accepted";
    "accepted_online" Whole Member("changes.accepted-online")
        "Tiếp nhận trực tuyến" "Accepted, filed online";
    "accepted_post" Whole Member("changes.accepted-post")
        "Tiếp nhận qua bưu chính" "Accepted, filed by post";
    "finished_early" Whole Member("changes.finished-early") "Giải quyết trước hạn" "Finished early";
    "finished_on_time" Whole Member("changes.finished-on-time")
        "Giải quyết đúng hạn" "Finished on time";
    "finished_late" Whole Member("changes.finished-late") "Giải quyết quá hạn" "Finished late";
    "first_promise_early" Whole Member("changes.first-promise-early")
        "Trước hạn hẹn đầu tiên" "Before the first promise";
    "first_promise_on_time" Whole Member("changes.first-promise-on-time")
        "Đúng hạn hẹn đầu tiên" "On the first promise";
    "first_promise_late" Whole Member("changes.first-promise-late")
        "Quá hạn hẹn đầu tiên" "After the first promise";
    "refused_3" Whole Member("changes.refused-3") "Không tiếp nhận" "Not accepted";
    "refused_8" Whole Member("changes.refused-8") "Dừng xử lý" "Stopped";
    "withdrawn" Whole Member("changes.withdrawn") "Rút hồ sơ" "Withdrawn";
    "returned" Whole Member("changes.returned") "Trả kết quả" "Result returned";
    "open" Whole Member("changes.open") "Đang giải quyết (tăng giảm)" "Open (change)";
    "paused" Whole Member("changes.paused") "Tạm dừng (tăng giảm)" "Paused (change)";
    "overdue" Whole Member("changes.overdue") "Quá hạn (tăng giảm)" "Overdue (change)";
    "paused_overdue" Whole Member("changes.paused-overdue")
        "Tạm dừng quá hạn (tăng giảm)" "Paused and overdue (change)";
    "in_status_1" Whole Member("changes.in-status-1")
        "Ở trạng thái 1 (tăng giảm)" "In status 1 (change)";
    "in_status_2" Whole Member("changes.in-status-2")
        "Ở trạng thái 2 (tăng giảm)" "In status 2 (change)";
    "in_status_3" Whole Member("changes.in-status-3")
        "Ở trạng thái 3 (tăng giảm)" "In status 3 (change)";
    "in_status_4" Whole Member("changes.in-status-4")
        "Ở trạng thái 4 (tăng giảm)" "In status 4 (change)";
    "in_status_5" Whole Member("changes.in-status-5")
        "Ở trạng thái 5 (tăng giảm)" "In status 5 (change)";
    "in_status_6" Whole Member("changes.in-status-6")
        "Ở trạng thái 6 (tăng giảm)" "In status 6 (change)";
    "in_status_7" Whole Member("changes.in-status-7")
        "Ở trạng thái 7 (tăng giảm)" "In status 7 (change)";
    "in_status_8" Whole Member("changes.in-status-8")
        "Ở trạng thái 8 (tăng giảm)" "In status 8 (change)";
    "in_status_9" Whole Member("changes.in-status-9")
        "Ở trạng thái 9 (tăng giảm)" "In status 9 (change)";
    "in_status_10" Whole Member("changes.in-status-10")
        "Ở trạng thái 10 (tăng giảm)" "In status 10 (change)";
};

/// What watches are told of their dossiers, as these stand.
pub(super) static NOTICES: &[Column] = listed! {
    "changed_position" Whole Position "Vị trí thay đổi" "Position of the change";
    "watch" Text Member("watch") "Mã theo dõi" "Watch";
    "code" Text Member("code") "Mã hồ sơ" "Dossier's code";
    "agency" Text Member("agency") "Cơ quan" "Agency";
    "procedure" Text Member("procedure") "Mã thủ tục" "Procedure";
    "procedure_name" Text Member("procedure_name") "Tên thủ tục" "Procedure's name";
    "status" Whole Member("status") "Trạng thái" "Status";
    "status_name" Text Member("status_name") "Tên trạng thái" "Status in Vietnamese";
    "status_name_en" Text Member("status_name_en") "Tên trạng thái (tiếng Anh)" "Status in English";
    "next" Text Member("next") "Việc tiếp theo" "Next step in Vietnamese";
    "next_en" Text Member("next_en") "Việc tiếp theo (tiếng Anh)" "Next step in English";
    "submitted_on" Day Member("submitted_at") "Ngày nộp" "Submitted on";
    "accepted_on" Day Member("accepted_at") "Ngày tiếp nhận" "Accepted on";
    "due_on" Day Member("due_at") "Ngày hẹn trả" "Due on";
    "finished_on" Day Member("finished_at") "Ngày giải quyết xong" "Finished on";
    "returned_on" Day Member("returned_at") "Ngày trả kết quả" "Returned on";
};

#[cfg(test)]
mod tests {
    use super::{super::Origin, STATISTICS};
    use crate::registry::measure::{counted_by, names};

    #[test]
    fn every_measure_that_deltas_tell_has_its_column() {
        // Of final statuses these two are refusals.
        let told = |name: &&str| {
            let refused = name.strip_prefix("refused-");
            counted_by(name).is_some() && refused.is_none_or(|status| ["3", "8"].contains(&status))
        };
        for name in names().into_iter().filter(told) {
            let path = format!("changes.{name}");
            let has = |from: Origin| matches!(from, Origin::Member(of) if of == path);
            assert!(STATISTICS.iter().any(|column| has(column.from)), "{name}");
        }
    }
}
