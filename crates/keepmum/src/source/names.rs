//! Names of users and groups by number, remembered: a source has few owners and many files.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nix::unistd::{Gid, Group, Uid, User};

use crate::model::Owner;

type Known = Mutex<HashMap<u32, Option<Box<[u8]>>>>;

/// The names of this machine's users and groups.
#[derive(Default)]
pub struct Names {
    users: Known,
    groups: Known,
}

impl Names {
    /// The user's name, if the machine knows one.
    pub fn user(&self, uid: u32) -> Option<Box<[u8]>> {
        known(&self.users, uid, || {
            User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
        })
    }

    /// The group's name, if the machine knows one.
    pub fn group(&self, gid: u32) -> Option<Box<[u8]>> {
        known(&self.groups, gid, || {
            Group::from_gid(Gid::from_raw(gid)).ok().flatten().map(|group| group.name)
        })
    }

    /// Puts the names beside the numbers.
    pub fn fill(&self, owner: &mut Owner) {
        owner.user = owner.numbers.and_then(|(user, _)| self.user(user));
        owner.group = owner.numbers.and_then(|(_, group)| self.group(group));
    }
}

fn known(names: &Known, number: u32, ask: impl FnOnce() -> Option<String>) -> Option<Box<[u8]>> {
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    names.entry(number).or_insert_with(|| ask().map(|name| name.into_bytes().into())).clone()
}
