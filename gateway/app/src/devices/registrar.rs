//! The registrar: starts a task for every device at the gateway's start, and answers requests to add, change and
//! remove devices, which come over the bus so that nobody has to know it.

mod unfinished;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use roost_model::{Device, Filter};
use roost_mqtt::Broker;
use roost_runtime::{BoxError, ChildSpec, Context, Message, Policy, StartError, SupervisorHandle};
use roost_store::LastValues;
use serde_json::{Map, Value, json};
use tracing::info;

use self::unfinished::Unfinished;
use super::book::{AddError, Added, DeviceBook};
use super::{DeviceParts, replace, start};
use crate::gateway::Gateway;
use crate::requests::{self, id};

/// Requests that wait; one more is told that the registrar is busy.
const QUEUE: usize = 64;
/// Where requests come in.
const REQUESTS: &str = "$roost/devices/+";

/// How long the connections of a removed device may take to be gone before what they left is cleared all the same.
const GONE_WITHIN: Duration = Duration::from_secs(3);
const GONE_LOOK: Duration = Duration::from_millis(5);

struct Registrar {
    book: DeviceBook,
    parts: Arc<DeviceParts>,
    devices: SupervisorHandle,
    broker: Arc<Broker>,
    access: Arc<roost_mqtt::Access>,
    last_values: Arc<LastValues>,
    unfinished: Arc<Unfinished>,
}

/// The registrar's child. It is ready when every device has its task.
#[must_use]
pub(crate) fn registrar(gateway: &Arc<Gateway>, devices: SupervisorHandle) -> ChildSpec {
    let gateway = Arc::clone(gateway);
    let unfinished = Arc::new(Unfinished::default());
    let start = move |context| {
        let registrar = Registrar {
            book: gateway.book.clone(),
            parts: Arc::clone(&gateway.parts),
            devices: devices.clone(),
            broker: Arc::clone(&gateway.broker),
            access: Arc::clone(&gateway.access),
            last_values: Arc::clone(&gateway.last_values),
            unfinished: Arc::clone(&unfinished),
        };
        registrar.run(context)
    };
    ChildSpec::new("registrar", start).awaits_ready()
}

impl Registrar {
    async fn run(self, context: Context) -> Result<(), BoxError> {
        let mut inbox = self.parts.bus.subscriber(QUEUE, Policy::DropNewest);
        inbox.serve(Filter::new(REQUESTS)?);
        self.start_all().await?;
        context.ready();
        loop {
            tokio::select! {
                biased;
                () = context.shutdown.requested() => return Ok(()),
                Some(delivery) = inbox.recv() => {
                    requests::answer(delivery, |what, request| self.answer(what, request)).await;
                }
            }
        }
    }

    /// Makes tasks and records agree. After a crash of the registrar alone, devices that run go on undisturbed.
    async fn start_all(&self) -> Result<(), BoxError> {
        let book = self.book.clone();
        let devices = self.parts.store.run(move |_| book.list()).await?;
        let count = devices.len();
        self.finish_what_was_begun(&devices).await?;
        for device in devices {
            self.admit(device).await?;
        }
        info!(devices = count, "devices started");
        Ok(())
    }

    async fn admit(&self, device: Device) -> Result<(), BoxError> {
        let id = self.access.set_device(&device);
        if !device.enabled {
            return Ok(());
        }
        match start(&self.parts, &self.devices, id, device).await {
            Ok(()) | Err(StartError::AlreadyStarted(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn dismiss(&self, id: &str) -> Result<(), BoxError> {
        self.broker.disconnect(id);
        let _dismissed = self.parts.handover.dismiss(id);
        match self.devices.terminate_child(id).await {
            Ok(()) | Err(StartError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn answer(&self, what: String, request: Map<String, Value>) -> Result<Value, BoxError> {
        match what.as_str() {
            "add" => self.add(request).await,
            "change" => self.change(request).await,
            "remove" => self.remove(&request).await,
            "secret" => self.secret(&request).await,
            "reload" => self.reload(&request).await,
            other => requests::unknown(other),
        }
    }

    async fn add(&self, mut request: Map<String, Value>) -> Result<Value, BoxError> {
        let Some(Value::Array(list)) = request.remove("devices") else {
            return Err("`devices` is missing".into());
        };
        let params: Vec<Map<String, Value>> = list
            .into_iter()
            .map(|params| match params {
                Value::Object(params) => params,
                _ => Map::new(),
            })
            .collect();
        let added = match self.on_disk(move |book| book.add(&params)).await? {
            Ok(added) => added,
            Err(error) => return refused(error),
        };
        let mut answer = Vec::with_capacity(added.len());
        for Added { device, secret } in added {
            answer.push(json!({ "id": device.id, "secret": secret }));
            self.admit(device).await?;
        }
        Ok(json!({ "added": answer }))
    }

    async fn change(&self, mut request: Map<String, Value>) -> Result<Value, BoxError> {
        let id = id(&request)?;
        let Some(Value::Object(params)) = request.remove("params") else {
            return Err("`params` is missing".into());
        };
        let begun = self.unfinished.begin(&id, "");
        let changed = match self.on_disk(move |book| book.change(&id, &params)).await? {
            Ok(Some(device)) => device,
            Ok(None) => {
                begun.end();
                return Ok(json!({ "not_found": true }));
            }
            Err(error) => {
                begun.end();
                return refused(error);
            }
        };
        // First what it may do, then the end of what it does: a client that returns at once is judged anew.
        self.access.set_device(&changed);
        self.dismiss(&changed.id).await?;
        self.admit(changed.clone()).await?;
        begun.end();
        let mut shown = serde_json::to_value(&changed)?;
        if let Some(shown) = shown.as_object_mut() {
            shown.remove("secret_hash");
        }
        Ok(json!({ "device": shown }))
    }

    async fn remove(&self, request: &Map<String, Value>) -> Result<Value, BoxError> {
        let id = id(request)?;
        let profile = {
            let id = id.clone();
            let device = self
                .parts
                .store
                .run(move |store| store.table::<Device>().get(&id))
                .await?;
            device.map(|device| device.profile).unwrap_or_default()
        };
        let begun = self.unfinished.begin(&id, &profile);
        let removed = {
            let id = id.clone();
            self.on_disk(move |book| book.remove(&id)).await??
        };
        if removed {
            self.clear(&id, &profile).await?;
        }
        begun.end();
        Ok(json!({ "removed": removed }))
    }

    /// Ends the task of a device without a record, and forgets everything of it. Done twice is not more.
    async fn clear(&self, id: &str, profile: &str) -> Result<(), BoxError> {
        self.access.remove_device(id);
        self.dismiss(id).await?;
        self.broker.forget(id);
        self.parts.commands.removed(id);
        let (last_values, device) = (Arc::clone(&self.last_values), id.to_owned());
        self.parts
            .store
            .run(move |_| last_values.remove_device(&device))
            .await?;
        self.parts.recorder.forget(id);
        // What is retained of it would come back to every new subscriber.
        self.forget_retained(id, profile).await
    }

    /// Clears what the device, and the gateway about it, has left on the bus; after its connections have gone, which
    /// may leave a will.
    async fn forget_retained(&self, id: &str, profile: &str) -> Result<(), BoxError> {
        let begin = tokio::time::Instant::now();
        while self.parts.presence.contains(roost_mqtt::PRESENCE, id) && begin.elapsed() < GONE_WITHIN {
            tokio::time::sleep(GONE_LOOK).await;
        }
        let mut filters = vec![Filter::new(format!("devices/{id}/#"))?];
        filters.extend(
            self.parts
                .codecs
                .get(profile)
                .map(|codec| codec.leaves(id))
                .unwrap_or_default(),
        );
        for message in filters.iter().flat_map(|filter| self.parts.bus.retained(filter)) {
            self.parts
                .bus
                .publish(Message::new(message.topic.clone(), Bytes::new()).retained());
        }
        Ok(())
    }

    /// A profile is not what it was: its devices go on with the new one.
    async fn reload(&self, request: &Map<String, Value>) -> Result<Value, BoxError> {
        let profile = request
            .get("profile")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let speaks =
            |device: &Device| device.enabled && device.driver.is_empty() && device.profile == profile;
        let mut devices = self.on_disk(|book| book.list()).await??;
        devices.retain(speaks);
        let count = devices.len();
        let now_ms = self.parts.intake.now().unix_ms();
        for device in devices {
            self.parts
                .recorder
                .remark(&device.id, now_ms, "the profile was changed");
            let id = self.access.name_of(&device);
            replace(&self.parts, &self.devices, id, device).await?;
        }
        info!(profile, devices = count, "devices go on with the changed profile");
        Ok(json!({ "reloaded": count }))
    }

    async fn secret(&self, request: &Map<String, Value>) -> Result<Value, BoxError> {
        let id = id(request)?;
        match self.on_disk(move |book| book.renew_secret(&id)).await? {
            Ok(Some((device, secret))) => {
                self.access.set_device(&device);
                self.broker.disconnect(&device.id);
                Ok(json!({ "id": device.id, "secret": secret }))
            }
            Ok(None) => Ok(json!({ "not_found": true })),
            Err(error) => refused(error),
        }
    }

    /// Does something with the book where it may wait for the disk.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DeviceBook) -> T + Send + 'static,
    ) -> Result<T, BoxError> {
        let book = self.book.clone();
        Ok(self.parts.store.run(move |_| Ok(work(&book))).await?)
    }
}

fn refused(error: AddError) -> Result<Value, BoxError> {
    match error {
        AddError::Invalid(wrong) => {
            let errors: Vec<Value> = wrong
                .into_iter()
                .map(|(index, id, fields)| json!({ "index": index, "id": id, "fields": fields }))
                .collect();
            Ok(json!({ "errors": errors }))
        }
        error => Err(error.into()),
    }
}
