//! One endpoint: its address, its right, its handler, and its part of the OpenAPI document. The guard before every handler stands here
//! too: key, right, limits, and repeated POSTs.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::{Request, State},
    handler::Handler,
    http::{Method, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use domain::{
    access::{ApiKey, Right},
    audit::Actor,
};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        RefOr, Required,
        path::{HttpMethod, Parameter, ParameterIn},
        schema::Schema,
    },
};

use super::{PREFIX, access, access::Denied, idempotency, input::IfMatch};
use crate::{WebState, error::Problem};

/// See the module's header.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// Below [`PREFIX`].
    pub(super) path: &'static str,
    pub(super) right: Right,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Shape>,
    pub(super) answer: Option<(Shape, bool)>,
    pub(super) status: StatusCode,
    /// Whether the answer holds a secret, which is never kept for a repeated call.
    pub(super) secret: bool,
    /// Whether a key that was made with a role needs `administer` besides. Keys whose rights were named one by one, all of those from
    /// before there were roles among them, go by their rights alone.
    pub(super) administers: bool,
    router: MethodRouter<WebState>,
}

/// A schema by name, with everything it refers to.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) schemas: BTreeMap<String, RefOr<Schema>>,
}

impl Shape {
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut all = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut all);
        Self { name: T::name().into_owned(), schemas: all.into_iter().collect() }
    }
}

/// Begins an endpoint.
fn endpoint<H, T>(method: Method, path: &'static str, right: Right, summary: &'static str, handler: H) -> Endpoint
where
    H: Handler<T, WebState>,
    T: 'static,
{
    let filter = match method {
        Method::POST => MethodFilter::POST,
        Method::PUT => MethodFilter::PUT,
        Method::PATCH => MethodFilter::PATCH,
        Method::DELETE => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    };
    let tag = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    Endpoint {
        method,
        path,
        right,
        tag,
        summary,
        parameters: Vec::new(),
        body: None,
        answer: None,
        status: StatusCode::OK,
        secret: false,
        administers: false,
        router: on(filter, handler),
    }
}

macro_rules! beginnings {
    ($($name:ident $method:ident),+) => {$(
        /// An endpoint of this method.
        pub(super) fn $name<H, T>(path: &'static str, right: Right, summary: &'static str, handler: H) -> Endpoint
        where
            H: Handler<T, WebState>,
            T: 'static,
        {
            endpoint(Method::$method, path, right, summary, handler)
        }
    )+};
}
beginnings!(get GET, post POST, put PUT, patch PATCH, delete DELETE);

impl Endpoint {
    /// Takes these in the query.
    pub(super) fn query<T: IntoParams>(mut self) -> Self {
        self.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
        self
    }

    /// Takes `If-Match`.
    pub(super) fn if_match(mut self) -> Self {
        self.parameters.extend(IfMatch::into_params(|| Some(ParameterIn::Header)));
        self
    }

    /// Takes this as JSON.
    pub(super) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(Shape::of::<T>());
        self
    }

    /// Answers this.
    pub(super) fn answers<T: ToSchema>(mut self) -> Self {
        self.answer = Some((Shape::of::<T>(), false));
        self
    }

    /// Answers a list of these.
    pub(super) fn lists<T: ToSchema>(mut self) -> Self {
        self.answer = Some((Shape::of::<T>(), true));
        self
    }

    /// With another status than 200.
    pub(super) fn with(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The answer holds a secret.
    pub(super) fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// A key that was made with a role needs `administer` besides.
    pub(super) fn by_administrators(mut self) -> Self {
        self.administers = true;
        self
    }

    pub(super) fn http_method(&self) -> HttpMethod {
        match self.method {
            Method::POST => HttpMethod::Post,
            Method::PUT => HttpMethod::Put,
            Method::PATCH => HttpMethod::Patch,
            Method::DELETE => HttpMethod::Delete,
            _ => HttpMethod::Get,
        }
    }

    /// The names in braces.
    pub(super) fn path_names(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Whether a parameter must be given.
    pub(super) const fn required(given: bool) -> Required {
        if given { Required::True } else { Required::False }
    }
}

/// What the guard needs to know of an endpoint.
#[derive(Clone)]
struct Guarded {
    state: WebState,
    right: Right,
    secret: bool,
    administers: bool,
}

/// Puts every endpoint with its guard into the router.
pub(super) fn mount(router: Router<WebState>, endpoints: Vec<Endpoint>, state: &WebState) -> Router<WebState> {
    let mut paths: Vec<(&'static str, MethodRouter<WebState>)> = Vec::new();
    for endpoint in endpoints {
        let Endpoint { right, secret, administers, .. } = endpoint;
        let guarded = Guarded { state: state.clone(), right, secret, administers };
        let answer = endpoint.router.route_layer(from_fn_with_state(guarded, guard));
        match paths.iter_mut().find(|(path, _)| *path == endpoint.path) {
            Some((_, known)) => *known = std::mem::take(known).merge(answer),
            None => paths.push((endpoint.path, answer)),
        }
    }
    paths.into_iter().fold(router, |router, (path, answer)| router.route(&format!("{PREFIX}{path}"), answer.fallback(wrong_method)))
}

async fn wrong_method(method: Method) -> Problem {
    let detail = format!("this address does not answer {method}; the Allow header says what it answers");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", detail)
}

/// Who calls, for handlers.
#[derive(Debug, Clone)]
pub(super) struct Authorized {
    pub(super) key: ApiKey,
    pub(super) caller: app::Caller,
}

async fn guard(State(guarded): State<Guarded>, mut request: Request, next: Next) -> Response {
    let Guarded { state, right, secret, administers } = guarded;
    let peer = access::peer(request.extensions());
    let key = match access::require(&state, request.headers(), peer, right).await {
        Ok(key) => key,
        Err(denied) => return Problem::from(denied).into_response(),
    };
    if administers && key.role.is_some() && !key.rights.contains(&Right::Administer) {
        return Problem::from(access::lacks(&state, &key, Right::Administer).await).into_response();
    }
    let caller = state.caller(Actor::ApiKey(key.id.to_string()));
    let id = key.id;
    request.extensions_mut().insert(Authorized { key, caller });
    if *request.method() == Method::POST {
        idempotency::once(&state, id, secret, request, next).await
    } else {
        next.run(request).await
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Failed(error) => error.into(),
            denied => Self::new(denied.status(), denied.code(), denied.sentence()).after(denied.retry_after()),
        }
    }
}
