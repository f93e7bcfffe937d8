//! How a drop folder stands, for whoever watches over it.

use contracts::{Later, problem::Bilingual};
use jiff::Timestamp;

/// What the last look at a folder found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Files waiting in it, whole or not, and claimed ones.
    pub waiting: u64,
    /// When the oldest of them was written, by its own time.
    pub oldest: Option<Timestamp>,
    /// Folders within it, and the like: nobody takes them.
    pub strange: u64,
    /// Whether another process takes its files; then this one does not look.
    pub elsewhere: bool,
    /// Why files are not taken just now.
    pub trouble: Option<Trouble>,
}

/// Why a folder's files are not taken. It is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The hub cannot take them now.
    Later(Later),
    /// The folder, or a file in it, cannot be worked with; the system's words.
    Folder(String),
    /// What takes them broke down by a fault of the program.
    Fault,
}

impl Trouble {
    /// What is wrong and what to do about it.
    pub fn told(&self) -> Bilingual {
        match self {
            Self::Fault => Bilingual {
                vi: "Phần nhận tệp của hệ thống gặp lỗi chương trình; hệ thống tự nhận lại. Báo \
                     đơn vị vận hành xem nhật ký."
                    .to_owned(),
                en: "What takes the files broke down by a fault of the hub; it is begun again by \
                     itself. Tell the operator: the log says more."
                    .to_owned(),
            },
            Self::Later(later) => Bilingual {
                vi: format!("Hệ thống tạm thời chưa nhận được ({}); sẽ tự thử lại.", later.reason),
                en: format!("The hub cannot take files now ({}); it tries again.", later.reason),
            },
            Self::Folder(why) => Bilingual {
                vi: format!(
                    "Không làm việc được với thư mục ({why}). Kiểm tra ổ đĩa, điểm gắn và quyền \
                     đọc, ghi; hệ thống tự thử lại."
                ),
                en: format!(
                    "The folder cannot be worked with ({why}). Check its disk, its mount and the \
                     right to read and write; the hub tries again by itself."
                ),
            },
        }
    }
}
