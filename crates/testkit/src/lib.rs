//! What tests share: a frozen clock, seeded randomness, a post box, and the contract that every store must keep.

pub mod store_contract;
pub mod world;

pub use world::{FrozenClock, PostBox, SeededEntropy};
