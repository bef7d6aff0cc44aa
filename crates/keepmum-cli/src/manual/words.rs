//! The words that keepmum uses, each explained once.

use super::Page;

/// A word and its meaning.
pub(crate) struct Word {
    /// The word.
    pub(crate) word: &'static str,
    /// Its meaning, in full sentences.
    pub(crate) meaning: &'static str,
}

/// Words that people read, then those of JSON and of the documents for developers.
pub(crate) const WORDS: [Word; 26] = [
    word("source", "The folders that one config backs up. A source has a name."),
    word("destination", "The folder that the backup goes to, usually inside a synced folder."),
    word(
        "repository",
        "Everything that is stored in a destination under one set of keys. Several devices can \
         share a repository.",
    ),
    word("device", "A computer that backs up. A device has a name and an id of its own."),
    word(
        "snapshot",
        "The state of a source at one time. A snapshot is named by its id, by latest, by latest~1 \
         (the one before the latest), or by a time with --at.",
    ),
    word("run", "One backup, from its start to its end. `keepmum log` lists the runs."),
    word(
        "config",
        "The file with your settings, ~/.config/keepmum/config.ini unless you choose another. \
         `keepmum help config` explains its keys.",
    ),
    word(
        "stored file",
        "One encrypted file in the destination. Its name and content tell others nothing. It is \
         never changed after it was written.",
    ),
    word(
        "piece",
        "A part of a file, on average 64 KiB. Equal pieces are stored once, whichever files and \
         devices they come from.",
    ),
    word(
        "password",
        "Opens the repository. A repository can have several passwords. Without any of them, and \
         without a recovery code, nobody can read it, and nobody can reset it.",
    ),
    word(
        "recovery code",
        "A long code that keepmum makes and shows once. It opens everything if the password is \
         lost. Keep it on paper, away from the computer.",
    ),
    word(
        "catalogue",
        "The local index of what is stored, with your file names. It only saves time, and is made \
         again if it is lost. It must not lie in the destination.",
    ),
    word("complete", "Said of a snapshot: all its stored files are here."),
    word(
        "arriving (pending)",
        "Some stored files have not been synced to this computer yet. Nothing is damaged. Wait for \
         the sync client.",
    ),
    word(
        "lost",
        "A stored file that was here is gone. The next backup stores its content again if the \
         source still has it.",
    ),
    word(
        "damaged",
        "A stored file has the wrong content. It was changed on the disk or on its way. The next \
         backup stores its content again if the source still has it.",
    ),
    word(
        "overdue",
        "A device has not been backed up for longer than its config says under `every`.",
    ),
    word("silent", "A device from which nothing has arrived for 28 days."),
    word(
        "conflict copy",
        "A second copy of a stored file that a sync client made under another name. It does no \
         harm.",
    ),
    word(
        "moved",
        "A file or folder that has another path than before. Its content is not stored again, and \
         it does not count as deleted.",
    ),
    word("object", "In JSON and in documents for developers: a stored file."),
    word("chunk", "In JSON and in documents for developers: a piece."),
    word("slot", "In JSON: the place of one password or recovery code."),
    word(
        "record",
        "In JSON and in documents for developers: the last thing that a run writes. The run counts from then \
         on.",
    ),
    word("entry", "In JSON: a file, folder, link or device node."),
    word(
        "key block",
        "A stored file of 4096 bytes that holds the keys, encrypted with your passwords. There are \
         several copies of it.",
    ),
];

const fn word(word: &'static str, meaning: &'static str) -> Word {
    Word { word, meaning }
}

/// `help words`.
pub(crate) fn page() -> Page {
    let mut page = Page::default();
    page.text("The words that keepmum uses:");
    WORDS.iter().for_each(|word| page.item(word.word, word.meaning));
    page
}

#[cfg(test)]
mod tests {
    use super::{WORDS, page};

    #[test]
    fn each_word_is_explained_once_and_in_sentences() {
        let mut seen: Vec<_> = WORDS.iter().map(|word| word.word).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), WORDS.len());
        for word in &WORDS {
            assert!(word.meaning.ends_with('.') && !word.meaning.contains("  "), "{}", word.word);
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [60, 80, 120] {
            let page = page().plain(width);
            let widest = page.lines().map(|line| line.chars().count()).max();
            assert!(widest.is_some_and(|widest| widest <= width), "{page}");
        }
    }
}
