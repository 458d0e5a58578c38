//! Clients in the API: dashboards, bridges and programs that connect by MQTT. Who changes them decides; what it says
//! about fields is handed through.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use roost_model::Client;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::input::{Body, Path, check_id};
use super::schemas::{ClientChange, NewClient};
use super::{Answer, PREFIX};
use crate::problem::Problem;
use crate::registrar::{self, Added};
use crate::site::Site;

/// A client.
#[derive(Serialize, ToSchema)]
#[schema(as = Client)]
pub(crate) struct ClientAnswer {
    /// Unique name: its user name.
    id: String,
    /// What people call it.
    label: String,
    /// Whether it may connect.
    enabled: bool,
    /// Filters that it may publish to.
    publishes: Vec<String>,
    /// Filters that it may subscribe to.
    subscribes: Vec<String>,
}

impl From<Client> for ClientAnswer {
    /// Field by field, so that a secret does not leave by accident.
    fn from(client: Client) -> Self {
        Self {
            id: client.id,
            label: client.label,
            enabled: client.enabled,
            publishes: client.publishes,
            subscribes: client.subscribes,
        }
    }
}

/// All clients, by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientList {
    items: Vec<ClientAnswer>,
}

/// Lists the clients that are no devices, by id.
#[utoipa::path(get, path = "/clients", tag = "clients",
    responses((status = 200, description = "Clients", body = ClientList)))]
pub(crate) async fn list(State(site): State<Arc<Site>>) -> Answer {
    let clients = site.web.store.run(|store| store.table::<Client>().all()).await?;
    let items = clients.into_iter().map(ClientAnswer::from).collect();
    Ok(Json(ClientList { items }).into_response())
}

/// Gives one client.
#[utoipa::path(get, path = "/clients/{id}", tag = "clients",
    params(("id" = String, Path, description = "The client")),
    responses((status = 200, description = "The client", body = ClientAnswer),
        (status = 404, description = "No such client", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn get(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("client", &id)?;
    let client = {
        let id = id.clone();
        let read = move |store: &roost_store::Store| store.table::<Client>().get(&id);
        site.web.store.run(read).await?
    };
    let client = client.ok_or_else(|| Problem::not_found("client", &id))?;
    Ok(Json(ClientAnswer::from(client)).into_response())
}

/// Adds a client. The secret that is made for it is in this answer and in no other; one that was sent along is in none.
#[utoipa::path(post, path = "/clients", tag = "clients", request_body = NewClient,
    responses((status = 201, description = "Added", body = Added, headers(("Location" = String))),
        (status = 422, description = "Fields are wrong", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn add(State(site): State<Arc<Site>>, Body(fields): Body<Map<String, Value>>) -> Answer {
    let answer = registrar::ask(&site.web.bus, "clients/add", fields.into()).await?;
    let (client, secret) = answer.client()?;
    let location = [(header::LOCATION, format!("{PREFIX}/clients/{}", client.id))];
    let added = Added {
        id: client.id,
        secret,
    };
    Ok((StatusCode::CREATED, location, Json(added)).into_response())
}

/// Changes a client: the members that are sent, and no others. Its connections end, and are judged anew.
#[utoipa::path(patch, path = "/clients/{id}", tag = "clients", request_body = ClientChange,
    params(("id" = String, Path, description = "The client")),
    responses((status = 200, description = "The client as it is now", body = ClientAnswer),
        (status = 404, description = "No such client", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn change(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Body(fields): Body<Map<String, Value>>,
) -> Answer {
    check_id("client", &id)?;
    let request = json!({ "id": id, "params": fields });
    let answer = registrar::ask(&site.web.bus, "clients/change", request).await?;
    let (client, _) = answer.found("client", &id)?.client()?;
    Ok(Json(ClientAnswer::from(client)).into_response())
}

/// Removes a client; its connections end.
#[utoipa::path(delete, path = "/clients/{id}", tag = "clients",
    params(("id" = String, Path, description = "The client")),
    responses((status = 204, description = "It is gone"),
        (status = 404, description = "No such client", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn remove(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("client", &id)?;
    let answer = registrar::ask(&site.web.bus, "clients/remove", json!({ "id": id })).await?;
    answer.removed("client", &id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a new secret for a client. The old one works no longer; the new one is in this answer and in no other.
#[utoipa::path(post, path = "/clients/{id}/secret", tag = "clients",
    params(("id" = String, Path, description = "The client")),
    responses((status = 200, description = "The new secret", body = Added),
        (status = 404, description = "No such client", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn renew_secret(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Answer {
    check_id("client", &id)?;
    let answer = registrar::ask(&site.web.bus, "clients/secret", json!({ "id": id })).await?;
    let secret = Some(answer.found("client", &id)?.secret()?);
    Ok(Json(Added { id, secret }).into_response())
}
