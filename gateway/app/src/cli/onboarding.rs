//! `roost onboarding`: the secret that lets new devices in, and those that wait.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::api::Api;
use super::{print, table};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the secret and the clients that wait
    Show,
    /// Make a new secret, and switch onboarding on if it was off
    Renew,
    /// Let no unknown client in until a new secret is made
    Off,
}

pub(super) fn run(config: &Config, command: &Command) -> anyhow::Result<ExitCode> {
    let api = Api::new(config);
    let path = "/api/v1/onboarding";
    let answer = match command {
        Command::Show => api.get(path)?,
        Command::Renew => api.post(&format!("{path}/secret"), &json!({}))?,
        Command::Off => api.delete(&format!("{path}/secret"))?,
    };
    let state = api.required(answer)?.ok()?;
    print(&shown(&state, config.mqtt.listen.port()));
    Ok(ExitCode::SUCCESS)
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn shown(state: &Value, port: u16) -> String {
    let mut shown = match state.get("secret").and_then(Value::as_str) {
        Some(secret) => format!(
            "A new device connects to port {port} as\n  user    {}\n  secret  {secret}\n",
            text(state, "/user")
        ),
        None => "Onboarding is off: `roost onboarding renew` switches it on.\n".to_owned(),
    };
    let clients = state.get("clients").and_then(Value::as_array);
    let clients = clients.map(Vec::as_slice).unwrap_or_default();
    if clients.is_empty() {
        shown.push_str("No client waits.\n");
        return shown;
    }
    let row = |client: &Value| {
        let messages = client.get("messages").and_then(Value::as_u64).unwrap_or(0);
        vec![
            text(client, "/client").to_owned(),
            text(client, "/address").to_owned(),
            messages.to_string(),
            text(client, "/guess/profile").to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = clients.iter().map(row).collect();
    shown.push_str(&table(&["CLIENT", "ADDRESS", "MESSAGES", "SEEMS TO BE"], &rows));
    shown
}
