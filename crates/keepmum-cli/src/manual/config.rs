//! The page about the config file: `help config` and `man 5 keepmum-config`.

use super::{Page, pages};
use crate::config::{Entry, KEYS};

/// Every key, and how the file is read.
pub(crate) fn page() -> Page {
    let mut page = Page::default();
    page.section("The file");
    page.text(
        "The config is ~/.config/keepmum/config.ini, unless --config or $KEEPMUM_CONFIG names \
         another file. For root, /etc/keepmum/config.ini is read if there is no such file in the \
         home. `keepmum init` writes a config. `keepmum config show` prints the settings that hold \
         and where each comes from, `keepmum config check` names every problem.",
    );
    page.text(
        "It is an INI file: sections in brackets, and one `key = value` on each line. A value is \
         taken literally, to the end of its line: quotes are part of it, and a `#` begins a \
         comment only at the start of a line. Further values of `to_backup` and `to_exclude` \
         follow on indented lines. An unknown key is an error.",
    );
    page.text("The least that a config needs:");
    page.literal(
        "[Credentials]\npassword = correct horse battery staple\n\n[Destination]\n\
         destination = ~/Dropbox/Backup\n\n[Backup]\nto_backup = ~/Documents\n    ~/Pictures",
    );
    page.section("Paths");
    page.text(
        "A path that does not begin with `/` counts from the folder of the config. `~` is your home, \
         and `$NAME` is an environment variable, if it is set. A path in `password_file` may begin \
         with `%d`, the folder of systemd's credentials ($CREDENTIALS_DIRECTORY).",
    );
    let mut section = "";
    for entry in &KEYS {
        if entry.section_word() != section {
            section = entry.section_word();
            page.section(&format!("[{section}]"));
            if section == "Retention" {
                page.text(RETENTION);
            }
        }
        explain(&mut page, entry);
    }
    patterns(&mut page);
    passwords(&mut page);
    page
}

const RETENTION: &str = "\
Which snapshots `keepmum forget` keeps when nothing else is typed. A snapshot stays if one of these \
keys keeps it. The newest complete snapshot always stays, and so does a pinned one.";

/// The explanation of one key.
pub(crate) fn key(word: &str) -> Option<Page> {
    let is_it = |known: &str| known.eq_ignore_ascii_case(word);
    let mut found = KEYS.iter().filter(|key| is_it(key.word) || key.alias.is_some_and(is_it));
    let entry = found.next()?;
    let mut page = Page::default();
    page.text(format!("A key of [{}]:", entry.section_word()));
    explain(&mut page, entry);
    Some(page)
}

fn explain(page: &mut Page, entry: &Entry) {
    page.item(format!("`{}`", entry.word), entry.about);
    let default = match entry.default {
        "" => String::new(),
        default => format!(" Default: {default}."),
    };
    page.further(format!(
        "Value: {}.{default} Example: `{} = {}`",
        entry.value, entry.word, entry.example
    ));
    if let Some(alias) = entry.alias {
        page.further(format!("`{alias}` is another word for it."));
    }
}

fn patterns(page: &mut Page) {
    page.section("Patterns");
    page.text(
        "`to_exclude` takes patterns as in a .gitignore file, relative to each folder in \
         `to_backup`. The last pattern that matches decides. `keepmum backup --dry-run --verbose` \
         lists what they exclude.",
    );
    for (pattern, meaning) in [
        ("*.tmp", "Every file whose name ends so, in any folder."),
        ("node_modules/", "Every folder of this name."),
        ("/Downloads", "Only the one directly in a folder of `to_backup`."),
        ("~/Videos/raw", "This path, if it lies in a folder of `to_backup`."),
        ("cache/**/old", "Any number of folders in between."),
        ("!important.tmp", "Not excluded after all."),
    ] {
        page.item(format!("`{pattern}`"), meaning);
    }
}

fn passwords(page: &mut Page) {
    page.section("Where the password comes from");
    page.text(
        "The first of these counts: --password-file, the config (`password`, `password_command` or \
         `password_file`), $KEEPMUM_PASSWORD, a question on the terminal. A recovery code is \
         accepted wherever a password is. A password is never typed on the command line, where \
         other programs can read it.",
    );
    page.text("From the keyring of the desktop, from pass, and from systemd:");
    page.literal(
        "password_command = secret-tool lookup app keepmum\npassword_command = pass show keepmum\n\
         password_command = systemd-creds cat keepmum\npassword_file = %d/keepmum",
    );
}

/// The page for `man`.
pub(crate) fn manual() -> Page {
    let mut whole = Page::default();
    whole.section("Name");
    whole.text("keepmum-config - the config file of keepmum");
    whole.append(page());
    pages::files_and_environment(&mut whole);
    whole.section("See also");
    whole.text("keepmum(1), keepmum-init(1), keepmum-config(1)");
    whole
}

#[cfg(test)]
mod tests {
    use super::{key, manual, page};
    use crate::config::KEYS;

    #[test]
    fn every_key_is_there_with_its_example() {
        let (help, man) = (page().plain(100), manual().plain(100));
        for entry in &KEYS {
            let example = format!("{} = {}", entry.word, entry.example);
            assert!(help.contains(&example) && man.contains(&example), "{example}");
            assert!(key(entry.word).is_some_and(|page| page.plain(100).contains(&example)));
        }
        assert!(key("DROP_BOX_DIR").is_some() && key("nonsense").is_none());
    }
}
