//! The types of an expression, worked out before it runs.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr, LiteralValue, operators},
};

/// The type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Decimal,
    /// True or false.
    Boolean,
    /// No value.
    Null,
    /// Known only when it runs.
    Any,
}

/// One function that expressions may call.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it takes, the text it is called on first.
    takes: &'static [&'static [Type]],
    /// How many of those must be there.
    needs: usize,
    gives: Type,
}

const TEXT: &[Type] = &[Type::Text];
const WHOLE: &[Type] = &[Type::Integer];
const NUMBER: &[Type] = &[Type::Text, Type::Integer, Type::Decimal];
const PLAIN: &[Type] = &[Type::Text, Type::Integer, Type::Decimal, Type::Boolean];

const fn function(
    usage: &'static str,
    takes: &'static [&'static [Type]],
    needs: usize,
    (name, gives): (&'static str, Type),
) -> Function {
    Function { name, usage, takes, needs, gives }
}

/// Every function, in the order of the reference. Those of CEL that copy a text many times over,
/// or repeat work for each item of a list, are left out.
pub const FUNCTIONS: &[Function] = &[
    function("size(TEXT)", &[TEXT], 1, ("size", Type::Integer)),
    function("TEXT.contains(PART)", &[TEXT, TEXT], 2, ("contains", Type::Boolean)),
    function("TEXT.startsWith(PART)", &[TEXT, TEXT], 2, ("startsWith", Type::Boolean)),
    function("TEXT.endsWith(PART)", &[TEXT, TEXT], 2, ("endsWith", Type::Boolean)),
    function("TEXT.matches('PATTERN')", &[TEXT, TEXT], 2, ("matches", Type::Boolean)),
    function("TEXT.indexOf(PART)", &[TEXT, TEXT, WHOLE], 2, ("indexOf", Type::Integer)),
    function("TEXT.substring(FROM, TO)", &[TEXT, WHOLE, WHOLE], 2, ("substring", Type::Text)),
    function("TEXT.trim()", &[TEXT], 1, ("trim", Type::Text)),
    function("string(VALUE)", &[PLAIN], 1, ("string", Type::Text)),
    function("int(VALUE)", &[NUMBER], 1, ("int", Type::Integer)),
    function("double(VALUE)", &[NUMBER], 1, ("double", Type::Decimal)),
];

/// The type of an expression whose members are of the given type.
pub(super) fn check(expression: &IdedExpr, member: Type) -> Result<Type, String> {
    Checker { member }.of(expression)
}

/// Every value an expression can give, where it only chooses among literals.
pub(super) fn values(expression: &IdedExpr) -> Option<Vec<String>> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(vec![text.inner().to_owned()]),
        Expr::Literal(LiteralValue::Int(number)) => Some(vec![number.inner().to_string()]),
        Expr::Literal(LiteralValue::Null) => Some(Vec::new()),
        Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
            let mut all = values(call.args.get(1)?)?;
            all.extend(values(call.args.get(2)?)?);
            Some(all)
        }
        _ => None,
    }
}

struct Checker {
    member: Type,
}

impl Checker {
    fn of(&self, expression: &IdedExpr) -> Result<Type, String> {
        match &expression.expr {
            Expr::Literal(literal) => literal_type(literal),
            Expr::Ident(_) => Ok(self.member),
            Expr::Call(call) => self.call(call),
            Expr::Select(select) => Err(format!(
                "`.{}`: only the record's own members can be read, by their names alone",
                select.field
            )),
            Expr::List(_) => Err("a list stands only after `in`".to_owned()),
            _ => Err("it uses a part of CEL that mappings do not offer".to_owned()),
        }
    }

    fn call(&self, call: &CallExpr) -> Result<Type, String> {
        if call.func_name == operators::IN {
            return self.within(call);
        }
        let operands = call.target.iter().map(|target| &**target).chain(&call.args);
        let given = operands.map(|one| self.of(one)).collect::<Result<Vec<_>, _>>()?;
        let name = call.func_name.as_str();
        let sign = name.replace(['_', '@'], "");
        match (name, given.as_slice()) {
            (operators::CONDITIONAL, [condition, yes, no]) => {
                all_are(&[*condition], Type::Boolean, "?")?;
                either(*yes, *no).ok_or_else(|| {
                    format!("both sides of `:` are of one type, not {yes:?} and {no:?}")
                })
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, given) => {
                all_are(given, Type::Boolean, &sign).map(|()| Type::Boolean)
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                comparable(*left, *right, &sign).map(|()| Type::Boolean)
            }
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                no_null(&given, &sign)?;
                comparable(*left, *right, &sign).map(|()| Type::Boolean)
            }
            (operators::ADD, [left, right]) => arithmetic(*left, *right, true, &sign),
            (
                operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
                [left, right],
            ) => arithmetic(*left, *right, false, &sign),
            (operators::NEGATE, [one]) => arithmetic(*one, *one, false, &sign),
            _ => function_type(call, &given),
        }
    }

    /// `x in ['a', 'b']`.
    fn within(&self, call: &CallExpr) -> Result<Type, String> {
        let [one, list] = &call.args[..] else { return Err("`in` takes a list".to_owned()) };
        let Expr::List(list) = &list.expr else {
            return Err("`in` takes a list of values, such as ['4', '5']".to_owned());
        };
        let one = self.of(one)?;
        for item in &list.elements {
            comparable(one, self.of(item)?, "in")?;
        }
        Ok(Type::Boolean)
    }
}

fn literal_type(literal: &LiteralValue) -> Result<Type, String> {
    match literal {
        LiteralValue::String(_) => Ok(Type::Text),
        LiteralValue::Int(_) => Ok(Type::Integer),
        LiteralValue::Double(_) => Ok(Type::Decimal),
        LiteralValue::Boolean(_) => Ok(Type::Boolean),
        LiteralValue::Null => Ok(Type::Null),
        LiteralValue::Bytes(_) | LiteralValue::UInt(_) => {
            Err("it uses a kind of value that mappings do not offer".to_owned())
        }
    }
}

fn all_are(given: &[Type], wanted: Type, sign: &str) -> Result<(), String> {
    match given.iter().find(|one| !matches!(**one, Type::Any) && **one != wanted) {
        Some(other) => Err(format!("`{sign}` takes {wanted:?}, but is given {other:?}")),
        None => Ok(()),
    }
}

fn no_null(given: &[Type], sign: &str) -> Result<(), String> {
    if given.contains(&Type::Null) { Err(format!("`{sign}` takes no null")) } else { Ok(()) }
}

fn is_number(one: Type) -> bool {
    matches!(one, Type::Integer | Type::Decimal)
}

/// Whether two values can ever be equal.
fn comparable(left: Type, right: Type, sign: &str) -> Result<(), String> {
    let loose = |one| matches!(one, Type::Any | Type::Null);
    let good =
        left == right || loose(left) || loose(right) || (is_number(left) && is_number(right));
    if good {
        return Ok(());
    }
    Err(format!("`{sign}` compares {left:?} with {right:?}: write string(…) or int(…)"))
}

/// The type of what is one or the other.
fn either(left: Type, right: Type) -> Option<Type> {
    match (left, right) {
        (Type::Null, one) | (one, Type::Null) => Some(one),
        (Type::Any, _) | (_, Type::Any) => Some(Type::Any),
        (left, right) => (left == right).then_some(left),
    }
}

fn arithmetic(left: Type, right: Type, texts: bool, sign: &str) -> Result<Type, String> {
    let allowed = |one| matches!(one, Type::Any) || is_number(one) || (texts && one == Type::Text);
    let same = either(left, right).filter(|_| allowed(left) && allowed(right));
    match (same, left, right) {
        // One side known: the other must be of its kind, or the expression gives nothing.
        (Some(Type::Any), Type::Any, known) | (Some(Type::Any), known, Type::Any) => Ok(known),
        (Some(known), _, _) => Ok(known),
        (None, left, right) => Err(format!(
            "`{sign}` takes two {}numbers of one kind, but is given {left:?} and {right:?}: \
             write string(…) or int(…)",
            if texts { "texts or two " } else { "" }
        )),
    }
}

fn function_type(call: &CallExpr, given: &[Type]) -> Result<Type, String> {
    let name = call.func_name.as_str();
    let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
        let known: Vec<_> = FUNCTIONS.iter().map(|function| function.usage).collect();
        return Err(format!("there is no function `{name}`; functions: {}", known.join(", ")));
    };
    let fits = |(one, takes): (&Type, &&[Type])| *one == Type::Any || takes.contains(one);
    let count = (function.needs..=function.takes.len()).contains(&given.len());
    // Only conversions are written around what they take.
    let outside = function.usage.starts_with(name);
    let placed = call.target.is_none() == outside || name == "size";
    if !count || !placed || !given.iter().zip(function.takes).all(fits) {
        return Err(format!("`{name}` is used as `{}`, not with {given:?}", function.usage));
    }
    if name == "matches" {
        // A pattern that data could choose could be made to cost any time.
        let pattern = call.args.last().map(|argument| &argument.expr);
        if !matches!(pattern, Some(Expr::Literal(LiteralValue::String(_)))) {
            return Err("`matches` takes a pattern written in the expression".to_owned());
        }
    }
    Ok(function.gives)
}

#[cfg(test)]
mod tests {
    use super::super::Expression;
    use super::*;

    fn gives(source: &str, textual: bool) -> Result<Type, String> {
        Expression::compile(source, textual).map(|compiled| compiled.gives())
    }

    #[test]
    fn types_are_known_where_they_can_be() {
        for (source, textual, want) in [
            ("A + ' ' + B", false, Type::Text),
            ("A", true, Type::Text),
            ("A", false, Type::Any),
            ("A + B", false, Type::Any),
            ("A * 1000", false, Type::Integer),
            ("A == '1' ? 9 : 4", true, Type::Integer),
            ("A == null ? B : 'x'", true, Type::Text),
            ("A != null && size(A) > 3", true, Type::Boolean),
            ("A in ['1', '2']", true, Type::Boolean),
            ("A.substring(0, 3)", true, Type::Text),
            ("int(A) + 1", true, Type::Integer),
            ("-int(A)", true, Type::Integer),
            ("double(A) / 2.0", true, Type::Decimal),
            ("A.size() + A.indexOf('-')", true, Type::Integer),
        ] {
            assert_eq!(gives(source, textual), Ok(want), "{source}");
        }
    }

    #[test]
    fn what_can_never_work_is_refused_in_words() {
        for (source, words) in [
            ("A + 1", "given Text and Integer"),
            ("A == 5", "compares Text with Integer"),
            ("A in [5]", "compares Text with Integer"),
            ("A - A", "two numbers of one kind"),
            ("A && true", "takes Boolean, but is given Text"),
            ("A == '1' ? 'x' : 2", "one type"),
            ("A + null", "given Text and Null"),
            ("nope(A)", "there is no function `nope`"),
            ("A.replace('a', 'bb')", "there is no function `replace`"),
            ("A.b == 'x'", "own members"),
            ("has(A.b)", "own members"),
            ("[1, 2].all(x, x > 0)", "do not offer"),
            ("[1, 2].map(x, x * 2)", "do not offer"),
            ("['a']", "a list stands only after `in`"),
            ("A in B", "list of values"),
            ("A.matches(B)", "written in the expression"),
            ("string(A, B)", "used as `string(VALUE)`"),
            ("contains(A, 'x')", "used as `TEXT.contains(PART)`"),
            ("1u", "do not offer"),
            ("A ==", ""),
        ] {
            let told = gives(source, true).unwrap_err();
            assert!(told.contains(words), "{source}: {told}");
        }
        let long = format!("'{}'", "a".repeat(3_000));
        assert!(gives(&long, true).unwrap_err().contains("longer than 2000 bytes"));
    }

    #[test]
    fn values_are_known_where_literals_are_chosen_among() {
        let all = |source: &str| {
            let compiled = Expression::compile(source, true).unwrap();
            compiled.values().map(<[String]>::to_vec)
        };
        let known = Some(vec!["online".to_owned(), "post".to_owned()]);
        assert_eq!(all("A == '1' ? 'online' : (A == '2' ? 'post' : null)"), known);
        assert_eq!(all("A == '1' ? A : 'x'"), None);
    }
}
