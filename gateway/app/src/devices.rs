//! Devices: their records, and a supervised task for each, whatever it is connected by.

mod book;
mod commands;
mod freshness;
mod intake;
mod mqtt;
mod points;
mod profiles;
mod registrar;
mod requests;
mod wired;

pub(crate) use book::DeviceBook;
pub(crate) use commands::{Commands, child as commands, forget_old};
pub(crate) use freshness::{FreshnessWatch, child as freshness};
pub(crate) use intake::Intake;
pub(crate) use intake::restore;
pub(crate) use profiles::Codecs;
pub(crate) use registrar::registrar;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use roost_drivers::CodecMemory;
use roost_model::{Device, Link};
use roost_runtime::{Backoff, Bus, ChildSpec, Presence, Subscription, SupervisorHandle};
use roost_store::Store;

use crate::buses::Buses;

/// What every device's task needs.
pub(crate) struct DeviceParts {
    /// The bus.
    pub(crate) bus: Bus,
    /// Who is connected.
    pub(crate) presence: Presence,
    /// Where readings go in.
    pub(crate) intake: Intake,
    /// Codecs by profile.
    pub(crate) codecs: Codecs,
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

/// What one device's task needs.
struct DeviceEnv {
    parts: Arc<DeviceParts>,
    device: Device,
    /// What its codec remembers of it: here, because whoever sends it a command needs it too.
    memory: Mutex<CodecMemory>,
    /// How many commands wait for the device to say something. While there is none, nobody is told what it says.
    awaited: AtomicU32,
    /// What a wired device is to write.
    orders: Option<Box<commands::Orders>>,
}

impl DeviceEnv {
    fn set_awaited(&self, count: u32) {
        self.awaited.store(count, Ordering::Release);
    }

    fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire) > 0
    }

    /// Tells those who follow its commands what the device said, if anybody waits for it.
    async fn tell(&self, said: commands::Said) {
        if self.is_awaited() {
            Box::pin(self.parts.commands.tell(&self.device.id, said)).await;
        }
    }
}

/// Starts the task of a device.
///
/// # Errors
/// [`roost_runtime::StartError`].
async fn start(
    parts: &Arc<DeviceParts>,
    devices: &SupervisorHandle,
    device: Device,
) -> Result<(), roost_runtime::StartError> {
    devices.start_child(child(parts, device)).await
}

/// The child of a device. Its subscription is made here, once, and outlives the task's crashes: what a device says
/// while its task waits to be restarted stays in the queue.
fn child(parts: &Arc<DeviceParts>, device: Device) -> ChildSpec {
    let name = device.id.clone();
    let inbox = Arc::new(inbox(parts, &device));
    // The task has no use for these, and there are ten thousand of it.
    let device = Device {
        secret_hash: String::new(),
        label: String::new(),
        ..device
    };
    let orders = matches!(device.link(), Link::Wired { .. }).then(Box::default);
    let env = Arc::new(DeviceEnv {
        parts: Arc::clone(parts),
        device,
        memory: Mutex::default(),
        awaited: AtomicU32::new(0),
        orders,
    });
    let listed = parts.commands.list(&env);
    ChildSpec::new(name, move |context| {
        // Commands find the device for as long as it has a specification, whether its task waits or runs.
        let _ = &listed;
        let (env, inbox) = (Arc::clone(&env), Arc::clone(&inbox));
        async move {
            match env.device.link() {
                Link::Mqtt { .. } => mqtt::run(env, inbox, context).await,
                // Boxed: there are few of them, and the future of the many must not have their size.
                Link::Wired { .. } => Box::pin(wired::run(env, context)).await,
            }
        }
    })
    .backoff(Backoff::DEVICE)
}

fn inbox(parts: &DeviceParts, device: &Device) -> Subscription {
    let mut inbox = parts
        .bus
        .subscriber(parts.inbox_messages, roost_runtime::Policy::DropOldest);
    if let Link::Mqtt { profile } = device.link()
        && let Some(codec) = parts.codecs.get(profile)
    {
        for filter in codec.filters(&device.id) {
            // Retained raw messages are old news; the last value is known already.
            let _ = inbox.add(filter, roost_runtime::QoS::AtLeastOnce);
        }
    }
    inbox
}
