//! Requests over the bus to a part of the program: a JSON object in, a JSON object out.

use bytes::Bytes;
use roost_runtime::{BoxError, Delivery};
use serde_json::{Map, Value, json};

/// Has a request answered by `with`, which is told what is asked (the last level of the topic) and the request itself.
/// An error becomes an answer too: `{"error": "…"}`.
pub(crate) async fn answer<F>(delivery: Delivery, with: impl FnOnce(String, Map<String, Value>) -> F)
where
    F: Future<Output = Result<Value, BoxError>>,
{
    let what = delivery.message.topic.levels().last().unwrap_or_default();
    let answer = match serde_json::from_slice(&delivery.message.body) {
        Ok(Value::Object(request)) => Box::pin(with(what.to_owned(), request)).await,
        _ => Err("the request is no JSON object".into()),
    };
    let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
    if let Some(reply) = delivery.reply {
        reply.send(Bytes::from(answer.to_string()));
    }
}

/// That nothing of this name can be asked.
pub(crate) fn unknown(what: &str) -> Result<Value, BoxError> {
    Err(format!("{what} is nothing that can be asked").into())
}

/// Whom the request is about.
///
/// # Errors
/// Without an `id` that is text.
pub(crate) fn id(request: &Map<String, Value>) -> Result<String, BoxError> {
    let id = request.get("id").and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| "`id` is missing".into())
}
