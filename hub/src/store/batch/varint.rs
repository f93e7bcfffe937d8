//! Numbers in few bytes: variable-length integers with zigzag, one after the other.

use integer_encoding::VarInt;

/// Appends a number.
pub fn pack(number: i64, bytes: &mut Vec<u8>) {
    let at = bytes.len();
    bytes.resize(at + number.required_space(), 0);
    number.encode_var(&mut bytes[at..]);
}

/// Takes a number off the beginning; `None` where there is none.
pub fn unpack(bytes: &mut &[u8]) -> Option<i64> {
    let (number, length) = i64::decode_var(bytes)?;
    *bytes = bytes.get(length..)?;
    Some(number)
}
