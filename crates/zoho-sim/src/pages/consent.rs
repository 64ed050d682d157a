//! The consent page: which app asks for what, whose account it is, accept or reject. Its form carries the original
//! parameters, so that nothing is kept between the page and the decision.

use axum::response::Response;

use super::{escape, page as whole_page, push};
use crate::accounts::{Ask, User, in_words};

/// Up to so many accounts are shown as a list; beyond that the address is typed.
const LISTED: usize = 8;

/// The page that asks.
pub(crate) fn page(ask: &Ask, location: &str, users: &[&User], chosen: Option<&str>) -> Response {
    let app = escape(&ask.app);
    let asked: String = ask.scopes.iter().fold(String::new(), |mut list, scope| {
        let (words, scope) = (escape(&in_words(scope)), escape(scope));
        push(&mut list, format_args!("<li><span>{words}</span> <code>{scope}</code></li>\n"));
        list
    });
    let lasting = if ask.offline {
        "It keeps this access until you end it, also while you are away."
    } else {
        "It has this access for an hour."
    };
    let body = format!(
        "<main class=\"card\">\n{brand}\n<h1>{app} asks for access to your Zoho account</h1>\n\
         <form method=\"post\" action=\"/oauth/v2/auth/decide\">\n{hidden}{accounts}\
         <h2>It would be able to</h2>\n<ul class=\"scopes\">\n{asked}</ul>\n<p class=\"quiet\">{lasting} \
         You go back to <strong>{host}</strong>.</p>\n\
         <div class=\"buttons\"><button class=\"primary\" name=\"decision\" value=\"accept\"{disabled}>Accept</button>\n\
         <button name=\"decision\" value=\"reject\">Reject</button></div>\n</form>\n\
         <p class=\"quiet\">This is a simulator: no account at the real Zoho is touched.</p>\n</main>",
        brand = brand(&format!("Accounts, data centre {location}")),
        hidden = hidden(ask),
        accounts = accounts(users, chosen),
        host = escape(&ask.redirect_uri.origin().ascii_serialization()),
        disabled = if users.is_empty() { " disabled" } else { "" },
    );
    whole_page(&format!("{} asks for access", ask.app), &body)
}

/// The page for a request that cannot be trusted. It never leads back to the app.
pub(crate) fn error(code: &str, sentence: &str) -> Response {
    let body = format!(
        "<main class=\"card\">\n{}\n<h1>This request cannot go on</h1>\n<p>{}</p>\n<p class=\"quiet\">Error: <code>{}</code></p>\n</main>",
        brand("Accounts"),
        escape(sentence),
        escape(code),
    );
    whole_page("Error", &body)
}

/// The line at the top of every page.
pub(crate) fn brand(place: &str) -> String {
    format!("<p class=\"brand\"><span class=\"mark\">Zoho simulator</span> {}</p>", escape(place))
}

fn accounts(users: &[&User], chosen: Option<&str>) -> String {
    let mut list = String::from("<fieldset>\n<legend>Whose account?</legend>\n");
    match users {
        [] => list.push_str("<p>Nobody has an account here yet. Add one with <code>POST /_sim/users</code>.</p>\n"),
        users if users.len() <= LISTED => {
            for user in users {
                let checked = if chosen == Some(user.email.as_str()) { " checked" } else { "" };
                push(
                    &mut list,
                    format_args!(
                        "<label><input type=\"radio\" name=\"user\" value=\"{email}\" required{checked}> \
                         <span><strong>{name}</strong><br><span class=\"quiet\">{email} · {dc}</span></span></label>\n",
                        email = escape(&user.email),
                        name = escape(&user.display_name()),
                        dc = escape(&user.location),
                    ),
                );
            }
        }
        _ => push(
            &mut list,
            format_args!(
                "<label class=\"typed\">E-mail address <input type=\"email\" name=\"user\" value=\"{}\" required></label>\n",
                escape(chosen.unwrap_or_default())
            ),
        ),
    }
    list.push_str("</fieldset>\n");
    list
}

fn hidden(ask: &Ask) -> String {
    let fields = [
        ("client_id", Some(ask.client_id.as_str())),
        ("response_type", Some("code")),
        ("redirect_uri", Some(&ask.redirect_text)),
        ("scope", Some(&ask.scope_text)),
        ("access_type", Some(if ask.offline { "offline" } else { "online" })),
        ("prompt", ask.prompt.as_deref()),
        ("state", ask.state.as_deref()),
        ("code_challenge", ask.challenge.as_deref()),
        ("code_challenge_method", ask.challenge.as_ref().map(|_| "S256")),
    ];
    let mut html = String::new();
    for (name, value) in fields {
        if let Some(value) = value {
            push(&mut html, format_args!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value)));
        }
    }
    html
}
