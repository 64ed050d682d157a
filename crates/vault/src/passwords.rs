//! Passwords of dashboard accounts: what is refused, and Argon2id (RFC 9106) over the rest, stored in PHC form.
//!
//! Memory 19 MiB, two passes, one lane: the library's defaults and the second choice of OWASP's list. A hash takes tens of milliseconds
//! and 19 MiB, so callers run it on a thread that may block, a few at a time.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, phc::PasswordHash},
};

use crate::AccountPassword;

/// Fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// Most characters: a bound on the work somebody can ask for, far above every password manager's choice.
const MAX_PASSWORD_CHARS: usize = 256;
/// What is verified where there is no account or no password, so that the answer takes as long.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBzYWx0IQ$d2hhdGV2ZXIgaXMgdHlwZWQsIGl0IGlzIG5vdCB0aGlzLg";

/// The commonest passwords of twelve characters and more, without digits and signs at their ends, lower case.
const COMMON: &[&str] = &[
    "123456789012",
    "1234567890123",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "abcdefghijkl",
    "administrator",
    "adminadminadmin",
    "asdfghjklqwerty",
    "changemechangeme",
    "changemeplease",
    "correcthorsebatterystaple",
    "greenroomgreenroom",
    "iloveyouiloveyou",
    "iloveyouforever",
    "letmeinletmein",
    "letmeinplease",
    "mynameisjohn",
    "mypasswordis",
    "passwordpassword",
    "qazwsxedcrfv",
    "qwertyqwerty",
    "qwertyuiopas",
    "qwertyuiopasdfghjkl",
    "thisismypassword",
    "trustnooneelse",
    "unbelievable",
    "welcomewelcome",
    "zaq12wsxcde3",
    "zxcvbnmasdfghjkl",
];
/// Words that make no password, whatever digits and signs stand around them.
const STEMS: &[&str] = &[
    "admin",
    "changeme",
    "dragon",
    "football",
    "greenroom",
    "iloveyou",
    "letmein",
    "monkey",
    "password",
    "passwort",
    "qwerty",
    "qwertyuiop",
    "secret",
    "sunshine",
    "welcome",
];

/// Why a password is refused, in words for whoever chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Under [`MIN_PASSWORD_CHARS`].
    #[error("a password has at least 12 characters; three or four words that do not belong together are easy to keep in mind")]
    TooShort,
    /// Over the bound.
    #[error("a password has at most 256 characters")]
    TooLong,
    /// On everybody's list.
    #[error("this password is among the first that anybody would try; choose another")]
    Common,
    /// Made of the address or the name.
    #[error("this password is made of the address or the name of its account; choose another")]
    Personal,
}

/// Whether a password may be chosen. `personal` are texts that belong to the account: its address, its name.
pub fn check_password(password: &AccountPassword, personal: &[&str]) -> Result<(), PasswordProblem> {
    let text = password.expose().to_lowercase();
    let count = text.chars().count();
    if count < MIN_PASSWORD_CHARS {
        return Err(PasswordProblem::TooShort);
    }
    if count > MAX_PASSWORD_CHARS {
        return Err(PasswordProblem::TooLong);
    }
    let bare = text.trim_matches(|letter: char| !letter.is_alphabetic());
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if COMMON.contains(&text.as_str()) || COMMON.contains(&bare) || STEMS.contains(&bare) || bare.is_empty() || letters.len() < 5 {
        return Err(PasswordProblem::Common);
    }
    let mut parts = personal.iter().flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()));
    // A part counts where little else is left of the password.
    let is_most = |part: &str| {
        part.chars().count() >= 4
            && bare.replace(&part.to_lowercase(), "").chars().count() < 6
            && bare.contains(&part.to_lowercase())
    };
    if parts.any(is_most) { Err(PasswordProblem::Personal) } else { Ok(()) }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// The hash of a password in PHC form; `None` if it could not be made (no memory). `salt` is random.
pub fn hash_password(password: &AccountPassword, salt: &[u8; 16]) -> Option<String> {
    argon2().hash_password_with_salt(password.expose().as_bytes(), salt).ok().map(|hash| hash.to_string())
}

/// What comparing a password with a stored hash shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is another.
    Wrong,
    /// It is this one.
    Right,
    /// It is this one, and the hash was made with parameters that have been raised since: store a fresh hash.
    RightButOld,
}

/// Compares a password with a hash in PHC form. Without one, or with one that cannot be read, it takes as long and is wrong.
pub fn verify_password(password: &AccountPassword, stored: Option<&str>) -> PasswordVerdict {
    use argon2::password_hash::PasswordVerifier;
    let parsed = stored.and_then(|text| PasswordHash::new(text).ok());
    let Some(hash) = parsed.as_ref() else {
        if let Ok(nobodys) = PasswordHash::new(NOBODYS) {
            let compared = argon2().verify_password(password.expose().as_bytes(), &nobodys);
            debug_assert!(compared.is_err(), "nobody's password was found");
        }
        return PasswordVerdict::Wrong;
    };
    if argon2().verify_password(password.expose().as_bytes(), hash).is_err() {
        return PasswordVerdict::Wrong;
    }
    let current = Params::try_from(hash).is_ok_and(|params| {
        params.m_cost() >= Params::DEFAULT_M_COST
            && params.t_cost() >= Params::DEFAULT_T_COST
            && hash.algorithm.as_str() == "argon2id"
    });
    if current { PasswordVerdict::Right } else { PasswordVerdict::RightButOld }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> AccountPassword {
        AccountPassword::new(text.to_owned())
    }

    #[test]
    fn a_hash_says_its_parameters_and_opens_for_its_password_only() {
        let hash = hash_password(&password("blue lamps on a tram"), &[7; 16]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(!hash.contains("lamps"));
        assert_eq!(verify_password(&password("blue lamps on a tram"), Some(&hash)), PasswordVerdict::Right);
        assert_eq!(verify_password(&password("blue lamps on a tram "), Some(&hash)), PasswordVerdict::Wrong);
        assert_ne!(hash, hash_password(&password("blue lamps on a tram"), &[8; 16]).unwrap());
    }

    #[test]
    fn a_hash_made_with_less_work_is_renewed() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).unwrap());
        let hash = weak.hash_password_with_salt(b"blue lamps on a tram", &[7; 16]).unwrap().to_string();
        assert_eq!(verify_password(&password("blue lamps on a tram"), Some(&hash)), PasswordVerdict::RightButOld);
        assert_eq!(verify_password(&password("red lamps on a tram"), Some(&hash)), PasswordVerdict::Wrong);
    }

    #[test]
    fn nobody_and_nonsense_are_wrong() {
        assert!(PasswordHash::new(NOBODYS).is_ok(), "nobody's hash must cost as much as anybody's");
        for stored in [None, Some(""), Some("plain text"), Some("$argon2id$v=19$m=1$x")] {
            assert_eq!(verify_password(&password("blue lamps on a tram"), stored), PasswordVerdict::Wrong, "{stored:?}");
        }
    }

    #[test]
    fn what_anybody_would_try_is_refused() {
        let check = |text: &str| check_password(&password(text), &["ada.lovelace@example.com", "Ada Lovelace"]);
        for (text, want) in [
            ("short", PasswordProblem::TooShort),
            ("elevenchars", PasswordProblem::TooShort),
            ("Password12345", PasswordProblem::Common),
            ("!!!welcome2026", PasswordProblem::Common),
            ("123456789012", PasswordProblem::Common),
            ("948205720572", PasswordProblem::Common),
            ("aaaaaaaaaaaaaa", PasswordProblem::Common),
            ("PasswordPassword1!", PasswordProblem::Common),
            ("Lovelace2026!!", PasswordProblem::Personal),
            ("adalovelace1815", PasswordProblem::Personal),
        ] {
            assert_eq!(check(text), Err(want), "{text}");
        }
        assert_eq!(check(&"x y z w v ".repeat(30)), Err(PasswordProblem::TooLong));
        for good in ["blue lamps on a tram", "kTq7-vv2P-mzL0", "lovelace dances with nine otters", "élan vital à midi"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }
}
