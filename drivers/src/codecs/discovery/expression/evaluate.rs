//! What a template makes of a payload.

use std::cmp::Ordering;

use serde_json::{Number, Value as Json};

use super::{Expression, Function, MAX_RESULT_BYTES, Made, Operator, Payload, Piece, Test};

/// What a template expects when what it makes would be too long.
const TOO_LONG: &str = "a shorter payload";
/// What it expects when it computes with something else.
const NUMBER: &str = "a number to compute with";

/// Fills a template. One that is a single expression keeps the kind of its value.
pub(super) fn fill(pieces: &[Piece], payload: &Payload<'_>) -> Result<Made, &'static str> {
    if let [Piece::Value(expression)] = pieces {
        return evaluate(expression, payload);
    }
    if let [Piece::If(branches)] = pieces {
        return match chosen(branches, payload)? {
            Some(pieces) => fill(pieces, payload),
            None => Ok(None),
        };
    }
    let mut text = String::new();
    append(pieces, payload, &mut text)?;
    Ok(Some(text.trim().into()))
}

fn append(pieces: &[Piece], payload: &Payload<'_>, text: &mut String) -> Result<(), &'static str> {
    for piece in pieces {
        match piece {
            Piece::Text(literal) => text.push_str(literal),
            Piece::Value(expression) => {
                text.push_str(&shown(evaluate(expression, payload)?.as_ref()));
            }
            Piece::If(branches) => {
                if let Some(pieces) = chosen(branches, payload)? {
                    append(pieces, payload, text)?;
                }
            }
        }
        if text.len() > MAX_RESULT_BYTES {
            return Err(TOO_LONG);
        }
    }
    Ok(())
}

fn chosen<'t>(
    branches: &'t [(Option<Expression>, Vec<Piece>)],
    payload: &Payload<'_>,
) -> Result<Option<&'t [Piece]>, &'static str> {
    for (condition, pieces) in branches {
        let holds = match condition {
            None => true,
            Some(condition) => is_true(evaluate(condition, payload)?.as_ref()),
        };
        if holds {
            return Ok(Some(pieces));
        }
    }
    Ok(None)
}

/// A value as it stands in text, in the words of Python.
pub(in crate::codecs::discovery) fn shown(value: Option<&Json>) -> String {
    match value {
        None => String::new(),
        Some(Json::Null) => "None".into(),
        Some(Json::Bool(true)) => "True".into(),
        Some(Json::Bool(false)) => "False".into(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn is_true(value: Option<&Json>) -> bool {
    match value {
        None | Some(Json::Null) => false,
        Some(Json::Bool(value)) => *value,
        Some(Json::Number(number)) => number.as_f64() != Some(0.0),
        Some(Json::String(text)) => !text.is_empty(),
        Some(Json::Array(items)) => !items.is_empty(),
        Some(Json::Object(members)) => !members.is_empty(),
    }
}

fn evaluate(expression: &Expression, payload: &Payload<'_>) -> Result<Made, &'static str> {
    Ok(match expression {
        Expression::Literal(json) => Some(json.clone()),
        Expression::Whole => Some(payload.value.clone()),
        Expression::Document => payload.document.cloned(),
        Expression::List(items) => {
            let items: Result<Vec<Made>, _> = items.iter().map(|item| evaluate(item, payload)).collect();
            Some(Json::Array(items?.into_iter().flatten().collect()))
        }
        Expression::Member(..) => borrowed(expression, payload)?.cloned(),
        Expression::Call(function, arguments) => call(*function, arguments, payload)?,
        Expression::Not(inner) => Some((!is_true(evaluate(inner, payload)?.as_ref())).into()),
        Expression::Negative(inner) => number(-as_number(evaluate(inner, payload)?.as_ref()).ok_or(NUMBER)?),
        Expression::Binary(operator, left, right) => binary(*operator, left, right, payload)?,
        Expression::Choice(value, condition, otherwise) => {
            if is_true(evaluate(condition, payload)?.as_ref()) {
                evaluate(value, payload)?
            } else {
                match otherwise {
                    Some(otherwise) => evaluate(otherwise, payload)?,
                    None => None,
                }
            }
        }
        Expression::Test(subject, test, negated) => {
            let subject = evaluate(subject, payload)?;
            let holds = match test {
                Test::Defined => subject.is_some(),
                Test::None => subject == Some(Json::Null),
                Test::Number => matches!(subject, Some(Json::Number(_))),
                Test::Text => matches!(subject, Some(Json::String(_))),
            };
            Some((holds != *negated).into())
        }
    })
}

/// A member of the document, without a copy of all that stands beside it.
fn borrowed<'p>(expression: &Expression, payload: &'p Payload<'_>) -> Result<Option<&'p Json>, &'static str> {
    match expression {
        Expression::Document => Ok(payload.document),
        Expression::Whole => Ok(Some(&payload.value)),
        Expression::Member(inner, key) => {
            let Some(inner) = borrowed(inner, payload)? else {
                return Ok(None);
            };
            let key = evaluate(key, payload)?;
            Ok(member(inner, key.as_ref()))
        }
        _ => Ok(None),
    }
}

fn member<'j>(json: &'j Json, key: Option<&Json>) -> Option<&'j Json> {
    match key? {
        Json::String(name) => json.get(name),
        Json::Number(index) => {
            let by_number = usize::try_from(index.as_u64()?).ok()?;
            json.get(by_number).or_else(|| json.get(index.to_string()))
        }
        _ => None,
    }
}

fn number(value: f64) -> Made {
    // Numbers that came out whole are shown whole: devices compare texts.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it was found to be whole and small"
    )]
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Some((value as i64).into());
    }
    Number::from_f64(value).map(Json::Number)
}

fn as_number(value: Option<&Json>) -> Option<f64> {
    match value? {
        Json::Number(number) => number.as_f64(),
        Json::Bool(value) => Some(f64::from(u8::from(*value))),
        Json::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn binary(
    operator: Operator,
    left: &Expression,
    right: &Expression,
    payload: &Payload<'_>,
) -> Result<Made, &'static str> {
    let left = evaluate(left, payload)?;
    // What stands behind `or` and `and` is looked at only if it matters.
    match operator {
        Operator::Or if is_true(left.as_ref()) => return Ok(left),
        Operator::And if !is_true(left.as_ref()) => return Ok(left),
        _ => {}
    }
    let right = evaluate(right, payload)?;
    let (a, b) = (left.as_ref(), right.as_ref());
    Ok(match operator {
        Operator::Or | Operator::And => right,
        Operator::Equal => Some(equal(a, b).into()),
        Operator::NotEqual => Some((!equal(a, b)).into()),
        Operator::Less => Some((order(a, b)? == Ordering::Less).into()),
        Operator::LessOrEqual => Some((order(a, b)? != Ordering::Greater).into()),
        Operator::Greater => Some((order(a, b)? == Ordering::Greater).into()),
        Operator::GreaterOrEqual => Some((order(a, b)? != Ordering::Less).into()),
        Operator::In => Some(contains(b, a).into()),
        Operator::NotIn => Some((!contains(b, a)).into()),
        Operator::Join => Some(joined(a, b)?),
        Operator::Add if matches!((a, b), (Some(Json::String(_)), Some(Json::String(_)))) => {
            Some(joined(a, b)?)
        }
        _ => computed(operator, a, b)?,
    })
}

fn computed(operator: Operator, a: Option<&Json>, b: Option<&Json>) -> Result<Made, &'static str> {
    if a.is_none() || b.is_none() {
        return Ok(None);
    }
    let (a, b) = (as_number(a).ok_or(NUMBER)?, as_number(b).ok_or(NUMBER)?);
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::FloorDivide => (a / b).floor(),
        _ => a - b * (a / b).floor(),
    };
    if result.is_finite() {
        Ok(number(result))
    } else {
        Err(NUMBER)
    }
}

fn joined(a: Option<&Json>, b: Option<&Json>) -> Result<Json, &'static str> {
    let text = shown(a) + &shown(b);
    if text.len() > MAX_RESULT_BYTES {
        Err(TOO_LONG)
    } else {
        Ok(text.into())
    }
}

fn equal(a: Option<&Json>, b: Option<&Json>) -> bool {
    match (a, b) {
        (Some(Json::Number(a)), Some(Json::Number(b))) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn order(a: Option<&Json>, b: Option<&Json>) -> Result<Ordering, &'static str> {
    match (a, b) {
        (Some(Json::String(a)), Some(Json::String(b))) => Ok(a.cmp(b)),
        _ => {
            let (a, b) = (as_number(a).ok_or(NUMBER)?, as_number(b).ok_or(NUMBER)?);
            a.partial_cmp(&b).ok_or(NUMBER)
        }
    }
}

fn contains(whole: Option<&Json>, part: Option<&Json>) -> bool {
    match (whole, part) {
        (Some(Json::Array(items)), part) => items.iter().any(|item| equal(Some(item), part)),
        (Some(Json::Object(members)), Some(Json::String(name))) => members.contains_key(name),
        (Some(Json::String(whole)), Some(Json::String(part))) => whole.contains(part.as_str()),
        _ => false,
    }
}

fn call(function: Function, arguments: &[Expression], payload: &Payload<'_>) -> Result<Made, &'static str> {
    let argument = |at: usize| match arguments.get(at) {
        Some(argument) => evaluate(argument, payload),
        None => Ok(None),
    };
    let subject = argument(0)?;
    match function {
        Function::Default => {
            return if subject.is_some() {
                Ok(subject)
            } else {
                argument(1)
            };
        }
        Function::IsDefined => return Ok(subject),
        Function::Float | Function::Int => {
            return match (as_number(subject.as_ref()), argument(1)?) {
                (Some(value), _) if function == Function::Int => Ok(number(value.trunc())),
                (Some(value), _) => Ok(number(value)),
                (None, Some(default)) => Ok(Some(default)),
                (None, None) if subject.is_none() => Ok(None),
                (None, None) => Err(NUMBER),
            };
        }
        Function::Choose => {
            let at = if is_true(subject.as_ref()) { 1 } else { 2 };
            return Ok(match arguments.get(at) {
                Some(_) => argument(at)?,
                None => Some((at == 1).into()),
            });
        }
        _ => {}
    }
    // What is not there stays so through everything else.
    let Some(value) = subject else { return Ok(None) };
    let text = || shown(Some(&value));
    Ok(match function {
        Function::Round => rounded(&value, argument(1)?.as_ref(), argument(2)?.as_ref())?,
        Function::Abs => number(as_number(Some(&value)).ok_or(NUMBER)?.abs()),
        Function::Lower => Some(text().to_lowercase().into()),
        Function::Upper => Some(text().to_uppercase().into()),
        Function::Title => Some(title(&text()).into()),
        Function::Trim => Some(text().trim().into()),
        Function::Text => Some(text().into()),
        Function::Json => Some(value.to_string().into()),
        Function::Replace => {
            let (from, to) = (shown(argument(1)?.as_ref()), shown(argument(2)?.as_ref()));
            let replaced = if from.is_empty() {
                text()
            } else {
                text().replace(&from, &to)
            };
            if replaced.len() > MAX_RESULT_BYTES {
                return Err(TOO_LONG);
            }
            Some(replaced.into())
        }
        Function::Bool => Some(is_true(Some(&value)).into()),
        Function::Get => match member(&value, argument(1)?.as_ref()) {
            Some(found) => Some(found.clone()),
            None => argument(2)?,
        },
        Function::Length => Some(length(&value).into()),
        Function::Default | Function::IsDefined | Function::Float | Function::Int | Function::Choose => None,
    })
}

fn length(value: &Json) -> usize {
    match value {
        Json::String(text) => text.chars().count(),
        Json::Array(items) => items.len(),
        Json::Object(members) => members.len(),
        _ => 0,
    }
}

fn title(text: &str) -> String {
    let mut begins = true;
    let letter = |c: char| {
        let letter: String = if begins {
            c.to_uppercase().collect()
        } else {
            c.to_lowercase().collect()
        };
        begins = !c.is_alphanumeric();
        letter
    };
    text.chars().map(letter).collect()
}

fn rounded(value: &Json, digits: Option<&Json>, method: Option<&Json>) -> Result<Made, &'static str> {
    let value = as_number(Some(value)).ok_or(NUMBER)?;
    let digits = as_number(digits).unwrap_or(0.0).clamp(0.0, 12.0);
    let factor = 10f64.powf(digits.trunc());
    let result = match method.and_then(Json::as_str) {
        Some("floor") => (value * factor).floor() / factor,
        Some("ceil") => (value * factor).ceil() / factor,
        _ => (value * factor).round() / factor,
    };
    if result.is_finite() {
        Ok(number(result))
    } else {
        Err(NUMBER)
    }
}
