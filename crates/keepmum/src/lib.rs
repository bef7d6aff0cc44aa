//! keepmum: encrypted, versioned backups into a place that is not trusted.
//!
//! Every verb is a function of [`ops`]: it takes an [`ops::Access`] and its options, reports events
//! to an [`ops::Observer`], and returns a report.
//!
//! ```no_run
//! use keepmum::ops::{self, Access, BackupOptions, CatalogueAt, Installation, Silent};
//! use keepmum::{Passphrase, Seam};
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
//! destination's file system only through [`Seam`], so that a whole run can be replayed under
//! faults from a seed.

#![allow(unreachable_pub, reason = "in a private room, pub says that it is for other rooms")]
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the same: their links are for who reads rooms"
)]

mod beneath;
mod catalogue;
mod chunk;
mod compress;
mod crypto;
mod format;
mod history;
mod life;
mod model;
pub mod ops;
mod pipeline;
mod repository;
mod seam;
mod session;
mod source;
mod store;
mod target;

pub use catalogue::{Catalogue, CatalogueError, History};
pub use compress::Level;
pub use crypto::{CodeReading, Passphrase, Profile, read_code};
pub use model::{Time, TreePath};
pub use pipeline::Mode;
pub use seam::Seam;
pub use source::{Rules, check_pattern};

/// Internals for the tests and measurements of this project. No other program may rely on them.
#[doc(hidden)]
pub mod inside {
    pub mod catalogue {
        pub use crate::catalogue::{Catalogue, state};
    }
    pub mod chunk {
        pub use crate::chunk::{Chunker, Cutter, Parameters, WINDOW};
    }
    pub mod compress {
        pub use crate::compress::{Compressor, Decompressor, Effort, Level, delta};
    }
    pub mod crypto {
        pub use crate::crypto::{
            Passphrase, Profile, RepositoryKeys, SALT, Secret, ciphertext_hash, key_block_name,
            record_hash, seal,
        };
    }
    pub mod format {
        pub use crate::format::{
            Item, Keyring, ObjectKind, ObjectName, PieceKind, Record, base32, footer,
            is_key_block_length, name,
        };
    }
    pub mod model {
        pub use crate::model::{
            ChunkId, DeviceId, FoundKind, ObjectKey, PAGE, RecordHash, RecordRef, Side, SnapshotId,
            Time, TreePath,
        };
    }
    pub mod pipeline {
        pub use crate::pipeline::Mode;
    }
    pub mod repository {
        pub use crate::repository::{Candidate, Keys, ObjectReader, RawListing, Unlock, open};
    }
    pub mod seam {
        pub use crate::seam::{
            Disk, Found, Gate, Identity, NewFile, OpenGate, Operation, ReadAt, RealClock, RealDisk,
            Seam, SystemRandom, Timestamp, staging_name,
        };
    }
    pub mod source {
        pub use crate::source::{Rules, Source, check_pattern};
    }
    pub mod store {
        #[cfg(any(test, feature = "simulation"))]
        pub use crate::store::simulated;
        pub use crate::store::{LocalStore, Put, Store};
    }
}
