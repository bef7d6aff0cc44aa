//! The values that every verb needs to get at a repository.

use std::path::PathBuf;

use crate::crypto::{Passphrase, Profile};
use crate::pipeline::Mode;
use crate::seam::Seam;

/// Where the catalogue is.
pub enum CatalogueAt {
    /// A file, which is made when it is not there.
    File(PathBuf),
    /// Nowhere: a private one for this run, rebuilt from the destination.
    Temporary,
}

/// Where the unlocked keyring is kept, so that a run need not derive it.
#[derive(Clone, Debug)]
pub struct KeyCacheAt {
    /// The keyring, sealed; beside the catalogue.
    pub file: PathBuf,
    /// 32 random bytes that it does not open without; beside the config, so that the catalogue's
    /// folder alone gives nothing to try passwords on.
    pub secret: PathBuf,
}

/// This machine, and the identity of this installation among others on it.
#[derive(Clone, Debug, Default)]
pub struct Installation {
    /// The machine's own id. It is never stored at the destination, only a keyed hash of it and of
    /// the place below: so an installation recognises itself after its catalogue was lost.
    pub machine: Vec<u8>,
    /// The path of the catalogue; nothing where it is a temporary one.
    pub place: Option<PathBuf>,
    /// The name of this device for people.
    pub device_name: String,
    /// The roots of the source that the catalogue is for; empty where no config says any.
    pub roots: Vec<PathBuf>,
}

impl Installation {
    /// The machine, a zero byte, and the place: a copy of either is another installation.
    pub(crate) fn identity(&self) -> Vec<u8> {
        let place = self.place.as_deref().map(|path| path.as_os_str().as_encoded_bytes());
        [&self.machine, &b"\0"[..], place.unwrap_or_default()].concat()
    }
}

/// The values that every verb needs.
pub struct Access {
    /// The destination, the clock, randomness, and the gate before source and target.
    pub seam: Seam,
    /// Password or recovery code.
    pub passphrase: Passphrase,
    /// The catalogue.
    pub catalogue: CatalogueAt,
    /// Where the unlocked keyring may be kept; only when the password stands in a file anyway.
    pub key_cache: Option<KeyCacheAt>,
    /// The cost of the password's key. Everything but tests uses the standard one.
    pub profile: Profile,
    /// Threads, or a replay on one thread in an order that a seed chooses.
    pub mode: Mode,
    /// This machine.
    pub installation: Installation,
}

impl Access {
    /// Access with the standard cost of a password and without a kept key. Work runs on so many
    /// threads.
    pub fn new(
        seam: Seam,
        passphrase: Passphrase,
        catalogue: CatalogueAt,
        installation: Installation,
        threads: usize,
    ) -> Self {
        let (profile, mode) = (Profile::Standard, Mode::Threads(threads.max(1)));
        Self { seam, passphrase, catalogue, key_cache: None, profile, mode, installation }
    }
}

#[cfg(test)]
mod tests {
    use super::Installation;

    fn identity(machine: &[u8], place: Option<&str>) -> Vec<u8> {
        let place = place.map(Into::into);
        Installation { machine: machine.to_vec(), place, ..Installation::default() }.identity()
    }

    #[test]
    fn an_installation_is_a_machine_and_a_catalogue() {
        let one = identity(b"m", Some("/a"));
        assert_eq!(one, b"m\0/a");
        assert_ne!(one, identity(b"m", Some("/b")));
        assert_ne!(one, identity(b"n", Some("/a")));
        assert_eq!(identity(b"m", None), b"m\0");
    }
}
