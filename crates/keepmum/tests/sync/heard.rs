//! A person who listens to a verb, and writes recovery codes down.

use std::collections::BTreeSet;
use std::sync::Mutex;

use keepmum::ops::{Event, Observer, RecoveryCode};

/// Takes recovery codes.
pub(crate) struct Heard {
    codes: Mutex<Vec<String>>,
    /// The person does not confirm the code; it opens all the same.
    is_unseen: bool,
    tried: Mutex<BTreeSet<String>>,
}

impl Heard {
    pub(crate) fn new(is_unseen: bool) -> Self {
        Self { codes: Mutex::default(), is_unseen, tried: Mutex::default() }
    }

    /// Whether a password was tried already; from now on it was.
    pub(crate) fn has_tried(&self, secret: &str) -> bool {
        !self.tried.lock().unwrap().insert(secret.to_owned())
    }

    pub(crate) fn into_codes(self) -> Vec<String> {
        self.codes.into_inner().unwrap()
    }
}

impl Observer for Heard {
    fn event(&self, _: Event) {}

    fn stopping(&self) -> bool {
        false
    }

    fn show_recovery_code(&self, code: &RecoveryCode) -> bool {
        self.codes.lock().unwrap().push(code.expose().to_owned());
        !self.is_unseen
    }
}
