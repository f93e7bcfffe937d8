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
    // Most are small: of one byte.
    if let Some((first, left)) = bytes.split_first().filter(|(first, _)| **first < 0x80) {
        *bytes = left;
        return Some(i64::from(*first >> 1) ^ -i64::from(*first & 1));
    }
    let (number, length) = i64::decode_var(bytes)?;
    *bytes = bytes.get(length..)?;
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        let near = |power: i64| [power - 1, power, power + 1, -power, 1 - power];
        for number in
            [i64::MIN, i64::MAX].into_iter().chain([1, 64, 128, 1 << 20].into_iter().flat_map(near))
        {
            let mut bytes = Vec::new();
            pack(number, &mut bytes);
            pack(7, &mut bytes);
            let mut left = &*bytes;
            assert_eq!((unpack(&mut left), unpack(&mut left)), (Some(number), Some(7)));
            assert_eq!(unpack(&mut left), None);
        }
    }
}
