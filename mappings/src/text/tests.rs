//! The charsets against the published tables, real strings and arbitrary bytes.

use proptest::prelude::*;

use super::charset::{Capitals, Charset, DecodeError, EncodeError};
use super::normalise::{nfc, restore_capitals};
use super::table::hex_bytes;

const TCVN3: Charset = Charset::Tcvn3 { capitals: Capitals::AsWritten };
const TCVN3_H: Charset = Charset::Tcvn3 { capitals: Capitals::Upper };

fn decoded(charset: Charset, bytes: &[u8]) -> String {
    charset.decode(bytes).unwrap().into_owned()
}

/// The rows of the independent table: letter, TCVN3, lossless, VNI, VIQR, Windows-1258 with
/// composed letters, and with every tone apart.
fn letters() -> Vec<Vec<&'static str>> {
    let rows: Vec<Vec<&str>> = include_str!("../../tables/vn_encodings.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(rows.len(), 134);
    rows
}

#[test]
fn every_letter_is_written_as_the_published_table_has_it() {
    for row in letters() {
        let (letter, hex) = (row[0], |column: usize| hex_bytes(row[column]).unwrap());
        let char = letter.chars().next().unwrap();
        let lossless = row[5] == "yes";
        if lossless {
            assert_eq!(TCVN3.encode(letter), Ok(hex(4)), "{letter}");
            assert_eq!(decoded(TCVN3, &hex(4)), letter);
        } else {
            assert_eq!(TCVN3.encode(letter), Err(EncodeError { char }), "{letter}");
            assert_eq!(decoded(TCVN3, &hex(4)), letter.to_lowercase());
        }
        if char.is_uppercase() {
            assert_eq!(TCVN3_H.encode(letter), Ok(hex(4)), "{letter}");
        }
        assert_eq!(decoded(TCVN3_H, &hex(4)), letter.to_uppercase());
        assert_eq!(Charset::Vni.encode(letter), Ok(hex(6)), "{letter}");
        assert_eq!(Charset::Viqr.encode(letter), Ok(row[7].as_bytes().to_vec()), "{letter}");
        assert_eq!(Charset::Windows1258.encode(letter), Ok(hex(8)), "{letter}");
        assert_eq!(decoded(Charset::Windows1258, &hex(9)), letter);
    }
}

#[test]
fn every_letter_comes_back_alone_and_in_a_word() {
    for row in letters() {
        for charset in Charset::all() {
            for text in [row[0].to_owned(), format!("N{}.", row[0]), row[0].repeat(2)] {
                match charset.encode(&text) {
                    Ok(bytes) => assert_eq!(decoded(charset, &bytes), text, "{charset}"),
                    Err(_) => assert!(charset == TCVN3 || charset == TCVN3_H, "{charset} {text}"),
                }
            }
        }
    }
}

#[test]
fn names_of_charsets() {
    for (name, charset) in Charset::names().zip(Charset::all()) {
        assert_eq!(name.parse(), Ok(charset));
        assert_eq!(charset.to_string(), name);
    }
    assert_eq!(Charset::names().count(), 9);
    let error = "latin-1".parse::<Charset>().unwrap_err().to_string();
    assert!(Charset::names().all(|name| error.contains(name)), "{error}");
}

#[test]
fn real_names() {
    let bytes = b"\xa7\xc6NG QU\xe8C V\xa6\xeeNG";
    assert_eq!(decoded(TCVN3, bytes), "ĐặNG QUốC VƯợNG");
    assert_eq!(restore_capitals(&decoded(TCVN3, bytes)), "ĐẶNG QUỐC VƯỢNG");
    assert_eq!(decoded(TCVN3_H, bytes), "ĐẶNG QUỐC VƯỢNG");
    let read = |charset: Charset, text| charset.decode_latin1_text(text);
    assert_eq!(read(TCVN3, "§ÆNG QUèC V¦îNG").as_deref(), Ok("ĐặNG QUốC VƯợNG"));
    assert_eq!(read(Charset::Vni, "Ñaëng Quoác Vöôïng").as_deref(), Ok("Đặng Quốc Vượng"));
    assert_eq!(read(Charset::Viscii, "Š").as_deref(), Ok("Ế"));
    assert_eq!(
        read(Charset::DoubleUtf8, "Äáº·ng").as_deref(),
        Err(&DecodeError { offset: 0, byte: 0xC3 })
    );
    assert_eq!(read(Charset::DoubleUtf8, "Ä\u{90}áº·ng").as_deref(), Ok("Đặng"));
    assert_eq!(read(Charset::Utf8, "Đặng").as_deref(), Ok("Đặng"));
}

#[test]
fn a_plain_capital_and_its_toned_letter_are_one() {
    assert_eq!(decoded(TCVN3, b"A\xb8 A\xca O\xb5 NA\xb8"), "Á Aấ Oà NÁ");
    assert_eq!(TCVN3.encode("Aá"), Err(EncodeError { char: 'á' }));
    assert_eq!(decoded(TCVN3_H, b"XO\xe3NG"), "XOÓNG");
    assert_eq!(TCVN3_H.encode("a"), Err(EncodeError { char: 'a' }));
}

#[test]
fn byte_order_marks() {
    assert_eq!(decoded(Charset::Utf8, "\u{FEFF}Đ".as_bytes()), "Đ");
    assert_eq!(decoded(Charset::Utf16, b"\x10\x01"), "Đ");
    assert_eq!(decoded(Charset::Utf16, b"\xff\xfe\x10\x01"), "Đ");
    assert_eq!(decoded(Charset::Utf16, b"\xfe\xff\x01\x10"), "Đ");
    assert_eq!(decoded(Charset::Utf16, b"\x3d\xd8\x00\xde"), "😀");
}

#[test]
fn bad_bytes_are_placed() {
    let fails = |charset: Charset, bytes: &[u8], offset, byte| {
        let error = DecodeError { offset, byte };
        assert_eq!(charset.decode(bytes), Err(error), "{charset} {bytes:02X?}");
    };
    fails(Charset::Utf8, b"\xef\xbb\xbfab\xff", 5, 0xFF);
    fails(Charset::Utf8, b"a\xe1\xba", 1, 0xE1);
    fails(Charset::Utf16, b"\xff\xfea\0\x00\xd8b\0", 4, 0x00);
    fails(Charset::Utf16, b"a\0\x00\xdc", 2, 0x00);
    fails(Charset::Utf16, b"a\0b", 2, b'b');
    fails(Charset::Windows1258, b"ab\x81", 2, 0x81);
    fails(TCVN3, b"a\xb8\x80", 2, 0x80);
    fails(TCVN3_H, b"\xb3", 0, 0xB3);
    fails(Charset::Vni, b"n\xf9", 1, 0xF9);
    fails(Charset::Viqr, b"a'\x80", 2, 0x80);
    fails(Charset::DoubleUtf8, "aĐ".as_bytes(), 1, 0xC4);
    fails(Charset::DoubleUtf8, "éá".as_bytes(), 0, 0xC3);
    // In a field the offset counts bytes of the field's own text.
    let error = Err(DecodeError { offset: 5, byte: 0xBA });
    assert_eq!(TCVN3.decode_latin1_text("§Æ º"), error);
    let error = Err(DecodeError { offset: 2, byte: 0xE1 });
    assert_eq!(TCVN3.decode_latin1_text("§ặ"), error);
    assert_eq!(Charset::Vni.encode("a€"), Err(EncodeError { char: '€' }));
}

#[test]
fn the_plan_is_sent_decomposed() {
    let raw = include_str!("../../../tests/corpus/text/ke-hoach-dong-nai.txt");
    let whole = nfc(raw);
    let lines: String = raw.split_inclusive('\n').map(nfc).collect();
    assert_eq!(lines, whole);
    // Composed by another implementation: Python's unicodedata.normalize("NFC", text).
    let composed = include_str!("../../../tests/corpus/text/ke-hoach-dong-nai.nfc.txt");
    assert!(whole == composed && nfc(composed) == composed && raw != composed);
    assert_eq!((raw.chars().count(), whole.chars().count()), (12_742, 12_602));
    for charset in [Charset::Utf16, Charset::DoubleUtf8] {
        assert_eq!(decoded(charset, &charset.encode(raw).unwrap()), raw);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_give_text_or_a_place(bytes: Vec<u8>) {
        for charset in Charset::all() {
            match charset.decode(&bytes) {
                Ok(text) if charset == Charset::Viscii => {
                    prop_assert_eq!(charset.encode(&text), Ok(bytes.clone()));
                }
                Ok(_) => {}
                Err(error) => prop_assert_eq!(bytes.get(error.offset), Some(&error.byte)),
            }
        }
    }

    #[test]
    fn arbitrary_text_comes_back(text: String) {
        for charset in [Charset::Utf8, Charset::Utf16, Charset::DoubleUtf8] {
            let sent = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
            let bytes = charset.encode(sent).unwrap();
            prop_assert_eq!(charset.decode(&bytes), Ok(sent.into()));
        }
    }

    #[test]
    fn what_is_written_is_read_back(text in r"[ -~aAeđĐdDáÁăấẾOỢƯựýỵ]{0,24}") {
        for charset in Charset::all() {
            if let Ok(bytes) = charset.encode(&text) {
                prop_assert_eq!(charset.decode(&bytes), Ok(text.as_str().into()));
            } else {
                prop_assert!(charset == TCVN3 || charset == TCVN3_H);
            }
        }
    }

    #[test]
    fn fields_never_panic(text: String) {
        for charset in Charset::all() {
            if let Err(error) = charset.decode_latin1_text(&text) {
                prop_assert!(text.is_char_boundary(error.offset));
            }
        }
    }
}
