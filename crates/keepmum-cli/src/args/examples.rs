//! Examples of each command: shown by `--help` and in the manual.
//!
//! A test reads each line as it would be typed, so that no example can be wrong for long.

/// A line that somebody may type, and its purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Example {
    /// Its purpose: verb first, no full stop.
    pub(crate) purpose: &'static str,
    /// The line.
    pub(crate) line: &'static str,
}

/// The examples of a command, by its name or names (`key add`); those of the program by none.
pub(crate) fn examples(command: &str) -> impl Iterator<Item = Example> {
    EXAMPLES
        .iter()
        .filter(move |(name, ..)| *name == command)
        .map(|(_, purpose, line)| Example { purpose, line })
}

/// By command, in the order in which they are shown.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("", "Set up a backup", "keepmum init"),
    ("", "Back up", "keepmum backup"),
    ("", "Ask whether your files are safe", "keepmum status"),
    ("", "Restore a folder to where it was", "keepmum restore ~/Documents"),
    (
        "",
        "Restore everything on a new computer, without a config",
        "keepmum restore --from ~/Dropbox/Backup --target ~/restored",
    ),
    ("init", "Answer a few questions and start", "keepmum init"),
    ("init", "Set up a second backup with its own config", "keepmum init --config ~/photos.ini"),
    (
        "init",
        "Make the repository of a config that you wrote, in a script",
        "keepmum init --config /etc/keepmum/config.ini --recovery-code-file ~/recovery-code",
    ),
    ("backup", "Back up", "keepmum backup"),
    ("backup", "See what would be saved", "keepmum backup --dry-run --verbose"),
    ("backup", "Back up from cron or a systemd timer", "keepmum backup --quiet"),
    (
        "backup",
        "Back up after deleting most files on purpose",
        "keepmum backup --accept-deletions=400",
    ),
    ("snapshots", "List the snapshots", "keepmum snapshots"),
    (
        "snapshots",
        "List the snapshots in a folder, without a config",
        "keepmum snapshots --from /media/disk/backup",
    ),
    ("ls", "List the latest snapshot", "keepmum ls"),
    ("ls", "List a folder with sizes and times", "keepmum ls -l ~/letters"),
    ("ls", "Search the whole snapshot before the latest", "keepmum ls -R latest~1 | grep tax"),
    ("restore", "Restore a folder to where it was", "keepmum restore ~/letters"),
    (
        "restore",
        "Restore a folder as it was yesterday to another place",
        "keepmum restore --at yesterday ~/letters --target ~/old",
    ),
    (
        "restore",
        "Restore everything on a new computer, without a config",
        "keepmum restore --from ~/Dropbox/Backup --target ~/restored",
    ),
    ("restore", "See what would be restored", "keepmum restore --dry-run --verbose"),
    (
        "dump",
        "Write an old version of a file to a new file",
        "keepmum dump latest~3:~/taxes.ods -o taxes-old.ods",
    ),
    ("dump", "Read a text file", "keepmum dump ~/notes.txt | less"),
    ("dump", "Write a folder as a tar archive", "keepmum dump ~/letters -o letters.tar"),
    ("diff", "See what changed since the latest backup", "keepmum diff latest"),
    ("diff", "Compare the two latest snapshots", "keepmum diff latest~1 latest"),
    ("forget", "See what the rules of the config would forget", "keepmum forget --dry-run"),
    (
        "forget",
        "Keep one snapshot a day for a week, and one a month for a year",
        "keepmum forget --keep-daily 7 --keep-monthly 12",
    ),
    ("forget", "Forget one snapshot", "keepmum forget d9ce4361"),
    ("forget", "Bring back the snapshots that you forgot last", "keepmum forget --undo"),
    ("forget", "Forget what is damaged beyond repair", "keepmum forget --damaged"),
    ("forget", "Forget, and give back the space", "keepmum forget --keep-daily 7 --prune"),
    ("prune", "See how much would come back", "keepmum prune --dry-run"),
    ("prune", "Free more, for at most 200 MiB to upload", "keepmum prune --max-upload 200M"),
    ("pin", "Keep the latest snapshot for ever", "keepmum pin latest"),
    ("pin", "Let the rules forget it again", "keepmum pin --remove d9ce4361"),
    ("tag", "Name the latest snapshot", "keepmum tag latest before-update"),
    ("tag", "Take the name away", "keepmum tag --remove before-update before-update"),
    ("check", "Verify that every stored file is there", "keepmum check"),
    ("check", "Verify every stored byte", "keepmum check --read-data"),
    ("check", "Verify another twentieth each day", "keepmum check --read-data-subset 5%"),
    ("status", "Ask whether your files are safe", "keepmum status"),
    ("status", "Raise an alarm in a script", "keepmum status --quiet --max-age 26h"),
    ("status", "Feed a monitoring system", "keepmum status --json"),
    ("log", "List the last runs", "keepmum log"),
    ("log", "See the problems of run 12", "keepmum log 12"),
    ("device", "List the devices with their ids", "keepmum device list"),
    (
        "device",
        "List the devices of a repository, without a config",
        "keepmum device list --from /media/disk/backup",
    ),
    ("device list", "List the devices with their ids", "keepmum device list"),
    (
        "device list",
        "List the devices of a repository, without a config",
        "keepmum device list --from /media/disk/backup",
    ),
    ("device rename", "Give this computer another name", "keepmum device rename laptop"),
    ("device retire", "Retire a computer that is gone", "keepmum device retire old-laptop"),
    ("tidy", "See which copies would be deleted", "keepmum tidy --dry-run"),
    ("tidy", "Delete the copies that a sync client made", "keepmum tidy"),
    ("key", "List the passwords and recovery codes", "keepmum key list"),
    ("key", "Change the password", "keepmum key passwd"),
    ("key", "Make a new recovery code", "keepmum key recovery"),
    ("key list", "List the passwords and recovery codes", "keepmum key list"),
    ("key add", "Add a password for Ben", "keepmum key add --label Ben"),
    ("key remove", "Remove the password or code with this id", "keepmum key remove 33f5"),
    ("key passwd", "Change the password", "keepmum key passwd"),
    (
        "key passwd",
        "Choose a new password after forgetting it, with the recovery code in a file",
        "keepmum key passwd --password-file code.txt",
    ),
    ("key recovery", "Make a new recovery code", "keepmum key recovery"),
    (
        "key recovery",
        "Make a new recovery code in a script",
        "keepmum key recovery --recovery-code-file ~/recovery-code",
    ),
    (
        "key sheet",
        "Write a sheet to print, with a new recovery code on it",
        "keepmum key sheet ~/recovery-sheet.html --new",
    ),
    ("config", "See every setting and its origin", "keepmum config show"),
    ("config", "Find mistakes in the config", "keepmum config check"),
    ("config check", "Find mistakes in the config", "keepmum config check"),
    (
        "config check",
        "Check a config before it is used",
        "keepmum config check --config /etc/keepmum/config.ini",
    ),
    ("config show", "See every setting and its origin", "keepmum config show"),
    ("help", "Show help for a command", "keepmum help restore"),
    ("help", "List every key of the config file", "keepmum help config"),
    ("help", "Learn what the words mean", "keepmum help words"),
    ("man", "Open the manual", "keepmum man"),
    ("man", "Open the page about the config file", "keepmum man config"),
    ("man", "Write a page to a file", "keepmum man restore > keepmum-restore.1"),
    (
        "completions",
        "Let bash complete what you type",
        "keepmum completions bash > ~/.local/share/bash-completion/completions/keepmum",
    ),
    (
        "completions",
        "Let zsh complete what you type, if ~/.zfunc is in $fpath",
        "keepmum completions zsh > ~/.zfunc/_keepmum",
    ),
    (
        "completions",
        "Let fish complete what you type",
        "keepmum completions fish > ~/.config/fish/completions/keepmum.fish",
    ),
    ("version", "Print the version", "keepmum version"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::EXAMPLES;
    use crate::args::definition::{commands, read};

    #[test]
    fn every_command_has_an_example() {
        let with: BTreeSet<_> =
            EXAMPLES.iter().map(|(command, ..)| (*command).to_owned()).collect();
        let all: BTreeSet<_> = commands().into_iter().collect();
        assert_eq!(all.difference(&with).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(with.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn every_example_can_be_typed() {
        for (command, purpose, line) in EXAMPLES {
            let words = line.split_whitespace().take_while(|word| !["|", ">"].contains(word));
            read(words.clone().map(Into::into), 100).unwrap_or_else(|e| panic!("{line}: {e}"));
            let begins = words.skip(1).collect::<Vec<_>>().join(" ");
            assert!(begins.starts_with(command), "{line} is no example of {command}");
            assert!(
                purpose.starts_with(char::is_uppercase) && !purpose.ends_with('.'),
                "{purpose}"
            );
        }
    }
}
