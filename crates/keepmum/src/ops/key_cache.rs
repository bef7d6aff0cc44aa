//! The unlocked keyring beside the catalogue, so that a run does not spend half a second on the
//! password's key. Only used when the password itself stands in a file on this machine.
//!
//! It is bound to the password, and to the key blocks it was read from: one more or one less at the
//! destination, and the password is asked for its key again. Losing it costs that half second.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::crypto::{self, Passphrase, SALT, Sealer, cache_key};
use crate::format::Keyring;
use crate::format::key_block::KEYRING_LENGTH;
use crate::repository::Keys;
use crate::seam::Random;

const CONTEXT: &[u8] = b"keepmum v0 key cache";
const SALT_LENGTH: usize = 32;
/// No honest cache is larger.
const LIMIT: u64 = 64 * 1024;

/// The keys, if the cache is of this password and of just these key blocks.
pub(super) fn read(file: &Path, passphrase: &Passphrase, blocks: &[String]) -> Option<Keys> {
    let metadata = fs::metadata(file).ok()?;
    if metadata.len() > LIMIT || metadata.mode() & 0o077 != 0 || blocks.is_empty() {
        return None;
    }
    let bytes = fs::read(file).ok()?;
    let (salt, sealed) = bytes.split_first_chunk::<SALT_LENGTH>()?;
    let key = cache_key(passphrase, salt);
    let plain = Zeroizing::new(crypto::open(&key, CONTEXT, sealed.to_vec()).ok()?);
    let (names, keyring) = plain.split_at_checked(plain.len().checked_sub(KEYRING_LENGTH)?)?;
    let known: BTreeSet<&[u8]> = names.split(|byte| *byte == b'\n').collect();
    if known != blocks.iter().map(String::as_bytes).collect() {
        return None;
    }
    Keys::derive(&Keyring::decode(keyring).ok()?)
}

/// Removes the cache: what it keeps was changed.
pub(super) fn forget(file: &Path) {
    // If it stays it is of no use: it is bound to blocks that are no longer all there is.
    fs::remove_file(file).ok();
}

/// Writes the cache; failing is no matter.
pub(super) fn write(
    file: &Path,
    passphrase: &Passphrase,
    keyring: &Keyring,
    blocks: &[String],
    random: &dyn Random,
) {
    let Some(bytes) = seal(passphrase, keyring, blocks, random) else { return };
    let temporary = file.with_extension("new");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut out| out.write_all(&bytes))
        .and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        fs::remove_file(&temporary).ok();
    }
}

fn seal(
    passphrase: &Passphrase,
    keyring: &Keyring,
    blocks: &[String],
    random: &dyn Random,
) -> Option<Vec<u8>> {
    let mut salt = [0; SALT_LENGTH];
    let mut object_salt = [0; SALT];
    random.fill(&mut salt).ok()?;
    random.fill(&mut object_salt).ok()?;
    let mut cached = salt.to_vec();
    let key = cache_key(passphrase, &salt);
    let mut sealer = Sealer::new(&key, object_salt, CONTEXT, &mut cached);
    sealer.push(blocks.join("\n").as_bytes(), &mut cached);
    sealer.push(&keyring.encode().ok()?, &mut cached);
    sealer.finish(&mut cached);
    Some(cached)
}
