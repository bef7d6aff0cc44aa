//! A path with wildcards, name by name; `**` stands for any number of folders.
//!
//! The time for a name is bounded by the product of its length and the pattern's, and of a folder
//! only the places in the pattern that a walk has come to are remembered.

use crate::source::{check_wildcards, is_wildcard, matches_name};

use super::expand::Names;

/// Any number of folders.
const ANY_DEPTH: &[u8] = b"**";

/// Whether a name has wildcards, or a backslash before what would be one.
pub(super) fn is_pattern(name: &[u8]) -> bool {
    name.iter().any(|byte| is_wildcard(*byte))
}

/// What is wrong with a pattern, which then would match nothing.
pub(super) fn check(names: &[Vec<u8>]) -> Result<(), &'static str> {
    names.iter().try_for_each(|name| check_wildcards(name))
}

/// Places in a pattern: how many of its names are behind a folder that a walk is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places(Vec<usize>);

/// What a name is to a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// All of the pattern is matched.
    pub(super) is_whole: bool,
    /// What is in it, if it is a folder, may match; nothing if not.
    pub(super) beneath: Option<Places>,
}

impl Places {
    /// The folder where so many names of the pattern are behind the walk.
    pub(super) fn at(pattern: &Names, names: usize) -> Self {
        let mut places = Self(Vec::new());
        places.add(pattern, names);
        places
    }

    fn add(&mut self, pattern: &Names, mut place: usize) {
        while !self.0.contains(&place) {
            self.0.push(place);
            // It may stand for no folder at all.
            match pattern.get(place) {
                Some(name) if name == ANY_DEPTH => place += 1,
                _ => return,
            }
        }
    }

    /// How a name in this folder matches.
    pub(super) fn step(&self, pattern: &Names, name: &[u8]) -> Match {
        let mut beneath = Self(Vec::new());
        let mut is_whole = false;
        for place in &self.0 {
            let Some(expected) = pattern.get(*place) else { continue };
            if expected == ANY_DEPTH {
                beneath.add(pattern, *place);
                // What lies beneath is meant, not the folder by itself.
                is_whole |= place + 1 == pattern.len();
            } else if expected == name || matches_name(expected, name) {
                is_whole |= place + 1 == pattern.len();
                beneath.add(pattern, place + 1);
            }
        }
        beneath.0.retain(|place| *place < pattern.len());
        let beneath = Some(beneath).filter(|beneath| !beneath.0.is_empty());
        Match { is_whole, beneath }
    }
}
