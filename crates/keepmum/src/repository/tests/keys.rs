//! Who opens which blocks, and the power of somebody who was removed and kept everything he had.

use std::cell::Cell;

use super::super::RepositoryError;
use super::super::key_block::{
    Candidate, NamedBlock, SlotSecret, create, new_key, open_keyring, seal_blocks,
};
use super::super::key_change::{KeyChange, NewSlot};
use super::super::key_edition::Place;
use super::super::key_open::{Opened, Unlock, open};
use super::keyring;
use crate::crypto::{Passphrase, Profile};
use crate::format::{Epoch, Former, Keyring, SlotId};
use crate::seam::Random;
use crate::store::simulated::Simulation;
use zeroize::Zeroizing;

fn text(password: &str) -> Passphrase {
    Passphrase::new(password.to_owned())
}

fn candidates(blocks: &[NamedBlock]) -> Vec<Candidate> {
    let file = |(name, bytes): &NamedBlock| Candidate {
        path: name.clone(),
        name: name.clone(),
        bytes: bytes.clone(),
    };
    blocks.iter().map(file).collect()
}

/// Opens these blocks on a machine that keeps others.
fn opened(
    blocks: &[NamedBlock],
    kept: &[NamedBlock],
    password: &str,
    random: &dyn Random,
) -> Result<Opened, RepositoryError> {
    let passphrase = text(password);
    let unlock = Unlock {
        passphrase: &passphrase,
        profile: Profile::Test,
        random,
        kept: kept.to_vec(),
        at_most: None,
        tell: &|_, _| {},
        is_all: &|_| false,
    };
    open(candidates(blocks), unlock)
}

/// A new repository with this password.
fn made(password: &str, random: &dyn Random) -> Vec<NamedBlock> {
    create(keyring(1, 1, &[(1, 10)]), &text(password), Profile::Test, (0, ""), random)
        .unwrap()
        .blocks
}

fn change(
    opened: &Opened,
    add: Option<&str>,
    remove: &[SlotId],
    random: &dyn Random,
) -> Vec<NamedBlock> {
    let password = text(add.unwrap_or_default());
    let secret = SlotSecret::Password(&password);
    let add = add.map(|label| NewSlot { secret, label: label.to_owned(), created: 0 });
    let change = KeyChange { remove: remove.to_vec(), add };
    opened.change(&change, Profile::Test, random).unwrap().blocks
}

/// The id of the slot with this label.
fn slot(opened: &Opened, label: &str) -> SlotId {
    opened.slots().iter().find(|slot| slot.line.label == label).unwrap().line.id
}

fn labels(opened: &Opened, listed: bool) -> Vec<String> {
    let slots = opened.slots().into_iter().filter(|slot| slot.is_listed == listed);
    let mut labels: Vec<String> = slots.map(|slot| slot.line.label).collect();
    labels.sort();
    labels
}

/// Anna made a repository, Bob was added, and Anna removed him.
struct Removed {
    sim: Simulation,
    /// With Bob.
    before: Vec<NamedBlock>,
    /// Without him.
    after: Vec<NamedBlock>,
}

impl Removed {
    fn new() -> Self {
        let sim = Simulation::new(5);
        let random = &*sim.seam.random;
        let anna = opened(&made("anna", random), &[], "anna", random).unwrap();
        let before = change(&anna, Some("bob"), &[], random);
        let with_bob = opened(&before, &[], "anna", random).unwrap();
        let after = change(&with_bob, None, &[slot(&with_bob, "bob")], random);
        Self { sim, before, after }
    }

    fn open(&self, blocks: &[&[NamedBlock]], kept: &[NamedBlock]) -> Opened {
        opened(&blocks.concat(), kept, "anna", &*self.sim.seam.random).unwrap()
    }

    /// The block written by Bob, who kept everything he ever had: he seals a keyring of his own to
    /// Anna, with any claims of generation and removals.
    fn forged(&self, say: impl FnOnce(&mut Keyring)) -> Vec<NamedBlock> {
        let random = &*self.sim.seam.random;
        let bobs = opened(&self.before, &[], "bob", random).unwrap();
        let edition = &bobs.editions[0];
        let mut keyring = edition.keyring.clone();
        let mark_key = Zeroizing::new(*edition.mark_key.expose());
        keyring.former.push(Former { generation: keyring.generation, mark_key });
        keyring.generation = u64::MAX;
        // His own epoch first, and a repository of his own before all others.
        keyring.repositories[0].epochs.insert(0, Epoch::new(666, Zeroizing::new([66; 32])));
        let own = super::keyring(1, 66, &[(1, 66)]).repositories;
        keyring.repositories.splice(0..0, own);
        say(&mut keyring);
        seal_blocks(&keyring, &new_key(random).unwrap(), random).unwrap()
    }
}

/// The first epoch's number, and whether one of these repositories comes first.
fn writes_under(opened: &Opened) -> (u8, u16) {
    let first = &opened.keyring.repositories[0];
    (first.id.0[0], first.epochs[0].number)
}

#[test]
fn a_removed_password_opens_nothing_that_is_made_later() {
    let it = Removed::new();
    let random = &*it.sim.seam.random;
    let bobs = opened(&it.before, &[], "bob", random).unwrap();
    // Not with his password, not with the block key, also not with all old blocks beside.
    for blocks in [&it.after[..], &[&it.after[..], &it.before].concat()] {
        let wrong = opened(blocks, &[], "bob", random).err();
        assert!(matches!(wrong, Some(RepositoryError::WrongPassword { .. })));
    }
    assert!(it.after.iter().all(|(_, b)| open_keyring(b, &bobs.editions[0].block_key).is_none()));
    // Data stored from then on is under an epoch that he does not know.
    let annas = it.open(&[&it.after], &[]);
    let (known, first) = (&bobs.keyring.repositories[0], &annas.keyring.repositories[0]);
    assert!(known.epochs.iter().all(|epoch| *epoch != first.epochs[0]));
    assert!(known.epochs.iter().all(|epoch| first.epochs.contains(epoch)), "nothing is lost");
    assert_eq!((known.epochs.len(), first.epochs.len()), (1, 2));
}

#[test]
fn what_a_removed_holder_writes_is_not_followed_by_a_device_that_knows_better() {
    let it = Removed::new();
    let forged = it.forged(|keyring| keyring.last_removal = u64::MAX);
    let own = it.forged(|keyring| keyring.former.clear());
    for forged in [&forged, &own] {
        let opened = it.open(&[&it.after, forged], &it.after);
        assert_eq!(opened.keyring.generation, 3);
        let genuine = it.open(&[&it.after], &[]);
        assert_eq!(writes_under(&opened), writes_under(&genuine));
        assert_eq!(labels(&opened, true), ["", ""]);
        assert_eq!(labels(&opened, false), ["bob"], "it is shown");
        assert!(!opened.is_divided(), "and not united by itself");
        // Not even where everything else was taken away.
        let opened = it.open(&[forged], &it.after);
        assert_eq!(writes_under(&opened), writes_under(&genuine));
        // A change shuts him out again, and his block goes.
        let random = &*it.sim.seam.random;
        let next = change(&opened, None, &[], random);
        assert!(self::opened(&next, &[], "bob", random).is_err());
        let all = [&next[..], forged].concat();
        assert!(self::opened(&all, &[], "bob", random).is_err(), "the new one follows it");
        let after = self::opened(&all, &next, "anna", random).unwrap();
        assert_eq!(after.keyring.generation, 4);
        assert!(labels(&after, false).is_empty());
    }
}

/// A fresh machine believes it only where the forger claims a removal of his own.
#[test]
fn a_fresh_machine_tells_a_forged_block_by_the_removal_that_it_does_not_know() {
    let it = Removed::new();
    for forged in [it.forged(|_| {}), it.forged(|keyring| keyring.last_removal = 2)] {
        let opened = it.open(&[&it.after, &forged], &[]);
        assert_eq!(opened.keyring.generation, 3);
        assert_eq!(labels(&opened, false), ["bob"]);
        assert!(opened.editions.iter().any(|edition| edition.place == Place::Foreign));
        // Existing data can still be read.
        assert_eq!(opened.keyring.repositories.len(), 2);
    }
    let forged = it.forged(|keyring| keyring.last_removal = u64::MAX);
    let opened = it.open(&[&it.after, &forged], &[]);
    assert!(opened.editions.iter().all(|edition| edition.place == Place::Followed));
}

/// He may write anything he likes: a forged block locks nobody out.
#[test]
fn a_removed_holder_cannot_call_a_later_block_superseded() {
    let it = Removed::new();
    let random = &*it.sim.seam.random;
    for with_anna in [true, false] {
        let forged = it.forged(|keyring| {
            keyring.last_removal = u64::MAX;
            if !with_anna {
                keyring.families[0].slots.retain(|slot| slot.label == "bob");
            }
        });
        let blocks = [&it.after[..], &forged].concat();
        assert!(opened(&blocks, &[], "anna", random).is_ok(), "{with_anna}");
        assert!(opened(&blocks, &it.after, "anna", random).is_ok(), "{with_anna}");
    }
}

#[test]
fn the_newest_generation_opens_though_many_older_ones_lie_beside_it() {
    let sim = Simulation::new(2);
    let random = &*sim.seam.random;
    let mut all: Vec<NamedBlock> = (1..=6).flat_map(|_| made("older", random)).collect();
    all.extend(made("newest", random));
    let newest = opened(&all, &[], "newest", random).unwrap();
    assert_eq!((newest.keyring.generation, newest.editions[0].blocks.len()), (1, 3));
    let older: Vec<NamedBlock> = (1..=30).flat_map(|_| made("older", random)).collect();
    let wrong = opened(&older, &[], "newest", random).err();
    assert!(matches!(wrong, Some(RepositoryError::WrongPassword { tried: 90, of: 90, .. })));
}

/// Opens these blocks on a fresh machine; returns the number of keys made for that, and the result.
fn counted(
    blocks: &[NamedBlock],
    random: &dyn Random,
    is_all: &dyn Fn(&Keyring) -> bool,
) -> (usize, Result<Opened, RepositoryError>) {
    let (passphrase, trials) = (text("anna"), Cell::new(0));
    let tell = |tried: usize, of: usize| {
        assert_eq!(of, blocks.len());
        trials.set(tried + 1);
    };
    let unlock = Unlock {
        passphrase: &passphrase,
        profile: Profile::Test,
        random,
        kept: Vec::new(),
        at_most: None,
        tell: &tell,
        is_all,
    };
    let opened = open(candidates(blocks), unlock);
    (trials.get(), opened)
}

/// Blocks of families that the password does not open: single files, or all three copies.
fn strangers(families: usize, is_single: bool, random: &dyn Random) -> Vec<NamedBlock> {
    let copies = if is_single { 1 } else { 3 };
    (0..families).flat_map(|_| made("other", random).into_iter().take(copies)).collect()
}

#[test]
fn a_family_with_its_copies_comes_before_single_files() {
    let sim = Simulation::new(31);
    let random = &*sim.seam.random;
    let anna = made("anna", random);
    let of_others = strangers(200, true, random);
    let (trials, opened) = counted(&[&of_others[..], &anna].concat(), random, &|_| true);
    assert!(opened.is_ok());
    // Its own, and a few more, because there may be another family.
    assert!((9..=10).contains(&trials), "{trials}");
    // Where something lies there that these keys do not open, more are tried.
    let (trials, opened) = counted(&[&of_others[..], &anna].concat(), random, &|_| false);
    assert!(opened.is_ok() && (65..=66).contains(&trials), "{trials}");
    // Who adds whole families does not push one to the end that has lost two of its copies.
    let of_others = strangers(100, false, random);
    let mut early = 0;
    for _ in 0..20 {
        let (trials, opened) = counted(&[&of_others[..], &anna[..1]].concat(), random, &|_| true);
        assert!(opened.is_ok());
        early += usize::from(trials < 90);
    }
    assert!(early > 2, "{early} of 20");
}

/// Two devices that began apart: a few others between them hide neither.
#[test]
fn each_family_of_a_password_is_found_among_a_few_others() {
    let sim = Simulation::new(32);
    let random = &*sim.seam.random;
    let all = [made("anna", random), strangers(7, false, random), made("anna", random)].concat();
    for _ in 0..10 {
        let (_, opened) = counted(&all, random, &|_| true);
        assert_eq!(opened.unwrap().editions.len(), 2);
    }
}

/// Whatever else of a copy is damaged: salt, slot and keyring are enough.
#[test]
fn damage_in_the_slots_of_others_costs_nobody_else_his_copy() {
    let sim = Simulation::new(3);
    let random = &*sim.seam.random;
    let (name, bytes) = made("anna", random).remove(0);
    let mut opens = 0;
    for at in (64..1984).step_by(8) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        opens += usize::from(opened(&[(name.clone(), bytes)], &[], "anna", random).is_ok());
    }
    assert_eq!(opens, 240 - 11, "all but the slot itself");
}

#[test]
fn what_a_later_version_made_is_never_called_a_wrong_password() {
    let sim = Simulation::new(4);
    let random = &*sim.seam.random;
    let now = made("anna", random);
    let anna = opened(&now, &[], "anna", random).unwrap();
    let follows = change(&anna, None, &[], random);
    // The same blocks with a keyring that says another version.
    let later: Vec<NamedBlock> =
        follows.iter().map(|(name, bytes)| of_later(bytes, name)).collect();
    for blocks in [&later[..], &[&now[..], &later].concat(), &[&later[..1], &follows].concat()] {
        let error = opened(blocks, &[], "anna", random).err();
        assert!(matches!(error, Some(RepositoryError::KeysNotUnderstood) | None), "{error:?}");
    }
    let error = opened(&[&now[..], &later].concat(), &[], "anna", random).err();
    assert!(matches!(error, Some(RepositoryError::KeysNotUnderstood)));
    let error = opened(&later, &[], "bob", random).err();
    assert!(matches!(error, Some(RepositoryError::WrongPassword { .. })));
    // One of a family of its own hides nothing of this one, and nothing here is changed then.
    let other: Vec<NamedBlock> =
        made("anna", random).iter().map(|(name, bytes)| of_later(bytes, name)).collect();
    let both = opened(&[&now[..], &other].concat(), &[], "anna", random).unwrap();
    let nothing = KeyChange { remove: Vec::new(), add: None };
    let refused = both.change(&nothing, Profile::Test, random).err();
    assert!(matches!(refused, Some(RepositoryError::Slots(_))));
}

/// A block as it was, with a keyring that asks for a later reader.
fn of_later(bytes: &[u8], name: &str) -> NamedBlock {
    super::super::key_block::reseal_for_tests(bytes, &text("anna"), &[0xa2, 0, 1, 2, 0x60])
        .unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn nothing_is_united_into_a_restricted_keyring() {
    let sim = Simulation::new(6);
    let random = &*sim.seam.random;
    let mut restricted = keyring(1, 7, &[(1, 70)]);
    restricted.is_restricted = true;
    restricted.repositories[0].epochs[0].public_key = Some([5; 32]);
    let gate = create(restricted, &text("anna"), Profile::Test, (0, ""), random).unwrap().blocks;
    let all = [&made("anna", random)[..], &gate].concat();
    let both = opened(&all, &[], "anna", random).unwrap();
    assert_eq!(both.keyring.repositories.len(), 2, "it is read");
    assert_eq!(both.keyring.repositories[0].id.0[0], 1);
    assert!(!both.is_divided());
    let change = KeyChange { remove: Vec::new(), add: None };
    let next = both.change(&change, Profile::Test, random).unwrap();
    assert!(next.superseded.iter().all(|path| gate.iter().all(|(name, _)| name != path)));
    let next = opened(&next.blocks, &[], "anna", random).unwrap();
    assert_eq!(next.keyring.repositories.len(), 1, "and taken over by nobody");
    let alone = opened(&gate, &[], "anna", random).unwrap();
    let refused = alone.change(&change, Profile::Test, random).err();
    assert!(matches!(refused, Some(RepositoryError::Slots(_))));
}

#[test]
fn keyrings_of_one_generation_unite_in_the_same_order_everywhere() {
    let sim = Simulation::new(7);
    let random = &*sim.seam.random;
    let with_id = |id| {
        let keyring = keyring(1, id, &[(1, id)]);
        create(keyring, &text("anna"), Profile::Test, (0, ""), random).unwrap().blocks
    };
    let (a, b, c) = (with_id(3), with_id(2), with_id(9));
    for order in [[&a, &b, &c], [&c, &b, &a], [&b, &a, &c]] {
        let united = opened(&order.map(|it| &it[..]).concat(), &[], "anna", random).unwrap();
        let ids: Vec<u8> = united.keyring.repositories.iter().map(|it| it.id.0[0]).collect();
        assert_eq!(ids, [2, 3, 9]);
        assert!(united.is_divided());
        let next = change(&united, None, &[], random);
        assert_eq!(next.len(), 9);
        let next = opened(&[&next[..], &a, &b, &c].concat(), &[], "anna", random).unwrap();
        assert!(!next.is_divided());
        let ids: Vec<u8> = next.keyring.repositories.iter().map(|it| it.id.0[0]).collect();
        assert_eq!(ids, [2, 3, 9]);
    }
}

/// A secret that is dropped would be an object that nobody can read any more.
#[test]
fn no_edition_forgets_an_epoch() {
    let it = Removed::new();
    let random = &*it.sim.seam.random;
    let forged = it.forged(|_| {});
    let opened = it.open(&[&it.before, &it.after, &forged], &[]);
    let next = self::opened(&change(&opened, None, &[], random), &[], "anna", random).unwrap();
    for repository in &opened.keyring.repositories {
        let known = next.keyring.repositories.iter().find(|known| known.id == repository.id);
        assert!(repository.epochs.iter().all(|it| known.unwrap().epochs.contains(it)));
    }
}
