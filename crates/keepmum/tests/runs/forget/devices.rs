//! Forgetting in a folder that several devices share, and of which each sees a part.

use std::fs;
use std::sync::Arc;

use keepmum::ops::{self, Deletions, ErrorKind, Forget, Silent};

use super::given::{
    apart, arrive, forget, forget_with, history, ids, last, listed, listed_ids, meet, named,
    options, with_history,
};
use crate::support::{Dice, World, bytes, cases, full_check};

/// Two devices that know each other, with so many snapshots each.
fn two(seed: u64, count: usize) -> (World, World) {
    let mut one = with_history(seed, count);
    let mut other = World::beside(seed + 1000, Arc::clone(&one.sim.disk));
    other.ahead = one.ahead;
    history(&mut other, count);
    history(&mut one, 1);
    history(&mut other, 1);
    (one, other)
}

#[test]
fn a_device_forgets_its_own_unless_another_is_named() {
    let (mut one, mut other) = two(1, 4);
    let made = ids(&other);
    assert_eq!(forget(&mut one, last(3)).unwrap().forgotten, 2);
    assert!(made.iter().all(|id| listed_ids(&one).contains(id)));
    let error = forget(&mut one, named(&[&made[0]])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForgetRefused, "{error}");
    assert!(error.to_string().contains("--device"), "{error}");
    for device in [other.name.clone(), "nobody".to_owned()] {
        let of_other = ops::ForgetOptions { device: Some(device), ..options(last(3)) };
        match forget_with(&mut one, &of_other) {
            Ok(report) => assert_eq!(report.forgotten, 2),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unusable, "{error}"),
        }
    }
    other.kept.drain(..2);
    assert_eq!(listed_ids(&one).len(), 6);
    for world in [&one, &other] {
        world.verify(&world.own());
        full_check(world);
    }
}

/// A device that has not met the other one forgets; the other goes on meanwhile.
#[test]
fn one_forgets_while_the_other_is_offline() {
    cases("one_forgets_while_the_other_is_offline", 3, |seed| {
        let mut dice = Dice::new(seed);
        let mut one = World::new(seed);
        fs::write(one.source().join("shared"), bytes(&mut dice, 200_000)).unwrap();
        history(&mut one, 4);
        let mut other = apart(&one, seed + 1000);
        fs::copy(one.source().join("shared"), other.source().join("shared")).unwrap();
        other.backup();
        let made = ids(&one);
        // The one knows nothing of the other, and no longer has the shared content.
        fs::remove_file(one.source().join("shared")).unwrap();
        history(&mut one, 1);
        let all = ops::ForgetOptions { accept_deletions: Deletions::All, ..options(last(1)) };
        assert_eq!(forget_with(&mut one, &all).unwrap().forgotten, 4);
        other.backup();
        meet(&one, &other);
        for id in &made[..4] {
            assert!(!listed_ids(&other).contains(id), "it is forgotten for all");
        }
        other.backup();
        meet(&one, &other);
        for world in [&one, &other] {
            world.verify(&world.own());
            world.verify(&world.stranger());
        }
    });
}

/// R6: an undo ends the *forget* that it knows, and none of another device at the same time.
#[test]
fn a_forget_at_the_same_time_as_an_undo_stands() {
    let (mut one, mut other) = two(1, 4);
    let id = ids(&one)[0].clone();
    forget(&mut one, named(&[&id])).unwrap();
    // From here on they do not see each other.
    other.sim = apart(&one, 2001).sim;
    // The other one brings it back; the first, who does not know of that, did forget it once more.
    forget(&mut other, Forget::Undo(vec![id.clone()])).unwrap();
    assert!(listed_ids(&other).contains(&id) && !listed_ids(&one).contains(&id));
    forget(&mut one, Forget::Undo(vec![id.clone()])).unwrap();
    forget(&mut one, named(&[&id])).unwrap();
    meet(&one, &other);
    for world in [&one, &other] {
        assert!(!listed_ids(world).contains(&id), "the later forget was not undone");
    }
    // Once they have met, an undo ends it for both, and confirmed by the other one it counts.
    forget(&mut other, Forget::Undo(vec![id.clone()])).unwrap();
    meet(&one, &other);
    history(&mut one, 1);
    meet(&one, &other);
    for world in [&one, &other] {
        let line = listed(world).into_iter().find(|line| line.id == id).unwrap();
        assert_eq!(line.unconfirmed_by, Vec::<String>::new());
    }
}

/// What only leans on data that its owner may still delete is not counted, and not forgotten.
#[test]
fn unconfirmed_snapshots_are_not_counted_by_rules() {
    let mut one = World::new(1);
    fs::write(one.source().join("shared"), bytes(&mut Dice::new(1), 200_000)).unwrap();
    history(&mut one, 1);
    let mut other = World::beside(1001, Arc::clone(&one.sim.disk));
    fs::copy(one.source().join("shared"), other.source().join("shared")).unwrap();
    history(&mut other, 3);
    assert!(
        listed(&other).iter().filter(|line| line.own).all(|line| !line.unconfirmed_by.is_empty())
    );
    let all = ops::ForgetOptions { accept_deletions: Deletions::All, ..options(last(1)) };
    let report = forget_with(&mut other, &all).unwrap();
    assert_eq!((report.forgotten, report.kept), (0, 3), "{report:#?}");
    assert!(report.snapshots.iter().any(|line| line.reasons == [ops::KeptBecause::Unconfirmed]));
    // The newest one is all here: it stays if it is named, too.
    let made = ids(&other);
    let named =
        ops::ForgetOptions { accept_deletions: Deletions::All, ..options(named(&[&made[2]])) };
    assert_eq!(forget_with(&mut other, &named).unwrap_err().kind(), ErrorKind::ForgetRefused);
    // Once the first device has run and said that it knows of the other, they count.
    history(&mut one, 2);
    assert_eq!(forget_with(&mut other, &all).unwrap().forgotten, 2);
    full_check(&other);
}

/// A folder that was set back holds less than the device has seen: no rule forgets, nothing comes
/// back.
#[test]
fn a_device_that_is_behind_forgets_nothing_by_rules() {
    let (mut one, mut other) = two(1, 4);
    let first = ids(&one)[0].clone();
    forget(&mut one, named(&[&first])).unwrap();
    history(&mut one, 1);
    let earlier = one.sim.disk.fork();
    history(&mut other, 1);
    // The first run meets the other's record, the second one says so.
    history(&mut one, 2);
    let now = one.sim.disk.files();
    // The newest of the other device are gone.
    for (path, _) in &now {
        if earlier.content(path).is_none() {
            one.sim.disk.take(path);
        }
    }
    for which in [last(2), Forget::Undo(Vec::new())] {
        let error = forget(&mut one, which).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    }
    for (path, content) in now {
        if one.sim.disk.content(&path).is_none() {
            one.sim.disk.add(&path, &content);
        }
    }
    assert_eq!(forget(&mut one, last(4)).unwrap().forgotten, 3);
}

/// A forget that arrives before the snapshots, and snapshots that arrive before it.
#[test]
fn the_order_in_which_files_arrive_does_not_matter() {
    let mut one = with_history(1, 4);
    let made = ids(&one);
    let reader = apart(&one, 3001);
    forget(&mut one, named(&[&made[0]])).unwrap();
    let record: Vec<_> = one.sim.disk.files();
    assert_eq!(ops::snapshots(&reader.stranger(), &Silent).unwrap().snapshots.len(), 4);
    arrive(&one, &reader);
    assert_eq!(ops::snapshots(&reader.stranger(), &Silent).unwrap().snapshots.len(), 3);
    // Without the record before it, the forget is on its way, and counts as little.
    let fourth = &record[record.len() - 2];
    let all = ops::snapshots(&reader.stranger(), &Silent).unwrap();
    assert!(all.snapshots.iter().all(|line| line.id != made[0]), "{}", fourth.0);
}
