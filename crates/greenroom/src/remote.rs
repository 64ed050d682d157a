//! The API of a running server, for the commands that work over it. Which server and which key: `GREENROOM_URL`, `GREENROOM_API_KEY`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, StatusCode, Url, redirect::Policy};
use serde_json::Value;

use crate::config::{Variables, is_loopback};

/// Where a server listens unless it was told otherwise.
pub const DEFAULT_URL: &str = "http://localhost:8040";
/// A server reads calendars piece by piece; that takes its time.
const LIMIT: Duration = Duration::from_secs(90);

/// A running server.
pub struct Server {
    base: Url,
    key: Option<String>,
    client: Client,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body; null where it is not JSON.
    pub body: Value,
}

impl Answer {
    /// The body of a success, or the server's own sentence.
    pub fn success(self) -> Result<Value, String> {
        if self.status.is_success() { Ok(self.body) } else { Err(self.sentence()) }
    }

    /// What the server says in a problem document (RFC 9457) or in the first version's shape.
    pub fn sentence(&self) -> String {
        let said = ["detail", "error", "title"].iter().find_map(|name| self.body[name].as_str());
        match (said, self.body["field"].as_str()) {
            (Some(said), Some(field)) => format!("{field}: {said} ({})", self.status.as_u16()),
            (Some(said), None) => format!("{said} ({})", self.status.as_u16()),
            (None, _) => format!("the server answers {} without a reason", self.status),
        }
    }
}

impl Server {
    /// The server of the environment.
    #[expect(clippy::disallowed_methods, reason = "calls to our own server, with a limit and without redirects")]
    pub fn of(variables: &Variables) -> Result<Self> {
        let text = variables.get("GREENROOM_URL").unwrap_or(DEFAULT_URL);
        let base = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.with_context(|| format!("GREENROOM_URL `{text}` is not a web address such as {DEFAULT_URL}"))?;
        let key = variables.secret("GREENROOM_API_KEY")?;
        ensure!(key.as_deref().is_none_or(str::is_ascii), "GREENROOM_API_KEY holds letters that no key has; copy it again");
        let mut client = Client::builder().timeout(LIMIT).redirect(Policy::none());
        if is_loopback(&base) {
            // A proxy would look for it on its own machine.
            client = client.no_proxy();
        }
        let client = client.build().context("no HTTP client can be made")?;
        Ok(Self { base, key, client })
    }

    /// Its address, for people.
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether there is a key to call it with.
    pub const fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// An address on it: `parts` are escaped, each for itself.
    pub fn url(&self, parts: &[&str], query: &[(&str, &str)]) -> Result<Url> {
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("GREENROOM_URL has no path"))?.pop_if_empty().extend(parts);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// One call. An error means that no answer came.
    pub async fn call(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Answer> {
        let mut request = self.client.request(method, url);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        let text = answer.text().await.map_err(reqwest::Error::without_url)?;
        // What is no JSON is no answer of ours; the status says the rest.
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(url: &str) -> Result<Server> {
        // The first test of a process installs it; the others find it there.
        drop(rustls::crypto::ring::default_provider().install_default());
        Server::of(&Variables::of([("GREENROOM_URL", url.to_owned())]))
    }

    #[test]
    fn addresses_keep_a_prefix_and_escape_what_people_type() {
        let url = server("https://example.com/desk/").unwrap().url(&["api", "v1", "a/b?@é"], &[("q", "a+b")]).unwrap();
        assert_eq!(url.as_str(), "https://example.com/desk/api/v1/a%2Fb%3F@%C3%A9?q=a%2Bb");
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        assert!(server("localhost:8040").is_err_and(|error| error.to_string().contains("GREENROOM_URL")));
    }

    #[test]
    fn the_servers_own_sentence_is_shown() {
        let problem =
            Answer { status: StatusCode::UNPROCESSABLE_ENTITY, body: json!({"detail": "is not a zone", "field": "zone"}) };
        assert_eq!(problem.success().unwrap_err(), "zone: is not a zone (422)");
        let page = Answer { status: StatusCode::BAD_GATEWAY, body: Value::Null };
        assert_eq!(page.sentence(), "the server answers 502 Bad Gateway without a reason");
    }
}
