//! One device as it stands: its record, connection, task and points, brought together.

use roost_model::{Device, Link, Timestamp};
use roost_runtime::{ChildView, State};

use crate::live::{self, Point};
use crate::web::Web;

/// Topic of the presence of devices.
const PRESENCE: &str = "devices";

/// A device with all that is known about it now.
#[derive(Debug, Clone)]
pub(crate) struct DeviceView {
    pub(crate) device: Device,
    pub(crate) connected: bool,
    pub(crate) since_ms: Option<i64>,
    /// Whether nothing was heard of it for longer than three times its slowest cadence.
    pub(crate) silent: bool,
    /// `None` if no task runs it: it is disabled, or was added this moment.
    pub(crate) child: Option<ChildView>,
    pub(crate) points: Vec<Point>,
    /// The moment this was put together; ages count from here.
    pub(crate) now: Timestamp,
}

impl DeviceView {
    /// Looks at one device. Decodes its readings, and nobody else's.
    pub(crate) fn of(web: &Web, device: Device, now: Timestamp) -> Self {
        let status = live::status(&web.bus, &device.id);
        let child = web.devices.child(&device.id);
        let state = child.as_ref().map(|child| child.state);
        Self {
            connected: is_connected(web, &device, status.map(|status| status.connected), state),
            since_ms: status.and_then(|status| status.since_ms),
            silent: child.is_some() && live::is_silent(&web.bus, &device.id),
            points: live::points(&web.bus, &device.id, child.is_some()),
            child,
            device,
            now,
        }
    }

    /// The state of its supervised child as one word, `absent` if there is none.
    pub(crate) fn state_word(&self) -> &'static str {
        self.child
            .as_ref()
            .map_or("absent", |child| state_word(child.state))
    }
}

/// Whether a device is connected: as its status says; without one, as presence or its task say.
pub(crate) fn is_connected(web: &Web, device: &Device, status: Option<bool>, state: Option<State>) -> bool {
    status.unwrap_or_else(|| match device.link() {
        Link::Mqtt { .. } => web.presence.contains(PRESENCE, &device.id),
        Link::Wired { .. } => state == Some(State::Running),
    })
}

/// The state of a child as one word, as in JSON.
pub(crate) fn state_word(state: State) -> &'static str {
    match state {
        State::Starting => "starting",
        State::Running => "running",
        State::Backoff => "backoff",
        State::Stopping => "stopping",
        State::Stopped => "stopped",
    }
}
