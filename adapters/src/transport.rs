//! The transports that exist, in one list.

/// A way the bytes of a transport may go, seen from the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From an agency to the hub.
    Inbound,
    /// From the hub to an agency.
    Outbound,
}

/// One transport, as configuration and documents name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// The word in a channel's file.
    pub name: &'static str,
    /// What it does: Vietnamese, English.
    pub summary: (&'static str, &'static str),
    /// The directions it serves.
    pub directions: &'static [Direction],
}

/// Every transport, each in a folder of its name.
pub const TRANSPORTS: &[Transport] = &[
    Transport {
        name: "rest",
        summary: (
            "Cơ quan gửi từng thông điệp bằng HTTP POST, hoặc hệ thống đọc API của cơ quan.",
            "The agency sends each message by HTTP POST, or the hub reads the agency's API.",
        ),
        directions: &[Direction::Inbound],
    },
    Transport {
        name: "file",
        summary: (
            "Cơ quan đặt từng tệp vào thư mục nhận tệp.",
            "The agency drops each file into a folder.",
        ),
        directions: &[Direction::Inbound],
    },
    Transport {
        name: "database",
        summary: (
            "Hệ thống đọc các dòng mới hoặc thay đổi từ cơ sở dữ liệu của cơ quan.",
            "The hub reads rows that are new or changed from the agency's database.",
        ),
        directions: &[Direction::Inbound],
    },
    Transport {
        name: "amqp",
        summary: (
            "Hệ thống nhận thông điệp từ hàng đợi của cơ quan.",
            "The hub consumes messages from the agency's queue.",
        ),
        directions: &[Direction::Inbound],
    },
];
