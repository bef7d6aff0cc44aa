//! Every section and key there is, on one screen.

/// A key, whatever it is called in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Password,
    PasswordCommand,
    PasswordFile,
    Destination,
    Join,
    DestinationIsPartial,
    DbPath,
    ToBackup,
    ToExclude,
    Name,
    DeviceName,
    ExcludeCaches,
    ExcludeLargerThan,
    OneFileSystem,
    Compression,
    CompressTogether,
    Every,
    KeepLast,
    KeepHourly,
    KeepDaily,
    KeepWeekly,
    KeepMonthly,
    KeepYearly,
    KeepWithin,
    AutoForget,
}

/// A section, whatever it is called in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Credentials,
    Destination,
    Db,
    Backup,
    Retention,
}

/// The words for sections; case does not matter.
pub(super) const SECTIONS: [(&str, Section); 6] = [
    ("Credentials", Section::Credentials),
    ("DropBox", Section::Destination),
    ("Destination", Section::Destination),
    ("DB", Section::Db),
    ("Backup", Section::Backup),
    ("Retention", Section::Retention),
];

/// The words for keys; case does not matter, as the original's reader had it.
pub(super) const KEYS: [(Section, &str, Key); 26] = [
    (Section::Credentials, "password", Key::Password),
    (Section::Credentials, "password_command", Key::PasswordCommand),
    (Section::Credentials, "password_file", Key::PasswordFile),
    (Section::Destination, "drop_box_dir", Key::Destination),
    (Section::Destination, "destination", Key::Destination),
    (Section::Destination, "join", Key::Join),
    (Section::Destination, "destination_is_partial", Key::DestinationIsPartial),
    (Section::Db, "db_path", Key::DbPath),
    (Section::Backup, "to_backup", Key::ToBackup),
    (Section::Backup, "to_exclude", Key::ToExclude),
    (Section::Backup, "name", Key::Name),
    (Section::Backup, "device_name", Key::DeviceName),
    (Section::Backup, "exclude_caches", Key::ExcludeCaches),
    (Section::Backup, "exclude_larger_than", Key::ExcludeLargerThan),
    (Section::Backup, "one_file_system", Key::OneFileSystem),
    (Section::Backup, "compression", Key::Compression),
    (Section::Backup, "compress_together", Key::CompressTogether),
    (Section::Backup, "every", Key::Every),
    (Section::Retention, "keep_last", Key::KeepLast),
    (Section::Retention, "keep_hourly", Key::KeepHourly),
    (Section::Retention, "keep_daily", Key::KeepDaily),
    (Section::Retention, "keep_weekly", Key::KeepWeekly),
    (Section::Retention, "keep_monthly", Key::KeepMonthly),
    (Section::Retention, "keep_yearly", Key::KeepYearly),
    (Section::Retention, "keep_within", Key::KeepWithin),
    (Section::Retention, "auto_forget", Key::AutoForget),
];

/// Keys that are accepted, and that this version does not act on.
pub(super) const NOT_YET: [Key; 8] = [
    Key::KeepLast,
    Key::KeepHourly,
    Key::KeepDaily,
    Key::KeepWeekly,
    Key::KeepMonthly,
    Key::KeepYearly,
    Key::KeepWithin,
    Key::AutoForget,
];

impl Key {
    /// Whether it may have several values and be repeated.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::ToBackup | Self::ToExclude)
    }

    /// Its first word in the table.
    pub(super) fn word(self) -> &'static str {
        KEYS.iter().find(|(_, _, key)| *key == self).map_or("", |(_, word, _)| word)
    }
}

impl Section {
    /// Its first word in the table.
    pub(super) fn word(self) -> &'static str {
        SECTIONS.iter().find(|(_, section)| *section == self).map_or("", |(word, _)| word)
    }
}

/// The section that this word names, or what to say.
pub(super) fn section(word: &str) -> Result<Section, String> {
    let known = SECTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map(|(_, section)| *section).ok_or_else(|| {
        let nearest = nearest(word, SECTIONS.iter().map(|(known, _)| *known));
        let hint = nearest.map_or_else(String::new, |near| format!("; did you mean [{near}]?"));
        format!("unknown section [{word}]{hint}")
    })
}

/// The key that this word names in this section, or what to say.
pub(super) fn key(section: Section, word: &str) -> Result<Key, String> {
    let same = |known: &&(Section, &str, Key)| known.1.eq_ignore_ascii_case(word);
    if let Some((_, _, key)) = KEYS.iter().filter(same).find(|known| known.0 == section) {
        return Ok(*key);
    }
    let place = section.word();
    if let Some((home, known, _)) = KEYS.iter().find(same) {
        return Err(format!("{known} does not belong in [{place}] but in [{}]", home.word()));
    }
    let here = KEYS.iter().filter(|known| known.0 == section).map(|known| known.1);
    let hint = nearest(word, here)
        .or_else(|| nearest(word, KEYS.iter().map(|known| known.1)))
        .map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Err(format!("unknown key {word} in [{place}]{hint}"))
}

/// The known word that a slip of the finger could have turned into `word`.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let far = word.chars().count() / 3 + 1;
    known
        .map(|candidate| (distance(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or replaced to make one word the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let replaced = row[j] + usize::from(letter != *other);
            next.push(replaced.min(row[j + 1] + 1).min(next[j] + 1));
        }
        row = next;
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{Key, Section, distance, key, section};

    #[test]
    fn words_are_found_whatever_their_case() {
        assert_eq!(section("dropbox"), Ok(Section::Destination));
        assert_eq!(section("Destination"), Ok(Section::Destination));
        assert_eq!(key(Section::Backup, "TO_BACKUP"), Ok(Key::ToBackup));
    }

    #[test]
    fn a_slip_gets_a_suggestion_and_nonsense_gets_none() {
        let said = section("Bakcup").unwrap_err();
        assert_eq!(said, "unknown section [Bakcup]; did you mean [Backup]?");
        assert_eq!(section("zzzzzz").unwrap_err(), "unknown section [zzzzzz]");
        let said = key(Section::Backup, "to_exlude").unwrap_err();
        assert_eq!(said, "unknown key to_exlude in [Backup]; did you mean to_exclude?");
        let said = key(Section::Backup, "db_path").unwrap_err();
        assert_eq!(said, "db_path does not belong in [Backup] but in [DB]");
        let said = key(Section::Db, "xyzzy").unwrap_err();
        assert_eq!(said, "unknown key xyzzy in [DB]");
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
