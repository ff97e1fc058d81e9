//! Damage: what a hostile or broken peer makes of good bytes.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Pieces that parsers trip over.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xf0\x9f",
    b"%00",
    b"%2e%2e/",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"null",
    b"data:",
    b"event: ",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"HTTP/1.1",
    b"\x80\x80\x80\x80",
    b"../",
    b"?limit=-1&limit=2",
    b"Upgrade: websocket\r\n",
    b" ",
    b"\t",
];

/// A source of damage that a seed repeats.
pub struct Damage(StdRng);

impl Damage {
    /// The seed of `FUZZ_SEED`, else always the same one; `salt` keeps tests apart.
    pub fn new(salt: u64) -> Self {
        let seed: u64 = std::env::var("FUZZ_SEED").map_or(1, |text| text.parse().unwrap());
        println!("seed {seed}");
        Self(StdRng::seed_from_u64(seed.wrapping_mul(1000) + salt))
    }

    /// One of `choices`.
    pub fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    /// `good` with one to five faults: bytes flipped, dropped, doubled, put in, cut off.
    pub fn of(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(5) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(12)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let again = bytes[at..end].repeat(1 + self.below(40));
                    drop(bytes.splice(at..at, again));
                }
                3 => bytes.truncate(at),
                4 => {
                    let noise: Vec<u8> = (0..self.below(20)).map(|_| self.0.random()).collect();
                    drop(bytes.splice(at..at, noise));
                }
                _ => {
                    let piece = self.one_of(PIECES);
                    drop(bytes.splice(at..at, piece.iter().copied()));
                }
            }
        }
        bytes
    }
}

/// How many tries, where `usual` are usual.
pub fn tries(usual: usize) -> usize {
    usual * std::env::var("FUZZ").map_or(1, |text| text.parse().unwrap())
}
