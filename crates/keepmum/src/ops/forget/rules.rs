//! Which snapshots rules keep, and why.
//!
//! Pure: it is given the snapshots of one device and source, the newest first by the order of their
//! chain. Clocks only sort snapshots into hours, days and years; a wrong clock never makes the
//! newest snapshot an old one. It must never decide on a snapshot that is not complete.

use std::collections::HashSet;

use crate::session::options::KeepRules;

use super::report::KeptBecause;

#[cfg(test)]
mod tests;

/// A snapshot, as far as rules look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// Its time in seconds since 1970.
    pub(super) seconds: i64,
    /// The offset of its device's clock from UTC then, in minutes.
    pub(super) offset_minutes: i16,
    /// Rules neither count nor forget it, for this reason.
    pub(super) is_passed_over: Option<KeptBecause>,
    /// Somebody has pinned it.
    pub(super) is_pinned: bool,
}

impl KeepRules {
    /// The reasons for which each snapshot stays; one without a reason is to be forgotten. All that
    /// are not older than `since`, in seconds since 1970, stay. Without any rule nothing goes.
    pub(super) fn reasons(
        &self,
        since: Option<i64>,
        newest_first: &[Judged],
    ) -> Vec<Vec<KeptBecause>> {
        let unbounded = Self { last: u32::MAX, ..*self };
        let has_rule = *self != Self::default();
        let mut rules = if has_rule { self.rules() } else { unbounded.rules() };
        let mut has_newest = false;
        let each = newest_first.iter().map(|snapshot| {
            let mut reasons = Vec::new();
            let mut add = |holds: bool, reason: KeptBecause| {
                if holds {
                    reasons.push(reason);
                }
            };
            add(snapshot.is_pinned, KeptBecause::Pinned);
            if let Some(reason) = snapshot.is_passed_over {
                add(true, reason);
                return reasons;
            }
            add(!has_newest, KeptBecause::Newest);
            has_newest = true;
            for rule in &mut rules {
                add(rule.keeps(snapshot), rule.reason);
            }
            add(since.is_some_and(|since| snapshot.seconds >= since), KeptBecause::Within);
            reasons
        });
        each.collect()
    }

    fn rules(&self) -> [Rule; 6] {
        let rule = |reason, count, period| Rule { reason, count, period, met: HashSet::new() };
        [
            rule(KeptBecause::Last, self.last, |_| None),
            rule(KeptBecause::Hourly, self.hourly, |local| Some(local.div_euclid(3600))),
            rule(KeptBecause::Daily, self.daily, |local| Some(day(local))),
            // 1970 began on a Thursday.
            rule(KeptBecause::Weekly, self.weekly, |local| Some((day(local) + 3).div_euclid(7))),
            rule(KeptBecause::Monthly, self.monthly, |local| Some(month(day(local)))),
            rule(KeptBecause::Yearly, self.yearly, |local| Some(month(day(local)).div_euclid(12))),
        ]
    }
}

/// One snapshot for each of so many periods; without a period, each is one of its own.
struct Rule {
    reason: KeptBecause,
    count: u32,
    period: fn(i64) -> Option<i64>,
    met: HashSet<i64>,
}

impl Rule {
    /// Whether it keeps the next snapshot. Periods are counted as they are met, in whatever order
    /// the clocks put them.
    fn keeps(&mut self, snapshot: &Judged) -> bool {
        let offset = i64::from(snapshot.offset_minutes) * 60;
        let own = i64::try_from(self.met.len()).unwrap_or(i64::MAX);
        let period = (self.period)(snapshot.seconds.saturating_add(offset)).unwrap_or(own);
        let is_full = self.met.len() >= usize::try_from(self.count).unwrap_or(usize::MAX);
        !is_full && self.met.insert(period)
    }
}

fn day(local: i64) -> i64 {
    local.div_euclid(86_400)
}

/// The months from the year 0 to the month of a day after 1970. The calendar is reckoned from the
/// first of March, so that a leap day is the last of its year.
fn month(day: i64) -> i64 {
    const ERA: i64 = 146_097;
    let since_march = day + 719_468;
    let (era, of_era) = (since_march.div_euclid(ERA), since_march.rem_euclid(ERA));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    (era * 400 + year) * 12 + from_march + 2
}
