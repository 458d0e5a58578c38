//! `roost client`: dashboards, bridges and programs that connect by MQTT, through the API of the running gateway, or
//! in its store while it does not run.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::api::{Api, credentials, secret_in, unknown};
use super::{print, table};
use crate::clients::{ClientBook, shown};
use crate::config::Config;
use crate::gateway::{open_book, open_store};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a client; its secret is shown this once
    Add(Add),
    /// List the clients
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a client; its connections end
    Remove {
        /// The client's id
        id: String,
    },
    /// Give a client a new secret; the old one stops working
    Secret {
        /// The client's id
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Unique name, the user name to connect with: letters, digits, - _ .
    id: String,
    /// What people call it
    #[arg(long)]
    label: Option<String>,
    /// A filter that it may publish to, once or several times. A level %u is its user name, %c its client identifier
    #[arg(long, value_name = "FILTER")]
    publish: Vec<String>,
    /// A filter that it may subscribe to; may be given several times
    #[arg(long, value_name = "FILTER")]
    subscribe: Vec<String>,
}

impl Add {
    fn params(&self) -> Map<String, Value> {
        let fields = [
            ("id", json!(self.id)),
            ("label", json!(self.label.as_deref().unwrap_or_default())),
            ("publishes", json!(self.publish)),
            ("subscribes", json!(self.subscribe)),
        ];
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}

pub(super) fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let api = Api::new(config);
    match command {
        Command::Add(add) => self::add(config, &api, &add),
        Command::List { json } => list(config, &api, json),
        Command::Remove { id } => remove(config, &api, &id),
        Command::Secret { id } => secret(config, &api, &id),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// The book of a gateway that does not run.
fn offline(config: &Config) -> anyhow::Result<ClientBook> {
    let store = open_store(config)?;
    let secrets = open_book(config, &store)?.secrets().clone();
    Ok(ClientBook::new(store, secrets))
}

fn add(config: &Config, api: &Api, add: &Add) -> anyhow::Result<()> {
    let secret = match api.post("/api/v1/clients", &Value::Object(add.params()))? {
        Some(answer) => secret_in(&answer.ok()?),
        None => offline(config)?.add(&add.params())?.secret,
    };
    let secret = secret.unwrap_or_default();
    print(&format!("{} added\n{}", add.id, credentials(&add.id, &secret)));
    Ok(())
}

fn list(config: &Config, api: &Api, as_json: bool) -> anyhow::Result<()> {
    let clients = match api.get("/api/v1/clients")? {
        Some(answer) => match answer.ok()?.get_mut("items").map(Value::take) {
            Some(Value::Array(clients)) => clients,
            _ => Vec::new(),
        },
        None => offline(config)?.list()?.iter().map(shown).collect(),
    };
    if as_json {
        print(&format!("{}\n", Value::Array(clients)));
    } else if clients.is_empty() {
        print("no clients yet: add one with `roost client add <id> --subscribe 'devices/+/points/#'`\n");
    } else {
        let rows: Vec<Vec<String>> = clients.iter().map(columns).collect();
        print(&table(
            &["ID", "STATE", "PUBLISHES", "SUBSCRIBES", "LABEL"],
            &rows,
        ));
    }
    Ok(())
}

fn columns(client: &Value) -> Vec<String> {
    let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
    let filters = |name: &str| {
        let list = client[name].as_array().into_iter().flatten();
        let list: Vec<&str> = list.filter_map(Value::as_str).collect();
        list.join(" ")
    };
    let state = if client["enabled"] == true {
        "enabled"
    } else {
        "disabled"
    };
    vec![
        text("id"),
        state.to_owned(),
        filters("publishes"),
        filters("subscribes"),
        text("label"),
    ]
}

fn remove(config: &Config, api: &Api, id: &str) -> anyhow::Result<()> {
    match api.delete(&format!("/api/v1/clients/{id}"))? {
        Some(answer) => drop(answer.found("client", id)?),
        None if offline(config)?.remove(id)? => {}
        None => return unknown("client", id),
    }
    print(&format!("{id} removed\n"));
    Ok(())
}

fn secret(config: &Config, api: &Api, id: &str) -> anyhow::Result<()> {
    let secret = match api.post(&format!("/api/v1/clients/{id}/secret"), &json!({}))? {
        Some(answer) => secret_in(&answer.found("client", id)?),
        None => offline(config)?.renew_secret(id)?.and_then(|new| new.secret),
    };
    let Some(secret) = secret else {
        return unknown("client", id);
    };
    print(&credentials(id, &secret));
    Ok(())
}
