//! The scopes this Zoho knows, and what the consent page says about each.

use std::collections::BTreeSet;

/// What may be asked for: resource, operations, and the words for it.
const CALENDAR: [(&str, &[&str], &str); 8] = [
    ("ZohoCalendar.calendar", &["ALL", "READ", "CREATE", "UPDATE", "DELETE"], "the calendars in your account"),
    ("ZohoCalendar.event", &["ALL", "READ", "CREATE", "UPDATE", "DELETE"], "events in your calendars"),
    ("ZohoCalendar.freebusy", &["ALL", "READ"], "when you are free or busy"),
    ("ZohoCalendar.search", &["ALL", "READ"], "search results in your calendars"),
    ("ZohoCalendar.settings", &["ALL", "READ", "UPDATE"], "your calendar settings"),
    ("ZohoCalendar.group", &["READ"], "the calendars of your groups"),
    ("ZohoCalendar.notification", &["READ", "UPDATE"], "your notification settings"),
    ("ZohoCalendar.resources", &["ALL", "READ"], "rooms and other resources"),
];

const OIDC: [&str; 4] = ["openid", "email", "profile", "phone"];

/// The scopes in a parameter: Zoho documents commas, and libraries that send spaces get through as well.
pub fn parse(text: &str) -> BTreeSet<String> {
    text.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// Whether Zoho knows this scope.
pub fn is_known(scope: &str, oidc: bool) -> bool {
    if OIDC.contains(&scope) {
        return oidc;
    }
    if scope == "ZohoMeeting.meeting.ALL" || is_profile(scope) {
        return true;
    }
    scope.rsplit_once('.').is_some_and(|(resource, operation)| {
        CALENDAR.iter().any(|(known, operations, _)| *known == resource && operations.contains(&operation))
    })
}

/// What a scope means, for the person who is asked.
pub fn in_words(scope: &str) -> String {
    if is_profile(scope) || OIDC.contains(&scope) {
        return "See your name and e-mail address".to_owned();
    }
    if scope == "ZohoMeeting.meeting.ALL" {
        return "Add and change online meetings".to_owned();
    }
    let Some((resource, operation)) = scope.rsplit_once('.') else {
        return scope.to_owned();
    };
    let what = CALENDAR.iter().find(|(known, ..)| *known == resource).map_or(resource, |(.., words)| words);
    let verb = match operation {
        "READ" => "See",
        "CREATE" => "Add",
        "UPDATE" => "Change",
        "DELETE" => "Delete",
        _ if resource == "ZohoCalendar.calendar" || resource == "ZohoCalendar.event" => "See, add, change and delete",
        _ if resource == "ZohoCalendar.settings" => "See and change",
        _ => "See",
    };
    format!("{verb} {what}")
}

fn is_profile(scope: &str) -> bool {
    scope == "AaaServer.profile.READ" || scope == "AaaServer.profile.Read"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_spaces_separate_and_only_known_scopes_are_known() {
        let scopes = parse("ZohoCalendar.calendar.READ,ZohoCalendar.event.ALL AaaServer.profile.READ");
        assert_eq!(scopes.len(), 3);
        assert!(scopes.iter().all(|scope| is_known(scope, false)));
        assert!(!is_known("ZohoCalendar.event.WRITE", true));
        assert!(!is_known("zohocalendar.event.ALL", true));
        assert!(is_known("openid", true) && !is_known("openid", false));
        assert_eq!(in_words("ZohoCalendar.event.ALL"), "See, add, change and delete events in your calendars");
    }
}
