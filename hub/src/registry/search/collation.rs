//! The order of Vietnamese: a, ă, â, b, c, d, đ, e, ê …; tones decide where letters do not.

use std::{collections::HashMap, sync::LazyLock};

/// The letters in their order, each with its tones in theirs: ngang, huyền, hỏi, ngã, sắc, nặng.
const LETTERS: [&str; 33] = [
    "aàảãáạ",
    "ăằẳẵắặ",
    "âầẩẫấậ",
    "b",
    "c",
    "d",
    "đ",
    "eèẻẽéẹ",
    "êềểễếệ",
    "f",
    "g",
    "h",
    "iìỉĩíị",
    "j",
    "k",
    "l",
    "m",
    "n",
    "oòỏõóọ",
    "ôồổỗốộ",
    "ơờởỡớợ",
    "p",
    "q",
    "r",
    "s",
    "t",
    "uùủũúụ",
    "ưừửữứự",
    "v",
    "w",
    "x",
    "yỳỷỹýỵ",
    "z",
];

/// Weights of letters begin here: spaces and digits come before.
const FIRST_LETTER: u16 = 0x100;

static WEIGHTS: LazyLock<HashMap<char, (u16, u8)>> = LazyLock::new(|| {
    let letters = (FIRST_LETTER..).zip(LETTERS);
    letters
        .flat_map(|(weight, tones)| {
            tones.chars().zip(0..).map(move |(letter, tone)| (letter, (weight, tone)))
        })
        .collect()
});

/// What a text sorts by: its letters, then its tones. The text is a toned key: lower case, NFC.
pub(in crate::registry) fn sort_key(toned: &str) -> (Vec<u16>, Vec<u8>) {
    let weigh = |letter: char| match WEIGHTS.get(&letter) {
        Some(weight) => *weight,
        None if letter.is_ascii() => (u16::try_from(letter).unwrap_or_default(), 0),
        // Letters of other languages stand behind.
        None => (u16::try_from(letter).unwrap_or(u16::MAX).saturating_add(FIRST_LETTER * 2), 0),
    };
    toned.chars().map(weigh).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_a_dictionary() {
        let sorted = [
            "an hòa", "ăn", "ân", "bà", "bả", "bã", "bá", "bạ", "bạ a", "ca", "da", "đa", "đá",
            "em", "êm", "la", "lá", "lam", "ơn", "ưu", "ý",
        ];
        let mut names = sorted.to_vec();
        names.reverse();
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(names, sorted);
    }
}
