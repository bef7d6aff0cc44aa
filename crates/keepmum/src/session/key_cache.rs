//! The unlocked keyring beside the catalogue, so that a run does not spend half a second on the
//! password's key. Only used when the password itself stands in a file on this machine.
//!
//! Its key is made from the password and from 32 random bytes that lie beside the *config*: with
//! the catalogue's folder alone nobody can try passwords on it, and with the config one has the
//! password. It is bound to the key blocks that it was read from: one more or one less at the
//! destination, and the password is asked for its key again. Losing it costs that half second.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::crypto::{self, Passphrase, Sealer, Secret, cache_key};
use crate::format::Keyring;
use crate::repository::{Keys, fresh_salt};
use crate::seam::Random;

use super::access::KeyCacheAt;

const CONTEXT: &[u8] = b"keepmum v0 key cache 3";
const SALT_LENGTH: usize = 32;
const SECRET_LENGTH: usize = 32;
/// No honest cache is larger.
const LIMIT: u64 = 4 << 20;

/// The keys, if the cache is of this password and of just these key blocks.
pub(crate) fn read(at: &KeyCacheAt, passphrase: &Passphrase, blocks: &[String]) -> Option<Keys> {
    if blocks.is_empty() {
        return None;
    }
    let bytes = private(&at.file, LIMIT)?;
    let secret = Secret::from_slice(&private(&at.secret, SECRET_LENGTH as u64)?)?;
    let (salt, sealed) = bytes.split_first_chunk::<SALT_LENGTH>()?;
    let key = cache_key(passphrase, &secret, salt);
    let plain = Zeroizing::new(crypto::open(&key, CONTEXT, sealed.to_vec()).ok()?);
    let (length, rest) = plain.split_first_chunk::<4>()?;
    let (names, keyring) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let known: BTreeSet<&[u8]> = names.split(|byte| *byte == b'\n').collect();
    if known != blocks.iter().map(String::as_bytes).collect() {
        return None;
    }
    Keys::derive(&Keyring::decode(keyring).ok()?)
}

/// A file that nobody else may read, and that is no longer than this.
fn private(file: &Path, limit: u64) -> Option<Zeroizing<Vec<u8>>> {
    let file = File::open(file).ok()?;
    let metadata = file.metadata().ok()?;
    if metadata.len() > limit || metadata.mode() & 0o077 != 0 {
        return None;
    }
    // Room for all of it at once, or moved bytes would stay unwiped; no more, since all room is
    // wiped in the end.
    let length = usize::try_from(metadata.len()).ok()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    file.take(metadata.len()).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Removes the cache, because the cached keys were changed.
pub(crate) fn forget(at: &KeyCacheAt) {
    // If it stays it is of no use: it is bound to blocks that are no longer all there is.
    fs::remove_file(&at.file).ok();
}

/// Writes the cache. Failing is no matter, but then nothing older stays in its place: it would be
/// worth as much to a thief as it was, and nothing to us.
pub(crate) fn write(
    at: &KeyCacheAt,
    passphrase: &Passphrase,
    keyring: &Keyring,
    blocks: &[String],
    random: &dyn Random,
) {
    let written = make_secret(&at.secret, random)
        .and_then(|secret| seal(passphrase, &secret, keyring, blocks, random))
        .and_then(|bytes| replace(&at.file, &at.file.with_extension("new"), &bytes).ok());
    if written.is_none() {
        forget(at);
    }
}

/// The secret beside the config, made if there is none. Nothing if it cannot be kept.
fn make_secret(file: &Path, random: &dyn Random) -> Option<Secret<SECRET_LENGTH>> {
    let known = || Secret::from_slice(&private(file, SECRET_LENGTH as u64)?);
    if let Some(secret) = known() {
        return Some(secret);
    }
    let mut bytes = Zeroizing::new([0; SECRET_LENGTH]);
    random.fill(&mut bytes[..]).ok()?;
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(".new");
    replace(file, Path::new(&temporary), &bytes[..]).ok()?;
    // Of two that make one at once both take the one that stayed.
    known()
}

/// Replaces a file by one that only its owner can read.
fn replace(file: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::remove_file(temporary).ok();
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(temporary);
    let written = made.and_then(|mut out| out.write_all(bytes));
    let done = written.and_then(|()| fs::rename(temporary, file));
    if done.is_err() {
        fs::remove_file(temporary).ok();
    }
    done
}

fn seal(
    passphrase: &Passphrase,
    secret: &Secret<SECRET_LENGTH>,
    keyring: &Keyring,
    blocks: &[String],
    random: &dyn Random,
) -> Option<Vec<u8>> {
    let mut salt = [0; SALT_LENGTH];
    random.fill(&mut salt).ok()?;
    let object_salt = fresh_salt(random, &salt).ok()?;
    let mut cached = salt.to_vec();
    let key = cache_key(passphrase, secret, &salt);
    let mut sealer = Sealer::new(&key, object_salt, CONTEXT, &mut cached);
    let names = blocks.join("\n");
    sealer.push(&u32::try_from(names.len()).ok()?.to_le_bytes(), &mut cached);
    sealer.push(names.as_bytes(), &mut cached);
    sealer.push(&keyring.encode().ok()?, &mut cached);
    sealer.finish(&mut cached);
    Some(cached)
}
