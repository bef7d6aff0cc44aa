//! What was asked for, before any snapshot was looked at.

use std::path::PathBuf;

use crate::model::TreePath;

/// A path that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Just this one.
    Exact(TreePath),
    /// As a person typed it: it may begin with `~`, be relative, or have wildcards.
    Typed {
        /// The bytes as they were typed.
        path: Vec<u8>,
        /// Where links on this machine lead to from there, if that is another place.
        real: Option<PathBuf>,
    },
}

/// What typed paths count from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The home of whoever types.
    pub home: Option<PathBuf>,
    /// The current folder, and other names of it.
    pub folders: Vec<PathBuf>,
}

/// Which paths of a snapshot are meant; by default everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    pub(super) asked: Vec<Asked>,
    pub(super) around: Around,
}

impl Paths {
    /// These, counted from there.
    pub fn new(asked: Vec<Asked>, around: Around) -> Self {
        Self { asked, around }
    }

    /// Whether nothing was named.
    pub fn is_everything(&self) -> bool {
        self.asked.is_empty()
    }
}

impl From<TreePath> for Paths {
    fn from(path: TreePath) -> Self {
        Self::new(vec![Asked::Exact(path)], Around::default())
    }
}
