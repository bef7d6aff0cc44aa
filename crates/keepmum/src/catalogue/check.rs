//! A check sum for rows whose silent change would become a lie in the next snapshot.
//!
//! SQLite does not notice a flipped bit inside a value. A remembered entry goes into new trees as
//! it stands, so it must not be believed then. This finds accidents; it is no protection against
//! someone who writes into the file, and must never be used as one.

/// A running sum over fields; each field's length counts, so that bytes cannot change sides.
pub(super) struct Check(u64);

impl Check {
    pub(super) fn new(seed: i64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15).step(seed as u64)
    }

    fn step(self, word: u64) -> Self {
        let sum = (self.0 ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        Self(sum ^ (sum >> 32))
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut sum = self.step(bytes.len() as u64);
        for word in words {
            sum = sum.step(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        sum.step(u64::from_le_bytes(last))
    }

    /// The sum: the better half of the state.
    pub(super) fn sum(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
