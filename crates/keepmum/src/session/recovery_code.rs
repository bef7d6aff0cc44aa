//! A recovery code on its way to the person.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::{self, Passphrase};

/// A recovery code on its way to the person: it can be neither printed by accident nor copied, and
/// its memory is wiped. The code that shows it must not keep it.
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// A code as it is to be shown.
    pub fn new(code: String) -> Self {
        Self(Zeroizing::new(code))
    }

    /// The code that a person typed, as it is written down; nothing where it is none.
    pub fn of(typed: &Passphrase) -> Option<Self> {
        let code = crypto::RecoveryCode::parse(typed.expose())?;
        Some(Self::new(code.to_text().expose().to_owned()))
    }

    /// The code.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}
