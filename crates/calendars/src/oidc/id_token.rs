//! Checking an ID token (OpenID Connect Core 1.0, section 3.1.3.7; RFC 7515). RS256, ES256 and EdDSA with Ed25519; everything else is
//! refused, `none` and keyed hashes above all. Pure: keys and the time are handed in.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

/// How far two clocks may be apart, in seconds.
const SKEW_SECONDS: i64 = 60;

/// A signature's algorithm, from the list of those that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    fn named(name: &str) -> Result<Self, Fault> {
        match name {
            "RS256" => Ok(Self::Rs256),
            "ES256" => Ok(Self::Es256),
            "EdDSA" | "Ed25519" => Ok(Self::EdDsa),
            _ => Err(Fault::Algorithm),
        }
    }

    /// The kind of its keys, and their curve.
    const fn key(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Rs256 => ("RSA", None),
            Self::Es256 => ("EC", Some("P-256")),
            Self::EdDsa => ("OKP", Some("Ed25519")),
        }
    }
}

/// A public key of the issuer (RFC 7517). Keys for other uses and of other kinds are kept out by [`Jwk::fits`].
#[derive(Debug, Clone, Deserialize)]
pub struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not three parts, not base64, not JSON.
    #[error("the ID token cannot be read")]
    Malformed,
    /// Not on the list.
    #[error("the ID token is not signed with RS256, ES256 or EdDSA")]
    Algorithm,
    /// The issuer shows no key that fits.
    #[error("the issuer shows no key that fits the ID token")]
    NoKey,
    /// Not signed by that key.
    #[error("the ID token's signature does not hold")]
    Signature,
    /// Made by another.
    #[error("the ID token comes from another issuer")]
    Issuer,
    /// Made for another.
    #[error("the ID token is meant for another client")]
    Audience,
    /// Too old.
    #[error("the ID token has expired")]
    Expired,
    /// From the future.
    #[error("the ID token is not valid yet; are the clocks right?")]
    NotYet,
    /// From another sign-on.
    #[error("the ID token belongs to another sign-on")]
    Nonce,
    /// Nobody, or nothing that can be kept.
    #[error("the ID token does not name anybody")]
    Subject,
}

/// What must hold.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// Whom it is for.
    pub client_id: &'a str,
    /// What was sent.
    pub nonce: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// The claims of a token that was checked.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    iss: String,
    /// Who it is.
    pub sub: String,
    aud: OneOrMany,
    #[serde(default)]
    azp: Option<String>,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    nonce: Option<String>,
    /// The claims about the person.
    #[serde(flatten)]
    pub person: Person,
}

/// What is told about a person, here or at the userinfo endpoint (section 5.1).
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Person {
    /// Their address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether the issuer verified it; some write a text.
    #[serde(default)]
    pub email_verified: Option<Value>,
    /// Their name.
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn decoded(part: &str) -> Result<Vec<u8>, Fault> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed)
}

impl Jwk {
    /// Whether a signature could be checked with it at all.
    pub fn is_usable(&self) -> bool {
        [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa].into_iter().any(|algorithm| self.is_for(algorithm))
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        let (kind, curve) = algorithm.key();
        self.kty == kind
            && curve.is_none_or(|curve| self.crv.as_deref() == Some(curve))
            && self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.alg.as_deref().is_none_or(|name| Algorithm::named(name) == Ok(algorithm))
    }

    fn fits(&self, algorithm: Algorithm, header: &Header) -> bool {
        self.is_for(algorithm) && (header.kid.is_none() || self.kid == header.kid)
    }

    fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let part = |text: &Option<String>| text.as_deref().and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
        match algorithm {
            Algorithm::Rs256 => {
                let (Some(n), Some(e)) = (part(&self.n), part(&self.e)) else { return false };
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
            Algorithm::Es256 => {
                let (Some(x), Some(y)) = (part(&self.x), part(&self.y)) else { return false };
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                let whole = x.len() == 32 && y.len() == 32;
                whole && UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            Algorithm::EdDsa => {
                part(&self.x).is_some_and(|x| UnparsedPublicKey::new(&ED25519, x).verify(signed, signature).is_ok())
            }
        }
    }
}

/// The claims of a token, if everything holds.
pub fn check(token: &str, keys: &[Jwk], expected: Expected<'_>) -> Result<Claims, Fault> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Malformed)?;
    let (head, body) = signed.split_once('.').ok_or(Fault::Malformed)?;
    let header: Header = serde_json::from_slice(&decoded(head)?).map_err(|_| Fault::Malformed)?;
    let algorithm = Algorithm::named(&header.alg)?;
    if header.crit.is_some() {
        return Err(Fault::Algorithm);
    }
    let signature = decoded(signature)?;
    let mut fitting = keys.iter().filter(|key| key.fits(algorithm, &header)).peekable();
    fitting.peek().ok_or(Fault::NoKey)?;
    if !fitting.any(|key| key.verifies(algorithm, signed.as_bytes(), &signature)) {
        return Err(Fault::Signature);
    }
    let claims: Claims = serde_json::from_slice(&decoded(body)?).map_err(|_| Fault::Malformed)?;
    if claims.iss != expected.issuer {
        return Err(Fault::Issuer);
    }
    let for_us = match &claims.aud {
        OneOrMany::One(one) => one == expected.client_id,
        // Several audiences, and not said that we are the one who asked: refused.
        OneOrMany::Many(many) => many.iter().any(|one| one == expected.client_id) && (many.len() == 1 || claims.azp.is_some()),
    };
    if !for_us || claims.azp.as_deref().is_some_and(|party| party != expected.client_id) {
        return Err(Fault::Audience);
    }
    if expected.now >= claims.exp.saturating_add(SKEW_SECONDS) {
        return Err(Fault::Expired);
    }
    if claims.iat.max(claims.nbf.unwrap_or(claims.iat)) > expected.now.saturating_add(SKEW_SECONDS) {
        return Err(Fault::NotYet);
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(Fault::Nonce);
    }
    // Section 2: at most 255 ASCII characters. What is stored with an account must be one clear text.
    if claims.sub.is_empty() || claims.sub.len() > 255 || !claims.sub.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(Fault::Subject);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
    };
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_500_000;

    struct Issuer(EcdsaKeyPair);

    impl Issuer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap())
        }

        fn key(&self, kid: &str) -> Jwk {
            let point = self.0.public_key().as_ref();
            let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            let text = json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": part(&point[1..33]), "y": part(&point[33..])});
            serde_json::from_value(text).unwrap()
        }

        fn token(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn expected() -> Expected<'static> {
        Expected { issuer: "https://id.example.com", client_id: "greenroom", nonce: "n-1", now: NOW }
    }

    fn header() -> Value {
        json!({"alg": "ES256", "kid": "k1", "typ": "JWT"})
    }

    fn claims(change: &Value) -> Value {
        let mut claims = json!({
            "iss": "https://id.example.com", "sub": "42", "aud": "greenroom", "exp": NOW + 300, "iat": NOW, "nonce": "n-1",
            "email": "ada@example.com", "email_verified": true,
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    #[test]
    fn a_token_that_holds_is_read() {
        let issuer = Issuer::new();
        for change in [
            json!({}),
            json!({"aud": ["greenroom"]}),
            json!({"aud": ["greenroom", "other"], "azp": "greenroom"}),
            json!({"exp": NOW - 59}),
            json!({"iat": NOW + 60}),
        ] {
            let token = issuer.token(&header(), &claims(&change));
            let read = check(&token, &[issuer.key("k1")], expected());
            assert_eq!(read.as_ref().map(|claims| claims.sub.as_str()), Ok("42"), "{change}");
        }
    }

    #[test]
    fn each_wrong_claim_is_refused_by_name() {
        let issuer = Issuer::new();
        for (change, fault) in [
            (json!({"iss": "https://id.example.org"}), Fault::Issuer),
            (json!({"iss": "https://id.example.com/"}), Fault::Issuer),
            (json!({"aud": "other"}), Fault::Audience),
            (json!({"aud": ["other"]}), Fault::Audience),
            (json!({"aud": ["greenroom", "other"]}), Fault::Audience),
            (json!({"aud": []}), Fault::Audience),
            (json!({"azp": "other"}), Fault::Audience),
            (json!({"exp": NOW - 60}), Fault::Expired),
            (json!({"iat": NOW + 61}), Fault::NotYet),
            (json!({"nbf": NOW + 61}), Fault::NotYet),
            (json!({"nonce": "n-2"}), Fault::Nonce),
            (json!({"nonce": null}), Fault::Nonce),
            (json!({"sub": ""}), Fault::Subject),
            (json!({"sub": "x".repeat(256)}), Fault::Subject),
            (json!({"sub": "a\nb"}), Fault::Subject),
            (json!({"exp": null}), Fault::Malformed),
        ] {
            let token = issuer.token(&header(), &claims(&change));
            assert_eq!(check(&token, &[issuer.key("k1")], expected()).err(), Some(fault), "{change}");
        }
    }

    #[test]
    fn other_algorithms_are_refused_whatever_the_signature() {
        let issuer = Issuer::new();
        for alg in ["none", "None", "HS256", "HS512", "PS256", "ES384", "rs256", ""] {
            let token = issuer.token(&json!({"alg": alg, "kid": "k1"}), &claims(&json!({})));
            assert_eq!(check(&token, &[issuer.key("k1")], expected()).err(), Some(Fault::Algorithm), "{alg}");
        }
        let critical = issuer.token(&json!({"alg": "ES256", "kid": "k1", "crit": ["exp"]}), &claims(&json!({})));
        assert_eq!(check(&critical, &[issuer.key("k1")], expected()).err(), Some(Fault::Algorithm));
        let unsigned = issuer.token(&header(), &claims(&json!({})));
        let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
        assert_eq!(check(&unsigned, &[issuer.key("k1")], expected()).err(), Some(Fault::Signature));
    }

    #[test]
    fn only_the_issuers_keys_count() {
        let (issuer, other) = (Issuer::new(), Issuer::new());
        let token = issuer.token(&header(), &claims(&json!({})));
        assert_eq!(check(&token, &[other.key("k1")], expected()).err(), Some(Fault::Signature));
        assert_eq!(check(&token, &[issuer.key("k2")], expected()).err(), Some(Fault::NoKey), "a key that was rotated in");
        assert_eq!(check(&token, &[], expected()).err(), Some(Fault::NoKey));
        assert!(check(&token, &[other.key("k2"), issuer.key("k1")], expected()).is_ok());
        let rsa = issuer.token(&json!({"alg": "RS256", "kid": "k1"}), &claims(&json!({})));
        assert_eq!(check(&rsa, &[issuer.key("k1")], expected()).err(), Some(Fault::NoKey), "a key of another kind");
        let mut altered: Vec<String> = token.split('.').map(ToOwned::to_owned).collect();
        altered[1] = BASE64_URL_SAFE_NO_PAD.encode(claims(&json!({"sub": "43"})).to_string());
        assert_eq!(check(&altered.join("."), &[issuer.key("k1")], expected()).err(), Some(Fault::Signature));
        for nonsense in ["", ".", "..", "a.b.c", "a.b"] {
            assert_eq!(check(nonsense, &[issuer.key("k1")], expected()).err(), Some(Fault::Malformed), "{nonsense}");
        }
    }

    #[test]
    fn ed25519_keys_count_too() {
        let random = SystemRandom::new();
        let pair = Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()).unwrap();
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": part(pair.public_key().as_ref())});
        let key: Jwk = serde_json::from_value(key).unwrap();
        let signed = format!(
            "{}.{}",
            part(json!({"alg": "EdDSA", "kid": "k1"}).to_string().as_bytes()),
            part(claims(&json!({})).to_string().as_bytes())
        );
        let token = format!("{signed}.{}", part(pair.sign(signed.as_bytes()).as_ref()));
        assert!(key.is_usable());
        assert!(check(&token, std::slice::from_ref(&key), expected()).is_ok());
        let altered = format!("{signed}.{}", part(&[7; 64]));
        assert_eq!(check(&altered, &[key], expected()).err(), Some(Fault::Signature));
    }

    /// A token that OpenSSL signed (`openssl dgst -sha256 -sign`), and its public key.
    #[test]
    fn rs256_is_checked_as_others_sign_it() {
        let n = "xWkie0m0z8N_371kju92hNisQjHGQU7fVH_zaaZ42wOXkvtF1wqlNz85VB2xwSVykVdGUiwDAOVjQLk_qHsHgqMhgyQ08nmqaGiM2gBddEZkiTmWBY7uDGXAC_AODE7_nuuilg4hfUpuuoVxa2QeiUhfhie9iHB1YJCtozadKhsRuEQ_504sNa-7rJBs2I75jjIQ7dY5_1YGpjUC9JOBLoWf8TWFtyZl2E6QRD9myEXau6vPMDrwdJhov6Vpf6-fMrecjtLod2gjgzc4tEczYcJmN_6FhPs5Alx5t5_bL68BZZiJ0kZUV8XMqmSUfA8iTQThknXuLkLg8Q2pwzh6IQ";
        let key: Jwk = serde_json::from_value(json!({"kty": "RSA", "kid": "k1", "e": "AQAB", "n": n})).unwrap();
        let signed = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwic3ViIjoiNDIiLCJhdWQiOiJncmVlbnJvb20iLCJleHAiOjE3OTU1MDAzMDAsImlhdCI6MTc5NTUwMDAwMCwibm9uY2UiOiJuLTEifQ";
        let signature = "Bc0pWPpAdqVsRUCgQ7SHbD4EGtNFtigw8vHUDgUvAUq-sO8ME9KYhe8CJdDDX2K1stb0_f6IJjFZIhwe2vepAL4tRSS_NodjsZcsG3H7pwmJVHeEqg7tpm0YXcghzxnjgzK446bAgqa2xk0V9QZRe-mmDBiroPtxNUJstkp1YQcTFK1CTgiGK8rVJ8eYRZqEMJFruCGGEvNsXRqIQWsuiN6J82g2-BkWTGnTHAE4NHSi46T9qiXevXQx5zftEXcvCN3oFEE_9SkVePRnaK_qEZmNJD5rbYQAHiJFmtwfl5S6tyUq2K6ngMeBFhKRMRwi2JJLcGHrCNsAsHLlKNWdQA";
        let read = check(&format!("{signed}.{signature}"), std::slice::from_ref(&key), expected());
        assert_eq!(read.as_ref().map(|claims| claims.sub.as_str()), Ok("42"));
        let altered = check(&format!("{signed}.{}", signature.replacen('A', "B", 1)), std::slice::from_ref(&key), expected());
        assert_eq!(altered.err(), Some(Fault::Signature));
        let small: Jwk = serde_json::from_value(json!({"kty": "RSA", "kid": "k1", "e": "AQAB", "n": &n[..86]})).unwrap();
        assert_eq!(check(&format!("{signed}.{signature}"), &[small], expected()).err(), Some(Fault::Signature));
    }
}
