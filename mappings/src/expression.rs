//! Expressions in CEL over a record's own members, for conditions and computed fields.
//!
//! A closed part of the language: what it may call is listed here, its types are checked when it
//! is compiled, and nothing in it repeats, so that its cost is bounded by its own length.

use std::sync::{Arc, LazyLock};

use cel::{Context, Env, ExecutionError, Program, Value, extensions};

use crate::{
    document::{Document, NodeId, NodeKind},
    functions::Kind,
    text::normalise,
};

mod types;

pub use types::{FUNCTIONS, Type};

/// Longest expression accepted, in bytes: it is parsed once, at load.
pub const SOURCE_BYTES_MAX: usize = 2_000;
/// Longest text of a member that an expression reads, in bytes.
pub const MEMBER_BYTES_MAX: usize = 64 * 1024;

/// The functions of CEL, made once: making them costs more than most evaluations.
static ENVIRONMENT: LazyLock<Option<Arc<Env>>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    // Fails only where a name is taken twice, which a test would show.
    extensions::strings(&mut environment).ok()?;
    Some(Arc::new(environment))
});

/// A compiled expression. Only the members it names are turned into CEL values.
#[derive(Debug)]
pub struct Expression {
    source: String,
    program: Program,
    names: Vec<String>,
    gives: Type,
    values: Option<Vec<String>>,
}

/// What functions take it for. A decimal goes on as its text, so that none of it is lost; so does
/// what is known only when it comes, as from a path.
impl From<Type> for Kind {
    fn from(gives: Type) -> Self {
        match gives {
            Type::Integer => Self::Integer,
            Type::Boolean => Self::Boolean,
            Type::Text | Type::Decimal | Type::Null | Type::Any => Self::Text,
        }
    }
}

impl Expression {
    /// Compiles an expression; the error is a sentence. `textual` where every member is text, as
    /// in XML and CSV; in JSON a member's type is known only when it comes.
    ///
    /// # Errors
    /// When the text is no CEL, too long, uses what is not offered, or its types disagree.
    pub fn compile(source: &str, textual: bool) -> Result<Self, String> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(format!("it is longer than {SOURCE_BYTES_MAX} bytes"));
        }
        let environment = ENVIRONMENT.as_ref().ok_or("CEL is not available")?;
        let program = environment.compile(source).map_err(|error| error.to_string())?;
        let member = if textual { Type::Text } else { Type::Any };
        let gives = types::check(program.expression(), member)?;
        let values = types::values(program.expression());
        let mut names: Vec<String> =
            program.references().variables().iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        Ok(Self { source: source.to_owned(), program, names, gives, values })
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The record's members that it reads, in the order of their names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What it gives.
    pub fn gives(&self) -> Type {
        self.gives
    }

    /// Every value it can give, where it only chooses among values written in it.
    pub fn values(&self) -> Option<&[String]> {
        self.values.as_deref()
    }

    /// Its value over a record.
    ///
    /// # Errors
    /// A sentence that names no value: what a member holds may be personal.
    pub fn evaluate(&self, document: &Document, record: NodeId) -> Result<Value, String> {
        let environment = ENVIRONMENT.as_ref().ok_or("CEL is not available")?;
        let mut context = Context::with_env(environment.clone());
        for name in &self.names {
            let node = document.children(record).find(|id| document.name(*id) == name);
            if node.is_some_and(|id| document.text(id).len() > MEMBER_BYTES_MAX) {
                return Err(format!("`{name}` is longer than {MEMBER_BYTES_MAX} bytes"));
            }
            let value = node.map_or(Value::Null, |id| value_of(document, id));
            context.add_variable_from_value(name.clone(), value);
        }
        self.program
            .execute(&context)
            .map_err(|error| format!("`{}`: {}", self.source, why(&error)))
    }
}

/// An error in words. CEL's own words quote the values.
fn why(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(what) => what.to_string(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "division by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number is out of range".to_owned(),
        ExecutionError::FunctionError { function, .. } => {
            format!("`{function}` cannot take what it is given")
        }
        _ => "it cannot be evaluated over this record".to_owned(),
    }
}

/// Scalars as CEL values; anything nested as its text.
fn value_of(document: &Document, id: NodeId) -> Value {
    let text = document.text(id);
    match document.kind(id) {
        _ if document.is_nil(id) => Value::Null,
        NodeKind::Bool => Value::Bool(text == "true"),
        NodeKind::Number => {
            text.parse().map_or_else(|_| text.parse().map_or(Value::Null, Value::Float), Value::Int)
        }
        // As rules see it: no space at its ends or letter that shows as nothing decides.
        _ => Value::String(normalise::tidy_text(text).into_owned().into()),
    }
}
