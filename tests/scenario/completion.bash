#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-only
# Loads the completion into a bash that is not interactive and completes some words. FORGE_BIN: folder of forge;
# FORGE_SOURCE: the repository. Prints each breach; exit 1 when there is any.
set -uo pipefail
failures=0
PATH=$FORGE_BIN:$PATH
source "$FORGE_SOURCE/scripts/packaging/forge.bash" || exit 1
if [[ $(complete -p forge) != *'-F _forge forge' ]]; then
  echo "not registered: $(complete -p forge)"
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# completes EXPECTED WORD...: the last word is the one under the cursor; EXPECTED in any order.
completes() {
  local expected got
  expected=$(tr ' ' '\n' <<<"$1" | sort)
  shift
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  _forge
  got=$(printf '%s\n' "${COMPREPLY[@]}" | sort -u)
  if [[ $got != "$expected" ]]; then
    printf 'FAIL: "%s" completes to [%s], expected [%s]\n' "$*" "${got//$'\n'/ }" "${expected//$'\n'/ }"
    failures=$((failures + 1))
  fi
}

completes "chain checkpoint" forge ch
completes "migrate" forge chain mig
completes "resume" forge chain res
cat >c.toml <<'END'
name = "small"
seed = "s"
chains = 2
[lattice]
extents = [2, 2, 2, 2]
[scan]
beta_min = 5.5
[hmc]
steps = 2
[thermalisation]
trajectories = 1
[measurement]
trajectories = 2
END
forge run c.toml --out runs/r1 --quiet >/dev/null || failures=$((failures + 1))
completes "c0 c1" forge chain show --run runs/r1 c
completes "runs runs/r1" forge chain show --run r
completes "c.toml" forge run c.
completes "--last" forge chain verify --la
if [[ $failures -gt 0 ]]; then
  exit 1
fi
echo "completion: 7 words as expected"
