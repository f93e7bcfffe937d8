//! What the public may know of a dossier, and how its applicant shows to be one: by the last four
//! characters of a telephone or identity number, or by what is printed on the receipt.

use contracts::Status;
use contracts::dossier::Applicant;
use jiff::{ToSpan, civil::Date};
use unicode_normalization::UnicodeNormalization;

use super::DossierState;

/// How many days who follows a dossier is still told of it once it is finished: some are opened
/// again, or corrected.
const FINISHED_DAYS: i32 = 30;

/// Codes that one text is tried as, at most.
const CODES_MAX: usize = 16;

/// Characters of a code, at most.
const CODE_CHARS_MAX: usize = 128;

/// Characters at the end of a number that show who knows it.
const LAST_CHARS: usize = 4;

/// What stands for the letters of a name that are not told.
const HIDDEN: &str = "**";

/// Characters that are not seen: copied along from pages and documents.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
        || letter.is_control() && !letter.is_whitespace()
}

/// A text as one types it who sees it: compatible letters as plain ones, every dash as a hyphen,
/// nothing unseen.
fn plain(text: &str) -> String {
    let seen = text.chars().filter(|letter| !is_unseen(*letter));
    seen.nfkc().map(|letter| if is_dash(letter) { '-' } else { letter }).collect()
}

/// What a word processor makes of a hyphen.
fn is_dash(letter: char) -> bool {
    matches!(letter, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// What stands between the values of a QR code, and around a code in a sentence.
const SEPARATORS: &str = "|;,\"<>()[]{}";

/// Characters of a code that stands among other words, at least.
const WORD_CHARS_MIN: usize = 6;

/// Whether a word among others may be a code. Short ones and dates stand beside many codes: guesses
/// are counted by all that is looked for, and who wears those out would keep others from looking.
fn is_told_apart(word: &str) -> bool {
    let lengths: Vec<usize> = word.split(['/', '-', '.']).map(str::len).collect();
    let is_date = word.chars().all(|letter| letter.is_ascii_digit() || "/-.".contains(letter))
        && matches!(lengths[..], [1..=2, 1..=2, 2 | 4] | [4, 1..=2, 1..=2]);
    word.chars().count() >= WORD_CHARS_MIN && !is_date
}

/// The codes that a text may be, the likeliest first: the text itself, or what a receipt's QR code
/// holds, which is an address or several values with separators between; each as it stands, and in
/// capitals, for a telephone offers small letters.
pub fn codes(text: &str) -> Vec<String> {
    let seen: String = text.nfc().filter(|letter| !is_unseen(*letter)).collect();
    let text = plain(text);
    let whole = text.trim();
    let mut codes: Vec<String> = Vec::new();
    let mut add = |code: &str, is_first: bool| {
        let code = code.trim();
        let fits = (1..=CODE_CHARS_MAX).contains(&code.chars().count());
        let fits = fits && (is_first || codes.is_empty() || is_told_apart(code));
        for code in [code.to_owned(), code.to_uppercase()].into_iter().filter(|_| fits) {
            if codes.len() < CODES_MAX && !codes.contains(&code) {
                codes.push(code);
            }
        }
    };
    if !whole.contains("://") {
        add(whole, true);
        // Some have letters of their own for what is usually written with others, such as №.
        add(&seen, true);
    }
    let parts = whole.split(|letter: char| letter.is_whitespace() || SEPARATORS.contains(letter));
    for part in parts.filter(|part| part.chars().any(|letter| letter.is_ascii_digit())) {
        let address = part.split_once("://").map_or(part, |(_, address)| address);
        let address = address.split('#').next().unwrap_or_default();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let values = query.split('&').filter_map(|pair| pair.split_once('='));
        values.for_each(|(_, value)| add(&decoded(value), false));
        if part.contains("://") {
            let path = path.trim_end_matches('/');
            path.rsplit('/').next().into_iter().for_each(|last| add(&decoded(last), false));
            continue;
        }
        let word = part.trim_matches(['.', ':', '!']);
        add(word, false);
        word.rsplit(':').next().into_iter().for_each(|last| add(last, false));
    }
    codes
}

/// A value of an address, percent-decoded; what is not UTF-8 then is no code.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Whether a secret is what only an applicant, or who holds the receipt, would know. All that would
/// show it are looked at, whichever it is.
pub fn is_known_to(secret: &str, secrets: &[String]) -> bool {
    let secret = as_compared(secret);
    secrets.iter().fold(false, |known, one| known | same(one, &secret))
}

/// A secret as it is compared: as it is seen, without capitals of its own.
pub fn as_compared(secret: &str) -> String {
    plain(secret).trim().to_ascii_uppercase()
}

/// What only an applicant, or who holds the receipt, would know, as it is compared: the last four
/// characters of a telephone or identity number, and what is printed on the receipt.
pub fn secrets(applicant: Option<&Applicant>, receipts: &[String]) -> Vec<String> {
    let numbers = applicant.map(|one| [one.phone.as_deref(), one.id_number.as_deref()]);
    let ends = numbers.into_iter().flatten().flatten().filter_map(|number| {
        let letters = number.chars().count();
        // A number that is no longer than what is asked of it is no secret.
        let before = letters.checked_sub(LAST_CHARS).filter(|before| *before > 0)?;
        Some(number.chars().skip(before).collect::<String>())
    });
    let all = ends.chain(receipts.iter().cloned()).map(|one| one.to_ascii_uppercase());
    all.filter(|one| !one.is_empty()).collect()
}

/// Whether two texts are the same, in a time that does not tell where they differ.
fn same(one: &str, other: &str) -> bool {
    let differ = one.bytes().zip(other.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    one.len() == other.len() && differ == 0
}

/// A name as others than its bearer may read it: `Nguyễn Văn An` is `Nguyễn V** A**`. The name of
/// an organisation is public.
pub fn masked(applicant: &Applicant) -> String {
    if applicant.kind == "organization" {
        return applicant.name.clone();
    }
    let words: Vec<&str> = applicant.name.split_whitespace().collect();
    let hidden = |word: &str| {
        let first: String = word.chars().take(1).collect();
        format!("{first}{HIDDEN}")
    };
    let mask = |(at, word): (usize, &&str)| match at {
        0 if words.len() > 1 => (*word).to_owned(),
        _ => hidden(word),
    };
    words.iter().enumerate().map(mask).collect::<Vec<_>>().join(" ")
}

/// Whether who follows a dossier since `since` is to be told nothing more of it: it was finished so
/// long ago.
pub fn is_over(state: &DossierState, since: Date, today: Date) -> bool {
    if !matches!(state.status.code(), 3 | 7..=10) {
        return false;
    }
    let ended = [state.finished_at, state.returned_at].into_iter().flatten();
    let last = ended.map(|at| at.day()).fold(since, Date::max);
    last.saturating_add(FINISHED_DAYS.days()) < today
}

/// What its applicant may do next, in Vietnamese and English.
pub fn next_step(status: Status) -> (&'static str, &'static str) {
    match status.code() {
        1 => ("Chờ cơ quan tiếp nhận hồ sơ.", "Wait until the agency accepts the dossier."),
        3 => (
            "Xem lý do không tiếp nhận tại cơ quan, hoàn thiện hồ sơ rồi nộp lại.",
            "Ask the agency why it was not accepted, complete the dossier and submit it again.",
        ),
        5 => (
            "Bổ sung giấy tờ theo yêu cầu của cơ quan; thời hạn tạm dừng trong khi chờ.",
            "Bring the papers that the agency asks for; its time limit stands still meanwhile.",
        ),
        6 => (
            "Nộp phí, lệ phí hoặc thuế theo thông báo; thời hạn tạm dừng trong khi chờ.",
            "Pay the fee, charge or tax as notified; the time limit stands still meanwhile.",
        ),
        7 => (
            "Hồ sơ đã được rút; không cần làm gì thêm.",
            "It was withdrawn; nothing is left to do.",
        ),
        8 => ("Liên hệ cơ quan để biết lý do dừng xử lý.", "Ask the agency why it has stopped."),
        9 => ("Đến nhận kết quả theo giấy hẹn.", "Collect the result as the receipt says."),
        10 => {
            ("Đã trả kết quả; không cần làm gì thêm.", "The result was returned; nothing is left.")
        }
        _ => ("Chờ cơ quan giải quyết.", "Wait while the agency handles it."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Applicant {
        serde_json::from_value(serde_json::json!({
            "name": name, "kind": "person", "phone": "0900001234", "id_number": "07507000567A",
        }))
        .unwrap()
    }

    #[test]
    fn a_code_is_found_in_what_one_types_copies_or_scans() {
        let code = "000.00.08.H19-220921-0099";
        for text in [
            code.to_owned(),
            format!("  {code}\n"),
            format!("\u{200B}{code}\u{FEFF}"),
            "０００.00.08.H19-220921-0099".to_owned(),
            "000.00.08.H19\u{2013}220921\u{2212}0099".to_owned(),
            format!("https://dichvucong.example/tra-cuu?maHoSo={code}&x=1"),
            format!("https://dichvucong.example/ho-so/{code}"),
            "https://e.vn/?m=000%2E00.08.H19%2D220921-0099".to_owned(),
            format!("{code}|NGUYEN VAN A|21/09/2022"),
            format!("https://dichvucong.example/ho-so/{code}/#ket-qua"),
            format!("https://dichvucong.example/?ma={code}#top"),
            format!("dichvucong.example/tra-cuu?ma={code}"),
            format!("Mã hồ sơ:{code}"),
            format!("Mã hồ sơ: {code}."),
            format!("({code})"),
        ] {
            assert!(codes(&text).iter().any(|one| one == code), "{text}: {:?}", codes(&text));
        }
        for own in ["№ 12/2014", "5021", "HS-77", "14.000.9"] {
            assert!(codes(own).iter().any(|one| one == own), "{own}: {:?}", codes(own));
        }
        assert!(codes("").is_empty() && codes(" \u{200B} ").is_empty());
        assert!(codes(&"1 ".repeat(10_000)).len() <= CODES_MAX);
        assert!(codes(&"9".repeat(10_000)).is_empty());
        assert_eq!(codes("https://e.vn/%FF1?a=%zz%"), ["%zz%", "%ZZ%"]);
        assert_eq!(codes("bh.hkd.13.002201"), ["bh.hkd.13.002201", "BH.HKD.13.002201"]);
    }

    #[test]
    fn words_that_stand_beside_many_codes_are_no_codes() {
        // Whatever is looked for is counted: what would be worn out by others is not looked for.
        let among = |text: &str, word: &str| codes(text).iter().any(|one| one == word);
        for word in ["5021", "HS-77", "21/09/2022", "2022-9-21", "1.2.34"] {
            assert!(!among(&format!("x1 {word}"), word), "{word}");
            assert!(!among(&format!("https://e.vn/?q=x1&ma={word}"), word), "{word}");
            assert!(among(word, word) && among(&format!("https://e.vn/?ma={word}"), word));
        }
        for word in ["2014-000123", "14.000.9", "000123", "BH-123"] {
            assert!(among(&format!("x1 {word}"), word), "{word}");
        }
    }

    #[test]
    fn the_last_four_of_a_number_or_the_receipts_own_word_show_who_asks() {
        let (who, receipts) = (person("Nguyễn Văn An"), ["7H2K-91QD".to_owned(), String::new()]);
        let all = secrets(Some(&who), &receipts);
        for secret in ["1234", "567A", "567a", " 1234 ", "7h2k-91qd", "\u{FF11}234"] {
            assert!(is_known_to(secret, &all), "{secret}");
        }
        for secret in ["", "234", "01234", "0900001234", "7H2K", "7H2K-91QE", "****", "%"] {
            assert!(!is_known_to(secret, &all), "{secret}");
        }
        let short = Applicant { phone: Some("1234".to_owned()), id_number: None, ..who };
        assert!(secrets(Some(&short), &[]).is_empty() && secrets(None, &[]).is_empty());
    }

    #[test]
    fn a_persons_name_is_masked_and_an_organisations_is_not() {
        for (name, masked_name) in [
            ("Nguyễn Văn An", "Nguyễn V** A**"),
            ("Lê Thị Hồng  Đào", "Lê T** H** Đ**"),
            ("Mẫu", "M**"),
            ("Trần B", "Trần B**"),
            ("", ""),
        ] {
            assert_eq!(masked(&person(name)), masked_name);
        }
        let company =
            Applicant { kind: "organization".to_owned(), ..person("Công ty TNHH Mẫu") };
        assert_eq!(masked(&company), "Công ty TNHH Mẫu");
    }

    #[test]
    fn a_dossier_is_followed_for_some_time_after_it_is_finished() {
        let of = |status: u8, ended: Option<&str>, today: &str| {
            let told = serde_json::json!({
                "key": "a/1", "identities": [], "agency": "a", "status": status,
                "finished_at": ended, "timeline": [], "member_sources": {},
                "retracted": false, "counted": true,
            });
            let state = serde_json::from_value(told).unwrap();
            is_over(&state, "2024-03-01".parse().unwrap(), today.parse().unwrap())
        };
        assert!(!of(9, Some("2024-03-10"), "2024-04-09"));
        assert!(of(9, Some("2024-03-10"), "2024-04-10"));
        // One that was finished long before is followed as long, from when somebody began to.
        assert!(!of(10, Some("2014-03-10"), "2024-03-31") && !of(8, None, "2024-03-31"));
        assert!(of(10, Some("2014-03-10"), "2024-04-01") && of(8, None, "2024-04-01"));
        assert!(!of(4, None, "2034-04-10") && !of(5, Some("2024-03-10"), "2034-04-10"));
    }

    #[test]
    fn every_status_has_a_next_step_in_both_languages() {
        for code in 1..=10 {
            let (vi, en) = next_step(Status::try_from(code).unwrap());
            assert!(vi.ends_with('.') && en.ends_with('.') && vi != en, "{code}");
        }
    }
}
