//! An open repository: the parts shared by the verbs.
//!
//! It opens a repository, imports records, selects a snapshot, and determines which data is here,
//! damaged or lost. It must never do a verb's work, and never import a verb.

mod absent;
pub(crate) mod access;
pub(crate) mod branches;
pub(crate) mod choose;
pub(crate) mod claims;
pub(crate) mod completeness;
pub(crate) mod descent;
pub(crate) mod doubt;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod found_again;
pub(crate) mod healing;
pub(crate) mod import;
pub(crate) mod kept_blocks;
pub(crate) mod key_cache;
pub(crate) mod key_copies;
pub(crate) mod linked;
pub(crate) mod loss_scan;
pub(crate) mod metadata;
pub(crate) mod missing_path;
mod naming;
pub(crate) mod new_repository;
pub(crate) mod older;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod paths;
pub(crate) mod placed;
pub(crate) mod recovery_code;
pub(crate) mod remember;
pub(crate) mod report;
pub(crate) mod roots;
pub(crate) mod shown_code;
pub(crate) mod unlock;
pub(crate) mod values;
pub(crate) mod walk;
pub(crate) mod walk_error;
