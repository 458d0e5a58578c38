//! From the text of a template to its pieces and expressions.

use serde_json::{Number, Value as Json};

use super::tokens::{Token, tokens};
use super::words::{Word, words};
use super::{Expression, Function, MAX_DEPTH, Operator, Piece, Test};

/// Names by which functions are called: as filter, as method, before parentheses.
const FUNCTIONS: [(&str, Function); 23] = [
    ("float", Function::Float),
    ("int", Function::Int),
    ("round", Function::Round),
    ("default", Function::Default),
    ("d", Function::Default),
    ("lower", Function::Lower),
    ("upper", Function::Upper),
    ("trim", Function::Trim),
    ("strip", Function::Trim),
    ("replace", Function::Replace),
    ("string", Function::Text),
    ("tojson", Function::Json),
    ("to_json", Function::Json),
    ("abs", Function::Abs),
    ("bool", Function::Bool),
    ("get", Function::Get),
    ("iif", Function::Choose),
    ("is_defined", Function::IsDefined),
    ("title", Function::Title),
    ("length", Function::Length),
    ("len", Function::Length),
    ("count", Function::Length),
    ("str", Function::Text),
];

/// Operators by how tightly they bind, loosest first.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
        ("in", Operator::In),
    ],
    &[("~", Operator::Join)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("//", Operator::FloorDivide),
        ("%", Operator::Remainder),
    ],
];
/// The level on which comparisons stand, and `not` before them.
const COMPARISONS: usize = 2;

/// Takes a template apart.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let tokens = tokens(text)?;
    let mut at = 0;
    let pieces = block(&tokens, &mut at, 0)?;
    match tokens.get(at) {
        None => Ok(pieces),
        Some(Token::Statement(statement)) => Err(format!("{statement:?} without its if")),
        Some(_) => Err("a template that ends early".into()),
    }
}

/// Pieces up to the end or to a statement that is none of its own.
fn block(tokens: &[Token<'_>], at: &mut usize, depth: usize) -> Result<Vec<Piece>, String> {
    if depth > MAX_DEPTH {
        return Err(format!("a template nested deeper than {MAX_DEPTH}"));
    }
    let mut pieces = Vec::new();
    while let Some(token) = tokens.get(*at) {
        match token {
            Token::Text(text) => pieces.push(Piece::Text((*text).to_owned())),
            Token::Value(text) => pieces.push(Piece::Value(expression(text)?)),
            Token::Statement(statement) => match statement.split_once(char::is_whitespace) {
                Some(("if", condition)) => {
                    pieces.push(branches(tokens, at, condition, depth)?);
                    continue;
                }
                Some(("elif", _)) => return Ok(pieces),
                None if matches!(*statement, "else" | "endif") => return Ok(pieces),
                _ => return Err(format!("{{% {statement} %}}")),
            },
        }
        *at += 1;
    }
    Ok(pieces)
}

/// An `if` with all that belongs to it, from its first condition on.
fn branches(tokens: &[Token<'_>], at: &mut usize, first: &str, depth: usize) -> Result<Piece, String> {
    let mut branches = Vec::new();
    let mut condition = Some(expression(first)?);
    loop {
        *at += 1;
        branches.push((condition.take(), block(tokens, at, depth + 1)?));
        let Some(Token::Statement(statement)) = tokens.get(*at) else {
            return Err("an if without its endif".into());
        };
        match statement.split_once(char::is_whitespace) {
            Some(("elif", text)) => condition = Some(expression(text)?),
            _ if *statement == "endif" => {
                *at += 1;
                return Ok(Piece::If(branches));
            }
            _ => {}
        }
    }
}

/// Takes an expression apart.
fn expression(text: &str) -> Result<Expression, String> {
    let mut reader = Reader {
        words: &words(text)?,
        depth: 0,
    };
    let expression = reader.choice()?;
    match reader.words.first() {
        None => Ok(expression),
        Some(word) => Err(format!("{word:?} in {text:?}")),
    }
}

struct Reader<'a> {
    words: &'a [Word],
    depth: usize,
}

impl Reader<'_> {
    fn is(&self, text: &str) -> bool {
        match self.words.first() {
            Some(Word::Name(name)) => name == text,
            Some(Word::Sign(sign)) => *sign == text,
            _ => false,
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.is(text);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.take(text) {
            Ok(())
        } else {
            Err(format!("a template without the {text:?} it needs"))
        }
    }

    /// `a`, or `a if condition else b`.
    fn choice(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("a template nested deeper than {MAX_DEPTH}"));
        }
        let value = self.level(0)?;
        let chosen = if self.take("if") {
            let condition = self.level(0)?;
            let otherwise = if self.take("else") {
                Some(Box::new(self.choice()?))
            } else {
                None
            };
            Expression::Choice(Box::new(value), Box::new(condition), otherwise)
        } else {
            value
        };
        self.depth -= 1;
        Ok(chosen)
    }

    fn level(&mut self, level: usize) -> Result<Expression, String> {
        if level == COMPARISONS && self.take("not") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(format!("a template nested deeper than {MAX_DEPTH}"));
            }
            let negated = Expression::Not(Box::new(self.level(level)?));
            self.depth -= 1;
            return Ok(negated);
        }
        let Some(operators) = LEVELS.get(level) else {
            return self.signed();
        };
        let mut left = self.level(level + 1)?;
        loop {
            if level == COMPARISONS && self.take("is") {
                left = self.test(left)?;
                continue;
            }
            if level == COMPARISONS && self.is("not") && self.words.get(1) == Some(&Word::Name("in".into())) {
                self.words = &self.words[2..];
                let list = self.level(level + 1)?;
                left = Expression::Binary(Operator::NotIn, Box::new(left), Box::new(list));
                continue;
            }
            let Some((_, operator)) = operators.iter().find(|(sign, _)| self.is(sign)) else {
                return Ok(left);
            };
            self.words = &self.words[1..];
            let right = self.level(level + 1)?;
            left = Expression::Binary(*operator, Box::new(left), Box::new(right));
        }
    }

    fn test(&mut self, subject: Expression) -> Result<Expression, String> {
        let negated = self.take("not");
        let test = match self.words.first() {
            Some(Word::Name(name)) => match name.as_str() {
                "defined" => Test::Defined,
                "none" | "None" => Test::None,
                "number" => Test::Number,
                "string" => Test::Text,
                other => return Err(format!("the test {other:?}")),
            },
            _ => return Err("a test without its name".into()),
        };
        self.words = &self.words[1..];
        Ok(Expression::Test(Box::new(subject), test, negated))
    }

    fn signed(&mut self) -> Result<Expression, String> {
        if self.take("-") {
            let number = self.postfix()?;
            return Ok(Expression::Negative(Box::new(number)));
        }
        self.postfix()
    }

    /// What stands alone, with the members and filters behind it.
    fn postfix(&mut self) -> Result<Expression, String> {
        let mut value = self.primary()?;
        loop {
            if self.take("|") {
                value = self.filter(value)?;
            } else if self.take(".") {
                value = self.member(value)?;
            } else if self.take("[") {
                let key = self.choice()?;
                self.expect("]")?;
                value = Expression::Member(Box::new(value), Box::new(key));
            } else {
                return Ok(value);
            }
        }
    }

    fn filter(&mut self, value: Expression) -> Result<Expression, String> {
        let name = self.name().ok_or("a filter without its name")?;
        let arguments = if self.take("(") {
            self.arguments(")")?
        } else {
            Vec::new()
        };
        call(&name, Some(value), arguments).ok_or_else(|| format!("the filter {name:?}"))
    }

    fn member(&mut self, value: Expression) -> Result<Expression, String> {
        let name = match self.words.first() {
            Some(Word::Name(name) | Word::Number(name)) => name.clone(),
            _ => return Err("a dot without a name".into()),
        };
        self.words = &self.words[1..];
        if self.take("(") {
            let arguments = self.arguments(")")?;
            return call(&name, Some(value), arguments).ok_or_else(|| format!("the method {name:?}"));
        }
        let key = name.parse::<u64>().map_or(Json::String(name), Json::from);
        Ok(Expression::Member(
            Box::new(value),
            Box::new(Expression::Literal(key)),
        ))
    }

    fn name(&mut self) -> Option<String> {
        let Some(Word::Name(name)) = self.words.first() else {
            return None;
        };
        self.words = &self.words[1..];
        Some(name.clone())
    }

    fn arguments(&mut self, end: &str) -> Result<Vec<Expression>, String> {
        let mut arguments = Vec::new();
        while !self.take(end) {
            arguments.push(self.choice()?);
            if !self.is(end) {
                self.expect(",")?;
            }
        }
        Ok(arguments)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        if self.take("(") {
            let inside = self.choice()?;
            self.expect(")")?;
            return Ok(inside);
        }
        if self.take("[") {
            return self.arguments("]").map(Expression::List);
        }
        let Some((word, rest)) = self.words.split_first() else {
            return Err("a template that ends early".into());
        };
        self.words = rest;
        match word {
            Word::Text(text) => Ok(Expression::Literal(text.as_str().into())),
            Word::Number(text) => literal(text),
            Word::Name(name) => self.named(name),
            Word::Sign(sign) => Err(format!("{sign:?} in a template")),
        }
    }

    fn named(&mut self, name: &str) -> Result<Expression, String> {
        Ok(match name {
            "value" => Expression::Whole,
            "value_json" => Expression::Document,
            "true" | "True" => Expression::Literal(true.into()),
            "false" | "False" => Expression::Literal(false.into()),
            "none" | "None" => Expression::Literal(Json::Null),
            _ if self.take("(") => {
                let mut arguments = self.arguments(")")?;
                let first = (!arguments.is_empty()).then(|| arguments.remove(0));
                return call(name, first, arguments).ok_or_else(|| format!("the function {name:?}"));
            }
            _ => return Err(format!("the variable {name:?}")),
        })
    }
}

fn literal(text: &str) -> Result<Expression, String> {
    let number = match text.parse::<i64>() {
        Ok(whole) => Some(Number::from(whole)),
        Err(_) => text.parse().ok().and_then(Number::from_f64),
    };
    number
        .map(|number| Expression::Literal(Json::Number(number)))
        .ok_or_else(|| format!("the number {text}"))
}

fn call(name: &str, subject: Option<Expression>, arguments: Vec<Expression>) -> Option<Expression> {
    let (_, function) = FUNCTIONS.iter().find(|(known, _)| *known == name)?;
    let mut all = vec![subject?];
    all.extend(arguments);
    Some(Expression::Call(*function, all))
}
