//! The closed list of functions that a rule may call.
//!
//! One definition drives parsing, checking, the reference page and the tests: each function's
//! examples are executed.

mod applicant;
mod choice;
mod date;
mod number;
mod text;
mod unit;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

pub use choice::Codes;
use contracts::{Moment, problem};
use jiff::civil::Date;

use crate::{
    document::{Document, NodeId},
    gazetteer::Gazetteer,
    rule::Word,
};

/// The type of a value between functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text; what a path yields.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// A day or an instant.
    Moment,
    /// True or false.
    Boolean,
}

/// A value between functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text in NFC, trimmed; the payload's own while nothing has changed it.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// Any number, as [`decimal`](number::DECIMAL) writes it.
    Number(String),
    /// A day or an instant.
    Moment(Moment),
    /// True or false.
    Boolean(bool),
}

impl<'a> Value<'a> {
    fn into_text(self) -> Cow<'a, str> {
        Cow::Owned(match self {
            Self::Text(text) => return text,
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number,
            Self::Moment(moment) => moment.to_string(),
            Self::Boolean(flag) => flag.to_string(),
        })
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

/// What a function may look at besides its input.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The payload.
    pub document: &'a Document,
    /// The record within it.
    pub record: NodeId,
    /// The province's units.
    pub gazetteer: &'a Gazetteer,
    /// The day on which names and codes resolve.
    pub day: Option<Date>,
}

/// Why a function refused its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault(pub &'static problem::Kind);

/// What a function gives; `None` means: absent.
pub type Given<'a> = Result<Option<Value<'a>>, Fault>;

/// A function with its arguments bound.
pub trait Apply: Send + Sync {
    /// What it gives for a value; it may lend of its own.
    ///
    /// # Errors
    /// Why it takes no such value.
    fn apply<'a>(&'a self, value: Value<'a>, scene: &Scene<'a>) -> Given<'a>;
}

impl<F> Apply for F
where
    F: for<'a> Fn(Value<'a>, &Scene<'a>) -> Given<'a> + Send + Sync,
{
    fn apply<'a>(&'a self, value: Value<'a>, scene: &Scene<'a>) -> Given<'a> {
        self(value, scene)
    }
}

/// A code table: native value to canonical value.
pub type Table = BTreeMap<String, String>;

/// A function bound to its arguments, and the type it gives.
pub struct Bound {
    /// What it does.
    pub apply: Box<dyn Apply>,
    /// What it gives.
    pub gives: Kind,
    /// Every value it can give, where that is known before it runs.
    pub values: Option<Vec<String>>,
    /// The code table it looks values up in, where it does.
    pub codes: Option<Arc<Codes>>,
}

impl Bound {
    fn new(
        gives: Kind,
        apply: impl for<'a> Fn(Value<'a>, &Scene<'a>) -> Given<'a> + Send + Sync + 'static,
    ) -> Self {
        Self { apply: Box::new(apply), gives, values: None, codes: None }
    }

    /// A total function from text to text.
    fn text(apply: impl Fn(&str) -> Cow<'_, str> + Send + Sync + 'static) -> Self {
        Self::new(Kind::Text, move |value, _| {
            Ok(Some(Value::Text(change(value.into_text(), &apply))))
        })
    }
}

/// What `apply` makes of a text; borrowed as long as the text was.
fn change<'a>(text: Cow<'a, str>, apply: impl Fn(&str) -> Cow<'_, str>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => apply(text),
        Cow::Owned(text) => Cow::Owned(apply(&text).into_owned()),
    }
}

/// Why a function takes no such arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misuse {
    /// A sentence.
    pub message: String,
    /// Byte offset in the rule of the argument that is wrong, where it is one alone.
    pub at: Option<usize>,
}

impl From<String> for Misuse {
    fn from(message: String) -> Self {
        Self { message, at: None }
    }
}

/// Binds a function to its arguments.
type Bind = fn(&[Word], &BTreeMap<String, Table>) -> Result<Bound, Misuse>;

/// One executed example: call, input, output (`-` when absent, `!code` when refused).
type Example = (&'static str, &'static str, &'static str);

/// One function of the mapping language.
pub struct Function {
    /// Its name in rules.
    pub name: &'static str,
    /// Its arguments, as in the reference.
    pub usage: &'static str,
    /// The types it takes.
    pub takes: &'static [Kind],
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Examples that the tests execute.
    pub examples: &'static [Example],
    /// Binds it to arguments.
    pub bind: Bind,
}

/// Every function, in the order of the reference.
pub const FUNCTIONS: &[Function] = &[
    text::CODE,
    text::PROCEDURE_CODE,
    text::DIGITS,
    text::ZEROS,
    text::PHONE,
    text::UPPER,
    text::LOWER,
    text::CAPITALS,
    text::NAME,
    text::SENTENCE,
    text::CHARSET,
    number::INTEGER,
    number::DECIMAL,
    number::NUMBER,
    number::BOOLEAN,
    date::DATE,
    date::DAY,
    date::PARTIAL_DATE,
    date::WRITE_DATE,
    choice::TABLE,
    choice::DEFAULT,
    choice::ABSENT,
    unit::COMMUNE,
    unit::COMMUNE_NAMED,
    unit::COMMUNE_IN_ADDRESS,
    unit::DISTRICT,
    unit::AGENCY,
    applicant::APPLICANT_KIND,
    applicant::ID_TYPE,
];

/// The function that looks values up in a code table.
pub(crate) const TABLE: &str = choice::TABLE.name;

/// The function of that name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Checks that a function was given exactly so many arguments.
fn exactly(arguments: &[Word], count: usize, usage: &str) -> Result<(), String> {
    if arguments.len() == count {
        return Ok(());
    }
    Err(format!("{} arguments are given, but it is used as `{usage}`", arguments.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        format::{Format, JsonOptions, Limits},
        rule,
    };

    #[test]
    fn every_example_of_every_function_holds() {
        let table =
            Table::from([("5".to_owned(), "10".to_owned()), ("x".to_owned(), "7".to_owned())]);
        let tables = BTreeMap::from([("status".to_owned(), table)]);
        let gazetteer = Gazetteer::from_csv(include_str!("../../units/units.csv"))
            .and_then(|units| units.with_agencies(include_str!("../../units/agencies.csv")))
            .unwrap();
        let mut seen = 0;
        let source = r#"{"HUYEN":"Nhơn Trạch"}"#;
        let json = Format::Json(JsonOptions::default());
        json.read(source, &[], &Limits::default(), &mut |item| {
            let (document, record) = item.unwrap();
            let day = Some("2013-09-09".parse().unwrap());
            let scene = Scene { document, record, gazetteer: &gazetteer, day };
            for function in FUNCTIONS {
                assert!(!function.examples.is_empty(), "{} has no example", function.name);
                for (call, input, output) in function.examples {
                    let rule = rule::parse(&format!("x | {call}")).unwrap();
                    let bound = (function.bind)(&rule.calls[0].arguments, &tables).unwrap();
                    let got = match bound.apply.apply(Value::Text((*input).into()), &scene) {
                        Ok(Some(value)) => value.into_text().into_owned(),
                        Ok(None) => "-".to_owned(),
                        Err(Fault(kind)) => format!("!{}", kind.code),
                    };
                    assert_eq!(&got, output, "{call} of {input}");
                    seen += 1;
                }
            }
        })
        .unwrap();
        assert!(seen > FUNCTIONS.len());
    }
}
