//! Conditions in CEL over the record's own members.

use cel::{Context, Program, Value};

use crate::document::{Document, NodeId, NodeKind};

/// Longest condition accepted, in bytes: CEL sources are parsed once, at load.
const SOURCE_BYTES_MAX: usize = 2_000;

/// A compiled condition. Only the members it names are turned into CEL values.
#[derive(Debug)]
pub struct Condition {
    source: String,
    program: Program,
    names: Vec<String>,
}

impl Condition {
    /// Compiles a CEL condition; the error is a sentence.
    ///
    /// # Errors
    /// When the text is no CEL expression or too long.
    pub fn compile(source: &str) -> Result<Self, String> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(format!("the condition is longer than {SOURCE_BYTES_MAX} bytes"));
        }
        let program = Program::compile(source).map_err(|error| error.to_string())?;
        let names =
            program.references().variables().iter().map(|name| (*name).to_owned()).collect();
        Ok(Self { source: source.to_owned(), program, names })
    }

    /// The condition as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The record's members that the condition reads.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the record satisfies the condition.
    ///
    /// # Errors
    /// A sentence, when the expression cannot be evaluated or is not a boolean.
    pub fn holds(&self, document: &Document, record: NodeId) -> Result<bool, String> {
        let mut context = Context::default();
        for name in &self.names {
            let node = document.children(record).find(|id| document.name(*id) == name);
            let value = node.map_or(Value::Null, |id| value_of(document, id));
            context.add_variable_from_value(name.clone(), value);
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("`{}` gives {other:?}, not true or false", self.source)),
            Err(error) => Err(format!("`{}`: {error}", self.source)),
        }
    }
}

/// Scalars as CEL values; anything nested as its text.
fn value_of(document: &Document, id: NodeId) -> Value {
    let text = document.text(id);
    match document.kind(id) {
        NodeKind::Null => Value::Null,
        NodeKind::Bool => Value::Bool(text == "true"),
        NodeKind::Number => {
            text.parse().map_or_else(|_| text.parse().map_or(Value::Null, Value::Float), Value::Int)
        }
        _ => Value::String(text.to_owned().into()),
    }
}
