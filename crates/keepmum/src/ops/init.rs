//! `init`: a repository of key blocks, and nothing else.

use serde::Serialize;

use crate::repository::{RawListing, RepositoryError};

use crate::session::access::Access;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::Observer;
use crate::session::new_repository::make;
use crate::session::open;
use crate::session::recovery_code::RecoveryCode;

/// The result of `init`.
#[derive(Debug, Serialize)]
pub struct InitReport {
    /// Files in the destination that are not ours.
    pub foreign_files: u64,
    /// The observer showed the recovery code.
    pub recovery_code_shown: bool,
    /// The recovery code, where the observer did not show it. Never a part of JSON.
    #[serde(skip)]
    pub recovery_code: Option<RecoveryCode>,
}

/// Makes a repository if there is none. The observer shows the recovery code as soon as the key
/// blocks are durable, since the repository stays even if this fails later.
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
    if destination.locked().is_known()? {
        return Err(destination.locked().no_keys()?);
    }
    let recovery_code = make(access, &destination, observer)?;
    // Opening it once informs the catalogue, and proves that the password opens the new blocks.
    destination.raw = RawListing::read(&*destination.store).map_err(RepositoryError::from)?;
    let repository = destination.open(access, observer)?;
    open::remember_repositories(&repository)?;
    Ok(InitReport {
        foreign_files: repository.listing.foreign,
        recovery_code_shown: recovery_code.is_none(),
        recovery_code,
    })
}
