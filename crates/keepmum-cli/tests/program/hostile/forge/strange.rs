//! Things that only a later version writes, or an attacker.

use std::fs;

use keepmum::inside::crypto::{SALT, ciphertext_hash, seal};
use keepmum::inside::format::{ObjectKind, ObjectName};

use super::{Forge, keys};
use crate::hostile::cbor::head;

impl Forge {
    /// Seals an object under a name that says something else than this version knows.
    pub(crate) fn strange(&mut self, change: fn(&mut ObjectName), room: Option<u64>) {
        let keys = keys();
        let (epoch, key) = keys.writing().writing_epoch();
        self.salts += 1;
        let (kind, device) = (ObjectKind::Record, self.device);
        let mut name =
            ObjectName { epoch, kind, device, run: 3, number: 0, length: 0, hash: [0; 16] };
        change(&mut name);
        let sealed = seal(key, [self.salts; SALT], &name.context(), b"from a later version");
        (name.length, name.hash) = (sealed.len() as u64, ciphertext_hash(&sealed));
        name.length = room.unwrap_or(name.length);
        let path = self.destination().join(keys.writing().seal_name(&name));
        fs::write(&path, &sealed).unwrap();
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(name.length).unwrap();
    }

    /// A record without items that follows another one, with the changes of this forge.
    pub(crate) fn raw_record(&mut self, run: u32, previous: (u32, [u8; 32])) -> Vec<u8> {
        self.honest = Some(previous.1);
        self.record(run, Some(previous), &[])
    }

    /// Entries that claim to be more than follow.
    pub(crate) fn claim(major: u8, count: u64) -> Vec<u8> {
        head(major, count)
    }
}
