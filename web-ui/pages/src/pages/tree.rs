//! The supervision tree as nested lists: name, state, restarts, last reason, uptime.

use std::time::Duration;

use maud::{Markup, html};
use roost_runtime::{ChildView, Kind, State, TreeView};

use super::{marks, words};
use crate::site::Site;
use crate::survey::Survey;

/// Supervisors with more children than this are closed at first, unless one is in trouble.
const OPEN_UP_TO: usize = 12;

/// The tree with at most `limit` children of each supervisor, of the devices those in trouble first.
pub(crate) fn section(site: &Site, survey: &Survey, limit: usize) -> Markup {
    let mut tree = site.web.tree.tree(limit);
    let devices = site.web.devices.tree(0).child.name;
    if let Some(supervisor) = tree.children.iter_mut().find(|child| child.child.name == devices) {
        // The survey says who is in trouble; how they are at this moment is asked again.
        let now = |child: &ChildView| site.web.devices.child(&child.name);
        let troubled: Vec<ChildView> = survey.troubled.iter().take(limit).filter_map(now).collect();
        troubled_first(supervisor, &troubled, limit);
    }
    html! {
        section.tree aria-labelledby="tree" {
            h2 #tree { "Supervision tree" }
            ul { (branch(&tree, &Devices { name: &devices, backoff: survey.backoff.len() }, 0)) }
        }
    }
}

fn troubled_first(supervisor: &mut TreeView, troubled: &[ChildView], limit: usize) {
    let mut children: Vec<TreeView> = troubled
        .iter()
        .map(|child| TreeView {
            child: child.clone(),
            child_count: 0,
            children: Vec::new(),
        })
        .collect();
    let others = std::mem::take(&mut supervisor.children).into_iter();
    children.extend(others.filter(|other| troubled.iter().all(|child| child.name != other.child.name)));
    children.truncate(limit);
    supervisor.children = children;
}

/// What is known of the supervisor of the devices besides what the tree says.
struct Devices<'a> {
    name: &'a str,
    backoff: usize,
}

fn branch(tree: &TreeView, devices: &Devices<'_>, depth: usize) -> Markup {
    let is_supervisor = tree.child.kind == Kind::Supervisor;
    let is_devices = depth == 1 && tree.child.name == devices.name;
    let backoff = if is_devices { devices.backoff } else { 0 };
    html! {
        li {
            @if is_supervisor && tree.child_count > 0 {
                details open[depth == 0 || tree.child_count <= OPEN_UP_TO || backoff > 0] {
                    summary {
                        (line(&tree.child, None, Some(tree.child_count)))
                        @if backoff > 0 {
                            span.reason { (words::counted(backoff, "child", "children")) " in backoff" }
                        }
                    }
                    ul {
                        @for child in &tree.children {
                            @if is_devices {
                                li { (line(&child.child, Some(&child.child.name), None)) }
                            } @else {
                                (branch(child, devices, depth + 1))
                            }
                        }
                        @let hidden = tree.child_count.saturating_sub(tree.children.len());
                        @if hidden > 0 { li.more { "and " (words::count(hidden)) " more" } }
                    }
                }
            } @else {
                (line(&tree.child, None, is_supervisor.then_some(0)))
            }
        }
    }
}

/// One child in one line; `device` makes its name a link.
fn line(child: &ChildView, device: Option<&str>, children: Option<usize>) -> Markup {
    html! {
        span.node {
            span.name {
                @match device {
                    Some(id) => a href={ "/devices/" (id) } { (child.name) },
                    None => (child.name),
                }
                @if let Some(count) = children {
                    " " span.kind { (words::counted(count, "child", "children")) }
                }
            }
            (marks::child(child.state))
            span.since { (since(child)) }
            span.restarts { @if child.restarts > 0 { (words::counted(child.restarts, "restart", "restarts")) } }
        }
        @if let Some(reason) = &child.last_reason { span.reason { (words::shortened(reason, 200)) } }
    }
}

/// How long it has been up, or how long until it is tried again.
pub(crate) fn since(child: &ChildView) -> String {
    match (child.state, child.restart_in) {
        (State::Backoff, Some(wait)) => format!("next try in {}", words::span(round_up(wait))),
        (State::Starting | State::Running, _) => format!("up {}", words::span(child.uptime)),
        _ => String::new(),
    }
}

fn round_up(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}
