#!/usr/bin/env bash
# Makes the README's picture: runs the demo, fires two alerts, answers one, and takes a screenshot in a real browser.
set -euo pipefail
cd "$(dirname "$0")/.."
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "screenshot: no chromium found" >&2
  exit 1
}
dir=$(mktemp -d)
CGO_ENABLED=0 go build -o "$dir/pagerd" ./cmd/pagerd
"$dir/pagerd" demo --dir "$dir/data" --port 18090 >"$dir/demo.log" 2>&1 &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true; rm -rf "$dir"' EXIT
at=http://127.0.0.1:18090
until curl -sf -o /dev/null "$at/"; do
  kill -0 "$demo" || { cat "$dir/demo.log"; exit 1; }
  read -rt 0.1 <> <(:) || true
done
state() { curl -s "$at/log"; }
curl -sf -o /dev/null -X POST "$at/fire/db-replica-lag"
until state | grep -q '"kind":"arrived".*#1001'; do read -rt 0.2 <> <(:) || true; done
number=$(state | grep '"kind":"arrived".*Reply 4 ack' | head -1 | sed 's/.*"to":"\([^"]*\)".*/\1/')
curl -sf -o /dev/null -X POST "$at/phone/$number/reply" --data-urlencode 'text=4'
curl -sf -o /dev/null -X POST "$at/fire/checkout-5xx"
until state | grep -q '"kind":"arrived".*#1002'; do read -rt 0.2 <> <(:) || true; done
shoot() {
  timeout 30 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$(mktemp -d -p "$dir")" \
    --window-size="$2" --screenshot="$3" --timeout=3000 "$1" >/dev/null 2>&1
}
shoot "$at/" 1280,1000 "${1:-deploy/demo.png}"
if [ $# -gt 1 ]; then
  shoot http://127.0.0.1:18092/status 390,844 "$2"
  shoot http://127.0.0.1:18092/status 1280,900 "$2.wide.png"
fi
