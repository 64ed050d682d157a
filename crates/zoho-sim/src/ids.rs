//! Ids and tokens. They come from a counter under SHA-256 with a seed, so that two runs that do the same get the same
//! ids; the counter is part of the saved state, so that a restarted simulator never hands out an id twice.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A repeatable source of ids.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ids {
    seed: u64,
    drawn: u64,
}

impl Ids {
    /// A generator that gives the same ids for the same seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// `digits` lower-case hexadecimal digits, at most 64.
    pub fn hex(&mut self, digits: usize) -> String {
        use std::fmt::Write as _;

        let mut text = String::with_capacity(64);
        for byte in self.draw() {
            // Writing to a String cannot fail; the result is only matched to say so.
            if write!(text, "{byte:02x}").is_err() {
                break;
            }
        }
        text.truncate(digits);
        text
    }

    /// A code or token the way Zoho writes them: `1000.<32 hex>.<32 hex>`.
    pub fn token(&mut self) -> String {
        format!("1000.{}.{}", self.hex(32), self.hex(32))
    }

    /// A number of Zoho's kind: `base` plus something below a thousand million.
    pub fn number(&mut self, base: u64) -> u64 {
        let bytes = self.draw();
        let small = bytes.iter().take(4).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        base + small % 1_000_000_000
    }

    fn draw(&mut self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(self.drawn.to_be_bytes());
        self.drawn += 1;
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_no_id_comes_twice() {
        let (mut one, mut two) = (Ids::new(7), Ids::new(7));
        let drawn: Vec<String> = (0..100).map(|_| one.token()).collect();
        assert_eq!(drawn, (0..100).map(|_| two.token()).collect::<Vec<_>>());
        let distinct: std::collections::BTreeSet<_> = drawn.iter().collect();
        assert_eq!(distinct.len(), 100);
        assert_ne!(Ids::new(8).token(), drawn[0]);
        assert_eq!(drawn[0].len(), 5 + 32 + 1 + 32);
    }
}
