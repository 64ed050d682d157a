//! The page at `/_sim/`: what runs here, who lives in it, and where to look further.

use axum::response::Response;

use super::{consent::brand, escape, page as whole_page, push};
use crate::world::World;

/// The page.
pub(crate) fn page(world: &World, location: &str, now: jiff::Timestamp) -> Response {
    let links = ["users", "clients", "switches", "faults", "journal", "mails", "clock", "tokens"]
        .map(|name| format!("<a href=\"/_sim/{name}\">{name}</a>"))
        .join(" · ");
    let body = format!(
        "<main class=\"wide\">\n{}\n<h1>A Zoho on this machine</h1>\n<p>It is {now:.0} here. As JSON: {links}</p>\n\
         <h2>People</h2>\n<table>\n<tr><th>Name</th><th>Calendar</th><th>Data centre</th><th>Zone</th></tr>\n{}</table>\n\
         <h2>Apps</h2>\n<table>\n<tr><th>Name</th><th>Client id</th><th>Redirects</th></tr>\n{}</table>\n\
         <h2>Data centres</h2>\n<table>\n<tr><th>Location</th><th>Origin</th></tr>\n{}</table>\n</main>",
        brand(&format!("data centre {location}")),
        people(world),
        apps(world),
        data_centres(world),
    );
    whole_page("Zoho simulator", &body)
}

fn people(world: &World) -> String {
    world.accounts.users().fold(String::new(), |mut rows, user| {
        push(
            &mut rows,
            format_args!(
                "<tr><td>{}</td><td><a href=\"/_sim/week/{email}\">{email}</a></td><td>{}</td><td>{}</td></tr>\n",
                escape(&user.display_name()),
                escape(&user.location),
                escape(&user.timezone),
                email = escape(&user.email),
            ),
        );
        rows
    })
}

fn apps(world: &World) -> String {
    world.accounts.clients().fold(String::new(), |mut rows, client| {
        let redirects: Vec<String> = client.redirect_uris.iter().map(|uri| escape(uri)).collect();
        let (name, id, redirects) = (escape(&client.name), escape(&client.client_id), redirects.join("<br>"));
        push(&mut rows, format_args!("<tr><td>{name}</td><td><code>{id}</code></td><td>{redirects}</td></tr>\n"));
        rows
    })
}

fn data_centres(world: &World) -> String {
    world.origins.iter().fold(String::new(), |mut rows, (dc, origin)| {
        push(&mut rows, format_args!("<tr><td>{}</td><td><code>{}</code></td></tr>\n", escape(dc), escape(origin)));
        rows
    })
}
