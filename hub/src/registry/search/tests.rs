//! Questions as people type them.

use super::*;

const PROCEDURES: [&str; 8] = [
    "Cấp giấy phép xây dựng mới",
    "Cấp giấy phép xây dựng",
    "Gia hạn giấy phép xây dựng",
    "Thủ tục đăng ký khai sinh",
    "Đăng ký khai sinh có yếu tố nước ngoài",
    "Xóa đăng ký thường trú",
    "Xoá đăng ký tạm trú",
    "Cấp lại giấy phép xây dụng sai chính tả",
];

fn index() -> Index {
    Index::new(PROCEDURES.iter().enumerate().map(|(at, name)| Subject {
        names: vec![(*name).to_owned()],
        codes: vec![format!("1.00000{at}")],
        ..Subject::default()
    }))
}

fn asked(index: &Index, text: &str) -> Vec<(usize, Match)> {
    let query = Query::new(text);
    let found = index.matching(&query);
    let all = index.ranked(&query, &found, usize::MAX);
    for wanted in 0..all.len() {
        assert_eq!(index.ranked(&query, &found, wanted), all[..wanted], "the first of all");
    }
    all.into_iter().map(|hit| (hit.at, hit.matched)).collect()
}

#[test]
fn whole_names_come_before_names_that_hold_the_words() {
    let index = index();
    let found = asked(&index, "cấp giấy phép xây dựng");
    assert_eq!(found[0], (1, Match::Exact));
    assert_eq!(found[1], (0, Match::Words));
    let found = asked(&index, "cap giay phep xay dung");
    assert_eq!(found[0], (1, Match::Name));
    assert_eq!(asked(&index, "đăng ký khai sinh")[0], (3, Match::Exact));
}

#[test]
fn words_come_in_any_order_and_the_last_one_begun() {
    let index = index();
    let found = asked(&index, "sinh khai");
    assert_eq!(
        found.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
        [3, 4],
        "the shorter name first"
    );
    assert_eq!(asked(&index, "xây dự")[0].1, Match::Prefix);
    assert!(asked(&index, "xâ dựng").is_empty(), "only the last word may be begun");
    assert_eq!(asked(&index, "xoa dang ki").len(), 2);
}

#[test]
fn tones_that_were_typed_decide_among_words() {
    let index = index();
    let found: Vec<usize> = asked(&index, "giấy phép xây dụng").iter().map(|(at, _)| *at).collect();
    assert_eq!(found[0], 7, "{found:?}");
    assert_eq!(found.len(), 4);
}

#[test]
fn codes_are_found_whole_and_with_whoever_published_them() {
    let index = index();
    for text in ["1.000004", "1.000004.000.00.00.H19", "1.000004.000.00.00.G09", " 1.000004\u{A0}"]
    {
        assert_eq!(asked(&index, text)[0], (4, Match::Code), "{text}");
    }
    assert!(asked(&index, "1.00001").is_empty());
    assert_eq!(asked(&index, "1.00000").len(), 8, "a code that is begun");
}

#[test]
fn nothing_typed_finds_everything_by_name_and_no_letters_find_nothing() {
    let index = index();
    for text in ["\u{301}", ".", "(*)", "🏛"] {
        assert!(asked(&index, text).is_empty(), "{text}");
    }
    let names: Vec<usize> = asked(&index, "  ").into_iter().map(|(at, _)| at).collect();
    assert_eq!(names, [1, 0, 7, 4, 2, 3, 6, 5]);
    assert_eq!(index.in_order(), names);
}

#[test]
fn what_was_meant_is_proposed_as_it_is_written() {
    let index = index();
    let all = Bits::full(PROCEDURES.len());
    let meant = |text: &str| {
        let query = Query::new(text);
        assert!(index.matching(&query).is_empty(), "{text}");
        let found = index.suggestions(&query, &all);
        found.first().map(|one| one.q.clone())
    };
    assert_eq!(meant("giấy phpé xây dựng").as_deref(), Some("giấy phép xây dựng"));
    assert_eq!(meant("giayphep xay dung").as_deref(), Some("giấy phép xây dựng"));
    assert_eq!(meant("khai sinhh").as_deref(), Some("khai sinh"));
    assert_eq!(meant("khai sinh xây dựng").as_deref(), Some("khai sinh"));
    assert_eq!(meant("qwertyuiop"), None);
    assert_eq!(meant("gi\u{CA}y ph\u{D0}p").as_deref(), Some("giấy phép"), "bytes of TCVN3");
    assert_eq!(meant("gia^'y phe'p").as_deref(), Some("giấy phép"), "VIQR");
    let none = Bits::empty(PROCEDURES.len());
    assert!(index.suggestions(&Query::new("khai sinhh"), &none).is_empty());
}
