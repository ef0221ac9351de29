#!/bin/sh
# For commands that name the program as echoserver's image has it.
exec "$TRACEGATE_NODE" --disable-warning=ExperimentalWarning --max-semi-space-size=4 "$TRACEGATE_IMAGES/echoserver/src/main.ts" "$@"
