//! Every section and key there is; `table` has them with their explanations.

mod table;

pub(crate) use table::KEYS;

use crate::nearest::nearest;

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
    ("Destination", Section::Destination),
    ("DropBox", Section::Destination),
    ("DB", Section::Db),
    ("Backup", Section::Backup),
    ("Retention", Section::Retention),
];

/// A key as people write it and as it is explained to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(super) section: Section,
    pub(super) key: Key,
    /// What is written before the `=`; case does not matter, as the original's reader had it.
    pub(crate) word: &'static str,
    /// Another word for the same.
    pub(crate) alias: Option<&'static str>,
    /// What stands behind the `=`: `yes or no`, `a folder`.
    pub(crate) value: &'static str,
    /// Such a value.
    pub(crate) example: &'static str,
    /// What holds where the key is not given; empty where nothing does.
    pub(crate) default: &'static str,
    /// What it is for: a sentence of at most 76 characters, so that it fits behind a `#`.
    pub(crate) about: &'static str,
}

impl Entry {
    /// Its section.
    pub(crate) fn section_word(&self) -> &'static str {
        self.section.word()
    }

    /// Whether it may have several values, one on each indented line.
    pub(crate) fn is_list(&self) -> bool {
        self.key.is_list()
    }
}

impl Key {
    /// Whether it may have several values and be repeated.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::ToBackup | Self::ToExclude)
    }

    /// How it is written.
    pub(super) fn word(self) -> &'static str {
        KEYS.iter().find(|entry| entry.key == self).map_or("", |entry| entry.word)
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
    if let Some((_, _, key)) =
        words().find(|known| known.0 == section && known.1.eq_ignore_ascii_case(word))
    {
        return Ok(key);
    }
    let place = section.word();
    if let Some((home, known, _)) = words().find(|known| known.1.eq_ignore_ascii_case(word)) {
        return Err(format!("{known} does not belong in [{place}] but in [{}]", home.word()));
    }
    let here = words().filter(|known| known.0 == section).map(|known| known.1);
    let hint = nearest(word, here)
        .or_else(|| nearest(word, words().map(|known| known.1)))
        .map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Err(format!("unknown key {word} in [{place}]{hint}"))
}

/// Each word for a key, with its section.
fn words() -> impl Iterator<Item = (Section, &'static str, Key)> {
    KEYS.iter().flat_map(|entry| {
        let words = std::iter::once(entry.word).chain(entry.alias);
        words.map(|word| (entry.section, word, entry.key))
    })
}

#[cfg(test)]
mod tests {
    use super::{KEYS, Key, Section, key, section};
    use crate::config::{Around, Config};
    use std::path::Path;

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
    fn each_key_is_explained_once_in_the_order_of_its_section() {
        let mut sections: Vec<_> = KEYS.iter().map(|entry| entry.section_word()).collect();
        sections.dedup();
        assert_eq!(sections, ["Credentials", "Destination", "DB", "Backup", "Retention"]);
        for (at, entry) in KEYS.iter().enumerate() {
            assert!(KEYS[..at].iter().all(|before| before.key != entry.key), "{}", entry.word);
            assert_eq!(entry.key.word(), entry.word);
            let about = entry.about;
            assert!(about.ends_with('.') && about.chars().count() <= 76, "{about}");
            assert!(!entry.value.is_empty() && !entry.example.is_empty(), "{}", entry.word);
            // The example is one that the reader takes.
            let text = format!("[{}]\n{} = {}\n", entry.section_word(), entry.word, entry.example);
            let rest = "\n[Destination]\ndestination = /d\n";
            let rest = if entry.key == Key::Destination { "" } else { rest };
            let text = match entry.section {
                Section::Destination if entry.key != Key::Destination => {
                    format!("{text}destination = /d\n")
                }
                _ => format!("{text}{rest}"),
            };
            let (path, home) = (Path::new("/c.ini"), Some(Path::new("/home/anna")));
            let around = Around { home, ..Around::default() };
            let read = Config::parse(text.as_bytes(), path, Path::new("/"), around);
            assert!(read.is_ok(), "{text}: {}", read.err().unwrap());
        }
    }
}
