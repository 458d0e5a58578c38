//! Clients that are no devices (dashboards, bridges, programs): their records, and requests to change them.

mod book;

use std::sync::Arc;

use roost_model::{Client, Filter};
use roost_mqtt::{Access, Broker};
use roost_runtime::{BoxError, Bus, ChildSpec, Context, Policy};
use roost_store::Store;
use serde_json::{Map, Value, json};

pub(crate) use book::{ClientBook, ClientError, NewClient, shown};

use crate::gateway::Gateway;
use crate::requests::{self, id};

/// Requests that wait; one more is told that nobody has time.
const QUEUE: usize = 64;
/// Where requests come in.
const REQUESTS: &str = "$roost/clients/+";

/// Answers requests about clients, and has the broker know them.
struct Clients {
    book: ClientBook,
    bus: Bus,
    store: Store,
    access: Arc<Access>,
    broker: Arc<Broker>,
}

/// The child that lets clients in and changes their records. It is ready when all may connect.
#[must_use]
pub(crate) fn clients(gateway: &Arc<Gateway>) -> ChildSpec {
    let gateway = Arc::clone(gateway);
    let start = move |context| {
        let clients = Clients {
            book: ClientBook::new(gateway.store.clone(), gateway.book.secrets().clone()),
            bus: gateway.bus.clone(),
            store: gateway.store.clone(),
            access: Arc::clone(&gateway.access),
            broker: Arc::clone(&gateway.broker),
        };
        clients.run(context)
    };
    ChildSpec::new("clients", start).awaits_ready()
}

impl Clients {
    async fn run(self, context: Context) -> Result<(), BoxError> {
        let mut inbox = self.bus.subscriber(QUEUE, Policy::DropNewest);
        inbox.serve(Filter::new(REQUESTS)?);
        self.let_in().await?;
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

    /// Makes those who may connect and the records agree: an earlier task may have ended between the two.
    async fn let_in(&self) -> Result<(), BoxError> {
        let clients = self.on_disk(|book| book.list()).await??;
        for known in self.access.clients() {
            if !clients.iter().any(|client| *client.id == *known) {
                self.turn_out(&known);
            }
        }
        for client in &clients {
            self.access.set_client(client);
        }
        Ok(())
    }

    /// A client is no more.
    fn turn_out(&self, id: &str) {
        self.access.remove_client(id);
        self.broker.disconnect(id);
        self.broker.forget(id);
    }

    async fn answer(&self, what: String, request: Map<String, Value>) -> Result<Value, BoxError> {
        match what.as_str() {
            "add" => self.add(request).await,
            "change" => self.change(request).await,
            "remove" => self.remove(&request).await,
            "secret" => self.secret(&request).await,
            other => requests::unknown(other),
        }
    }

    async fn add(&self, params: Map<String, Value>) -> Result<Value, BoxError> {
        match self.on_disk(move |book| book.add(&params)).await? {
            Ok(NewClient { client, secret }) => {
                self.access.set_client(&client);
                Ok(json!({ "client": shown(&client), "secret": secret }))
            }
            Err(error) => refused(error),
        }
    }

    async fn change(&self, mut request: Map<String, Value>) -> Result<Value, BoxError> {
        let id = id(&request)?;
        let Some(Value::Object(params)) = request.remove("params") else {
            return Err("`params` is missing".into());
        };
        match self.on_disk(move |book| book.change(&id, &params)).await? {
            Ok(Some(client)) => {
                self.judge_anew(&client);
                Ok(json!({ "client": shown(&client) }))
            }
            Ok(None) => Ok(json!({ "not_found": true })),
            Err(error) => refused(error),
        }
    }

    async fn remove(&self, request: &Map<String, Value>) -> Result<Value, BoxError> {
        let id = id(request)?;
        let removed = {
            let id = id.clone();
            self.on_disk(move |book| book.remove(&id)).await??
        };
        if removed {
            self.turn_out(&id);
        }
        Ok(json!({ "removed": removed }))
    }

    async fn secret(&self, request: &Map<String, Value>) -> Result<Value, BoxError> {
        let id = id(request)?;
        match self.on_disk(move |book| book.renew_secret(&id)).await? {
            Ok(Some(NewClient { client, secret })) => {
                self.judge_anew(&client);
                Ok(json!({ "secret": secret }))
            }
            Ok(None) => Ok(json!({ "not_found": true })),
            Err(error) => refused(error),
        }
    }

    /// First what it may do, then the end of what it does: a client that returns at once is judged by the new record.
    fn judge_anew(&self, client: &Client) {
        self.access.set_client(client);
        self.broker.disconnect(&client.id);
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ClientBook) -> T + Send + 'static,
    ) -> Result<T, BoxError> {
        let book = self.book.clone();
        Ok(self.store.run(move |_| Ok(work(&book))).await?)
    }
}

fn refused(error: ClientError) -> Result<Value, BoxError> {
    match error {
        ClientError::Invalid(fields) => Ok(json!({ "errors": [{ "fields": fields }] })),
        ClientError::Store(error) => Err(error.into()),
    }
}
