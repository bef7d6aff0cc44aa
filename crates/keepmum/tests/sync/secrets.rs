//! The passwords and recovery codes that there are, and whether each must open everything.

use std::collections::BTreeSet;

use keepmum::inside::crypto::Passphrase;
use keepmum::ops::{self, CatalogueAt, Error, KeyChangeReport, Silent};

use crate::heard::Heard;
use crate::support::Dice;
use crate::world::{Failure, World};

/// Whether a secret opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It must, where its key block has arrived.
    Opens,
    /// A change of keys was killed, or made at the same time as another one.
    Unclear,
    Removed,
}

pub(crate) struct Secret {
    pub(crate) text: String,
    pub(crate) state: State,
    is_code: bool,
    /// Its slot, as soon as that is known.
    slot: Option<String>,
}

/// All secrets that there ever were.
pub(crate) struct Secrets(pub(crate) Vec<Secret>);

impl Secrets {
    pub(crate) fn new() -> Self {
        let text = "the password of all".to_owned();
        Self(vec![Secret { text, state: State::Opens, is_code: false, slot: None }])
    }

    pub(crate) fn first(&self) -> &str {
        &self.0[0].text
    }

    /// Codes that a run has shown.
    pub(crate) fn heard(&mut self, heard: Heard) {
        for text in heard.into_codes() {
            self.0.push(Secret { text, state: State::Opens, is_code: true, slot: None });
        }
    }

    /// Another password than this one that may open.
    pub(crate) fn next_password(&self, now: &str) -> Option<String> {
        let usable = |secret: &&Secret| {
            !secret.is_code && secret.state != State::Removed && secret.text != now
        };
        let at = self.0.iter().position(|secret| secret.text == now).map_or(0, |at| at + 1);
        let mut turned = self.0[at..].iter().chain(&self.0[..at]);
        turned.find(usable).map(|secret| secret.text.clone())
    }

    /// The password that a person gives to a new installation.
    pub(crate) fn newest_password(&self) -> String {
        let mut usable = self.0.iter().rev().filter(|secret| !secret.is_code);
        usable
            .find(|secret| secret.state == State::Opens)
            .map_or(self.first(), |secret| &secret.text)
            .to_owned()
    }

    /// Whether some secrets may open or not.
    pub(crate) fn are_unclear(&self) -> bool {
        self.0.iter().any(|secret| secret.state != State::Opens)
    }

    /// Whether this secret must open everything.
    pub(crate) fn opens(&self, text: &str) -> bool {
        self.open().any(|secret| secret.text == text)
    }

    /// The secrets that must open everything.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter().filter(|secret| secret.state == State::Opens)
    }

    fn set(&mut self, which: impl Fn(&Secret) -> bool, state: State) {
        self.0.iter_mut().filter(|secret| which(secret)).for_each(|secret| secret.state = state);
    }
}

impl World {
    /// Learns the slots of secrets that are new.
    pub(crate) fn learn_slots(&mut self, at: usize) {
        for secret in self.secrets.0.iter_mut().filter(|secret| secret.slot.is_none()) {
            let machine = &self.machines[at];
            let access = machine.access(self.now, &secret.text, CatalogueAt::Temporary, 1);
            let Ok(report) = ops::key_list(&access, &Silent) else { continue };
            secret.slot = report.slots.into_iter().find(|slot| slot.own).map(|slot| slot.id);
        }
    }

    /// Adds or changes a password, or makes a new recovery code.
    pub(crate) fn change_keys(
        &mut self,
        at: usize,
        dice: &mut Dice,
        is_killed: bool,
    ) -> Result<(), Failure> {
        let machine = &self.machines[at];
        let is_current = self.provider.has_all_keys(machine.disk());
        let removes = dice.one_in(2) && is_current;
        if self.secrets.0.len() > 12 {
            return Ok(());
        }
        let text = format!("password {:x}", dice.word());
        let (access, new) = (machine.own(self.now, dice.word()), Passphrase::new(text.clone()));
        let (word, before) = (dice.word(), machine.catalogue_files());
        if is_killed {
            self.plan(at, dice, 14);
        }
        let heard = Heard::new(!removes);
        let is_recovery = dice.one_in(3);
        let result = match (is_recovery, removes) {
            (true, _) => ops::key_recovery(&access, &heard),
            (false, true) => ops::key_passwd(&access, &new, &heard),
            (false, false) => ops::key_add(&access, &new, "", &heard),
        };
        let verb = if is_recovery {
            "recovery"
        } else if removes {
            "passwd"
        } else {
            "add"
        };
        self.say(|| {
            format!("{verb} on all blocks: {is_current}: {:?}", result.as_ref().map(|r| &r.removed))
        });
        let known = self.secrets.0.len();
        self.secrets.heard(heard);
        if !is_recovery {
            self.secrets.0.push(Secret {
                text: text.clone(),
                state: State::Opens,
                is_code: false,
                slot: None,
            });
        }
        let is_sure = is_current && result.is_ok();
        if !is_sure {
            self.secrets.0[known..].iter_mut().for_each(|secret| secret.state = State::Unclear);
        }
        if result.is_ok() && !is_recovery && removes {
            self.machines[at].secret = text;
        }
        self.judge_key_change(at, result, (removes, is_killed))?;
        if is_killed {
            self.after_fault(at, dice, (word, &before))?;
        }
        self.upload(at)?;
        self.learn_slots(at);
        Ok(())
    }

    fn judge_key_change(
        &mut self,
        at: usize,
        result: Result<KeyChangeReport, Error>,
        (removes, is_killed): (bool, bool),
    ) -> Result<(), Failure> {
        match result {
            Ok(report) => {
                self.tally.key_changes += 1;
                let removed: BTreeSet<_> = report.removed.into_iter().collect();
                let is_removed = |secret: &Secret| {
                    secret.slot.as_ref().is_some_and(|slot| removed.contains(slot))
                };
                self.secrets.set(is_removed, State::Removed);
                if removes {
                    // Its slot was never seen: nobody knows whether it was among them.
                    let is_unknown =
                        |secret: &Secret| secret.slot.is_none() && secret.state == State::Opens;
                    let last = self.secrets.0.len() - 1;
                    let own = self.secrets.0[last].text.clone();
                    self.secrets
                        .set(|secret| is_unknown(secret) && secret.text != own, State::Unclear);
                }
                Ok(())
            }
            Err(error) => {
                if removes {
                    self.secrets.set(|secret| secret.state == State::Opens, State::Unclear);
                }
                match error.kind() {
                    ops::ErrorKind::KeySlots | ops::ErrorKind::Unusable => Ok(()),
                    _ => self.judge_error(at, &error, is_killed),
                }
            }
        }
    }
}
