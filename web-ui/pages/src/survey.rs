//! The survey: which of all devices are connected, stale or in backoff.
//!
//! It walks over everything that is retained and over all children, which takes milliseconds with ten
//! thousand devices. So it is made on a thread that may block, at most once in [`crate::site::SURVEY_KEPT`].

use std::collections::{HashMap, HashSet};

use roost_model::{Device, Filter};
use roost_runtime::{ChildView, Message, State};

use crate::live::{Said, Status};
use crate::view;
use crate::web::Web;

/// Most children in trouble that are kept to be shown.
const TROUBLED: usize = 500;

/// Ids of the devices that are in each of the states that people look for.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) connected: HashSet<String>,
    /// Devices with at least one stale point.
    pub(crate) stale: HashSet<String>,
    /// Devices of which nothing is heard, whatever their connection says.
    pub(crate) silent: HashSet<String>,
    pub(crate) backoff: HashSet<String>,
    /// The children in trouble, for the tree.
    pub(crate) troubled: Vec<ChildView>,
}

/// What the bus retains, taken together by device.
#[derive(Default)]
struct Retained {
    status: HashMap<String, bool>,
    stale: HashSet<String>,
    silent: HashSet<String>,
}

impl Survey {
    /// Looks at everything. Blocks for milliseconds.
    pub(crate) fn take(web: &Web, devices: &[Device]) -> Self {
        let retained = Retained::read(web);
        let mut survey = Self::default();
        let mut states = HashMap::new();
        for child in web.devices.tree(usize::MAX).children {
            let child = child.child;
            if child.state == State::Backoff {
                survey.backoff.insert(child.name.clone());
                if survey.troubled.len() < TROUBLED {
                    survey.troubled.push(child.clone());
                }
            }
            states.insert(child.name, child.state);
        }
        for device in devices {
            let status = retained.status.get(&device.id).copied();
            let state = states.get(&device.id).copied();
            if view::is_connected(web, device, status, state) {
                survey.connected.insert(device.id.clone());
            }
            // A disabled device is silent on purpose.
            if device.enabled && retained.stale.contains(&device.id) {
                survey.stale.insert(device.id.clone());
            }
            if device.enabled && retained.silent.contains(&device.id) {
                survey.silent.insert(device.id.clone());
            }
        }
        survey
    }
}

impl Retained {
    fn read(web: &Web) -> Self {
        let mut all = Self::default();
        let Ok(filter) = Filter::new("devices/#") else {
            return all;
        };
        for message in web.bus.retained(&filter) {
            let mut levels = message.topic.levels().skip(1);
            match [levels.next(), levels.next(), levels.next(), levels.next()] {
                [Some(device), Some("status"), None, None] => {
                    if let Ok(status) = serde_json::from_slice::<Status>(&message.body) {
                        all.status.insert(device.to_owned(), status.connected);
                    }
                }
                [Some(device), Some("points"), Some(_), Some("freshness")] if says(&message, "stale") => {
                    all.stale.insert(device.to_owned());
                }
                [Some(device), Some("freshness"), None, None] if says(&message, "silent") => {
                    all.silent.insert(device.to_owned());
                }
                _ => {}
            }
        }
        all
    }
}

fn says(message: &Message, word: &str) -> bool {
    serde_json::from_slice::<Said>(&message.body).is_ok_and(|said| said.freshness == word)
}
