//! Which editions of the key blocks follow which, and whose slots count (§3).
//!
//! Anyone who knew a block key can write another edition, also after being removed. So an edition
//! that parted from another one before that one removed somebody is read, and its slots do not
//! count.

use std::cmp::Reverse;

use crate::format::{Family, SlotId, SlotLine};

use super::key_edition::{Block, Edition, Place};

/// Gives each edition its place, and puts them into the order in which they are united.
pub(super) fn judge(editions: &mut [Edition], closed: &[Block]) {
    let superseded: Vec<bool> =
        editions.iter().map(|it| is_superseded(it, editions, closed)).collect();
    let known: Vec<bool> = editions.iter().map(|it| is_vouched(it, editions, closed)).collect();
    let is_free = |at: usize| !superseded[at] && !editions[at].keyring.is_restricted;
    let has_free = (0..editions.len()).any(is_free);
    let is_tip = |at: usize| if has_free { is_free(at) } else { !superseded[at] };
    let places: Vec<Place> = (0..editions.len())
        .map(|y| {
            let disowns = |x: usize| {
                let is_less_known = known[y] && !known[x];
                let knows_better = known[x] && !known[y];
                is_tip(x) && !is_less_known && disowns(&editions[x], &editions[y], knows_better)
            };
            match is_tip(y) {
                false => Place::Former,
                true if (0..editions.len()).any(disowns) => Place::Foreign,
                true => Place::Followed,
            }
        })
        .collect();
    editions.iter_mut().zip(places).for_each(|(edition, place)| edition.place = place);
    editions.sort_by_cached_key(|edition| {
        let keyring = &edition.keyring;
        let ids: Vec<_> = keyring.repositories.iter().map(|repository| repository.id).collect();
        (edition.place, Reverse(keyring.generation), ids, *edition.block_key.expose())
    });
}

/// Whether a later edition is here: one that opened, or a whole block that did not.
fn is_superseded(edition: &Edition, editions: &[Edition], closed: &[Block]) -> bool {
    let others = editions.iter().filter(|it| it.block_key.expose() != edition.block_key.expose());
    let opened = others.flat_map(|other| other.blocks.iter());
    let mut later = opened.chain(closed.iter().filter(|block| block.copy.is_some()));
    later.any(|block| block.head.follows(&block.bytes, edition.mark_key.expose()))
}

/// Whether a block follows an edition that is followed.
pub(super) fn supersedes(block: &Block, editions: &[Edition]) -> bool {
    let mut followed = editions.iter().filter(|edition| edition.place == Place::Followed);
    followed.any(|it| block.head.follows(&block.bytes, it.mark_key.expose()))
}

/// The file of a block that follows one of these editions and did not open.
pub(super) fn successor(editions: &[Edition], closed: &[Block]) -> Option<String> {
    let is_followed_by = |block: &Block| {
        editions.iter().any(|it| block.head.follows(&block.bytes, it.mark_key.expose()))
    };
    let mut here = closed.iter().filter(|block| block.copy.is_some());
    here.find(|block| block.path.is_some() && is_followed_by(block))?.path.clone()
}

/// Whether this machine followed this edition before, or one that it descends from.
fn is_vouched(edition: &Edition, editions: &[Edition], closed: &[Block]) -> bool {
    let is_known = |it: &Edition| it.blocks.iter().any(|block| block.is_known);
    let descends = |other: &Edition| {
        edition.blocks.iter().any(|it| it.head.follows(&it.bytes, other.mark_key.expose()))
    };
    is_known(edition)
        || editions.iter().any(|other| is_known(other) && descends(other))
        || closed.iter().any(|block| block.is_known && is_former(block, edition))
}

/// Whether this block is of an edition that this one descends from.
pub(super) fn is_former(block: &Block, edition: &Edition) -> bool {
    let mut former = edition.keyring.former.iter();
    former.any(|former| block.head.is_of(&block.bytes, &former.mark_key))
}

/// Whether `x` makes `y` foreign; `knows_better`: this machine followed `x`, and not `y`.
fn disowns(x: &Edition, y: &Edition, knows_better: bool) -> bool {
    let salts = |edition: &Edition| -> Vec<_> {
        edition.keyring.families.iter().map(|family| family.salt).collect()
    };
    let (mine, others) = (salts(x), salts(y));
    if !mine.iter().any(|salt| others.contains(salt)) || !parted_by_removal(x, y) {
        return false;
    }
    let is_older = common(x, y) == 0 && x.keyring.generation > y.keyring.generation;
    knows_better || !parted_by_removal(y, x) || is_older
}

fn parted_by_removal(x: &Edition, y: &Edition) -> bool {
    common(x, y) < x.keyring.last_removal
}

/// The latest generation that both descend from, as `x` states it; 0 without any.
fn common(x: &Edition, y: &Edition) -> u64 {
    let has = |key: &[u8; 16]| {
        y.mark_key.expose() == key || y.keyring.former.iter().any(|it| *it.mark_key == *key)
    };
    let own = has(x.mark_key.expose()).then_some(x.keyring.generation);
    let former = x.keyring.former.iter().filter(|former| has(&former.mark_key));
    own.into_iter().chain(former.map(|former| former.generation)).max().unwrap_or(0)
}

/// The families with their living slots: those of all followed tips, except slots that one of them
/// has removed.
pub(super) fn living(editions: &[Edition]) -> Vec<Family> {
    let followed = || editions.iter().filter(|edition| edition.place == Place::Followed);
    let mut families: Vec<Family> = Vec::new();
    for x in followed() {
        for family in &x.keyring.families {
            let known = families.iter().position(|known| known.salt == family.salt);
            let at = known.unwrap_or(families.len());
            if known.is_none() {
                families.push(Family { slots: Vec::new(), ..family.clone() });
            }
            for slot in &family.slots {
                let is_new = families[at].slots.iter().all(|known| known.id != slot.id);
                if is_new && followed().all(|y| !has_removed(y, editions, &family.salt, &slot.id)) {
                    families[at].slots.push(slot.clone());
                }
            }
        }
    }
    families
}

/// Whether `y` descends from an edition that had this slot, and has it no more.
fn has_removed(y: &Edition, editions: &[Edition], salt: &[u8; 32], id: &SlotId) -> bool {
    let Some(own) = slots_of(y, salt) else { return false };
    let holds = |slot: &&SlotLine| slot.id == *id;
    let had = |x: &Edition| {
        slots_of(x, salt).and_then(|slots| slots.iter().find(holds)).map(|slot| slot.since)
    };
    let followed = editions.iter().filter(|edition| edition.place == Place::Followed);
    own.iter().find(holds).is_none()
        && followed.filter_map(|x| Some((x, had(x)?))).any(|(x, since)| since <= common(x, y))
}

/// The slots of a family, if the edition has that.
fn slots_of<'a>(edition: &'a Edition, salt: &[u8; 32]) -> Option<&'a [SlotLine]> {
    let family = edition.keyring.families.iter().find(|it| it.salt == *salt)?;
    Some(&family.slots)
}
