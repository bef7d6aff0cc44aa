//! Forgetting by name and by rules: what goes, what stays and why, and what is refused.

use std::fs;

use keepmum::ops::{
    self, Decision, Deletions, ErrorKind, Forget, KeepRules, KeptBecause, Silent, SnapshotState,
    Which,
};

use super::given::{
    DAY, forget, forget_with, history, ids, last, listed, listed_ids, named, on, options,
    with_history,
};
use crate::support::{Dice, World, bytes, cases, full_check};

#[test]
fn what_is_named_is_gone_and_the_rest_stays_whole() {
    let mut world = with_history(1, 5);
    let made = ids(&world);
    let report = forget(&mut world, named(&[&made[0][..8], &made[2]])).unwrap();
    assert_eq!((report.forgotten, report.kept), (2, 0));
    assert!(report.bytes_stored > 0);
    assert_eq!(listed_ids(&world), [&made[1], &made[3], &made[4]].map(Clone::clone));
    world.verify(&world.own());
    world.verify(&world.stranger());
    full_check(&world);
    // It is known by its name, and nothing gives it.
    let choice = ops::SnapshotChoice { which: Which::Id(made[0].clone()), ..Default::default() };
    let target = world.fresh_target();
    let error = world.try_restore(&world.own(), choice, &target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forgotten, "{error}");
    let error = forget(&mut world, named(&[&made[0]])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forgotten, "{error}");
    // The next run without a change writes nothing.
    assert_eq!(world.backup().snapshot, None);
}

#[test]
fn every_way_of_naming_works() {
    let mut world = with_history(1, 9);
    let made = ids(&world);
    ops::tag(&world.own(), &on(&made[0], false), "old", &Silent).unwrap();
    ops::tag(&world.own(), &on(&made[1], false), "old", &Silent).unwrap();
    let at = listed(&world)[2].time;
    let at = keepmum::Time { seconds: at + 10, nanos: 0 };
    let which = vec![Which::Tag("old".to_owned()), Which::At(at), Which::Latest { back: 1 }];
    let report = forget(&mut world, Forget::Named(which)).unwrap();
    let gone: Vec<_> = report.snapshots.iter().map(|line| line.snapshot.id.clone()).collect();
    assert_eq!(gone, [&made[0], &made[1], &made[2], &made[7]].map(Clone::clone));
    let error = forget(&mut world, Forget::Named(vec![Which::Tag("old".into())])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
}

#[test]
fn the_newest_and_what_is_pinned_stay_even_if_they_are_named() {
    let mut world = with_history(1, 4);
    let made = ids(&world);
    let all =
        |which: Forget| ops::ForgetOptions { accept_deletions: Deletions::All, ..options(which) };
    for which in [named(&[&made[3]]), Forget::Named(vec![Which::default()])] {
        let error = forget_with(&mut world, &all(which)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ForgetRefused, "{error}");
        assert!(error.to_string().contains("newest complete"), "{error}");
    }
    ops::pin(&world.own(), &on(&made[1], false), &Silent).unwrap();
    let error = forget_with(&mut world, &all(named(&[&made[0], &made[1]]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForgetRefused, "{error}");
    assert_eq!(listed_ids(&world), made, "nothing of a refused command counts");
    // By rules it stays, and says why.
    let report = forget_with(&mut world, &all(last(1))).unwrap();
    assert_eq!((report.forgotten, report.kept), (2, 2));
    let pinned = report.snapshots.iter().find(|line| line.snapshot.id == made[1]).unwrap();
    assert_eq!(pinned.reasons, [KeptBecause::Pinned]);
    // Not pinned any more, it goes like any other.
    ops::pin(&world.own(), &on(&made[1], true), &Silent).unwrap();
    assert_eq!(forget(&mut world, last(1)).unwrap().forgotten, 1);
    assert_eq!(listed_ids(&world), [made[3].clone()]);
}

#[test]
fn most_of_them_at_once_have_to_be_accepted() {
    let mut world = with_history(1, 5);
    let made = ids(&world);
    for which in [last(2), named(&[&made[0], &made[1], &made[2]])] {
        let error = forget(&mut world, which.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ManyForgotten, "{error}");
        assert_eq!(error.deletions(), Some(3));
        let dry = ops::ForgetOptions { dry_run: true, ..options(which.clone()) };
        let foreseen = forget_with(&mut world, &dry).unwrap();
        assert_eq!((foreseen.forgotten, foreseen.to_accept), (3, Some(3)));
        let accepting =
            |accept_deletions| ops::ForgetOptions { accept_deletions, ..options(which.clone()) };
        let error = forget_with(&mut world, &accepting(Deletions::AtMost(2))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ManyForgotten, "{error}");
        let dry = ops::ForgetOptions { dry_run: true, ..accepting(Deletions::AtMost(3)) };
        assert_eq!(forget_with(&mut world, &dry).unwrap().forgotten, 3);
        assert_eq!(listed_ids(&world), made);
    }
    // Half of them is not most of them.
    assert_eq!(forget(&mut world, last(3)).unwrap().forgotten, 2);
}

#[test]
fn rules_keep_what_they_say_and_give_the_reason() {
    let mut world = with_history(1, 10);
    let rules = KeepRules { last: 2, daily: 4, weekly: 1, within: Some(DAY), ..Default::default() };
    let options = ops::ForgetOptions {
        accept_deletions: Deletions::AtMost(6),
        ..options(Forget::Unkept(rules))
    };
    let dry = ops::ForgetOptions { dry_run: true, ..options.clone() };
    let before = world.sim.disk.files();
    let foreseen = forget_with(&mut world, &dry).unwrap();
    assert!(foreseen.dry_run && foreseen.bytes_stored == 0);
    assert_eq!(world.sim.disk.files(), before, "a dry run stores nothing");
    let report = forget_with(&mut world, &options).unwrap();
    let decided = |report: &ops::ForgetReport| -> Vec<_> {
        let lines = report.snapshots.iter();
        lines.map(|line| (line.snapshot.id.clone(), line.decision, line.reasons.clone())).collect()
    };
    assert_eq!(decided(&report), decided(&foreseen));
    assert_eq!((report.forgotten, report.kept), (6, 4));
    let newest = report.snapshots.last().unwrap();
    assert_eq!(newest.decision, Decision::Kept);
    for reason in [
        KeptBecause::Newest,
        KeptBecause::Last,
        KeptBecause::Daily,
        KeptBecause::Weekly,
        KeptBecause::Within,
    ] {
        assert!(newest.reasons.contains(&reason), "{reason:?}");
    }
    assert_eq!(report.snapshots[6].reasons, [KeptBecause::Daily]);
    // Once more, nothing is left to forget, and nothing is written.
    let again = forget_with(&mut world, &options).unwrap();
    assert_eq!((again.forgotten, again.bytes_stored), (0, 0));
    world.verify(&world.stranger());
    full_check(&world);
}

#[test]
fn without_a_rule_or_a_name_nothing_is_forgotten() {
    let mut world = with_history(1, 3);
    for which in [Forget::Named(Vec::new()), Forget::Unkept(KeepRules::default())] {
        let error = forget(&mut world, which).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unusable, "{error}");
    }
    assert_eq!(listed_ids(&world).len(), 3);
}

#[test]
fn no_rule_forgets_while_the_source_looks_emptied() {
    let mut world = World::new(1);
    for number in 0..20 {
        fs::write(world.source().join(format!("{number}")), "text").unwrap();
    }
    history(&mut world, 3);
    for number in 0..15 {
        fs::remove_file(world.source().join(format!("{number}"))).unwrap();
    }
    history(&mut world, 1);
    let full = ids(&world)[2].clone();
    let error = forget(&mut world, last(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForgetRefused, "{error}");
    assert!(error.to_string().contains("looks emptied"), "{error}");
    // Runs later, the last one with all files is still there, however few are kept.
    history(&mut world, 2);
    for _ in 0..3 {
        history(&mut world, 1);
        let accepted = Deletions::AtMost(100);
        let few = ops::ForgetOptions { accept_deletions: accepted, ..options(last(5)) };
        forget_with(&mut world, &few).unwrap();
        history(&mut world, 1);
    }
    let made = listed_ids(&world);
    assert!(!made.contains(&full), "who accepts deletions means it: {made:?}");
}

#[test]
fn the_last_snapshot_before_a_loss_stays() {
    let mut world = World::new(1);
    for number in 0..20 {
        fs::write(world.source().join(format!("{number}")), "text").unwrap();
    }
    history(&mut world, 2);
    for number in 0..15 {
        fs::remove_file(world.source().join(format!("{number}"))).unwrap();
    }
    history(&mut world, 2);
    let full = ids(&world)[1].clone();
    for _ in 0..4 {
        history(&mut world, 1);
        let report = forget(&mut world, last(3)).unwrap();
        let line = report.snapshots.iter().find(|line| line.snapshot.id == full).unwrap();
        assert!(line.reasons.contains(&KeptBecause::BeforeLoss), "{:?}", line.reasons);
    }
    assert!(listed_ids(&world).contains(&full));
    assert_eq!(listed_ids(&world).len(), 4);
    // By its name it can be forgotten.
    forget(&mut world, named(&[&full])).unwrap();
}

#[test]
fn wrong_clocks_make_nothing_old() {
    // The clock was years ahead for one run, then years behind: the order of the chain counts.
    let mut world = with_history(1, 4);
    let usual = world.ahead;
    for ahead in [usual + 20 * 365 * DAY, usual - 20 * 365 * DAY] {
        world.ahead = ahead;
        history(&mut world, 1);
    }
    let made = ids(&world);
    world.ahead = usual + 10 * DAY;
    let few = |which| ops::ForgetOptions {
        accept_deletions: Deletions::All,
        dry_run: true,
        ..options(which)
    };
    let within =
        |seconds| Forget::Unkept(KeepRules { within: Some(seconds), ..KeepRules::default() });
    for which in
        [last(1), within(30 * DAY), Forget::Unkept(KeepRules { daily: 1, ..Default::default() })]
    {
        let report = forget_with(&mut world, &few(which)).unwrap();
        let newest = report.snapshots.last().unwrap();
        assert_eq!((&newest.snapshot.id, newest.decision), (&made[5], Decision::Kept));
    }
    // The clock of the run that forgets is years ahead: no snapshot of the last days is too old.
    let mut world = with_history(2, 4);
    world.ahead += 20 * 365 * DAY;
    assert_eq!(forget_with(&mut world, &options(within(30 * DAY))).unwrap().forgotten, 0);
}

#[test]
fn marks_are_kept_and_taken_away() {
    let world = with_history(1, 2);
    let id = ids(&world)[0].clone();
    let report = ops::pin(&world.own(), &on(&id, false), &Silent).unwrap();
    assert!(report.changed == 1 && report.snapshots[0].pinned);
    let again = ops::pin(&world.own(), &on(&id, false), &Silent).unwrap();
    assert_eq!((again.changed, again.bytes_stored), (0, 0));
    for name in ["before-update", "tax"] {
        ops::tag(&world.own(), &on(&id, false), name, &Silent).unwrap();
    }
    let line = &ops::snapshots(&world.stranger(), &Silent).unwrap().snapshots[0];
    assert!(line.pinned && line.tags == ["before-update", "tax"], "{line:?}");
    let by_tag = |tag: &str| {
        let which = Which::Tag(tag.to_owned());
        let choice = ops::SnapshotChoice { which, own: true, ..Default::default() };
        world.try_restore(&world.own(), choice, &world.fresh_target())
    };
    assert_eq!(by_tag("tax").unwrap().snapshot, id);
    ops::tag(&world.own(), &on(&id, true), "tax", &Silent).unwrap();
    ops::pin(&world.own(), &on(&id, true), &Silent).unwrap();
    let line = &ops::snapshots(&world.stranger(), &Silent).unwrap().snapshots[0];
    assert!(!line.pinned && line.tags == ["before-update"], "{line:?}");
    assert_eq!(by_tag("tax").unwrap_err().kind(), ErrorKind::Usage);
    for bad in ["latest", "a/b", "", &id] {
        let error = ops::tag(&world.own(), &on(&id, false), bad, &Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unusable, "{bad}");
    }
    full_check(&world);
}

/// Whatever the rules, the clocks, the pins and the damage: what could be restored last stays.
#[test]
fn no_rules_forget_the_newest_complete_one() {
    cases("no_rules_forget_the_newest_complete_one", 4, |seed| {
        let mut dice = Dice::new(seed);
        let mut world = World::new(seed);
        let usual = world.ahead;
        for _ in 0..10 {
            world.ahead = usual + (i64::try_from(dice.below(4000)).unwrap() - 2000) * DAY / 10;
            fs::write(world.source().join("f"), bytes(&mut dice, 300)).unwrap();
            world.backup();
            if dice.one_in(5) {
                let id = world.kept.last().unwrap().0.clone();
                ops::pin(&world.own(), &on(&id, false), &Silent).unwrap();
            }
        }
        // Some of the newest are damaged or gone.
        let files = world.sim.disk.files();
        for _ in 0..dice.below(3) {
            let (path, _) = &files[files.len() - 1 - dice.below(files.len() / 2)];
            world.sim.disk.take(path);
        }
        let lines = listed(&world);
        let Some(newest) = lines.iter().rfind(|line| line.state == SnapshotState::Complete) else {
            return;
        };
        for _ in 0..40 {
            let mut few = || u32::try_from(dice.below(4)).unwrap();
            let mut rules = KeepRules {
                last: few(),
                hourly: few(),
                daily: few(),
                weekly: few(),
                monthly: few(),
                yearly: few(),
                within: None,
            };
            rules.within = dice.one_in(3).then(|| i64::try_from(dice.below(400)).unwrap() * DAY);
            if rules == KeepRules::default() {
                continue;
            }
            let options = ops::ForgetOptions {
                accept_deletions: Deletions::All,
                dry_run: true,
                ..options(Forget::Unkept(rules))
            };
            let report = match forget_with(&mut world, &options) {
                Ok(report) => report,
                // A record of its own is gone, and a dry run stores none again.
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
                    return;
                }
            };
            let line = report.snapshots.iter().find(|line| line.snapshot.id == newest.id).unwrap();
            assert_eq!(line.decision, Decision::Kept, "{rules:?}");
            assert!(line.reasons.contains(&KeptBecause::Newest), "{rules:?}");
            for line in &report.snapshots {
                let counts =
                    line.snapshot.state == SnapshotState::Complete && !line.snapshot.pinned;
                assert!(counts || line.decision == Decision::Kept, "{rules:?}: {line:#?}");
            }
        }
    });
}
