# The function: reads the event, answers it. Its standard output is the answer, so it logs to the other one.
handler() {
  local event
  event=$(cat)
  echo "$(date +%s%N) [function] step 5: runs" >&2
  printf '{"event":%s}' "$event"
}
