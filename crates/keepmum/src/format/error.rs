//! The reason why bytes are refused.

/// These bytes are refused. The sentences speak of the stored form, not of its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The bytes end in the middle of an item.
    #[error("the bytes end too early")]
    Truncated,
    /// A length or a count is beyond its bound.
    #[error("the length of {what} is {value}, which does not fit its bound {bound}")]
    BadLength {
        /// The item that has the length.
        what: &'static str,
        /// The length that was met.
        value: u64,
        /// The bound, or the one length that is right.
        bound: u64,
    },
    /// A value that the format does not allow.
    #[error("{what} has a value that the format does not allow")]
    BadValue {
        /// The item that has the value.
        what: &'static str,
    },
    /// Something critical that only a newer version knows.
    #[error("{what} {value} is not known to this version")]
    Unknown {
        /// The kind of thing.
        what: &'static str,
        /// Its number.
        value: u64,
    },
    /// No well-formed CBOR, or an item of another type than the format has there.
    #[error("{0} is not encoded as the format says")]
    Cbor(&'static str),
}
