//! Which snapshots a policy keeps, and why.
//!
//! Pure: it is given the snapshots of one device and source, the newest first by the order of their
//! chain. Clocks only sort snapshots into hours, days and years; a wrong clock never makes the
//! newest snapshot an old one. It must never decide on a snapshot that is not complete.

use std::collections::HashSet;

#[cfg(test)]
mod tests;

/// How many snapshots to keep: one for each of so many hours, days, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The newest, however close together.
    pub last: u32,
    /// One for each hour.
    pub hourly: u32,
    /// One for each day.
    pub daily: u32,
    /// One for each week from Monday.
    pub weekly: u32,
    /// One for each month.
    pub monthly: u32,
    /// One for each year.
    pub yearly: u32,
    /// All since this time, in seconds since 1970.
    pub since: Option<i64>,
}

/// A snapshot, as far as a policy looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its time in seconds since 1970.
    pub seconds: i64,
    /// The offset of its device's clock from UTC then, in minutes.
    pub offset_minutes: i16,
    /// All of it is here, and no other device has to confirm it.
    pub is_complete: bool,
    /// Somebody has pinned it.
    pub is_pinned: bool,
}

/// Why a snapshot stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The policy has no rule at all.
    NoRule,
    /// It is the newest complete one.
    Newest,
    /// It is pinned.
    Pinned,
    /// It is not complete, so no policy counts or forgets it.
    NotComplete,
    /// It is among the last.
    Last,
    /// It is the newest of its hour.
    Hourly,
    /// It is the newest of its day.
    Daily,
    /// It is the newest of its week.
    Weekly,
    /// It is the newest of its month.
    Monthly,
    /// It is the newest of its year.
    Yearly,
    /// It is young enough.
    Within,
}

impl Retention {
    /// The reasons for which each snapshot stays; one without a reason is to be forgotten.
    pub fn reasons(&self, newest_first: &[Kept]) -> Vec<Vec<Reason>> {
        let mut rules = self.rules();
        let has_rule = *self != Self::default();
        let mut has_newest = false;
        let each = newest_first.iter().map(|snapshot| {
            let mut reasons = Vec::new();
            let mut add = |holds: bool, reason: Reason| {
                if holds {
                    reasons.push(reason);
                }
            };
            add(!has_rule, Reason::NoRule);
            add(snapshot.is_pinned, Reason::Pinned);
            add(!snapshot.is_complete, Reason::NotComplete);
            if snapshot.is_complete {
                add(!has_newest, Reason::Newest);
                has_newest = true;
                for rule in &mut rules {
                    add(rule.keeps(snapshot), rule.reason);
                }
                add(self.since.is_some_and(|since| snapshot.seconds >= since), Reason::Within);
            }
            reasons
        });
        each.collect()
    }

    fn rules(&self) -> [Rule; 6] {
        let rule = |reason, count, period| Rule { reason, count, period, met: HashSet::new() };
        [
            rule(Reason::Last, self.last, |_| None),
            rule(Reason::Hourly, self.hourly, |local| Some(local.div_euclid(3600))),
            rule(Reason::Daily, self.daily, |local| Some(day(local))),
            // 1970 began on a Thursday.
            rule(Reason::Weekly, self.weekly, |local| Some((day(local) + 3).div_euclid(7))),
            rule(Reason::Monthly, self.monthly, |local| Some(month(day(local)))),
            rule(Reason::Yearly, self.yearly, |local| Some(month(day(local)).div_euclid(12))),
        ]
    }
}

/// One snapshot for each of so many periods; without a period, each is one of its own.
struct Rule {
    reason: Reason,
    count: u32,
    period: fn(i64) -> Option<i64>,
    met: HashSet<i64>,
}

impl Rule {
    /// Whether it keeps the next snapshot. Periods are counted as they are met, in whatever order
    /// the clocks put them.
    fn keeps(&mut self, snapshot: &Kept) -> bool {
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
