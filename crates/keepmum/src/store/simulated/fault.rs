//! The faults that can be planned for one operation of the simulated disk.

/// A fault at one numbered operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing.
    None,
    /// Power is lost just before the operation; everything fails until the restart.
    Crash,
    /// The operation fails with EIO and does nothing. A failed sync loses its data for good: later
    /// syncs of the same file or directory succeed without it.
    Error,
    /// The operation takes effect and fails with EIO all the same.
    LateError,
    /// This operation, if it changes anything, fails with ENOSPC, and from here on nothing can
    /// be created, written or named until `heal`.
    Full,
    /// A write takes about half of the bytes, a read gives about half; no error.
    ShortWrite,
    /// A write takes about half of the bytes, then power is lost. Anything else takes effect,
    /// then power is lost.
    Torn,
}

impl Fault {
    /// Every fault that is one, for loops over all of them.
    pub const ALL: [Self; 6] =
        [Self::Crash, Self::Error, Self::LateError, Self::Full, Self::ShortWrite, Self::Torn];
}
