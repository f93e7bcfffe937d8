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
    NOT_YOURS "not-yours"
        "Khóa truy cập này chỉ xem được số liệu của cơ quan mình."
        "This access key may see only its own agency's numbers."
        "Bỏ tham số agency, hoặc ghi mã cơ quan của khóa."
        "Leave the parameter agency out, or write the key's own agency.";
    CROWDED "too-many-streams"
        "Quá nhiều luồng đang mở."
        "Too many streams are open."
        "Gọi lại sau thời gian nêu trong Retry-After, hoặc đọc từng trang, không có wait."
        "Call again after the time in Retry-After, or read pages without the parameter wait.";
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
