//! Users and groups by name, remembered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nix::unistd::{Group, User};

use crate::model;

type Known = Mutex<HashMap<Box<[u8]>, Option<u32>>>;

/// The numbers of this machine's users and groups.
#[derive(Default)]
pub(super) struct Owners {
    users: Known,
    groups: Known,
}

impl Owners {
    /// User and group number of an owner here: by name where the name is known, else unchanged;
    /// nothing if one of them is not known either way.
    pub(super) fn numbers(&self, owner: &model::Owner) -> Option<(u32, u32)> {
        let user = owner.user.as_deref().and_then(|name| {
            known(&self.users, name, |name| {
                User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
            })
        });
        let group = owner.group.as_deref().and_then(|name| {
            known(&self.groups, name, |name| {
                Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
            })
        });
        let (uid, gid) = owner.numbers.unzip();
        Some((user.or(uid)?, group.or(gid)?))
    }
}

fn known(numbers: &Known, name: &[u8], ask: impl FnOnce(&str) -> Option<u32>) -> Option<u32> {
    let mut numbers = numbers.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(number) = numbers.get(name) {
        return *number;
    }
    // A name that is no text, or has a NUL in it, cannot be asked for.
    let number = std::str::from_utf8(name).ok().filter(|name| !name.contains('\0')).and_then(ask);
    numbers.insert(name.into(), number);
    number
}
