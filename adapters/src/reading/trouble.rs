//! Why a turn of reading ended before its end, in words for the agency's officer, and how soon the
//! next may help.

use std::time::Duration;

use contracts::{Later, problem::Bilingual};

/// How soon trying again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// By itself, soon: waits grow from turn to turn.
    Soon,
    /// Not before so long: the other side said so.
    After(Duration),
    /// Not before somebody has changed something; it is tried now and then all the same.
    Mended,
}

/// Why a turn failed. It is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A stable code.
    pub code: &'static str,
    /// What is wrong and what to do about it, without data of anybody.
    pub told: Bilingual,
    /// How soon trying again may help.
    pub pace: Pace,
}

impl Trouble {
    pub(crate) fn new(code: &'static str, pace: Pace, vi: String, en: String) -> Self {
        Self { code, told: Bilingual { vi, en }, pace }
    }

    /// The hub cannot take what was read.
    pub(crate) fn hub(later: &Later) -> Self {
        Self::new(
            "hub-later",
            Pace::After(Duration::from_secs(later.retry_after_seconds.into())),
            format!("Hệ thống tạm thời chưa nhận được ({}); sẽ tự thử lại.", later.reason),
            format!("The hub cannot take what was read now ({}); it tries again.", later.reason),
        )
    }

    /// What reads broke down by a fault of the program.
    pub fn fault() -> Self {
        Self::new(
            "hub-fault",
            Pace::Soon,
            "Phần đọc của hệ thống gặp lỗi chương trình; hệ thống tự đọc lại. Báo đơn vị vận hành \
             xem nhật ký."
                .to_owned(),
            "What reads this channel broke down by a fault of the hub; it is begun again by \
             itself. Tell the operator: the log says more."
                .to_owned(),
        )
    }

    /// The turn has passed to another process.
    pub(crate) fn passed_on() -> Self {
        Self::new(
            "turn-lost",
            Pace::Soon,
            "Tiến trình khác của hệ thống đã nhận phụ trách kênh này.".to_owned(),
            "Another process of the hub has taken this channel over.".to_owned(),
        )
    }

    /// The stored cursor is of another kind, or damaged.
    pub(crate) fn cursor() -> Self {
        Self::new(
            "cursor-unreadable",
            Pace::Mended,
            "Con trỏ đọc đã lưu không hợp với cấu hình của kênh. Khôi phục cấu hình cũ, hoặc đặt \
             tên kênh mới để đọc lại từ đầu."
                .to_owned(),
            "The stored cursor is none of this channel's kind. Restore the configuration, or give \
             the channel a new name to read from the beginning."
                .to_owned(),
        )
    }

    /// The other side cannot be connected to.
    pub(crate) fn unreachable(host: &str, why: &str) -> Self {
        Self::new(
            "cannot-connect",
            Pace::Soon,
            format!(
                "Không kết nối được tới {host} ({why}). Kiểm tra máy chủ, mạng và tường lửa; hệ \
                 thống tự thử lại."
            ),
            format!(
                "{host} cannot be connected to ({why}). Check the server, the network and the \
                 firewall; the hub tries again by itself."
            ),
        )
    }

    /// It was connected to, and broke off or said nothing.
    pub(crate) fn broke_off(host: &str, why: &str) -> Self {
        Self::new(
            "connection-lost",
            Pace::Soon,
            format!(
                "Kết nối tới {host} bị đứt hoặc không trả lời ({why}); hệ thống tự thử lại từ chỗ \
                 đã đọc."
            ),
            format!(
                "The connection to {host} broke off or stayed silent ({why}); the hub goes on from \
                 where it has read."
            ),
        )
    }

    /// The credentials were refused.
    pub(crate) fn credentials(host: &str) -> Self {
        Self::new(
            "credentials-refused",
            Pace::Mended,
            format!(
                "{host} từ chối tài khoản hoặc mật khẩu của hệ thống. Kiểm tra tệp bí mật và quyền \
                 của tài khoản."
            ),
            format!(
                "{host} refuses the hub's credentials. Check the file of secrets and what the \
                 account may do."
            ),
        )
    }

    /// The address lies where the hub may not go.
    pub(crate) fn not_allowed(host: &str) -> Self {
        Self::new(
            "address-not-allowed",
            Pace::Mended,
            format!(
                "{host} có địa chỉ nội bộ mà cấu hình không cho phép. Nếu đúng, thêm mạng đó vào \
                 private_networks của hub.toml."
            ),
            format!(
                "{host} is at a private address that the configuration does not allow. If it is \
                 meant, add its network to private_networks of hub.toml."
            ),
        )
    }

    /// The answer is not what the channel's settings say.
    pub(crate) fn not_understood(vi: String, en: String) -> Self {
        Self::new("answer-not-understood", Pace::Mended, vi, en)
    }

    /// A limit was passed.
    pub(crate) fn limit(name: &str, value: u64) -> Self {
        Self::new(
            "limit-exceeded",
            Pace::Mended,
            format!(
                "Nguồn trả về vượt giới hạn {name} = {value}; hệ thống dừng đọc. Sửa ở nguồn, hoặc \
                 tăng giới hạn trong cấu hình kênh."
            ),
            format!(
                "The source passes the limit {name} = {value}; reading stops. Mend the source, or \
                 raise the limit in the channel's settings."
            ),
        )
    }
}
