//! Tests of the rules, against a naive model of them.

use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{Judged, KeepRules, KeptBecause, month};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A complete snapshot at a time of UTC.
fn at(seconds: i64) -> Judged {
    Judged { seconds, offset_minutes: 0, is_passed_over: None, is_pinned: false }
}

/// Rules, and the time since when all stay.
type Policy = (KeepRules, Option<i64>);

/// These rules alone.
fn rules(rules: KeepRules) -> Policy {
    (rules, None)
}

/// The places of the snapshots that stay.
fn stay((rules, since): Policy, newest_first: &[Judged]) -> Vec<usize> {
    let reasons = rules.reasons(since, newest_first);
    (0..reasons.len()).filter(|place| !reasons[*place].is_empty()).collect()
}

#[test]
fn a_policy_without_rules_keeps_everything() {
    assert_eq!(stay(rules(KeepRules::default()), &[at(DAY), at(0)]), [0, 1]);
}

#[test]
fn the_newest_of_each_day_stays_for_so_many_days_that_have_one() {
    let policy = rules(KeepRules { daily: 2, ..KeepRules::default() });
    let times = [9 * DAY + HOUR, 9 * DAY, 5 * DAY + 1, 5 * DAY, 4 * DAY].map(at);
    assert_eq!(stay(policy, &times), [0, 2]);
}

#[test]
fn a_day_is_that_of_the_device_at_that_time() {
    let policy = rules(KeepRules { daily: 9, ..KeepRules::default() });
    let late = Judged { offset_minutes: 120, ..at(DAY - HOUR) };
    assert_eq!(stay(policy, &[at(DAY + HOUR), late]), [0], "both on the second day");
    assert_eq!(stay(policy, &[at(DAY + HOUR), at(DAY - HOUR)]), [0, 1]);
}

#[test]
fn weeks_begin_on_monday() {
    let policy = rules(KeepRules { weekly: 9, ..KeepRules::default() });
    // 5 January 1970 was a Monday.
    assert_eq!(stay(policy, &[at(5 * DAY), at(4 * DAY), at(3 * DAY)]), [0, 2]);
}

#[test]
fn months_and_years_are_those_of_the_calendar() {
    // 29 February and 1 March 2000, 31 December 1999, 28 February and 1 March 1900, 1 January 1970.
    let days = [11_016, 11_017, 10_956, -25_509, -25_508, 0];
    let months = days.map(|day| (month(day).div_euclid(12), month(day).rem_euclid(12) + 1));
    assert_eq!(months, [(2000, 2), (2000, 3), (1999, 12), (1900, 2), (1900, 3), (1970, 1)]);
}

#[test]
fn a_clock_of_2099_costs_no_later_snapshot() {
    let policy = rules(KeepRules { daily: 1, ..KeepRules::default() });
    let far = at(47_000 * DAY);
    assert_eq!(stay(policy, &[at(9 * DAY), far, at(8 * DAY)]), [0]);
    let policy = rules(KeepRules { daily: 2, ..KeepRules::default() });
    assert_eq!(stay(policy, &[at(9 * DAY), far, at(8 * DAY)]), [0, 1]);
}

#[test]
fn a_snapshot_that_is_not_complete_is_neither_counted_nor_forgotten() {
    let policy = rules(KeepRules { last: 1, ..KeepRules::default() });
    let pending = Judged { is_passed_over: Some(KeptBecause::NotComplete), ..at(3) };
    let reasons = policy.0.reasons(policy.1, &[pending, at(2), at(1)]);
    assert_eq!(reasons[0], [KeptBecause::NotComplete]);
    assert_eq!(reasons[1], [KeptBecause::Newest, KeptBecause::Last]);
    assert!(reasons[2].is_empty());
}

#[test]
fn what_is_pinned_and_what_is_young_stays() {
    let policy = (KeepRules { within: Some(1), ..KeepRules::default() }, Some(2));
    let pinned = Judged { is_pinned: true, ..at(0) };
    let reasons = policy.0.reasons(policy.1, &[at(3), at(2), at(1), pinned]);
    assert_eq!(reasons[1], [KeptBecause::Within]);
    assert!(reasons[2].is_empty());
    assert_eq!(reasons[3], [KeptBecause::Pinned]);
}

fn snapshots() -> impl Strategy<Value = Vec<Judged>> {
    let one = (-400 * DAY..400 * DAY, -840_i16..840, 0_u8..10, 0_u8..10);
    let one = one.prop_map(|(seconds, offset_minutes, complete, pinned)| Judged {
        seconds,
        offset_minutes,
        is_passed_over: (complete == 0).then_some(KeptBecause::NotComplete),
        is_pinned: pinned == 0,
    });
    prop::collection::vec(one, 0..60)
}

fn policies() -> impl Strategy<Value = Policy> {
    let since = prop::option::of(-400 * DAY..400 * DAY);
    let counts = prop::array::uniform6(0_u32..6);
    (counts, since).prop_map(|([last, hourly, daily, weekly, monthly, yearly], since)| {
        let within = since.map(|_| 1);
        (KeepRules { last, hourly, daily, weekly, monthly, yearly, within }, since)
    })
}

/// Year, month and day, counted from 1900 on.
fn by_calendar(day: i64) -> (i64, i64, i64) {
    let (mut year, mut month, mut left) = (1900, 1, day + 25_567);
    loop {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if is_leap { 29 } else { 28 };
        let days = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1];
        if left < days {
            return (year, month, left + 1);
        }
        left -= days;
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
}

/// Says it again, slowly: the first of its period, and few periods before it.
fn by_definition((policy, since): &Policy, all: &[Judged], place: usize) -> bool {
    let one = all[place];
    if *policy == KeepRules::default() || one.is_pinned || one.is_passed_over.is_some() {
        return true;
    }
    let before: Vec<Judged> =
        all[..place].iter().copied().filter(|one| one.is_passed_over.is_none()).collect();
    let date = |one: &Judged| {
        let local = one.seconds + i64::from(one.offset_minutes) * 60;
        let (year, month, day) = by_calendar(local.div_euclid(DAY));
        (local.div_euclid(HOUR), local.div_euclid(DAY), year, month, day)
    };
    let rule = |count: u32, period: &dyn Fn(&Judged) -> String| {
        let own = period(&one);
        let mut others: Vec<String> = before.iter().map(period).collect();
        others.sort();
        others.dedup();
        !others.contains(&own) && others.len() < count as usize
    };
    let monday = |one: &Judged| {
        let day = date(one).1;
        (day - 6..=day).find(|day| day.rem_euclid(7) == 4).unwrap().to_string()
    };
    before.is_empty()
        || before.len() < policy.last as usize
        || rule(policy.hourly, &|one| date(one).0.to_string())
        || rule(policy.daily, &|one| date(one).1.to_string())
        || rule(policy.weekly, &monday)
        || rule(policy.monthly, &|one| format!("{} {}", date(one).2, date(one).3))
        || rule(policy.yearly, &|one| date(one).2.to_string())
        || since.is_some_and(|since| one.seconds >= since)
}

proptest! {
    #[test]
    fn a_policy_keeps_as_it_is_defined(policy in policies(), all in snapshots()) {
        let expected: Vec<usize> =
            (0..all.len()).filter(|place| by_definition(&policy, &all, *place)).collect();
        prop_assert_eq!(stay(policy, &all), expected);
    }

    #[test]
    fn what_stayed_stays_the_next_time(policy in policies(), all in snapshots()) {
        let kept: Vec<Judged> = stay(policy, &all).into_iter().map(|place| all[place]).collect();
        prop_assert_eq!(stay(policy, &kept).len(), kept.len());
    }

    #[test]
    fn the_newest_complete_one_always_stays(policy in policies(), all in snapshots()) {
        let newest = all.iter().position(|one| one.is_passed_over.is_none());
        prop_assert!(newest.is_none_or(|newest| stay(policy, &all).contains(&newest)));
    }

    #[test]
    fn any_time_that_a_record_can_say_has_a_period(seconds in any::<i64>(), minutes in any::<i16>()) {
        let policy = rules(KeepRules { monthly: 1, weekly: 1, yearly: 1, ..KeepRules::default() });
        let one = Judged { offset_minutes: minutes, ..at(seconds) };
        prop_assert_eq!(policy.0.reasons(policy.1, &[one])[0].len(), 4);
    }
}
