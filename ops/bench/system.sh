#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# system - what the benches share: the build, throw-away systems, figures. To be sourced with set -euo pipefail, from the folder $root.
#
# Everything is in the temporary folder $work and ends with the script: figures as "NAME VALUE UNIT" lines, commands that made
# them, failures.
# shellcheck disable=SC2034,SC2154    # whoever sources it uses what is set here, and sets what is used

build=${CF_BENCH_BUILD:-$root/build}
users=8
work=$(mktemp -d "${TMPDIR:-/tmp}/codeforge-bench-XXXXXX")
chmod 711 "$work"
figures=$work/figures
failures=$work/failures
: >"$figures"; : >"$failures"
home=
port=8000 ops_port=5555 simulator_port=0 secret=nobody-is-believed
settings=()
to_system=()

# ---- words

say () { echo "$@" >&2; }
figure () { awk -F '\t' -v name="$1" '$1 == name { value = $2 } END { print value == ""? "-": value }' "$figures"; }

# measure COMMAND [OPTION...]: runs the load client; its figures are kept, a failure is noted and does not end the run
measure () {
    say "codeforge-load $*"
    echo "codeforge-load $*" | sed "s#--users [^ ]*#--users USERS#; s#--database [^ ]*#--database URL#" >>"$work/commands"
    if ! with_settings "$build/bin/codeforge-load" "$@" 2>"$work/stderr" | tee -a "$figures" >&2; then
        sed "s/^/$1: /" "$work/stderr" | tee -a "$failures" >&2
    fi
}

# share of the machine that was busy during two seconds, in %
busy () {
    { head -n 1 /proc/stat; sleep 2; head -n 1 /proc/stat; } | awk '
        { idle [NR] = $5 + $6; all [NR] = 0; for (at = 2; at <= 9; at++) all [NR] += $at }
        END { printf "%.0f", 100 * (1 - (idle [2] - idle [1]) / (all [2] - all [1])) }'
}

# ---- a throw-away system

free_port () {
    local port
    while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

with_settings () {
    env -i PATH="$PATH" HOME="${HOME:-/}" LANG=C.UTF-8 ENVIRONMENT=test LOG_LEVEL=warning PORT="$port" OPS_PORT="$ops_port" \
        SIMULATOR_PORT="$simulator_port" CODEFORGE_HOME="${home:-$work}" SUPABASE_JWT_SECRET="$secret" JOBS_MAX_OPEN=200000 \
        JOBS_MAX_OPEN_PER_USER=200000 BROKER_QUEUE_MAX=200000 RATE_LIMIT_PER_MINUTE=1000000 "${settings[@]}" "$@"
}

# begin NAME [SETTING=VALUE...]: a new system with an empty database, users and projects in it
begin () {
    home=$work/$1 settings=("${@:2}")
    port=$(free_port) ops_port=$(free_port) simulator_port=$(free_port)
    secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    database="postgresql://codeforge@/codeforge?host=${home//\//%2F}%2Frun%2Fpg"
    say "starting a system ($1)"
    with_settings "$build/bin/codeforge" up --detach >"$work/$1.up" 2>&1 || { cat "$work/$1.up" >&2; exit 1; }
    for ((user = 0; user < users; user++)); do
        with_settings "$build/bin/codeforge" token --user "$(cat /proc/sys/kernel/random/uuid)" --ttl 36000
    done | with_settings "$build/bin/codeforge-load" prepare --port "$port" >"$work/$1.users"
    to_system=(--port "$port" --users "$work/$1.users")
}

end () {
    [ "$home" ] || return 0
    with_settings "$build/bin/codeforge" down >/dev/null 2>&1 || say "the system did not stop in time"
    home=
}

finish () {
    local status=$?
    end
    [ "${CF_BENCH_KEEP:-}" ] && say "kept: $work" || rm -rf "$work"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

# ---- the report

cell () { awk -v value="$1" 'BEGIN { if (value == "-") print "-"; else if (value >= 100) printf "%.0f", value; else printf "%.2f", value }'; }

machine () {
    echo "- $(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores shared by client, system and database;" \
         "$(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo) of memory"
    echo "- $(. /etc/os-release; echo "$PRETTY_NAME"), kernel $(uname -r | cut -d- -f1); $(gcc --version | head -1); build type RelWithDebInfo"
    echo "- PostgreSQL $(pg_config --version 2>/dev/null | awk '{ print $2 }'), the private one, with its settings as shipped: every commit waits for the disk (fsync and synchronous_commit on)"
    echo "- the machine was $busy_before % busy before the run and $busy_after % after it$( ((busy_before > 5 || busy_after > 5)) &&
            echo ": **it had other work to do, so the rates are too low and the times too high**")"
}

made_by () {
    echo "on $(date -u +%Y-%m-%d), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD 2>/dev/null || echo " with uncommitted changes")"
}

# ---- the build

if [ -z "${CF_BENCH_BUILD:-}" ]; then
    say "building"
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCF_SANITIZE=OFF >"$work/build.log" 2>&1 \
        && ninja -C "$build" all codeforge-load >>"$work/build.log" 2>&1 || { tail -30 "$work/build.log" >&2; exit 1; }
fi
