//! Everything beneath one open directory: opening it, listing it, its attributes.
//!
//! Source, target and the destination's folder use this: all reach deep paths of trees that
//! somebody else may be changing. A path is only ever resolved from a descriptor downward: no
//! symbolic link on the way or at its end is followed, and nothing outside can be reached.

mod attributes;
mod listing;
mod open;
mod tag;
mod temporary;
#[cfg(test)]
mod tests;

pub use attributes::{Attributes, Unread};
pub(crate) use attributes::{Handle, LARGE, XATTR};
pub(crate) use listing::{LaterNames, NameList, Scratch, found, kind_of, stamp, stat, stat_at};
pub(crate) use open::Beneath;
pub(crate) use tag::{TAG, is_cache, is_tag};
pub(crate) use temporary::PREFIX as TEMPORARY_PREFIX;
pub use temporary::is_temporary;
