//! Times as people type and read them: local, with their offset.
//!
//! A time that is typed means its last instant: a date the end of that day, a second the end of
//! that second. So a time that was copied from a table finds what stands beside it.

use jiff::civil::{Date, DateTime, Time as ClockTime};
use jiff::tz::{Offset, TimeZone};
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
            Err(_) => return None,
        },
    };
    match rest {
        Some(clock) => on(date, clock.trim(), now),
        None => {
            let next = date.tomorrow().ok()?.to_zoned(now.time_zone().clone()).ok()?;
            next.timestamp().checked_sub(1.nanosecond()).ok()
        }
    }
}

/// A full time with `Z` or an offset, also as [`with_zone`] shows it.
fn with_offset(text: &str) -> Option<Timestamp> {
    let joined = text.replace(" +", "+").replace(" -", "-");
    joined.parse::<Timestamp>().ok()
}

fn on(date: Date, clock: &str, now: &Zoned) -> Option<Timestamp> {
    if !clock.contains(':') {
        return None;
    }
    let clock: ClockTime = clock.parse().ok()?;
    let moment = DateTime::from_parts(date, clock).to_zoned(now.time_zone().clone()).ok()?;
    end_of_second(moment.timestamp())
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

/// Seconds since 1970 at the place where the offset is kept: `2026-11-02 14:00:03 +01:00`.
pub(crate) fn with_zone(seconds: i64, offset_minutes: i16) -> String {
    let zone = Offset::from_seconds(i32::from(offset_minutes) * 60).map(TimeZone::fixed);
    match (Timestamp::from_second(seconds), zone) {
        (Ok(moment), Ok(zone)) => shown(&moment.to_zoned(zone)),
        _ => "(no such time)".to_owned(),
    }
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

/// How long ago, in the largest unit that says something.
pub(crate) fn age(seconds: i64, now: &Zoned) -> String {
    let past = now.timestamp().as_second().saturating_sub(seconds);
    let (count, unit) = match past {
        ..-60 => return "in the future: is a clock wrong?".to_owned(),
        -60..60 => return "just now".to_owned(),
        60..3600 => (past / 60, "minute"),
        3600..86_400 => (past / 3600, "hour"),
        _ => (past / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

/// How many seconds a time takes: `26h`, `1d`, `2 weeks`. Days have 24 hours.
pub(crate) fn span(typed: &str) -> Option<i64> {
    let span: Span = typed.trim().parse().ok()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    // A time that is no whole number of seconds is longer than nothing all the same.
    (seconds > 0.0 && seconds < 1e12).then(|| (seconds.ceil() as i64).max(1))
}

/// The offset from UTC here and now, in minutes.
pub(crate) fn offset_minutes(now: &Zoned) -> i16 {
    i16::try_from(now.offset().seconds() / 60).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{age, here, offset_minutes, parse, with_zone};
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
            ("2026-11-02 14:00", "2026-11-02 14:00:00 +01:00 999999999"),
            ("2026-11-02T14:00:07", "2026-11-02 14:00:07 +01:00 999999999"),
            ("2026-07-02 14:00", "2026-07-02 14:00:00 +02:00 999999999"),
            ("2026-11-02T14:00:00Z", "2026-11-02 15:00:00 +01:00 999999999"),
            ("2026-11-02 14:00:03 +05:30", "2026-11-02 09:30:03 +01:00 999999999"),
            ("2026-11-02 14:00:03 -08:00", "2026-11-02 23:00:03 +01:00 999999999"),
            ("08:15", "2026-11-02 08:15:00 +01:00 999999999"),
            ("today", "2026-11-02 23:59:59 +01:00 999999999"),
            ("yesterday", "2026-11-01 23:59:59 +01:00 999999999"),
            ("Yesterday 08:15", "2026-11-01 08:15:00 +01:00 999999999"),
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
        for bad in
            ["", "tomorrow", "3 days", "2026-13-01", "2026-11-02 25:00", "14", "last week", "1 2 3"]
        {
            assert!(parse(bad, &now()).is_err(), "{bad}: {}", at(bad));
        }
        assert!(at("soon").starts_with("cannot understand the time \"soon\"; write 2026-11-02"));
    }

    #[test]
    fn a_time_from_a_table_finds_its_snapshot() {
        for (seconds, offset) in [(1_793_620_803, 60), (1_793_620_803, -210), (0, 0), (7, 345)] {
            let time = parse(&with_zone(seconds, offset), &now()).unwrap();
            assert_eq!(time.seconds, seconds);
        }
    }

    #[test]
    fn times_are_shown_with_their_offset() {
        assert_eq!(with_zone(0, 60), "1970-01-01 01:00:00 +01:00");
        assert_eq!(with_zone(0, -210), "1969-12-31 20:30:00 -03:30");
        assert_eq!(with_zone(i64::MAX, 0), "(no such time)");
        assert_eq!(with_zone(0, i16::MAX), "(no such time)");
        assert_eq!(offset_minutes(&now()), 60);
    }

    #[test]
    fn ages() {
        let base = now().timestamp().as_second();
        let table = [
            (0, "just now"),
            (60, "1 minute ago"),
            (7_199, "1 hour ago"),
            (86_400 * 9, "9 days ago"),
            (-5, "just now"),
            (-61, "in the future: is a clock wrong?"),
        ];
        for (past, expected) in table {
            assert_eq!(age(base - past, &now()), expected);
        }
    }
}
