//! A chart: drawn by JavaScript, fed by the view.

use roost_live::{Context, LiveView, Params, Refusal, Rendered, Session, html};
use serde_json::{Value, json};

pub(crate) struct Chart {
    values: Vec<f64>,
}

impl LiveView for Chart {
    type Message = f64;

    fn mount(_: &Params, _: &Session, _: &mut Context) -> Result<Self, Refusal> {
        Ok(Self {
            values: vec![19.5, 20.0],
        })
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        if event == "range" {
            let last = value["last"].as_u64().and_then(|last| usize::try_from(last).ok());
            let from = self.values.len().saturating_sub(last.unwrap_or(0));
            context.reply(json!({"values": self.values[from..]}));
        }
    }

    fn handle_message(&mut self, value: f64, context: &mut Context) {
        self.values.push(value);
        context.push_event("value", json!({"value": value}));
    }

    fn render(&self, _: &Context) -> Rendered {
        html! { <canvas id="chart" phx-hook="Chart" phx-update="ignore"></canvas> }
    }
}
