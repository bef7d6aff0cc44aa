//! Making the key blocks of a new repository, for `init` and for the first backup; and the
//! repository that a dry run imagines if there is none.

use zeroize::Zeroizing;

use crate::crypto::Passphrase;
use crate::format::key_block::LABEL_MAX;
use crate::format::{Epoch, Further, Keyring, KeyringRepository, Parameters};
use crate::history::Standing;
use crate::model::RepositoryId;
use crate::repository::{self, Keys, RepositoryError};
use crate::seam::Random;
use crate::store::Put;

use super::access::Access;
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer, Phase};
use super::import::Imported;
use super::kept_blocks::KeyBlocks;
use super::open::{Destination, Repository};
use super::recovery_code::RecoveryCode;
use super::shown_code;

/// Writes the key blocks of a new repository, and shows the recovery code as soon as they are
/// durable: whatever fails from then on, the repository stays. Gives the code back where nobody took
/// it.
pub(crate) fn make(
    access: &Access,
    destination: &Destination,
    observer: &dyn Observer,
) -> Result<Option<RecoveryCode>, Error> {
    refuse_empty(&access.passphrase)?;
    observer.event(Event::Phase(Phase::Unlocking));
    let random = &*access.seam.random;
    let keyring = new_keyring(random)?;
    let created = u64::try_from(access.seam.clock.now().seconds).unwrap_or(0);
    let made = {
        let made_by = (created, label_of(&access.installation.device_name));
        repository::create(keyring, &access.passphrase, access.profile, made_by, random)?
    };
    if observer.stopping() {
        return Err(Error::new(ErrorKind::Interrupted, "stopped before a repository was made"));
    }
    observer.event(Event::Phase(Phase::Opening));
    let (store, catalogue) = (&*destination.store, &destination.catalogue);
    // Before anything opens with it: who is killed before it is shown must know of it.
    shown_code::expect(catalogue, &made.recovery_slot)?;
    let mut put = made.blocks.iter().map(|(name, bytes)| store.put_new(name, bytes));
    let done = put.try_for_each(|put| put.map(|_: Put| ())).and_then(|()| store.sync());
    if let Err(error) = done {
        // Nothing was ever sealed with these keys, and their names may not last: a later run must
        // not rely on them. A block that cannot be removed is a repository of its own beside
        // another.
        for (name, _) in &made.blocks {
            access.seam.disk.remove(name).ok();
        }
        return Err(RepositoryError::from(error).into());
    }
    observer.event(Event::RepositoryMade { foreign_files: destination.raw.foreign() });
    let code = RecoveryCode::new(made.recovery.to_text().expose().to_owned());
    let unseen = shown_code::show(catalogue, code, observer)?;
    shown_code::say(catalogue, observer)?;
    Ok(unseen)
}

/// A keyring with one repository of its own.
fn new_keyring(random: &dyn Random) -> Result<Keyring, Error> {
    let fill = |bytes: &mut [u8]| random.fill(bytes).map_err(RepositoryError::Random);
    let mut secret = Zeroizing::new([0; 32]);
    let mut epoch = Zeroizing::new([0; 32]);
    let mut id = [0; RepositoryId::LENGTH];
    fill(&mut secret[..])?;
    fill(&mut epoch[..])?;
    fill(&mut id)?;
    let average = crate::chunk::Parameters::DEFAULT_AVERAGE;
    let further = Further::default();
    let parameters =
        Parameters { chunker: 0, average, padding: 0, object_size: None, further: further.clone() };
    let (epochs, id) = (vec![Epoch::new(1, epoch)], RepositoryId(id));
    let repository = KeyringRepository { secret, epochs, parameters, id, further: further.clone() };
    Ok(Keyring {
        generation: 1,
        repositories: vec![repository],
        families: Vec::new(),
        former: Vec::new(),
        last_removal: 0,
        is_restricted: false,
        further,
    })
}

/// An empty repository under keys that nobody keeps: it shows the result of a run in the repository
/// that the run would make, without making it.
pub(crate) fn imagine(
    access: &Access,
    destination: Destination,
    observer: &dyn Observer,
) -> Result<Repository, Error> {
    refuse_empty(&access.passphrase)?;
    let keys = Keys::derive(&new_keyring(&*access.seam.random)?)
        .ok_or_else(|| Error::new(ErrorKind::Local, "no keys can be made"))?;
    let sentence = "There is no repository; the first run makes one.";
    observer.event(Event::Notice(sentence.to_owned()));
    observer.event(Event::Phase(Phase::Opening));
    Ok(Repository {
        store: destination.store,
        listing: destination.raw.open(&keys, access.mode),
        keys,
        catalogue: destination.catalogue,
        seen: Vec::new(),
        standing: Standing::default(),
        swept_here: Vec::new(),
        imported: Imported::default(),
        key_blocks: KeyBlocks::default(),
    })
}

/// A device's name, as far as it fits the label of a password.
pub(crate) fn label_of(device_name: &str) -> &str {
    let end = (0..=device_name.len().min(LABEL_MAX)).rev();
    let mut end = end.filter(|at| device_name.is_char_boundary(*at));
    &device_name[..end.next().unwrap_or(0)]
}

/// Refuses an empty password: it would open for everybody.
pub(crate) fn refuse_empty(passphrase: &Passphrase) -> Result<(), Error> {
    if passphrase.is_empty() {
        return Err(Error::new(ErrorKind::Unusable, "the password is empty"));
    }
    Ok(())
}
