//! The parameters of operations, with their bounds: the same limits, words and defaults by which
//! the calls read them.

use serde_json::{Value, json};
use utoipa::openapi::{
    Required,
    path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
    schema::{ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, Type},
};

use crate::api::params::{NAME_CHARS_MAX, QUESTION_CHARS_MAX};

/// Names the parameters of one operation, so that its description can say them by that name.
macro_rules! asked {
    ($($(#[$doc:meta])* $name:ident: [$($parameter:expr),* $(,)?];)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(in crate::api) enum $name {}

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                vec![$($parameter),*]
            }
        }
    )*};
}

pub(in crate::api) use asked;

fn parameter(name: &str, place: ParameterIn, about: (&str, &str)) -> ParameterBuilder {
    let is_in_path = place == ParameterIn::Path;
    let required = if is_in_path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(format!("{}\n\n{}", about.0, about.1)))
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn query(name: &str, schema: impl Into<Object>, vi: &str, en: &str) -> Parameter {
    parameter(name, ParameterIn::Query, (vi, en)).schema(Some(schema.into())).build()
}

/// A name in the path: a code, an id, a channel.
pub(in crate::api) fn named(name: &str, example: &str, vi: &str, en: &str) -> Parameter {
    let schema = string().min_length(Some(1)).max_length(Some(NAME_CHARS_MAX));
    let parameter = parameter(name, ParameterIn::Path, (vi, en));
    parameter.schema(Some(schema)).example(Some(json!(example))).build()
}

/// A word in the path, one of some.
pub(in crate::api) fn named_of(name: &str, words: &[&str], vi: &str, en: &str) -> Parameter {
    let schema = string().enum_values(Some(words.iter().copied()));
    let parameter = parameter(name, ParameterIn::Path, (vi, en));
    parameter.schema(Some(schema)).example(words.first().map(|word| json!(word))).build()
}

/// A code or a name.
pub(in crate::api) fn text(name: &str, vi: &str, en: &str) -> Parameter {
    query(name, string().max_length(Some(NAME_CHARS_MAX)), vi, en)
}

/// The same, which must be told.
pub(in crate::api) fn wanted(name: &str, vi: &str, en: &str) -> Parameter {
    let schema = string().min_length(Some(1)).max_length(Some(NAME_CHARS_MAX));
    let parameter = parameter(name, ParameterIn::Query, (vi, en)).required(Required::True);
    parameter.schema(Some(schema)).build()
}

/// What is searched for.
pub(in crate::api) fn searched() -> Parameter {
    let (vi, en) = (
        "Từ cần tìm: có dấu hay không dấu đều được.",
        "What to search for, with or without diacritics.",
    );
    query("q", string().max_length(Some(QUESTION_CHARS_MAX)), vi, en)
}

/// One of some words.
pub(in crate::api) fn word(name: &str, words: &[&str], vi: &str, en: &str) -> Parameter {
    query(name, string().enum_values(Some(words.iter().copied())), vi, en)
}

/// The same, which must be told.
pub(in crate::api) fn wanted_word(name: &str, words: &[&str], vi: &str, en: &str) -> Parameter {
    let parameter = parameter(name, ParameterIn::Query, (vi, en)).required(Required::True);
    parameter.schema(Some(string().enum_values(Some(words.iter().copied())))).build()
}

/// Any of some words, with commas between.
pub(in crate::api) fn words(name: &str, words: &[&str], vi: &str, en: &str) -> Parameter {
    let one = string().enum_values(Some(words.iter().copied()));
    let parameter = parameter(name, ParameterIn::Query, (vi, en))
        .style(Some(ParameterStyle::Form))
        .explode(Some(false));
    parameter.schema(Some(ArrayBuilder::new().items(one).build())).build()
}

/// A day.
pub(in crate::api) fn day(name: &str, vi: &str, en: &str) -> Parameter {
    let schema = string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
        .pattern(Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))
        .max_length(Some(10));
    query(name, schema, vi, en)
}

/// A text of a form of its own.
pub(in crate::api) fn formed(name: &str, pattern: &str, vi: &str, en: &str) -> Parameter {
    let schema = string().pattern(Some(pattern)).max_length(Some(NAME_CHARS_MAX));
    query(name, schema, vi, en)
}

/// A period of a report, which must be told.
pub(in crate::api) fn period() -> Parameter {
    let (vi, en) = (
        "Kỳ báo cáo: năm, nửa năm, chín tháng, quý, tháng, hoặc TỪ-NGÀY..ĐẾN-NGÀY.",
        "The period: a year, half, nine months, quarter, month, or FIRST..LAST.",
    );
    let day = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
    let form = format!("^[0-9]{{4}}(-(H[12]|9M|Q[1-4]|[0-9]{{2}}))?$|^{day}[.][.]{day}$");
    let schema = string().pattern(Some(form)).min_length(Some(4)).max_length(Some(22));
    let parameter = parameter("period", ParameterIn::Query, (vi, en)).required(Required::True);
    parameter.schema(Some(schema)).example(Some(json!("2024-Q3"))).build()
}

fn whole(most: Value) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0))
        .maximum(most.as_i64())
}

/// A position of the journal.
pub(in crate::api) fn position(name: &str, vi: &str, en: &str) -> Parameter {
    query(name, whole(json!(i64::MAX)), vi, en)
}

/// As of which position it is asked.
pub(in crate::api) fn as_of() -> Parameter {
    position(
        "as_of",
        "Trả lời như tại vị trí nhật ký này; bỏ trống là hiện nay.",
        "Answer as of this position of the journal; now, where it is left out.",
    )
}

/// How many items a page has at most.
pub(in crate::api) fn limit(default: u32, most: u32) -> Parameter {
    let schema = whole(json!(most)).minimum(Some(1)).default(Some(json!(default)));
    query("limit", schema, "Số mục tối đa trên một trang.", "Items on a page, at most.")
}

/// How many seconds.
pub(in crate::api) fn seconds(name: &str, most: u32, vi: &str, en: &str) -> Parameter {
    query(name, whole(json!(most)).minimum(Some(1)), vi, en)
}

/// Where a page begins.
pub(in crate::api) fn cursor(name: &str) -> Parameter {
    let (vi, en) = (
        "Con trỏ lấy nguyên từ tiêu đề Link của trang trước; bỏ trống là từ đầu.",
        "The cursor in the header Link of the page before; from the start where it is left out.",
    );
    query(name, string().max_length(Some(4_096)), vi, en)
}

/// The agency that it is about.
pub(in crate::api) fn agency() -> Parameter {
    text(
        "agency",
        "Mã cơ quan; khóa của một cơ quan chỉ hỏi được về mình.",
        "An agency; the key of one asks about itself alone.",
    )
}

/// A header of a request.
pub(in crate::api) fn header(name: &str, pattern: &str, vi: &str, en: &str) -> Parameter {
    let schema = string().pattern(Some(pattern)).max_length(Some(NAME_CHARS_MAX));
    parameter(name, ParameterIn::Header, (vi, en)).schema(Some(schema)).build()
}

/// A word that stands in the query without a value.
pub(super) fn flag(name: &str) -> Parameter {
    let (vi, en) = ("Phải có mặt.", "It must be there.");
    let parameter = parameter(name, ParameterIn::Query, (vi, en)).required(Required::True);
    parameter.schema(Some(string())).build()
}

/// A position of the journal in the path.
pub(in crate::api) fn place_in_path() -> Parameter {
    let (vi, en) = ("Vị trí nhật ký.", "The position in the journal.");
    let parameter = parameter("position", ParameterIn::Path, (vi, en));
    parameter.schema(Some(whole(json!(i64::MAX)))).example(Some(json!(0))).build()
}
