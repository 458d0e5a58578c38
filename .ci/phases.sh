# shellcheck shell=bash
# Runs the steps of a long command one after another and prints what each took; sourced.

PHASES=()

# phase NAME COMMAND…: the first phase that fails ends the command, after the summary.
phase() {
    local name="$1" before=$SECONDS code
    shift
    say "$name"
    # Not `( … ) || code=$?`: there, bash would ignore `set -e` inside a phase that is a function.
    set +e
    (
        set -e
        "$@"
    )
    code=$?
    set -e
    if [ "$code" -eq 0 ]; then
        PHASES+=("$(printf '%6d s  ok      %s' $((SECONDS - before)) "$name")")
    else
        PHASES+=("$(printf '%6d s  FAILED  %s' $((SECONDS - before)) "$name")")
        summary
        exit "$code"
    fi
}

summary() {
    printf '\n'
    printf '%s\n' "${PHASES[@]}"
    printf '%6d s  in all\n' "$SECONDS"
}
