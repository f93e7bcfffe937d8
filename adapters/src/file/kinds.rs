//! What can be wrong with a file before anyone looks at its content, and what a clerk is told of
//! the hub's verdict on it. Same shape as the catalogue of data faults; the codes are stable.

use contracts::problem::Kind;

use crate::rest::kinds as push;

macro_rules! kinds {
    ($($name:ident $code:literal $vi:literal $en:literal $fix_vi:literal $fix_en:literal;)*) => {
        $(#[doc = $en]
        pub const $name: Kind =
            Kind { code: $code, detail: ($vi, $en), advice: ($fix_vi, $fix_en) };)*
        /// Every kind of problem that belongs to this door alone.
        pub const KINDS: &[Kind] = &[$($name),*];
    };
}

kinds! {
    NOT_A_FILE "not-a-file"
        "Đây không phải tệp thường mà là liên kết, ống dẫn hoặc thiết bị; hệ thống không mở."
        "This is no plain file but a link, a pipe or a device; the hub does not open it."
        "Chép chính tệp dữ liệu vào thư mục."
        "Copy the file itself into the folder.";
    UNREADABLE_FILE "unreadable-file"
        "Hệ thống không có quyền đọc tệp này."
        "The hub has no right to read this file."
        "Cấp quyền đọc tệp cho hệ thống rồi đặt lại vào thư mục."
        "Give the hub the right to read the file and put it into the folder again.";
    PARTLY_REFUSED "partly-refused"
        "Một phần bản ghi bị từ chối; các bản ghi khác đã được ghi nhận."
        "Some records were refused; the others were stored."
        "Xem từng lỗi trong receipt.refusals, sửa các bản ghi đó rồi đặt tệp đã sửa vào thư mục."
        "See each problem in receipt.refusals, mend those records and drop the mended file.";
}

/// What the push door says of a refused message, with what to do about a file.
pub(super) const REFUSED: Kind = Kind {
    advice: (
        "Xem từng lỗi trong receipt.refusals, sửa tệp rồi đặt lại vào thư mục.",
        "See each problem in receipt.refusals, mend the file and drop it again.",
    ),
    ..push::REFUSED
};

/// What the push door says of an id that stands for other content.
pub(super) const CONFLICT: Kind = Kind {
    advice: (
        "Báo đơn vị vận hành: mã của tệp này đã có nội dung khác.",
        "Tell the operator: the id of this file stands for other content.",
    ),
    ..push::CONFLICT
};

/// What the push door says of a payload above the limit.
pub(crate) const TOO_LARGE: Kind = Kind {
    advice: (
        "Chia tệp thành nhiều tệp nhỏ hơn giới hạn được nêu.",
        "Split the file into files below the limit named.",
    ),
    ..push::PAYLOAD_TOO_LARGE
};
