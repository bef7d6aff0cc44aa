#compdef keepmum
# Completions of keepmum for zsh. The program itself names the candidates.
_keepmum() {
    local -a ends begins ended begun
    local value about
    while IFS=$'\t' read -r value about; do
        if [[ $value == */ ]]; then
            begins+=("$value")
            begun+=("$value${about:+  -- $about}")
        else
            ends+=("$value")
            ended+=("$value${about:+  -- $about}")
        fi
    done < <("${(Q)words[1]}" __complete zsh "${(@Q)words[1,CURRENT]}" 2>/dev/null)
    (( $#ends )) && compadd -V keepmum -l -d ended -a ends
    (( $#begins )) && compadd -V keepmum -l -S '' -d begun -a begins
    (( $#ends + $#begins ))
}
if [[ $funcstack[1] == _keepmum ]]; then
    _keepmum "$@"
else
    compdef _keepmum keepmum
fi
