//! Twenty ways to type a name.

use mappings::text::charset::{Capitals, Charset};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Tone marks, which "Unicode tổ hợp" writes behind the letter.
const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];

/// Each with what it is.
pub(super) fn of(name: &str) -> Vec<(&'static str, String)> {
    let plain = without_marks(name);
    let new = new_placement(name);
    let short = short_forms(name);
    vec![
        ("as it is", name.to_owned()),
        ("NFD", name.nfd().collect()),
        ("Unicode tổ hợp", tones_apart(name)),
        ("lower case", name.to_lowercase()),
        ("capitals", name.to_uppercase()),
        ("no accents", plain.clone()),
        ("no accents, capitals", plain.to_uppercase()),
        ("through TCVN3, which has few capitals", through_tcvn3(name)),
        ("through TCVN3 in a font of capitals", through_tcvn3_capitals(name)),
        ("through VNI", through(Charset::Vni, name)),
        ("through Windows-1258", through(Charset::Windows1258, name)),
        ("through VIQR", through(Charset::Viqr, name)),
        ("tones placed the new way", new.clone()),
        ("tones placed the new way, NFD", new.nfd().collect()),
        ("Ð of another alphabet", name.replace('Đ', "Ð").replace('đ', "ð")),
        ("no-break and double spaces", format!(" {} ", name.replace(' ', "\u{A0} "))),
        ("invisible characters", name.replace(' ', "\u{200B} \u{FEFF}")),
        ("dots and dashes", format!("{}.", name.replace(' ', " - "))),
        ("short forms, Mĩ for Mỹ", short.clone()),
        ("all at once", tones_apart(&new_placement(&short).to_uppercase())),
    ]
}

fn without_marks(name: &str) -> String {
    let bare = name.nfd().filter(|letter| !is_combining_mark(*letter)).collect::<String>();
    bare.replace('Đ', "D").replace('đ', "d")
}

/// Only tones behind their letters; shapes stay on them.
fn tones_apart(name: &str) -> String {
    let apart = |letter: char| -> Vec<char> {
        let all: Vec<char> = std::iter::once(letter).nfd().collect();
        let (tones, rest): (Vec<char>, Vec<char>) =
            all.into_iter().partition(|one| TONES.contains(one));
        rest.into_iter().nfc().chain(tones).collect()
    };
    name.nfc().flat_map(apart).collect()
}

/// The tone on the second vowel of oa, oe and uy where nothing follows: "hoà" for "hòa".
fn new_placement(name: &str) -> String {
    let letters: Vec<char> = tones_apart(name).chars().collect();
    let mut placed = String::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        let (tone, next) = (letters.get(at + 1), letters.get(at + 2));
        let after = letters.get(at + 3);
        let open = after.is_none_or(|after| !after.is_alphabetic());
        let pairs = [('o', 'a'), ('o', 'e'), ('u', 'y')];
        let pair = next.map(|next| (letter.to_ascii_lowercase(), next.to_ascii_lowercase()));
        let before_q = at > 0 && letters[at - 1].eq_ignore_ascii_case(&'q');
        match (tone, next) {
            (Some(tone), Some(next))
                if TONES.contains(tone)
                    && pair.is_some_and(|pair| pairs.contains(&pair))
                    && open
                    && !before_q =>
            {
                placed.extend([*letter, *next, *tone]);
                at += 3;
            }
            _ => {
                placed.push(*letter);
                at += 1;
            }
        }
    }
    placed.nfc().collect()
}

fn through(charset: Charset, name: &str) -> String {
    let bytes = charset.encode(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    charset.decode(&bytes).unwrap().into_owned()
}

/// Capitals that TCVN3 has no byte for come back in lower case.
fn through_tcvn3(name: &str) -> String {
    let charset = Charset::Tcvn3 { capitals: Capitals::AsWritten };
    let writable = |letter: char| match charset.encode(&letter.to_string()) {
        Ok(_) => letter.to_string(),
        Err(_) => letter.to_lowercase().to_string(),
    };
    through(charset, &name.nfc().map(writable).collect::<String>())
}

fn through_tcvn3_capitals(name: &str) -> String {
    let bytes = Charset::Tcvn3 { capitals: Capitals::AsWritten }.encode(&name.to_lowercase());
    let capitals = Charset::Tcvn3 { capitals: Capitals::Upper };
    capitals.decode(&bytes.unwrap()).unwrap().into_owned()
}

fn short_forms(name: &str) -> String {
    [
        ("Ủy ban nhân dân", "UBND"),
        ("thành phố", "Tp."),
        ("huyện", "H."),
        ("phường", "P."),
        ("xã", "X."),
        ("Mỹ", "Mĩ"),
        ("kỹ", "kĩ"),
        ("ký", "kí"),
    ]
    .iter()
    .fold(name.to_owned(), |name, (long, short)| name.replace(long, short))
}
