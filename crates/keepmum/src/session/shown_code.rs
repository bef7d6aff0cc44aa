//! Whether a person ever saw the recovery code of the repository that this device made.
//!
//! The code is shown once and kept nowhere. A run that is killed in between leaves a code that nobody
//! has; so the fact that one is to be shown is durable before it opens anything, and each run says it
//! until there is a code that was shown.

use crate::catalogue::{Catalogue, state};
use crate::format::SlotId;

use super::error::Error;
use super::event::{Event, Observer};
use super::recovery_code::RecoveryCode;

/// Says that the code of this slot is to be shown. Durable when this returns.
pub(crate) fn expect(catalogue: &Catalogue, slot: &SlotId) -> Result<(), Error> {
    catalogue.set(&state::UNSEEN_CODE, slot)?;
    Ok(catalogue.make_durable()?)
}

/// The slot whose code nobody has seen.
pub(crate) fn unseen(catalogue: &Catalogue) -> Result<Option<SlotId>, Error> {
    Ok(catalogue.get(&state::UNSEEN_CODE)?)
}

/// Every code that opens was seen, as far as this device knows.
pub(crate) fn settled(catalogue: &Catalogue) -> Result<(), Error> {
    Ok(catalogue.forget(&state::UNSEEN_CODE)?)
}

/// Shows a code; gives it back where nobody took it.
pub(crate) fn show(
    catalogue: &Catalogue,
    code: RecoveryCode,
    observer: &dyn Observer,
) -> Result<Option<RecoveryCode>, Error> {
    if !observer.show_recovery_code(&code) {
        return Ok(Some(code));
    }
    settled(catalogue)?;
    Ok(None)
}

/// Reports that nobody has seen a code, if that is so.
pub(crate) fn say(catalogue: &Catalogue, observer: &dyn Observer) -> Result<(), Error> {
    if unseen(catalogue)?.is_some() {
        observer.event(Event::Notice(
            "You have confirmed no recovery code yet; `keepmum key recovery` makes one.".to_owned(),
        ));
    }
    Ok(())
}
