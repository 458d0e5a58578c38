//! `GET /ctl?cmd=…`: what a driver of the pages can make happen behind their backs.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use roost_live::endpoint::Endpoint;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::desk::{Components, Desk, Order, Plan};

type Parameters = HashMap<String, String>;

/// What the control reaches.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) desk: Arc<Desk>,
    pub(crate) endpoint: Endpoint,
}

/// The route.
pub(crate) fn routes(control: Control) -> Router {
    Router::new().route("/ctl", get(answer)).with_state(control)
}

async fn answer(State(control): State<Control>, Query(parameters): Query<Parameters>) -> Response {
    match control.obey(&parameters) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error).into_response(),
    }
}

fn parameter<'a>(parameters: &'a Parameters, name: &str) -> Result<&'a str, String> {
    parameters
        .get(name)
        .map(String::as_str)
        .ok_or_else(|| format!("{name} is missing"))
}

fn parsed<T: DeserializeOwned>(parameters: &Parameters, name: &str) -> Result<T, String> {
    serde_json::from_str(parameter(parameters, name)?).map_err(|error| format!("{name}: {error}"))
}

/// `set&joinMode=…`, for one join if `times` does not say for how many, of the view whose element is `id`.
fn plan(parameters: &Parameters) -> Result<Plan, String> {
    let mode = parameter(parameters, "joinMode")?;
    let times = parameters.get("times").map_or(Ok(1), |times| times.parse());
    Ok(Plan {
        mode: serde_json::from_value(json!(mode)).map_err(|error| error.to_string())?,
        times: times.map_err(|error| format!("times: {error}"))?,
        id: parameters.get("id").cloned(),
        flash: parameters.get("flash").cloned(),
        event: parameters.get("event").cloned(),
    })
}

impl Control {
    fn obey(&self, parameters: &Parameters) -> Result<Value, String> {
        let order = match parameter(parameters, "cmd")? {
            "tick" => Order::Tick,
            "list" => Order::List(parsed(parameters, "items")?),
            "stream" => Order::Stream(parsed(parameters, "ops")?),
            "comp" => Order::Components(match parameters.get("add") {
                Some(key) => Components::Add(key.clone()),
                None => Components::Show(parameter(parameters, "show")? == "1"),
            }),
            "push" => Order::Push {
                event: parameter(parameters, "ev")?.to_owned(),
                payload: parsed(parameters, "payload")?,
            },
            other => return self.look_or_cut(other, parameters),
        };
        self.desk.order(&order);
        Ok(json!({}))
    }

    fn look_or_cut(&self, command: &str, parameters: &Parameters) -> Result<Value, String> {
        let live = || self.endpoint.connections("/live");
        match command {
            "close" => {
                let code = parsed(parameters, "code")?;
                live().iter().for_each(|connection| connection.close(code));
            }
            "drop" => live().iter().for_each(|connection| connection.cut()),
            "disconnect" => {
                let user = parameter(parameters, "user")?;
                self.endpoint.disconnect(&format!("user:{user}"));
            }
            "hits" => return Ok(json!(self.desk.hits())),
            "frames" => return Ok(self.desk.frames(parameters.contains_key("clear"))),
            "set" => self.desk.set_plan(plan(parameters)?),
            other => return Err(format!("{other} is no command")),
        }
        Ok(json!({}))
    }
}
