//! Templates of Home Assistant, as far as devices use them: text with `{{ expressions }}` and `{% if %}`, no more.
//!
//! What is not understood is refused by name when the template is read, never guessed when a value comes.

mod evaluate;
mod parse;
mod tokens;
mod words;

pub(super) use evaluate::shown;

use serde_json::Value as Json;

/// Longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 4096;
/// Deepest nesting of parentheses, conditions and lists.
const MAX_DEPTH: usize = 24;
/// Longest text that a template may make, in bytes.
const MAX_RESULT_BYTES: usize = 16 * 1024;

/// A template, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Value(Expression),
    /// Conditions in order, each with what stands behind it; an `else` has none.
    If(Vec<(Option<Expression>, Vec<Piece>)>),
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Literal(Json),
    /// `value`.
    Whole,
    /// `value_json`.
    Document,
    List(Vec<Expression>),
    /// `a.b`, `a['b']`, `a[0]`.
    Member(Box<Expression>, Box<Expression>),
    /// A filter, a method or a function of what stands before it.
    Call(Function, Vec<Expression>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `a if condition else b`.
    Choice(Box<Expression>, Box<Expression>, Option<Box<Expression>>),
    /// `a is defined`; the flag is `is not`.
    Test(Box<Expression>, Test, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Join,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Float,
    Int,
    Round,
    Default,
    Lower,
    Upper,
    Trim,
    Replace,
    Text,
    Json,
    Abs,
    Bool,
    Get,
    Choose,
    IsDefined,
    Title,
    Length,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Defined,
    None,
    Number,
    Text,
}

/// What a template makes of a payload: nothing if it looks at something that is not there.
pub(super) type Made = Option<Json>;

impl Template {
    /// Takes a template apart. The error names what is not understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(format!("a template of more than {MAX_TEMPLATE_BYTES} bytes"));
        }
        parse::pieces(text).map(Self)
    }

    /// Fills the template. An error is what it expects instead of this payload.
    pub(super) fn fill(&self, payload: &Payload<'_>) -> Result<Made, &'static str> {
        evaluate::fill(&self.0, payload)
    }
}

/// What a template sees: the payload as text and, if it is any, as JSON.
pub(super) struct Payload<'a> {
    /// `value`.
    pub(super) value: Json,
    /// `value_json`.
    pub(super) document: Option<&'a Json>,
}

#[cfg(test)]
mod tests;
