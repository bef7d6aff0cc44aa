//! Making a repository: key blocks, and nothing else.

use crate::crypto::Passphrase;
use crate::format::{Keyring, KeyringRepository, Parameters};
use crate::model::RepositoryId;
use crate::repository::{self, RawListing, RepositoryError};
use crate::store::{LocalStore, Put, Store};

use zeroize::Zeroizing;

use super::access::Access;
use super::error::{Error, ErrorKind};
use super::event::Silent;
use super::open;
use super::report::InitReport;

/// Makes a repository where there is none.
///
/// # Errors
/// [`ErrorKind::Exists`] where objects or key blocks lie already, [`ErrorKind::Refused`] where the
/// catalogue knows a repository at this destination.
pub fn init(access: &Access) -> Result<InitReport, Error> {
    let destination = open::destination(access, &Silent)?;
    if destination.raw.has_object_shapes() {
        return Err(Error::new(
            ErrorKind::Exists,
            "there is a repository at the destination already",
        ));
    }
    if destination.is_known()? {
        return Err(destination.no_keys()?);
    }
    let recovery_code = make(access, &*destination.store)?;
    // Opening it once tells the catalogue, and proves that the password opens what was written.
    let fresh = LocalStore::new(std::sync::Arc::clone(&access.seam.disk));
    let again = RawListing::read(&fresh).map_err(RepositoryError::from)?;
    let repository = open::Destination { raw: again, ..destination }.open(access, &Silent)?;
    open::remember_repositories(&repository)?;
    Ok(InitReport { recovery_code, foreign_files: repository.listing.foreign })
}

/// Writes the key blocks of a new repository; answers with the recovery code.
pub(super) fn make(access: &Access, store: &dyn Store) -> Result<String, Error> {
    refuse_empty(&access.passphrase)?;
    let random = &*access.seam.random;
    let fill = |bytes: &mut [u8]| random.fill(bytes).map_err(RepositoryError::Random);
    let mut secret = Zeroizing::new([0; 32]);
    let mut epoch = Zeroizing::new([0; 32]);
    let mut id = [0; RepositoryId::LENGTH];
    fill(&mut secret[..])?;
    fill(&mut epoch[..])?;
    fill(&mut id)?;
    let parameters =
        Parameters { chunker: 0, average: crate::chunk::Parameters::DEFAULT_AVERAGE, padding: 0 };
    let keyring = Keyring {
        generation: 1,
        repositories: vec![KeyringRepository {
            secret,
            epochs: vec![(1, epoch)],
            parameters,
            id: RepositoryId(id),
        }],
        removed: Vec::new(),
        slots: None,
    };
    let created = u64::try_from(access.seam.clock.now().seconds).unwrap_or(0);
    let made = repository::create(keyring, &access.passphrase, access.profile, created, random)?;
    for (name, bytes) in &made.blocks {
        let (Put::Stored | Put::Existed) =
            store.put_new(name, bytes).map_err(RepositoryError::from)?;
    }
    if let Err(error) = store.sync() {
        // Nothing was ever sealed with these keys, and their names may not last: a later run must
        // not build on them. What cannot be removed is a repository of its own beside another.
        for (name, _) in &made.blocks {
            access.seam.disk.remove(name).ok();
        }
        return Err(RepositoryError::from(error).into());
    }
    Ok(made.recovery.to_text().expose().to_owned())
}

pub(super) fn refuse_empty(passphrase: &Passphrase) -> Result<(), Error> {
    if passphrase.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "the password is empty"));
    }
    Ok(())
}
