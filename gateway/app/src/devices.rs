//! Devices: their records, and a supervised task for each, whatever it is connected by.

pub(crate) mod abouts;
mod backlog;
mod book;
mod commands;
mod freshness;
mod handover;
mod intake;
mod mqtt;
pub(crate) mod onboarding;
mod points;
pub(crate) mod profiles;
pub(crate) mod recorder;
mod registrar;
mod requests;
mod wired;

pub(crate) use book::DeviceBook;
pub(crate) use commands::{Commands, child as commands};
pub(crate) use freshness::{FreshnessWatch, child as freshness};
pub(crate) use intake::Intake;
pub(crate) use intake::restore;
pub(crate) use profiles::Codecs;
pub(crate) use recorder::{Recorder, RecorderLimits};
pub(crate) use registrar::registrar;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use roost_drivers::CodecMemory;
use roost_model::{Device, Link};
use roost_runtime::{Backoff, BoxError, Bus, ChildSpec, Presence, Subscription, SupervisorHandle};
use roost_store::Store;

use crate::buses::Buses;

/// Bytes that wait for a device's task. One message has room, however large.
const INBOX_BYTES: u32 = 1 << 20;

/// What every device's task needs.
pub(crate) struct DeviceParts {
    /// The bus.
    pub(crate) bus: Bus,
    /// Who is connected.
    pub(crate) presence: Presence,
    /// Where readings go in.
    pub(crate) intake: Intake,
    /// Codecs by profile.
    pub(crate) codecs: Arc<Codecs>,
    /// Where profiles have their files.
    pub(crate) profiles_dir: PathBuf,
    /// What devices last said, and what befell them.
    pub(crate) recorder: Recorder,
    /// What devices said before they were accepted.
    pub(crate) backlogs: backlog::Backlogs,
    /// Tasks that are being replaced.
    pub(crate) handover: Arc<handover::Handover>,
    /// The board's buses.
    pub(crate) buses: Buses,
    /// Where commands are kept.
    pub(crate) store: Store,
    /// Messages that wait for a device's task.
    pub(crate) inbox_messages: usize,
    /// Time for a command that came without a deadline, in milliseconds.
    pub(crate) command_within_ms: u64,
    /// When points and devices were last heard.
    pub(crate) freshness: Arc<FreshnessWatch>,
    /// Commands on their way.
    pub(crate) commands: Arc<Commands>,
}

/// What a device's task knows of the device's record: there are ten thousand of it.
struct Known {
    /// The name, shared with all that know the device by it.
    id: Arc<str>,
    profile: Arc<str>,
    cadence_ms: u64,
    /// The record itself of a wired device; there are few of them.
    wired: Option<Box<Device>>,
}

impl Known {
    /// Of a record, whose name is kept in `id`.
    fn new(id: Arc<str>, profile: Arc<str>, device: Device) -> Self {
        Self {
            id,
            profile,
            cadence_ms: device.cadence_ms,
            wired: matches!(device.link(), Link::Wired { .. }).then(|| Box::new(device)),
        }
    }

    /// How the device reaches the gateway.
    fn link(&self) -> Link<'_> {
        match &self.wired {
            Some(device) => device.link(),
            None => Link::Mqtt {
                profile: &self.profile,
            },
        }
    }
}

/// What one device's task needs. It outlives the task's crashes, and with it the inbox: what a device says while its
/// task waits to be restarted stays in the queue.
struct DeviceEnv {
    parts: Arc<DeviceParts>,
    device: Known,
    /// What its codec remembers of it: here, because whoever sends it a command needs it too.
    memory: Mutex<CodecMemory>,
    /// How many commands wait for the device to say something. While there is none, nobody is told what it says.
    awaited: AtomicU32,
    /// What a wired device is to write.
    orders: Option<Box<commands::Orders>>,
    /// What the device says, if it speaks MQTT.
    inbox: Option<Subscription>,
}

impl Drop for DeviceEnv {
    fn drop(&mut self) {
        if let Some(inbox) = self.inbox.take() {
            let has_another = self.parts.commands.has_task(&self.device.id);
            self.parts.handover.leave(&self.device.id, inbox, has_another);
        }
    }
}

impl DeviceEnv {
    /// Messages that were lost because the inbox was full.
    fn lost(&self) -> u64 {
        self.inbox.as_ref().map_or(0, Subscription::dropped)
    }

    fn set_awaited(&self, count: u32) {
        self.awaited.store(count, Ordering::Release);
    }

    fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire) > 0
    }

    /// Tells those who follow its commands what the device said, if anybody waits for it.
    async fn tell(&self, said: commands::Said) {
        if self.is_awaited() {
            Box::pin(self.parts.commands.tell_briefly(&self.device.id, said)).await;
        }
    }

    /// The same of several things, in order.
    async fn tell_all(&self, all: Vec<commands::Said>) {
        for said in all {
            self.tell(said).await;
        }
    }
}

/// Starts the task of a device; `id` is its name, as others keep it too.
///
/// # Errors
/// [`roost_runtime::StartError`].
async fn start(
    parts: &Arc<DeviceParts>,
    devices: &SupervisorHandle,
    id: Arc<str>,
    device: Device,
) -> Result<(), roost_runtime::StartError> {
    // Before anything is made for it: a second inbox would take what nobody reads, and commands find the last one made.
    if devices.child(&id).is_some() {
        return Err(roost_runtime::StartError::AlreadyStarted(id));
    }
    devices.start_child(child(parts, id, device, None)).await
}

/// Replaces the task of a device by one that knows its profile as it is now. What waits in its inbox passes over; its
/// commands are followed elsewhere and notice nothing.
///
/// # Errors
/// [`roost_runtime::StartError`].
async fn replace(
    parts: &Arc<DeviceParts>,
    devices: &SupervisorHandle,
    id: Arc<str>,
    device: Device,
) -> Result<(), roost_runtime::StartError> {
    let heir = parts.handover.announce(&device.id);
    let inbox = match devices.terminate_child(&device.id).await {
        Ok(()) => heir.inbox().await,
        Err(roost_runtime::StartError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    devices.start_child(child(parts, id, device, inbox)).await
}

/// The child of a device, with the inbox that its predecessor left.
fn child(parts: &Arc<DeviceParts>, id: Arc<str>, device: Device, left: Option<Subscription>) -> ChildSpec {
    let name = Arc::clone(&id);
    let inbox = inbox(parts, &id, &device, left);
    if let (Some(inbox), Some(before)) = (&inbox, parts.handover.lingering(&name)) {
        inbox.inherit(&before);
    }
    let orders = matches!(device.link(), Link::Wired { .. }).then(Box::default);
    let profile = parts.codecs.name(&device.profile);
    let env = Arc::new(DeviceEnv {
        parts: Arc::clone(parts),
        device: Known::new(id, profile, device),
        memory: Mutex::default(),
        awaited: AtomicU32::new(0),
        orders,
        inbox,
    });
    let listed = parts.commands.list(&env);
    ChildSpec::new(name, move |context| {
        // Commands find the device for as long as it has a specification, whether its task waits or runs.
        let _ = &listed;
        let env = Arc::clone(&env);
        // Boxes of their own: the future of the many must not have the size of the few.
        let task: Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> = match env.device.link() {
            Link::Mqtt { .. } => Box::pin(mqtt::run(env, context)),
            Link::Wired { .. } => Box::pin(wired::run(env, context)),
        };
        task
    })
    .backoff(Backoff::DEVICE)
}

/// The inbox of a device that speaks MQTT: the one that is left, or a new one, tuned to what its profile says.
fn inbox(
    parts: &DeviceParts,
    id: &Arc<str>,
    device: &Device,
    left: Option<Subscription>,
) -> Option<Subscription> {
    let Link::Mqtt { profile } = device.link() else {
        return None;
    };
    let policy = roost_runtime::Policy::HoldThenShut;
    let capacity = roost_runtime::Capacity {
        bytes: INBOX_BYTES,
        ..parts.inbox_messages.into()
    };
    let left = left.or_else(|| parts.handover.take(&device.id));
    let mut inbox = left.unwrap_or_else(|| parts.bus.subscriber(capacity, policy));
    let codec = parts.codecs.get(profile);
    let filters = codec.map(|codec| codec.filters(&device.id)).unwrap_or_default();
    inbox.tune(Arc::clone(id), &filters);
    Some(inbox)
}
