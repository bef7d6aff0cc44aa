//! The gate before the source and before a restore target.
//!
//! Those two are real trees even under test, so instead of simulating them the rooms ask here
//! before each access, and a test's gate can refuse the n-th one or let only a part through.

use std::io;

/// The next operation on a source or on a restore target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Listing a directory of the source.
    SourceList,
    /// Opening a file (or reading a link or attributes) of the source.
    SourceOpen,
    /// Reading bytes from a file of the source.
    SourceRead,
    /// Having a file system of the source write back the data that programs stored.
    SourceSync,
    /// Creating a file or directory in the target.
    TargetCreate,
    /// Creating a file that has no name yet in the target. Refused as not supported, it is created
    /// with a temporary name.
    TargetUnnamed,
    /// Writing bytes into a file of the target.
    TargetWrite,
    /// Making a symbolic or hard link in the target.
    TargetLink,
    /// Setting times, mode, owner or attributes in the target.
    TargetMetadata,
    /// Renaming within the target.
    TargetRename,
    /// Removing something from the target.
    TargetRemove,
    /// Making something in the target durable: a file, by the path that it is for, or everything
    /// where the path is empty.
    TargetSync,
}

/// Asked before every access to the source and to a restore target.
pub trait Gate: Send + Sync {
    /// May `operation` on `path` go on, with how many of its `bytes`?
    ///
    /// The answer is at most `bytes`; a smaller one makes a short read or a short write.
    /// It is 0 for operations without bytes, and 0 of a positive number is the end of the
    /// file for a read.
    ///
    /// # Errors
    /// The error with which the operation shall fail, as if it came from the operating system.
    fn pass(&self, operation: Operation, path: &[u8], bytes: usize) -> io::Result<usize>;
}

/// The gate of real runs: everything passes.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenGate;

impl Gate for OpenGate {
    fn pass(&self, _operation: Operation, _path: &[u8], bytes: usize) -> io::Result<usize> {
        Ok(bytes)
    }
}
