//! Beginnings from which the rules are tried.

use crate::run::Habits;
use crate::run::Work::{self, Backup, Forget, Prune, Retire, Sweep};
use crate::search::{Kind, Scenario};

/// A step of a beginning for which everything is here.
fn all_here(steps: &[(usize, Work)]) -> Begins {
    steps.iter().map(|(machine, work)| (*machine, *work, Vec::new())).collect()
}

fn scenario(
    name: &'static str,
    machines: usize,
    begins: &[(usize, Work)],
    works: &[Kind],
    steps: usize,
) -> Scenario {
    let (begins, works) = (all_here(begins), works.to_vec());
    Scenario { name, habits: Habits::default(), machines, begins, works, steps }
}

/// A step of a beginning, and the objects that are not here then.
type Begins = Vec<(usize, Work, Vec<usize>)>;

/// The steps of most scenarios.
const BASE: [Kind; 3] = [Kind::Backup(1), Kind::Forget, Kind::Prune];

/// One device has saved something; the other has joined, and has been read.
const MET: [(usize, Work); 3] = [(0, Backup(0)), (1, Sweep), (0, Sweep)];

/// Then the first has forgotten its snapshot, and proposes to delete the object.
const PROPOSED: [(usize, Work); 5] = [MET[0], MET[1], MET[2], (0, Forget(0)), (0, Prune)];

/// The same with a third device.
const THREE: [(usize, Work); 7] =
    [(0, Backup(0)), (1, Sweep), (2, Sweep), (0, Sweep), (1, Sweep), (0, Forget(0)), (0, Prune)];

fn with(more: Kind) -> [Kind; 4] {
    [BASE[0], BASE[1], BASE[2], more]
}

fn then(steps: &[(usize, Work)], more: &[(usize, Work, Vec<usize>)]) -> Begins {
    [&all_here(steps)[..], more].concat()
}

/// All of them, with a bound that takes seconds.
pub fn all() -> Vec<Scenario> {
    let mut all = of_devices();
    all.extend(of_copies());
    all.extend(of_objects());
    all
}

/// Devices that join, meet, forget, bring back and are retired.
fn of_devices() -> Vec<Scenario> {
    let retire = [BASE[0], BASE[2], Kind::Retire];
    // The second has leaned on the proposed object, and has not read that.
    let one_waits = then(&THREE, &[(1, Backup(0), vec![5, 6])]);
    // The second proposes an object of the first; the third leans on it and has not heard of it.
    let proposes = [(0, Forget(0), vec![]), (1, Prune, vec![]), (0, Sweep, vec![])];
    let owners = [&then(&MET, &proposes)[..], &[(2, Backup(0), vec![4, 5])]].concat();
    // The first is retired by the second, who does not know the third; the first does.
    let third = [(2, Backup(0), vec![]), (0, Sweep, vec![]), (1, Retire(0), vec![3, 4])];
    // The third has leaned on the proposed object; only the second, who retires it, has read that.
    let unread = then(&THREE, &[(2, Backup(0), vec![3, 4, 5, 6])]);
    let stranger = [MET[0], (0, Forget(0))];
    vec![
        scenario("two devices", 2, &MET, &BASE, 4),
        scenario("a second device joins", 2, &MET[..1], &BASE, 4),
        scenario("an intent is open", 2, &PROPOSED, &BASE, 3),
        Scenario { begins: one_waits, ..scenario("three devices", 3, &[], &BASE, 2) },
        scenario("something is brought back", 2, &PROPOSED, &with(Kind::Undo), 3),
        scenario("brought back by a stranger", 2, &stranger, &with(Kind::Undo), 4),
        scenario("a device is retired", 2, &PROPOSED, &with(Kind::Retire), 3),
        scenario("one of three is retired", 3, &THREE, &retire, 2),
        Scenario { begins: owners, ..scenario("one proposes for another", 3, &[], &BASE, 2) },
        Scenario {
            begins: then(&MET, &third),
            ..scenario("a retired device knew more", 3, &[], &BASE, 2)
        },
        Scenario { begins: unread, ..scenario("a retirement comes first", 3, &[], &retire, 2) },
    ]
}

/// Devices that are copied, or lose their catalogue.
fn of_copies() -> Vec<Scenario> {
    use Kind::{CopyApart, CopyByTurns, CopyNoticed, Lose};
    let copied = then(&PROPOSED, &[(1, Work::Copy(false), vec![])]);
    let noticed = then(&PROPOSED, &[(1, Work::Copy(true), vec![])]);
    // One copy has been read and is behind, the other has acknowledged.
    let branches = [(2, Backup(1), vec![3, 4]), (0, Backup(1), vec![]), (1, Sweep, vec![5, 6])];
    let branches = [&copied[..], &branches].concat();
    let by_turns = scenario("a copy takes turns", 2, &[], &with(CopyByTurns), 3);
    let apart = scenario("a copy works apart", 2, &[], &with(CopyApart), 3);
    let other = [BASE[0], BASE[2], CopyNoticed];
    let acknowledged = then(&PROPOSED, &[(1, Sweep, vec![])]);
    vec![
        Scenario { begins: copied.clone(), ..by_turns },
        Scenario { begins: copied, ..apart },
        Scenario { begins: branches, ..scenario("a chain has parted", 2, &[], &BASE, 2) },
        Scenario { begins: noticed, ..scenario("a copy notices", 2, &[], &other, 3) },
        Scenario {
            begins: acknowledged,
            ..scenario("a catalogue is lost", 2, &[], &with(Lose), 3)
        },
    ]
}

/// Deltas, folded objects, and pieces that are stored twice.
fn of_objects() -> Vec<Scenario> {
    let deltas = Habits { deltas: true, ..Habits::default() };
    let fold = Habits { fold: true, ..Habits::default() };
    let two_pieces = [Kind::Backup(2), Kind::Forget, Kind::Prune];
    // Both have stored the same before they met.
    let both = [(0, Backup(0), vec![]), (1, Backup(0), vec![0])];
    let propose = [(0, Sweep), (1, Sweep), (0, Prune)];
    let propose = [&all_here(&propose)[..], &[(1, Prune, vec![4])]].concat();
    let twice = [&both[..], &propose].concat();
    // The second has deleted its own and has it back.
    let deleted = all_here(&[(0, Sweep), (1, Prune), (0, Sweep), (1, Prune)]);
    let came_back = [&both[..], &deleted].concat();
    vec![
        Scenario { habits: deltas, ..scenario("deltas", 2, &PROPOSED, &two_pieces, 3) },
        Scenario { habits: fold, ..scenario("objects are folded", 2, &MET, &BASE, 3) },
        Scenario { begins: twice, ..scenario("stored twice", 2, &[], &BASE[2..], 5) },
        Scenario { begins: came_back, ..scenario("a deletion is undone", 2, &[], &BASE, 3) },
    ]
}
