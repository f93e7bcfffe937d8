//! Conditions: expressions that are true or false of a record.

use cel::Value;

use crate::{
    document::{Document, NodeId},
    expression::{Expression, Type},
};

/// A compiled condition.
#[derive(Debug)]
pub struct Condition(Expression);

impl Condition {
    /// Compiles a condition; the error is a sentence. See [`Expression::compile`].
    ///
    /// # Errors
    /// When it is no sound expression, or never true or false.
    pub fn compile(source: &str, textual: bool) -> Result<Self, String> {
        let expression = Expression::compile(source, textual)?;
        match expression.gives() {
            Type::Boolean | Type::Any => Ok(Self(expression)),
            other => Err(format!("it gives {other:?}, not true or false")),
        }
    }

    /// The record's members that it reads.
    pub fn names(&self) -> &[String] {
        self.0.names()
    }

    /// The condition as written.
    pub fn source(&self) -> &str {
        self.0.source()
    }

    /// Whether the record satisfies the condition.
    ///
    /// # Errors
    /// A sentence, when the expression cannot be evaluated or is not a boolean.
    pub fn holds(&self, document: &Document, record: NodeId) -> Result<bool, String> {
        match self.0.evaluate(document, record)? {
            Value::Bool(holds) => Ok(holds),
            // Not what it gives: that may be personal.
            _ => Err(format!("`{}` is neither true nor false", self.0.source())),
        }
    }
}
