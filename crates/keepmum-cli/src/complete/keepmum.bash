# Completions of keepmum for bash. The program itself names the candidates.
_keepmum() {
    local words=() word rest=$COMP_LINE glued
    # Bash has cut the line at colons and equals signs too; words are put together again.
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        glued=yes
        while [[ $rest == [[:blank:]]* ]]; do
            rest=${rest#?}
            glued=
        done
        rest=${rest#"$word"}
        if [[ $glued && ${#words[@]} -gt 0 ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
    done
    local current=${words[${#words[@]} - 1]} cut= value
    # Only the part behind the last cut is replaced.
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        cut=${current%"${current##*:}"}
    elif [[ $current == *=* && $COMP_WORDBREAKS == *=* ]]; then
        cut=${current%"${current##*=}"}
    fi
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        value=$(printf %q "$value")
        value=${value/#\\\~\//\~/}
        COMPREPLY+=("${value#"$cut"}")
    done < <("$1" __complete bash "${words[@]}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && $COMPREPLY == *[/:=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _keepmum keepmum 2>/dev/null || complete -F _keepmum keepmum
