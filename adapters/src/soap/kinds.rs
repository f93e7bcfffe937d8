//! What can be wrong with a SOAP request before anyone looks at its payload, and what its sender
//! is told to do where the push door would speak of HTTP headers.

use contracts::problem::Kind;

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
    NOT_SOAP "not-soap"
        "Đây không phải một phong bì SOAP đúng cú pháp."
        "This is no well-formed SOAP envelope."
        "Gửi một Envelope của SOAP 1.1 hoặc 1.2, có đúng một Body ở cuối."
        "Send one Envelope of SOAP 1.1 or 1.2 with exactly one Body, at its end.";
    SOAP_VERSION "soap-version"
        "Không nhận phiên bản SOAP này."
        "This version of SOAP is not taken."
        "Dùng Envelope của SOAP 1.1 hoặc 1.2, đúng không gian tên của phiên bản đó."
        "Use the Envelope of SOAP 1.1 or 1.2, in the namespace of that version.";
    SOAP_BODY "soap-body"
        "Body phải chứa đúng một phần tử."
        "The Body must hold exactly one element."
        "Gửi mỗi thao tác trong một phong bì riêng."
        "Send each operation in an envelope of its own.";
    UNKNOWN_OPERATION "unknown-operation"
        "Kênh này không có thao tác đó."
        "This channel has no such operation."
        "Gọi thao tác nêu trong WSDL của kênh, đúng tên và không gian tên."
        "Call the operation of the channel's WSDL, by its name and namespace.";
    MUST_UNDERSTAND "must-understand"
        "Phong bì đòi hỏi một phần Header mà hệ thống không xử lý."
        "The envelope demands a header block that the hub does not process."
        "Bỏ mustUnderstand ở phần Header đó, hoặc bỏ phần đó."
        "Leave out mustUnderstand on that header block, or the block itself.";
    MTOM "mtom-not-taken"
        "Không nhận MTOM, SwA hay nội dung nhiều phần."
        "MTOM, attachments and multipart payloads are not taken."
        "Tắt MTOM ở phần mềm gửi để nội dung nằm trọn trong phong bì."
        "Switch MTOM off in the sending software, so that all is in the envelope.";
    SOAP_CHARSET "soap-charset"
        "Phong bì không phải UTF-8 hay UTF-16 nguyên vẹn."
        "The envelope is not intact UTF-8 or UTF-16."
        "Gửi bằng UTF-8."
        "Send it as UTF-8.";
    TOKEN_FORM "token-form"
        "Phần wsse:Security không đọc được hoặc dùng cách xác thực không được hỗ trợ."
        "The wsse:Security header cannot be read, or uses what is not supported."
        "Gửi một UsernameToken với PasswordText, hoặc PasswordDigest kèm Nonce và Created."
        "Send one UsernameToken with PasswordText, or PasswordDigest with Nonce and Created.";
    TOKEN_STALE "token-stale"
        "Thời điểm Created hoặc Expires của thẻ lệch quá xa giờ của hệ thống."
        "Created or Expires of the token is too far from the hub's clock."
        "Chỉnh đồng hồ máy gửi theo giờ chuẩn rồi gửi lại với thẻ mới."
        "Set the sender's clock right and send again with a new token.";
    TOKEN_REPLAYED "token-replayed"
        "Thẻ này (Nonce) đã được dùng."
        "This token (its Nonce) was used before."
        "Tạo Nonce và Created mới cho mỗi lần gửi."
        "Make a new Nonce and Created for each request.";
}

/// What to do, where it differs from what the push door advises: code, Vietnamese, English.
const ADVICE: &[(&str, &str, &str)] = &[
    (
        "unauthenticated",
        "Gửi wsse:UsernameToken: Username là mã khóa, Password là phần bí mật của khóa.",
        "Send a wsse:UsernameToken: Username is the key's id, Password its secret part.",
    ),
    (
        "conflict",
        "Dùng wsa:MessageID hoặc Idempotency-Key mới cho nội dung mới.",
        "Use a new wsa:MessageID or Idempotency-Key for new content.",
    ),
    (
        "refused",
        "Xem từng lỗi trong Receipt/Refusal, sửa rồi gửi lại.",
        "See each problem in Receipt/Refusal, mend it and send again.",
    ),
    (
        "later",
        "Gửi lại cùng nội dung sau số giây nêu trong RetryAfterSeconds.",
        "Send the same again after the seconds in RetryAfterSeconds.",
    ),
    (
        "payload-too-slow",
        "Kiểm tra đường truyền rồi gửi lại cùng nội dung.",
        "Check the line and send the same again.",
    ),
    ("payload-cut-short", "Gửi lại cùng nội dung.", "Send the same again."),
];

/// What to do about a problem: Vietnamese, English; `otherwise` where SOAP has no word of its own.
pub(super) fn advice<'a>(code: &str, otherwise: (&'a str, &'a str)) -> (&'a str, &'a str) {
    let own = ADVICE.iter().find(|(known, _, _)| *known == code);
    own.map_or(otherwise, |(_, vi, en)| (*vi, *en))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use contracts::problem::CATALOGUE;

    use super::{ADVICE, KINDS};
    use crate::rest::kinds as push;

    #[test]
    fn no_code_is_used_twice_and_advice_is_of_codes_that_there_are() {
        let mut seen = HashSet::new();
        for kind in KINDS.iter().chain(push::KINDS).chain(CATALOGUE) {
            assert!(seen.insert(kind.code), "{}", kind.code);
        }
        for (code, _, _) in ADVICE {
            assert!(seen.contains(code), "{code}");
        }
    }
}
