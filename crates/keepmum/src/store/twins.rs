//! The results of comparing two files, and of deleting one of them.

use crate::seam::Identity;

/// Two files with the same bytes, as they were when they were compared.
#[derive(Clone, Debug)]
pub struct Twins {
    pub(super) original: (String, Identity),
    pub(super) copy: (String, Identity),
}

/// The result of comparing two files.
#[derive(Clone, Debug)]
pub enum Comparison {
    /// They hold the same bytes.
    Same(Twins),
    /// They do not.
    Differ,
    /// They are one file with two paths.
    OneFile,
    /// One of them is not on this machine.
    NotAtHand,
    /// One of them was changed meanwhile.
    Changed,
}

/// The result of deleting one of two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is deleted.
    Done,
    /// One of them was changed since they were compared: nothing is deleted.
    Changed,
    /// The original went with it, or changed meanwhile, and the bytes were put back.
    PutBack,
}
