//! Keys of objects as facts of the catalogue hold them: end to end.

use crate::model::{DeviceId, ObjectKey};

/// Length of a key.
pub(super) const KEY: usize = 32;

/// A key's bytes.
pub(super) fn key_bytes(key: &ObjectKey) -> [u8; KEY] {
    let mut bytes = [0; KEY];
    bytes[..8].copy_from_slice(&key.device.0);
    bytes[8..12].copy_from_slice(&key.run.to_be_bytes());
    bytes[12..16].copy_from_slice(&key.number.to_be_bytes());
    bytes[16..].copy_from_slice(&key.hash);
    bytes
}

/// The key in these bytes.
pub(super) fn key_from(bytes: &[u8]) -> Option<ObjectKey> {
    let (device, rest) = bytes.split_first_chunk::<8>()?;
    let (run, rest) = rest.split_first_chunk::<4>()?;
    let (number, hash) = rest.split_first_chunk::<4>()?;
    Some(ObjectKey {
        device: DeviceId(*device),
        run: u32::from_be_bytes(*run),
        number: u32::from_be_bytes(*number),
        hash: hash.try_into().ok()?,
    })
}
