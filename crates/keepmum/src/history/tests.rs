//! The conclusions, on small histories written by hand.

use super::{Past, Standing};
use crate::format::{
    Backup, Item, LifeItem, Needs, Record, RecordTime, Said, SourceName, Summary, Undo,
};
use crate::model::{ChunkId, DeviceId, ObjectKey, RecordHash, RecordRef, SnapshotId};
use crate::repository::Chains;

/// All records that were written.
#[derive(Default)]
struct History(Vec<(RecordRef, Record, ObjectKey)>);

const A: DeviceId = DeviceId([1; 8]);
const B: DeviceId = DeviceId([2; 8]);
const C: DeviceId = DeviceId([3; 8]);

impl History {
    /// A record after another one of its device that has seen these.
    fn add(
        &mut self,
        device: DeviceId,
        previous: Option<RecordRef>,
        seen: &[RecordRef],
        items: Vec<Item>,
    ) -> RecordRef {
        let run = previous.map_or(1, |at| at.run + 1);
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&device.0);
        hash[8] = u8::try_from(self.0.len()).unwrap();
        let at = RecordRef { device, run, hash: RecordHash(hash) };
        let record = Record {
            device,
            run,
            previous: previous.map(|at| (at.run, at.hash)),
            seen: seen.to_vec(),
            time: RecordTime::default(),
            objects: Vec::new(),
            items,
            program: String::new(),
        };
        self.0.push((at, record, object(device, run, 0)));
        at
    }

    fn standing(&self) -> Standing {
        self.without(&[])
    }

    /// The standing where these records have not arrived.
    fn without(&self, missing: &[RecordRef]) -> Standing {
        let here = self.0.iter().filter(|(at, ..)| !missing.contains(at)).cloned();
        let chains = Chains::new(here.collect(), Vec::new());
        let past = Past::new(&chains, |_| true);
        Standing::new(past, &chains)
    }
}

fn object(device: DeviceId, run: u32, number: u32) -> ObjectKey {
    ObjectKey { device, run, number, hash: [run as u8; 16] }
}

fn join() -> Item {
    Item::Join { device_name: "a".to_owned(), token: [0; 16], continues: None }
}

fn life(item: LifeItem) -> Vec<Item> {
    vec![Item::Life(Box::new(item))]
}

fn backup() -> Vec<Item> {
    vec![Item::Backup(Box::new(Backup {
        root: ChunkId([0; 32]),
        source: SourceName::default(),
        needs: Vec::new(),
        unread: 0,
        summary: Summary::default(),
        left_out: None,
    }))]
}

fn id(at: RecordRef) -> SnapshotId {
    at.hash.into()
}

#[test]
fn a_record_behind_a_gap_is_not_heeded_and_hides_those_that_name_it() {
    let mut history = History::default();
    let a1 = history.add(A, None, &[], vec![join()]);
    let a2 = history.add(A, Some(a1), &[], backup());
    let b1 = history.add(B, None, &[a2], vec![join()]);
    let b2 = history.add(B, Some(b1), &[], backup());
    let all = history.standing();
    assert!([a1, a2, b1, b2].iter().all(|at| all.past.is_heeded(at)));
    assert!(all.past.precedes(&a1, &b2) && !all.past.precedes(&b1, &a2));
    assert_eq!(all.past.heads(), [a2, b2]);
    let without = history.without(&[a1]);
    assert!(without.past.records().is_empty());
    assert!(without.is_behind(Some(&b2)));
    let without = history.without(&[a2]);
    assert_eq!(without.past.records(), [a1]);
    assert!(without.is_behind(Some(&b2)) && !without.is_behind(Some(&a1)));
}

#[test]
fn each_branch_of_a_chain_has_a_past_of_its_own() {
    let mut history = History::default();
    let b1 = history.add(B, None, &[], vec![join()]);
    let a1 = history.add(A, None, &[], vec![join()]);
    let left = history.add(A, Some(a1), &[], backup());
    let right = history.add(A, Some(a1), &[b1], backup());
    let standing = history.standing();
    let past = &standing.past;
    assert!(!past.precedes(&left, &right) && !past.precedes(&right, &left));
    assert!(past.precedes(&b1, &right) && !past.precedes(&b1, &left));
    let mut ends: Vec<_> = past.ends(A).copied().collect();
    ends.sort_unstable();
    assert_eq!(ends, [left, right]);
    assert_eq!(past.beginning(&left), Some(&left));
    assert_eq!(past.beginning(&right), Some(&right));
    assert_eq!(past.beginning(&a1), Some(&a1));
    // One branch speaks for itself only, and whoever answers names both.
    assert_eq!(standing.waiting_for(&b1), [A]);
    assert_eq!(past.heads(), [left, right, b1]);
}

#[test]
fn an_intent_is_open_until_its_device_ends_it() {
    let mut history = History::default();
    let objects = [object(A, 1, 0), object(A, 1, 1)];
    let a1 = history.add(A, None, &[], vec![join()]);
    let b1 = history.add(B, None, &[a1], vec![join()]);
    let intent = history.add(A, Some(a1), &[b1], life(LifeItem::Intent(objects.to_vec())));
    assert_eq!(history.standing().waiting_for(&intent), [B]);
    assert!(history.standing().owes(B) && !history.standing().owes(A));
    // Somebody else cannot end it.
    let end = |kept: &[ObjectKey]| LifeItem::Sweep {
        intent: (intent.run, intent.hash),
        kept: kept.to_vec(),
    };
    let b2 = history.add(B, Some(b1), &[intent], life(end(&[])));
    let standing = history.standing();
    assert_eq!(standing.open().len(), 1);
    assert!(standing.swept().is_empty());
    assert!(standing.waiting_for(&intent).is_empty() && !standing.owes(B));
    let late = history.add(C, None, &[intent], vec![join()]);
    let standing = history.standing();
    assert!(standing.waiting_for(&intent).is_empty());
    assert!(standing.owes(A) && standing.owes(B) && !standing.owes(C));
    let sweep = history.add(A, Some(intent), &[b2, late], life(end(&objects[..1])));
    // A later one says nothing.
    let again = history.add(A, Some(sweep), &[], life(end(&[])));
    let standing = history.standing();
    assert!(standing.past.is_heeded(&again) && standing.open().is_empty());
    assert_eq!(standing.swept().iter().collect::<Vec<_>>(), [&objects[1]]);
    // Where the sweep has not arrived, the intent is open.
    assert_eq!(history.without(&[sweep]).open().len(), 1);
}

#[test]
fn objects_that_one_branch_swept_are_gone_for_both() {
    let mut history = History::default();
    let objects = [object(A, 1, 0), object(A, 1, 1)];
    let a1 = history.add(A, None, &[], vec![join()]);
    let intent = history.add(A, Some(a1), &[], life(LifeItem::Intent(objects.to_vec())));
    let end = |kept: usize| {
        let intent = (intent.run, intent.hash);
        life(LifeItem::Sweep { intent, kept: vec![objects[kept]] })
    };
    history.add(A, Some(intent), &[], end(0));
    history.add(A, Some(intent), &[], end(1));
    let standing = history.standing();
    assert!(standing.open().is_empty());
    assert!(objects.iter().all(|object| standing.swept().contains(object)));
}

#[test]
fn a_snapshot_is_forgotten_until_each_forget_is_undone() {
    let mut history = History::default();
    let a1 = history.add(A, None, &[], backup());
    let snapshots = vec![id(a1)];
    let one = history.add(A, Some(a1), &[], life(LifeItem::Forget(snapshots.clone())));
    let other = history.add(B, None, &[a1], life(LifeItem::Forget(snapshots.clone())));
    assert!(history.standing().is_forgotten(id(a1)));
    let undo = |records: Vec<RecordRef>| {
        life(LifeItem::Undo(Undo { said: Said::Forget, snapshots: vec![id(a1)], records }))
    };
    let a3 = history.add(A, Some(one), &[], undo(vec![one]));
    // The other device forgot it at the same time.
    assert!(history.standing().is_forgotten(id(a1)));
    history.add(A, Some(a3), &[other], undo(vec![other]));
    assert!(!history.standing().is_forgotten(id(a1)));
    assert!(history.without(&[a3]).is_forgotten(id(a1)));
}

#[test]
fn pins_and_tags_are_taken_back_one_by_one() {
    let mut history = History::default();
    let a1 = history.add(A, None, &[], backup());
    let tag = |name: &str| LifeItem::Tag { snapshots: vec![id(a1)], name: name.to_owned() };
    let a2 = history.add(A, Some(a1), &[], life(LifeItem::Pin(vec![id(a1)])));
    let a3 = history.add(A, Some(a2), &[], life(tag("good")));
    let a4 = history.add(A, Some(a3), &[], life(tag("better")));
    let standing = history.standing();
    assert!(standing.is_pinned(id(a1)));
    assert_eq!(standing.tags(id(a1)), ["better", "good"]);
    let undo = Undo { said: Said::Tag, snapshots: vec![id(a1)], records: vec![a2, a3] };
    history.add(A, Some(a4), &[], life(LifeItem::Undo(undo)));
    let standing = history.standing();
    assert!(standing.is_pinned(id(a1)));
    assert_eq!(standing.tags(id(a1)), ["better"]);
}

#[test]
fn a_snapshot_is_unconfirmed_until_the_owners_of_its_pieces_have_met_its_device() {
    let mut history = History::default();
    let a1 = history.add(A, None, &[], vec![join()]);
    let b1 = history.add(B, None, &[a1], [vec![join()], backup()].concat());
    let needs = [Needs { device: A, first: 1, last: 1 }];
    let waits = |history: &History| {
        history.standing().unconfirmed_by(&b1, &needs).into_iter().collect::<Vec<_>>()
    };
    assert_eq!(waits(&history), [A]);
    let a2 = history.add(A, Some(a1), &[], backup());
    assert_eq!(waits(&history), [A]);
    history.add(A, Some(a2), &[b1], Vec::new());
    assert_eq!(waits(&history), []);
}

#[test]
fn whoever_retired_a_device_answers_for_it() {
    let mut history = History::default();
    let a1 = history.add(A, None, &[], vec![join()]);
    let c1 = history.add(C, None, &[a1], vec![join()]);
    let last = Some((a1.run, a1.hash));
    let retire = LifeItem::Retire { device: A, last };
    let c2 = history.add(C, Some(c1), &[], life(retire));
    let b1 = history.add(B, None, &[a1, c1], [vec![join()], backup()].concat());
    let needs = [Needs { device: A, first: 1, last: 1 }];
    let standing = history.standing();
    assert!(standing.is_retired(A) && !standing.waiting_for(&c2).contains(&A));
    let waits = standing.unconfirmed_by(&b1, &needs);
    assert_eq!(waits.into_iter().collect::<Vec<_>>(), [C]);
    // All that the retired one writes after that is unconfirmed.
    let a2 = history.add(A, Some(a1), &[b1], backup());
    assert!(history.standing().unconfirmed_by(&a2, &[]).contains(&C));
    assert!(history.standing().unconfirmed_by(&a1, &[]).is_empty());
    history.add(C, Some(c2), &[b1], Vec::new());
    assert!(history.standing().unconfirmed_by(&b1, &needs).is_empty());
}

#[test]
fn each_branch_of_a_retired_device_counts_up_to_its_own_end() {
    let mut history = History::default();
    let a1 = history.add(A, None, &[], vec![join()]);
    let left = history.add(A, Some(a1), &[], backup());
    let right = history.add(A, Some(a1), &[], [backup(), vec![Item::Checkpoint]].concat());
    let retire = |at: RecordRef| {
        let last = Some((at.run, at.hash));
        Item::Life(Box::new(LifeItem::Retire { device: A, last }))
    };
    let c1 = history.add(C, None, &[left, right], vec![join(), retire(left), retire(right)]);
    let late = history.add(A, Some(left), &[], backup());
    let standing = history.standing();
    assert!(standing.past.is_heeded(&c1));
    for (at, is_confirmed) in [(left, true), (right, true), (late, false)] {
        assert_eq!(standing.unconfirmed_by(&at, &[]).is_empty(), is_confirmed, "{at:?}");
    }
}

#[test]
fn only_a_snapshot_that_the_sweeper_did_not_know_can_need_what_it_swept() {
    let mut history = History::default();
    let objects = vec![object(A, 1, 0)];
    let a1 = history.add(A, None, &[], backup());
    let intent = history.add(A, Some(a1), &[], life(LifeItem::Intent(objects)));
    let late = history.add(B, None, &[a1], backup());
    let knows = history.add(C, None, &[intent], backup());
    let end = LifeItem::Sweep { intent: (intent.run, intent.hash), kept: Vec::new() };
    let sweep = history.add(A, Some(intent), &[], life(end));
    let standing = history.standing();
    assert!(!standing.may_need_swept(&a1) && !standing.may_need_swept(&knows));
    assert!(standing.may_need_swept(&late));
    // Brought back by somebody: nobody vouches for it.
    let forget = history.add(A, Some(sweep), &[], life(LifeItem::Forget(vec![id(a1)])));
    let undo = Undo { said: Said::Forget, snapshots: vec![id(a1)], records: vec![forget] };
    history.add(A, Some(forget), &[], life(LifeItem::Undo(undo)));
    assert!(history.standing().may_need_swept(&a1));
}
