//! What can be wrong with a request before anyone looks at its payload.
//!
//! Same shape as the catalogue of data faults; the codes are stable and differ from those.

use contracts::problem::Kind;

macro_rules! kinds {
    ($($name:ident $code:literal $vi:literal $en:literal $fix_vi:literal $fix_en:literal;)*) => {
        $(#[doc = $en]
        pub const $name: Kind =
            Kind { code: $code, detail: ($vi, $en), advice: ($fix_vi, $fix_en) };)*
        /// Every kind of problem this door can answer with.
        pub const KINDS: &[Kind] = &[$($name),*];
    };
}

kinds! {
    UNAUTHENTICATED "unauthenticated"
        "Thiếu khóa truy cập hoặc khóa không còn hiệu lực."
        "The access key is missing or no longer valid."
        "Gửi khóa của cơ quan trong tiêu đề Authorization: Bearer …"
        "Send the agency's key in the header Authorization: Bearer …";
    FORBIDDEN "forbidden"
        "Khóa truy cập không được phép gửi vào kênh này."
        "The access key may not send to this channel."
        "Kiểm tra tên kênh và khóa; liên hệ đơn vị vận hành nếu cần cấp quyền."
        "Check the channel's name and the key; ask the operator if you need the right.";
    BAD_REQUEST "bad-request"
        "Không đọc được yêu cầu."
        "The request cannot be read."
        "Kiểm tra địa chỉ và phần mềm gửi."
        "Check the address and the sending software.";
    BAD_KEY "bad-key"
        "Idempotency-Key không hợp lệ."
        "The Idempotency-Key is not valid."
        "Gửi một tiêu đề duy nhất, 1–255 ký tự ASCII nhìn thấy được, không có dấu cách."
        "Send it once, as 1–255 visible ASCII characters without spaces.";
    KEY_WANTED "key-wanted"
        "Thiếu Idempotency-Key, hoặc khóa có ký tự không dùng được."
        "The Idempotency-Key is missing, or has characters that it may not have."
        "Gửi một khóa riêng cho mỗi yêu cầu: 1–120 chữ, số hoặc các dấu . _ : @ -"
        "Send one for each request: 1–120 letters, digits or any of . _ : @ -";
    PAYLOAD_TOO_LARGE "payload-too-large"
        "Nội dung lớn hơn giới hạn."
        "The payload is larger than the limit."
        "Chia nội dung thành nhiều thông điệp nhỏ hơn giới hạn được nêu."
        "Split the payload into messages below the limit named.";
    INFLATES_TOO_FAR "inflates-too-far"
        "Nội dung nén bất thường."
        "The payload is packed suspiciously tightly."
        "Gửi không nén, hoặc chia nhỏ thông điệp."
        "Send it unpacked, or split the message.";
    PAYLOAD_TOO_SLOW "payload-too-slow"
        "Nội dung đến quá chậm nên hệ thống ngừng chờ."
        "The payload came too slowly and the hub stopped waiting."
        "Kiểm tra đường truyền rồi gửi lại với cùng Idempotency-Key."
        "Check the line and send again with the same Idempotency-Key.";
    PAYLOAD_CUT_SHORT "payload-cut-short"
        "Nội dung bị đứt giữa chừng; chưa có gì được ghi nhận."
        "The payload broke off; nothing was kept."
        "Gửi lại với cùng Idempotency-Key."
        "Send it again with the same Idempotency-Key.";
    UNKNOWN_ENCODING "unknown-encoding"
        "Kiểu nén trong Content-Encoding không được hỗ trợ."
        "The Content-Encoding is not supported."
        "Dùng gzip hoặc gửi không nén."
        "Use gzip, or send it unpacked.";
    BROKEN_GZIP "broken-gzip"
        "Nội dung không phải gzip nguyên vẹn."
        "The payload is not intact gzip."
        "Nén lại toàn bộ; không để dữ liệu thừa sau phần gzip."
        "Pack it again as a whole, with nothing after the gzip data.";
    TOO_MANY_AT_ONCE "too-many-at-once"
        "Cơ quan đang có quá nhiều yêu cầu cùng lúc; yêu cầu này chưa được ghi nhận."
        "Too many requests of the agency are under way; this one was not kept."
        "Chờ yêu cầu trước được trả lời rồi gửi lại với cùng Idempotency-Key."
        "Wait for an answer to those before, then send it again with the same Idempotency-Key.";
    LATER "later"
        "Hệ thống tạm thời chưa nhận được; chưa có gì được ghi nhận."
        "The hub cannot take it now; nothing was kept."
        "Gửi lại với cùng Idempotency-Key sau thời gian nêu trong Retry-After."
        "Send it again with the same Idempotency-Key after the time in Retry-After.";
    CONFLICT "conflict"
        "Mã thông điệp này đã dùng cho nội dung khác; nội dung trước được giữ nguyên."
        "This message id was used for other content; the earlier content stands."
        "Dùng Idempotency-Key mới cho nội dung mới."
        "Use a new Idempotency-Key for new content.";
    REFUSED "refused"
        "Thông điệp bị từ chối: không bản ghi nào được ghi nhận."
        "The message was refused: no record was stored."
        "Xem từng lỗi trong receipt.refusals, sửa rồi gửi lại."
        "See each problem in receipt.refusals, mend it and send again.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use contracts::problem::CATALOGUE;

    use super::KINDS;

    #[test]
    fn no_code_is_used_twice_here_or_in_the_catalogue() {
        let mut seen = HashSet::new();
        for kind in KINDS.iter().chain(CATALOGUE) {
            assert!(seen.insert(kind.code), "{}", kind.code);
        }
    }
}
