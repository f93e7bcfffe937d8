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
            "Mỗi thông điệp là một lần HTTP POST, do cơ quan gửi hoặc gửi đến cơ quan.",
            "Each message is an HTTP POST, of the agency or to it.",
        ),
        directions: &[Direction::Inbound, Direction::Outbound],
    },
    Transport {
        name: "file",
        summary: (
            "Mỗi thông điệp là một tệp trong thư mục, do cơ quan đặt vào hoặc lấy ra.",
            "Each message is a file in a folder, put there by the agency or taken from there.",
        ),
        directions: &[Direction::Inbound, Direction::Outbound],
    },
];
