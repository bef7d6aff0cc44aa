//! One line of descent: the snapshots of one source on one device. Only of one is there a latest.
//!
//! People choose the names, so two devices may have the same one; ids distinguish them.

use std::collections::BTreeMap;

use crate::model::{DeviceId, SnapshotId};
use crate::repository::SnapshotRecord;

use super::error::{Error, ErrorKind};

/// A snapshot that may be meant.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) device: DeviceId,
    /// The name of the device for people.
    pub(crate) name: &'a str,
    pub(crate) snapshot: SnapshotRecord<'a>,
}

impl Candidate<'_> {
    /// Its id.
    pub(crate) fn snapshot_id(&self) -> SnapshotId {
        SnapshotId::from(self.snapshot.at.hash)
    }

    /// The same in digits.
    pub(crate) fn id(&self) -> String {
        self.snapshot_id().to_string()
    }

    /// Whether its device is the one that was typed: by its name, or by the beginning of its id
    /// where none has that name.
    pub(crate) fn is_of_device(&self, typed: &str, is_name: bool) -> bool {
        match is_name {
            true => self.name == typed,
            false => self.device.to_string().starts_with(&typed.to_ascii_lowercase()),
        }
    }
}

/// Of several devices or sources, "latest" says nothing. The candidates are in the order of their
/// chains.
pub(crate) fn one_of(candidates: &[Candidate<'_>]) -> Result<(), Error> {
    let mut newest = BTreeMap::new();
    for one in candidates {
        let source = one.snapshot.backup.source.name.as_str();
        newest.insert((one.name, one.device, source), &one.snapshot.record.time);
    }
    if newest.len() < 2 {
        return Ok(());
    }
    let list: Vec<String> = newest
        .into_iter()
        .map(|((device, id, source), time)| {
            let time = moment(time.seconds, time.offset_minutes);
            format!("device {device} ({id}), source {source}, last backup {time}")
        })
        .collect();
    let sentence = format!(
        "several devices or sources are meant; say which by --device, with the id where two have one name, or by --source: {}",
        list.join("; ")
    );
    Err(Error::new(ErrorKind::Usage, sentence))
}

/// A time as a clock on the wall showed it there.
pub(crate) fn moment(seconds: i64, offset_minutes: i16) -> String {
    const DAY: i64 = 24 * 60 * 60;
    // Nobody's backup is older or younger, and no sum overflows.
    let bound = 200_000 * 365 * DAY;
    let local = seconds.clamp(-bound, bound) + i64::from(offset_minutes) * 60;
    let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    // Years begin in March here, so that the day which is not always there is the last one.
    let from_march = days + 719_468;
    let (era, day) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + next;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let (sign, offset) =
        (if offset_minutes < 0 { '-' } else { '+' }, offset_minutes.unsigned_abs());
    let (hours, minutes) = (offset / 60, offset % 60);
    let date = format!("{year:04}-{month:02}-{day:02}");
    format!("{date} {hour:02}:{minute:02}:{second:02} {sign}{hours:02}:{minutes:02}")
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_moment_is_the_local_time_of_the_run() {
        let table = [
            (0, 0, "1970-01-01 00:00:00 +00:00"),
            (-1, 0, "1969-12-31 23:59:59 +00:00"),
            (951_782_399, 0, "2000-02-28 23:59:59 +00:00"),
            (951_782_400, 0, "2000-02-29 00:00:00 +00:00"),
            (951_868_800, 0, "2000-03-01 00:00:00 +00:00"),
            (1_767_225_600, 330, "2026-01-01 05:30:00 +05:30"),
            (1_767_225_600, -60, "2025-12-31 23:00:00 -01:00"),
            (4_107_542_400, 0, "2100-03-01 00:00:00 +00:00"),
        ];
        for (seconds, offset, shown) in table {
            assert_eq!(moment(seconds, offset), shown);
        }
        for extreme in [i64::MIN, i64::MAX] {
            assert!(moment(extreme, i16::MIN).len() > 10);
        }
    }
}
