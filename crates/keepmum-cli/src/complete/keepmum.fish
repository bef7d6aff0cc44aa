# Completions of keepmum for fish. The program itself names the candidates.
function __keepmum_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    $words[1] __complete fish $words "$current" 2>/dev/null
end
complete --command keepmum --no-files --keep-order --arguments '(__keepmum_complete)'
