//! Keys and what they seal.

use super::*;

const ONE: &str = "một-khoá";

fn ring(lines: &[(&str, u8)]) -> Keyring {
    let line = |(id, digit): &(&str, u8)| format!("{id} {}\n", format!("{digit:02x}").repeat(32));
    Keyring::parse(&lines.iter().map(line).collect::<String>()).unwrap()
}

fn kept(sealed: &Sealed) -> Kept<'_> {
    Kept { salt: None, bytes: &sealed.bytes, key: Some((&sealed.key_id, &sealed.wrapped_key)) }
}

#[test]
fn what_is_sealed_opens_at_its_place_by_its_key_and_unaltered_alone() {
    let (ring, place, salt) = (ring(&[("a", 1)]), Place::Personal(7), [9; 32]);
    let sealed = ring.seal(place, Some(&salt), b"Nguy\xE1\xBB\x85n").unwrap().unwrap();
    assert!(!sealed.bytes.windows(4).any(|part| part == b"Nguy" || part == [9; 4]));
    let (found, text) = ring.open(place, kept(&sealed)).unwrap();
    assert_eq!((found, &*text), (Some(salt), "Nguyễn".as_bytes()));
    // Neither in another row, nor as another kind of text, nor by another key of that name.
    for place in [Place::Personal(8), Place::Raw(7, 0), Place::Edited(7)] {
        assert_eq!(ring.open(place, kept(&sealed)), Err(Unopened::Damaged), "{place}");
    }
    let other = self::ring(&[("a", 2)]);
    assert_eq!(other.open(place, kept(&sealed)), Err(Unopened::Damaged));
    let none = Keyring::none().open(place, kept(&sealed));
    assert_eq!(none, Err(Unopened::NoKey("a".to_owned())));
    for at in [0, NONCE_LEN, sealed.bytes.len() - 1] {
        let mut altered = sealed.clone();
        altered.bytes[at] ^= 1;
        assert_eq!(ring.open(place, kept(&altered)), Err(Unopened::Damaged), "{at}");
    }
    // Equal texts are sealed otherwise each time.
    assert_ne!(ring.seal(place, Some(&salt), b"").unwrap().unwrap().bytes, sealed.bytes);
}

#[test]
fn a_new_key_wraps_anew_and_leaves_the_text() {
    let (place, salt) = (Place::Raw(3, 0), [5; 32]);
    let old = ring(&[("a", 1)]);
    let sealed = old.seal(place, Some(&salt), b"x").unwrap().unwrap();
    assert_eq!(old.turn(place, kept(&sealed)).unwrap(), None);
    let both = ring(&[("b", 2), ("a", 1)]);
    let Some(Turn::Wrapped(key_id, wrapped_key)) = both.turn(place, kept(&sealed)).unwrap() else {
        panic!("it is wrapped anew");
    };
    let turned = Sealed { key_id, wrapped_key, ..sealed };
    let (found, text) = ring(&[("b", 2)]).open(place, kept(&turned)).unwrap();
    assert_eq!((found, &*text), (Some(salt), b"x".as_slice()));
    // What was not sealed is.
    let plain = Kept { salt: Some(&salt), bytes: b"x", key: None };
    assert!(matches!(both.turn(place, plain).unwrap(), Some(Turn::Sealed(_))));
    let lost = Kept { salt: None, ..plain };
    assert!(both.turn(place, lost).unwrap_err().reason.contains("lost its salt"));
}

#[test]
fn an_edited_text_is_sealed_in_one() {
    let (none, ring) = (Keyring::none(), ring(&[("a", 1)]));
    assert_eq!(&*none.edited(1, b"{}").unwrap(), b"{}");
    let stored = ring.edited(1, b"{}").unwrap().into_owned();
    assert_eq!(ring.open_edited(1, stored.clone()).unwrap(), b"{}");
    assert_eq!(ring.open_edited(1, b"{}".to_vec()).unwrap(), b"{}");
    assert!(ring.open_edited(2, stored.clone()).is_err());
    assert!(none.open_edited(1, stored.clone()).unwrap_err().reason.contains("`a`"));
    assert!(ring.open_edited(1, stored[..20].to_vec()).is_err());
    assert_eq!(ring.turn_edited(1, stored.clone()).unwrap(), None);
    let both = self::ring(&[("b", 2), ("a", 1)]);
    let turned = both.turn_edited(1, stored).unwrap().unwrap();
    assert_eq!(self::ring(&[("b", 2)]).open_edited(1, turned).unwrap(), b"{}");
}

#[test]
fn lines_that_are_no_keys_are_told_without_their_text() {
    let key = "0f".repeat(32);
    let two = format!("# khoá\n\nb-2 {key}\r\na.1\t{key}\n");
    assert_eq!(Keyring::parse(&two).unwrap().first(), Some("b-2"));
    for (text, line) in [
        ("a".to_owned(), 1),
        (format!("\n{ONE} {key}"), 2),
        (format!("a {key}0"), 1),
        (format!("a {}", "é".repeat(32)), 1),
        (format!("a {key}\na {key}"), 2),
    ] {
        let (number, why) = Keyring::parse(&text).unwrap_err();
        assert!(number == line && !why.contains("0f0f"), "{text}: {number} {why}");
    }
    let line = Keyring::line("a").unwrap();
    assert!(Keyring::parse(&line).is_ok() && line != Keyring::line("a").unwrap());
    assert!(!format!("{:?}", Keyring::parse(&line).unwrap()).contains(&line[2..20]));
}
