//! A gateway for the tests of its web side: a store in a temporary folder, a bus, a small registrar.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod desks;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use roost_model::{
    Client, ClockQuality, Command, CommandState, Device, Filter, Profile, Reading, Timestamp, Topic, Unit,
    Value,
};
use roost_runtime::{
    Bus, ChildSpec, Message, Policy, Presence, Shutdown, Strategy, Supervisor, SupervisorHandle,
};
use roost_store::{Changeset, Secrets, Store, StoreOptions};
use roost_web::{Bound, Facts, Web, WebOptions};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "token-of-the-tests";

pub(crate) struct Site {
    pub(crate) web: Arc<Web>,
    pub(crate) router: Router,
    shutdown: Shutdown,
    _dir: TempDir,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body, made sure that it is a problem in the right form.
    pub(crate) fn problem(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(
                json[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {json}"
            );
        }
        json
    }
}

pub(crate) fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) fn device(id: &str, label: &str) -> Device {
    Device {
        id: id.to_owned(),
        label: label.to_owned(),
        enabled: true,
        profile: "native".to_owned(),
        secret_hash: "ab".repeat(32),
        ..Device::default()
    }
}

pub(crate) fn sleeper(name: &str) -> ChildSpec {
    ChildSpec::new(name, |context| async move {
        context.ready();
        context.shutdown.requested().await;
        Ok(())
    })
}

impl Site {
    /// A gateway that listens on loopback, with these devices.
    pub(crate) async fn with(devices: Vec<Device>) -> Self {
        Self::at(
            WebOptions {
                address: ([127, 0, 0, 1], 0).into(),
                ..WebOptions::default()
            },
            devices,
        )
        .await
    }

    /// A gateway with a device that has two points and takes commands, and a second one that is silent.
    pub(crate) async fn usual() -> Self {
        let site = Self::with(vec![device("boiler", "Boiler"), device("lamp", "")]).await;
        desks::serve(&site.web.bus);
        site.publish("boiler", "temperature", Ok(Value::Float(21.5)), "°C", 1000);
        site.publish("boiler", "relay", Ok(Value::Bool(true)), "", 1000);
        site.retain("devices/boiler/status", r#"{"connected":true,"since_ms":5}"#);
        site
    }

    pub(crate) async fn at(options: WebOptions, devices: Vec<Device>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let ids: Vec<String> = devices.iter().take(3).map(|device| device.id.clone()).collect();
        let valid = devices
            .into_iter()
            .map(|device| Changeset::change_of(device).finish().unwrap());
        store.table().insert_all(valid.collect()).unwrap();
        let panel = Client {
            id: "panel".to_owned(),
            secret_hash: "ab".repeat(32),
            subscribes: vec!["devices/+/points/#".to_owned()],
            ..Client::default()
        };
        store
            .table()
            .put(Changeset::change_of(panel).finish().unwrap())
            .unwrap();
        let profile = Profile {
            id: "native".to_owned(),
            publishes: vec!["devices/{device}/telemetry/+".to_owned()],
            subscribes: vec!["devices/{device}/commands/+".to_owned()],
            ..Profile::default()
        };
        store
            .table()
            .put(Changeset::change_of(profile).finish().unwrap())
            .unwrap();
        let bus = Bus::default();
        let (supervisor, shutdown) = (Supervisor::dynamic("devices").no_intensity(), Shutdown::new());
        let children = supervisor.handle();
        let root = Supervisor::new("roost", Strategy::OneForOne);
        let tree = root.handle();
        tokio::spawn(
            root.child(sleeper("store"))
                .child(supervisor)
                .run(shutdown.clone()),
        );
        await_ready(&children).await;
        for id in ids {
            children.start_child(sleeper(&id)).await.unwrap();
        }
        tokio::spawn(registrar(bus.clone(), store.clone()));
        tokio::spawn(device_task(bus.clone(), store.clone()));
        let secrets = Secrets::open(&store).unwrap();
        let web = Arc::new(Web {
            token_hash: secrets.hash(TOKEN),
            secrets,
            store,
            presence: Presence::new(bus.clone()),
            bus,
            tree,
            devices: children,
            metrics: Arc::new(|| "roost_up 1\n".to_owned()),
            facts: Arc::new(|| Facts {
                version: "1.2.3".to_owned(),
                ..Facts::default()
            }),
            upgrades: Vec::new(),
            options,
            bound: Bound::default(),
        });
        tokio::task::yield_now().await;
        Self {
            router: roost_web::router(Arc::clone(&web)),
            web,
            shutdown,
            _dir: dir,
        }
    }

    pub(crate) fn retain(&self, topic: &str, body: &str) {
        let message = Message::new(Topic::new(topic).unwrap(), body.to_owned());
        self.web.bus.publish(message.retained());
    }

    /// A reading, and what the gateway says of its age.
    pub(crate) fn publish(
        &self,
        device: &str,
        point: &str,
        value: Result<Value, roost_model::NoData>,
        unit: &str,
        age_ms: i64,
    ) {
        let reading = Reading {
            seq: 7,
            at: Timestamp::from_unix_ms(now_ms() - age_ms, ClockQuality::Synced),
            value,
            unit: Unit::new(unit),
            cadence: Some(Duration::from_secs(10)),
        };
        let body = serde_json::to_string(&reading).unwrap();
        self.retain(&format!("devices/{device}/points/{point}"), &body);
        let word = match age_ms {
            ..=15_000 => return,
            15_001..=30_000 => "late",
            _ => "stale",
        };
        let said = json!({"freshness": word, "at_ms": 0}).to_string();
        self.retain(&format!("devices/{device}/points/{point}/freshness"), &said);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A request with the token, and a JSON body if there is one.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Json>) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        let request = match body {
            Some(json) => request
                .header("content-type", "application/json")
                .body(json.to_string().into()),
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    /// A request as a browser sends it, without a token.
    pub(crate) async fn visit(&self, path: &str) -> Reply {
        let request = Request::builder().uri(path).header("host", "localhost:8080");
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

pub(crate) async fn await_ready(supervisor: &SupervisorHandle) {
    while supervisor.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
}

/// Serves what the program's registrar serves, with as little behind it as the tests need.
async fn registrar(bus: Bus, store: Store) {
    let mut taker = bus.subscriber(100, Policy::DropOldest);
    taker.serve(Filter::new("$roost/devices/+").unwrap());
    taker.serve(Filter::new("$roost/clients/+").unwrap());
    while let Some(delivery) = taker.recv().await {
        let body: Json = serde_json::from_slice(&delivery.message.body).unwrap();
        if delivery.message.topic.as_str().starts_with("$roost/clients") {
            let what = delivery.message.topic.levels().last().unwrap();
            delivery
                .reply
                .unwrap()
                .send(client(&store, what, &body).to_string());
            continue;
        }
        let answer = match delivery.message.topic.levels().last().unwrap() {
            "add" => add(&store, &body),
            "change" => change(&store, &body),
            "remove" => {
                json!({"removed": store.table::<Device>().delete(body["id"].as_str().unwrap()).unwrap()})
            }
            _ if body["id"] == "boiler" => json!({"id": "boiler", "secret": "fresh-secret"}),
            _ => json!({"not_found": true}),
        };
        delivery.reply.unwrap().send(answer.to_string());
    }
}

/// What the program says of clients: the panel is there.
fn client(store: &Store, what: &str, body: &Json) -> Json {
    let panel = store.table::<Client>().get("panel").unwrap();
    let shown = |params: &Json| match Changeset::cast(Client::default(), params.as_object().unwrap()).finish()
    {
        Ok(client) => json!({"client": client.into_inner(), "secret": "first-secret"}),
        Err(fields) => json!({"errors": [{"fields": fields}]}),
    };
    match what {
        "add" => shown(body),
        "remove" => json!({"removed": panel.is_some() && body["id"] == "panel"}),
        _ if panel.is_none() || body["id"] != "panel" => json!({"not_found": true}),
        "change" => json!({"client": panel}),
        _ => json!({"secret": "fresh-secret"}),
    }
}

fn add(store: &Store, body: &Json) -> Json {
    let (mut added, mut errors, mut valid) = (vec![], vec![], vec![]);
    for (index, params) in body["devices"].as_array().unwrap().iter().enumerate() {
        if params["id"] == "broken" {
            return json!({"error": "the store takes no more"});
        }
        match Changeset::cast(Device::default(), params.as_object().unwrap()).finish() {
            Ok(device) => {
                added.push(json!({"id": device.id, "secret": "first-secret"}));
                valid.push(device);
            }
            Err(fields) => errors
                .push(json!({"index": index, "id": params["id"].as_str().unwrap_or(""), "fields": fields})),
        }
    }
    if errors.is_empty() {
        store.table().insert_all(valid).unwrap();
        return json!({ "added": added });
    }
    json!({ "errors": errors })
}

fn change(store: &Store, body: &Json) -> Json {
    let table = store.table::<Device>();
    let Some(device) = table.get(body["id"].as_str().unwrap()).unwrap() else {
        return json!({"not_found": true});
    };
    match Changeset::cast(device, body["params"].as_object().unwrap()).finish() {
        Ok(valid) => {
            table.put(valid.clone()).unwrap();
            json!({ "device": valid.into_inner() })
        }
        Err(fields) => json!({"errors": [{"index": 0, "id": body["id"], "fields": fields}]}),
    }
}

/// Takes commands to the boiler: its relay takes them, everything else is refused.
async fn device_task(bus: Bus, store: Store) {
    let mut taker = bus.subscriber(100, Policy::DropOldest);
    taker.serve(Filter::new("devices/boiler/points/+/set").unwrap());
    taker.serve(Filter::new("$roost/commands/cancel").unwrap());
    while let Some(delivery) = taker.recv().await {
        let body: Json = serde_json::from_slice(&delivery.message.body).unwrap();
        if delivery.message.topic.as_str().starts_with('$') {
            let command = store
                .table::<Command>()
                .get(body["id"].as_str().unwrap())
                .unwrap();
            let answer = match command {
                Some(mut command) => {
                    if !command.state.is_end() {
                        command.state = CommandState::Cancelled;
                    }
                    serde_json::to_string(&command).unwrap()
                }
                None => json!({"error": "there is no such command", "not_found": true}).to_string(),
            };
            delivery.reply.unwrap().send(answer);
            continue;
        }
        let point = delivery.message.topic.levels().nth(3).unwrap().to_owned();
        let command = Command {
            id: format!("c-{point}"),
            device: "boiler".to_owned(),
            value: Value::from_json(body["value"].clone()),
            state: match point.as_str() {
                "relay" => CommandState::Sent,
                _ => CommandState::Refused,
            },
            reason: (point != "relay").then(|| "takes no commands".to_owned()),
            is_final: point != "relay",
            priority: roost_model::Priority::Normal,
            key: body["key"].as_str().map(str::to_owned),
            confirm_point: None,
            verify_within_ms: 0,
            point,
            issued_ms: 1000,
            deadline_ms: 1000 + body["within_ms"].as_i64().unwrap_or(10_000),
            changed_ms: 1000,
            steps: vec![roost_model::Step {
                state: CommandState::Sent,
                at_ms: 1012,
            }],
            due: None,
        };
        store
            .table()
            .put(Changeset::change_of(command.clone()).finish().unwrap())
            .unwrap();
        delivery
            .reply
            .unwrap()
            .send(serde_json::to_string(&command).unwrap());
    }
}
