//! Tests of the room: published vectors, frozen values, and every way to be wrong.

mod keys;
mod passwords;
mod seal;
mod vectors;

use super::Secret;

/// Reads hex.
pub(super) fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Writes hex.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key that counts up from `start`.
pub(super) fn counting<const N: usize>(start: u8) -> Secret<N> {
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = start.wrapping_add(place as u8);
    }
    Secret::new(bytes)
}
