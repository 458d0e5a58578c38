//! The gateway put together: store, bus, broker and devices, opened in order, not running yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use hashbrown::HashSet;
use roost_drivers::CodecDef;
use roost_mqtt::{Access, Broker, Listen};
use roost_runtime::{Bus, Events, Presence};
use roost_store::{LastValues, Store, StoreOptions};
use tracing::{info, warn};

use crate::buses::Buses;
use crate::config::Config;
use crate::devices::onboarding::Onboarding;
use crate::devices::profiles::{Builders, Folder, Shelf};
use crate::devices::{Commands, DeviceBook, DeviceParts, Intake, Recorder, RecorderLimits, restore};
use crate::token::Token;

/// Events of the tree that a slow listener may fall behind.
const EVENTS: usize = 1024;

/// Everything that is shared by the tasks of a gateway.
pub struct Gateway {
    /// What it was told to be.
    pub(crate) config: Config,
    /// The bus.
    pub(crate) bus: Bus,
    /// Who is there.
    pub(crate) presence: Presence,
    /// The records.
    pub(crate) store: Store,
    /// The newest value of each point, on disk.
    pub(crate) last_values: Arc<LastValues>,
    /// Who may connect.
    pub(crate) access: Arc<Access>,
    /// The MQTT side.
    pub(crate) broker: Arc<Broker>,
    /// Where MQTT is listened for.
    pub(crate) listen: Listen,
    /// The board's buses.
    pub(crate) buses: Buses,
    /// What device tasks share.
    pub(crate) parts: Arc<DeviceParts>,
    /// The profiles, and where each comes from.
    pub(crate) profiles: Arc<Shelf>,
    /// By what clients are let in that no record knows.
    pub(crate) onboarding: Onboarding,
    /// The records of the devices.
    pub(crate) book: DeviceBook,
    /// What the API wants to see.
    pub(crate) token: Token,
    /// What happens in the tree.
    pub(crate) events: Events,
    /// When it was opened.
    pub(crate) started: Instant,
}

/// Where the store lies.
pub(crate) fn store_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("store")
}

pub(crate) fn open_store(config: &Config) -> anyhow::Result<Store> {
    let dir = &config.data_dir;
    std::fs::create_dir_all(dir).with_context(|| {
        format!(
            "can't make the data directory {}: check data_dir and who may write there",
            dir.display()
        )
    })?;
    let options = StoreOptions {
        cache_bytes: config.store.cache_bytes.get(),
    };
    Store::open(store_dir(dir), options).with_context(|| format!("can't open the store in {}", dir.display()))
}

pub(crate) fn open_book(config: &Config, store: &Store) -> anyhow::Result<DeviceBook> {
    let buses = config.buses.iter().map(|bus| bus.name.clone()).collect();
    Ok(DeviceBook::new(store.clone(), buses)?)
}

impl Gateway {
    /// Opens everything. `codecs` are tried before the built-in ones: a program of one's own may bring some.
    ///
    /// # Errors
    /// Whatever can't be opened, with what to do about it.
    pub fn open(config: Config, codecs: &[CodecDef]) -> anyhow::Result<Arc<Self>> {
        let store = open_store(&config)?;
        let book = open_book(&config, &store)?;
        let token = Token::open(&config.data_dir, book.secrets())?;
        let bus = Bus::new(config.mqtt.bus_limits());
        let presence = Presence::new(bus.clone());

        let access = Arc::new(Access::new(book.secrets().clone()));
        access.set_service(token.hash.clone());
        let onboarding = Onboarding::open(&config.data_dir, book.secrets().clone(), Arc::clone(&access))?;
        let profiles = open_profiles(&config, &store, &access, codecs)?;
        let sessions = config.data_dir.join("sessions");
        let broker = Broker::open(
            bus.clone(),
            presence.clone(),
            Arc::clone(&access),
            config.mqtt.limits(),
            &sessions,
        )
        .with_context(|| format!("can't open the sessions in {}", sessions.display()))?;
        let last_values = Arc::new(open_last_values(&config, &book, &bus)?);
        let intake = Intake::new(bus.clone(), Arc::clone(&last_values));
        let commands = Arc::new(Commands::open(&store)?);
        let buses = Buses::new(&config.buses);
        let parts = Arc::new(DeviceParts {
            bus: bus.clone(),
            presence: presence.clone(),
            intake,
            codecs: Arc::clone(&profiles.codecs),
            profiles_dir: config.profiles_dir(),
            recorder: Recorder::new(RecorderLimits {
                device_bytes: config.devices.recorder_device_bytes.size(),
                all_bytes: config.devices.recorder_bytes.size(),
            }),
            backlogs: Default::default(),
            handover: Default::default(),
            buses: buses.clone(),
            store: store.clone(),
            inbox_messages: config.devices.inbox_messages.size(),
            command_within_ms: config.devices.command_within_s.get() * 1000,
            freshness: Arc::default(),
            commands,
        });
        let listen = Listen {
            plain: config.mqtt.listen,
            tls: config.mqtt.tls.open(),
        };
        let events = Events::new(EVENTS);
        let started = Instant::now();
        Ok(Arc::new(Self {
            config,
            bus,
            presence,
            store,
            last_values,
            access,
            broker,
            listen,
            buses,
            parts,
            profiles,
            onboarding,
            book,
            token,
            events,
            started,
        }))
    }
}

impl Gateway {
    /// Reads again what may have changed on disk and needs no restart.
    pub(crate) fn renew(&self) {
        if let Some((_, certificates)) = &self.listen.tls {
            certificates.renew();
        }
    }
}

fn open_profiles(
    config: &Config,
    store: &Store,
    access: &Arc<Access>,
    codecs: &[CodecDef],
) -> anyhow::Result<Arc<Shelf>> {
    let dir = config.profiles_dir();
    let (folder, builders) = (Folder::new(&dir), Builders::new(codecs));
    let shelf = Shelf::new(folder, builders, Arc::default(), Arc::clone(access), store);
    shelf
        .fill()
        .with_context(|| format!("can't read the profiles in {}", dir.display()))?;
    Ok(Arc::new(shelf))
}

fn open_last_values(config: &Config, book: &DeviceBook, bus: &Bus) -> anyhow::Result<LastValues> {
    let path = config.data_dir.join("last-values");
    let (last_values, known) = LastValues::open(&path)
        .with_context(|| format!("can't open the last values in {}", path.display()))?;
    if last_values.skipped() > 0 {
        warn!(
            damaged = last_values.skipped(),
            "some last values were damaged and are left out"
        );
    }
    let devices: HashSet<String> = book.list()?.into_iter().map(|device| device.id).collect();
    let restored = restore(bus, &last_values, &known, |device| devices.contains(device))?;
    info!(values = restored, "last values restored");
    Ok(last_values)
}
