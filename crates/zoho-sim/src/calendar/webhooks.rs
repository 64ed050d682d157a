//! `/webHooksPresence/external`: addresses that Zoho's partners register to hear of events. Not documented and not
//! signed; kept here so that a client can be tested against it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;

use super::{
    Ctx,
    errors::{Refusal, Reply},
    model::Event,
    view::Viewer,
};
use crate::{accounts::UserId, world::World};

/// Registered addresses, and what is to be sent to them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Webhooks {
    registered: Vec<Registered>,
    #[serde(skip)]
    due: VecDeque<Delivery>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Registered {
    id: u64,
    user: UserId,
    url: String,
    service_id: String,
    /// `newEvent`, `editEvent` or `deleteEvent`.
    name: String,
}

/// One message to one address.
#[derive(Debug)]
pub(crate) struct Delivery {
    url: String,
    body: Value,
}

impl Webhooks {
    pub(crate) fn take_due(&mut self) -> Vec<Delivery> {
        self.due.drain(..).collect()
    }

    fn enqueue(&mut self, owner: UserId, name: &str, data: &Value) {
        let wanted = self.registered.iter().filter(|hook| hook.user == owner && hook.name == name);
        let due: Vec<Delivery> = wanted.map(|hook| Delivery { url: hook.url.clone(), body: json!({"zc_data": data}) }).collect();
        self.due.extend(due);
    }
}

/// `GET`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["notifyUrl", "serviceId", "name"])?;
    let mine = ctx.world.calendars.webhooks.registered.iter().filter(|hook| hook.user == ctx.user.zuid);
    let shown: Vec<Value> = mine
        .filter(|hook| ctx.call.param("name").is_none_or(|name| name == hook.name))
        .filter(|hook| ctx.call.param("serviceId").is_none_or(|service| service == hook.service_id))
        .map(|hook| json!({"notifyUrl": hook.url, "notifyId": hook.id, "name": hook.name}))
        .collect();
    Ok(Reply::Json(200, json!({"notifyUrls": shown})))
}

/// `POST`.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["notifyUrl", "serviceId", "name"])?;
    let url = ctx.call.need("notifyUrl")?;
    Url::parse(url).map_err(|_| Refusal::pattern("notifyUrl"))?;
    let name = ctx.call.need("name")?;
    if !["newEvent", "editEvent", "deleteEvent"].contains(&name) {
        return Err(Refusal::pattern("name"));
    }
    let service_id = ctx.call.need("serviceId")?;
    let id = ctx.world.ids.number(1_000_000);
    ctx.world.calendars.webhooks.registered.push(Registered {
        id,
        user: ctx.user.zuid,
        url: url.to_owned(),
        service_id: service_id.to_owned(),
        name: name.to_owned(),
    });
    Ok(Reply::Json(200, json!({"notifyId": id})))
}

/// `DELETE`.
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["notifyId", "serviceId", "name"])?;
    let id: u64 = ctx.call.need("notifyId")?.parse().map_err(|_| Refusal::pattern("notifyId"))?;
    let registered = &mut ctx.world.calendars.webhooks.registered;
    let before = registered.len();
    registered.retain(|hook| hook.id != id || hook.user != ctx.user.zuid);
    if registered.len() == before {
        return Err(ctx.gone());
    }
    Ok(Reply::Json(200, json!({"notifyId": id})))
}

/// Tells those who registered for `newEvent` or `editEvent`.
pub(crate) fn changed(world: &mut World, name: &str, calendar_uid: &str, event: &Event) {
    let Some(calendar) = world.calendars.get(calendar_uid) else {
        return;
    };
    let Some(owner) = world.accounts.user(calendar.owner) else {
        return;
    };
    let data = Viewer::new(world, calendar, owner).event(event);
    let zuid = calendar.owner;
    world.calendars.webhooks.enqueue(zuid, name, &data);
}

/// Tells those who registered for `deleteEvent`.
pub(crate) fn deleted(world: &mut World, calendar_uid: &str, event_uid: &str) {
    if let Some(owner) = world.calendars.get(calendar_uid).map(|calendar| calendar.owner) {
        let data = json!({"uid": event_uid, "caluid": calendar_uid});
        world.calendars.webhooks.enqueue(owner, "deleteEvent", &data);
    }
}

/// Sends each message once, beside the answer that caused it. What becomes of it is only logged, as with Zoho nobody
/// is told either.
pub(crate) fn deliver(deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        tokio::spawn(async move {
            match post(&delivery).await {
                Ok(status) => tracing::debug!(url = %delivery.url, status, "a webhook was delivered"),
                Err(error) => {
                    tracing::warn!(url = %delivery.url, error = format!("{error:#}"), "a webhook was not delivered");
                }
            }
        });
    }
}

/// A plain HTTP/1.1 POST: the simulator talks to other programs on this machine only, so TLS is not needed.
async fn post(delivery: &Delivery) -> anyhow::Result<String> {
    let url = Url::parse(&delivery.url)?;
    anyhow::ensure!(url.scheme() == "http", "the simulator delivers to http addresses only");
    let host = url.host_str().unwrap_or_default();
    let mut stream = TcpStream::connect((host, url.port_or_known_default().unwrap_or(80))).await?;
    let body = delivery.body.to_string();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let request = format!(
        "POST {}{query} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        url.path(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let status = String::from_utf8_lossy(&answer).lines().next().map(str::to_owned);
    status.ok_or_else(|| anyhow::anyhow!("the address closed the connection without an answer"))
}
