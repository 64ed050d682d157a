//! A connected user of a simulator and the calls every Calendar test makes.

#![expect(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, reason = "tests")]

use reqwest::Method;
use serde_json::{Value, json};
use zoho_sim::Switches;

use crate::common::{World, start_with};

/// Bruno (Europe/Madrid, data centre `eu`) with a token and his default calendar.
pub struct Bruno {
    pub world: World,
    pub token: String,
    pub uid: String,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The first event.
    pub fn event(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.body);
        &self.body["events"][0]
    }

    /// The events.
    pub fn events(&self) -> &Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["events"].as_array().unwrap()
    }

    /// Whether it is this error, in Zoho's array.
    pub fn is_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["error"][0]["error_code"], code, "{}", self.body);
        assert!(!self.body["error"][0]["message"].as_str().unwrap().is_empty());
    }
}

/// Bruno at a Zoho with these switches.
pub async fn bruno_with(switches: Switches) -> Bruno {
    let world = start_with(switches).await;
    let token = world.connect("bruno@example.com").await.access;
    let mut bruno = Bruno { world, token, uid: String::new() };
    let answer = bruno.get("/calendars/primary", &[]).await;
    answer.body["calendars"][0]["uid"].as_str().unwrap().clone_into(&mut bruno.uid);
    bruno
}

/// Bruno at a Zoho with the usual switches.
pub async fn bruno() -> Bruno {
    bruno_with(Switches::default()).await
}

/// A meeting of half an hour on Tuesday, 10 March 2026, 10:00 in Madrid.
pub fn meeting() -> Value {
    json!({"title": "Intro call", "isallday": false,
        "dateandtime": {"timezone": "Europe/Madrid", "start": "20260310T100000+0100", "end": "20260310T103000+0100"}})
}

/// `meeting` with some keys changed; `null` takes a key out.
pub fn meeting_with(changes: Value) -> Value {
    let mut event = meeting();
    for (key, value) in changes.as_object().unwrap() {
        let object = event.as_object_mut().unwrap();
        if value.is_null() {
            object.remove(key);
        } else {
            object.insert(key.clone(), value.clone());
        }
    }
    event
}

/// A range as the list takes it.
pub fn range(start: &str, end: &str) -> String {
    json!({"start": start, "end": end}).to_string()
}

impl Bruno {
    pub fn events(&self) -> String {
        format!("/calendars/{}/events", self.uid)
    }

    pub fn event(&self, euid: &str) -> String {
        format!("/calendars/{}/events/{euid}", self.uid)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        self.send(self.world.api(Method::GET, "eu", &self.token, path).query(query)).await
    }

    pub async fn get_large(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        let request = self.world.api(Method::GET, "eu", &self.token, path).query(query);
        self.send(request.header("Accept", "application/json+large")).await
    }

    /// A write with form parameters.
    pub async fn form(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.world.api(method, "eu", &self.token, path).form(form)).await
    }

    /// A write with `eventdata` in a form.
    pub async fn write(&self, method: Method, path: &str, event: &Value) -> Answer {
        self.form(method, path, &[("eventdata", &event.to_string())]).await
    }

    pub async fn create(&self, event: &Value) -> Answer {
        self.write(Method::POST, &self.events(), event).await
    }

    /// Creates an event; gives uid and etag.
    pub async fn created(&self, event: &Value) -> (String, String) {
        let answer = self.create(event).await;
        let event = answer.event();
        (event["uid"].as_str().unwrap().to_owned(), event["etag"].as_str().unwrap().to_owned())
    }

    pub async fn read(&self, euid: &str) -> Answer {
        self.get(&self.event(euid), &[]).await
    }

    pub async fn etag(&self, euid: &str) -> String {
        let answer = self.read(euid).await;
        let master = answer.events().iter().find(|event| event.get("etag").is_some()).unwrap();
        master["etag"].as_str().unwrap().to_owned()
    }

    pub async fn delete(&self, euid: &str, etag: &str) -> Answer {
        self.send(self.world.api(Method::DELETE, "eu", &self.token, &self.event(euid)).header("etag", etag)).await
    }

    /// The occurrences between two instants.
    pub async fn occurrences(&self, start: &str, end: &str) -> Answer {
        self.get(&self.events(), &[("range", &range(start, end)), ("byinstance", "true")]).await
    }

    /// The starts of the occurrences between two instants.
    pub async fn starts(&self, start: &str, end: &str) -> Vec<String> {
        let answer = self.occurrences(start, end).await;
        answer.events().iter().map(|event| event["dateandtime"]["start"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn freebusy(&self, kind: &str, start: &str, end: &str) -> Answer {
        let query = [("uemail", "bruno@example.com"), ("sdate", start), ("edate", end), ("ftype", kind)];
        self.get("/calendars/freebusy", &query).await
    }

    /// A call to the control API; it must succeed.
    pub async fn control(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.send(self.world.request(method, "eu", &format!("/_sim{path}")).json(body)).await;
        assert!(answer.status < 300, "{}", answer.body);
        answer.body
    }

    /// An event by Bruno's own hand; gives its uid.
    pub async fn by_hand(&self, event: Value) -> String {
        let body = json!({"email": "bruno@example.com", "event": event});
        self.control(Method::POST, "/events", &body).await["uid"].as_str().unwrap().to_owned()
    }

    /// The recorded mails as `kind to`.
    pub async fn mails(&self) -> Vec<String> {
        let mails = self.send(self.world.request(Method::GET, "eu", "/_sim/mails")).await.body;
        let line = |mail: &Value| format!("{} {}", mail["kind"].as_str().unwrap(), mail["to"].as_str().unwrap());
        mails["mails"].as_array().unwrap().iter().map(line).collect()
    }
}
