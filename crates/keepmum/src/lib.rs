//! keepmum: encrypted, versioned backups into a place that is not trusted.
//!
//! Every verb is a function of [`ops`]: it takes an [`ops::Access`] and its options, tells an
//! [`ops::Observer`] what happens, and gives a report.
//!
//! ```no_run
//! use keepmum::crypto::Passphrase;
//! use keepmum::ops::{self, Access, BackupOptions, CatalogueAt, Installation, Silent};
//! use keepmum::seam::Seam;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let access = Access::new(
//!     Seam::real("/home/me/Dropbox/backup".as_ref())?,
//!     Passphrase::new("a long password".to_owned()),
//!     CatalogueAt::File("/home/me/.local/share/keepmum/documents.sqlite".into()),
//!     Installation { device_name: "laptop".to_owned(), ..Installation::default() },
//!     2,
//! );
//! let options = BackupOptions {
//!     source: "documents".to_owned(),
//!     roots: vec!["/home/me/documents".into()],
//!     ..BackupOptions::default()
//! };
//! let report = ops::backup(&access, &options, &Silent)?;
//! println!("{:?}: {} files are new", report.snapshot, report.new);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/backup.rs` is a whole program. The rooms of the library import downward only
//! (`tests/house.rs` checks it). It never prints, and it touches clock, randomness and the
//! destination's file system only through [`seam::Seam`], so that a whole run can be replayed under
//! faults from a seed.

mod beneath;
pub mod catalogue;
pub mod chunk;
pub mod compress;
pub mod crypto;
pub mod format;
pub mod model;
pub mod ops;
pub mod pipeline;
pub mod repository;
pub mod seam;
mod session;
pub mod source;
pub mod store;
pub mod target;
