#!/bin/bash
# An external extension: a process of its own beside the runtime, started before it and stopped after it.
# Steps in brackets are those of the post "Building Extensions for AWS Lambda"; each line has its time, ns.
set -uo pipefail

# The Extensions API knows an extension by the name of its file.
name=$(basename "$0")
api="http://${AWS_LAMBDA_RUNTIME_API}/2020-01-01/extension"
asking=
log() { echo "$(date +%s%N) [$name] $1"; }
trap '[ -n "$asking" ] && kill "$asking" 2>/dev/null; exit 0' TERM

log 'step 1: starts'
sleep "${EXTENSION_INIT_SECONDS:-1}"
identifier=$(curl -sS -o /dev/null -D - -X POST "$api/register" -H "Lambda-Extension-Name: $name" \
  -d '{"events":["INVOKE","SHUTDOWN"]}' | tr -d '\r' | awk -F': ' 'tolower($1) == "lambda-extension-identifier" { print $2 }')
[ -n "$identifier" ] || { log 'could not register'; exit 1; }
log 'step 1: is registered'

next=3
while true; do
  log "step $next: asks for the next event"
  event=$(mktemp)
  # In the background, so that the shell can hear signals while it waits.
  curl -sS -o "$event" "$api/event/next" -H "Lambda-Extension-Identifier: $identifier" &
  asking=$!
  wait "$asking" || { log 'the Extensions API does not answer'; exit 1; }
  asking=
  type=$(grep -o '"eventType":"[A-Z]*"' "$event" | cut -d'"' -f4)
  reason=$(grep -o '"shutdownReason":"[A-Za-z]*"' "$event" | cut -d'"' -f4)
  rm -f "$event"
  if [ "$type" = SHUTDOWN ]; then
    log "step 11: receives SHUTDOWN ($reason)"
    sleep "${EXTENSION_SHUTDOWN_SECONDS:-1}"
    log 'step 11: ends'
    exit 0
  fi
  log "step 4: receives $type"
  # Stands for what a companion does beside the function, and after it: collecting, sending.
  sleep "${EXTENSION_WORK_SECONDS:-5}"
  log 'step 8: has done its work'
  next=8
done
