//! `roost status`: how the running gateway is, and its tree.

use std::process::ExitCode;

use serde_json::Value;

use super::api::Api;
use super::print;
use crate::config::Config;

/// Children of a supervisor that are shown.
const CHILDREN: usize = 16;

pub(super) fn run(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let api = Api::new(config);
    let health = api.required(api.get("/api/v1/health")?)?;
    let healthy = health.status == 200;
    let tree = api
        .required(api.get(&format!("/api/v1/system/tree?limit={CHILDREN}"))?)?
        .ok()?;
    if json {
        print(&format!(
            "{}\n",
            serde_json::json!({ "health": health.body, "tree": tree })
        ));
    } else {
        let mut text = format!("Roost at {}\n", api.base());
        if let Some(health) = health.body.as_object() {
            for (name, value) in health
                .iter()
                .filter(|(_, value)| !value.is_object() && !value.is_array())
            {
                text.push_str(&format!("  {name:<12} {}\n", plain(value)));
            }
        }
        text.push_str("Supervision tree\n");
        branch(&tree, 1, &mut text);
        print(&text);
    }
    Ok(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn branch(node: &Value, depth: usize, text: &mut String) {
    let field = |name: &str| node.get(name).map(plain).unwrap_or_default();
    let indent = "  ".repeat(depth);
    text.push_str(&format!("{indent}{} {}", field("name"), field("state")));
    let restarts = node.get("restarts").and_then(Value::as_u64).unwrap_or(0);
    if restarts > 0 {
        text.push_str(&format!(", {restarts} restarts, last: {}", field("last_reason")));
    }
    text.push('\n');
    let children = node
        .get("children")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    for child in children {
        branch(child, depth + 1, text);
    }
    let count = node.get("child_count").and_then(Value::as_u64).unwrap_or(0);
    let hidden = count.saturating_sub(children.len() as u64);
    if hidden > 0 {
        text.push_str(&format!("{indent}  and {hidden} more\n"));
    }
}
