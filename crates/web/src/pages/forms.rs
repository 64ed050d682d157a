//! Form bodies as lists of fields. A missing field reads as empty text, so that every form can answer with what was typed.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::Response,
};
use url::form_urlencoded;

/// The fields of an `application/x-www-form-urlencoded` body, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a body; what is not valid UTF-8 becomes replacement characters.
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first field of that name without space around it; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// The same, `None` where it is empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// All fields of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        use axum::response::IntoResponse;
        Bytes::from_request(request, state).await.map(|body| Self::parse(&body)).map_err(IntoResponse::into_response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let fields = Fields::parse(b"name=+Ana+%26+Bo+&right=read&right=commit&empty=");
        assert_eq!(fields.get("name"), "Ana & Bo");
        assert_eq!(fields.get("empty"), "");
        assert_eq!(fields.given("empty"), None);
        assert_eq!(fields.given("missing"), None);
        assert_eq!(fields.all("right").collect::<Vec<_>>(), ["read", "commit"]);
        assert_eq!(Fields::parse(b"name=%ff").get("name"), "\u{fffd}");
    }
}
