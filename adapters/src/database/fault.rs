//! What databases say when they do not give rows, as trouble that people can mend.

use crate::reading::{Pace, Trouble};

/// The watermark's column has a form that cannot be reckoned with.
pub(super) fn watermark(column: &str) -> Trouble {
    Trouble::not_understood(
        format!(
            "Cột mốc `{column}` không phải số nguyên, ngày hay thời điểm. Chọn cột khác, hoặc đổi \
             dạng của nó trong câu truy vấn."
        ),
        format!(
            "The watermark `{column}` is no whole number, day or time. Choose another column, or \
             cast it in the query."
        ),
    )
}

/// A row without a value where it needs one.
pub(super) fn without(column: &str) -> Trouble {
    Trouble::not_understood(
        format!(
            "Câu truy vấn không cho giá trị dùng được ở cột khóa hoặc mốc `{column}`. Sửa câu truy \
             vấn hoặc cấu hình kênh."
        ),
        format!(
            "The query gives no value that can be used in the key or watermark `{column}`. Mend \
             the query or the channel's settings."
        ),
    )
}

/// The server does not understand or allow the query. Its words name columns and tables.
pub(super) fn query(host: &str, code: &str, words: &str) -> Trouble {
    Trouble::new(
        "query-refused",
        Pace::Mended,
        format!(
            "{host} từ chối câu truy vấn (mã {code}: {words}). Kiểm tra tên bảng, tên cột và quyền \
             của tài khoản."
        ),
        format!(
            "{host} refuses the query (code {code}: {words}). Check names of tables and columns, \
             and what the account may do."
        ),
    )
}

/// The query failed; the server's words might hold data.
pub(super) fn failed(host: &str, code: &str) -> Trouble {
    Trouble::new(
        "query-failed",
        Pace::Soon,
        format!("{host} không chạy được câu truy vấn (mã {code}); hệ thống tự thử lại."),
        format!("{host} could not run the query (code {code}); the hub tries again."),
    )
}

/// A statement took too long, or waited too long for a lock.
pub(super) fn too_long(host: &str) -> Trouble {
    Trouble::new(
        "query-too-long",
        Pace::Soon,
        format!(
            "Câu truy vấn ở {host} chạy quá thời hạn hoặc chờ khóa quá lâu; hệ thống tự thử lại. \
             Nếu lặp lại, thêm chỉ mục cho cột mốc."
        ),
        format!(
            "The query at {host} took too long or waited too long for a lock; the hub tries again. \
             If it goes on, index the watermark's column."
        ),
    )
}

/// A value that its own type cannot have.
pub(super) fn beyond(column: &str) -> Trouble {
    Trouble::not_understood(
        format!(
            "Cột `{column}` có giá trị vượt khoảng của kiểu dữ liệu. Đổi sang văn bản (CAST) trong \
             câu truy vấn."
        ),
        format!(
            "A value of `{column}` is beyond what its type can have. Make it a text (CAST) in the \
             query."
        ),
    )
}

/// The server takes no `WITH` within brackets.
pub(super) fn with() -> Trouble {
    Trouble::new(
        "query-refused",
        Pace::Mended,
        "SQL Server không nhận câu truy vấn bắt đầu bằng WITH ở trong ngoặc. Viết truy vấn con \
         trong FROM, hoặc đọc từ một khung nhìn (view)."
            .to_owned(),
        "SQL Server takes no query that begins with WITH within brackets. Write it as a query in \
         FROM, or read from a view."
            .to_owned(),
    )
}

/// A password and rows would go through public networks for everybody to read.
pub(super) fn in_clear(host: &str) -> Trouble {
    Trouble::new(
        "address-not-allowed",
        Pace::Mended,
        format!(
            "{host} có địa chỉ công cộng nên đường truyền phải mã hóa. Bỏ encrypt=off trong tệp bí \
             mật, hoặc đọc qua mạng nội bộ."
        ),
        format!(
            "{host} is at a public address, so the line must be encrypted. Take encrypt=off out of \
             the file of secrets, or read over a private network."
        ),
    )
}

/// The server sends its readers to another.
pub(super) fn elsewhere(host: &str, other: &str) -> Trouble {
    Trouble::new(
        "address-not-allowed",
        Pace::Mended,
        format!(
            "{host} chuyển việc đọc sang máy chủ {other}; hệ thống không tự đi theo. Nếu đúng, ghi \
             {other} làm địa chỉ trong tệp bí mật."
        ),
        format!(
            "{host} sends its readers to {other}, where the hub does not go by itself. If it is \
             meant, write {other} as the address in the file of secrets."
        ),
    )
}

/// The address cannot be used; it is not told, for it may hold a password.
pub(super) fn address() -> Trouble {
    Trouble::new(
        "address-unreadable",
        Pace::Mended,
        "Địa chỉ cơ sở dữ liệu trong tệp bí mật không đọc được.".to_owned(),
        "The address of the database in the file of secrets cannot be read.".to_owned(),
    )
}
