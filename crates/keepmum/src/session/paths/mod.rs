//! Which paths of a snapshot are meant: the one resolver of all verbs.
//!
//! A person types a path as a shell knows it: from the home, from the current folder, from a root,
//! or with wildcards. This room turns it into paths that the snapshot has, or says where the path
//! can be found instead. It must never read the content of a file, and never look at the disk.

mod asked;
mod expand;
mod miss;
mod nearest;
mod pattern;
mod resolve;
mod resolver;
mod roots;

pub use asked::{Around, Asked, Paths};
pub(crate) use resolve::{Selected, Selection};
pub(crate) use resolver::Resolver;
pub(crate) use roots::tree_paths;

#[cfg(test)]
mod tests;
