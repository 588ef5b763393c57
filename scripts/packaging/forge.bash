# SPDX-License-Identifier: AGPL-3.0-only
# bash completion for forge. Nouns, verbs and options come from the program's own help, so they are always its own;
# chains, devices and runs from the run at hand.

# Words of the help of "$@": subcommands (kind=words) or options (kind=options).
_forge_help() {
  local kind=$1 section='' line word
  shift
  while IFS= read -r line; do
    if [[ $line =~ ^[A-Z] ]]; then
      section=$line
      continue
    fi
    read -r word _ <<<"$line"
    if [[ $kind == words && $section == Subcommands:* && $word =~ ^[a-z][a-z-]*$ ]]; then
      printf '%s\n' "$word"
    elif [[ $kind == options && $section == Options:* && $word == -* ]]; then
      printf '%s\n' "${word//,/$'\n'}"
    fi
  done < <("$@" --help 2>/dev/null)
}

# Values of a string field in the "data" list of a command's JSON.
_forge_values() {
  local field=$1
  shift
  "$@" --json 2>/dev/null | grep -o "\"$field\": *\"[^\"]*\"" | sed 's/^[^:]*: *"//; s/"$//' | sort -u
}

_forge_runs() {
  local ledger
  for ledger in runs/*/ledger.sqlite; do
    [[ -e $ledger ]] && printf '%s\n' "${ledger%/ledger.sqlite}"
  done
}

_forge() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} program=${COMP_WORDS[0]} i word
  local -a command=("$program") run=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == --run && -n ${COMP_WORDS[i+1]:-} ]]; then
      run=(--run "${COMP_WORDS[i+1]}")
    elif [[ $word =~ ^[a-z]+$ && ${#command[@]} -lt 3 && ${COMP_WORDS[i-1]} != --* ]]; then
      command+=("$word")
    fi
  done
  case $prev in
    --run | --out | --cluster | --listen | --join | --code | --name | --id | --ttl | --address)
      [[ $prev == --run ]] && mapfile -t COMPREPLY < <(compgen -W "$(_forge_runs)" -- "$cur")
      [[ $prev == --run || $prev == --out || $prev == --cluster ]] && mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur")
      return
      ;;
    --device)
      mapfile -t COMPREPLY < <(compgen -W "$(_forge_values id "$program" device list)" -- "$cur")
      return
      ;;
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_forge_help options "${command[@]}")" -- "$cur")
    return
  fi
  local verbs
  verbs=$(_forge_help words "${command[@]}")
  if [[ -n $verbs ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
    return
  fi
  case "${command[*]:1}" in
    'chain '*)
      mapfile -t COMPREPLY < <(compgen -W "$(_forge_values chain "$program" chain list "${run[@]}")" -- "$cur")
      ;;
    'device enable' | 'device disable' | 'device tune')
      mapfile -t COMPREPLY < <(compgen -W "$(_forge_values id "$program" device list)" -- "$cur")
      ;;
    run)
      mapfile -t COMPREPLY < <(compgen -f -X '!*.toml' -- "$cur"; compgen -d -- "$cur")
      ;;
    'checkpoint check' | 'gauge '* | 'ledger check' | 'cluster init')
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      ;;
  esac
}
complete -o filenames -F _forge forge
