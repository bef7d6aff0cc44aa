//! Times as people type and read them: local, short, and as near as they are.
//!
//! A time that is typed means its last instant: a date the end of that day, a minute the end of
//! that minute. So a time that was copied from a table finds the snapshot beside it.

use jiff::civil::{Date, DateTime, Time as ClockTime};
use jiff::tz::Offset;
use jiff::{Span, SpanRelativeTo, Timestamp, ToSpan, Unit, Zoned};
use keepmum::Time;

/// What a person typed after `--at`, seen from `now`.
pub(crate) fn parse(typed: &str, now: &Zoned) -> Result<Time, String> {
    let text = typed.trim();
    let moment = absolute(text, now).or_else(|| relative(text, now)).ok_or_else(|| {
        format!(
            "cannot understand the time {typed:?}; write 2026-11-02, \"2026-11-02 14:00\", \
             \"3 days ago\" or yesterday"
        )
    })?;
    let nanos = u32::try_from(moment.subsec_nanosecond()).unwrap_or(0);
    // Before 1970 the parts are negative; there is no backup from then.
    Ok(Time { seconds: moment.as_second(), nanos })
}

fn absolute(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Some(moment) = with_offset(text) {
        return end_of_second(moment);
    }
    let (first, rest) = text.split_once([' ', 'T']).map_or((text, None), |(a, b)| (a, Some(b)));
    let date = match first.to_ascii_lowercase().as_str() {
        "today" => now.date(),
        "yesterday" => now.date().yesterday().ok()?,
        _ => match first.parse::<Date>() {
            Ok(date) => date,
            // A clock time alone is today's.
            Err(_) if rest.is_none() => return on(now.date(), text, now),
            Err(_) => return day_and_month(text, now),
        },
    };
    match rest {
        Some(clock) => on(date, clock.trim(), now),
        None => end_of_day(date, now),
    }
}

/// `27 Nov`, `27 Nov 13:49`, `27 Nov 2025 13:49`: as [`short`] shows it. Without a year it is this
/// year's.
fn day_and_month(text: &str, now: &Zoned) -> Option<Timestamp> {
    let mut words = text.split_whitespace().peekable();
    let day: i8 = words.next()?.parse().ok()?;
    let typed = words.next()?.get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|month| month.to_ascii_lowercase() == typed)? + 1;
    let year = match words.next_if(|word| word.len() == 4 && !word.contains(':')) {
        Some(year) => year.parse().ok()?,
        None => now.year(),
    };
    let date = Date::new(year, i8::try_from(month).ok()?, day).ok()?;
    match (words.next(), words.next()) {
        (None, _) => end_of_day(date, now),
        (Some(clock), None) => on(date, clock, now),
        _ => None,
    }
}

fn end_of_day(date: Date, now: &Zoned) -> Option<Timestamp> {
    let next = date.tomorrow().ok()?.to_zoned(now.time_zone().clone()).ok()?;
    next.timestamp().checked_sub(1.nanosecond()).ok()
}

/// A full time with `Z` or an offset, also as the library shows it.
fn with_offset(text: &str) -> Option<Timestamp> {
    let joined = text.replace(" +", "+").replace(" -", "-");
    joined.parse::<Timestamp>().ok()
}

fn on(date: Date, clock: &str, now: &Zoned) -> Option<Timestamp> {
    if !clock.contains(':') {
        return None;
    }
    let seconds_too = clock.matches(':').count() > 1;
    let clock: ClockTime = clock.parse().ok()?;
    let moment = DateTime::from_parts(date, clock).to_zoned(now.time_zone().clone()).ok()?;
    let rest = if seconds_too { 0 } else { 59 };
    end_of_second(moment.timestamp().checked_add(rest.seconds()).ok()?)
}

fn end_of_second(moment: Timestamp) -> Option<Timestamp> {
    Timestamp::new(moment.as_second(), 999_999_999).ok()
}

fn relative(text: &str, now: &Zoned) -> Option<Timestamp> {
    if text.eq_ignore_ascii_case("now") {
        return Some(now.timestamp());
    }
    let back: Span = text.parse().ok()?;
    // Without "ago" it would lie in the future, where no snapshot is.
    if !back.is_negative() {
        return None;
    }
    now.checked_add(back).ok().map(|then| then.timestamp())
}

/// Seconds since 1970 here.
pub(crate) fn here(seconds: i64, now: &Zoned) -> String {
    match Timestamp::from_second(seconds) {
        Ok(moment) => shown(&moment.to_zoned(now.time_zone().clone())),
        Err(_) => "(no such time)".to_owned(),
    }
}

fn shown(time: &Zoned) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The day and the minute, here: `today 13:49`, `yesterday 09:10`, `27 Nov 13:49`, and in other
/// years `27 Nov 2025 13:49`. What [`offset`] says belongs to it, once on a page.
pub(crate) fn short(seconds: i64, now: &Zoned) -> String {
    let Ok(moment) = Timestamp::from_second(seconds) else {
        return "(no such time)".to_owned();
    };
    let then = moment.to_zoned(now.time_zone().clone());
    let clock = then.strftime("%H:%M");
    if then.date() == now.date() {
        return format!("today {clock}");
    }
    if now.date().yesterday().is_ok_and(|yesterday| yesterday == then.date()) {
        return format!("yesterday {clock}");
    }
    let month = usize::try_from(then.month() - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"");
    match then.year() == now.year() {
        true => format!("{} {month} {clock}", then.day()),
        false => format!("{} {month} {} {clock}", then.day(), then.year()),
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The offset of the times on this page: `UTC`, `UTC+01:00`.
pub(crate) fn offset(now: &Zoned) -> String {
    match now.offset().seconds() {
        0 => "UTC".to_owned(),
        _ => format!("UTC{}", now.strftime("%:z")),
    }
}

/// The time as programs read it (RFC 3339), at the offset that is known of it.
pub(crate) fn rfc3339(seconds: i64, offset_minutes: i16) -> String {
    let offset = Offset::from_seconds(i32::from(offset_minutes) * 60).unwrap_or(Offset::UTC);
    match Timestamp::from_second(seconds) {
        Ok(moment) => moment.display_with_offset(offset).to_string(),
        Err(_) => String::new(),
    }
}

/// How long ago, in the largest unit that says something: `just now`, `5 min ago`, `6 days ago`.
pub(crate) fn age(seconds: i64, now: &Zoned) -> String {
    let past = now.timestamp().as_second().saturating_sub(seconds);
    match past {
        ..-60 => format!("{} ahead (clock?)", length(past.saturating_neg())),
        -60..60 => "just now".to_owned(),
        _ => format!("{} ago", length(past)),
    }
}

/// So many seconds in the largest unit that they fill: `45 s`, `5 min`, `3 h`, `1 day`, `6 days`.
pub(crate) fn length(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How many seconds a time takes: `26h`, `1d`, `2 weeks`. Days have 24 hours.
pub(crate) fn span(typed: &str) -> Option<i64> {
    let span: Span = typed.trim().parse().ok()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    // A time that is no whole number of seconds is longer than nothing all the same.
    (seconds > 0.0 && seconds < 1e12).then(|| (seconds.ceil() as i64).max(1))
}

/// The same for times of months and years, which count as the longest ones: `30d`, `6 months`.
pub(crate) fn long_span(typed: &str) -> Option<i64> {
    let span: Span = typed.trim().parse().ok()?;
    let (years, months) = (i64::from(span.get_years()), i64::from(span.get_months()));
    let rest = span.years(0).months(0);
    let rest = rest.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    let seconds = rest + (years * 366 + months * 31) as f64 * 86_400.0;
    (seconds > 0.0 && seconds < 1e12).then(|| (seconds.ceil() as i64).max(1))
}

/// The offset from UTC here and now, in minutes.
pub(crate) fn offset_minutes(now: &Zoned) -> i16 {
    i16::try_from(now.offset().seconds() / 60).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{age, here, offset, offset_minutes, parse, rfc3339, short};
    use jiff::Zoned;

    /// Ten past two in the afternoon, in a zone whose summer time ended a week before.
    fn now() -> Zoned {
        "2026-11-02T14:10:20.5+01:00[Europe/Berlin]".parse().unwrap()
    }

    fn at(typed: &str) -> String {
        match parse(typed, &now()) {
            Ok(time) => format!("{} {}", here(time.seconds, &now()), time.nanos),
            Err(said) => said,
        }
    }

    #[test]
    fn times_are_local_and_mean_their_last_instant() {
        let table = [
            ("2026-11-02", "2026-11-02 23:59:59 +01:00 999999999"),
            ("2026-10-25", "2026-10-25 23:59:59 +01:00 999999999"),
            ("2026-10-24", "2026-10-24 23:59:59 +02:00 999999999"),
            ("2026-11-02 14:00", "2026-11-02 14:00:59 +01:00 999999999"),
            ("2026-11-02T14:00:07", "2026-11-02 14:00:07 +01:00 999999999"),
            ("2026-07-02 14:00", "2026-07-02 14:00:59 +02:00 999999999"),
            ("2026-11-02T14:00:00Z", "2026-11-02 15:00:00 +01:00 999999999"),
            ("2026-11-02 14:00:03 +05:30", "2026-11-02 09:30:03 +01:00 999999999"),
            ("2026-11-02 14:00:03 -08:00", "2026-11-02 23:00:03 +01:00 999999999"),
            ("08:15", "2026-11-02 08:15:59 +01:00 999999999"),
            ("08:15:00", "2026-11-02 08:15:00 +01:00 999999999"),
            ("today 14:05", "2026-11-02 14:05:59 +01:00 999999999"),
            ("27 Oct", "2026-10-27 23:59:59 +01:00 999999999"),
            ("27 Oct 13:49", "2026-10-27 13:49:59 +01:00 999999999"),
            ("7 july 2025 13:49", "2025-07-07 13:49:59 +02:00 999999999"),
            ("27 Nov 2025", "2025-11-27 23:59:59 +01:00 999999999"),
            ("today", "2026-11-02 23:59:59 +01:00 999999999"),
            ("yesterday", "2026-11-01 23:59:59 +01:00 999999999"),
            ("Yesterday 08:15", "2026-11-01 08:15:59 +01:00 999999999"),
            ("now", "2026-11-02 14:10:20 +01:00 500000000"),
            ("3 days ago", "2026-10-30 14:10:20 +01:00 500000000"),
            ("1 month ago", "2026-10-02 14:10:20 +02:00 500000000"),
            ("2 weeks ago", "2026-10-19 14:10:20 +02:00 500000000"),
            ("90 minutes ago", "2026-11-02 12:40:20 +01:00 500000000"),
            ("2h 30m ago", "2026-11-02 11:40:20 +01:00 500000000"),
            ("  1 year ago ", "2025-11-02 14:10:20 +01:00 500000000"),
        ];
        for (typed, expected) in table {
            assert_eq!(at(typed), expected, "{typed}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "tomorrow",
            "3 days",
            "2026-13-01",
            "2026-11-02 25:00",
            "14",
            "last week",
            "1 2 3",
            "31 Feb",
            "1 Fox",
            "1 Nov 2",
            "1 Nov 13:49 x",
        ] {
            assert!(parse(bad, &now()).is_err(), "{bad}: {}", at(bad));
        }
        assert!(at("soon").starts_with("cannot understand the time \"soon\"; write 2026-11-02"));
    }

    #[test]
    fn a_time_from_a_table_finds_its_snapshot() {
        for (seconds, offset) in [(1_793_620_803, 60), (1_793_620_803, -210), (0, 0), (7, 345)] {
            let time = parse(&rfc3339(seconds, offset), &now()).unwrap();
            assert_eq!(time.seconds, seconds);
        }
    }

    #[test]
    fn times_are_shown_with_their_offset() {
        assert_eq!(offset_minutes(&now()), 60);
    }

    #[test]
    fn a_short_time_finds_its_snapshot_too() {
        let base = now().timestamp().as_second();
        for past in [0, 59, 3_000, 86_400, 180_000, 86_400 * 200, 86_400 * 500, 86_400 * 4_000] {
            let time = parse(&short(base - past, &now()), &now()).unwrap();
            assert!((base - past..base - past + 60).contains(&time.seconds), "{past}");
        }
    }

    #[test]
    fn times_are_short_near_by() {
        let base = now().timestamp().as_second();
        let table = [
            (0, "today 14:10"),
            (86_400, "yesterday 14:10"),
            (86_400 * 2, "31 Oct 14:10"),
            // In summer time.
            (86_400 * 40, "23 Sep 15:10"),
            (86_400 * 365, "2 Nov 2025 14:10"),
        ];
        for (past, expected) in table {
            assert_eq!(short(base - past, &now()), expected);
        }
        assert_eq!(short(i64::MAX, &now()), "(no such time)");
        assert_eq!(offset(&now()), "UTC+01:00");
        assert_eq!(offset(&"2026-11-02T14:10:20Z[UTC]".parse().unwrap()), "UTC");
        assert_eq!(rfc3339(0, 90), "1970-01-01T01:30:00+01:30");
        assert_eq!(rfc3339(i64::MAX, 90), "");
    }

    #[test]
    fn ages() {
        let base = now().timestamp().as_second();
        let table = [
            (0, "just now"),
            (60, "1 min ago"),
            (300, "5 min ago"),
            (7_199, "1 h ago"),
            (86_400, "1 day ago"),
            (86_400 * 9, "9 days ago"),
            (-5, "just now"),
            (-61, "1 min ahead (clock?)"),
            (-86_400 * 9, "9 days ahead (clock?)"),
        ];
        for (past, expected) in table {
            assert_eq!(age(base - past, &now()), expected);
        }
    }
}
