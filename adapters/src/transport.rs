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

/// Every transport, each in a folder of its name, or in `dialect/`.
pub const TRANSPORTS: &[Transport] = &[
    Transport {
        name: "rest",
        summary: (
            "Cơ quan gửi từng thông điệp bằng HTTP POST.",
            "The agency sends each message by HTTP POST.",
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
        name: "soap",
        summary: (
            "Cơ quan gọi dịch vụ web SOAP 1.1 hoặc 1.2.",
            "The agency calls a web service of SOAP 1.1 or 1.2.",
        ),
        directions: &[Direction::Inbound],
    },
    Transport {
        name: "lgsp",
        summary: (
            "Cơ quan gửi như gửi lên nền tảng LGSP của tỉnh.",
            "The agency sends as to a province's LGSP.",
        ),
        directions: &[Direction::Inbound],
    },
    Transport {
        name: "dvcqg",
        summary: (
            "Cơ quan gửi như gửi lên Cổng Dịch vụ công quốc gia.",
            "The agency sends as to the national portal.",
        ),
        directions: &[Direction::Inbound],
    },
];
