//! `init`: a repository of key blocks, and nothing else.

use crate::repository::{RawListing, RepositoryError};

use super::access::Access;
use super::error::{Error, ErrorKind};
use super::event::Observer;
use super::new_repository::make;
use super::open;
use super::report::InitReport;

/// Makes a repository where there is none. The observer is told the recovery code as soon as the
/// key blocks are durable, since the repository stays even where this fails later.
///
/// # Errors
/// [`ErrorKind::Exists`] where objects or key blocks lie already, [`ErrorKind::Refused`] where the
/// catalogue knows a repository at this destination.
pub fn init(access: &Access, observer: &dyn Observer) -> Result<InitReport, Error> {
    let mut destination = open::destination(access, None, observer)?;
    if destination.raw.has_object_shapes() {
        return Err(Error::new(
            ErrorKind::Exists,
            "there is a repository at the destination already",
        ));
    }
    if destination.is_known()? {
        return Err(destination.no_keys()?);
    }
    make(access, &*destination.store, destination.raw.foreign(), observer)?;
    // Opening it once tells the catalogue, and proves that the password opens what was written.
    destination.raw = RawListing::read(&*destination.store).map_err(RepositoryError::from)?;
    let repository = destination.open(access, observer)?;
    open::remember_repositories(&repository)?;
    Ok(InitReport { foreign_files: repository.listing.foreign })
}
