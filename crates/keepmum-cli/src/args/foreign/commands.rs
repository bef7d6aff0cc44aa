//! Commands of other tools.

use super::{Foreign, row};

/// Commands of later versions are said to be missing; all others have another name here.
pub(super) const COMMANDS: [Foreign; 43] = [
    row(
        &["unlock", "break-lock", "with-lock"],
        "keepmum has no locks, so there is nothing to unlock",
        "an interrupted run blocks nothing: run `keepmum backup` again",
    ),
    row(
        &["create", "save", "put", "push", "full", "incremental"],
        "the command is called `backup`; the config names the folders",
        "`keepmum backup`; `keepmum init` writes a config if there is none",
    ),
    row(
        &["extract", "recover", "get", "restore-path"],
        "the command is called `restore`",
        "`keepmum restore latest:/PATH --target FOLDER`",
    ),
    row(
        &["list", "repo-list", "rlist", "archives", "versions", "collection-status"],
        "`keepmum snapshots` lists the snapshots, and `keepmum ls` lists their files",
        "`keepmum snapshots`",
    ),
    row(
        &["info", "repo-info", "rinfo", "repoinfo", "repository", "df", "size", "du"],
        "`keepmum status` shows the state and the space used, `keepmum snapshots` each snapshot",
        "`keepmum status`",
    ),
    row(
        &["stats", "analyze", "content"],
        "this version has no `stats`; `status` shows the space used, and `snapshots` how much \
         each snapshot added",
        "`keepmum status`",
    ),
    row(
        &["find", "search", "locate"],
        "this version has no `find` yet",
        "search one snapshot with `keepmum ls -R latest | grep NAME`",
    ),
    row(
        &["history"],
        "this version has no `history` yet",
        "look at an older version with `keepmum ls -l latest~1:/PATH`",
    ),
    row(
        &["delete", "remove-older-than", "rm", "expire"],
        "the command is called `forget`; nothing was deleted",
        "`keepmum forget SNAPSHOT`, or `keepmum forget --keep-daily 7 --dry-run`",
    ),
    row(
        &["repo-delete", "rdelete"],
        "keepmum never deletes a repository",
        "delete the folder of the destination yourself; see it with `keepmum config show`",
    ),
    row(
        &["compact", "gc", "purge", "maintenance"],
        "the command is called `prune`; nothing was deleted",
        "`keepmum prune`, or see what it would delete with `keepmum prune --dry-run`",
    ),
    row(
        &["mount", "umount", "unmount", "webdav", "browse", "show"],
        "this version cannot mount snapshots yet",
        "look with `keepmum ls`, and copy out with `keepmum restore` or `keepmum dump`",
    ),
    row(
        &["ui", "gui", "serve", "server"],
        "this version has no page to look at and serves nothing; the destination is a folder",
        "look with `keepmum snapshots` and `keepmum ls`",
    ),
    row(
        &["copy", "transfer", "sync", "copyto", "move", "replicate"],
        "this version cannot copy a repository; stored files never change, so any tool can",
        "copy the folder of the destination with rsync or the file manager, then run \
         `keepmum check --from COPY`",
    ),
    row(
        &["rename", "comment"],
        "snapshots have ids, and tags as names",
        "`keepmum tag latest before-update`",
    ),
    row(
        &["unpin", "protect"],
        "the command is called `pin`",
        "`keepmum pin latest`, `keepmum pin --remove latest`",
    ),
    row(
        &["devices", "hosts", "clients"],
        "the computers of a repository are called devices",
        "see them with `keepmum device list`",
    ),
    row(
        &["clean", "cleanup", "tidyup", "gc-copies"],
        "copies that a sync client made are deleted by `keepmum tidy`",
        "see what it would do with `keepmum tidy --dry-run`",
    ),
    row(
        &["destination", "remote", "connect"],
        "this version stores into folders only; the config names the one",
        "see it with `keepmum config show`",
    ),
    row(
        &["run", "schedule", "cron", "daemon", "watch"],
        "this version has no scheduler",
        "let cron or a systemd timer run `keepmum backup --quiet`",
    ),
    row(
        &["notify"],
        "this version sends no messages",
        "let a script look at the exit code of `keepmum status --max-age 26h`",
    ),
    row(
        &["drill", "anomaly"],
        "this version does not have this command yet",
        "try a restore: `keepmum restore --target FOLDER`, and verify with \
         `keepmum check --read-data`",
    ),
    row(
        &["verify", "test", "fsck", "cryptcheck", "validate"],
        "the command is called `check`",
        "`keepmum check --read-data` reads and verifies every byte",
    ),
    row(
        &["repair", "rebuild-index", "recreate", "rewrite", "repair-index"],
        "there is nothing to repair by hand: each backup stores again what is missing or damaged, \
         if the source still has it",
        "`keepmum check --read-data`, then `keepmum backup`",
    ),
    row(
        &["cat", "export-tar", "export", "print"],
        "the command is called `dump`; it writes a file as it is, and a folder as a tar archive",
        "`keepmum dump latest:/PATH`",
    ),
    row(
        &["import-tar", "import", "merge"],
        "keepmum backs up folders, and imports no archives",
        "unpack the archive into a folder of the source, then run `keepmum backup`",
    ),
    row(&["lsl", "tree", "ll"], "the command is called `ls`", "`keepmum ls -l -R latest`"),
    row(
        &["change-passphrase", "passwd", "password", "key-change-passphrase"],
        "passwords belong to the command `key`",
        "`keepmum key passwd`",
    ),
    row(
        &["cache", "catalogue"],
        "the only cache is the local catalogue; it is made again if it is lost",
        "see where it is with `keepmum config show`",
    ),
    row(
        &["upgrade", "migrate", "convert", "rollback"],
        "a repository needs no migration",
        "see its state with `keepmum status`",
    ),
    row(
        &["self-update", "update"],
        "keepmum does not update itself; your package manager does",
        "`keepmum version`",
    ),
    row(
        &["options", "features"],
        "there are no extended options; the config has all settings",
        "`keepmum help config`",
    ),
    row(
        &["policy", "rules", "settings", "show-config", "configure"],
        "settings stand in the config file",
        "`keepmum config show`, `keepmum help config`",
    ),
    row(
        &["exclude", "filter"],
        "excludes stand in the config, as gitignore patterns under to_exclude",
        "`keepmum help config`",
    ),
    row(
        &["add", "include"],
        "the folders to back up stand in the config, under to_backup",
        "`keepmum help config`",
    ),
    row(
        &["snapshot", "archive"],
        "the command is called `backup`, and `snapshots` lists what it made",
        "`keepmum backup`",
    ),
    row(
        &["repo-create", "rcreate", "setup", "new", "join"],
        "the command is called `init`; it also joins a repository that is already there",
        "`keepmum init`",
    ),
    row(&["logs", "runs", "events"], "the command is called `log`", "`keepmum log`"),
    row(&["health", "state", "doctor"], "the command is called `status`", "`keepmum status`"),
    row(&["compare", "changes"], "the command is called `diff`", "`keepmum diff latest`"),
    row(
        &["keys", "recovery", "recovery-code"],
        "the command is called `key`",
        "`keepmum key list`, `keepmum key recovery`",
    ),
    row(
        &["debug", "benchmark", "generate"],
        "keepmum has no such command",
        "`keepmum help` lists the commands",
    ),
    row(
        &["login", "logout", "auth"],
        "keepmum has no accounts: the sync client of your service carries the files",
        "`keepmum init`",
    ),
];
