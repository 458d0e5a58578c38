//! The desk of the profiles: notices files that change, and answers whoever reads, tries and edits profiles.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use roost_model::{Device, Filter, Topic, check_name};
use roost_runtime::{BoxError, ChildSpec, Context, Policy};
use serde_json::{Map, Value, json};
use tracing::warn;

use super::check::{ProfileFault, check};
use super::shelf::{Shelf, builtin};
use super::trial;
use crate::devices::{DeviceParts, recorder};
use crate::requests;

/// Requests that wait.
const QUEUE: usize = 64;
/// Where requests come in.
const REQUESTS: &str = "$roost/profiles/+";
/// How often the folder is looked at: a handful of files, whose names and times the kernel has in memory.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the registrar may take to hand ten thousand devices over to a new codec.
const RELOAD_WITHIN: Duration = Duration::from_secs(60);

struct Desk {
    shelf: Arc<Shelf>,
    parts: Arc<DeviceParts>,
}

/// The desk's child.
#[must_use]
pub(crate) fn child(shelf: &Arc<Shelf>, parts: &Arc<DeviceParts>) -> ChildSpec {
    let (shelf, parts) = (Arc::clone(shelf), Arc::clone(parts));
    let start = move |context| {
        let (shelf, parts) = (Arc::clone(&shelf), Arc::clone(&parts));
        Desk { shelf, parts }.run(context)
    };
    ChildSpec::new("profiles", start).awaits_ready()
}

impl Desk {
    async fn run(self, context: Context) -> Result<(), BoxError> {
        let mut inbox = self.parts.bus.subscriber(QUEUE, Policy::DropNewest);
        inbox.serve(Filter::new(REQUESTS)?);
        context.ready();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = context.shutdown.requested() => return Ok(()),
                Some(delivery) = inbox.recv() => {
                    requests::answer(delivery, |what, request| self.answer(what, request)).await;
                }
                _ = looks.tick() => Box::pin(self.look()).await?,
            }
        }
    }

    /// Does something with the shelf where it may wait for the disk.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> T + Send + 'static,
    ) -> Result<T, BoxError> {
        let shelf = Arc::clone(&self.shelf);
        Ok(self.parts.store.run(move |_| Ok(work(&shelf))).await?)
    }

    /// Puts to use what has changed in the folder, and hands the devices over.
    async fn look(&self) -> Result<(), BoxError> {
        match self.on_disk(Shelf::refresh).await? {
            Ok(changed) => {
                for profile in changed {
                    let body = json!({ "profile": profile }).to_string();
                    let topic = Topic::new("$roost/devices/reload")?;
                    let asked = self.parts.bus.request(topic, body.into(), RELOAD_WITHIN).await;
                    if let Err(error) = asked {
                        warn!(profile, %error, "devices go on with the profile they have until they are restarted");
                    }
                }
            }
            Err(error) => warn!(%error, "the folder of profiles can't be read"),
        }
        Ok(())
    }

    async fn answer(&self, what: String, request: Map<String, Value>) -> Result<Value, BoxError> {
        let request = Value::Object(request);
        match what.as_str() {
            "list" => self.list().await,
            "get" => self.get(&request).await,
            "put" => self.put(&request).await,
            "delete" => self.delete(&request).await,
            "restore" => self.restore(&request).await,
            "try" => self.try_on(&request).await,
            other => requests::unknown(other),
        }
    }

    async fn list(&self) -> Result<Value, BoxError> {
        let slots = self.on_disk(Shelf::slots).await?;
        let items: Vec<Value> = slots
            .into_iter()
            .map(|(id, slot)| json!({ "id": id, "origin": slot.origin, "faults": slot.faults }))
            .collect();
        Ok(json!({ "items": items }))
    }

    async fn get(&self, request: &Value) -> Result<Value, BoxError> {
        let id = name(request, "id")?;
        self.on_disk(move |shelf| {
            let slot = shelf.slots().remove(&id);
            let versions: Vec<u64> = shelf.folder.versions(&id).into_iter().map(unix_ms).collect();
            let Some(slot) = slot else {
                return json!({ "not_found": true, "versions": versions });
            };
            // A broken file is shown as it is: it is there to be put right.
            let text = shelf.folder.read(&id).unwrap_or(slot.text);
            json!({
                "id": id, "text": text, "origin": slot.origin, "faults": slot.faults, "versions": versions,
                "built_in": builtin(&id).is_some(),
            })
        })
        .await
    }

    async fn put(&self, request: &Value) -> Result<Value, BoxError> {
        let (id, text) = (name(request, "id")?, text(request)?);
        self.save(id, text).await
    }

    async fn save(&self, id: String, text: String) -> Result<Value, BoxError> {
        let written = self
            .on_disk(move |shelf| match check(&id, &text, &shelf.builders) {
                Ok(_) => shelf.folder.write(&id, &text).map(|()| Vec::new()),
                Err(faults) => Ok(faults),
            })
            .await??;
        self.outcome(written).await
    }

    async fn outcome(&self, faults: Vec<ProfileFault>) -> Result<Value, BoxError> {
        if !faults.is_empty() {
            return Ok(json!({ "faults": faults }));
        }
        self.look().await?;
        Ok(json!({ "ok": true }))
    }

    async fn delete(&self, request: &Value) -> Result<Value, BoxError> {
        let id = name(request, "id")?;
        let speakers = self.speakers(&id).await?;
        if builtin(&id).is_none() && speakers > 0 {
            return Ok(json!({ "in_use": speakers }));
        }
        let removed = self.on_disk(move |shelf| shelf.folder.remove(&id)).await?;
        match removed {
            Ok(()) => self.outcome(Vec::new()).await,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(json!({ "not_found": true })),
            Err(error) => Err(error.into()),
        }
    }

    /// How many devices speak a profile.
    async fn speakers(&self, id: &str) -> Result<usize, BoxError> {
        let devices = self
            .parts
            .store
            .run(|store| store.table::<Device>().all())
            .await?;
        Ok(devices.iter().filter(|device| device.profile == id).count())
    }

    /// Takes a previous version again. What is in use now becomes a previous version, so that this can be undone too.
    async fn restore(&self, request: &Value) -> Result<Value, BoxError> {
        let id = name(request, "id")?;
        let number = request.get("version").and_then(Value::as_u64).unwrap_or(1);
        let (wanted, number) = (id.clone(), usize::try_from(number)?);
        match self
            .on_disk(move |shelf| shelf.folder.previous(&wanted, number))
            .await?
        {
            Ok(text) => self.save(id, text).await,
            Err(_) => Ok(json!({ "not_found": true })),
        }
    }

    /// What a text would make of the last messages of a device, beside what is made of them now.
    async fn try_on(&self, request: &Value) -> Result<Value, BoxError> {
        let (id, text) = (name(request, "id")?, text(request)?);
        let device = request
            .get("device")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let (entries, _) = recorder::desk::known(&self.parts, &device, &id);
        let answer = self.on_disk(move |shelf| match check(&id, &text, &shelf.builders) {
            Err(faults) => json!({ "faults": faults }),
            Ok(checked) => {
                let before = shelf.codecs.get(&id);
                let frames = trial::compare(&device, &entries, before.as_deref(), checked.codec.as_ref());
                json!({ "frames": frames })
            }
        });
        answer.await
    }
}

fn name(request: &Value, field: &str) -> Result<String, BoxError> {
    let name = request.get(field).and_then(Value::as_str).unwrap_or_default();
    check_name(name).map_err(|error| format!("{field}: a name {error}"))?;
    Ok(name.to_owned())
}

fn text(request: &Value) -> Result<String, BoxError> {
    let text = request.get("text").and_then(Value::as_str);
    // Browsers send line ends as they like.
    text.map(|text| text.replace("\r\n", "\n"))
        .ok_or_else(|| "`text` is missing".into())
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}
