//! Options of other tools.

use super::{Foreign, row};

/// Whatever command they are given to.
pub(super) const OPTIONS: [Foreign; 33] = [
    row(
        &["-r", "--repo", "--repository", "--repository-file", "--rsh", "--remote-path"],
        "the config names the repository, and `--from FOLDER` reads one without a config",
        "`keepmum snapshots --from FOLDER`",
    ),
    row(
        &["-p", "--password", "--passphrase", "--password-command", "--insecure-no-password"],
        "a password is never typed on the command line, where other programs can read it",
        "use --password-file FILE or $KEEPMUM_PASSWORD, or set password_command in the config: see \
         `keepmum help config`",
    ),
    row(
        &[
            "-e",
            "--exclude",
            "--exclude-from",
            "--exclude-file",
            "--iexclude",
            "--iexclude-file",
            "--pattern",
            "--patterns-from",
            "--exclude-if-present",
            "--filter",
            "--glob",
            "--exclude-norecurse",
            "--iglob",
            "--glob-file",
        ],
        "excludes stand in the config, as gitignore patterns under to_exclude",
        "see `keepmum help config`, and try them with `keepmum backup --dry-run --verbose`",
    ),
    row(
        &["--exclude-caches", "--exclude-larger-than", "--exclude-nodump", "--keep-exclude-tags"],
        "the config has exclude_caches and exclude_larger_than",
        "see `keepmum help config`",
    ),
    row(&["--one-file-system"], "the config has one_file_system", "see `keepmum help config`"),
    row(
        &["--files-from", "--files-from-raw", "--files-from-verbatim", "--paths-from-stdin"],
        "the folders to back up stand in the config, under to_backup",
        "see `keepmum help config`",
    ),
    row(
        &["-i", "--include", "--iinclude", "--include-file", "--iinclude-file"],
        "name the path to restore instead",
        "`keepmum restore latest:/PATH --target FOLDER`",
    ),
    row(
        &["--strip-components"],
        "with a path, `restore` and `dump` leave out the folders above it",
        "`keepmum restore latest:/PATH --target FOLDER`",
    ),
    row(
        &[
            "--stdin",
            "--stdin-filename",
            "--stdin-from-command",
            "--stdin-name",
            "--content-from-command",
        ],
        "keepmum backs up folders, and not standard input",
        "write the data to a file in the source, then run `keepmum backup`",
    ),
    row(&["--stdout"], "`dump` writes to standard output", "`keepmum dump latest:/PATH`"),
    row(
        &["--tag", "--add", "--set", "--comment", "--set-tag", "--label-snapshot"],
        "a tag is given by the command `tag`, and names a snapshot like an id",
        "`keepmum tag latest before-update`, then `keepmum ls before-update:`",
    ),
    row(
        &["-H", "--host", "--hostname", "--filter-host"],
        "a computer is called a device here",
        "`keepmum ls --device NAME`; the config sets its name with device_name",
    ),
    row(&["--path", "--paths"], "write the path behind the snapshot", "`keepmum ls latest:/PATH`"),
    row(
        &["--latest", "--last", "--first"],
        "the latest snapshot is called latest, and the ones before it latest~1, latest~2",
        "`keepmum ls latest~1`; `keepmum snapshots` lists all",
    ),
    row(
        &[
            "--group-by",
            "--compact",
            "--prefix",
            "--glob-archives",
            "--match-archives",
            "--sort-by",
        ],
        "choose snapshots with --device, --source or --at",
        "`keepmum snapshots`",
    ),
    row(
        &["--verify", "--verify-data"],
        "a restore verifies every piece that it writes, and `check --read-data` verifies all of \
         them",
        "`keepmum check --read-data`",
    ),
    row(
        &["--no-lock", "--retry-lock", "--lock-wait", "--bypass-lock"],
        "keepmum has no locks",
        "leave the option out",
    ),
    row(
        &["--no-cache", "--cache-dir", "--cleanup-cache", "--files-cache", "--no-files-cache"],
        "the only cache is the local catalogue; the config sets its folder with db_path",
        "see `keepmum help config`",
    ),
    row(
        &["-C", "--compression", "--compress", "--pack-size"],
        "the config has compression",
        "see `keepmum help config`",
    ),
    row(
        &["--limit-download", "--bwlimit", "--upload-ratelimit", "--download-ratelimit"],
        "the limits are --limit-upload and --limit-read",
        "`keepmum backup --limit-upload 500K`",
    ),
    row(
        &[
            "--ignore-inode",
            "--ignore-ctime",
            "--no-scan",
            "--parent",
            "--with-atime",
            "--ignore-devid",
        ],
        "keepmum decides itself which files to read again, and never needs to be told",
        "leave the option out",
    ),
    row(
        &["--force"],
        "there is no option that overrides everything; a command that refuses names the one that \
         lets it go on",
        "leave the option out",
    ),
    row(
        &["--read-concurrency", "--jobs", "-j", "--parallel", "--transfers", "--checkers"],
        "the number of threads is set with --threads",
        "`keepmum backup --threads 2`",
    ),
    row(
        &["--skip-if-unchanged"],
        "a run that finds no changes uploads nothing",
        "leave the option out",
    ),
    row(
        &[
            "--keep-last",
            "--keep-hourly",
            "--keep-daily",
            "--keep-weekly",
            "--keep-monthly",
            "--keep-yearly",
            "--keep-within",
            "--keep-tag",
        ],
        "the command that has rules is `forget`; nothing was deleted",
        "`keepmum forget --keep-daily 7 --dry-run`",
    ),
    row(
        &["--max-unused", "--repack", "--max-repack-size"],
        "`prune` stores data again only where that costs little of the space that it frees",
        "`keepmum prune --max-upload 200M` frees more",
    ),
    row(
        &[
            "--encryption",
            "--repository-version",
            "--copy-chunker-params",
            "--storage-quota",
            "--make-parent-dirs",
            "--append-only",
        ],
        "every repository is encrypted, and there is nothing to choose",
        "`keepmum init`",
    ),
    row(
        &["--list", "--stats", "--progress", "--show-rc", "--info", "--debug"],
        "--verbose prints more, and progress is shown on a terminal",
        "add --verbose instead",
    ),
    row(
        &["--no-progress", "--silent", "--log-json", "--output", "--format"],
        "--quiet prints nothing on success, and --json prints JSON",
        "add --quiet or --json instead",
    ),
    row(
        &[
            "-o",
            "--option",
            "--key-hint",
            "--cacert",
            "--tls-client-cert",
            "--insecure-tls",
            "--http-user-agent",
        ],
        "there are no extended options: the destination is a folder",
        "see `keepmum help config`",
    ),
    row(
        &[
            "--sparse",
            "--numeric-ids",
            "--numeric-owner",
            "--no-xattrs",
            "--noxattrs",
            "--noacls",
            "--exclude-xattr",
            "--include-xattr",
        ],
        "a restore keeps holes, attributes and ACLs, and maps owners as --owner says",
        "`keepmum restore --owner number --target FOLDER`",
    ),
    row(
        &["--yes", "-y", "--non-interactive", "--no-input"],
        "this command asks nothing that an option could answer",
        "leave the option out",
    ),
    row(
        &["--time", "--before", "--date", "--when", "--timestamp"],
        "choose a snapshot by time with --at",
        "`keepmum ls --at \"2026-11-02 14:00\"`",
    ),
];
