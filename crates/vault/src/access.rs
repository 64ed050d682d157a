//! API keys at rest. A key carries 256 random bits, so one round of SHA-256 is enough: there is nothing to guess, and no salt needed.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What is stored of an API key.
pub fn hash_api_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Whether two hashes are the same, in constant time.
pub fn hashes_match(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_sha_256() {
        let shown = hash_api_key("abc").iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(shown, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn matches_itself_and_nothing_else() {
        let hash = hash_api_key("one");
        assert!(hashes_match(&hash, &hash_api_key("one")));
        assert!(!hashes_match(&hash, &hash_api_key("two")));
        let mut last = hash;
        last[31] ^= 1;
        assert!(!hashes_match(&hash, &last));
    }
}
