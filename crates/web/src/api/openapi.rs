//! The OpenAPI document, made from the same list of endpoints that the router is made from.

use std::sync::Arc;

use axum::{
    http::{HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, Required, ResponseBuilder,
        extensions::ExtensionsBuilder,
        path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder},
        request_body::RequestBodyBuilder,
        schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    PREFIX,
    endpoint::{Endpoint, Shape},
    idempotency,
};
use crate::error::ProblemBody;

/// The document as it is served.
pub(super) fn document(endpoints: &[Endpoint]) -> Arc<str> {
    match build(endpoints).to_pretty_json() {
        Ok(text) => text.into(),
        Err(error) => {
            tracing::error!(%error, "the OpenAPI document cannot be written");
            "{}".into()
        }
    }
}

/// `GET /api/v1/openapi.json`
pub(super) fn answer(document: &str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], document.to_owned()).into_response()
}

fn build(endpoints: &[Endpoint]) -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key with the right named in `x-right`."))
        .build();
    let mut components = ComponentsBuilder::new().security_scheme("key", SecurityScheme::Http(bearer));
    components = components.schema(ProblemBody::name(), ProblemBody::schema());
    let mut paths = PathsBuilder::new();
    for endpoint in endpoints {
        for shape in endpoint.body.iter().chain(endpoint.answer.iter().map(|(shape, _)| shape)) {
            for (name, schema) in &shape.schemas {
                components = components.schema(name, schema.clone());
            }
        }
        let path = format!("{PREFIX}{}", endpoint.path);
        paths = paths.path(path, PathItem::new(endpoint.http_method(), operation(endpoint)));
    }
    let info = InfoBuilder::new()
        .title("Greenroom")
        .version("1")
        .description(Some(
            "The interview desk of an AI recruiter. docs/api.md is a guide by task; errors are problem documents (RFC 9457).",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths.build())
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>("key", [])]))
        .build()
}

fn operation(endpoint: &Endpoint) -> utoipa::openapi::path::Operation {
    let mut operation = OperationBuilder::new()
        .tag(endpoint.tag)
        .summary(Some(endpoint.summary))
        .operation_id(Some(operation_id(endpoint)))
        .parameters(Some(parameters(endpoint)))
        .extensions(Some(ExtensionsBuilder::new().add("x-right", endpoint.right.code()).build()));
    if let Some(shape) = &endpoint.body {
        let content = ContentBuilder::new().schema(Some(reference(shape))).build();
        operation = operation.request_body(Some(
            RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", content).build(),
        ));
    }
    let mut answer = ResponseBuilder::new().description("Done");
    if let Some((shape, is_list)) = &endpoint.answer {
        let content = ContentBuilder::new();
        let content = if *is_list { content.schema(Some(list_of(shape))) } else { content.schema(Some(reference(shape))) };
        answer = answer.content("application/json", content.build());
    }
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    let refusal = ResponseBuilder::new().description("What went wrong and what to do").content("application/problem+json", problem);
    operation.response(endpoint.status.as_str(), answer.build()).response("default", refusal.build()).build()
}

/// `POST /vacancies/{id}/approve` is `post_vacancies_id_approve`.
fn operation_id(endpoint: &Endpoint) -> String {
    let path: Vec<_> = endpoint
        .path
        .split('/')
        .map(|part| part.trim_matches(['{', '}']).replace('-', "_"))
        .filter(|part| !part.is_empty())
        .collect();
    format!("{}_{}", endpoint.method.as_str().to_lowercase(), path.join("_"))
}

fn parameters(endpoint: &Endpoint) -> Vec<Parameter> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let in_path = endpoint.path_names().map(|name| {
        ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True).schema(Some(text())).build()
    });
    let mut all: Vec<Parameter> = in_path.chain(endpoint.parameters.iter().cloned()).collect();
    if endpoint.method == Method::POST {
        let key = ParameterBuilder::new()
            .name(idempotency::HEADER)
            .parameter_in(ParameterIn::Header)
            .required(Endpoint::required(false))
            .description(Some("The same key with the same request gets the first answer again; with another request 422."));
        all.push(key.schema(Some(text())).build());
    }
    all
}

fn reference(shape: &Shape) -> Ref {
    Ref::from_schema_name(&shape.name)
}

fn list_of(shape: &Shape) -> Schema {
    let cursor = ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
        .description(Some("Send as `cursor` for the next page; null on the last."));
    let object = ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(reference(shape)))
        .property("next_cursor", cursor)
        .required("items")
        .required("next_cursor");
    object.build().into()
}
