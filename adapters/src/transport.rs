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
            "Mỗi thông điệp là một lần HTTP POST, do cơ quan gửi hoặc gửi đến cơ quan; hoặc hệ \
             thống đọc API của cơ quan.",
            "Each message is an HTTP POST, of the agency or to it; or the hub reads the agency's \
             API.",
        ),
        directions: &[Direction::Inbound, Direction::Outbound],
    },
    Transport {
        name: "file",
        summary: (
            "Mỗi thông điệp là một tệp trong thư mục, do cơ quan đặt vào hoặc lấy ra; thư mục có \
             thể nằm trên máy chủ SFTP của cơ quan.",
            "Each message is a file in a folder, put there by the agency or taken from there; the \
             folder may lie on the agency's SFTP server.",
        ),
        directions: &[Direction::Inbound, Direction::Outbound],
    },
    Transport {
        name: "soap",
        summary: (
            "Cơ quan gọi dịch vụ web SOAP 1.1 hoặc 1.2 của hệ thống, hoặc hệ thống gọi dịch vụ của \
             cơ quan.",
            "The agency calls a web service of SOAP 1.1 or 1.2, or the hub calls the agency's.",
        ),
        directions: &[Direction::Inbound, Direction::Outbound],
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
            "Cơ quan gửi như gửi lên Cổng Dịch vụ công quốc gia, hoặc hệ thống gửi lên cổng đó.",
            "The agency sends as to the national portal, or the hub sends to that portal.",
        ),
        directions: &[Direction::Inbound, Direction::Outbound],
    },
    Transport {
        name: "database",
        summary: (
            "Hệ thống đọc các dòng mới hoặc thay đổi từ cơ sở dữ liệu của cơ quan, hoặc ghi dòng \
             vào đó.",
            "The hub reads rows that are new or changed from the agency's database, or writes rows \
             to it.",
        ),
        directions: &[Direction::Inbound, Direction::Outbound],
    },
    Transport {
        name: "amqp",
        summary: (
            "Hệ thống nhận thông điệp từ hàng đợi của cơ quan, hoặc gửi vào máy chủ hàng đợi đó.",
            "The hub consumes messages from the agency's queue, or publishes to its broker.",
        ),
        directions: &[Direction::Inbound, Direction::Outbound],
    },
];
