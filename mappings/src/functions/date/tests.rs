//! Each form takes what it declares and nothing else.

use super::form::{form, moment, partial};

/// What a form makes of a text; empty where it refuses it.
fn read(written: &str, text: &str) -> String {
    let found = moment(text, &form(written).unwrap());
    found.map_or_else(String::new, |at| at.to_string())
}

#[test]
fn rfc_3339_is_held_to_its_grammar() {
    for (text, want) in [
        ("2014-05-05T08:00:05Z", "2014-05-05T08:00:05Z"),
        ("2014-05-05t08:00:05z", "2014-05-05T08:00:05Z"),
        ("2014-05-05 08:00:05.250+07:00", "2014-05-05T01:00:05.25Z"),
        ("2014-05-05T08:00:05-00:00", "2014-05-05T08:00:05Z"),
        ("2014-05-05T08:00:05+23:59", "2014-05-04T08:01:05Z"),
        ("2014-05-05T08:00:05-23:59", "2014-05-06T07:59:05Z"),
        ("2014-05-05T08:00:05.123456789Z", "2014-05-05T08:00:05.123456789Z"),
    ] {
        assert_eq!(read("rfc3339", text), want, "{text}");
    }
    for text in [
        "2014-05-05T08:00:05",
        "2014-05-05T08:00:05+07",
        "2014-05-05T08:00:05+0700",
        "2014-05-05T08:00:05+7:00",
        "2014-05-05T08:00:05+25:00",
        "2014-05-05T08:00:05+24:00",
        "2014-05-05T08:00:05+07:60",
        "2014-05-05T08:00:05+07:00:30",
        "2014-05-05T08:00:05++7:00",
        "2014-05-05T08:00:05Z[Foo/Bar]",
        "2014-05-05T08:00:05+07:00[Asia/Tokyo]",
        "2014-05-05T08:00:05 +07:00",
        "2014-05-05T08:00:60Z",
        "2014-05-05T24:00:00Z",
        "2014-05-05T08:00:05,5Z",
        "2014-05-05T08:00:05.Z",
        "2014-05-05T08:00Z",
        "2014-05-05T08+07",
        "2014-05-05Z",
        "2014-05-05",
        "20140505T080005+07",
        "20140505T080005Z",
        "2014-W19-1T08:00:05Z",
        "+002014-05-05T08:00:05Z",
        "-002014-05-05T08:00:05Z",
        "2014-05-05T08:00:05−07:00",
        "2014-05-05T08:00:05Zđ",
    ] {
        assert_eq!(read("rfc3339", text), "", "{text}");
    }
}

#[test]
fn an_offset_without_its_colon_is_a_form_of_its_own() {
    let want = "2020-03-16T08:05:12.345Z";
    assert_eq!(read("rfc3339-hhmm", "2020-03-16T15:05:12.345+0700"), want);
    for zone in ["+07:00", "Z", "", "+07", "+070", "+07000", "+2400", "+0760", "0700"] {
        let text = format!("2020-03-16T15:05:12.345{zone}");
        assert_eq!(read("rfc3339-hhmm", &text), "", "{text}");
    }
}

#[test]
fn a_local_z_is_a_whole_time_and_the_letter() {
    assert_eq!(read("local-z", "2013-11-04T08:15:30.000Z"), "2013-11-04T01:15:30Z");
    assert_eq!(read("local-z", "2013-11-04T08:15:30Z"), "2013-11-04T01:15:30Z");
    for text in [
        "2013-11-04Z",
        "2013-11-04T08Z",
        "2013-11-04T08:15Z",
        "2013-11-04T08:15:30",
        "2013-11-04T08:15:30+07:00Z",
        "2013-11-04T08:15:30[Asia/Tokyo]Z",
        "2013-11-04T08:15:30ZZ",
        "2013-11-04T08:15:60Z",
    ] {
        assert_eq!(read("local-z", text), "", "{text}");
    }
}

#[test]
fn milliseconds_have_an_offset_or_none_and_nothing_else() {
    for text in ["/Date(1383527730000)/", "/Date(1383527730000-0330)/"] {
        assert_eq!(read("msdate", text), "2013-11-04T01:15:30Z", "{text}");
    }
    assert_eq!(read("msdate", "/Date(-86400000+0700)/"), "1969-12-31T00:00:00Z");
    for text in [
        "/Date(1383527730000+abc)/",
        "/Date(1383527730000+9999)/",
        "/Date(1383527730000+2400)/",
        "/Date(1383527730000+07)/",
        "/Date(1383527730000+07:00)/",
        "/Date(1383527730000+0700+0700)/",
        "/Date(+1383527730000)/",
        "/Date(--1383527730000)/",
        "/Date( 1383527730000)/",
        "/Date(-)/",
        "/Date(+0700)/",
        "/Date()/",
        "/Date(99999999999999999999)/",
        "Date(1383527730000)",
    ] {
        assert_eq!(read("msdate", text), "", "{text}");
    }
}

#[test]
fn days_that_stand_for_none_are_refused_in_every_form() {
    for (form, text) in [
        ("dd/MM/yyyy", "01/01/0000"),
        ("dd/MM/yyyy", "01/01/0001"),
        ("dd/MM/yyyy", "31/12/1799"),
        ("dd/MM/yyyy", "31/12/9999"),
        ("yyyy-MM-ddTHH:mm:ss", "0001-01-01T00:00:00"),
        ("rfc3339", "0001-01-01T00:00:00Z"),
        ("rfc3339", "1799-12-31T16:59:59Z"),
        ("rfc3339", "9999-12-31T23:59:59+07:00"),
        ("local-z", "9999-12-31T00:00:00Z"),
        // What .NET writes for a date that was never set.
        ("msdate", "/Date(-62135596800000)/"),
        ("msdate", "/Date(-62135596800000+0700)/"),
        ("msdate", "/Date(253402275599000)/"),
        ("serial", "2958465"),
    ] {
        assert_eq!(read(form, text), "", "{text}");
        assert_eq!(partial(text, &super::form::form(form).unwrap()), None, "{text}");
    }
    // The day in Vietnam counts.
    assert_eq!(read("rfc3339", "1799-12-31T17:00:00Z"), "1799-12-31T17:00:00Z");
    assert_eq!(read("dd/MM/yyyy", "01/01/1800"), "1800-01-01");
}
